"""The audit trail: one record for each changing call, whatever came of it, and the last ones in status."""

from typing import Any

from tests.unit.controllers.rig import KEY, Rig
from tests.unit.core.builders import group_spec, spec

from hyperpod_operator.api.names import APPROVE_PLAN, APPROVED_BY
from hyperpod_testbed.simulator import Fault


def wanted(count: int = 2, **members: Any) -> dict[str, Any]:
    return spec(instanceGroups=[group_spec("gpu", count)], **members)


async def made(rig: Rig) -> None:
    rig.apply(wanted())
    await rig.rest()


async def test_each_changing_call_is_one_record(rig: Rig) -> None:
    await made(rig)
    rig.apply(wanted(3, tags=[{"key": "team", "value": "a"}]))
    await rig.rest()
    rig.objects.delete(KEY)
    await rig.rest()
    assert [entry.call for entry in rig.recorder.audited] == rig.operations()
    assert rig.operations() == ["CreateCluster", "UpdateCluster", "AddTags", "DeleteCluster"]


async def test_every_record_of_a_life_says_what_it_changes(rig: Rig) -> None:
    await made(rig)
    rig.apply(wanted(3, tags=[{"key": "team", "value": "a"}]))
    await rig.rest()
    rig.apply(wanted(3))
    await rig.rest()
    rig.objects.delete(KEY)
    await rig.rest()
    assert [
        entry.call for entry in rig.recorder.audited if not (entry.changes and entry.effect and entry.concern)
    ] == []


async def test_a_record_says_what_why_and_with_which_answer(rig: Rig) -> None:
    await made(rig)
    rig.apply(wanted(3))
    await rig.rest()
    entry = rig.recorder.audited[-1]
    assert entry.changes == ("instanceGroups[gpu].instanceCount: 2 -> 3",)
    assert (entry.effect, entry.outcome, entry.code, entry.reason) == ("Adds", "Accepted", "OK", "Updating")
    assert entry.request_id == rig.calls("UpdateCluster")[0].request_id
    assert (entry.by.generation, entry.target) == (2, rig.status["clusterArn"])


async def test_a_rejected_call_is_recorded_with_its_code(rig: Rig) -> None:
    refusal = Fault(operation="CreateCluster", kind="error", code="ValidationException", status=400, times=1)
    rig.simulator.faults.add(refusal)
    rig.apply(wanted())
    await rig.once()
    entry = rig.recorder.audited[-1]
    assert (entry.outcome, entry.code) == ("Rejected", "ValidationException")


async def test_the_approver_is_recorded_with_the_call_that_needed_it(rig: Rig) -> None:
    await made(rig)
    edited = wanted(1, management={"changePolicy": "ApproveAll"})
    rig.apply(edited)
    await rig.rest()
    digest = rig.status["plan"]["digest"]
    rig.apply(edited, annotations={APPROVE_PLAN: digest, APPROVED_BY: "jane@example.com"})
    await rig.rest()
    entry = rig.recorder.audited[-1]
    assert (entry.by.approved_by, entry.by.digest) == ("jane@example.com", digest)
    assert rig.status["history"][-1]["approvedBy"] == "jane@example.com"


async def test_status_has_the_last_calls_and_no_more_than_twenty(rig: Rig) -> None:
    await made(rig)
    for count in range(3, 25):
        rig.apply(wanted(count))
        await rig.rest()
    found = rig.status["history"]
    assert len(found) == 20
    assert found[-1]["summary"] == "+1 node in gpu"


async def test_the_same_rejection_again_is_no_new_entry_and_no_write(rig: Rig) -> None:
    rig.simulator.access.deny("CreateCluster")
    rig.apply(wanted())
    await rig.idle(900)
    rig.objects.writes.clear()
    first = rig.status["history"]
    await rig.idle(900)
    assert rig.status["history"] == first
    assert len(first) == 1


async def test_the_event_of_an_update_lists_the_changes_of_that_call_alone(rig: Rig) -> None:
    await made(rig)
    rig.recorder.events.clear()
    rig.apply(wanted(3, tags=[{"key": "team", "value": "a"}]))
    await rig.rest()
    (event,) = [event for event in rig.recorder.events if event.action == "UpdateCluster"]
    assert event.message == "UpdateCluster: instanceGroups[gpu].instanceCount: 2 -> 3."
