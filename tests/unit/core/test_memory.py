"""What a restart must not forget: the last call, what was refused, what vanished, what failed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.builders import (
    ARN,
    NOW,
    after,
    ago,
    cluster,
    conditions_of,
    failed_creation,
    last_call,
    left,
    managed,
    never_in_service,
    recorded,
    resource,
    scaled,
    told,
)

from hyperpod_operator.api.cluster.status import HyperPodClusterStatus
from hyperpod_operator.api.common.operations import OperationStatus
from hyperpod_operator.api.common.preflight import PreflightStatus
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.decision import Act
from hyperpod_operator.core.cluster.report import intent, report
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.engine.journal import rejected
from hyperpod_operator.core.errors import ErrorKind
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.outcome import Requeue


class TestIntent:
    def stored(self, owner: Resource) -> HyperPodClusterStatus:
        pass_record = told(owner, None)
        assert isinstance(pass_record.decision, Act)
        return intent(pass_record, pass_record.decision)

    def test_says_that_a_create_is_about_to_be_sent(self) -> None:
        made = self.stored(resource())
        assert (last_call(made).operation, last_call(made).state, last_call(made).time) == (
            "CreateCluster",
            "Intended",
            stamp(NOW),
        )
        assert conditions_of(made) == {"Ready": ("Unknown", "Creating"), "Reconciling": ("True", "Creating")}

    def test_lists_the_groups_as_ours_before_anybody_else_could_add_some(self) -> None:
        groups = self.stored(resource()).instanceGroups or []
        assert [
            (item.instanceGroupName, item.remembered.origin, item.remembered.appliedInstanceCount) for item in groups
        ] == [
            ("cpu", "Created", 2),
            ("gpu", "Created", 4),
        ]

    def test_keeps_what_preflight_found(self) -> None:
        pass_record, found = told(resource(), None), PreflightStatus(passed=3)
        assert isinstance(pass_record.decision, Act)
        assert intent(replace(pass_record, preflight=found), pass_record.decision).preflight == found

    def test_forgets_the_cluster_that_vanished(self) -> None:
        status = recorded(missing={"what": "the cluster", "since": ago(16)})
        made = self.stored(resource(spec=managed(onExternalDelete="Recreate"), status=status))
        assert (made.clusterArn, made.remembered.provisionedAt, made.remembered.missing) == (None, None, None)

    def test_remembers_that_there_was_one_until_aws_makes_another(self) -> None:
        status = recorded(missing={"what": "the cluster", "since": ago(16)})
        made = self.stored(resource(spec=managed(onExternalDelete="Recreate"), status=status))
        assert made.clusterStatus == "InService"

    def test_keeps_the_next_pass_from_sending_a_second_create(self) -> None:
        owner = replace(resource(), status=self.stored(resource()))
        assert report(told(owner, None)).outcome == Requeue(Reason.AWAITING_VISIBILITY, 5.0)


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
            (ErrorKind.UNKNOWN_OUTCOME, "Unanswered"),
            (ErrorKind.TRANSIENT, "Unanswered"),
        ],
    )
    def test_records_what_may_be_concluded_from_the_answer(self, answer: Any, outcome: str) -> None:
        made = last_call(left(self.owner, cluster(), answer=answer))
        assert (made.operation, made.state, made.attempts, made.time) == ("UpdateCluster", outcome, 1, stamp(NOW))

    def test_is_applied_when_aws_shows_the_effect(self) -> None:
        sent = after(self.owner, cluster())
        applied = cluster(wanted=scaled())
        assert last_call(left(sent, replace(applied, status="Updating"))).state == "Accepted"
        assert last_call(left(sent, applied, now=NOW + timedelta(minutes=9))).state == "Applied"
        assert last_call(left(sent, applied, now=NOW + timedelta(minutes=9))).time == stamp(NOW)

    def test_a_create_is_applied_when_the_cluster_can_be_seen(self) -> None:
        sent = after(resource(), None)
        assert last_call(left(sent, cluster(status="Creating"))).state == "Applied"

    def test_a_deletion_is_applied_when_the_cluster_is_gone(self) -> None:
        sent = after(resource(deleting=True, status=recorded()), cluster())
        assert last_call(left(sent, cluster(status="Deleting"))).state == "Accepted"
        assert last_call(left(sent, None)).state == "Applied"

    def test_a_rollback_is_recorded_once_and_counted_with_the_next_try(self) -> None:
        sent = after(self.owner, cluster())
        an_hour_on = NOW + timedelta(hours=1)
        back = after(sent, cluster(), now=an_hour_on)
        assert (last_call(back.status).state, last_call(back.status).time) == ("RolledBack", stamp(an_hour_on))
        assert left(back, cluster(), now=an_hour_on + timedelta(seconds=60)) == back.status
        again = last_call(left(back, cluster(), now=an_hour_on + timedelta(hours=2)))
        assert (again.state, again.attempts) == ("Accepted", 2)

    def test_tries_with_a_role_that_is_not_usable_yet_are_counted(self) -> None:
        once = after(self.owner, cluster(), answer=ErrorKind.ROLE_PROPAGATION)
        twice = after(once, cluster(), answer=ErrorKind.ROLE_PROPAGATION)
        assert last_call(twice.status).attempts == 2


def is_rejected(made: HyperPodClusterStatus) -> bool:
    return any(map(rejected, made.operations or ()))


def rejection(made: HyperPodClusterStatus) -> OperationStatus:
    (entry,) = [one for one in made.operations or () if rejected(one)]
    return entry


class TestRejected:
    """A creation that AWS refused; what it refuses of an update is remembered by group (test_parts.py)."""

    owner = resource()

    def test_a_refused_wish_is_remembered_and_not_sent_again(self) -> None:
        refused = after(self.owner, None, answer=ErrorKind.INVALID)
        assert rejection(refused.status).code == "TheCode"
        later = told(refused, None, now=NOW + timedelta(minutes=25))
        assert later.result is None
        assert rejection(report(later).status) == rejection(refused.status)

    def test_what_was_refused_keeps_its_words_on_later_passes(self) -> None:
        refused = after(self.owner, None, answer=ErrorKind.INVALID)
        again = after(refused, None, now=NOW + timedelta(minutes=20))
        assert [item.message for item in again.status.conditions or []] == [
            item.message for item in refused.status.conditions or []
        ]

    def test_a_refusal_that_ended_and_came_again_stands_longer(self) -> None:
        refused = after(self.owner, None, answer=ErrorKind.INVALID)
        again = after(refused, None, answer=ErrorKind.INVALID, now=NOW + timedelta(minutes=40))
        assert rejection(again.status).rejections == 2
        assert told(again, None, now=NOW + timedelta(minutes=40 + 50)).result is None

    def test_a_name_that_exists_while_no_cluster_shows_is_remembered_the_second_time(self) -> None:
        first = after(self.owner, None, answer=ErrorKind.ALREADY_EXISTS)
        assert not is_rejected(first.status)
        second = after(first, None, answer=ErrorKind.ALREADY_EXISTS, now=NOW + timedelta(minutes=6))
        assert is_rejected(second.status)
        assert told(second, None, now=NOW + timedelta(minutes=25)).result is None

    @pytest.mark.parametrize("kind", [ErrorKind.DENIED, ErrorKind.QUOTA, ErrorKind.BUSY, ErrorKind.THROTTLED])
    def test_a_refusal_for_another_cause_is_tried_again(self, kind: ErrorKind) -> None:
        refused = after(self.owner, None, answer=kind)
        assert not is_rejected(refused.status)
        assert told(refused, None, now=NOW + timedelta(minutes=5)).result is not None

    def test_an_accepted_call_clears_it(self) -> None:
        refused = after(self.owner, None, answer=ErrorKind.INVALID)
        edited = replace(resource(spec=scaled(5), generation=2), status=refused.status)
        assert not is_rejected(left(edited, None, now=NOW + timedelta(minutes=5)))

    def test_so_does_a_spec_that_asks_for_nothing_more(self) -> None:
        refused = after(self.owner, None, answer=ErrorKind.INVALID)
        back = replace(resource(generation=2), status=refused.status)
        assert not is_rejected(left(back, cluster()))


class TestMissing:
    def test_the_first_look_is_dated_and_the_last_status_kept(self) -> None:
        made = left(resource(status=recorded()), None)
        assert made.remembered.missing is not None
        assert made.remembered.missing.since == stamp(NOW)
        assert (made.clusterStatus, made.clusterArn) == ("InService", ARN)

    def test_a_cluster_that_shows_again_was_never_gone(self) -> None:
        lost = after(resource(status=recorded()), None)
        assert left(lost, cluster()).remembered.missing is None

    def test_the_second_look_leads_to_creation(self) -> None:
        lost = after(resource(spec=managed(onExternalDelete="Recreate"), status=recorded()), None)
        made = left(lost, None, now=NOW + timedelta(seconds=16))
        assert (last_call(made).operation, made.remembered.missing, made.clusterStatus) == ("CreateCluster", None, None)


class TestCreateFailures:
    owner = resource(spec=managed(onCreateFailure="Recreate"), status=never_in_service(createFailures=1))

    def test_a_creation_that_was_cleared_away_is_counted(self) -> None:
        assert left(self.owner, failed_creation()).remembered.createFailures == 2

    def test_a_clearing_that_was_refused_is_not(self) -> None:
        assert left(self.owner, failed_creation(), answer=ErrorKind.BUSY).remembered.createFailures == 1

    def test_success_forgets_them(self) -> None:
        assert left(self.owner, cluster()).remembered.createFailures is None

    def test_deleting_the_object_is_no_failure(self) -> None:
        owner = resource(deleting=True, status=recorded(createFailures=1))
        assert left(owner, failed_creation()).remembered.createFailures == 1
