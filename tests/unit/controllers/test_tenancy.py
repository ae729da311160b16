"""The confused deputy: a namespace asks the operator for what is not its own, and AWS is never asked."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.core.builders import EKS, ROLE, group_spec, spec

from hyperpod_operator.controllers.cluster.controller import ClusterController
from hyperpod_operator.core.tenancy import Matter, Tenancy, Tenant

ENOUGH = {
    Matter.EXECUTION_ROLES: [ROLE],
    Matter.SOURCE_S3_URIS: ["s3://sagemaker-x/*"],
    Matter.EKS_CLUSTERS: [EKS],
    Matter.SUBNETS: ["*"],
    Matter.SECURITY_GROUPS: ["*"],
    Matter.REGIONS: ["us-west-2"],
}
"""What the spec of the builders needs."""


def restrict(rig: Rig, *tenants: Tenant) -> None:
    controller = rig.controller
    settings = replace(controller._settings, tenancy=Tenancy(tenants=tenants))
    rig.controller = ClusterController(ports=controller._ports, settings=settings)


def allowing(**changed: Iterable[str]) -> Tenant:
    return Tenant.of([KEY.namespace], {**ENOUGH, **{Matter(name): texts for name, texts in changed.items()}})


async def test_what_the_entry_admits_is_carried_out(rig: Rig) -> None:
    restrict(rig, allowing())
    rig.apply(spec())
    await rig.rest()
    assert rig.operations() == ["CreateCluster"]
    assert rig.condition("Ready")["status"] == "True"


@pytest.mark.parametrize("matter", ENOUGH)
async def test_a_value_that_is_not_admitted_costs_no_call(rig: Rig, matter: Matter) -> None:
    restrict(rig, allowing(**{matter: []}))
    rig.apply(spec())
    await rig.rest()
    assert rig.condition("Ready")["reason"] == "NotAllowed"
    assert rig.condition("Stalled")["status"] == "True"
    assert rig.simulator.log.calls() == []
    assert not rig.has_finalizer


async def test_a_region_that_the_spec_leaves_out_is_the_operators_own_and_is_held(rig: Rig) -> None:
    restrict(rig, allowing(regions=["eu-west-1"]))
    rig.apply(spec())
    await rig.rest()
    assert "the operator's own Region us-west-2" in rig.condition("Ready")["message"]


async def test_a_reserved_tag_is_refused_without_any_list(rig: Rig) -> None:
    rig.apply(spec(tags=[{"key": "HyperPod-Operator.dev/owner-uid", "value": "x"}]))
    await rig.rest()
    assert rig.condition("Ready")["reason"] == "NotAllowed"
    assert rig.simulator.log.calls() == []


async def test_a_cluster_whose_tenant_lost_its_role_is_left_as_it_is(rig: Rig) -> None:
    rig.apply(spec())
    await rig.rest()
    restrict(rig, Tenant.of(["other"]))
    since = rig.simulator.log.size()
    await rig.once()
    assert rig.condition("Ready")["reason"] == "NotAllowed"
    assert rig.simulator.log.calls(since=since) == []


async def test_it_can_still_be_deleted(rig: Rig) -> None:
    rig.apply(spec())
    await rig.rest()
    restrict(rig, Tenant.of(["other"]))
    rig.objects.delete(KEY)
    await rig.rest()
    assert not rig.objects.exists(KEY)
    assert [call.operation for call in rig.simulator.log.calls(mutating=True)][-1] == "DeleteCluster"


# What no spec names: the request is what counts.


def adopting() -> dict[str, object]:
    return spec(clusterName="found", management={"adoptionPolicy": "IfUnowned"})


def existing(rig: Rig) -> str:
    """A cluster that nobody owns, as the spec has it."""
    groups = [
        {
            "InstanceGroupName": name,
            "InstanceCount": count,
            "InstanceType": kind,
            "ExecutionRole": ROLE,
            "LifeCycleConfig": {"SourceS3Uri": "s3://sagemaker-x/lifecycle", "OnCreate": "on_create.sh"},
        }
        for name, count, kind in (("gpu", 4, "ml.p5.48xlarge"), ("cpu", 2, "ml.m5.4xlarge"))
    ]
    request = {
        "Orchestrator": {"Eks": {"ClusterArn": EKS}},
        "VpcConfig": {"SecurityGroupIds": ["sg-1", "sg-2"], "Subnets": ["subnet-1"]},
        "NodeProvisioningMode": "Continuous",
        "NodeRecovery": "Automatic",
        "InstanceGroups": groups,
    }
    return rig.simulator.world.create_foreign_cluster("found", request=request)


async def test_a_cluster_that_exists_is_adopted_only_if_the_entry_names_it(rig: Rig) -> None:
    arn = existing(rig)
    restrict(rig, allowing())
    rig.apply(adopting())
    await rig.until("NotAllowed")
    assert f"the cluster that exists {arn}" in rig.condition("Ready")["message"]
    assert rig.operations() == []
    restrict(rig, allowing(clusters=[arn]))
    await rig.rest()
    assert rig.operations()[0] == "AddTags"


async def test_a_group_that_somebody_else_added_does_not_hold_an_update_up(rig: Rig) -> None:
    """Its role is repeated as AWS has it: it asks for nothing."""
    restrict(rig, allowing())
    rig.apply(spec())
    await rig.rest()
    theirs = {
        "InstanceGroupName": "theirs",
        "InstanceCount": 1,
        "InstanceType": "ml.m5.4xlarge",
        "ExecutionRole": "arn:aws:iam::111122223333:role/another",
        "LifeCycleConfig": {"SourceS3Uri": "s3://sagemaker-another/", "OnCreate": "on_create.sh"},
    }
    rig.simulator.world.add_group_out_of_band("research", theirs)
    rig.simulator.clock.advance(3600)
    since = len(rig.operations())
    rig.apply(spec(instanceGroups=[group_spec(count=5), group_spec("cpu", 2, instanceType="ml.m5.4xlarge")]))
    await rig.rest()
    assert "UpdateCluster" in rig.operations()[since:]
    assert rig.condition("Ready")["reason"] != "NotAllowed"
