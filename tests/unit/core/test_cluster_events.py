"""Events tell what changed, once, with the weight that it has."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.builders import (
    NOW,
    OTHERS,
    cluster,
    failed_creation,
    group,
    group_spec,
    managed,
    recorded,
    resource,
    scaled,
    told,
    unread,
    with_group,
)

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.report import report
from hyperpod_operator.core.errors import ErrorKind
from hyperpod_operator.core.ports import Event


def events(owner: Any, found: Any, **fields: Any) -> tuple[Event, ...]:
    return report(told(owner, found, **fields)).events


def test_an_accepted_call_says_what_it_changes() -> None:
    first = events(resource(spec=scaled(), status=recorded()), cluster())[0]
    assert (first.type, first.reason, first.action) == ("Normal", Reason.UPDATING, "UpdateCluster")
    assert "instanceGroups[gpu].instanceCount: 4 -> 6" in first.message


def test_a_refused_call_is_a_warning_with_the_request_id_for_aws_support() -> None:
    first = events(resource(spec=scaled(), status=recorded()), cluster(), answer=ErrorKind.QUOTA)[0]
    assert (first.type, first.reason, first.action) == ("Warning", Reason.QUOTA_EXCEEDED, "UpdateCluster")
    assert first.reference == "request request-1"


def test_each_reason_is_told_once_a_pass() -> None:
    made = events(resource(), None)
    assert len({event.reason for event in made}) == len(made)


def test_a_cluster_that_is_ready_when_it_is_first_looked_at_is_good_news() -> None:
    made = {event.reason: event.type for event in events(resource(status=recorded()), cluster())}
    assert made[Reason.CLUSTER_READY] == "Normal"


def test_the_end_of_a_creation_is_no_event() -> None:
    owner = resource(status=recorded())
    creating = replace(owner, status=report(told(owner, cluster(status="Creating"))).status)
    assert events(creating, cluster()) == ()


def test_ready_again_after_a_warning_is_good_news() -> None:
    owner = resource(status=recorded())
    failed = replace(owner, status=report(told(owner, cluster(status="Failed"))).status)
    assert [(event.type, event.reason) for event in events(failed, cluster())] == [("Normal", Reason.CLUSTER_READY)]


def test_what_did_not_change_is_not_told_again() -> None:
    owner = resource(status=recorded())
    settled = replace(owner, status=report(told(owner, cluster())).status)
    assert events(settled, cluster(), now=NOW + timedelta(hours=1)) == ()


def test_another_message_with_the_same_reason_is_not_told() -> None:
    short = with_group(cluster(), group(group_spec(), current=1))
    owner = resource(status=recorded())
    waiting = replace(owner, status=report(told(owner, short)).status)
    nearly = with_group(cluster(), group(group_spec(), current=3))
    assert events(waiting, nearly) == ()


@pytest.mark.parametrize(
    ("owner", "found", "tags", "reason"),
    [
        (resource(), cluster(), OTHERS, Reason.NOT_OWNED),
        (resource(), failed_creation(), None, Reason.CREATE_FAILED),
        (resource(), cluster(status="Failed"), None, Reason.CLUSTER_FAILED),
        (resource(spec=managed(adoptionPolicy="IfUnowned")), cluster(), {}, Reason.ADOPTION_ANNOUNCED),
        (resource(status=recorded()), None, None, Reason.CONFIRMING_DELETION),
        (resource(status=recorded()), cluster(status="RollingBack"), None, Reason.ROLLING_BACK),
    ],
)
def test_what_a_person_should_see_is_a_warning(owner: Any, found: Any, tags: Any, reason: Reason) -> None:
    fields = {} if tags is None else {"tags": tags}
    assert {event.reason: event.type for event in events(owner, found, **fields)}[reason] == "Warning"


def test_a_pause_is_told_and_no_warning() -> None:
    owner = resource(spec=managed(paused=True), status=recorded())
    assert {event.reason: event.type for event in events(owner, cluster())} == {Reason.PAUSED: "Normal"}


@pytest.mark.parametrize(
    "found",
    [cluster(status="Updating"), with_group(cluster(), group(group_spec(), current=1))],
    ids=["updating", "scaling"],
)
def test_a_transition_that_needs_no_attention_is_no_event(found: Any) -> None:
    assert events(resource(status=recorded()), found) == ()


def test_a_creation_is_one_event() -> None:
    assert [event.reason for event in events(resource(), None)] == [Reason.CREATING]


def test_a_cluster_that_becomes_ready_is_one_event() -> None:
    assert [event.reason for event in events(resource(status=recorded()), cluster())] == [Reason.CLUSTER_READY]


@pytest.mark.parametrize("kind", [ErrorKind.QUOTA, ErrorKind.DENIED, ErrorKind.THROTTLED])
def test_one_rejection_is_one_event_however_often_it_is_tried(kind: ErrorKind) -> None:
    owner = resource(spec=scaled(), status=recorded())
    first = report(told(owner, cluster(), answer=kind))
    again = replace(owner, status=first.status)
    later = report(told(again, cluster(), answer=kind, now=NOW + timedelta(hours=2)))
    assert [event.action for event in first.events] == ["UpdateCluster"]
    assert later.events == ()


def test_another_rejection_of_the_same_call_is_another_event() -> None:
    owner = resource(spec=scaled(), status=recorded())
    again = replace(owner, status=report(told(owner, cluster(), answer=ErrorKind.QUOTA)).status)
    later = report(told(again, cluster(), answer=ErrorKind.DENIED, now=NOW + timedelta(hours=2)))
    assert [event.reason for event in later.events] == [Reason.PERMISSION_DENIED]


def test_the_same_rejection_of_another_edit_is_another_event() -> None:
    owner = resource(spec=scaled(), status=recorded())
    first = report(told(owner, cluster(), answer=ErrorKind.QUOTA)).status
    edited = replace(resource(spec=scaled(7), status=recorded()), status=first)
    later = report(told(edited, cluster(), answer=ErrorKind.QUOTA, now=NOW + timedelta(hours=2)))
    assert [event.action for event in later.events] == ["UpdateCluster"]


def test_a_cluster_that_was_deleted_by_others_is_told_before_its_recreation() -> None:
    owner = resource(spec=managed(onExternalDelete="Recreate"), status=recorded())
    lost = replace(owner, status=report(told(owner, None)).status)
    made = events(lost, None, now=NOW + timedelta(seconds=16))
    assert [event.reason for event in made][:2] == [Reason.CLUSTER_DISAPPEARED, Reason.CREATING]
    assert made[0].type == "Warning"


def test_a_world_that_cannot_be_read_is_told_when_patience_ends() -> None:
    assert [event.reason for event in report(unread(resource(status=recorded()), failures=3)).events] == [
        Reason.AWS_UNREACHABLE
    ]
