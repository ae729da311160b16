"""No cluster of that name: invisible, vanished, cleared away or never made?"""

from dataclasses import replace

import pytest
from tests.unit.core.builders import (
    action,
    after,
    ago,
    decision,
    doubted,
    held,
    managed,
    recorded,
    resource,
    second_look,
)

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.plan import CreateCluster


class TestAbsent:
    def test_nothing_there_is_created(self) -> None:
        assert isinstance(action(decision(resource(), None)), CreateCluster)

    def test_paused_is_not_created(self) -> None:
        assert held(decision(resource(spec=managed(paused=True)), None)).reason is Reason.PAUSED

    @pytest.mark.parametrize("policy", ["Hold", "Recreate"])
    def test_a_cluster_that_vanishes_while_paused_is_told_with_what_creates_it_and_not_created(
        self, policy: str
    ) -> None:
        answer = held(decision(resource(spec=managed(paused=True, onExternalDelete=policy), status=recorded()), None))
        assert answer.reason is Reason.PAUSED
        assert "no longer returns the cluster" in answer.message
        assert ("approve the plan" in answer.message) is (policy == "Hold")

    def test_a_cluster_that_vanished_while_paused_is_looked_for_again_before_it_is_created(self) -> None:
        """The pause must not count as the first of the two looks."""
        paused = after(resource(spec=managed(paused=True), status=recorded()), None)
        assert paused.status.clusterStatus == "NotFound"
        resumed = replace(resource(), status=paused.status)
        assert doubted(decision(resumed, None)).reason is Reason.CONFIRMING_DELETION

    @pytest.mark.parametrize("outcome", ["Intended", "Accepted", "Unanswered"])
    def test_a_create_that_may_have_happened_is_not_repeated_while_reads_lag(self, outcome: str) -> None:
        last = {"operation": "CreateCluster", "state": outcome, "time": ago(60)}
        assert held(decision(resource(status={"last": last}), None)).reason is Reason.AWAITING_VISIBILITY

    @pytest.mark.parametrize("outcome", ["Intended", "Unanswered"])
    def test_after_five_minutes_it_is_believed_not_to_have_happened(self, outcome: str) -> None:
        last = {"operation": "CreateCluster", "state": outcome, "time": ago(301)}
        assert isinstance(action(decision(resource(status={"last": last}), None)), CreateCluster)

    def test_a_known_cluster_that_is_missing_is_looked_for_again(self) -> None:
        assert doubted(decision(resource(status=recorded()), None)).reason is Reason.CONFIRMING_DELETION

    def test_after_the_second_look_it_is_created_again_by_policy(self) -> None:
        owner = resource(spec=managed(onExternalDelete="Recreate"), status=recorded())
        assert isinstance(action(second_look(owner, None)), CreateCluster)

    def test_without_that_policy_it_is_reported_and_not_created(self) -> None:
        assert held(second_look(resource(status=recorded()), None)).reason is Reason.DELETED_OUTSIDE

    def test_a_cluster_that_we_cleared_away_needs_no_second_look_but_a_pause(self) -> None:
        last = {"operation": "DeleteCluster", "state": "Accepted", "time": ago(10)}
        status = recorded(last=last, createFailures=1, provisionedAt=None)
        assert held(decision(resource(status=status), None)).reason is Reason.RECREATING
        status["last"]["time"] = ago(301)
        assert isinstance(action(decision(resource(status=status), None)), CreateCluster)
