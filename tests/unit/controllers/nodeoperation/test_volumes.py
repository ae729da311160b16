"""Volumes leave a node before AWS ends it, and come back, whatever becomes of the operation."""

from collections.abc import Iterator

import pytest
from tests.unit.controllers.nodeoperation.conftest import MakeRig
from tests.unit.controllers.nodeoperation.rig import KEY
from tests.unit.controllers.nodeoperation.with_claims import WithClaims

from hyperpod_operator.aws.ec2 import gathered

pytestmark = pytest.mark.slow

ENDS = {
    "Replace": "BatchReplaceClusterNodes",
    "Delete": "BatchDeleteClusterNodes",
    "Move": "MoveClusterNodes",
}
SKIP = {"rules": [{"podSelector": {"matchLabels": {"keep": "yes"}}, "behavior": "Skip"}]}


@pytest.fixture
def make_both(make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[WithClaims]]:
    monkeypatch.setattr(gathered, "GATHER", 0.0)
    made: list[WithClaims] = []

    class Made(WithClaims):
        def __init__(self, *, nodes: int = 3, **options: bool) -> None:
            super().__init__(make_rig(nodes=nodes), **options)
            made.append(self)

    yield Made
    for one in made:
        one.claims.cloud.close()


@pytest.fixture
def both(make_both: type[WithClaims]) -> WithClaims:
    return make_both()


PROCESSES = [
    pytest.param(
        operation,
        restarting,
        id=f"{operation}-{'a process for each pass' if restarting else 'one process'}",
        marks=() if restarting or operation == "Replace" else (pytest.mark.long,),
    )
    for operation in ENDS
    for restarting in (False, True)
]
"""Each operation with all memory lost in between, and one of them without; `make test-long` has all of both."""


@pytest.mark.parametrize(("operation", "restarting"), PROCESSES)
async def test_a_volume_leaves_before_the_call_and_serves_on_another_node(
    make_both: type[WithClaims], operation: str, restarting: bool
) -> None:
    both = make_both(restarting=restarting)
    data = both.add("data")
    await both.settle(data)
    node = both.holder(data)
    both.operate(operation, node)
    await both.settle(data)
    assert both.operations.states() == ["Succeeded"]
    assert both.holder(data) not in {"", node}
    order = [call.operation for call in both.operations.simulator.log.calls()]
    assert order.index("DetachClusterNodeVolume") < order.index(ENDS[operation])
    assert (order.count("DetachClusterNodeVolume"), order.count(ENDS[operation])) == (1, 1)
    assert both.operations.marks.marked == set()
    assert both.claims.status_of(data)["previousAttachments"][0]["instanceId"] == node


async def test_a_volume_for_one_node_follows_to_the_node_in_its_place(make_both: type[WithClaims]) -> None:
    both = make_both(nodes=1)
    (node,) = both.operations.ids
    data = both.add("data", target={"instanceId": node}, followNode="Replacement")
    await both.settle(data)
    both.operate("Replace", node)
    await both.until(lambda: both.claims.reason(data) == "NodeDraining")
    assert both.holder(data) == ""
    assert "HyperPodNodeOperation team/operation" in both.claims.condition("Ready", data)["message"]
    await both.settle(data)
    assert both.holder(data) == both.operations.entries()[0]["replacedBy"]


async def test_what_the_claim_does_for_an_operation_is_an_event(both: WithClaims) -> None:
    data = both.add("data")
    await both.settle(data)
    both.operate("Replace", both.holder(data))
    await both.settle(data)
    said = [str(one.message) for one in both.claims.recorder.events if str(one.reason) == "Detaching"]
    assert any("HyperPodNodeOperation team/operation takes the node out of service" in one for one in said)


@pytest.mark.parametrize("operation", ["Reboot", "HealthCheck"])
async def test_a_volume_stays_through_what_does_not_end_its_node(both: WithClaims, operation: str) -> None:
    data = both.add("data")
    await both.settle(data)
    node = both.holder(data)
    both.operate(operation, node)
    await both.settle(data)
    assert both.operations.states() == ["Succeeded"]
    assert both.holder(data) == node
    assert both.claims.calls("DetachClusterNodeVolume") == []


async def test_a_volume_is_asked_for_when_its_pod_is_gone_and_not_before(both: WithClaims) -> None:
    data = both.add("data")
    await both.settle(data)
    node = both.holder(data)
    both.add_pod(data, "train")
    both.operations.pods.refused["train"] = "the budget allows none"
    both.operate("Replace", node)
    for _ in range(60):
        await both._step()
    assert (both.holder(data), both.claims.calls("DetachClusterNodeVolume")) == (node, [])
    both.operations.pods.refused.clear()
    await both.settle(data)
    assert both.operations.states() == ["Succeeded"]
    assert both.holder(data) != node


async def held_up(both: WithClaims) -> tuple[str, tuple[object, ...]]:
    """Two claims for one node. A pod that the drain skips keeps the second; the first is detached, and waits."""
    node = both.operations.ids[0]
    keys = [both.add(name, target={"instanceId": node}) for name in ("data", "kept")]
    await both.settle(*keys)
    both.add_pod(keys[1], "stays", labels={"keep": "yes"})
    both.operate("Replace", node, drain=SKIP, activeDeadlineSeconds=900)
    await both.until(lambda: both.claims.reason(keys[0]) == "NodeDraining" and both.claims.reason(keys[1]) == "InUse")
    assert both.operations.condition("Ready")["reason"] == "DetachingVolumes"
    return node, tuple(keys)


async def comes_back(both: WithClaims, node: str, keys: tuple[object, ...]) -> None:
    """Both claims are on the node again, the used one never left, and AWS was asked for nothing about the node."""
    await both.until(lambda: both.settled(*keys))  # type: ignore[arg-type]
    assert [both.holder(key) for key in keys] == [node, node]  # type: ignore[arg-type]
    assert len(both.claims.calls("DetachClusterNodeVolume")) == 1
    assert (both.operations.calls(), both.operations.marks.marked) == ([], set())


async def test_volumes_come_back_when_the_operation_is_deleted(both: WithClaims) -> None:
    node, keys = await held_up(both)
    both.operations.operations.remove(KEY)
    both.wake()
    await comes_back(both, node, keys)


async def test_volumes_come_back_when_the_operation_is_suspended(both: WithClaims) -> None:
    node, keys = await held_up(both)
    both.operations.edit(suspend=True)
    both.wake()
    await comes_back(both, node, keys)


async def test_volumes_come_back_when_the_time_of_the_operation_is_over(both: WithClaims) -> None:
    node, keys = await held_up(both)
    await both.until(lambda: both.over)
    assert both.operations.states() == ["Failed"]
    await comes_back(both, node, keys)
