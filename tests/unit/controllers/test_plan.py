"""Plans and approvals through the controller: what waits, what an approval opens, and every race in between."""

from collections.abc import Callable, Mapping
from typing import Any

import boto3
import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.core.builders import group_spec, spec

from hyperpod_operator.api.names import APPROVE_PLAN, APPROVED_BY
from hyperpod_operator.core.outcome import Blocked

TWO = [group_spec("gpu", 2), group_spec("cpu", 2, instanceType="ml.m5.4xlarge")]


def wanted(policy: str = "", *, groups: list[dict[str, Any]] | None = None, **members: Any) -> dict[str, Any]:
    management = {**members.pop("management", {}), **({"changePolicy": policy} if policy else {})}
    return spec(instanceGroups=groups or TWO, management=management, **members)


def counted(gpu: int, cpu: int = 2) -> list[dict[str, Any]]:
    return [group_spec("gpu", gpu), group_spec("cpu", cpu, instanceType="ml.m5.4xlarge")]


async def made(rig: Rig) -> None:
    """A cluster in service, and no calls on record."""
    rig.apply(wanted())
    await rig.rest()


def sent(rig: Rig) -> list[str]:
    """Changing calls after the creation."""
    return [name for name in rig.operations() if name != "CreateCluster"]


def plan(rig: Rig) -> dict[str, Any]:
    found: dict[str, Any] = rig.status["plan"]
    return found


def approve(rig: Rig, given: Mapping[str, Any], *, digest: str = "", **annotations: str) -> None:
    rig.apply(given, annotations={APPROVE_PLAN: digest or plan(rig)["digest"], **annotations})


def approved(rig: Rig) -> tuple[str, str]:
    condition = rig.condition("PlanApproved")
    return condition.get("status", ""), condition.get("reason", "")


async def test_a_settled_cluster_shows_an_empty_plan_and_writes_nothing_more(rig: Rig) -> None:
    await made(rig)
    rig.objects.writes.clear()
    await rig.idle(3600)
    assert plan(rig)["state"] == "None"
    assert rig.objects.writes == []


async def test_without_a_policy_nothing_waits_and_no_condition_speaks_of_approval(rig: Rig) -> None:
    await made(rig)
    rig.apply(wanted(groups=counted(1)))
    await rig.rest()
    assert sent(rig) == ["UpdateCluster"]
    assert approved(rig) == ("", "")
    assert "lastApproval" not in rig.status


@pytest.mark.parametrize(
    ("management", "reason"), [({"paused": True}, "Paused"), ({"changePolicy": "PlanOnly"}, "PlanOnly")]
)
async def test_a_resource_that_changes_nothing_shows_its_plan(
    rig: Rig, management: dict[str, Any], reason: str
) -> None:
    await made(rig)
    rig.apply(wanted(groups=counted(1), management=management))
    await rig.until(reason)
    assert plan(rig)["state"] == "Pending"
    assert plan(rig)["actions"][0]["changes"] == ["instanceGroups[gpu].instanceCount: 2 -> 1"]
    assert sent(rig) == []


async def test_a_creation_that_is_planned_only_is_shown(rig: Rig) -> None:
    rig.apply(wanted("PlanOnly"))
    await rig.until("PlanOnly")
    assert [action["call"] for action in plan(rig)["actions"]] == ["CreateCluster"]
    assert sent(rig) == []
    assert not rig.has_finalizer


async def test_a_waiting_plan_is_written_once(rig: Rig) -> None:
    await made(rig)
    rig.apply(wanted("ApproveAll", groups=counted(1)))
    await rig.rest()
    rig.objects.writes.clear()
    await rig.idle(3600)
    assert rig.objects.writes == []


async def test_a_destructive_change_waits_and_a_harmless_one_does_not(rig: Rig) -> None:
    await made(rig)
    rig.apply(wanted("ApproveDisruptive", groups=counted(gpu=1, cpu=3)))
    await rig.rest()
    (call,) = rig.calls("UpdateCluster")
    counts = {group["InstanceGroupName"]: group["InstanceCount"] for group in call.parameters["InstanceGroups"]}
    assert counts == {"gpu": 2, "cpu": 3}
    assert approved(rig) == ("False", "WaitingForApproval")
    assert rig.condition("Stalled")["reason"] == "WaitingForApproval"


