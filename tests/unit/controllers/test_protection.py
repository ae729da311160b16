"""What must not be deleted stays, and what others deleted is not created again by itself."""

from typing import Any

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.core.builders import group_spec, spec

from hyperpod_operator.api.names import APPROVE_PLAN
from hyperpod_operator.core.outcome import Gone
from hyperpod_testbed.simulator import Fault

GPU, CPU = group_spec("gpu", 2), group_spec("cpu", 2, instanceType="ml.m5.4xlarge")
PROTECTED = {**CPU, "management": {"deletionProtection": True}}


def wanted(*groups: dict[str, Any], **management: Any) -> dict[str, Any]:
    return spec(instanceGroups=list(groups), management=management)


def ready(rig: Rig) -> str:
    return str(rig.condition("Ready").get("reason"))


async def made(rig: Rig, given: dict[str, Any]) -> None:
    rig.apply(given)
    await rig.rest()


@pytest.mark.parametrize(
    "given", [wanted(GPU, CPU, deletionProtection=True), wanted(GPU, PROTECTED)], ids=["cluster", "group"]
)
async def test_a_protected_cluster_outlives_the_deletion_of_its_resource(rig: Rig, given: dict[str, Any]) -> None:
    await made(rig, given)
    rig.objects.delete(KEY)
    await rig.rest()
    assert ready(rig) == "DeletionProtected"
    assert rig.operations() == ["CreateCluster"]


async def test_a_protected_cluster_that_is_to_stay_is_released(rig: Rig) -> None:
    await made(rig, wanted(GPU, CPU, deletionProtection=True, deletionPolicy="Retain"))
    rig.objects.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert "DeleteCluster" not in rig.operations()


@pytest.mark.parametrize(
    ("before", "edited"),
    [
        (wanted(GPU, PROTECTED), wanted(GPU)),
        (wanted(GPU, CPU, deletionProtection=True), wanted(GPU, deletionProtection=True)),
    ],
    ids=["group", "cluster"],
)
async def test_a_protected_group_outlives_its_removal_from_the_spec(
    rig: Rig, before: dict[str, Any], edited: dict[str, Any]
) -> None:
    await made(rig, before)
    rig.apply(edited)
    await rig.rest()
    assert ready(rig) == "DeletionProtected"
    assert rig.operations() == ["CreateCluster"]


async def test_a_protected_group_holds_up_no_other_change(rig: Rig) -> None:
    await made(rig, wanted(GPU, PROTECTED))
    rig.apply(wanted(group_spec("gpu", 3)))
    await rig.rest()
    (call,) = rig.calls("UpdateCluster")
    counts = {group["InstanceGroupName"]: group["InstanceCount"] for group in call.parameters["InstanceGroups"]}
    assert counts == {"gpu": 3, "cpu": 2}
    assert "InstanceGroupsToDelete" not in call.parameters


async def test_a_group_goes_after_its_protection_was_lifted(rig: Rig) -> None:
    await made(rig, wanted(GPU, PROTECTED))
    rig.apply(wanted(GPU))
    await rig.rest()
    rig.apply(wanted(GPU, {**CPU, "management": {"deletionProtection": False}}))
    await rig.rest()
    rig.apply(wanted(GPU))
    await rig.rest()
    assert rig.calls("UpdateCluster")[0].parameters["InstanceGroupsToDelete"] == ["cpu"]


async def test_a_cluster_that_others_deleted_is_not_created_again(rig: Rig) -> None:
    await made(rig, wanted(GPU, CPU))
    rig.simulator.world.delete_out_of_band("research", at_once=True)
    await rig.rest()
    rig.restart()
    await rig.idle(3600)
    assert ready(rig) == "DeletedOutside"
    assert rig.operations() == ["CreateCluster"]


async def test_it_is_created_again_when_a_person_says_so(rig: Rig) -> None:
    await made(rig, wanted(GPU, CPU))
    rig.simulator.world.delete_out_of_band("research", at_once=True)
    await rig.rest()
    rig.apply(wanted(GPU, CPU, onExternalDelete="Recreate"))
    await rig.rest()
    assert rig.operations() == ["CreateCluster", "CreateCluster"]


@pytest.mark.parametrize("policy", ["Auto", "ApproveDisruptive", "ApproveAll"])
async def test_it_is_created_again_when_its_plan_is_approved(rig: Rig, policy: str) -> None:
    given = wanted(GPU, CPU, changePolicy=policy)
    await made(rig, wanted(GPU, CPU))
    rig.apply(given)
    rig.simulator.world.delete_out_of_band("research", at_once=True)
    await rig.rest()
    digest = rig.status["plan"]["digest"]
    assert rig.status["plan"]["actions"][0]["waits"] is True
    assert f"{APPROVE_PLAN}={digest}" in rig.condition("Ready")["message"]
    rig.apply(given, annotations={APPROVE_PLAN: digest})
    await rig.rest()
    assert rig.operations() == ["CreateCluster", "CreateCluster"]


@pytest.mark.parametrize(
    "fault", [{"kind": "error", "status": 400, "code": "ResourceLimitExceeded", "message": "quota"}, {"kind": "drop"}]
)
async def test_an_approval_lasts_until_the_call_that_it_opened_is_taken(rig: Rig, fault: dict[str, Any]) -> None:
    given = wanted(GPU, CPU)
    await made(rig, given)
    rig.simulator.world.delete_out_of_band("research", at_once=True)
    await rig.rest()
    rig.simulator.faults.add(Fault(operation="CreateCluster", times=2, **fault))
    rig.apply(given, annotations={APPROVE_PLAN: rig.status["plan"]["digest"]})
    await rig.idle(14400)
    assert ready(rig) == "ClusterReady"
    assert rig.operations() == ["CreateCluster"] * 4


async def test_one_approval_creates_it_again_once(rig: Rig) -> None:
    given = wanted(GPU, CPU)
    await made(rig, given)
    for _ in range(2):
        rig.simulator.world.delete_out_of_band("research", at_once=True)
        await rig.rest()
        digest = rig.status["plan"]["digest"]
        rig.apply(given, annotations=rig.objects._stored(KEY).annotations or {APPROVE_PLAN: digest})
        await rig.rest()
    assert ready(rig) == "DeletedOutside"
    assert rig.operations() == ["CreateCluster", "CreateCluster"]


async def test_no_approval_creates_it_again_where_nothing_is_to_be_changed(rig: Rig) -> None:
    given = wanted(GPU, CPU, changePolicy="PlanOnly")
    await made(rig, wanted(GPU, CPU))
    rig.apply(given)
    rig.simulator.world.delete_out_of_band("research", at_once=True)
    await rig.rest()
    rig.apply(given, annotations={APPROVE_PLAN: rig.status["plan"]["digest"]})
    await rig.rest()
    assert APPROVE_PLAN not in rig.condition("Ready")["message"]
    assert rig.operations() == ["CreateCluster"]


async def test_its_resource_is_released_when_it_is_deleted(rig: Rig) -> None:
    await made(rig, wanted(GPU, CPU))
    rig.simulator.world.delete_out_of_band("research", at_once=True)
    await rig.rest()
    rig.objects.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert rig.operations() == ["CreateCluster"]


async def test_the_report_of_an_outside_deletion_is_written_once(rig: Rig) -> None:
    await made(rig, wanted(GPU, CPU))
    rig.simulator.world.delete_out_of_band("research", at_once=True)
    await rig.rest()
    rig.objects.writes.clear()
    await rig.idle(3600)
    assert rig.objects.writes == []
