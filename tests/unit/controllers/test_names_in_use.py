"""A cluster of the wanted name is in AWS already, on its way out or failed: what is said, and what becomes of it."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.core.builders import EKS, FORMER, OTHERS, ROLE, group_spec, spec

from hyperpod_operator.core.outcome import Blocked, Done

GROUP = {
    "InstanceGroupName": "w",
    "InstanceType": "ml.m5.xlarge",
    "InstanceCount": 2,
    "ExecutionRole": ROLE,
    "LifeCycleConfig": {"SourceS3Uri": "s3://sagemaker-x/lifecycle", "OnCreate": "on_create.sh"},
}
FOUND = {
    "Orchestrator": {"Eks": {"ClusterArn": EKS}},
    "VpcConfig": {"SecurityGroupIds": ["sg-1", "sg-2"], "Subnets": ["subnet-1"]},
    "NodeProvisioningMode": "Continuous",
    "NodeRecovery": "Automatic",
    "InstanceGroups": [GROUP],
}


def wanted(**management: Any) -> dict[str, Any]:
    return spec(instanceGroups=[group_spec("w", 2, instanceType="ml.m5.xlarge")], management=management)


@pytest.mark.parametrize("tags", [{}, FORMER, OTHERS], ids=["untagged", "former", "of another"])
@pytest.mark.parametrize("policy", ["Never", "IfUnowned"])
async def test_a_cluster_on_its_way_out_is_waited_for_and_needs_nobody(
    rig: Rig, tags: dict[str, str], policy: str
) -> None:
    rig.simulator.world.create_foreign_cluster("research", request=FOUND, tags=tags)
    rig.simulator.world.delete_out_of_band("research")
    rig.apply(wanted(adoptionPolicy=policy))
    await rig.once()
    ready = rig.condition("Ready")
    assert ready["reason"] == "Deleting"
    assert "When it is gone, the operator continues with the creation of this one." in ready["message"]
    assert not rig.condition("Stalled")
    assert isinstance(await rig.rest(), Done)
    assert rig.operations() == ["CreateCluster"]


async def test_nothing_is_created_in_its_place_while_the_resource_is_paused(rig: Rig) -> None:
    rig.simulator.world.create_foreign_cluster("research", request=FOUND)
    rig.simulator.world.delete_out_of_band("research")
    rig.apply(wanted(paused=True))
    await rig.once()
    assert rig.condition("Ready")["reason"] == "Paused"
    assert "to have this one created when that is gone" in rig.condition("Ready")["message"]
    await rig.idle(3600)
    assert rig.operations() == []


async def test_a_restored_resource_does_not_promise_what_it_does_not_do(rig: Rig) -> None:
    """Its status knows the cluster, so that a deletion by others holds it."""
    rig.apply(wanted())
    await rig.rest()
    status = rig.status
    rig.simulator.world.delete_out_of_band("research")
    del rig.objects._bodies[KEY]
    rig.apply(wanted())
    rig.objects.set_status(KEY, status)
    await rig.once()
    assert "does not create it again" in rig.condition("Ready")["message"]
    await rig.idle(3600)
    assert rig.condition("Ready")["reason"] == "DeletedOutside"
    assert rig.operations() == ["CreateCluster"]


async def test_the_remedy_for_a_failed_cluster_that_was_adopted_makes_room_for_another(rig: Rig) -> None:
    rig.simulator.world.fail_creation("research", "No addresses.")
    rig.simulator.world.create_foreign_cluster("research", request=FOUND, in_service=False)
    rig.simulator.clock.advance(3600)
    rig.simulator.world.allow_creation("research")
    rig.apply(wanted(adoptionPolicy="IfUnowned"))
    assert isinstance(await rig.rest(), Blocked)
    message = rig.condition("Ready")["message"]
    assert rig.condition("Ready")["reason"] == "ClusterFailed"
    assert "set spec.management.deletionPolicy to Delete" in message
    assert "No addresses. Check its events" in message
    assert "onCreateFailure" not in message
    rig.apply(wanted(adoptionPolicy="IfUnowned", deletionPolicy="Delete"))
    rig.objects.delete(KEY)
    await rig.rest()
    rig.apply(wanted(adoptionPolicy="IfUnowned"))
    assert isinstance(await rig.rest(), Done)
    assert rig.operations() == ["AddTags", "DeleteCluster", "CreateCluster"]


@pytest.mark.parametrize("answer", ["accept", "conflict"])
async def test_a_failed_cluster_that_was_adopted_takes_the_changes_that_were_announced(
    make_rig: Callable[..., Rig], answer: str
) -> None:
    rig = make_rig(update_when_failed=answer)
    rig.simulator.world.fail_creation("research", "No addresses.")
    rig.simulator.world.create_foreign_cluster("research", request=FOUND, in_service=False)
    rig.simulator.clock.advance(3600)
    rig.apply(wanted(adoptionPolicy="IfUnowned") | {"nodeRecovery": "None"})
    await rig.idle(3600)
    updates = rig.calls("UpdateCluster")
    if answer == "accept":
        assert len(updates) == 1
        assert rig.condition("Ready")["status"] == "True"
    else:
        assert 2 <= len(updates) <= 13
        assert rig.condition("Stalled")["reason"] == "ClusterFailed"
        assert "retries every 5 minutes. To start over" in rig.condition("Ready")["message"]
