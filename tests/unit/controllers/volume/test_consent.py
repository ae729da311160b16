"""What a deletion takes with it: the one volume that the operator made, or may delete by the owner's word."""

from typing import Any

import pytest
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import adopting, new, published, zone

from hyperpod_operator.core.outcome import Blocked, Done, Gone

pytestmark = pytest.mark.slow


async def test_an_adopted_volume_stays_adopted_for_the_next_claim_of_the_name(rig: VolumeRig) -> None:
    volume = rig.simulator.ebs.create_volume(zone=zone(rig.nodes))
    rig.apply(adopting(volume))
    assert isinstance(await rig.rest(), Done)
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    rig.apply(new(management={"adoptionPolicy": "IfUnowned", "reclaimPolicy": "Delete"}))
    assert isinstance(await rig.rest(), Done)
    assert rig.status["volumeId"] == volume
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert volume in rig.simulator.ebs.volumes()


async def test_of_two_volumes_with_the_tag_only_the_recorded_one_is_deleted(rig: VolumeRig) -> None:
    """A restore copies the tags of what it restores."""
    rig.apply(new(management={"reclaimPolicy": "Delete"}))
    assert isinstance(await rig.rest(), Done)
    copy = rig.simulator.ebs.create_volume(zone=zone(rig.nodes), tags=dict(rig.volume["Tags"]))
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert list(rig.simulator.ebs.volumes()) == [copy]
    assert rig.operations().count("DeleteVolume") == 1
    assert copy in rig.recorder.events[-1].message


async def test_a_copy_of_a_lost_volume_does_not_come_in_its_place(rig: VolumeRig) -> None:
    """The PersistentVolume names the lost one."""
    rig.apply(published())
    assert isinstance(await rig.rest(), Done)
    lost = rig.status["volumeId"]
    copy = rig.simulator.ebs.create_volume(zone=zone(rig.nodes), tags=dict(rig.volume["Tags"]))
    rig.simulator.ebs.detach_out_of_band(lost)
    rig.simulator.ebs.delete_volume(lost)
    assert isinstance(await rig.rest_after(700.0), Blocked)
    assert (rig.reason(), rig.status["volumeId"]) == ("VolumeLost", lost)
    assert copy in rig.condition("Ready")["message"]
    assert not rig.simulator.ebs.volumes()[copy]["Attachments"]


NONE = {"attachment": {"mode": "None"}}
SUSPENDED = {"attachment": {"target": {"instanceGroupName": "workers"}, "suspend": True}}


@pytest.mark.parametrize("members", [NONE, SUSPENDED])
async def test_a_volume_that_the_csi_driver_uses_is_not_deleted(rig: VolumeRig, members: dict[str, Any]) -> None:
    source = {"create": {"availabilityZone": zone(rig.nodes)}}
    rig.apply(new(source=source, management={"reclaimPolicy": "Delete"}, **members))
    await rig.idle(300.0)
    volume = rig.status["volumeId"]
    rig.users.driver[volume] = ["PersistentVolume pvc-1"]
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "CSIOwned"
    assert "PersistentVolume pvc-1" in rig.condition("Ready")["message"]
    rig.users.driver[volume] = []
    assert isinstance(await rig.rest_after(60.0), Gone)
    assert rig.simulator.ebs.volumes() == {}