async def test_the_message_has_the_command_that_approves(rig: Rig) -> None:
    await made(rig)
    rig.apply(wanted("ApproveAll", groups=counted(1)))
    await rig.rest()
    command = f"kubectl annotate --overwrite hyperpodcluster research -n team {APPROVE_PLAN}={plan(rig)['digest']}"
    assert command in rig.condition("PlanApproved")["message"]


async def test_an_approved_plan_is_carried_out(rig: Rig) -> None:
    await made(rig)
    edited = wanted("ApproveDisruptive", groups=counted(1))
    rig.apply(edited)
    await rig.rest()
    digest = plan(rig)["digest"]
    approve(rig, edited, **{APPROVED_BY: "jane@example.com"})
    await rig.rest()
    assert sent(rig) == ["UpdateCluster"]
    last = rig.status["lastApproval"]
    assert (last["digest"], last["by"], last["via"]) == (digest, "jane@example.com", "Annotation")
    assert last["completedAt"]
    assert plan(rig)["state"] == "None"


RECREATES = {"management": {"onCreateFailure": "Recreate"}}


async def failed_with_its_recreation_approved(rig: Rig) -> dict[str, Any]:
    """A creation that failed, its recreation approved and begun. Returns the spec."""
    rig.simulator.world.fail_creation("research", "No addresses left in subnet-1.")
    rig.apply(wanted(**RECREATES))
    while rig.status.get("clusterStatus") != "Creating":
        await rig.step()
    again = wanted("ApproveAll", **RECREATES)
    rig.apply(again)
    await rig.rest()
    assert [action["call"] for action in plan(rig)["actions"]] == ["DeleteCluster", "CreateCluster"]
    approve(rig, again)
    while "DeleteCluster" not in rig.operations():
        await rig.step()
    return again


async def test_a_recreation_is_approved_once(rig: Rig) -> None:
    again = await failed_with_its_recreation_approved(rig)
    rig.simulator.world.allow_creation("research")
    approve(rig, again, digest=rig.status["lastApproval"]["digest"])
    await rig.rest()
    assert rig.operations() == ["CreateCluster", "DeleteCluster", "CreateCluster"]
    assert rig.condition("Ready")["status"] == "True"
    assert rig.status["lastApproval"]["completedAt"]


async def test_what_is_recreated_is_what_was_approved(rig: Rig) -> None:
    await failed_with_its_recreation_approved(rig)
    digest = rig.status["lastApproval"]["digest"]
    approve(rig, wanted("ApproveAll", groups=counted(3), **RECREATES), digest=digest)
    await rig.rest()
    assert rig.operations() == ["CreateCluster", "DeleteCluster"]
    assert rig.condition("Ready")["reason"] in {"PlanStale", "WaitingForApproval"}


async def test_another_failure_needs_another_approval(rig: Rig) -> None:
    await failed_with_its_recreation_approved(rig)
    await rig.rest()
    assert rig.operations() == ["CreateCluster", "DeleteCluster", "CreateCluster"]
    assert rig.condition("Ready")["reason"] == "WaitingForApproval"


async def test_a_creation_that_others_end_is_not_made_again_on_the_same_approval(rig: Rig) -> None:
    rig.apply(wanted("ApproveAll"))
    await rig.rest()
    approve(rig, wanted("ApproveAll"))
    while rig.status.get("clusterStatus") != "Creating":
        await rig.step()
    others = boto3.client("sagemaker", region_name="us-west-2")
    others.delete_cluster(ClusterName="research")
    others.close()
    rig.simulator.clock.advance(3600)
    assert isinstance(await rig.rest(), Blocked)
    assert rig.operations().count("CreateCluster") == 1
    assert rig.condition("Ready")["reason"] == "DeletedOutside"


async def test_an_approval_in_the_spec_opens_the_plan(rig: Rig) -> None:
    await made(rig)
    rig.apply(wanted("ApproveAll", groups=counted(1)))
    await rig.rest()
    rig.apply(wanted("ApproveAll", groups=counted(1), management={"approvedPlan": plan(rig)["digest"]}))
    await rig.rest()
    assert sent(rig) == ["UpdateCluster"]
    assert rig.status["lastApproval"]["via"] == "Spec"


async def test_a_creation_and_its_deletion_wait(rig: Rig) -> None:
    given = wanted("ApproveAll")
    rig.apply(given)
    await rig.rest()
    assert sent(rig) == []
    approve(rig, given)
    await rig.rest()
    assert rig.operations() == ["CreateCluster"]
    rig.objects.delete(KEY)
    await rig.rest()
    assert rig.held
    assert [action["call"] for action in plan(rig)["actions"]] == ["DeleteCluster"]
    approve(rig, given)
    await rig.rest()
    assert rig.operations() == ["CreateCluster", "DeleteCluster"]
    assert not rig.objects.exists(KEY)


