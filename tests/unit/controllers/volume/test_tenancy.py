"""The confused deputy: a claim asks the operator for what is another namespace's, and nothing is called."""

from collections.abc import Iterable
from typing import Any

import pytest
from tests.unit.controllers.rig import pause
from tests.unit.controllers.volume.rig import KEY, REGION, VolumeRig
from tests.unit.controllers.volume.scenes import CLUSTER, adopting, arn_of, new, zone
from tests.unit.core.builders import EKS, spec

from hyperpod_operator.api.names import TAG_CLAIM_UID, TAG_EKS_CLUSTER, TAG_OWNER
from hyperpod_operator.core.outcome import Blocked, Done, Gone
from hyperpod_operator.core.ports import Key
from hyperpod_operator.core.tenancy import Matter, Tenancy, Tenant

pytestmark = pytest.mark.slow

THEIRS = "arn:aws:sagemaker:us-west-2:111122223333:cluster/abcdefghijkl"
OBJECT = Key(KEY.namespace, "blue")


def restrict(rig: VolumeRig, *tenants: Tenant) -> None:
    rig.controller._tenancy = Tenancy(tenants=tenants)


def allowing(**lists: Iterable[str]) -> Tenant:
    """The operator's own Region, and these."""
    return Tenant.of(
        [KEY.namespace], {Matter.REGIONS: [REGION], **{Matter(name): texts for name, texts in lists.items()}}
    )


def by_object(rig: VolumeRig, *, arn: str, region: str | None = None, **members: Any) -> dict[str, Any]:
    """A claim that names its cluster by an object of its namespace, whose status says this ARN."""
    rig.clusters.apply(OBJECT, spec(**({"region": region} if region else {})))
    rig.clusters.set_status(OBJECT, {"clusterArn": arn})
    return new(clusterRef={"name": OBJECT.name}, **members)


@pytest.mark.parametrize(
    ("wanted", "named"),
    [
        (new(), f"spec.clusterRef.clusterName {CLUSTER}"),
        (new(clusterRef={"clusterArn": THEIRS}), f"spec.clusterRef.clusterArn {THEIRS}"),
        (adopting("vol-0123456789abcdef0"), "spec.source.volumeId vol-0123456789abcdef0"),
        (new(source={"create": {"snapshotId": "snap-0123456789abcdef0"}}), "spec.source.create.snapshotId"),
        (new(source={"create": {"encrypted": True, "kmsKeyId": "alias/theirs"}}), "spec.source.create.kmsKeyId"),
    ],
)
async def test_a_claim_that_names_what_is_not_its_tenants_costs_no_call(
    rig: VolumeRig, wanted: dict[str, Any], named: str
) -> None:
    restrict(rig, allowing())
    rig.apply(wanted)
    before = len(rig.simulator.log.calls())
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "NotAllowed"
    assert named in rig.condition("Ready")["message"]
    assert len(rig.simulator.log.calls()) == before


async def test_a_claim_that_names_what_is_its_tenants_is_served(rig: VolumeRig) -> None:
    restrict(rig, allowing(clusters=[CLUSTER]))
    rig.apply(new())
    assert isinstance(await rig.rest(), Done)


async def test_a_claim_whose_tenant_lost_its_cluster_can_still_be_deleted(rig: VolumeRig) -> None:
    rig.apply(new(management={"reclaimPolicy": "Delete"}))
    await rig.rest()
    restrict(rig, Tenant.of([KEY.namespace]))
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert rig.operations()[-1] == "DeleteVolume"


# The Region that a cluster's object lends.


async def test_a_cluster_object_does_not_lend_a_region_that_its_tenant_may_not_use(rig: VolumeRig) -> None:
    rig.controller._regions = frozenset({REGION, "eu-west-1"})
    restrict(rig, allowing())
    rig.apply(
        by_object(
            rig,
            arn="",
            region="eu-west-1",
            source={"create": {"availabilityZone": "eu-west-1a"}},
            attachment={"mode": "None"},
        )
    )
    before = len(rig.simulator.log.calls())
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "NotAllowed"
    assert "Region of the cluster, eu-west-1" in rig.condition("Ready")["message"]
    assert len(rig.simulator.log.calls()) == before


async def test_a_region_in_a_claims_own_status_is_held_too(rig: VolumeRig) -> None:
    rig.controller._regions = frozenset({REGION, "eu-west-1"})
    restrict(rig, allowing())
    rig.apply(new(clusterRef={"name": "gone"}, attachment={"mode": "None"}))
    rig.claims.set_status(KEY, {"region": "eu-west-1"})
    await rig.rest()
    assert rig.reason() == "NotAllowed"


# Names that status says.


async def test_a_cluster_in_the_status_of_an_object_has_to_be_the_namespaces_own(rig: VolumeRig) -> None:
    """Whoever may write that status would otherwise attach volumes to another tenant's nodes."""
    restrict(rig, allowing())
    rig.apply(by_object(rig, arn=arn_of(rig.simulator)))
    await rig.until("NotAllowed")
    assert f"the cluster {arn_of(rig.simulator)}" in rig.condition("Ready")["message"]
    assert "AttachClusterNodeVolume" not in rig.operations()


async def test_a_cluster_with_the_namespaces_own_tags_is_attached_to(rig: VolumeRig) -> None:
    rig.simulator.world.set_tags(CLUSTER, {TAG_OWNER: str(OBJECT), TAG_EKS_CLUSTER: EKS})
    restrict(rig, allowing())
    rig.apply(by_object(rig, arn=arn_of(rig.simulator)))
    assert isinstance(await rig.rest(), Done)
    assert "AttachClusterNodeVolume" in rig.operations()


@pytest.mark.parametrize(
    ("owner", "eks"),
    [(f"{KEY.namespace}-b/blue", EKS), (str(OBJECT), f"{EKS}-staging"), (str(OBJECT), "")],
    ids=["begins-with-ours", "on-another-eks-cluster", "on-none-that-is-named"],
)
async def test_a_namespace_of_a_like_name_is_another(rig: VolumeRig, owner: str, eks: str) -> None:
    rig.simulator.world.set_tags(CLUSTER, {TAG_OWNER: owner, **({TAG_EKS_CLUSTER: eks} if eks else {})})
    restrict(rig, allowing())
    rig.apply(by_object(rig, arn=arn_of(rig.simulator)))
    await rig.until("NotAllowed")
    assert "AttachClusterNodeVolume" not in rig.operations()


async def test_a_volume_in_status_that_is_not_the_claims_own_is_neither_tagged_nor_deleted(rig: VolumeRig) -> None:
    theirs = rig.simulator.ebs.create_volume(zone=zone(rig.nodes))
    restrict(rig, allowing(clusters=[CLUSTER]))
    rig.apply(new(attachment={"mode": "None"}, management={"reclaimPolicy": "Delete"}))
    rig.claims.set_status(KEY, {"volumeId": theirs})
    rig.claims.delete(KEY)
    before = len(rig.operations())
    for _ in range(5):
        rig.simulator.clock.advance(pause(await rig.once()))
    assert rig.operations()[before:] == []
    assert rig.simulator.ebs.volumes()[theirs]["State"] == "available"


async def test_an_adopted_volume_is_on_the_list_before_it_is_tagged(rig: VolumeRig) -> None:
    found = rig.simulator.ebs.create_volume(zone=zone(rig.nodes))
    restrict(rig, allowing(clusters=[CLUSTER], volumes=[found]))
    rig.apply(adopting(found, attachment={"mode": "None"}))
    await rig.rest()
    assert TAG_CLAIM_UID in rig.simulator.ebs.volumes()[found]["Tags"]
