"""What a pass leaves behind for the next one, for people and for a restart."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.builders import (
    ARN,
    NOW,
    OTHERS,
    ago,
    cluster,
    conditions_of,
    group,
    group_spec,
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

from hyperpod_operator.api.names import TAG_ADOPTED, Reason
from hyperpod_operator.api.status import HyperPodClusterStatus, LastAction
from hyperpod_operator.core.cluster.conditions import stamp
from hyperpod_operator.core.cluster.observed import ObservedCluster
from hyperpod_operator.core.cluster.report import PATIENCE, intent, report
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.cluster.verdict import Act
from hyperpod_operator.core.errors import ErrorKind
from hyperpod_operator.core.outcome import Done, Failed


def status(owner: Resource, found: ObservedCluster | None, **fields: Any) -> HyperPodClusterStatus:
    return report(told(owner, found, **fields)).status


def after(owner: Resource, found: ObservedCluster | None, **fields: Any) -> Resource:
    """The object as the next pass reads it."""
    return replace(owner, status=status(owner, found, **fields))


def last(made: HyperPodClusterStatus) -> LastAction:
    assert made.lastAction is not None
    return made.lastAction


def test_a_settled_cluster_is_told_in_full() -> None:
    made = status(resource(status=recorded(provisionedAt=None)), cluster(), tags=None)
    assert (made.clusterArn, made.clusterStatus, made.origin) == (ARN, "InService", "Created")
    assert made.provisionedAt == made.creationTime == stamp(NOW)
    assert made.groupsSummary == "cpu 2/2, gpu 4/4"
    assert made.nodes is not None
    assert (made.nodes.summary, made.nodes.target) == ("6/6", 6)


def test_a_second_look_at_the_same_world_writes_nothing() -> None:
    first = after(resource(status=recorded()), cluster())
    again = report(told(first, cluster(), now=NOW + timedelta(hours=5)))
    assert again.status == first.status
    assert again.notes == ()
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
    assert status(first, found, tags=tags, now=NOW + timedelta(seconds=5)) == first.status


def test_a_foreign_cluster_leaves_no_trace_in_status() -> None:
    made = status(resource(), cluster(), tags=OTHERS)
    assert (made.clusterArn, made.clusterStatus, made.origin, made.provisionedAt) == (None, None, None, None)
    assert (made.nodes, made.groupsSummary, made.instanceGroups) == (None, None, None)


def test_a_request_for_a_pass_is_echoed_and_stays() -> None:
    asked = after(resource(status=recorded(), reconcile_requested_at="now"), cluster())
    assert asked.status.lastHandledReconcileAt == "now"
    assert after(replace(asked, reconcile_requested_at=""), cluster()).status.lastHandledReconcileAt == "now"


class TestIntent:
    def stored(self, owner: Resource) -> HyperPodClusterStatus:
        story = told(owner, None)
        assert isinstance(story.verdict, Act)
        return intent(story, story.verdict)

    def test_says_that_a_create_is_about_to_be_sent(self) -> None:
        made = self.stored(resource())
        assert (last(made).operation, last(made).outcome, last(made).time) == ("CreateCluster", "Started", stamp(NOW))
        assert conditions_of(made) == {"Ready": ("Unknown", "Creating"), "Reconciling": ("True", "Creating")}

    def test_lists_the_groups_as_ours_before_anybody_else_could_add_some(self) -> None:
        made = self.stored(resource())
        assert [
            (item.instanceGroupName, item.origin, item.appliedInstanceCount) for item in made.instanceGroups or []
        ] == [
            ("cpu", "Created", 2),
            ("gpu", "Created", 4),
        ]

    def test_forgets_the_cluster_that_vanished(self) -> None:
        owner = resource(status=recorded(missing={"since": ago(16), "confirmations": 1}))
        made = self.stored(owner)
        assert (made.clusterArn, made.clusterStatus, made.provisionedAt, made.missing) == (None, None, None, None)

    def test_keeps_the_next_pass_from_sending_a_second_create(self) -> None:
        owner = replace(resource(), status=self.stored(resource()))
        assert report(told(owner, None)).outcome.reason is Reason.AWAITING_VISIBILITY  # type: ignore[union-attr]  # a wait


class TestLastAction:
    owner = resource(spec=scaled(), status=recorded())

    @pytest.mark.parametrize(
        ("answer", "outcome"),
        [
            ("accepted", "Accepted"),
            (ErrorKind.INVALID, "Rejected"),
            (ErrorKind.BUSY, "Rejected"),
            (ErrorKind.THROTTLED, "Rejected"),
            (ErrorKind.UNREACHABLE, "Rejected"),
            (ErrorKind.UNKNOWN_OUTCOME, "Unknown"),
            (ErrorKind.TRANSIENT, "Unknown"),
        ],
    )
    def test_records_what_may_be_concluded_from_the_answer(self, answer: Any, outcome: str) -> None:
        made = last(status(self.owner, cluster(), answer=answer))
        assert (made.operation, made.outcome, made.attempts, made.time) == ("UpdateCluster", outcome, 1, stamp(NOW))

    def test_is_applied_when_aws_shows_the_effect(self) -> None:
        sent = after(self.owner, cluster())
        applied = cluster(wanted=scaled())
        assert last(status(sent, replace(applied, status="Updating"))).outcome == "Accepted"
        assert last(status(sent, applied, now=NOW + timedelta(minutes=9))).outcome == "Applied"
        assert last(status(sent, applied, now=NOW + timedelta(minutes=9))).time == stamp(NOW)

    def test_a_create_is_applied_when_the_cluster_can_be_seen(self) -> None:
        sent = after(resource(), None)
        assert last(status(sent, cluster(status="Creating"))).outcome == "Applied"

    def test_a_deletion_is_applied_when_the_cluster_is_gone(self) -> None:
        sent = after(resource(deleting=True, status=recorded()), cluster())
        assert last(status(sent, cluster(status="Deleting"))).outcome == "Accepted"
        assert last(status(sent, None)).outcome == "Applied"

    def test_a_rollback_is_recorded_once_and_counted_with_the_next_try(self) -> None:
        sent = after(self.owner, cluster())
        an_hour_on = NOW + timedelta(hours=1)
        back = after(sent, cluster(), now=an_hour_on)
        assert (last(back.status).outcome, last(back.status).time) == ("RolledBack", stamp(an_hour_on))
        assert status(back, cluster(), now=an_hour_on + timedelta(seconds=60)) == back.status
        again = last(status(back, cluster(), now=an_hour_on + timedelta(hours=2)))
        assert (again.outcome, again.attempts) == ("Accepted", 2)

    def test_tries_with_a_role_that_is_not_usable_yet_are_counted(self) -> None:
        once = after(self.owner, cluster(), answer=ErrorKind.ROLE_PROPAGATION)
        twice = after(once, cluster(), answer=ErrorKind.ROLE_PROPAGATION)
        assert last(twice.status).attempts == 2


class TestRejected:
    owner = resource(spec=scaled(), status=recorded())

    def test_a_refused_wish_is_remembered_and_not_sent_again(self) -> None:
        refused = after(self.owner, cluster(), answer=ErrorKind.INVALID)
        assert refused.status.rejected is not None
        assert refused.status.rejected.code == "TheCode"
        later = told(refused, cluster(), now=NOW + timedelta(days=3))
        assert later.result is None
        assert report(later).status.rejected == refused.status.rejected

    def test_what_was_refused_keeps_its_words_on_later_passes(self) -> None:
        refused = after(self.owner, cluster(), answer=ErrorKind.INVALID)
        again = after(refused, cluster(), now=NOW + timedelta(hours=1))
        assert [item.message for item in again.status.conditions or []] == [
            item.message for item in refused.status.conditions or []
        ]

    @pytest.mark.parametrize("kind", [ErrorKind.DENIED, ErrorKind.QUOTA, ErrorKind.BUSY, ErrorKind.THROTTLED])
    def test_a_refusal_for_another_cause_is_tried_again(self, kind: ErrorKind) -> None:
        refused = after(self.owner, cluster(), answer=kind)
        assert refused.status.rejected is None
        assert told(refused, cluster(), now=NOW + timedelta(minutes=5)).result is not None

    def test_an_accepted_call_clears_it(self) -> None:
        refused = after(self.owner, cluster(), answer=ErrorKind.INVALID)
        edited = replace(resource(spec=scaled(5), generation=2), status=refused.status)
        assert status(edited, cluster(), now=NOW + timedelta(minutes=5)).rejected is None

    def test_so_does_a_spec_that_asks_for_nothing_more(self) -> None:
        refused = after(self.owner, cluster(), answer=ErrorKind.INVALID)
        back = replace(resource(generation=2), status=refused.status)
        assert status(back, cluster()).rejected is None


class TestMissing:
    def test_the_first_look_is_dated_and_the_last_status_kept(self) -> None:
        made = status(resource(status=recorded()), None)
        assert made.missing is not None
        assert made.missing.since == stamp(NOW)
        assert (made.clusterStatus, made.clusterArn) == ("InService", ARN)

    def test_a_cluster_that_shows_again_was_never_gone(self) -> None:
        lost = after(resource(status=recorded()), None)
        assert status(lost, cluster()).missing is None

    def test_the_second_look_leads_to_creation(self) -> None:
        lost = after(resource(status=recorded()), None)
        made = status(lost, None, now=NOW + timedelta(seconds=16))
        assert (last(made).operation, made.missing, made.clusterStatus) == ("CreateCluster", None, None)


class TestAdoption:
    owner = resource(spec=scaled(management={"adoptionPolicy": "IfUnowned"}))

    def test_the_announcement_lists_the_changes(self) -> None:
        made = status(self.owner, cluster(), tags={})
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
        made = status(edited, cluster(), tags={}, now=NOW + timedelta(seconds=59))
        assert made.adoption is not None
        assert made.adoption.announcedAt == stamp(NOW + timedelta(seconds=59))

    def test_afterwards_cluster_and_groups_are_adopted(self) -> None:
        made = status(self.owner, cluster(), tags=our_tags(self.owner, **{TAG_ADOPTED: "true"}))
        assert made.origin == "Adopted"
        assert {item.origin for item in made.instanceGroups or []} == {"Adopted"}
        assert made.adoption is None


class TestTagKeys:
    def test_keys_of_the_spec_are_remembered_once_they_are_on_the_cluster(self) -> None:
        owner = resource(spec=spec(tags=[{"key": "team", "value": "a"}]), status=recorded())
        assert status(owner, cluster()).appliedTagKeys == ["team"]
        assert status(owner, cluster(), tags=our_tags(owner, team="a")).appliedTagKeys == ["team"]

    def test_a_refused_call_put_nothing_on(self) -> None:
        owner = resource(spec=spec(tags=[{"key": "team", "value": "a"}]), status=recorded())
        assert status(owner, cluster(), answer=ErrorKind.DENIED).appliedTagKeys is None

    def test_ownership_tags_are_never_among_them(self) -> None:
        owner = resource(spec=managed(adoptionPolicy="IfUnowned"))
        announced = after(owner, cluster(), tags={})
        adopted = status(announced, cluster(), tags={}, now=NOW + timedelta(seconds=61))
        assert last(adopted).operation == "AddTags"
        assert adopted.appliedTagKeys is None

    def test_a_key_that_was_taken_off_is_forgotten(self) -> None:
        owner = resource(status=recorded(appliedTagKeys=["team", "other"]))
        assert status(owner, cluster(), tags=our_tags(owner, team="a")).appliedTagKeys == ["other"]


class TestCreateFailures:
    owner = resource(spec=managed(onCreateFailure="Recreate"), status=recorded(provisionedAt=None, createFailures=1))

    def test_a_creation_that_was_cleared_away_is_counted(self) -> None:
        assert status(self.owner, cluster(status="Failed")).createFailures == 2

    def test_a_clearing_that_was_refused_is_not(self) -> None:
        assert status(self.owner, cluster(status="Failed"), answer=ErrorKind.BUSY).createFailures == 1

    def test_success_forgets_them(self) -> None:
        assert status(self.owner, cluster()).createFailures is None

    def test_deleting_the_object_is_no_failure(self) -> None:
        owner = resource(deleting=True, status=recorded(createFailures=1))
        assert status(owner, cluster(status="Failed")).createFailures == 1


class TestUnread:
    def settled(self, **fields: Any) -> Resource:
        return replace(after(resource(status=recorded()), cluster()), **fields)

    def test_a_healthy_cluster_survives_a_few_failed_looks_unchanged(self) -> None:
        made = report(unread(self.settled(), failures=PATIENCE - 1))
        assert made.status == self.settled().status
        assert made.notes == ()
        assert made.outcome == Failed(Reason.AWS_UNREACHABLE, 5.0)

    def test_after_that_status_says_so_and_keeps_the_rest(self) -> None:
        made = report(unread(self.settled(), failures=PATIENCE)).status
        assert conditions_of(made)["Ready"] == ("Unknown", "AWSUnreachable")
        assert (made.clusterStatus, made.nodes) == ("InService", self.settled().status.nodes)
        assert made.lastAction == self.settled().status.lastAction

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
        assert (made.missing, made.rejected) == (lost.status.missing, lost.status.rejected)