async def test_a_cluster_that_stays_is_released_without_an_approval(rig: Rig) -> None:
    await made(rig)
    rig.apply(wanted("ApproveAll", management={"deletionPolicy": "Retain"}))
    await rig.rest()
    rig.objects.delete(KEY)
    await rig.rest()
    assert sent(rig) == ["DeleteTags"]
    assert not rig.objects.exists(KEY)


async def test_a_plan_of_several_calls_is_approved_once(rig: Rig) -> None:
    await made(rig)
    edited = wanted("ApproveAll", groups=counted(1), tags=[{"key": "team", "value": "a"}])
    rig.apply(edited)
    await rig.rest()
    approve(rig, edited)
    await rig.rest()
    assert sent(rig) == ["UpdateCluster", "AddTags"]


async def test_a_restart_between_the_calls_of_an_approved_plan_changes_nothing(rig: Rig) -> None:
    await made(rig)
    edited = wanted("ApproveAll", groups=counted(1), tags=[{"key": "team", "value": "a"}])
    rig.apply(edited)
    await rig.rest()
    approve(rig, edited)
    while not sent(rig):
        await rig.step()
    rig.restart()
    await rig.rest()
    assert sent(rig) == ["UpdateCluster", "AddTags"]


async def test_an_edit_between_approval_and_call_is_not_sent(rig: Rig) -> None:
    await made(rig)
    rig.apply(wanted("ApproveAll", groups=counted(1)))
    await rig.rest()
    approve(rig, wanted("ApproveAll", groups=counted(0)))
    await rig.rest()
    assert sent(rig) == []
    assert approved(rig) == ("False", "PlanStale")


async def test_an_edit_of_the_rest_of_an_approved_plan_ends_the_approval(rig: Rig) -> None:
    await made(rig)
    tags = [{"key": "team", "value": "a"}]
    edited = wanted("ApproveAll", groups=counted(1), tags=tags)
    rig.apply(edited)
    await rig.rest()
    digest = plan(rig)["digest"]
    approve(rig, edited)
    while not sent(rig):
        await rig.step()
    approve(rig, wanted("ApproveAll", groups=counted(1), tags=[{"key": "team", "value": "b"}]), digest=digest)
    await rig.rest()
    assert sent(rig) == ["UpdateCluster"]
    assert approved(rig) == ("False", "WaitingForApproval")


async def test_an_approval_of_an_older_plan_opens_nothing(rig: Rig) -> None:
    await made(rig)
    rig.apply(wanted("ApproveAll", groups=counted(1)))
    await rig.rest()
    older = plan(rig)["digest"]
    newer = wanted("ApproveAll", groups=counted(0))
    rig.apply(newer)
    await rig.rest()
    approve(rig, newer, digest=older)
    await rig.rest()
    assert sent(rig) == []
    assert approved(rig) == ("False", "PlanStale")


async def test_an_approval_that_comes_before_its_plan_counts(rig: Rig) -> None:
    await made(rig)
    edited = wanted("ApproveAll", groups=counted(1))
    rig.apply(edited)
    await rig.rest()
    digest = plan(rig)["digest"]
    rig.apply(wanted("ApproveAll"))
    await rig.rest()
    rig.apply(wanted("ApproveAll"), annotations={APPROVE_PLAN: digest})
    await rig.rest()
    assert approved(rig) == ("", "")
    rig.apply(edited, annotations={APPROVE_PLAN: digest})
    await rig.rest()
    assert sent(rig) == ["UpdateCluster"]


@pytest.mark.parametrize("via", ["Annotation", "Spec"])
async def test_of_two_approvals_the_one_that_fits_counts(rig: Rig, via: str) -> None:
    await made(rig)
    rig.apply(wanted("ApproveAll", groups=counted(0)))
    await rig.rest()
    other = plan(rig)["digest"]
    rig.apply(wanted("ApproveAll", groups=counted(1)))
    await rig.rest()
    fits = plan(rig)["digest"]
    annotation, spec = (fits, other) if via == "Annotation" else (other, fits)
    approve(rig, wanted("ApproveAll", groups=counted(1), management={"approvedPlan": spec}), digest=annotation)
    await rig.rest()
    assert sent(rig) == ["UpdateCluster"]
    assert rig.status["lastApproval"]["via"] == via


