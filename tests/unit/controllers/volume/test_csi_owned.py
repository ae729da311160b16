"""Mode CSI beside the CSI driver's own volumes: what belongs to somebody's PersistentVolumeClaim is not taken."""

import pytest
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import adopting, zone

from hyperpod_operator.api.names import OF_CLUSTER, TAG_CSI_CLUSTER, TAG_CSI_CLUSTER_NAME, TAG_CSI_CREATED_FOR
from hyperpod_operator.core.outcome import Blocked, Done, Gone

PUBLISHED = {"type": "CSI", "persistentVolumeClaim": {"name": "mine", "create": True}}


def csi(volume: str, **members: object) -> dict[str, object]:
    return adopting(volume, attachment={"mode": "CSI"}, publish=PUBLISHED, **members)


async def test_a_volume_of_somebodys_persistent_volume_claim_is_refused(rig: VolumeRig) -> None:
    volume = rig.simulator.ebs.create_volume(zone=zone(rig.nodes), tags={TAG_CSI_CREATED_FOR: "theirs"})
    rig.apply(csi(volume))
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "CSIOwned"
    assert TAG_CSI_CREATED_FOR in rig.condition("Conflict")["message"]
    assert rig.operations() == []
    assert rig.publications.writes == []


async def test_a_volume_with_a_persistent_volume_of_somebody_else_is_refused(rig: VolumeRig) -> None:
    volume = rig.simulator.ebs.create_volume(zone=zone(rig.nodes))
    rig.users.driver[volume] = ["PersistentVolume pvc-theirs", "VolumeAttachment csi-1"]
    rig.apply(csi(volume, management={"adoptionPolicy": "Force"}))
    assert isinstance(await rig.rest(), Blocked)
    assert "PersistentVolume pvc-theirs" in rig.condition("Conflict")["message"]


MARKS = {"tagged": f"{TAG_CSI_CLUSTER_NAME}={{}}", "provisioned": f"{OF_CLUSTER}{{}}=owned"}


@pytest.mark.parametrize("policy", ["IfUnowned", "Force"])
@pytest.mark.parametrize("mode", ["CSI", "None"])
@pytest.mark.parametrize("mark", MARKS)
async def test_a_volume_of_the_driver_of_another_eks_cluster_is_refused(
    rig: VolumeRig, mark: str, mode: str, policy: str
) -> None:
    """It is attached nowhere at the moment, because no pod uses it there."""

    def of(cluster: str) -> dict[str, str]:
        key, _, value = MARKS[mark].format(cluster).partition("=")
        return {key: value}

    volume = rig.simulator.ebs.create_volume(zone=zone(rig.nodes), tags=of("theirs"))
    rig.apply(adopting(volume, attachment={"mode": mode}, management={"adoptionPolicy": policy}))
    assert isinstance(await rig.rest(), Blocked)
    assert "of the EKS cluster theirs" in rig.condition("Conflict")["message"]
    assert (rig.reason(), rig.operations()) == ("CSIOwned", [])
    rig.simulator.ebs.set_tags(volume, of("other-research"))
    assert isinstance(await rig.rest_after(60.0), Done)


async def test_the_driver_at_work_on_our_own_persistent_volume_is_no_conflict(rig: VolumeRig) -> None:
    volume = rig.simulator.ebs.create_volume(zone=zone(rig.nodes))
    rig.apply(csi(volume))
    await rig.rest()
    rig.users.driver[volume] = ["VolumeAttachment csi-1"]
    assert isinstance(await rig.rest_after(600.0), Done)


@pytest.mark.parametrize("before", [{TAG_CSI_CLUSTER: "true"}, {}])
async def test_the_drivers_tag_stays_where_it_was_before(rig: VolumeRig, before: dict[str, str]) -> None:
    volume = rig.simulator.ebs.create_volume(zone=zone(rig.nodes), tags=before)
    rig.apply(csi(volume))
    assert isinstance(await rig.rest(), Done)
    assert rig.simulator.ebs.volumes()[volume]["Tags"][TAG_CSI_CLUSTER] == "true"
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert (TAG_CSI_CLUSTER in rig.simulator.ebs.volumes()[volume]["Tags"]) is bool(before)


async def deleting_policy(rig: VolumeRig) -> None:
    """The claim is Ready, and somebody sets the reclaim policy of its PersistentVolume to Delete."""
    volume = rig.simulator.ebs.create_volume(zone=zone(rig.nodes))
    rig.apply(csi(volume))
    assert isinstance(await rig.rest(), Done)
    (held,) = rig.publications.volumes.values()
    held.manifest["spec"]["persistentVolumeReclaimPolicy"] = "Delete"


async def test_a_reclaim_policy_by_which_the_driver_would_delete_the_volume_is_told(rig: VolumeRig) -> None:
    await deleting_policy(rig)
    await rig.rest_after(600.0)
    assert rig.reason() == "ReclaimPolicyEdited"
    assert "kubectl patch pv" in rig.condition("Conflict")["message"]


async def test_a_claim_that_retains_its_volume_deletes_nothing_by_which_the_driver_would_delete_it(
    rig: VolumeRig,
) -> None:
    await deleting_policy(rig)
    rig.claims.delete(KEY)
    await rig.idle(3600.0)
    assert rig.publications.writes == ["PersistentVolume+", "PersistentVolumeClaim+"]
    assert rig.reason() == "ReclaimPolicyEdited"
    (held,) = rig.publications.volumes.values()
    held.manifest["spec"]["persistentVolumeReclaimPolicy"] = "Retain"
    assert isinstance(await rig.rest(), Gone)
    assert rig.simulator.ebs.volumes()
