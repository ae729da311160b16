"""What the operator needs beside the nodes: its CRDs, AWS's place taken by the simulator, and a cluster that is Ready.

The cluster is made before anything is measured; the nodes of the load then carry its id in their providerIDs. The
simulator brings no nodes itself: the load's are the only ones, for every contestant.
"""

import copy
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import yaml

from benchmarks.nodes.contestants import ROOT
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.simulator import Simulator
from hyperpod_testbed.stack import ACCOUNT, OperatorProcess

READY_SECONDS = 90.0
SPEED_WHILE_CREATING = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where the operator finds AWS, and the id of the cluster whose nodes it looks after."""

    environment: Mapping[str, str]
    cluster_id: str


@contextmanager
def surroundings(plane: ControlPlane, *, nodes: int) -> Iterator[Surroundings]:
    """A Ready HyperPodCluster of so many instances, and the simulator at real speed."""
    plane.install_crds(ROOT / "crds")
    with Simulator(account=ACCOUNT, speed=SPEED_WHILE_CREATING) as simulator:
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
        yield Surroundings(environment=environment, cluster_id=arn.rpartition("/")[2])


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
