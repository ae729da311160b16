"""What keeps a call from being sent twice or again without hope."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.builders import (
    ago,
    cluster,
    decision,
    group_spec,
    held,
    recorded,
    resource,
    scaled,
    seen,
    snapshot_of,
    spec,
    with_group,
)

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.decision import Act, Decision
from hyperpod_operator.core.cluster.guards import SOFTWARE_WENT_BACK, shown_back
from hyperpod_operator.core.engine.decision import Wait


class TestGuards:
    def act(self) -> Act:
        answer = decision(resource(spec=scaled(), status=recorded()), cluster())
        assert isinstance(answer, Act)
        return answer

    def after(self, *, generation: int = 1, requested: str = "", **status: Any) -> Decision:
        owner = resource(
            spec=scaled(), status=recorded(**status), generation=generation, reconcile_requested_at=requested
        )
        return decision(owner, cluster(failure_message="no capacity"))

    def last(self, outcome: str, seconds: float, *, mark: str | None = None, attempts: int = 1) -> dict[str, Any]:
        return {
            "operation": "UpdateCluster",
            "state": outcome,
            "time": ago(seconds),
            "fingerprint": mark or self.act().fingerprint,
            "attempts": attempts,
        }

    def create(self, *, requested: str = "", **status: Any) -> Decision:
        return decision(resource(status=status, reconcile_requested_at=requested), None)

    def refused(self) -> dict[str, Any]:
        first = self.create()
        assert isinstance(first, Act)
        return {"fingerprint": first.fingerprint, "message": "AWS said no", "time": ago(60)}

    @pytest.mark.parametrize(("attempts", "minutes"), [(1, 30), (2, 60), (3, 120), (9, 360), (500, 360)])
    def test_a_refusal_ends_after_a_time_that_doubles(self, attempts: int, minutes: int) -> None:
        refusal = self.refused() | {"attempts": attempts}
        assert isinstance(self.create(rejected=refusal | {"time": ago(minutes * 60 * 0.89)}), Wait)
        assert isinstance(self.create(rejected=refusal | {"time": ago(minutes * 60 * 1.11)}), Act)

    def test_a_refusal_ends_when_aws_shows_something_else(self) -> None:
        assert isinstance(self.create(rejected=self.refused() | {"shown": "something else"}), Act)

    def test_a_change_that_aws_does_not_show_is_not_called_rolled_back_for_ten_minutes(self) -> None:
        def quiet(seconds: float) -> Wait:
            owner = resource(spec=scaled(), status=recorded(last=self.last("Accepted", seconds)))
            return held(decision(owner, cluster()))

        assert quiet(599).reason is Reason.SETTLING
        assert quiet(601).reason is Reason.UPDATE_ROLLED_BACK
        assert (
            "without saying why. Still open: instanceGroups[gpu].instanceCount: 4 -> 6. Correct" in quiet(601).message
        )

    def test_a_failure_message_from_before_does_not_say_that_aws_went_back(self) -> None:
        old = recorded(last=self.last("Accepted", 120), failureMessage="no capacity", clusterStatus="InService")
        owner = resource(spec=scaled(), status=old)
        assert held(decision(owner, cluster(failure_message="no capacity"))).reason is Reason.SETTLING

    @pytest.mark.parametrize("operation", ["AddTags", "DeleteTags"])
    @pytest.mark.parametrize("status", sorted(SOFTWARE_WENT_BACK))
    def test_aws_does_not_roll_tags_back_whatever_it_shows_of_software(self, operation: str, status: str) -> None:
        last = {"operation": operation, "state": "Accepted", "time": ago(120), "fingerprint": "x"}
        assert not self.shown_back(last, software_update_status=status)

    @pytest.mark.parametrize(
        ("operation", "asked", "before", "at", "back"),
        [
            ("UpdateCluster", "gpu", "InProgress", "InService", False),
            ("UpdateClusterSoftware", "gpu", None, "InService", True),
            ("UpdateClusterSoftware", "gpu", "RollbackInProgress", "InService", True),
            ("UpdateClusterSoftware", "gpu", "Failed", "Updating", True),
            ("UpdateClusterSoftware", "gpu", "Failed", "InService", False),
            ("UpdateClusterSoftware", "cpu", "Failed", "Updating", False),
            ("UpdateClusterSoftware", "cpu", "RollbackInProgress", "InService", False),
        ],
    )
    def test_the_end_of_an_earlier_software_update_or_of_another_group_says_nothing(
        self, operation: str, asked: str, before: str | None, at: str, back: bool
    ) -> None:
        last = {"operation": operation, "state": "Accepted", "time": ago(120), "fingerprint": "x"}
        recorded_group = {"instanceGroupName": "gpu", "softwareUpdateStatus": before}
        found = self.shown_back(
            last,
            software_update_status="Failed",
            asked=asked,
            before={"instanceGroups": [recorded_group] if before else [], "clusterStatus": at},
        )
        assert found is back

    def shown_back(
        self, last: dict[str, Any], *, asked: str = "gpu", before: dict[str, Any] | None = None, **group_fields: Any
    ) -> bool:
        """Of an operation that is the last one, while the spec asks for another release of the group `asked`."""
        groups = [group_spec(), group_spec("cpu", 2, instanceType="ml.m5.4xlarge")]
        wanted = [
            one | {"imageReleaseVersion": "9.9.9"} if one["instanceGroupName"] == asked else one for one in groups
        ]
        owner = resource(spec=spec(instanceGroups=wanted), status=recorded(last=last, **(before or {})))
        found = cluster()
        found = with_group(found, replace(found.groups[0], **group_fields))
        called = owner.status.last
        assert called is not None
        return shown_back(snapshot_of(owner, seen(owner, found)), called)

    @pytest.mark.parametrize(
        ("operation", "before", "now", "back"),
        [
            ("UpdateCluster", {}, {}, False),
            ("UpdateCluster", {}, {"status": "RollingBack"}, True),
            ("UpdateCluster", {}, {"status": "SystemUpdating"}, False),
            ("UpdateCluster", {}, {"failure_message": "no capacity"}, True),
            ("UpdateCluster", {"failureMessage": "a quota"}, {"failure_message": "no capacity"}, True),
            ("UpdateCluster", {"failureMessage": "no capacity"}, {"failure_message": "no capacity"}, False),
            (
                "UpdateCluster",
                {"failureMessage": "no capacity", "clusterStatus": "Updating"},
                {"failure_message": "no capacity"},
                True,
            ),
            ("UpdateCluster", {"failureMessage": "no capacity"}, {}, False),
            ("UpdateCluster", {"clusterStatus": "Updating"}, {}, False),
            ("AddTags", {}, {"status": "RollingBack", "failure_message": "no capacity"}, False),
            ("DeleteTags", {}, {"status": "RollingBack", "failure_message": "no capacity"}, False),
        ],
    )
    def test_what_shows_that_a_call_went_back(
        self, operation: str, before: dict[str, str], now: dict[str, str], back: bool
    ) -> None:
        last = {"operation": operation, "state": "Accepted", "time": ago(120), "fingerprint": "x"}
        owner = resource(status=recorded(last=last, **before))
        called = owner.status.last
        assert called is not None
        assert shown_back(snapshot_of(owner, seen(owner, cluster(**now))), called) is back

    def test_a_cluster_that_is_not_there_does_not_show_that_a_call_went_back(self) -> None:
        last = {"operation": "UpdateCluster", "state": "Accepted", "time": ago(120), "fingerprint": "x"}
        owner = resource(status=recorded(last=last))
        called = owner.status.last
        assert called is not None
        assert not shown_back(snapshot_of(owner, seen(owner, None)), called)

    def test_a_refused_wish_is_not_sent_again(self) -> None:
        answer = held(self.create(rejected=self.refused()))
        assert answer.reason is Reason.SPEC_REJECTED
        assert answer.message == "AWS said no"

    def test_unless_a_person_asks_for_it(self) -> None:
        assert isinstance(self.create(rejected=self.refused(), requested="now"), Act)

    def test_another_wish_is_sent(self) -> None:
        assert isinstance(self.create(rejected={"fingerprint": "another", "message": "AWS said no"}), Act)

    @pytest.mark.parametrize("outcome", ["Accepted", "Unanswered"])
    def test_a_call_whose_effect_is_not_visible_yet_is_not_repeated(self, outcome: str) -> None:
        assert held(self.after(last=self.last(outcome, 30))).reason is Reason.SETTLING

    def test_a_call_that_got_no_answer_and_had_no_effect_is_repeated(self) -> None:
        assert isinstance(self.after(last=self.last("Unanswered", 61)), Act)

    def test_a_call_that_aws_rolled_back_waits(self) -> None:
        answer = held(self.after(last=self.last("Accepted", 3600)))
        assert answer.reason is Reason.UPDATE_ROLLED_BACK
        assert answer.stalled
        assert "no capacity" in answer.message

    def test_and_waits_longer_each_time(self) -> None:
        assert isinstance(self.after(last=self.last("RolledBack", 301)), Act)
        again = held(self.after(last=self.last("RolledBack", 301, attempts=2)))
        assert again.reason is Reason.UPDATE_ROLLED_BACK
        assert isinstance(self.after(last=self.last("RolledBack", 601, attempts=2)), Act)
        assert isinstance(self.after(last=self.last("RolledBack", 3601, attempts=500)), Act)

    def test_a_change_from_outside_that_undoes_ours_is_mended_at_once(self) -> None:
        assert isinstance(self.after(last=self.last("Applied", 3600)), Act)

    def test_a_burst_of_edits_becomes_one_call(self) -> None:
        assert held(self.after(last=self.last("Accepted", 5, mark="of the edit before"))).reason is Reason.SETTLING
        assert isinstance(self.after(last=self.last("Accepted", 11, mark="of the edit before")), Act)

    @pytest.mark.parametrize("time", ["yesterday", "2026-11-23"])
    def test_a_time_that_somebody_garbled_does_not_stop_the_operator(self, time: str) -> None:
        last = self.last("Accepted", 5, mark="x") | {"time": time}
        assert isinstance(self.after(last=last), Act)
