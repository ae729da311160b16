"""Is there a volume: taken, made, waited for, or reported lost."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.volume.builders import (
    NOW,
    UID,
    VOLUME_ID,
    adopting,
    ago,
    claim,
    edited,
    failure,
    made_status,
    node,
    reason_of,
    snapshot_of,
    spec,
    step_of,
    volume,
)

from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.errors import ErrorKind
from hyperpod_operator.core.volume.claim import Claim
from hyperpod_operator.core.volume.concerns import decide
from hyperpod_operator.core.volume.decision import Act, ClaimSnapshot
from hyperpod_operator.core.volume.identity import token
from hyperpod_operator.core.volume.observed import PersistentVolume
from hyperpod_operator.core.volume.pass_record import PassRecord, Rejected
from hyperpod_operator.core.volume.plan import CreateVolume, DeleteVolume
from hyperpod_operator.core.volume.ports import NewVolume, Volume
from hyperpod_operator.core.volume.refusals import treatment
from hyperpod_operator.core.volume.report import intent, report


def empty(owner: Claim, **members: Any) -> ClaimSnapshot:
    return snapshot_of(owner, volume=None, lease=None, **members)


def sent(owner: Claim, *, now: Any = NOW) -> tuple[Act, Claim]:
    """The create that is decided, and the claim with its intent stored."""
    before = empty(owner, now=now)
    decision = decide(before)
    assert isinstance(decision, Act), decision
    planned = intent(before, decision)
    assert planned is not None
    return decision, replace(owner, status=planned)


def after(owner: Claim, act: Act, *, kind: ErrorKind, ec2_code: str = "", now: Any = NOW) -> Claim:
    """The claim after this create was answered with an error."""
    error = failure(kind, ec2_code=ec2_code)
    refused = Rejected(step=act.step, error=error)  # type: ignore[arg-type]  # a CreateVolume
    made = report(PassRecord(snapshot=empty(owner, now=now), decision=act, result=refused))
    return replace(owner, status=made.status)


def test_a_volume_is_made_in_the_zone_of_the_target_with_our_type_and_tag() -> None:
    request = step_of(decide(empty(claim()))).request
    assert request.availability_zone == "us-west-2b"
    assert request.volume_type == "gp3"
    assert request.tags["hyperpod-operator.dev/claim-uid"] == UID
    assert request.client_token == token(uid=UID, attempt=1)
    assert len(request.client_token) == 64


def test_the_wished_zone_wins_over_the_targets() -> None:
    wanted = spec(source={"create": {"availabilityZoneId": "usw2-az2"}})
    request = step_of(decide(empty(claim(wanted)))).request
    assert (request.availability_zone, request.availability_zone_id) == ("", "usw2-az2")


def test_without_a_zone_nothing_is_made() -> None:
    nowhere = node(availability_zone="", availability_zone_id="")
    assert reason_of(decide(empty(claim(), nodes=(nowhere,)))) == "NodeNotRunning"


def test_the_request_is_stored_before_it_is_sent() -> None:
    _, stored = sent(claim())
    assert stored.status.remembered.creation.attempt == 1
    assert stored.status.remembered.creation is not None
    assert stored.status.remembered.creation.size == 100
    assert stored.status.remembered.creation.outcome == "Intended"


def test_a_lost_answer_has_the_same_request_sent_again_even_after_an_edit() -> None:
    act, owner = sent(claim())
    owner = after(owner, act, kind=ErrorKind.UNKNOWN_OUTCOME)
    owner = edited(owner, spec(volume={"size": 300, "volumeType": "io2", "iops": 900}))
    again, _ = sent(owner, now=NOW + timedelta(minutes=2))
    assert again.step == act.step


def test_a_refused_request_is_made_anew_of_the_edited_spec() -> None:
    act, owner = sent(claim())
    owner = after(owner, act, kind=ErrorKind.INVALID)
    owner = edited(owner, spec(volume={"size": 300}))
    again, _ = sent(owner)
    assert isinstance(again.step, CreateVolume)
    assert again.step.request.size == 300


def test_a_refused_request_is_not_sent_again_until_the_spec_changes() -> None:
    act, owner = sent(claim())
    owner = after(owner, act, kind=ErrorKind.INVALID)
    assert reason_of(decide(empty(owner, now=NOW + timedelta(minutes=4)))) == "SpecRejected"
    assert isinstance(decide(empty(owner, now=NOW + timedelta(minutes=6))), Act)


def test_a_refusal_after_a_lost_answer_proves_nothing() -> None:
    """VolumeLimitExceeded is answered even when the volume of that token exists."""
    act, owner = sent(claim())
    owner = after(owner, act, kind=ErrorKind.UNKNOWN_OUTCOME)
    owner = after(owner, act, kind=ErrorKind.QUOTA, ec2_code="VolumeLimitExceeded")
    assert owner.status.remembered.creation is not None
    assert owner.status.remembered.creation.outcome == "Unanswered"


def test_a_burnt_token_gives_way_to_the_next_once_nothing_can_appear_any_more() -> None:
    act, owner = sent(claim())
    burnt = after(owner, act, kind=ErrorKind.INVALID, ec2_code="IdempotentParameterMismatch")
    assert burnt.status.remembered.creation.attempt == 1
    late = NOW + timedelta(minutes=11)
    burnt = after(owner, act, kind=ErrorKind.INVALID, ec2_code="IdempotentParameterMismatch", now=late)
    again, _ = sent(burnt, now=late + timedelta(minutes=1))
    assert isinstance(again.step, CreateVolume)
    assert again.step.request.client_token == token(uid=UID, attempt=2)


def test_a_volume_that_is_found_by_its_tag_is_taken_whatever_status_says() -> None:
    found = snapshot_of(claim(), volume=None, tagged=(volume(),), lease=None)
    assert not isinstance(step_of(decide(found)), CreateVolume)


OLDER = volume(volume_id="vol-00000000", create_time=NOW - timedelta(days=1))
BROKEN = volume(volume_id="vol-11111111", create_time=NOW - timedelta(days=2), state="error")


@pytest.mark.parametrize("other", [OLDER, BROKEN], ids=["older", "in error"])
@pytest.mark.parametrize("deleting", [False, True])
def test_of_several_that_carry_the_tag_none_is_taken_and_all_are_named(other: Volume, deleting: bool) -> None:
    owner = claim(spec(management={"reclaimPolicy": "Delete"}), deleting=deleting)
    found = snapshot_of(owner, volume=None, tagged=(volume(), other), former=(), lease=None)
    decision = decide(found)
    assert found.volume is None
    assert reason_of(decision) == "VolumeAmbiguous"
    assert isinstance(decision, Wait)
    assert decision.stalled
    assert volume().volume_id in decision.message
    assert other.volume_id in decision.message


@pytest.mark.parametrize("state", ["deleting", "deleted"])
def test_one_that_is_going_leaves_no_doubt(state: str) -> None:
    going = replace(OLDER, state=state)
    assert snapshot_of(claim(), volume=None, tagged=(volume(), going)).volume == volume()


@pytest.mark.parametrize(("minutes", "stalled"), [(2, False), (20, True)])
def test_a_volume_that_others_are_creating_for_long_is_told(minutes: int, stalled: bool) -> None:
    begun = volume(state="creating", tags={}, create_time=NOW - timedelta(minutes=minutes))
    decision = decide(snapshot_of(claim(adopting(management={"adoptionPolicy": "IfUnowned"})), volume=begun))
    assert isinstance(decision, Wait)
    assert (decision.reason, decision.stalled) == ("CreatingVolume", stalled)


@pytest.mark.parametrize(("seconds", "says"), [(20, "Nothing to do."), (90, "KMS key")])
def test_a_volume_that_stays_unseen_may_have_a_key_that_cannot_be_used(seconds: int, says: str) -> None:
    """AWS answers as usual, and drops the volume: for minutes no answer says so."""
    creation = {"attempt": 1, "outcome": "Accepted", "time": ago(seconds=seconds), "size": 100}
    decision = decide(empty(claim(status={"volumeId": VOLUME_ID, "creation": creation})))
    assert isinstance(decision, Wait)
    assert says in decision.message


def test_the_one_that_aws_made_for_this_claim_leaves_no_doubt_before_it_is_usable() -> None:
    creation = {"attempt": 1, "outcome": "Accepted", "time": ago(seconds=20)}
    owner = claim(status=made_status(creation=creation))
    found = snapshot_of(owner, volume=None, tagged=(OLDER, volume()))
    assert found.volume == volume()


def test_the_one_that_the_persistent_volume_names_leaves_no_doubt() -> None:
    published = PersistentVolume(name=f"evc-{UID}", uid="pv", claim_uid=UID, volume_id=volume().volume_id)
    found = snapshot_of(claim(), volume=None, tagged=(OLDER, volume()), persistent_volume=published)
    assert found.volume == volume()


@pytest.mark.parametrize(
    ("outcome", "age", "reason"),
    [("Accepted", 20, "CreatingVolume"), ("Completed", 20, "VolumeLost"), ("Completed", 9999, "VolumeLost")],
)
def test_an_invisible_volume_is_waited_for_and_a_used_one_is_lost(outcome: str, age: int, reason: str) -> None:
    creation = {"attempt": 1, "outcome": outcome, "time": ago(seconds=age)}
    owner = claim(status=made_status(creation=creation))
    assert reason_of(decide(empty(owner))) == reason


def test_a_volume_that_was_never_seen_is_asked_for_again_by_the_same_token() -> None:
    creation = {"attempt": 1, "outcome": "Accepted", "time": ago(seconds=310), "size": 100}
    act, owner = sent(claim(status=made_status(creation=creation)))
    assert isinstance(act.step, CreateVolume)
    assert act.step.request.client_token == token(uid=UID, attempt=1)
    assert owner.status.remembered.creation is not None
    assert owner.status.remembered.creation.failures is None


def test_a_volume_that_was_seen_deleted_is_made_again_under_another_token() -> None:
    creation = {"attempt": 1, "outcome": "Accepted", "time": ago(seconds=10), "size": 100}
    seen = snapshot_of(claim(status=made_status(creation=creation)), volume=volume(state="deleted"), lease=None)
    step = step_of(decide(seen))
    assert isinstance(step, CreateVolume)
    assert step.request.client_token == token(uid=UID, attempt=2)


def test_an_error_at_birth_is_cleared_away() -> None:
    creation = {"attempt": 1, "outcome": "Accepted", "time": ago(seconds=10)}
    owner = claim(status=made_status(creation=creation))
    assert isinstance(step_of(decide(snapshot_of(owner, volume=volume(state="error")))), DeleteVolume)


def test_an_error_later_in_life_is_left_for_a_person() -> None:
    assert reason_of(decide(snapshot_of(volume=volume(state="error")))) == "VolumeFailed"


def test_an_error_without_our_tag_is_left_for_a_person() -> None:
    creation = {"attempt": 1, "outcome": "Accepted", "time": ago(seconds=10)}
    owner = claim(status=made_status(creation=creation))
    assert reason_of(decide(snapshot_of(owner, volume=volume(state="error", tags={})))) == "VolumeFailed"


def test_three_failures_are_enough_until_a_person_asks() -> None:
    creation = {"attempt": 3, "outcome": "Failed", "time": ago(minutes=5), "failures": 3}
    status = {"creation": creation}
    assert reason_of(decide(empty(claim(status=status)))) == "VolumeFailed"
    assert isinstance(step_of(decide(empty(claim(status=status, reconcile_requested_at="now")))), CreateVolume)


def test_an_adopted_volume_that_is_not_there_is_lost_and_never_made() -> None:
    assert reason_of(decide(empty(claim(adopting())))) == "VolumeLost"


def test_a_paused_claim_makes_nothing() -> None:
    assert reason_of(decide(empty(claim(spec(management={"paused": True}))))) == "Paused"


def test_a_volume_that_is_being_made_is_waited_for() -> None:
    decision = decide(snapshot_of(volume=volume(state="creating")))
    assert reason_of(decision) == "CreatingVolume"
    assert VOLUME_ID in decision.message  # type: ignore[union-attr]  # a Wait


def test_the_volume_is_made_with_all_its_tags_and_a_repetition_has_the_same() -> None:
    tagged = spec(volume={"size": 100, "tags": [{"key": "team", "value": "nlp"}]})
    before = snapshot_of(claim(tagged, status={}), volume=None)
    decision = decide(before)
    assert isinstance(decision, Act)
    assert isinstance(decision.step, CreateVolume)
    assert dict(decision.step.request.tags) == {**volume().tags, "team": "nlp"}
    planned = intent(before, decision)
    assert planned is not None
    assert planned.remembered.appliedTagKeys == ["team"]
    retagged = spec(volume={"size": 100, "tags": []})
    owner = edited(replace(before.claim, status=planned), retagged)
    later = snapshot_of(owner, volume=None, now=NOW + timedelta(seconds=61))
    assert step_of(decide(later)) == decision.step


@pytest.mark.parametrize(
    ("code", "member"),
    [
        ("InvalidSnapshot.NotFound", "source.create.snapshotId"),
        ("InvalidZone.NotFound", "source.create.availabilityZone"),
        ("InvalidKey.NotFound", "source.create.kmsKeyId"),
        ("InvalidOther.NotFound", "source.create"),
    ],
)
def test_a_new_volume_of_something_that_does_not_exist_names_the_member(code: str, member: str) -> None:
    step = CreateVolume(request=NewVolume(client_token="t", tags={}, volume_type="gp3"))
    treated = treatment(step, failure(ErrorKind.INVALID, ec2_code=code), by_group=True)
    assert (treated.reason, treated.stalled) == ("SpecRejected", True)
    assert treated.remedy.startswith(f"{member} ")
