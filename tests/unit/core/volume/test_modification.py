"""Size, type, IOPS, throughput: one call for all, at a time that AWS takes it."""

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.volume.builders import (
    NOW,
    VOLUME_ID,
    ago,
    attached_status,
    attachment,
    claim,
    made_status,
    reason_of,
    snapshot_of,
    spec,
    step_of,
    volume,
)

from hyperpod_operator.core.engine.decision import InSync, Wait
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.volume.claim import Claim
from hyperpod_operator.core.volume.concerns import decide
from hyperpod_operator.core.volume.decision import ClaimSnapshot
from hyperpod_operator.core.volume.modification import NOTHING, budget, change, pending_change
from hyperpod_operator.core.volume.pass_record import PassRecord
from hyperpod_operator.core.volume.plan import Attach, ModifyVolume
from hyperpod_operator.core.volume.ports import Change, Modification
from hyperpod_operator.core.volume.report import report


def modified(state: str, **members: Any) -> Modification:
    made = {"start_time": NOW - timedelta(hours=30), **members}
    return Modification(volume_id=VOLUME_ID, modification_state=state, **made)


def edited_claim(volume: dict[str, Any], **record: Any) -> Claim:
    """A claim whose change was first seen a minute ago, so that collecting edits is over."""
    wanted = spec(volume=volume)
    name = pending_change(attached(claim(wanted, status=attached_status())))
    seen = {"pendingChange": name, "pendingSince": ago(minutes=1), **record}
    return claim(wanted, status={**attached_status(), "modification": seen})


def attached(owner: Claim, **seen: Any) -> ClaimSnapshot:
    return snapshot_of(owner, **{"volume": volume(attachment()), **seen})


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, NOTHING),
        ({"size": 100, "volumeType": "gp3", "iops": 3000, "throughput": 125}, NOTHING),
        ({"size": 99}, NOTHING),
        ({"size": 200}, Change(size=200)),
        ({"size": 200, "iops": 4000, "throughput": 250}, Change(size=200, iops=4000, throughput=250)),
        ({"volumeType": "io2", "iops": 3000}, Change(volume_type="io2", iops=3000)),
        ({"volumeType": "gp2"}, Change(volume_type="gp2")),
    ],
)
def test_only_what_differs_is_changed_and_a_new_type_takes_its_rates_along(
    wanted: dict[str, Any], expected: Change
) -> None:
    assert change(attached(claim(spec(volume=wanted), status=attached_status()))) == expected


def test_all_edits_go_into_one_call() -> None:
    step = step_of(decide(attached(edited_claim({"size": 200, "iops": 4000}))))
    assert isinstance(step, ModifyVolume)
    assert step.change == Change(size=200, iops=4000)


def test_a_new_change_is_collected_before_it_is_sent() -> None:
    before = attached(claim(spec(volume={"size": 200}), status=attached_status()))
    decision = decide(before)
    assert reason_of(decision) == "Modifying"
    made = report(PassRecord(snapshot=before, decision=decision))
    assert made.status.modification is not None
    assert made.status.modification.remembered.pendingSince == stamp(NOW)


def test_another_edit_starts_the_collecting_anew() -> None:
    owner = edited_claim({"size": 200})
    again = claim(spec(volume={"size": 300}), status=owner.status.model_dump(exclude_none=True))
    assert isinstance(decide(attached(again)), Wait)


@pytest.mark.parametrize("state", ["modifying", "optimizing"])
def test_one_modification_at_a_time(state: str) -> None:
    assert reason_of(decide(attached(edited_claim({"size": 200}), modification=modified(state)))) == "Modifying"


def test_what_is_on_its_way_is_no_drift() -> None:
    under_way = modified("optimizing", target_size=200, target_iops=4000)
    owner = claim(spec(volume={"size": 200, "iops": 4000}), status=attached_status())
    assert change(attached(owner, modification=under_way)) == NOTHING


def test_a_volume_that_is_merely_being_optimized_is_settled() -> None:
    under_way = modified("optimizing", target_size=200)
    owner = claim(spec(volume={"size": 200}), status=attached_status())
    grown = volume(attachment(), size=200)
    assert isinstance(decide(attached(owner, volume=grown, modification=under_way)), InSync)


def test_the_fifth_of_a_day_waits_for_the_first_to_be_a_day_old() -> None:
    times = [ago(hours=hours) for hours in (20, 10, 5, 1)]
    before = attached(edited_claim({"size": 200}, startTimes=times))
    assert reason_of(decide(before)) == "RateLimited"
    assert budget(before).next_at == NOW + timedelta(hours=4, minutes=1)
    later = attached(edited_claim({"size": 200}, startTimes=times), now=NOW + timedelta(hours=4, minutes=1, seconds=1))
    assert isinstance(step_of(decide(later)), ModifyVolume)


def test_a_modification_by_somebody_else_counts() -> None:
    times = [ago(hours=hours) for hours in (20, 10, 5)]
    foreign = modified("completed", start_time=NOW - timedelta(hours=1))
    assert (
        reason_of(decide(attached(edited_claim({"size": 200}, startTimes=times), modification=foreign)))
        == "RateLimited"
    )


