"""With `onTimeout: Force` pods end with their node, and no pod does that was not asked to leave."""

from datetime import datetime

import pytest
from tests.unit.controllers.nodeoperation.rig import OperationRig

FORCE = {"drainTimeoutSeconds": 600, "onTimeout": "Force"}
PATIENT = {**FORCE, "rules": [{"podSelector": {}, "behavior": "WaitCompleted"}]}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def away(rig: OperationRig) -> None:
    """Time goes by while no operator runs."""
    rig.simulator.clock.advance(3600)
    rig.restart()


async def test_a_pod_is_asked_to_leave_before_its_node_reboots_where_the_operator_was_away(rig: OperationRig) -> None:
    rig.pods.add("train", rig.name(rig.ids[0]))
    rig.apply("Reboot", rig.ids[:1], drain=FORCE)
    await rig.until_state("Draining")
    away(rig)
    await rig.step()
    assert (rig.pods.evicted, rig.calls()) == (["train"], [])
    await rig.rest()
    assert rig.states() == ["Succeeded"]


@pytest.mark.parametrize("operation", ["Reboot", "Delete"])
async def test_a_pod_that_was_waited_for_to_complete_is_asked_to_leave_at_last(
    rig: OperationRig, operation: str
) -> None:
    rig.pods.add("train", rig.name(rig.ids[0]))
    rig.pods.finalizers.add("train")
    rig.apply(operation, rig.ids[:1], drain=PATIENT)
    await rig.until(lambda: bool(rig.pods.evicted))
    asked = moment(rig.entries()[0]["memory"]["askedLast"])
    assert (rig.calls(), rig.states()) == ([], ["Draining"])
    await rig.until(lambda: bool(rig.calls()))
    assert 30 <= (moment(rig.entries()[0]["sentTime"]) - asked).total_seconds() <= 60
    assert rig.pods.evicted == ["train"]


async def test_a_pod_whose_last_eviction_is_refused_holds_up_the_node_no_longer(rig: OperationRig) -> None:
    rig.pods.add("train", rig.name(rig.ids[0]))
    rig.pods.refused["train"] = "the budget allows none"
    rig.apply("Reboot", rig.ids[:1], drain=FORCE)
    await rig.rest()
    assert (rig.states(), rig.pods.evicted) == (["Succeeded"], [])


async def test_a_drain_that_begins_again_has_a_last_notice_of_its_own(rig: OperationRig) -> None:
    rig.pods.add("train", rig.name(rig.ids[0]))
    rig.pods.refused["train"] = "the budget allows none"
    rig.apply("Reboot", rig.ids[:1], drain=FORCE)
    await rig.until(lambda: bool(rig.entries()[0].get("memory", {}).get("askedLast")))
    rig.edit(suspend=True)
    await rig.until_state("Pending")
    rig.edit(suspend=False)
    await rig.until_state("Draining")
    assert "askedLast" not in rig.entries()[0].get("memory", {})
