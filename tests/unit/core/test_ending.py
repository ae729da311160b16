"""How a pass ends: one reason, one time for the next look, the same for the same kind of failure."""

from typing import Any

import pytest
from tests.unit.core.builders import (
    cluster,
    failed_creation,
    group,
    group_spec,
    managed,
    never_in_service,
    recorded,
    resource,
    scaled,
    told,
    unread,
    with_group,
)

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.ending import ending
from hyperpod_operator.core.cluster.pass_record import Rejected
from hyperpod_operator.core.engine.result import ResultSummary
from hyperpod_operator.core.errors import SLOW, TREATMENTS, ErrorKind
from hyperpod_operator.core.outcome import Blocked, Done, Failed, Gone, Requeue

TABLE = [
    (ErrorKind.NOT_FOUND, Failed(Reason.AWS_ERROR, 5.0), False),
    (ErrorKind.ALREADY_EXISTS, Requeue(Reason.UNKNOWN_OUTCOME, 5.0), False),
    (ErrorKind.BUSY, Requeue(Reason.CLUSTER_BUSY, 20.0), False),
    (ErrorKind.THROTTLED, Failed(Reason.THROTTLED, 30.0), False),
    (ErrorKind.INVALID, Blocked(Reason.SPEC_REJECTED, SLOW), True),
    (ErrorKind.ROLE_PROPAGATION, Requeue(Reason.ROLE_PROPAGATION, 5.0), False),
    (ErrorKind.DENIED, Blocked(Reason.PERMISSION_DENIED, SLOW), True),
    (ErrorKind.CREDENTIALS, Failed(Reason.CREDENTIALS_INVALID, 5.0), True),
    (ErrorKind.QUOTA, Blocked(Reason.QUOTA_EXCEEDED, SLOW), True),
    (ErrorKind.UNKNOWN_OUTCOME, Requeue(Reason.UNKNOWN_OUTCOME, 5.0), False),
    (ErrorKind.UNREACHABLE, Failed(Reason.AWS_UNREACHABLE, 5.0), False),
    (ErrorKind.TRANSIENT, Failed(Reason.AWS_ERROR, 5.0), False),
    (ErrorKind.EKS_IN_USE, Requeue(Reason.EKS_CLUSTER_IN_USE, 60.0), False),
    (ErrorKind.WRONG_ENDPOINT, Failed(Reason.AWS_UNREACHABLE, 5.0), False),
    (ErrorKind.CLOCK, Failed(Reason.CREDENTIALS_INVALID, 5.0), True),
    (ErrorKind.ACCOUNT, Blocked(Reason.ACCOUNT_BLOCKED, 1800.0), True),
    (ErrorKind.MALFORMED, Failed(Reason.AWS_ERROR, 5.0), False),
]
OWNER = resource(spec=scaled(), status=recorded())


def refused(kind: ErrorKind, **status: Any) -> ResultSummary:
    return ending(told(resource(spec=scaled(), status=recorded(**status)), cluster(), answer=kind))


@pytest.mark.parametrize(("kind", "outcome", "stalled"), TABLE)
def test_a_refused_call_ends_by_the_table(kind: ErrorKind, outcome: object, stalled: bool) -> None:
    end = refused(kind)
    assert (end.outcome, end.stalled, end.settled) == (outcome, stalled, False)


@pytest.mark.parametrize(("kind", "outcome", "stalled"), TABLE)
def test_a_failed_look_ends_by_the_same_table(kind: ErrorKind, outcome: object, stalled: bool) -> None:
    end = ending(unread(OWNER, kind))
    assert (end.outcome, end.stalled, end.settled) == (outcome, stalled, False)


def test_the_tables_leave_no_kind_of_failure_out() -> None:
    assert {row[0] for row in TABLE} == set(ErrorKind) == set(TREATMENTS)


@pytest.mark.parametrize("kind", ErrorKind)
def test_a_treatment_waits_either_a_fixed_time_or_with_backoff(kind: ErrorKind) -> None:
    treatment = TREATMENTS[kind]
    assert (treatment.after is None) == (treatment.at_least > 0)
    assert treatment.remedy.endswith(".")


