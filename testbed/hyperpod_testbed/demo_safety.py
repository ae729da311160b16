"""The first scenes of the demo: the operator dies while a cluster is created, and a foreign cluster is left alone."""

import signal

from hyperpod_testbed.stack import ROOT
from hyperpod_testbed.stage import NAME, Stage, wait

EXAMPLE = ROOT / "examples" / "gpu-and-cpu.yaml"
FOREIGN = ROOT / "examples" / "minimal.yaml"
FOREIGN_NAME = "minimal"


def killed_in_mid_create(stage: Stage) -> None:
    """AWS has the request, and the process that sent it dies."""
    stage.title("A cluster is applied, and the operator is killed once it has asked AWS to create it")
    stage.apply(EXAMPLE)
    wait(lambda: creations(stage, NAME) > 0, "CreateCluster")
    operator = stage.stack.operator
    operator.child.signal(signal.SIGKILL)
    operator.child.wait(10.0)
    stage.note(f"kill -9 of the operator, process {operator.child.pid}, and another one is started")
    operator.start()


def a_foreign_cluster_is_left_alone(stage: Stage) -> None:
    """A resource asks for a name that a cluster without ownership tags has."""
    stage.title("Another team's cluster has the name that a resource asks for. Why does it not become ready?")
    stage.stack.simulator.world.create_foreign_cluster(FOREIGN_NAME)
    stage.apply(FOREIGN)
    path = 'jsonpath={.status.conditions[?(@.type=="Ready")].reason}'
    row = ("get", "hpc", FOREIGN_NAME, "-o", path)
    wait(lambda: "NotOwned" in stage.stack.plane.kubectl(*row, check=False).stdout, "what AWS says of the owner")
    stage.plugin("explain", FOREIGN_NAME)
    stage.run("delete", "hpc", FOREIGN_NAME, "--timeout=60s")
    deleted = stage.stack.simulator.log.calls("DeleteCluster")
    if deleted:
        raise AssertionError(f"the operator deleted {deleted}")
    stage.note("the resource is gone; AWS still has the cluster, and nobody asked it to delete one")


def the_creation_goes_on(stage: Stage) -> None:
    """The new process finds what the old one asked for."""
    stage.title("The cluster becomes ready, and AWS was asked once")
    stage.watch(until=lambda row: " True " in row and " 6/6 " in row, what="a cluster with 6 nodes")
    made = creations(stage, NAME)
    if made != 1:
        raise AssertionError(f"CreateCluster was sent {made} times")
    stage.note(f"calls of CreateCluster for {NAME}: {made}")


def creations(stage: Stage, name: str) -> int:
    """How often AWS was asked to create a cluster."""
    calls = stage.stack.simulator.log.calls("CreateCluster")
    return sum(1 for one in calls if one.parameters.get("ClusterName") == name)
