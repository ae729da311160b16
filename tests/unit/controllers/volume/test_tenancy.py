"""The confused deputy: a claim asks the operator for what is another namespace's, and nothing is called."""

from typing import Any

import pytest
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import CLUSTER, adopting, new

from hyperpod_operator.core.outcome import Blocked, Done, Gone
from hyperpod_operator.core.tenancy import Tenancy, Tenant

pytestmark = pytest.mark.slow

THEIRS = "arn:aws:sagemaker:us-west-2:111122223333:cluster/abcdefghijkl"
NOTHING = Tenant(namespaces=(KEY.namespace,), kms_keys=(), regions=(), clusters=(), volumes=())
"""It may use clusters by their object, and no value that was there before it."""


def restrict(rig: VolumeRig, *tenants: Tenant) -> None:
    rig.controller._tenancy = Tenancy(tenants=tenants)


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        (new(), f"spec.clusterRef.clusterName {CLUSTER}"),
        (new(clusterRef={"clusterArn": THEIRS}), f"spec.clusterRef.clusterArn {THEIRS}"),
        (adopting("vol-0123456789abcdef0"), "spec.source.volumeId vol-0123456789abcdef0"),
        (new(source={"create": {"snapshotId": "snap-0123456789abcdef0"}}), "spec.source.create.snapshotId"),
        (new(source={"create": {"encrypted": True, "kmsKeyId": "alias/theirs"}}), "spec.source.create.kmsKeyId"),
    ],
)
async def test_a_claim_that_names_what_is_not_its_tenants_costs_no_call(
    rig: VolumeRig, spec: dict[str, Any], named: str
) -> None:
    restrict(rig, NOTHING)
    rig.apply(spec)
    before = len(rig.simulator.log.calls())
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "NotAllowed"
    assert named in rig.condition("Ready")["message"]
    assert len(rig.simulator.log.calls()) == before


async def test_a_claim_that_names_what_is_its_tenants_is_served(rig: VolumeRig) -> None:
    restrict(rig, Tenant(namespaces=(KEY.namespace,), clusters=(CLUSTER,)))
    rig.apply(new())
    assert isinstance(await rig.rest(), Done)


async def test_a_claim_whose_tenant_lost_its_cluster_can_still_be_deleted(rig: VolumeRig) -> None:
    rig.apply(new(management={"reclaimPolicy": "Delete"}))
    await rig.rest()
    restrict(rig, NOTHING)
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert rig.operations()[-1] == "DeleteVolume"
