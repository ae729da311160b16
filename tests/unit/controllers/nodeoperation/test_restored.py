"""An operation that a restore of a backup brings back: what it did is not known any more, so it does not begin."""

from tests.unit.controllers.nodeoperation.rig import KEY, OperationRig

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
