"""What lives by chance have in common: what AWS does wrong in them, and what it shows and was asked."""

from collections.abc import Sequence

from tests.unit.controllers.nodeoperation.rig import CLUSTER_KEY

from hyperpod_testbed.simulator import Fault, Simulator
from hyperpod_testbed.simulator.calls import Call

FAULTS = (
    Fault("*", "drop", times=1),
    Fault("*", "commit_then_drop", times=1),
    Fault("*", "throttle", times=1),
    Fault("*", "body", body="html", times=1),
    Fault("ListClusterNodes", "error", times=3),
    Fault("DescribeCluster", "error", code="AccessDeniedException", message="no", status=400, times=2),
)


def statuses(simulator: Simulator) -> dict[str, str]:
    """What AWS calls each instance that it has."""
    listed = simulator.settings.dump()["us-west-2"][CLUSTER_KEY.name]["Nodes"]
    return {node["InstanceId"]: node["InstanceStatus"]["Status"] for node in listed if "InstanceId" in node}


def running(simulator: Simulator) -> list[str]:
    return [name for name, status in statuses(simulator).items() if status == "Running"]


class Heard:
    """The calls of a simulator that took effect, each told once."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._heard = simulator.log.size()

    def new(self) -> Sequence[Call]:
        made = self._simulator.log.calls(since=self._heard)
        self._heard = self._simulator.log.size()
        return [one for one in made if one.committed]