def test_our_own_last_one_is_not_counted_twice() -> None:
    own = modified("completed", start_time=NOW - timedelta(hours=1, seconds=-3))
    assert len(budget(attached(edited_claim({"size": 200}, startTimes=[ago(hours=1)]), modification=own)).started) == 1


@pytest.mark.parametrize("ahead", [-110, -45, 45, 110])
def test_our_own_last_one_counts_once_where_clocks_differ(ahead: int) -> None:
    own = modified("completed", start_time=NOW - timedelta(hours=1, seconds=-ahead))
    assert len(budget(attached(edited_claim({"size": 200}, startTimes=[ago(hours=1)]), modification=own)).started) == 1


def calling(state: str, **record: Any) -> Claim:
    """A claim whose last modification was sent an hour ago, with this state in the journal."""
    call = {"concern": "Modification", "operation": "ModifyVolume", "state": state, "time": ago(hours=1)}
    status = {**attached_status(), "modification": record, "operations": [{**call, "fingerprint": "x"}]}
    return claim(spec(volume={"size": 200}), status=status)


@pytest.mark.parametrize("minutes", [3, 9])
def test_a_call_without_an_answer_and_what_it_made_later_count_once(minutes: int) -> None:
    made = modified("completed", start_time=NOW - timedelta(minutes=60 - minutes))
    for times in ([ago(hours=1)], [ago(minutes=60 - minutes)], []):
        assert len(budget(attached(calling("Unanswered", startTimes=times), modification=made)).started) == 1


def test_a_call_that_no_pass_could_report_counts_beside_the_one_a_moment_before_it() -> None:
    """The process died after the call: only the journal has it."""
    owner = calling("Intended", startTimes=[ago(minutes=61)])
    assert (
        len(budget(attached(owner, modification=modified("completed", start_time=NOW - timedelta(hours=1)))).started)
        == 2
    )


def test_a_modification_that_ec2_does_not_show_yet_is_not_sent_again() -> None:
    """Whatever other call came in between."""
    assert isinstance(decide(attached(edited_claim({"size": 200}, startTimes=[ago(seconds=40)]))), Wait)


def test_a_failed_modification_is_not_repeated_until_a_person_asks() -> None:
    failed = modified("failed", target_size=200, status_message="no room")
    owner = edited_claim({"size": 200})
    decision = decide(attached(owner, modification=failed))
    assert reason_of(decision) == "ModificationFailed"
    assert "no room" in decision.message  # type: ignore[union-attr]  # a Wait
    asked = claim(
        spec(volume={"size": 200}), status=owner.status.model_dump(exclude_none=True), reconcile_requested_at="now"
    )
    assert isinstance(step_of(decide(attached(asked, modification=failed))), ModifyVolume)


def failed_all() -> Modification:
    """All that an edit asked for failed a minute ago, and AWS names what it was to be."""
    members = {"target_size": 200, "target_volume_type": "gp3", "target_iops": 6000, "target_throughput": 125}
    return modified("failed", start_time=NOW - timedelta(minutes=1), **members)


def test_less_than_what_failed_is_another_modification() -> None:
    owner = edited_claim({"size": 200}, startTimes=[ago(minutes=1)])
    assert isinstance(step_of(decide(attached(owner, modification=failed_all()))), ModifyVolume)


def test_what_failed_for_a_type_whose_rate_follows_from_the_size_is_the_same_modification() -> None:
    members = {"target_size": 200, "target_volume_type": "gp2", "target_iops": 600}
    failed = modified("failed", start_time=NOW - timedelta(minutes=20), **members)
    wanted = {"size": 200, "volumeType": "gp2"}
    slow = volume(attachment(), volume_type="gp2", iops=300, throughput=None)
    decision = decide(attached(edited_claim(wanted), volume=slow, modification=failed))
    assert reason_of(decision) == "ModificationFailed"


def test_a_failure_on_an_exhausted_day_says_when_a_retry_is_possible() -> None:
    times = [ago(hours=hours) for hours in (20, 10, 5)]
    failed = modified("failed", target_size=200, start_time=NOW - timedelta(hours=1))
    decision = decide(attached(edited_claim({"size": 200}, startTimes=times), modification=failed))
    assert reason_of(decision) == "ModificationFailed"
    assert "not before 2026-11-23T16:01:00Z" in decision.message  # type: ignore[union-attr]  # a Wait


def test_a_size_below_that_of_a_modification_under_way_names_the_size_that_comes() -> None:
    under_way = modified("modifying", target_size=200)
    decision = decide(attached(claim(spec(volume={"size": 150}), status=attached_status()), modification=under_way))
    assert "has 200 GiB and the spec asks for 150" in decision.message  # type: ignore[union-attr]  # a Wait


def test_a_size_below_the_actual_is_said_and_nothing_is_sent() -> None:
    owner = claim(spec(volume={"size": 50}), status=attached_status())
    assert reason_of(decide(attached(owner))) == "SizeBelowActual"


def test_an_exhausted_day_does_not_keep_the_volume_from_being_attached() -> None:
    times = [ago(hours=hours) for hours in (20, 10, 5, 1)]
    wanted = spec(volume={"size": 200})
    owner = claim(wanted, status=made_status(modification={"startTimes": times}))
    assert isinstance(step_of(decide(snapshot_of(owner))), Attach)