@pytest.mark.parametrize("kind", ErrorKind)
def test_only_a_refusal_that_a_person_has_to_mend_is_remembered(kind: ErrorKind) -> None:
    assert TREATMENTS[kind].remember == (kind is ErrorKind.INVALID)


@pytest.mark.parametrize("kind", ErrorKind)
def test_a_failure_tells_what_where_and_what_next_without_a_request_id(kind: ErrorKind) -> None:
    message = refused(kind).message
    assert "UpdateCluster failed (TheCode): words of AWS. " in message
    granted = "of this EKS cluster. The operator retries every 5 minutes."
    assert message.endswith(granted if kind is ErrorKind.DENIED else TREATMENTS[kind].remedy)
    assert "request-1" not in message


def last_refusal(attempts: int, **fields: Any) -> dict[str, Any]:
    result = told(OWNER, cluster(), answer=ErrorKind.ROLE_PROPAGATION).result
    assert isinstance(result, Rejected)
    return {"operation": "UpdateCluster", "state": "Rejected", "fingerprint": result.fingerprint} | {
        "attempts": attempts,
        **fields,
    }


def test_a_role_that_stays_unusable_becomes_a_persons_matter() -> None:
    assert refused(ErrorKind.ROLE_PROPAGATION, last=last_refusal(10)).outcome == Requeue(Reason.ROLE_PROPAGATION, 5)
    end = refused(ErrorKind.ROLE_PROPAGATION, last=last_refusal(11))
    assert end.outcome == Blocked(Reason.PERMISSION_DENIED, SLOW)
    assert end.stalled
    assert "trusts sagemaker.amazonaws.com" in end.message


def test_tries_of_another_call_do_not_count() -> None:
    end = refused(ErrorKind.ROLE_PROPAGATION, last=last_refusal(11, fingerprint="of another call"))
    assert end.outcome == Requeue(Reason.ROLE_PROPAGATION, 5.0)


def test_a_failed_cluster_that_takes_no_change_is_a_persons_matter() -> None:
    failed = cluster(status="Failed", failure_message="boom")
    end = ending(told(OWNER, failed, answer=ErrorKind.BUSY))
    assert end.outcome == Blocked(Reason.CLUSTER_FAILED, SLOW)
    assert end.stalled
    assert "boom" in end.message


@pytest.mark.parametrize(
    ("owner", "found", "reason", "after"),
    [
        (resource(), None, Reason.CREATING, 20.0),
        (OWNER, cluster(), Reason.UPDATING, 20.0),
        (resource(deleting=True, status=recorded()), cluster(), Reason.DELETING, 20.0),
        (
            resource(spec=managed(onCreateFailure="Recreate"), status=never_in_service()),
            failed_creation(),
            Reason.RECREATING,
            20.0,
        ),
        (
            resource(deleting=True, spec=managed(deletionPolicy="Retain"), status=recorded()),
            cluster(),
            Reason.RELEASED,
            1.0,
        ),
    ],
)
def test_an_accepted_call_is_looked_after_soon(owner: Any, found: Any, reason: Reason, after: float) -> None:
    end = ending(told(owner, found))
    assert end.outcome == Requeue(reason, after)
    assert not end.stalled


def test_a_hold_that_needs_a_person_is_blocked() -> None:
    grown = with_group(cluster(), group(group_spec(), target_count=8))
    end = ending(told(resource(status=recorded()), grown))
    assert end.outcome == Blocked(Reason.SCALED_OUTSIDE, 600.0)
    assert end.stalled


def test_a_hold_that_time_solves_waits() -> None:
    end = ending(told(resource(status=recorded()), cluster(status="Updating")))
    assert end.outcome == Requeue(Reason.UPDATING, 20.0)
    assert not end.stalled


def test_only_a_settled_cluster_is_done() -> None:
    end = ending(told(resource(status=recorded()), cluster()))
    assert (end.outcome, end.settled) == (Done(), True)


def test_a_released_object_is_forgotten() -> None:
    assert ending(told(resource(deleting=True), None)).outcome == Gone()
