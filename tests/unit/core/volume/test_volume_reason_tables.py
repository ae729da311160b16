"""Tables about claims that are keyed by reason, tried for every reason there is."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.volume.builders import (
    NOW,
    claim,
    failure,
    made_status,
    snapshot_of,
)

from hyperpod_operator.api.common.conditions import Condition
from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.api.reasons import REASONS
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.engine.result import ResultSummary
from hyperpod_operator.core.errors import ErrorKind
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.outcome import Blocked, Done, Requeue
from hyperpod_operator.core.volume.conditions import conditions
from hyperpod_operator.core.volume.ending import ending
from hyperpod_operator.core.volume.events import events
from hyperpod_operator.core.volume.pass_record import PassRecord
from hyperpod_operator.core.volume.phase import phase

EVERY_REASON = pytest.mark.parametrize("reason", list(Reason))


def end(reason: Reason, *, stalled: bool = False) -> ResultSummary:
    return ResultSummary(outcome=Done(), reason=reason, message="m", stalled=stalled)


def pass_record(**members: Any) -> PassRecord:
    return PassRecord(snapshot=snapshot_of(claim(status=made_status()), **members))


@EVERY_REASON
def test_the_condition_conflict_is_true_for_these_reasons_alone(reason: Reason) -> None:
    found = {item.type: item for item in conditions(pass_record(), end(reason))}[ConditionType.CONFLICT]
    conflict = REASONS[reason].condition is ConditionType.CONFLICT
    assert (found.status, found.reason) == (("True", reason) if conflict else ("False", "NoConflict"))


@EVERY_REASON
def test_each_reason_has_its_phase_and_all_others_the_phase_of_a_volume_at_rest(reason: Reason) -> None:
    assert phase(pass_record(), end(reason)) == (REASONS[reason].phase or "Available")


@EVERY_REASON
def test_a_transition_is_an_event_only_where_its_reason_needs_attention(reason: Reason) -> None:
    # A record without a look: no step was made, so the only Event is the condition's.
    unread = PassRecord(snapshot=snapshot_of(claim()), unread=failure(ErrorKind.UNREACHABLE))
    ready = Condition(
        type=ConditionType.READY, status="False", reason=reason, message="m", lastTransitionTime=stamp(NOW)
    )
    new = unread.snapshot.claim.status.model_copy(update={"conditions": [ready]})
    needs_attention = REASONS[reason].worrying or REASONS[reason].stalled
    assert [event.type for event in events(unread, end(reason), new)] == (["Warning"] if needs_attention else [])
    assert [event.type for event in events(unread, end(reason, stalled=True), new)] == ["Warning"]


@pytest.mark.parametrize("stalled", [False, True])
@EVERY_REASON
def test_what_is_not_ready_is_reconciling_or_stalled_unless_a_person_stopped_it(reason: Reason, stalled: bool) -> None:
    found = {item.type for item in conditions(pass_record(), end(reason, stalled=stalled))}
    paused = (Reason.PAUSED, Reason.PLAN_ONLY, Reason.OPERATION_SUSPENDED)
    by_hand = {Reason.SUSPENDED: set[str](), **{reason: {"Paused"} for reason in paused}}
    expected = by_hand.get(reason, {"Stalled" if stalled else "Reconciling"})
    assert found & {"Reconciling", "Stalled", "Paused"} == expected


@EVERY_REASON
def test_a_claim_that_waits_for_a_person_is_stalled_whoever_says_so(reason: Reason) -> None:
    waits = ending(replace(pass_record(), decision=Wait(reason=reason, message="m", after=60.0)))
    blocked = REASONS[reason].stalled
    assert waits.stalled is blocked
    assert waits.outcome == (Blocked(reason, 60.0) if blocked else Requeue(reason, 60.0))
