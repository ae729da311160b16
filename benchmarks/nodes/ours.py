"""What the operator needs beside the nodes: its CRDs, AWS's place taken by the simulator, and a cluster that is Ready.

The cluster is made before anything is measured; the nodes of the load then carry its id and those of its instances
in their providerIDs, and the labels that the operator gave them in an earlier life: a fleet at rest, as every restart
finds it. The simulator brings no nodes itself: the load's are the only ones, for every contestant.
"""

import copy
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import boto3
import yaml

from benchmarks.nodes.contestants import ROOT
from benchmarks.nodes.manifest import GROUP, INSTANCE_TYPE
from hyperpod_operator.core.health.facts import ClusterFacts, GroupFacts, InstanceFacts
from hyperpod_operator.core.health.labels import missing_labels
from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.location import cluster_id
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.simulator import Options, Simulator
from hyperpod_testbed.stack import ACCOUNT, OperatorProcess

READY_SECONDS = 90.0
SPEED_WHILE_CREATING = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where the operator finds AWS, the cluster whose nodes it looks after, its instances, and their nodes' labels."""

    environment: Mapping[str, str]
    cluster_id: str
    instance_ids: Sequence[str]
    labels: Mapping[str, str]


@contextmanager
def surroundings(plane: ControlPlane, *, nodes: int) -> Iterator[Surroundings]:
    """A Ready HyperPodCluster of so many instances, and the simulator at real speed."""
    plane.install_crds(ROOT / "crds")
    with Simulator(options=Options.crowded(), account=ACCOUNT, speed=SPEED_WHILE_CREATING) as simulator:
        environment = simulator.environment()
        process = OperatorProcess(
            kubeconfig=plane.kubeconfig, environment=environment, log=plane.directory / "operator-setup.log"
        ).start()
        try:
            plane.kubectl("apply", "-f", "-", input=json.dumps(_cluster(nodes)))
            arn = _ready(plane, process)
        finally:
            process.stop()
        simulator.clock.set_speed(1.0)
        yield Surroundings(
            environment=environment,
            cluster_id=cluster_id(arn),
            instance_ids=sorted(instance_id for _, instance_id in instances(environment, arns=[arn])),
            labels=labels(),
        )


def instances(environment: Mapping[str, str], *, arns: Iterable[str]) -> list[tuple[str, str]]:
    """(ARN of the cluster, instance id) of every instance of these clusters, as SageMaker lists them."""
    client = boto3.client(
        "sagemaker",
        endpoint_url=environment["AWS_ENDPOINT_URL_SAGEMAKER"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    paginator = client.get_paginator("list_cluster_nodes")
    return [
        (arn, one["InstanceId"])
        for arn in arns
        for page in paginator.paginate(ClusterName=arn)
        for one in page["ClusterNodeSummaries"]
    ]


def labels() -> dict[str, str]:
    """What the operator sets on a node of the group."""
    group = GroupFacts(name=GROUP, instance_type=INSTANCE_TYPE, accelerated=True)
    instance = InstanceFacts(instance_id="i", group=GROUP, instance_type=INSTANCE_TYPE, status="Running")
    facts = ClusterFacts(cluster_id="c", name="c", groups={GROUP: group}, instances={"i": instance})
    now = datetime.now(UTC)
    bare = Node(
        name="n",
        uid="u",
        resource_version="1",
        cluster_id="c",
        instance_id="i",
        created_at=now,
        labels={},
        annotations={},
    )
    return missing_labels(bare, facts)


def _cluster(nodes: int) -> dict[str, object]:
    """The example with one group of this size."""
    made = copy.deepcopy(yaml.safe_load((ROOT / "examples" / "gpu-and-cpu.yaml").read_text()))
    made["metadata"] |= {"name": "bench", "namespace": "default"}
    made["spec"]["instanceGroups"] = [made["spec"]["instanceGroups"][0] | {"instanceCount": nodes}]
    return dict(made)


def _ready(plane: ControlPlane, process: OperatorProcess) -> str:
    deadline = time.monotonic() + READY_SECONDS
    status: dict[str, object] = {}
    while time.monotonic() < deadline:
        status = json.loads(plane.kubectl("get", "hpc", "bench", "-o", "json").stdout).get("status", {})
        conditions = status.get("conditions", [])
        if isinstance(conditions, list) and any(
            item["type"] == "Ready" and item["status"] == "True" for item in conditions
        ):
            return str(status["clusterArn"])
        time.sleep(0.5)
    raise RuntimeError(f"the operator's cluster is not Ready: {status}. Its log ends so:\n{process.child.tail(20)}")
