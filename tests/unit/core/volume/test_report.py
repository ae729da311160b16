"""What a pass leaves behind: conditions, phase, memory, Events, and when to look again."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.volume.builders import (
    FIRST,
    NOW,
    SECOND,
    UID,
    ago,
    attached_status,
    attachment,
    claim,
    failure,
    made_status,
    node,
    snapshot_of,
    spec,
    step_of,
    volume,
)

from hyperpod_operator.core.engine.decision import Report
from hyperpod_operator.core.errors import ErrorKind
from hyperpod_operator.core.outcome import Blocked, Done, Failed, Requeue
from hyperpod_operator.core.volume.concerns import decide
from hyperpod_operator.core.volume.decision import Act, ClaimSnapshot
from hyperpod_operator.core.volume.device import device_path
from hyperpod_operator.core.volume.observed import ClaimReference, PersistentVolume
from hyperpod_operator.core.volume.pass_record import Accepted, PassRecord, Rejected
from hyperpod_operator.core.volume.plan import Attach
from hyperpod_operator.core.volume.report import intent, report

LOCAL = {"type": "LocalPV", "persistentVolumeClaim": {"name": "data"}}
ATTACHED = claim(status=attached_status())


def passed(before: ClaimSnapshot, *, error: tuple[ErrorKind, str] | None = None, answer: Any = None) -> Report:
    """The report of a pass whose call, if there is one, is answered like this."""
    decision = decide(before)
    if not isinstance(decision, Act):
        return report(PassRecord(snapshot=before, decision=decision))
    planned = intent(before, decision)
    if planned is not None:
        before = replace(before, claim=replace(before.claim, status=planned))
    if error is None:
        return report(
            PassRecord(snapshot=before, decision=decision, result=Accepted(step=decision.step, answer=answer))
        )
    step: Any = decision.step
    refused = Rejected(step=step, error=failure(error[0], ec2_code=error[1], operation="AttachClusterNodeVolume"))
    return report(PassRecord(snapshot=before, decision=decision, result=refused))


def condition(made: Report, kind: str) -> tuple[str, str]:
    return next((item.status, item.reason) for item in made.status.conditions or [] if item.type == kind)


def kinds(made: Report) -> set[str]:
    return {item.type for item in made.status.conditions or []}


def test_a_settled_claim_is_ready_and_waits_for_the_resync() -> None:
    made = passed(snapshot_of(ATTACHED, volume=volume(attachment())))
    assert condition(made, "Ready") == ("True", "ClaimReady")
    assert condition(made, "Attached") == ("True", "Attached")
    assert kinds(made).isdisjoint({"Reconciling", "Stalled"})
    assert made.outcome == Done()
    assert made.status.phase == "Attached"
    assert made.status.volumeArn == f"arn:aws:ec2:us-west-2:111122223333:volume/{volume().volume_id}"


def test_a_settled_claim_is_not_written_to_again() -> None:
    before = snapshot_of(ATTACHED, volume=volume(attachment()))
    first = passed(before)
    again = passed(replace(before, claim=replace(ATTACHED, status=first.status)))
    assert again.status == first.status
    assert again.events == ()


def test_waiting_is_reconciling_and_a_persons_turn_is_stalled() -> None:
    waiting = passed(snapshot_of(volume=volume(state="creating")))
    assert "Reconciling" in kinds(waiting)
    assert isinstance(waiting.outcome, Requeue)
    stuck = passed(snapshot_of(ATTACHED, volume=volume(attachment(SECOND))))
    assert "Stalled" in kinds(stuck)
    assert "Reconciling" not in kinds(stuck)
    assert isinstance(stuck.outcome, Blocked)
    assert condition(stuck, "Conflict") == ("True", "AttachedElsewhere")


def test_a_condition_keeps_its_time_until_its_status_changes() -> None:
    old = {"type": "Ready", "status": "True", "reason": "ClaimReady", "message": "", "lastTransitionTime": ago(days=1)}
    owner = claim(status={**attached_status(), "conditions": [old]})
    made = passed(snapshot_of(owner, volume=volume(attachment())))
    assert [item.lastTransitionTime for item in made.status.conditions or [] if item.type == "Ready"] == [ago(days=1)]


def test_delete_on_termination_is_a_danger_that_is_told() -> None:
    made = passed(snapshot_of(ATTACHED, volume=volume(attachment(delete_on_termination=True))))
    assert condition(made, "DataAtRisk") == ("True", "DeleteOnTermination")
    assert condition(made, "Ready")[0] == "True"
    assert [event.type for event in made.events if event.reason == "DeleteOnTermination"] == ["Warning"]


def test_a_file_system_that_lags_behind_is_told() -> None:
    owner = claim(spec(publish=LOCAL), status=attached_status())
    reserved_for = ClaimReference(namespace="team", name="data")
    published = PersistentVolume(name="pv", uid="pv", claim_uid=UID, capacity=50, reserved_for=reserved_for)
    label = (f"hyperpod-{FIRST}",)
    made = passed(snapshot_of(owner, volume=volume(attachment()), persistent_volume=published, labelled=label))
    assert condition(made, "FilesystemResizePending") == ("True", "GrowFilesystem")
    assert condition(made, "Ready")[0] == "True"
    (said,) = [item.message for item in made.status.conditions or [] if item.type == "FilesystemResizePending"]
    assert device_path(volume().volume_id) in said
    assert "`kubectl patch pv pv -p" in said
    assert f"on node hyperpod-{FIRST}, then" in said


@pytest.mark.parametrize("left", [{"volume": volume()}, {"nodes": (node(FIRST, status="ShuttingDown"), node(SECOND))}])
def test_a_file_system_is_not_grown_on_a_node_that_has_no_device_of_it(left: dict[str, Any]) -> None:
    owner = claim(spec(publish=LOCAL), status=attached_status(state="detached"))
    reserved_for = ClaimReference(namespace="team", name="data")
    published = PersistentVolume(name="pv", uid="pv", claim_uid=UID, capacity=50, reserved_for=reserved_for)
    made = passed(snapshot_of(owner, **{"volume": volume(attachment()), "persistent_volume": published, **left}))
    (said,) = [item.message for item in made.status.conditions or [] if item.type == "FilesystemResizePending"]
    assert "on the node that the volume is attached to next, then" in said


def test_a_denied_call_names_itself_and_is_held_back() -> None:
    before = snapshot_of(claim(status=made_status()))
    made = passed(before, error=(ErrorKind.DENIED, "UnauthorizedOperation"))
    assert condition(made, "PermissionsOK") == ("False", "PermissionDenied")
    assert made.status.last is not None
    assert (made.status.last.operation, made.status.last.state) == ("AttachClusterNodeVolume", "Rejected")
    again = passed(replace(before, claim=replace(before.claim, status=made.status)))
    assert again.status.operations == made.status.operations
    assert condition(again, "PermissionsOK") == ("False", "PermissionDenied")


def test_a_full_node_of_a_group_makes_room_for_the_next_at_once() -> None:
    before = snapshot_of(claim(status=made_status()))
    made = passed(before, error=(ErrorKind.INVALID, "AttachmentLimitExceeded"))
    assert made.outcome == Requeue(made.outcome.reason, 1.0)  # type: ignore[union-attr]  # a Wait
    step = step_of(decide(replace(before, claim=replace(before.claim, status=made.status))))
    assert isinstance(step, Attach)
    assert step.instance_id == SECOND


def test_a_refused_attach_makes_no_later_attachment_ours() -> None:
    made = passed(snapshot_of(claim(status=made_status())), error=(ErrorKind.INVALID, "VolumeInUse"))
    suspended = spec(attachment={"target": {"instanceGroupName": "workers"}, "suspend": True})
    owner = claim(suspended, status=made.status.model_dump(exclude_none=True))
    seen = passed(snapshot_of(owner, volume=volume(attachment(attach_time=NOW))))
    assert condition(seen, "Conflict") == ("True", "AttachedElsewhere")


def test_a_refusal_after_a_lost_answer_leaves_the_attachment_ours() -> None:
    before = snapshot_of(claim(status=made_status()))
    lost = passed(before, error=(ErrorKind.UNKNOWN_OUTCOME, ""))
    later = NOW + timedelta(minutes=1)
    again = replace(before, claim=replace(before.claim, status=lost.status), now=later)
    made = passed(again, error=(ErrorKind.INVALID, "VolumeInUse"))
    assert made.status.attachment is not None
    assert made.status.attachment.attachTime is not None


@pytest.mark.parametrize(
    ("code", "reason"),
    [("AttachmentLimitExceeded", "AttachmentLimit"), ("InvalidVolume.ZoneMismatch", "AZMismatch")],
)
def test_a_given_node_that_cannot_have_the_volume_is_tried_again_slowly(code: str, reason: str) -> None:
    owner = claim(spec(attachment={"target": {"instanceId": FIRST}}), status=made_status())
    made = passed(snapshot_of(owner), error=(ErrorKind.INVALID, code))
    assert isinstance(made.outcome, Blocked)
    assert condition(made, "Ready")[1] == reason
    assert made.outcome.after >= 300


@pytest.mark.parametrize("code", ["CustomerKeyHasBeenRevoked", "InvalidKMSKey.InvalidState"])
def test_a_key_that_cannot_be_used_is_no_matter_of_the_spec(code: str) -> None:
    made = passed(snapshot_of(claim(status=made_status())), error=(ErrorKind.INVALID, code))
    assert isinstance(made.outcome, Blocked)
    assert condition(made, "Ready")[1] == "PermissionDenied"
    said = next(one.message for one in made.status.conditions or [] if one.type == "Ready")
    assert "KMS key" in said
    assert "spec" not in said


@pytest.mark.parametrize(
    ("kind", "code", "reason", "ends"),
    [
        (ErrorKind.INVALID, "VolumeInUse", "Settling", Failed),
        (ErrorKind.INVALID, "IncorrectState", "Settling", Failed),
        (ErrorKind.INVALID, "InvalidVolume.ZoneMismatch", "Attaching", Requeue),
        (ErrorKind.BUSY, "", "ClusterNotInService", Requeue),
        (ErrorKind.INVALID, "SomethingNew", "SpecRejected", Blocked),
        (ErrorKind.THROTTLED, "", "Throttled", Failed),
        (ErrorKind.UNKNOWN_OUTCOME, "", "UnknownOutcome", Requeue),
    ],
)
def test_what_a_refused_attach_means(kind: ErrorKind, code: str, reason: str, ends: type[object]) -> None:
    made = passed(snapshot_of(claim(status=made_status())), error=(kind, code))
    assert condition(made, "Ready")[1] == reason
    assert isinstance(made.outcome, ends)


def test_awss_words_are_kept_and_request_ids_are_not() -> None:
    made = passed(snapshot_of(claim(status=made_status())), error=(ErrorKind.INVALID, "SomethingNew"))
    ready = next(item.message for item in made.status.conditions or [] if item.type == "Ready")
    assert "SomethingNew" in ready
    assert "AWS's words" in ready


def test_one_failed_read_says_nothing_and_three_do() -> None:
    seen = passed(snapshot_of(ATTACHED, volume=volume(attachment()))).status
    blind = snapshot_of(replace(ATTACHED, status=seen), first_look=True)
    error = failure(ErrorKind.UNREACHABLE, operation="DescribeVolumes")
    first = report(PassRecord(snapshot=blind, unread=error, failures=0))
    assert first.status == seen
    third = report(PassRecord(snapshot=blind, unread=error, failures=3))
    assert condition(third, "Ready")[0] == "Unknown"
    assert condition(third, "Attached")[0] == "True"
    assert third.status.volumeId == seen.volumeId


def test_what_an_unread_claim_keeps_is_not_about_the_newest_spec() -> None:
    seen = passed(snapshot_of(ATTACHED, volume=volume(attachment()))).status
    edited = replace(ATTACHED, status=seen, generation=ATTACHED.generation + 1)
    error = failure(ErrorKind.UNREACHABLE, operation="DescribeVolumes")
    made = report(PassRecord(snapshot=snapshot_of(edited, first_look=True), unread=error, failures=3)).status
    behind = {one.type for one in made.conditions or () if one.observedGeneration == ATTACHED.generation}
    ahead = {one.type for one in made.conditions or () if one.observedGeneration == edited.generation}
    assert ahead == {"Ready", "Reconciling"}
    assert behind >= {"VolumeReady", "Attached", "ModificationComplete"}


def test_the_first_look_at_a_lost_node_is_remembered() -> None:
    gone = (node(FIRST, status="ShuttingDown"), node(SECOND))
    made = passed(snapshot_of(ATTACHED, volume=volume(attachment()), nodes=gone))
    assert made.status.attachment is not None
    assert made.status.attachment.remembered.lostTime == ago()
    again = passed(snapshot_of(replace(ATTACHED, status=made.status), volume=volume(attachment()), nodes=gone))
    assert again.status.attachment == made.status.attachment


def test_pods_are_listed_in_order_and_bounded() -> None:
    pods = tuple(f"team/p{number:02}" for number in range(30, 0, -1))
    made = passed(snapshot_of(ATTACHED, volume=volume(attachment()), pods=pods))
    assert made.status.inUseBy == sorted(pods)[:20]
    assert condition(made, "InUse") == ("True", "UsedByPods")


def test_a_call_is_told_once_as_an_event() -> None:
    made = passed(snapshot_of(claim(status=made_status())))
    assert [event.action for event in made.events if event.reason == "Attaching"] == ["AttachClusterNodeVolume"]


def test_a_step_in_kubernetes_that_was_taken_costs_no_status_write_and_no_event() -> None:
    owner = claim(spec(publish=LOCAL), status=attached_status())
    told = passed(snapshot_of(owner, volume=volume(attachment()), nodes=())).status
    before = snapshot_of(replace(owner, status=told), volume=volume(attachment()))
    made = passed(before)
    assert (made.status, made.events) == (told, ())
    assert isinstance(made.outcome, Requeue)


def test_the_first_word_about_a_claim_is_written_whatever_the_step() -> None:
    owner = claim(spec(publish=LOCAL), status=attached_status())
    assert condition(passed(snapshot_of(owner, volume=volume(attachment()))), "Ready")[1] == "Publishing"


def test_the_first_conditions_say_which_generation_they_are_about() -> None:
    """Argo CD and kubectl wait take a status without it for one of an older spec."""
    before = snapshot_of(claim(status={"observedGeneration": None}))
    decision = decide(before)
    assert isinstance(decision, Act)
    planned = intent(before, decision)
    assert planned is not None
    assert planned.conditions
    assert planned.observedGeneration == 1


def settled_status() -> dict[str, Any]:
    """As a pass over a claim that is in sync leaves it."""
    made = passed(snapshot_of(ATTACHED, volume=volume(attachment())))
    return made.status.model_dump(exclude_none=True)


def unlisted(status: dict[str, Any]) -> ClaimSnapshot:
    """AWS does not list the node, and Kubernetes has it as ready."""
    return snapshot_of(claim(status=status), volume=volume(attachment()), nodes=(node(SECOND),), holder_ready=True)


def test_ready_says_that_a_node_is_not_listed_and_stays_ready() -> None:
    before = settled_status()
    made = passed(unlisted(before))
    ready = next(one for one in made.status.conditions or [] if one.type == "Ready")
    former = next(one for one in before["conditions"] if one["type"] == "Ready")
    assert (ready.status, ready.reason) == (former["status"], former["reason"]) == ("True", "ClaimReady")
    assert ready.lastTransitionTime == former["lastTransitionTime"]
    assert f"ListClusterNodes does not show instance {FIRST}" in ready.message
    assert [one for one in made.status.conditions or [] if one.type != "Ready"] == [
        one for one in claim(status=before).status.conditions or [] if one.type != "Ready"
    ]
    again = passed(unlisted(made.status.model_dump(exclude_none=True)))
    assert again.status.conditions == made.status.conditions


def test_a_node_that_is_listed_again_is_no_longer_spoken_of() -> None:
    doubted = passed(unlisted(settled_status())).status.model_dump(exclude_none=True)
    made = passed(snapshot_of(claim(status=doubted), volume=volume(attachment())))
    assert made.status.model_dump(exclude_none=True) == settled_status()


def test_what_ready_asks_of_a_user_stands_while_something_is_not_shown() -> None:
    before = settled_status()
    for one in before["conditions"]:
        if one["type"] == "Ready":
            one |= {"status": "False", "reason": "SizeBelowActual", "message": "Raise spec.volume.size."}
    made = passed(unlisted(before))
    assert [one.message for one in made.status.conditions or [] if one.type == "Ready"] == ["Raise spec.volume.size."]
