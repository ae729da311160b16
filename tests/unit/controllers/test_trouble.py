"""What goes wrong: other owners, lost answers, lagging reads, refusals, shortages, wedged teardowns."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_life import plain, two
from tests.unit.core.builders import ROLE, group_spec, spec

from hyperpod_operator.api.names import OWNERSHIP_TAGS, TAG_EKS_CLUSTER, TAG_OWNER
from hyperpod_operator.core.outcome import Blocked, Done, Failed, Gone, Requeue
from hyperpod_testbed.simulator import Fault

pytestmark = pytest.mark.slow


def refusal(operation: str, **fields: Any) -> Fault:
    """A scripted error answer."""
    return Fault(operation=operation, kind="error", status=400, **fields)


class TestOwnership:
    @pytest.mark.fault(3)
    async def test_a_name_that_is_taken_is_never_touched(self, rig: Rig) -> None:
        rig.simulator.world.create_foreign_cluster("research")
        rig.apply(two())
        assert isinstance(await rig.rest(), Blocked)
        assert rig.condition("Stalled")["reason"] == "NotOwned"
        await rig.idle(3600)
        rig.objects.delete(KEY)
        await rig.once()
        assert not rig.objects.exists(KEY) or not rig.has_finalizer
        assert rig.operations() == []

    async def test_adoption_announces_then_takes_over_then_changes(self, rig: Rig) -> None:
        rig.apply(two())
        await rig.rest()
        arn = rig.status["clusterArn"]
        rig.simulator.world.set_tags("research", {"team": "theirs"})
        rig.objects.set_status(KEY, {})
        rig.restart()
        before = len(rig.calls())
        rig.apply(two(5, management={"adoptionPolicy": "IfUnowned"}))
        await rig.once()
        assert rig.condition("Ready")["reason"] == "AdoptionAnnounced"
        assert "instanceCount: 4 -> 5" in rig.status["adoption"]["changes"][0]
        assert "AdoptionAnnounced" in rig.reasons()
        assert len(rig.calls()) == before
        assert isinstance(await rig.rest(), Done)
        assert rig.operations()[before:] == ["AddTags", "UpdateCluster"]
        assert rig.status["origin"] == "Adopted"
        tags = await rig.cloud.clusters(region="").tags(arn=arn)
        assert tags["team"] == "theirs"

    async def test_deleting_an_adopted_cluster_leaves_it(self, rig: Rig) -> None:
        await self.test_adoption_announces_then_takes_over_then_changes(rig)
        rig.objects.delete(KEY)
        assert isinstance(await rig.rest(), Gone)
        assert not rig.calls("DeleteCluster")

    @pytest.mark.parametrize("left", [(), (TAG_OWNER, TAG_EKS_CLUSTER)], ids=["none are left", "without the uid"])
    @pytest.mark.parametrize("origin", ["Created", "Adopted"])
    async def test_a_cluster_whose_owner_tags_were_taken_off_is_not_changed(
        self, rig: Rig, origin: str, left: tuple[str, ...]
    ) -> None:
        if origin == "Adopted":
            await self.test_adoption_announces_then_takes_over_then_changes(rig)
        rig.apply(two())
        await rig.rest()
        arn, before = rig.status["clusterArn"], len(rig.calls())
        tags = await rig.cloud.clusters(region="").tags(arn=arn)
        rig.simulator.world.set_tags("research", {key: tags[key] for key in left})
        rig.apply(two(9))
        assert isinstance(await rig.rest(), Blocked)
        assert rig.condition("Ready")["reason"] == "NotOwned"
        assert len(rig.calls()) == before
        told, command = rig.condition("Ready")["message"].split(" --tags ")
        assert "has lost its ownership tags" in told
        assert told.endswith(f"aws sagemaker add-tags --region us-west-2 --resource-arn {arn}")
        typed = dict(pair.removeprefix("Key=").split(",Value=") for pair in command.split())
        assert typed == {key: value for key, value in tags.items() if key in OWNERSHIP_TAGS}
        rig.simulator.world.set_tags("research", typed)
        await rig.idle(3600)
        assert rig.condition("Ready")["status"] == "True"
        assert rig.status["groupsSummary"] == "cpu 2/2, gpu 9/9"


class TestLostAnswers:
    @pytest.mark.fault(2)
    @pytest.mark.parametrize("lag", [0.0, 60.0])
    async def test_a_create_that_was_carried_out_without_an_answer_is_not_repeated(
        self, make_rig: Callable[..., Rig], lag: float
    ) -> None:
        rig = make_rig(create_lag=lag)
        rig.simulator.faults.add(Fault(operation="CreateCluster", kind="commit_then_drop", times=1))
        rig.apply(two())
        assert isinstance(await rig.rest(), Done)
        assert len(rig.calls("CreateCluster")) == 1

    @pytest.mark.fault(2)
    async def test_a_create_that_never_arrived_is_repeated_after_the_grace(self, rig: Rig) -> None:
        rig.simulator.faults.add(Fault(operation="CreateCluster", kind="drop", times=1))
        rig.apply(two())
        assert isinstance(await rig.rest(), Done)
        first, second = rig.calls("CreateCluster")
        assert second.simulated_time - first.simulated_time >= 299  # recorded in whole seconds

    @pytest.mark.fault(2)
    @pytest.mark.parametrize("kind", ["commit_then_drop", "drop"])
    async def test_an_update_without_an_answer_ends_as_wanted(self, rig: Rig, kind: str) -> None:
        rig.apply(two())
        await rig.rest()
        rig.simulator.faults.add(Fault(operation="UpdateCluster", kind=kind, times=1))  # type: ignore[arg-type]
        rig.apply(two(6))
        assert isinstance(await rig.rest(), Done)
        assert len(rig.calls("UpdateCluster")) == (1 if kind == "commit_then_drop" else 2)

    @pytest.mark.fault(2)
    @pytest.mark.parametrize("kind", ["commit_then_drop", "drop"])
    async def test_a_delete_without_an_answer_ends_as_wanted(self, rig: Rig, kind: str) -> None:
        rig.apply(two())
        await rig.rest()
        rig.simulator.faults.add(Fault(operation="DeleteCluster", kind=kind, times=1))  # type: ignore[arg-type]
        rig.objects.delete(KEY)
        assert isinstance(await rig.rest(), Gone)
        assert await rig.cloud.clusters(region="").describe(name="research") is None


class TestLaggingReads:
    @pytest.mark.fault(4)
    async def test_a_fresh_cluster_that_is_invisible_is_waited_for(self, make_rig: Callable[..., Rig]) -> None:
        rig = make_rig(create_lag=60.0, list_lag=60.0)
        rig.apply(two())
        await rig.once()
        await rig.once()
        assert rig.condition("Ready")["reason"] == "AwaitingVisibility"
        assert isinstance(await rig.rest(), Done)
        assert rig.operations() == ["CreateCluster"]

    @pytest.mark.fault(4)
    async def test_a_describe_that_shows_the_past_causes_no_second_update(self, make_rig: Callable[..., Rig]) -> None:
        rig = make_rig(describe_lag=30.0)
        rig.apply(two())
        await rig.rest()
        rig.apply(two(6))
        assert isinstance(await rig.rest(), Done)
        assert len(rig.calls("UpdateCluster")) == 1


class TestRefusals:
    @pytest.mark.fault(9)
    async def test_a_refused_spec_is_sent_again_slowly_and_at_once_when_it_changes(self, rig: Rig) -> None:
        rig.apply(two())
        await rig.rest()
        rig.simulator.faults.add(refusal("UpdateCluster", code="ValidationException", message="No such thing."))
        rig.apply(two(6))
        assert isinstance(await rig.rest(), Blocked)
        assert rig.condition("Stalled")["reason"] == "SpecRejected"
        assert "No such thing" in rig.condition("Ready")["message"]
        await rig.idle(1700)
        assert len(rig.calls("UpdateCluster")) == 1
        await rig.idle(7200)
        assert len(rig.calls("UpdateCluster")) == 3
        rig.simulator.faults.clear()
        rig.apply(two(5))
        assert isinstance(await rig.rest(), Done)

    async def test_a_person_can_have_the_same_spec_sent_again(self, rig: Rig) -> None:
        rig.simulator.faults.add(refusal("CreateCluster", code="ValidationException", message="No.", times=1))
        rig.apply(two())
        await rig.rest()
        rig.apply(two(), annotations={"hyperpod-operator.dev/reconcile-requested-at": "now"})
        assert isinstance(await rig.rest(), Done)
        assert rig.status["lastHandledReconcileAt"] == "now"

    @pytest.mark.fault(9)
    async def test_a_new_role_is_waited_for(self, make_rig: Callable[..., Rig]) -> None:
        rig = make_rig(role_attempts=4)
        rig.apply(two())
        await rig.once()
        assert rig.condition("Ready")["reason"] == "RolePropagation"
        assert isinstance(await rig.rest(), Done)

    @pytest.mark.fault(9)
    async def test_a_role_that_never_comes_needs_a_person(self, make_rig: Callable[..., Rig]) -> None:
        rig = make_rig(role_attempts=10_000)
        rig.apply(two())
        assert isinstance(await rig.rest(), Blocked)
        assert rig.condition("Stalled")["reason"] == "PermissionDenied"
        assert len(rig.calls("CreateCluster")) == 12

    @pytest.mark.parametrize(
        ("code", "reason"),
        [("AccessDeniedException", "PermissionDenied"), ("ResourceLimitExceeded", "QuotaExceeded")],
    )
    @pytest.mark.fault(9)
    async def test_what_somebody_can_mend_outside_is_tried_again_slowly(self, rig: Rig, code: str, reason: str) -> None:
        rig.simulator.faults.add(refusal("CreateCluster", code=code, message="Not now."))
        rig.apply(two())
        assert isinstance(await rig.rest(), Blocked)
        assert rig.condition("Stalled")["reason"] == reason
        await rig.idle(3000)
        assert 8 <= len(rig.calls("CreateCluster")) <= 12
        rig.simulator.faults.clear()
        await rig.idle(3000)
        assert rig.condition("Ready")["status"] == "True"

    async def test_a_failed_cluster_that_takes_no_change_is_not_hammered(self, rig: Rig) -> None:
        rig.simulator.world.fail_creation("research", "Boom.")
        rig.apply(plain())
        await rig.rest()
        rig.objects.set_status(KEY, rig.status | {"memory": {"provisionedAt": "2026-01-01T00:00:00Z"}})
        rig.simulator.faults.add(refusal("UpdateCluster", code="ConflictException", message="Not when Failed."))
        rig.apply(plain(5))
        await rig.idle(3600)
        assert rig.condition("Stalled")["reason"] == "ClusterFailed"
        assert len(rig.calls("UpdateCluster")) <= 13

    async def test_a_name_that_is_taken_by_an_invisible_cluster_is_not_asked_for_again(
        self, make_rig: Callable[..., Rig]
    ) -> None:
        rig = make_rig(create_lag=120.0)
        rig.apply(two())
        await rig.once()
        rig.objects.set_status(KEY, {})
        rig.restart()
        assert isinstance(await rig.rest(), Done)
        assert [call.code for call in rig.calls("CreateCluster")] == ["OK", "ResourceInUse"]

    async def test_a_name_that_is_taken_out_of_sight_is_asked_for_seldom_and_said(self, rig: Rig) -> None:
        message = "Cluster with name research already exists."
        rig.simulator.faults.add(refusal("CreateCluster", code="ResourceInUse", message=message))
        rig.apply(two())
        await rig.until("SpecRejected")
        assert "set another spec.clusterName" in rig.condition("Ready")["message"]
        await rig.idle(3 * 3600)
        assert len(rig.calls("CreateCluster")) <= 5

    @pytest.mark.fault(8)
    async def test_a_conflict_is_waited_out(self, rig: Rig) -> None:
        rig.apply(two())
        await rig.rest()
        rig.simulator.faults.add(refusal("UpdateCluster", code="ConflictException", message="Busy.", times=2))
        rig.apply(two(6))
        await rig.once()
        assert rig.condition("Ready")["reason"] == "ClusterBusy"
        assert isinstance(await rig.rest(), Done)

    @pytest.mark.fault(7)
    async def test_an_update_that_aws_rolls_back_is_not_tried_for_ever(self, rig: Rig) -> None:
        rig.apply(plain())
        await rig.rest()
        rig.simulator.world.limit_capacity("research", "gpu", 4)
        rig.apply(plain(6))
        await rig.until("UpdateRolledBack")
        assert len(rig.calls("UpdateCluster")) == 1
        assert rig.condition("Stalled")["status"] == "True"
        assert "capacity" in rig.condition("Ready")["message"].lower()
        assert "Please try again. The operator leaves the group as it is" in rig.condition("Ready")["message"]
        assert "after 5 min" in rig.condition("Ready")["message"]
        sent, tried = rig.calls("UpdateCluster")[0].simulated_time, rig.simulator.clock.now()
        assert tried - sent > 2 * 300
        await rig.once()
        assert len(rig.calls("UpdateCluster")) == 2
        await rig.idle(6 * 3600)
        assert len(rig.calls("UpdateCluster")) <= 12
        rig.simulator.world.restore_capacity("research", "gpu")
        await rig.idle(4 * 3600)
        assert rig.condition("Ready")["status"] == "True"

    async def test_a_group_for_which_aws_rolls_back_holds_up_no_other(self, rig: Rig) -> None:
        rig.apply(plain())
        await rig.rest()
        rig.simulator.world.limit_capacity("research", "gpu", 4)
        rig.apply(plain(6, 3))
        await rig.until("UpdateRolledBack")
        assert rig.status["groupsSummary"] == "cpu 3/3, gpu 4/4"
        rig.apply(plain(6, 4))
        await rig.once()
        assert [group["InstanceCount"] for group in rig.calls("UpdateCluster")[-1].parameters["InstanceGroups"]] == [
            4,
            4,
        ]
        await rig.idle(3 * 3600)
        assert rig.status["groupsSummary"] == "cpu 4/4, gpu 4/4"
        (entry,) = rig.status["rejectedGroups"]
        assert entry["instanceGroupName"] == "gpu"
        assert entry["attempts"] > 2
        rig.apply(plain(4, 4))
        await rig.rest()
        assert "rejectedGroups" not in rig.status
        assert rig.condition("Ready")["status"] == "True"

    async def test_a_new_group_for_which_aws_rolls_back_holds_up_no_other(self, rig: Rig) -> None:
        rig.apply(plain())
        await rig.rest()
        rig.simulator.world.limit_capacity("research", "new", 1)
        wanted = plain(4, 3)
        wanted["instanceGroups"].append(group_spec("new", 2))  # type: ignore[attr-defined]
        rig.apply(wanted)
        await rig.until("UpdateRolledBack")
        assert rig.status["groupsSummary"] == "cpu 3/3, gpu 4/4"
        rig.simulator.world.restore_capacity("research", "new")
        await rig.idle(3600)
        assert rig.status["groupsSummary"] == "cpu 3/3, gpu 4/4, new 2/2"
        assert "rejectedGroups" not in rig.status
        assert rig.condition("Ready")["status"] == "True"


class TestSoftware:
    """Each try replaces root volumes of nodes."""

    async def apply(self, rig: Rig, gpu: dict[str, Any], cpu: dict[str, Any], *, failing: tuple[str, ...]) -> None:
        rig.apply(two())
        await rig.rest()
        rig.simulator.world.release_image("1.1.0")
        for group in failing:
            rig.simulator.world.fail_software_update("research", group)
        wanted = two()
        for group, members in zip(wanted["instanceGroups"], (gpu, cpu), strict=True):  # type: ignore[call-overload]
            group.update(members)
        rig.apply(wanted)

    def groups(self, rig: Rig) -> list[list[str]]:
        calls = rig.calls("UpdateClusterSoftware")
        return [sorted(group["InstanceGroupName"] for group in call.parameters["InstanceGroups"]) for call in calls]

    async def test_what_is_left_of_a_call_that_failed_in_part_is_not_tried_at_once(self, rig: Rig) -> None:
        release = {"imageReleaseVersion": "1.1.0"}
        await self.apply(rig, release, release, failing=("gpu",))
        await rig.until("UpdateRolledBack")
        assert self.groups(rig) == [["cpu", "gpu"]]
        await rig.once()
        assert self.groups(rig) == [["cpu", "gpu"], ["gpu"]]

    async def test_groups_that_fail_keep_no_others_from_their_call_and_each_waits_longer_after_each_try(
        self, rig: Rig
    ) -> None:
        await self.apply(
            rig, {"imageReleaseVersion": "1.1.0"}, {"imageId": "ami-0123456789abcdef0"}, failing=("gpu", "cpu")
        )
        await rig.idle(9000)
        assert self.groups(rig)[:2] == [["gpu"], ["cpu"]]
        assert len(self.groups(rig)) == 4
        assert rig.condition("Ready")["status"] == "True"
        assert {one["state"] for one in rig.status["operations"]} == {"Applied"}

    async def test_two_calls_that_keep_failing_each_wait_longer_after_each_try(self, rig: Rig) -> None:
        await self.apply(
            rig,
            {"imageReleaseVersion": "1.1.0"},
            {"imageId": "ami-0123456789abcdef0"},
            failing=("gpu", "cpu"),
        )
        for _ in range(12 * 6):
            await rig.idle(600)
            for group in ("gpu", "cpu"):
                rig.simulator.world.fail_software_update("research", group)
        calls = rig.calls("UpdateClusterSoftware")
        for group in ("gpu", "cpu"):
            times = [
                call.simulated_time
                for call in calls
                if call.parameters["InstanceGroups"][0]["InstanceGroupName"] == group
            ]
            pauses = [later - sooner for sooner, later in pairwise(times)]
            run = pauses[0] / 2  # the first pause of each is shorter than a run of the other
            assert pauses[-1] > run + 3500, "a failed call waits for an hour at last, whatever is tried of the other"
        await rig.until("UpdateRolledBack")
        calls, message = rig.calls("UpdateClusterSoftware"), rig.condition("Ready")["message"]
        assert "instanceGroups[gpu].imageReleaseVersion" in message
        assert "instanceGroups[cpu].imageId" in message
        wanted = two()
        wanted["instanceGroups"][1]["imageId"] = "ami-0123456789abcdef1"  # type: ignore[index]
        rig.apply(wanted)
        await rig.idle(120)
        assert len(rig.calls("UpdateClusterSoftware")) == len(calls) + 1
        software = [one["concern"] for one in rig.status["operations"] if one["concern"].startswith("Software")]
        assert software == ["Software/ami-0123456789abcdef1"], "what is not asked for any more is not remembered"


class TestReads:
    @pytest.mark.fault(6)
    async def test_a_throttled_moment_does_not_make_a_healthy_cluster_look_sick(self, rig: Rig) -> None:
        rig.apply(two())
        await rig.rest()
        writes = len(rig.objects.writes)
        rig.simulator.faults.add(Fault(operation="DescribeCluster", kind="throttle", times=4))
        for _ in range(2):
            assert isinstance(await rig.step(), Failed)
        assert len(rig.objects.writes) == writes
        assert isinstance(await rig.rest(), Done)

    async def test_a_lasting_one_is_told(self, rig: Rig) -> None:
        rig.apply(two())
        await rig.rest()
        rig.simulator.faults.add(Fault(operation="DescribeCluster", kind="throttle"))
        for _ in range(5):
            await rig.step()
        assert rig.condition("Ready")["status"] == "Unknown"
        assert rig.condition("Ready")["reason"] == "Throttled"
        assert rig.condition("Provisioned")["status"] == "True"
        rig.simulator.faults.clear()
        assert isinstance(await rig.rest(), Done)
        assert rig.condition("Ready")["status"] == "True"

    @pytest.mark.fault(24)
    async def test_denied_is_never_read_as_absent(self, rig: Rig) -> None:
        rig.apply(two())
        await rig.rest()
        denied = refusal("DescribeCluster", code="AccessDeniedException", message="not authorized")
        rig.simulator.faults.add(denied)
        await rig.idle(3600)
        assert rig.condition("Stalled")["reason"] == "PermissionDenied"
        assert rig.operations() == ["CreateCluster"]


class TestVanished:
    async def test_a_cluster_that_somebody_deleted_is_created_again_after_two_looks(self, rig: Rig) -> None:
        rig.apply({**two(), "management": {"onExternalDelete": "Recreate"}})
        await rig.rest()
        old = rig.status["clusterArn"]
        rig.simulator.world.delete_out_of_band("research", at_once=True)
        await rig.once()
        assert rig.condition("Ready")["reason"] == "ConfirmingDeletion"
        assert isinstance(await rig.rest(), Done)
        assert rig.status["clusterArn"] != old
        assert rig.operations() == ["CreateCluster", "CreateCluster"]
        assert "ClusterDisappeared" in rig.reasons()

    async def test_one_wrong_answer_is_not_believed(self, rig: Rig) -> None:
        rig.apply({**two(), "management": {"onExternalDelete": "Recreate"}})
        await rig.rest()
        rig.simulator.faults.add(refusal("DescribeCluster", code="ResourceNotFound", message="not found", times=1))
        await rig.once()
        assert isinstance(await rig.rest(), Done)
        assert rig.operations() == ["CreateCluster"]

    @pytest.mark.parametrize(
        "fault",
        [
            {"kind": "error", "status": 400, "code": "ResourceLimitExceeded", "message": "quota"},
            {"kind": "drop"},
        ],
        ids=lambda fault: str(fault["kind"]),
    )
    async def test_leave_to_create_it_again_can_be_taken_back(self, rig: Rig, fault: dict[str, Any]) -> None:
        rig.apply({**two(), "management": {"onExternalDelete": "Recreate"}})
        await rig.rest()
        rig.simulator.world.delete_out_of_band("research", at_once=True)
        rig.simulator.faults.add(Fault(operation="CreateCluster", times=1, **fault))
        for _ in range(5):
            await rig.once()
            rig.simulator.clock.advance(5)
        assert rig.operations() == ["CreateCluster", "CreateCluster"]
        rig.apply(two())
        await rig.idle(7200)
        assert rig.condition("Ready")["reason"] == "DeletedOutside"
        assert rig.operations() == ["CreateCluster", "CreateCluster"]

    async def test_a_cluster_that_is_being_deleted_by_somebody_is_awaited(self, rig: Rig) -> None:
        rig.apply({**two(), "management": {"onExternalDelete": "Recreate"}})
        await rig.rest()
        rig.simulator.world.delete_out_of_band("research")
        await rig.once()
        assert "not at the request of the operator" in rig.condition("Ready")["message"]
        assert isinstance(await rig.rest(), Done)
        assert rig.operations() == ["CreateCluster", "CreateCluster"]


class TestShortages:
    @pytest.mark.fault(7)
    async def test_a_shortage_is_named_and_heals_by_itself(self, rig: Rig) -> None:
        rig.simulator.world.limit_capacity("research", "gpu", 1)
        rig.apply(two())
        await rig.until("CapacityShortage")
        assert "gpu 1/4" in rig.condition("GroupsAtTarget")["message"] or "gpu" in rig.condition("Ready")["message"]
        assert rig.condition("Reconciling")["status"] == "True"
        rig.simulator.world.restore_capacity("research", "gpu")
        assert isinstance(await rig.rest(), Done)
        assert rig.operations() == ["CreateCluster"]

    async def test_a_failing_lifecycle_script_needs_a_person(self, rig: Rig) -> None:
        rig.simulator.world.fail_lifecycle("research", "gpu")
        rig.apply(two())
        await rig.until("LifecycleScriptFailed")
        assert rig.condition("Stalled")["status"] == "True"
        rig.simulator.world.restore_lifecycle("research", "gpu")
        await rig.idle(7200)
        assert rig.condition("Ready")["status"] == "True"

    @pytest.mark.fault(7)
    async def test_a_creation_that_fails_is_held(self, rig: Rig) -> None:
        rig.simulator.world.fail_creation("research", "No addresses left in subnet-1.")
        rig.apply(plain())
        assert isinstance(await rig.rest(), Blocked)
        assert rig.condition("Stalled")["reason"] == "CreateFailed"
        assert "No addresses left" in rig.condition("Ready")["message"]
        assert rig.operations() == ["CreateCluster"]

    async def test_or_cleared_away_and_tried_again(self, rig: Rig) -> None:
        rig.simulator.world.fail_creation("research", "No addresses left in subnet-1.")
        rig.apply(plain(management={"onCreateFailure": "Recreate"}))
        await rig.until("Recreating")
        rig.simulator.world.allow_creation("research")
        assert isinstance(await rig.rest(), Done)
        assert rig.operations() == ["CreateCluster", "DeleteCluster", "CreateCluster"]
        assert "createFailures" not in rig.status["memory"]


class TestTeardown:
    async def test_a_missing_role_is_named_and_its_return_ends_the_wait(self, rig: Rig) -> None:
        rig.apply(two())
        await rig.rest()
        rig.simulator.world.remove_role(ROLE)
        rig.objects.delete(KEY)
        await rig.until("TeardownBlocked")
        assert rig.condition("TeardownBlocked")["status"] == "True"
        assert ROLE in rig.condition("Stalled")["message"]
        rig.simulator.world.restore_role(ROLE)
        for _ in range(200):
            if not rig.objects.exists(KEY):
                break
            await rig.step()
        assert not rig.objects.exists(KEY)
        assert len(rig.calls("DeleteCluster")) == 1


GARBLED = {"concern": "Cluster", "operation": "CreateCluster", "time": "yesterday", "state": "Accepted"}


class TestHostileInput:
    async def test_a_spec_that_cannot_be_read_is_told_and_nothing_is_done(self, rig: Rig) -> None:
        rig.apply({"orchestrator": {"eks": {"clusterArn": 5}}, "vpcConfig": []})
        assert isinstance(await rig.rest(), Blocked)
        assert rig.condition("Stalled")["reason"] == "InvalidSpec"
        writes = len(rig.objects.writes)
        await rig.idle(1200)
        assert len(rig.objects.writes) == writes
        assert not rig.simulator.log.calls()
        rig.objects.delete(KEY)
        assert isinstance(await rig.once(), Gone)

    @pytest.mark.parametrize(
        "status",
        [
            {"conditions": "nonsense"},
            {
                "operations": [
                    {"concern": "Cluster", "operation": "CreateCluster", "time": "yesterday", "state": "Accepted"}
                ]
            },
            {
                "instanceGroups": [
                    {"instanceGroupName": "gpu", "memory": {"appliedInstanceCount": 1, "origin": "Created"}}
                ]
            },
            {"clusterArn": "arn:elsewhere", "origin": "Created", "clusterStatus": "InService"},
            {"observedGeneration": 99, "memory": {"provisionedAt": "never"}},
        ],
    )
    async def test_a_garbled_status_loses_nothing(self, rig: Rig, status: dict[str, object]) -> None:
        rig.apply(two())
        await rig.rest()
        rig.objects.set_status(KEY, status)
        rig.restart()
        for _ in range(5):
            await rig.step()
        assert rig.operations() == ["CreateCluster"]
        assert rig.condition("Ready")["status"] in {"True", "Unknown"} or rig.condition("Ready")["reason"]

    async def test_a_region_that_is_not_served_causes_no_call(self, rig: Rig) -> None:
        rig.apply(two(region="eu-west-1"))
        assert isinstance(await rig.rest(), Blocked)
        assert rig.condition("Stalled")["reason"] == "RegionNotAllowed"
        assert not rig.simulator.log.calls()

    async def test_an_object_that_is_gone_is_forgotten(self, rig: Rig) -> None:
        assert isinstance(await rig.once(), Gone)

    async def test_a_member_that_botocore_does_not_know_is_refused_in_words(self, rig: Rig) -> None:
        rig.apply(spec(instanceGroups=[], management={"paused": False}))
        outcome = await rig.once()
        assert isinstance(outcome, Blocked | Requeue)
        assert rig.condition("Stalled")["status"] == "True"
