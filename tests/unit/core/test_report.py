"""What a pass leaves behind for the next one, for people and for a restart."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from tests.unit.core.builders import (
    ARN,
    NOW,
    OTHERS,
    after,
    cluster,
    conditions_of,
    group,
    group_spec,
    last_call,
    left,
    managed,
    our_tags,
    recorded,
    resource,
    scaled,
    spec,
    told,
    unread,
    with_group,
)

from hyperpod_operator.api.cluster.status import HyperPodClusterStatus
from hyperpod_operator.api.names import TAG_ADOPTED, Reason
from hyperpod_operator.core.cluster.report import PATIENCE, report
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.errors import ErrorKind
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.outcome import Done, Failed


def test_a_settled_cluster_is_told_in_full() -> None:
    made = left(resource(status=recorded(provisionedAt=None)), cluster(), tags=None)
    assert (made.clusterArn, made.clusterStatus, made.origin) == (ARN, "InService", "Created")
    assert made.remembered.provisionedAt == made.creationTime == stamp(NOW)
    assert made.groupsSummary == "cpu 2/2, gpu 4/4"
    assert made.nodes is not None
    assert (made.nodes.summary, made.nodes.target) == ("6/6", 6)


def test_a_second_look_at_the_same_world_writes_nothing() -> None:
    first = after(resource(status=recorded()), cluster())
    again = report(told(first, cluster(), now=NOW + timedelta(hours=5)))
    assert again.status == first.status
    assert again.events == ()
    assert again.outcome == Done()


@pytest.mark.parametrize(
    ("owner", "found", "tags"),
    [
        (resource(status=recorded()), cluster(status="Updating"), None),
        (resource(), cluster(), OTHERS),
        (resource(spec=managed(adoptionPolicy="IfUnowned")), cluster(), {}),
        (resource(status=recorded()), with_group(cluster(), group(group_spec(), current=1)), None),
        (resource(spec=managed(paused=True), status=recorded()), cluster(), None),
        (resource(status=recorded()), None, None),
    ],
)
def test_waiting_writes_once_and_then_not_again(owner: Resource, found: Any, tags: Any) -> None:
    first = after(owner, found, tags=tags)
    assert left(first, found, tags=tags, now=NOW + timedelta(seconds=5)) == first.status


def test_a_foreign_cluster_leaves_no_trace_in_status() -> None:
    made = left(resource(), cluster(), tags=OTHERS)
    assert (made.clusterArn, made.clusterStatus, made.origin, made.remembered.provisionedAt) == (None, None, None, None)
    assert (made.nodes, made.groupsSummary, made.instanceGroups) == (None, None, None)


def test_an_accepted_creation_records_the_arn_and_the_origin() -> None:
    made = left(resource(), None)
    assert (made.clusterArn, made.origin, made.clusterStatus) == (ARN, "Created", None)


class TestWhatAnEarlierClusterLeft:
    earlier: ClassVar = {"fingerprint": "0123456789abcdef", "time": stamp(NOW), "attempts": 3}
    owner = resource(
        spec=managed(onExternalDelete="Recreate"),
        status=recorded(
            operations=[
                {"concern": "Software", "operation": "UpdateClusterSoftware", "state": "Rejected", **earlier},
                {"concern": "Tags", "operation": "AddTags", "state": "Accepted", **earlier},
            ],
            rejectedGroups=[{"instanceGroupName": "gpu", "reason": "InvalidSpec", "message": "too many", **earlier}],
        ),
    )

    @pytest.fixture
    def seen_gone(self) -> Resource:
        """Its cluster is away for the first of two looks."""
        return after(self.owner, None)

    @pytest.mark.parametrize("answer", ["accepted", *ErrorKind])
    def test_says_nothing_of_calls_to_the_next_one(self, seen_gone: Resource, answer: str | ErrorKind) -> None:
        made = left(seen_gone, None, answer=answer, now=NOW + timedelta(minutes=1))
        assert [entry.operation for entry in made.operations or []] == ["CreateCluster"]
        assert made.rejectedGroups is None

    def test_is_gone_once_the_next_one_is_made(self, seen_gone: Resource) -> None:
        now = NOW + timedelta(minutes=1)
        made, first = left(seen_gone, None, now=now), left(resource(spec=seen_gone.spec), None, now=now)
        for member in HyperPodClusterStatus.model_fields.keys() - {"conditions"}:
            assert getattr(made, member) == getattr(first, member), member


def test_a_request_for_a_pass_is_echoed_and_stays() -> None:
    asked = after(resource(status=recorded(), reconcile_requested_at="now"), cluster())
    assert asked.status.lastHandledReconcileAt == "now"
    assert after(replace(asked, reconcile_requested_at=""), cluster()).status.lastHandledReconcileAt == "now"


class TestAdoption:
    owner = resource(spec=scaled(management={"adoptionPolicy": "IfUnowned"}))

    def test_the_announcement_lists_the_changes(self) -> None:
        made = left(self.owner, cluster(), tags={})
        assert made.adoption is not None
        assert made.adoption.changes == ["instanceGroups[gpu].instanceCount: 4 -> 6"]
        assert made.adoption.announcedAt == stamp(NOW)

    def test_the_notice_runs_from_the_first_announcement(self) -> None:
        announced = after(self.owner, cluster(), tags={})
        soon = after(announced, cluster(), tags={}, now=NOW + timedelta(seconds=30))
        assert soon.status.adoption == announced.status.adoption
        assert told(soon, cluster(), tags={}, now=NOW + timedelta(seconds=61)).result is not None

    def test_another_change_is_announced_anew(self) -> None:
        announced = after(self.owner, cluster(), tags={})
        edited = replace(announced, spec=resource(spec=scaled(7, management={"adoptionPolicy": "IfUnowned"})).spec)
        made = left(edited, cluster(), tags={}, now=NOW + timedelta(seconds=59))
        assert made.adoption is not None
        assert made.adoption.announcedAt == stamp(NOW + timedelta(seconds=59))

    def test_afterwards_cluster_and_groups_are_adopted(self) -> None:
        made = left(self.owner, cluster(), tags=our_tags(self.owner, **{TAG_ADOPTED: "true"}))
        assert made.origin == "Adopted"
        assert {item.remembered.origin for item in made.instanceGroups or []} == {"Adopted"}
        assert made.adoption is None


class TestTagKeys:
    def test_keys_of_the_spec_are_remembered_once_they_are_on_the_cluster(self) -> None:
        owner = resource(spec=spec(tags=[{"key": "team", "value": "a"}]), status=recorded())
        assert left(owner, cluster()).remembered.appliedTagKeys == ["team"]
        assert left(owner, cluster(), tags=our_tags(owner, team="a")).remembered.appliedTagKeys == ["team"]

    def test_a_refused_call_put_nothing_on(self) -> None:
        owner = resource(spec=spec(tags=[{"key": "team", "value": "a"}]), status=recorded())
        assert left(owner, cluster(), answer=ErrorKind.DENIED).remembered.appliedTagKeys is None

    def test_ownership_tags_are_never_among_them(self) -> None:
        owner = resource(spec=managed(adoptionPolicy="IfUnowned"))
        announced = after(owner, cluster(), tags={})
        adopted = left(announced, cluster(), tags={}, now=NOW + timedelta(seconds=61))
        assert last_call(adopted).operation == "AddTags"
        assert adopted.remembered.appliedTagKeys is None

    def test_a_key_that_was_taken_off_is_forgotten(self) -> None:
        owner = resource(status=recorded(appliedTagKeys=["team", "other"]))
        assert left(owner, cluster(), tags=our_tags(owner, team="a")).remembered.appliedTagKeys == ["other"]


class TestUnread:
    def settled(self, **fields: Any) -> Resource:
        return replace(after(resource(status=recorded()), cluster()), **fields)

    def test_a_healthy_cluster_survives_a_few_failed_looks_unchanged(self) -> None:
        made = report(unread(self.settled(), failures=PATIENCE - 1))
        assert made.status == self.settled().status
        assert made.events == ()
        assert made.outcome == Failed(Reason.AWS_UNREACHABLE, 5.0)

    def test_after_that_status_says_so_and_keeps_the_rest(self) -> None:
        made = report(unread(self.settled(), failures=PATIENCE)).status
        assert conditions_of(made)["Ready"] == ("Unknown", "AWSUnreachable")
        assert (made.clusterStatus, made.nodes) == ("InService", self.settled().status.nodes)
        assert made.last == self.settled().status.last

    def test_an_edit_is_answered_at_once(self) -> None:
        made = report(unread(self.settled(generation=2))).status
        assert made.observedGeneration == 2
        assert conditions_of(made)["Ready"][0] == "Unknown"

    def test_what_a_person_has_to_mend_is_told_at_once(self) -> None:
        made = report(unread(self.settled(), ErrorKind.DENIED)).status
        assert conditions_of(made)["Stalled"] == ("True", "PermissionDenied")

    def test_a_new_object_is_told_at_once(self) -> None:
        assert conditions_of(report(unread(resource())).status)["Ready"] == ("Unknown", "AWSUnreachable")

    def test_a_look_that_failed_decides_nothing_about_a_cluster_that_is_missing(self) -> None:
        lost = after(resource(status=recorded()), None)
        made = report(unread(lost, failures=9)).status
        assert (made.remembered.missing, made.operations) == (lost.status.remembered.missing, lost.status.operations)
