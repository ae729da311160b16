"""Where claims are measured: clusters that are complete at once, Nodes that join when this says so, and claims.

The Nodes are written here and not by the simulator: the moment at which one joins is known then.
"""

import http.client
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import boto3

from benchmarks.environment import BenchmarkError, Environment
from benchmarks.environment.objects import NAMESPACE, Connect, connect
from hyperpod_operator.api.names import API_VERSION, VOLUME_CLAIM_KIND, VOLUME_CLAIM_PLURAL
from hyperpod_testbed.simulator.calls import Call
from hyperpod_testbed.simulator.client import SimulatorClient

REGION = "us-west-2"
PATIENCE = 240.0
CLAIMS_PATH = f"/apis/{API_VERSION}/namespaces/{NAMESPACE}/{VOLUME_CLAIM_PLURAL}"
ATTACH = "AttachClusterNodeVolume"
AT_ONCE = (
    "volume_create",
    "volume_attach",
    "volume_detach",
    "volume_release",
    "volume_delete",
    "node_delete",
    "update_settle",
)


class Scene:
    """The environment with the means to make clusters, Nodes and claims in it."""

    def __init__(self, env: Environment) -> None:
        self.env = env
        self._connect: Connect = connect(env.plane)
        environment = env.aws.environment()
        self._controls = SimulatorClient(environment["AWS_ENDPOINT_URL_EC2"])
        self.set_timings(**dict.fromkeys(AT_ONCE, 0.0))
        self.sagemaker = boto3.client(
            "sagemaker",
            region_name=REGION,
            endpoint_url=environment["AWS_ENDPOINT_URL_SAGEMAKER"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        )

    def set_timings(self, **seconds: float) -> None:
        self._controls.settings.set_timings(**seconds)

    def cluster(self, name: str, groups: Mapping[str, int]) -> "Cluster":
        """A complete HyperPod cluster without Nodes."""
        request = {
            "InstanceGroups": [_group(group, count) for group, count in groups.items()],
            "NodeProvisioningMode": "Continuous",
        }
        arn = str(self._controls.world.create_foreign_cluster(name, request=request))
        return Cluster(self, name=name, arn=arn)

    def claims(self, bodies: Sequence[Mapping[str, Any]], *, lanes: int = 4) -> float:
        """Create them; when the first was sent."""
        first = time.time()
        with ThreadPoolExecutor(lanes) as threads:
            list(threads.map(lambda part: self.posts(CLAIMS_PATH, part), [bodies[one::lanes] for one in range(lanes)]))
        return first

    def posts(self, path: str, bodies: Iterable[Mapping[str, Any]]) -> None:
        connection = self._connect()
        for body in bodies:
            self._asked(connection, "POST", path, body)
        connection.close()

    def get(self, path: str) -> dict[str, Any]:
        connection = self._connect()
        try:
            return self._asked(connection, "GET", path, None)
        finally:
            connection.close()

    def until(self, found: Callable[[], object], *, what: str) -> float:
        """Wait for it; the wall-clock time at which it was seen."""
        deadline = time.monotonic() + PATIENCE
        while not found():
            if time.monotonic() > deadline:
                raise BenchmarkError(f"{what}: not within {PATIENCE:.0f} s")
            time.sleep(0.02)
        return time.time()

    def ready(self) -> int:
        """How many claims are Ready."""
        listed = self.get(CLAIMS_PATH)["items"]
        return sum(_is_ready(one) for one in listed)

    def attached(self, *, since: int) -> list[Call]:
        return [call for call in self.env.aws.calls(ATTACH, since=since) if call.code == "OK"]

    @staticmethod
    def _asked(connection: http.client.HTTPSConnection, verb: str, path: str, body: Any) -> dict[str, Any]:
        connection.request(verb, path, body=json.dumps(body), headers={"Content-Type": "application/json"})
        answer = connection.getresponse()
        made: dict[str, Any] = json.loads(answer.read())
        if answer.status >= http.client.BAD_REQUEST:
            raise BenchmarkError(f"{verb} {path}: {answer.status} {made.get('message', '')}")
        return made


class Cluster:
    """One HyperPod cluster, and the Nodes that this claim writes for it."""

    def __init__(self, scene: Scene, *, name: str, arn: str) -> None:
        self._scene, self.name, self._id = scene, name, arn.rpartition("/")[2]

    def instances(self) -> dict[str, str]:
        """Running instances: id to group."""
        pages = self._scene.sagemaker.get_paginator("list_cluster_nodes").paginate(ClusterName=self.name)
        listed = [node for page in pages for node in page["ClusterNodeSummaries"]]
        running = [node for node in listed if node["InstanceStatus"]["Status"] == "Running"]
        return {node["InstanceId"]: node["InstanceGroupName"] for node in running}

    def join(self, instances: Iterable[str]) -> float:
        """Write their Nodes, ready; when the last was sent."""
        described = self._scene.sagemaker
        bodies = []
        for instance in instances:
            found = described.describe_cluster_node(ClusterName=self.name, NodeId=instance)["NodeDetails"]
            bodies.append(_node(self._id, instance, zone=found["Placement"]["AvailabilityZone"]))
        sent = time.time()
        self._scene.posts("/api/v1/nodes", bodies)
        return sent

    @property
    def zone(self) -> str:
        instance = next(iter(self.instances()))
        found = self._scene.sagemaker.describe_cluster_node(ClusterName=self.name, NodeId=instance)["NodeDetails"]
        return str(found["Placement"]["AvailabilityZone"])


def _is_ready(body: Mapping[str, Any]) -> bool:
    conditions = body.get("status", {}).get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def claim(name: str, cluster: str, group: str, *, zone: str = "") -> dict[str, Any]:
    """Published for a PersistentVolumeClaim that nobody makes: nothing in this environment would bind it."""
    return {
        "apiVersion": API_VERSION,
        "kind": VOLUME_CLAIM_KIND,
        "metadata": {"name": name},
        "spec": {
            "clusterRef": {"clusterName": cluster},
            "source": {"create": {"availabilityZone": zone} if zone else {}},
            "volume": {"size": 10},
            "attachment": {"target": {"instanceGroupName": group}},
            "publish": {"type": "LocalPV", "persistentVolumeClaim": {"name": name}},
        },
    }


def _group(name: str, count: int) -> dict[str, Any]:
    return {
        "InstanceGroupName": name,
        "InstanceType": "ml.m5.xlarge",
        "InstanceCount": count,
        "ExecutionRole": "arn:aws:iam::111122223333:role/benchmark",
        "LifeCycleConfig": {"SourceS3Uri": "s3://sagemaker-benchmark/", "OnCreate": "on_create.sh"},
    }


def _node(cluster_id: str, instance: str, *, zone: str) -> dict[str, Any]:
    """A Node as it is when it has joined."""
    name, stamp = f"hyperpod-{instance}", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    labels = {
        "node.kubernetes.io/instance-type": "ml.m5.xlarge",
        "topology.kubernetes.io/zone": zone,
        "sagemaker.amazonaws.com/compute-type": "hyperpod",
        "sagemaker.amazonaws.com/node-health-status": "Schedulable",
    }
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "",
        "lastHeartbeatTime": stamp,
        "lastTransitionTime": stamp,
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {"providerID": f"aws:///{zone}/sagemaker/cluster/hyperpod-{cluster_id}-{instance}"},
        "status": {"conditions": [ready]},
    }
