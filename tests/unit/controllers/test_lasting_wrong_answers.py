"""A wrong answer of SageMaker that lasts for some passes: the same end as without it, and nothing lost on the way."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from tests.unit.controllers.rig import KEY, Rig, pause
from tests.unit.controllers.test_wrong_answers import about_to_be_deleted, edited, settled, shrinking
from tests.unit.controllers.wrong_answers import Wire, at, dropped, emptied, retyped, shortened

from hyperpod_operator.core.outcome import Done, Gone
from hyperpod_operator.core.timings import Timings

State = Callable[[Rig], Awaitable[None]]

STATES: tuple[State, ...] = (settled, edited, shrinking, about_to_be_deleted)
FAULTS = (
    ("DescribeCluster", "ClusterStatus", dropped),
    ("DescribeCluster", "InstanceGroups", dropped),
    ("DescribeCluster", "InstanceGroups", emptied),
    ("DescribeCluster", "InstanceGroups", shortened),
    ("DescribeCluster", "InstanceGroups[].TargetCount", dropped),
    ("DescribeCluster", "InstanceGroups[].MinCount", dropped),
    ("DescribeCluster", "InstanceGroups[].OverrideVpcConfig", dropped),
    ("DescribeCluster", "InstanceGroups[].KubernetesConfig", dropped),
    ("DescribeCluster", "NodeRecovery", emptied),
    ("ListTags", "Tags", emptied),
    ("ListTags", "Tags", retyped),
    ("ListClusterNodes", "ClusterNodeSummaries", emptied),
    ("ListClusterEvents", "Events", shortened),
)
"""One of each kind: required and optional members, of the cluster and of groups, lists, tags, what only explains."""
OFTEN = {("edited", 2)}
CASES = [
    pytest.param(state, passes, marks=pytest.mark.slow if (state.__name__, passes) in OFTEN else pytest.mark.long)
    for state in STATES
    for passes in (2, 5, 25)
]


@dataclass(frozen=True, kw_only=True)
class Lived:
    """How a life ended: what AWS took of the operator, what it holds, and what status says."""

    calls: list[str]
    held: Any
    status: Any

    def beside(self, right: "Lived") -> str:
        """How it differs from the life without the fault; an update that asks for what AWS has is no difference.

        What is missing twice is believed, and asked for again: nothing that AWS really holds is lost by that.
        """
        if [one for one in self.calls if one != "UpdateCluster"] != [
            one for one in right.calls if one != "UpdateCluster"
        ]:
            return str(self.calls)
        if self.calls.count("UpdateCluster") > right.calls.count("UpdateCluster") + 1:
            return str(self.calls)
        pairs = ((self.held, right.held), (self.status, right.status))
        return "; ".join(f"{found} and not {wanted}" for found, wanted in pairs if found != wanted)


async def lived(rig: Rig, state: State, fault: Any = None, *, passes: int = 0) -> Lived:
    """A life with a fault of so many passes in this state."""
    rig.timings = Timings(full_sync=0.0)
    rig.restart()
    await state(rig)
    wire = await Wire.of(rig)
    if fault is not None:
        operation, path, change = fault
        wire.wrong(operation, at(path, change))
    for _ in range(passes):
        wire.forget()
        if rig.objects.exists(KEY):
            await rig.step()
    wire.right()
    await live(rig, wire)
    return Lived(
        calls=[call.operation for call in rig.calls() if call.code == "OK"],
        held=await held(rig, wire),
        status=told(rig.status if rig.objects.exists(KEY) else {}),
    )


async def live(rig: Rig, wire: Wire) -> None:
    """Passes until there is nothing to wait for, each with answers of its own."""
    for _ in range(1000):
        wire.forget()
        outcome = await rig.once()
        if isinstance(outcome, Done | Gone):
            return
        rig.simulator.clock.advance(max(pause(outcome), 1.0))
    raise AssertionError(f"no rest; status is {rig.status}")


async def held(rig: Rig, wire: Wire) -> Any:
    """What AWS has of each group, and the tags."""
    wire.forget()
    clusters = rig.cloud.clusters(region="")
    cluster = await clusters.describe(name="research")
    if cluster is None:
        return None
    groups = sorted((group.name, dict(group.members)) for group in cluster.groups)
    return groups, dict(cluster.members), dict(await clusters.tags(arn=cluster.arn)).keys()


def told(status: dict[str, Any]) -> Any:
    ready = next((item["reason"] for item in status.get("conditions", []) if item["type"] == "Ready"), None)
    return ready, status.get("groupsSummary"), status.get("origin")


@pytest.mark.parametrize(("state", "passes"), CASES)
async def test_a_wrong_answer_that_lasts_changes_nothing_about_the_end(
    make_rig: Callable[..., Rig], state: State, passes: int
) -> None:
    right = await lived(make_rig(), state)
    lives = {fault: await lived(make_rig(), state, fault, passes=passes) for fault in FAULTS}
    differing = {fault: difference for fault, life in lives.items() if (difference := life.beside(right))}
    assert differing == {}