async def test_an_approval_is_used_once(rig: Rig) -> None:
    await made(rig)
    down, up = wanted("ApproveDisruptive", groups=counted(1)), wanted("ApproveDisruptive")
    rig.apply(down)
    await rig.rest()
    digest = plan(rig)["digest"]
    approve(rig, down)
    await rig.rest()
    approve(rig, up, digest=digest)
    await rig.rest()
    approve(rig, down, digest=digest)
    await rig.rest()
    assert sent(rig) == ["UpdateCluster", "UpdateCluster"]
    assert approved(rig) == ("False", "WaitingForApproval")


async def test_a_withdrawn_approval_stops_the_rest(rig: Rig) -> None:
    await made(rig)
    edited = wanted("ApproveAll", groups=counted(1), tags=[{"key": "team", "value": "a"}])
    rig.apply(edited)
    await rig.rest()
    approve(rig, edited)
    while not sent(rig):
        await rig.step()
    rig.apply(edited)
    await rig.rest()
    assert sent(rig) == ["UpdateCluster"]


@pytest.fixture
def just_before(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Has something done after the operator stored its intent and before its call is sent."""

    def arrange(happens: Callable[[], None]) -> None:
        write, told = rig.objects.write_status, []

        async def written(stored: Any, status: Any, **how: Any) -> Any:
            now = await write(stored, status, **how)
            if status.get("lastApproval", {}).get("sent") and not told:
                told.append(True)
                happens()
            return now

        monkeypatch.setattr(rig.objects, "write_status", written)

    return arrange


async def test_an_edit_in_the_moment_of_the_call_is_not_sent(rig: Rig, just_before: Any) -> None:
    await made(rig)
    edited = wanted("ApproveAll", groups=counted(1))
    rig.apply(edited)
    await rig.rest()
    digest = plan(rig)["digest"]
    just_before(lambda: approve(rig, wanted("ApproveAll", groups=counted(0)), digest=digest))
    approve(rig, edited)
    await rig.rest()
    assert sent(rig) == []
    assert approved(rig)[0] == "False"


async def test_a_change_in_aws_in_the_moment_of_the_call_is_not_overwritten(rig: Rig, just_before: Any) -> None:
    await made(rig)
    edited = wanted("ApproveAll", groups=counted(1))
    rig.apply(edited)
    await rig.rest()

    def scaled_out_by_others() -> None:
        rig.simulator.world.scale_out_of_band("research", "gpu", 3)

    just_before(scaled_out_by_others)
    approve(rig, edited)
    await rig.rest()
    assert sent(rig) == []


async def test_a_change_in_aws_before_the_approval_makes_it_stale(rig: Rig) -> None:
    await made(rig)
    edited = wanted("ApproveAll", groups=counted(1))
    rig.apply(edited)
    await rig.rest()
    digest = plan(rig)["digest"]
    rig.simulator.world.scale_out_of_band("research", "gpu", 3)
    approve(rig, edited, digest=digest)
    await rig.rest()
    assert sent(rig) == []
    assert approved(rig) == ("False", "PlanStale")


async def test_an_edit_in_the_moment_of_a_creation_is_followed_by_its_own_plan_at_once(
    rig: Rig, just_before: Any
) -> None:
    """The intent of a call that was not sent is taken back: nothing waits for a cluster that was never asked for."""
    given, other = wanted("ApproveAll"), wanted("ApproveAll", groups=counted(3))
    rig.apply(given)
    await rig.rest()
    digest = plan(rig)["digest"]
    just_before(lambda: approve(rig, other, digest=digest))
    approve(rig, given)
    await rig.step()
    await rig.step()
    assert rig.condition("Ready")["reason"] == "PlanStale"
    approve(rig, other)
    await rig.step()
    assert rig.operations() == ["CreateCluster"]


async def test_a_spec_that_cannot_be_read_in_the_moment_of_the_call_ends_the_pass(rig: Rig, just_before: Any) -> None:
    given = wanted("ApproveAll")
    rig.apply(given)
    await rig.rest()
    digest = plan(rig)["digest"]
    just_before(lambda: approve(rig, {**given, "instanceGroups": "none"}, digest=digest))
    approve(rig, given)
    await rig.step()
    assert "operations" not in rig.status
    await rig.step()
    assert rig.condition("Ready")["reason"] == "InvalidSpec"
    approve(rig, given, digest=digest)
    await rig.step()
    assert rig.operations() == ["CreateCluster"]
