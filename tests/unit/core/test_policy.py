"""Which answer each situation gets. Read with the two chains of `policy.py` beside it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.builders import (
    ARN,
    EKS,
    NOW,
    cluster,
    group,
    group_spec,
    our_tags,
    recorded,
    resource,
    seen,
    situation,
    spec,
    with_group,
)

from hyperpod_operator.api.names import OWNERSHIP_TAGS, TAG_ADOPTED, TAG_EKS_CLUSTER, TAG_OWNER, TAG_OWNER_UID, Reason
from hyperpod_operator.core.cluster.conditions import stamp
from hyperpod_operator.core.cluster.observed import Observed, ObservedCluster, ObservedEvent, ObservedNode
from hyperpod_operator.core.cluster.plan import AddTags, CreateCluster, DeleteCluster, DeleteTags, UpdateCluster
from hyperpod_operator.core.cluster.policy import decide
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.cluster.verdict import Act, Hold, NeedTags, Release, Settled, Verdict

OTHERS = {TAG_OWNER_UID: "other", TAG_OWNER: "team/other", TAG_EKS_CLUSTER: EKS}
FORMER = {TAG_OWNER_UID: "older", TAG_OWNER: "team/research", TAG_EKS_CLUSTER: EKS}


def ago(seconds: float) -> str:
    return stamp(NOW - timedelta(seconds=seconds))


def verdict(owner: Resource, found: ObservedCluster | None, **fields: Any) -> Verdict:
    return decide(situation(owner, seen(owner, found, **fields)))


def held(answer: Verdict) -> Hold:
    assert isinstance(answer, Hold), answer
    return answer


def action(answer: Verdict) -> Any:
    assert isinstance(answer, Act), answer
    return answer.action


def managed(**management: Any) -> dict[str, Any]:
    return spec(management=management)


def scaled(count: int = 6) -> dict[str, Any]:
    return spec(instanceGroups=[group_spec(count=count), group_spec("cpu", 2, instanceType="ml.m5.4xlarge")])


class TestAbsent:
    def test_nothing_there_is_created(self) -> None:
        assert isinstance(action(verdict(resource(), None)), CreateCluster)

    def test_paused_is_not_created(self) -> None:
        assert held(verdict(resource(spec=managed(paused=True)), None)).reason is Reason.PAUSED

    @pytest.mark.parametrize("outcome", ["Started", "Accepted", "Unknown"])
    def test_a_create_that_may_have_happened_is_not_repeated_while_reads_lag(self, outcome: str) -> None:
        last = {"operation": "CreateCluster", "outcome": outcome, "time": ago(60)}
        assert held(verdict(resource(status={"lastAction": last}), None)).reason is Reason.AWAITING_VISIBILITY

    @pytest.mark.parametrize("outcome", ["Started", "Unknown"])
    def test_after_five_minutes_it_is_believed_not_to_have_happened(self, outcome: str) -> None:
        last = {"operation": "CreateCluster", "outcome": outcome, "time": ago(301)}
        assert isinstance(action(verdict(resource(status={"lastAction": last}), None)), CreateCluster)

    def test_a_known_cluster_that_is_missing_is_looked_for_again(self) -> None:
        assert held(verdict(resource(status=recorded()), None)).reason is Reason.CONFIRMING_DELETION

    def test_after_the_second_look_it_is_created_again(self) -> None:
        missing = {"since": ago(16), "confirmations": 1}
        assert isinstance(action(verdict(resource(status=recorded(missing=missing)), None)), CreateCluster)

    def test_a_cluster_that_we_cleared_away_needs_no_second_look_but_a_pause(self) -> None:
        last = {"operation": "DeleteCluster", "outcome": "Accepted", "time": ago(10)}
        status = recorded(lastAction=last, createFailures=1, provisionedAt=None)
        assert held(verdict(resource(status=status), None)).reason is Reason.RECREATING
        status["lastAction"]["time"] = ago(301)
        assert isinstance(action(verdict(resource(status=status), None)), CreateCluster)


class TestOwnership:
    def test_tags_are_read_before_a_strange_cluster_is_judged(self) -> None:
        assert isinstance(verdict(resource(), cluster(), tags=None), NeedTags)

    def test_a_proved_arn_needs_no_tags_to_look_at(self) -> None:
        assert isinstance(verdict(resource(status=recorded()), cluster(), tags=None), Settled)

    def test_a_proved_arn_needs_tags_to_be_changed(self) -> None:
        assert isinstance(verdict(resource(spec=scaled(), status=recorded()), cluster(), tags=None), NeedTags)

    @pytest.mark.parametrize("tags", [{}, OTHERS, FORMER])
    def test_a_foreign_cluster_is_not_touched(self, tags: dict[str, str]) -> None:
        answer = held(verdict(resource(spec=scaled()), cluster(), tags=tags))
        assert answer.reason is Reason.NOT_OWNED
        assert answer.stalled

    def test_somebody_elses_cluster_is_not_adopted_even_by_policy(self) -> None:
        answer = held(verdict(resource(spec=managed(adoptionPolicy="IfUnowned")), cluster(), tags=OTHERS))
        assert answer.reason is Reason.NOT_OWNED
        assert "team/other" in answer.message

    def test_our_uid_under_another_eks_cluster_is_not_ours(self) -> None:
        tags = {TAG_OWNER_UID: "uid-1", TAG_OWNER: "team/research", TAG_EKS_CLUSTER: EKS + "-2"}
        assert held(verdict(resource(), cluster(), tags=tags)).reason is Reason.NOT_OWNED

    @pytest.mark.parametrize("tags", [{}, {"team": "a"}, FORMER])
    def test_adoption_is_announced_with_what_it_would_change(self, tags: dict[str, str]) -> None:
        wanted = scaled() | {"management": {"adoptionPolicy": "IfUnowned"}}
        answer = held(verdict(resource(spec=wanted), cluster(), tags=tags))
        assert answer.reason is Reason.ADOPTION_ANNOUNCED
        assert "instanceGroups[gpu].instanceCount: 4 -> 6" in answer.message

    def test_adoption_follows_the_announcement_by_tags_alone(self) -> None:
        owner = resource(spec=managed(adoptionPolicy="IfUnowned"))
        from hyperpod_operator.core.cluster.plan import fingerprint

        mark = fingerprint(operation="Adopt", wish=[ARN, ()])
        owner = replace(
            owner,
            status=owner.status.model_validate({"adoption": {"fingerprint": mark, "announcedAt": ago(61)}}),
        )
        adopting = action(verdict(owner, cluster(), tags={}))
        assert isinstance(adopting, AddTags)
        assert set(adopting.tags) == set(OWNERSHIP_TAGS)

    def test_another_announcement_starts_the_notice_anew(self) -> None:
        status = {"adoption": {"fingerprint": "of other changes", "announcedAt": ago(3600)}}
        owner = resource(spec=managed(adoptionPolicy="IfUnowned"), status=status)
        assert held(verdict(owner, cluster(), tags={})).reason is Reason.ADOPTION_ANNOUNCED

    def test_paused_is_not_adopted(self) -> None:
        owner = resource(spec=managed(adoptionPolicy="IfUnowned", paused=True))
        assert held(verdict(owner, cluster(), tags={})).reason is Reason.PAUSED


class TestLiving:
    def test_as_wanted_is_settled(self) -> None:
        assert isinstance(verdict(resource(status=recorded()), cluster()), Settled)

    @pytest.mark.parametrize(
        ("status", "reason"),
        [
            ("Creating", Reason.CREATING),
            ("Updating", Reason.UPDATING),
            ("RollingBack", Reason.ROLLING_BACK),
            ("SystemUpdating", Reason.SYSTEM_UPDATING),
            ("Deleting", Reason.DELETING),
            ("SomethingNew", Reason.CLUSTER_BUSY),
        ],
    )
    def test_a_busy_cluster_is_waited_for_whatever_is_wanted(self, status: str, reason: Reason) -> None:
        answer = held(verdict(resource(spec=scaled(), status=recorded()), cluster(status=status)))
        assert answer.reason is reason
        assert not answer.stalled

    def test_paused_says_what_waits(self) -> None:
        answer = held(verdict(resource(spec=scaled() | managed_paused(), status=recorded()), cluster()))
        assert answer.reason is Reason.PAUSED
        assert "instanceCount: 4 -> 6" in answer.message

    def test_a_gap_is_closed_by_one_update(self) -> None:
        assert isinstance(action(verdict(resource(spec=scaled(), status=recorded()), cluster())), UpdateCluster)

    def test_a_fixed_member_blocks_the_rest(self) -> None:
        wanted = spec(instanceGroups=[group_spec(count=6, instanceType="ml.g5.xlarge")])
        assert held(verdict(resource(spec=wanted, status=recorded()), cluster())).reason is Reason.IMMUTABLE_DIFFERS

    def test_tags_come_after_the_update(self) -> None:
        wanted = scaled() | {"tags": [{"key": "team", "value": "a"}]}
        assert isinstance(action(verdict(resource(spec=wanted, status=recorded()), cluster())), UpdateCluster)
        wanted = spec(tags=[{"key": "team", "value": "a"}])
        assert isinstance(action(verdict(resource(spec=wanted, status=recorded()), cluster())), AddTags)

    def test_a_tag_that_left_the_spec_is_taken_off(self) -> None:
        owner = resource(status=recorded(appliedTagKeys=["team"]))
        taken = action(verdict(owner, cluster(), tags=our_tags(owner, team="a", other="b")))
        assert isinstance(taken, DeleteTags)
        assert taken.keys == ("team",)

    def test_a_group_scaled_by_somebody_else_needs_a_person(self) -> None:
        grown = with_group(cluster(), group(group_spec(), target_count=8))
        answer = held(verdict(resource(status=recorded()), grown))
        assert answer.reason is Reason.SCALED_OUTSIDE
        assert answer.stalled

    def test_in_service_without_its_nodes_is_not_settled(self) -> None:
        short = with_group(cluster(), group(group_spec(), current=1))
        answer = held(verdict(resource(status=recorded()), short))
        assert answer.reason is Reason.SCALING
        assert "gpu 1/4" in answer.message

    def test_a_failed_cluster_that_was_in_service_still_takes_an_edit(self) -> None:
        failed = cluster(status="Failed", failure_message="boom")
        assert isinstance(action(verdict(resource(spec=scaled(), status=recorded()), failed)), UpdateCluster)
        answer = held(verdict(resource(status=recorded()), failed))
        assert answer.reason is Reason.CLUSTER_FAILED
        assert "boom" in answer.message

    def test_a_region_that_is_not_served_is_not_even_looked_at(self) -> None:
        owner = resource(spec=spec(region="eu-west-1"))
        answer = decide(situation(owner, Observed(cluster=None), allowed_regions=frozenset({"us-east-1"})))
        assert held(answer).reason is Reason.REGION_NOT_ALLOWED
        allowed = decide(situation(owner, Observed(cluster=None), allowed_regions=frozenset({"eu-west-1"})))
        assert isinstance(action(allowed), CreateCluster)


def managed_paused() -> dict[str, Any]:
    return {"management": {"paused": True}}


class TestFailedCreation:
    failed = cluster(status="Failed", failure_message="no subnets")

    def test_is_held_by_default(self) -> None:
        answer = held(verdict(resource(status=recorded(provisionedAt=None)), self.failed))
        assert answer.reason is Reason.CREATE_FAILED
        assert answer.stalled
        assert "no subnets" in answer.message

    def test_is_cleared_away_when_asked_for(self) -> None:
        owner = resource(spec=managed(onCreateFailure="Recreate"), status=recorded(provisionedAt=None))
        assert isinstance(action(verdict(owner, self.failed)), DeleteCluster)

    def test_but_not_for_ever(self) -> None:
        status = recorded(provisionedAt=None, createFailures=3)
        owner = resource(spec=managed(onCreateFailure="Recreate"), status=status)
        assert held(verdict(owner, self.failed)).reason is Reason.CREATE_FAILED

    def test_never_for_an_adopted_cluster(self) -> None:
        status = recorded(provisionedAt=None, origin="Adopted")
        owner = resource(spec=managed(onCreateFailure="Recreate"), status=status)
        assert held(verdict(owner, self.failed)).reason is Reason.CREATE_FAILED


class TestShortGroups:
    @pytest.mark.parametrize(
        ("words", "reason", "stalled"),
        [
            ("Insufficient capacity in us-west-2a", Reason.CAPACITY_SHORTAGE, False),
            ("We currently do not have sufficient capacity", Reason.CAPACITY_SHORTAGE, False),
            ("Lifecycle scripts did not run successfully", Reason.LIFECYCLE_SCRIPT_FAILED, True),
            ("EFA health checks did not run successfully", Reason.EFA_CHECK_FAILED, True),
            ("network misconfiguration", Reason.NETWORK_MISCONFIGURED, True),
            ("something nobody has seen", Reason.SCALING, False),
        ],
    )
    def test_awss_words_name_the_cause(self, words: str, reason: Reason, stalled: bool) -> None:
        short = with_group(cluster(), group(group_spec(), current=1))
        event = ObservedEvent(event_id="1", at=NOW, level="Error", description=words, group="gpu")
        answer = held(verdict(resource(status=recorded()), short, events=(event,)))
        assert (answer.reason, answer.stalled) == (reason, stalled)
        assert words in answer.message

    def test_events_from_before_the_change_are_history(self) -> None:
        short = with_group(cluster(), group(group_spec(), current=1))
        old = NOW - timedelta(hours=2)
        event = ObservedEvent(event_id="1", at=old, level="Error", description="insufficient capacity", group="gpu")
        last = {"operation": "UpdateCluster", "outcome": "Applied", "time": ago(3600), "fingerprint": "x"}
        answer = held(verdict(resource(status=recorded(lastAction=last)), short, events=(event,)))
        assert answer.reason is Reason.SCALING

    @pytest.mark.parametrize(
        ("status", "reason"), [("Failed", Reason.GROUP_FAILED), ("Degraded", Reason.GROUP_DEGRADED)]
    )
    def test_a_groups_status_tells_too(self, status: str, reason: Reason) -> None:
        troubled = with_group(cluster(), group(group_spec(), status=status))
        assert held(verdict(resource(status=recorded()), troubled)).reason is reason

    def test_deep_health_checks_are_told_apart_from_scaling(self) -> None:
        checked = group_spec(onStartDeepHealthChecks=["InstanceStress"])
        wanted = spec(instanceGroups=[checked, group_spec("cpu", 2, instanceType="ml.m5.4xlarge")])
        short = with_group(cluster(), group(checked, current=0))
        node = ObservedNode(instance_id="i-1", group="gpu", instance_type="x", status="DeepHealthCheckInProgress")
        answer = held(verdict(resource(spec=wanted, status=recorded()), short, nodes=(node,)))
        assert answer.reason is Reason.DEEP_HEALTH_CHECKS


class TestDeleted:
    def gone(self, **fields: Any) -> Resource:
        return resource(deleting=True, **{"status": recorded(), **fields})

    def test_a_cluster_of_ours_is_deleted(self) -> None:
        deleting = action(verdict(self.gone(), cluster()))
        assert deleting == DeleteCluster(arn=ARN)

    def test_nothing_in_aws_lets_go(self) -> None:
        last = {"operation": "DeleteCluster", "outcome": "Accepted", "time": ago(60)}
        assert isinstance(verdict(self.gone(status=recorded(lastAction=last)), None), Release)

    def test_an_object_that_never_made_anything_lets_go(self) -> None:
        assert isinstance(verdict(self.gone(status={}), None), Release)

    def test_a_create_that_may_have_happened_is_waited_for(self) -> None:
        last = {"operation": "CreateCluster", "outcome": "Unknown", "time": ago(10)}
        assert held(verdict(self.gone(status={"lastAction": last}), None)).reason is Reason.AWAITING_VISIBILITY

    @pytest.mark.parametrize("tags", [{}, OTHERS, FORMER])
    def test_a_foreign_cluster_stays(self, tags: dict[str, str]) -> None:
        assert isinstance(verdict(self.gone(), cluster(), tags=tags), Release)

    def test_tags_are_read_afresh_before_anything_is_deleted(self) -> None:
        assert isinstance(verdict(self.gone(), cluster(), tags=None), NeedTags)

    @pytest.mark.parametrize(("management", "origin"), [({"deletionPolicy": "Retain"}, "Created"), ({}, "Adopted")])
    def test_a_retained_cluster_loses_our_tags_and_stays(self, management: dict[str, str], origin: str) -> None:
        owner = self.gone(spec=spec(management=management), status=recorded(origin=origin))
        taken = action(verdict(owner, cluster(), tags=our_tags(owner, **{TAG_ADOPTED: "true", "team": "a"})))
        assert isinstance(taken, DeleteTags)
        assert set(taken.keys) == set(OWNERSHIP_TAGS)

    def test_an_adopted_cluster_is_deleted_on_an_explicit_word(self) -> None:
        owner = self.gone(spec=managed(deletionPolicy="Delete"), status=recorded(origin="Adopted"))
        assert isinstance(action(verdict(owner, cluster())), DeleteCluster)

    def test_paused_holds_the_deletion(self) -> None:
        assert held(verdict(self.gone(spec=managed(paused=True)), cluster())).reason is Reason.PAUSED

    def test_a_creating_cluster_is_waited_for(self) -> None:
        plain = spec()
        del plain["nodeProvisioningMode"]
        owner = self.gone(spec=plain)
        assert held(verdict(owner, cluster(wanted=plain, status="Creating"))).reason is Reason.DELETING

    def test_a_creating_cluster_with_continuous_provisioning_is_deleted_at_once(self) -> None:
        assert isinstance(action(verdict(self.gone(), cluster(status="Creating"))), DeleteCluster)

    def test_deletion_is_asked_for_once(self) -> None:
        first = verdict(self.gone(), cluster())
        assert isinstance(first, Act)
        last = {"operation": "DeleteCluster", "outcome": "Accepted", "time": ago(5), "fingerprint": first.fingerprint}
        assert held(verdict(self.gone(status=recorded(lastAction=last)), cluster())).reason is Reason.SETTLING

    def test_a_wedged_teardown_names_the_role_to_restore(self) -> None:
        words = "SageMaker does not have permission to perform ec2:DeleteNetworkInterface."
        node = ObservedNode(instance_id="i-1", group="gpu", instance_type="x", status="ShuttingDown", message=words)
        answer = held(verdict(self.gone(), cluster(status="Deleting"), nodes=(node,)))
        assert answer.reason is Reason.TEARDOWN_BLOCKED
        assert answer.stalled
        assert "role/hyperpod-execution" in answer.message


class TestGuards:
    def act(self) -> Act:
        answer = verdict(resource(spec=scaled(), status=recorded()), cluster())
        assert isinstance(answer, Act)
        return answer

    def after(self, *, generation: int = 1, requested: str = "", **status: Any) -> Verdict:
        owner = resource(
            spec=scaled(), status=recorded(**status), generation=generation, reconcile_requested_at=requested
        )
        return verdict(owner, cluster(failure_message="no capacity"))

    def last(self, outcome: str, seconds: float, *, mark: str | None = None, attempts: int = 1) -> dict[str, Any]:
        return {
            "operation": "UpdateCluster",
            "outcome": outcome,
            "time": ago(seconds),
            "fingerprint": mark or self.act().fingerprint,
            "attempts": attempts,
        }

    def test_a_refused_wish_is_not_sent_again(self) -> None:
        rejected = {"fingerprint": self.act().fingerprint, "message": "AWS said no"}
        answer = held(self.after(rejected=rejected))
        assert answer.reason is Reason.SPEC_REJECTED
        assert answer.message == "AWS said no"

    def test_unless_a_person_asks_for_it(self) -> None:
        rejected = {"fingerprint": self.act().fingerprint, "message": "AWS said no"}
        assert isinstance(self.after(rejected=rejected, requested="now"), Act)

    def test_another_wish_is_sent(self) -> None:
        assert isinstance(self.after(rejected={"fingerprint": "another", "message": "AWS said no"}), Act)

    @pytest.mark.parametrize("outcome", ["Accepted", "Unknown"])
    def test_a_call_whose_effect_is_not_visible_yet_is_not_repeated(self, outcome: str) -> None:
        assert held(self.after(lastAction=self.last(outcome, 30))).reason is Reason.SETTLING

    def test_a_call_that_got_no_answer_and_had_no_effect_is_repeated(self) -> None:
        assert isinstance(self.after(lastAction=self.last("Unknown", 61)), Act)

    def test_a_call_that_aws_rolled_back_waits(self) -> None:
        answer = held(self.after(lastAction=self.last("Accepted", 3600)))
        assert answer.reason is Reason.UPDATE_ROLLED_BACK
        assert answer.stalled
        assert "no capacity" in answer.message

    def test_and_waits_longer_each_time(self) -> None:
        assert isinstance(self.after(lastAction=self.last("RolledBack", 301)), Act)
        assert held(self.after(lastAction=self.last("RolledBack", 301, attempts=2)))
        assert isinstance(self.after(lastAction=self.last("RolledBack", 601, attempts=2)), Act)
        assert isinstance(self.after(lastAction=self.last("RolledBack", 3601, attempts=500)), Act)

    def test_a_change_from_outside_that_undoes_ours_is_mended_at_once(self) -> None:
        assert isinstance(self.after(lastAction=self.last("Applied", 3600)), Act)

    def test_a_burst_of_edits_becomes_one_call(self) -> None:
        assert (
            held(self.after(lastAction=self.last("Accepted", 5, mark="of the edit before"))).reason is Reason.SETTLING
        )
        assert isinstance(self.after(lastAction=self.last("Accepted", 11, mark="of the edit before")), Act)

    @pytest.mark.parametrize("time", ["yesterday", "2026-11-23"])
    def test_a_time_that_somebody_garbled_does_not_stop_the_operator(self, time: str) -> None:
        last = self.last("Accepted", 5, mark="x") | {"time": time}
        assert isinstance(self.after(lastAction=last), Act)
