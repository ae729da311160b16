"""A cluster that is ours and an object that lives."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.builders import (
    NOW,
    action,
    cluster,
    decision,
    failed_creation,
    group,
    group_spec,
    held,
    managed,
    never_in_service,
    our_tags,
    recorded,
    resource,
    scaled,
    second_look,
    snapshot_of,
    spec,
    with_group,
)

from hyperpod_operator.api.names import TAG_ADOPTED, Reason
from hyperpod_operator.core.cluster.concerns import decide
from hyperpod_operator.core.cluster.plan import AddTags, CreateCluster, DeleteCluster, DeleteTags, UpdateCluster
from hyperpod_operator.core.engine.decision import InSync
from hyperpod_operator.core.observed import Observed, ObservedCluster


class TestLiving:
    def test_as_wanted_is_settled(self) -> None:
        assert isinstance(decision(resource(status=recorded()), cluster()), InSync)

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
        answer = held(decision(resource(spec=scaled(), status=recorded()), cluster(status=status)))
        assert answer.reason is reason
        assert not answer.stalled

    @pytest.mark.parametrize(("hours", "words"), [(1, "takes 10 to 25 minutes"), (3, "since 2026-11-23T09:00:00Z")])
    def test_a_creation_that_takes_hours_is_told_as_such(self, hours: int, words: str) -> None:
        found = replace(cluster(status="Creating"), created_at=NOW - timedelta(hours=hours))
        assert words in held(decision(resource(status=never_in_service()), found)).message

    def test_paused_says_what_waits(self) -> None:
        answer = held(decision(resource(spec=scaled(management={"paused": True}), status=recorded()), cluster()))
        assert answer.reason is Reason.PAUSED
        assert "instanceCount: 4 -> 6" in answer.message

    def test_a_gap_is_closed_by_one_update(self) -> None:
        assert isinstance(action(decision(resource(spec=scaled(), status=recorded()), cluster())), UpdateCluster)

    def test_a_fixed_member_blocks_the_rest(self) -> None:
        wanted = spec(instanceGroups=[group_spec(count=6, instanceType="ml.g5.xlarge")])
        assert held(decision(resource(spec=wanted, status=recorded()), cluster())).reason is Reason.IMMUTABLE_DIFFERS

    @pytest.mark.parametrize("orchestrator", [{}, {"orchestrator": {"slurm": {}}}])
    def test_a_slurm_cluster_is_said_to_be_one(self, orchestrator: dict[str, Any]) -> None:
        there = cluster(members={**orchestrator, "vpcConfig": spec()["vpcConfig"]})
        answer = held(decision(resource(status=recorded()), there))
        assert answer.reason is Reason.IMMUTABLE_DIFFERS
        assert "Cluster research is a Slurm cluster" in answer.message

    def test_tags_come_after_the_update(self) -> None:
        wanted = scaled() | {"tags": [{"key": "team", "value": "a"}]}
        assert isinstance(action(decision(resource(spec=wanted, status=recorded()), cluster())), UpdateCluster)
        wanted = spec(tags=[{"key": "team", "value": "a"}])
        assert isinstance(action(decision(resource(spec=wanted, status=recorded()), cluster())), AddTags)

    def test_a_tag_that_left_the_spec_is_taken_off(self) -> None:
        owner = resource(status=recorded(appliedTagKeys=["team"]))
        taken = action(decision(owner, cluster(), tags=our_tags(owner, team="a", other="b")))
        assert isinstance(taken, DeleteTags)
        assert taken.keys == ("team",)

    def test_a_group_scaled_by_somebody_else_needs_a_person(self) -> None:
        grown = with_group(cluster(), group(group_spec(), target_count=8))
        answer = held(decision(resource(status=recorded()), grown))
        assert answer.reason is Reason.SCALED_OUTSIDE
        assert answer.stalled

    def test_in_service_without_its_nodes_is_not_settled(self) -> None:
        short = with_group(cluster(), group(group_spec(), current=1))
        answer = held(decision(resource(status=recorded()), short))
        assert answer.reason is Reason.SCALING
        assert "gpu 1/4" in answer.message

    def test_a_failed_cluster_that_was_in_service_still_takes_an_edit(self) -> None:
        failed = cluster(status="Failed", failure_message="boom")
        assert isinstance(action(decision(resource(spec=scaled(), status=recorded()), failed)), UpdateCluster)
        answer = held(decision(resource(status=recorded()), failed))
        assert answer.reason is Reason.CLUSTER_FAILED
        assert "boom" in answer.message

    def test_a_region_that_is_not_served_is_not_even_looked_at(self) -> None:
        owner = resource(spec=spec(region="eu-west-1"))
        answer = decide(snapshot_of(owner, Observed(cluster=None), allowed_regions=frozenset({"us-east-1"})))
        assert held(answer).reason is Reason.REGION_NOT_ALLOWED
        allowed = decide(snapshot_of(owner, Observed(cluster=None), allowed_regions=frozenset({"eu-west-1"})))
        assert isinstance(action(allowed), CreateCluster)


class TestFailedCreation:
    failed = failed_creation(failure_message="no subnets")

    def test_is_held_by_default(self) -> None:
        answer = held(decision(resource(status=never_in_service()), self.failed))
        assert answer.reason is Reason.CREATE_FAILED
        assert answer.stalled
        assert "no subnets" in answer.message
        assert "delete and re-apply this resource, or set spec.management.onCreateFailure" in answer.message

    @pytest.mark.parametrize(
        ("management", "first"),
        [
            ({"deletionPolicy": "Retain"}, "set spec.management.deletionPolicy to Delete"),
            ({"deletionProtection": True}, "set deletionProtection to false"),
        ],
        ids=["retained", "protected"],
    )
    def test_a_deletion_that_would_not_make_room_is_not_all_of_the_remedy(
        self, management: dict[str, Any], first: str
    ) -> None:
        owner = resource(spec=managed(**management), status=never_in_service())
        assert f"Fix the cause, then {first}" in held(decision(owner, self.failed)).message

    @pytest.mark.parametrize(
        ("status", "found"),
        [
            (never_in_service(last=None), failed_creation()),
            (never_in_service(clusterArn="arn:another"), failed_creation()),
        ],
        ids=["no record of the creation", "another cluster"],
    )
    def test_nothing_is_cleared_away_without_proof(self, status: dict[str, Any], found: ObservedCluster) -> None:
        owner = resource(spec=managed(onCreateFailure="Recreate"), status=status)
        assert held(second_look(owner, found)).reason is Reason.CREATE_FAILED

    @pytest.mark.parametrize(
        ("status", "found", "advice"),
        [
            (never_in_service(), failed_creation(), "delete and re-apply this resource"),
            (never_in_service(), cluster(status="Failed"), "keep this resource"),
            (never_in_service(origin="Adopted"), cluster(status="Failed"), "keep this resource"),
        ],
        ids=["nothing ran", "nodes are there", "adopted with nodes"],
    )
    def test_a_deletion_is_advised_only_where_nothing_can_run(
        self, status: dict[str, Any], found: ObservedCluster, advice: str
    ) -> None:
        assert advice in held(second_look(resource(status=status), found)).message

    @pytest.mark.parametrize("policy", ["Hold", "Recreate"])
    @pytest.mark.parametrize(
        ("status", "found", "tags"),
        [
            (never_in_service(), cluster(status="Failed"), {}),
            (never_in_service(origin="Adopted"), failed, {TAG_ADOPTED: "true"}),
            (never_in_service(), failed, {TAG_ADOPTED: "true"}),
        ],
        ids=["nodes are there", "adopted", "adopted by its tag, whatever status says"],
    )
    def test_what_is_more_than_the_remains_of_a_creation_takes_an_edit_and_is_not_cleared_away(
        self, status: dict[str, Any], found: ObservedCluster, tags: dict[str, str], policy: str
    ) -> None:
        def answer(wanted: dict[str, Any]) -> Any:
            owner = resource(spec=wanted, status=status)
            return decision(owner, found, tags=our_tags(owner, **tags))

        management = {"onCreateFailure": policy}
        assert held(answer(managed(**management))).reason is Reason.CLUSTER_FAILED
        assert isinstance(action(answer(scaled(management=management))), UpdateCluster)

    def test_is_cleared_away_when_asked_for(self) -> None:
        owner = resource(spec=managed(onCreateFailure="Recreate"), status=never_in_service())
        assert isinstance(action(decision(owner, self.failed)), DeleteCluster)

    def test_but_not_for_ever(self) -> None:
        status = never_in_service(createFailures=3)
        owner = resource(spec=managed(onCreateFailure="Recreate"), status=status)
        assert held(decision(owner, self.failed)).reason is Reason.CREATE_FAILED
