"""An operation that a restore of a backup brings back: what it did is not known any more, so it does not begin."""

import pytest
from tests.unit.controllers.nodeoperation.rig import KEY, OperationRig

from hyperpod_operator.api.kinds import NODE_OPERATION
from hyperpod_operator.api.names import RESTORED
from hyperpod_operator.core.outcome import Done


def label(rig: OperationRig, **labels: str) -> None:
    rig.operations._bodies[KEY]["metadata"]["labels"] = labels


async def test_a_restored_operation_ends_no_further_nodes(rig: OperationRig) -> None:
    """Its selector would choose others than those that are gone."""
    rig.pods.add("train", rig.name(rig.ids[0]))
    rig.apply("Delete", nodes={"selector": {"count": 1}})
    label(rig, **{RESTORED: "nightly-2026-11-30"})
    for _ in range(10):
        await rig.step()
    assert (rig.calls(), rig.pods.evicted, rig.marks.marked) == ([], [], set())
    assert rig.condition("Ready")["reason"] == "OperationSuspended"
    assert "nightly-2026-11-30" in rig.condition("Ready")["message"]
    assert rig.status_of()["actor"] == "You"


@pytest.mark.parametrize("state", ["Draining", "Waiting", "Succeeded"])
@pytest.mark.parametrize("how", ["recreated from a copy", "status lost", "status lost and suspended meanwhile"])
async def test_an_operation_that_was_begun_and_has_no_record_ends_no_further_nodes(
    rig: OperationRig, state: str, how: str
) -> None:
    """A copy of the object has its finalizer, and not its status."""
    rig.apply("Replace", nodes={"selector": {"count": 1}})
    await rig.until_state(state)
    calls = len(rig.calls())
    body = rig.operations._bodies[KEY]
    del body["status"]
    if how == "recreated from a copy":
        body["metadata"]["uid"] = "another"
    if how.endswith("suspended meanwhile"):
        rig.edit(suspend=True)
        await rig.step()
        rig.edit(suspend=False)
    for _ in range(10):
        await rig.step()
        rig.restart()
    assert len(rig.calls()) == calls
    assert rig.condition("Ready")["reason"] == "OperationSuspended"
    assert NODE_OPERATION.finalizer in rig.condition("Ready")["message"]
    rig.nodes.taints.clear()  # the sweep of stray marks: the holder of an earlier uid is gone
    body["metadata"]["finalizers"] = []
    await rig.rest()
    assert (rig.states(), len(rig.calls())) == (["Succeeded"], calls + 1)


async def test_it_begins_without_the_label(rig: OperationRig) -> None:
    rig.apply("Reboot", rig.ids[:1])
    label(rig, **{RESTORED: "nightly"})
    await rig.step()
    label(rig, team="a")
    assert await rig.rest() == Done()
    assert rig.states() == ["Succeeded"]


async def test_a_finished_operation_stays_finished_when_its_status_is_restored_too(rig: OperationRig) -> None:
    rig.apply("Reboot", rig.ids[:1])
    await rig.rest()
    label(rig, **{RESTORED: "nightly"})
    assert await rig.rest() == Done()
    assert rig.condition("Complete")["status"] == "True"
    assert len(rig.calls()) == 1
