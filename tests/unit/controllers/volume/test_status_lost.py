"""A status that was lost (a restore, a rollback, a person): what it knew is found out anew, on the safe side."""

import boto3
import pytest
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import new, published, zone

from hyperpod_operator.api.names import TAG_CLAIM_UID
from hyperpod_operator.core.outcome import Blocked, Done, Gone

pytestmark = pytest.mark.slow


async def test_a_volume_that_was_lost_with_the_status_is_not_replaced_by_an_empty_one(rig: VolumeRig) -> None:
    rig.apply(new())
    await rig.rest()
    volume = rig.status["volumeId"]
    rig.claims.set_status(KEY, {})
    await rig.idle(60.0)
    assert rig.status["memory"]["creation"]["outcome"] == "Completed"
    rig.simulator.ebs.detach_out_of_band(volume)
    rig.simulator.ebs.delete_volume(volume)
    await rig.idle(1800.0)
    assert rig.reason() == "VolumeLost"
    assert rig.operations().count("CreateVolume") == 1


async def test_a_volume_in_error_is_kept_when_nobody_knows_whether_it_was_in_use(rig: VolumeRig) -> None:
    rig.apply(new())
    await rig.rest()
    volume = rig.status["volumeId"]
    rig.simulator.ebs.detach_out_of_band(volume)
    rig.simulator.ebs.lose_data(volume)
    rig.claims.set_status(KEY, {})
    await rig.idle(1800.0)
    assert rig.reason() == "VolumeFailed"
    assert "DeleteVolume" not in rig.operations()


async def test_a_claim_on_a_group_finds_its_node_again(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    holder = rig.holder
    rig.claims.set_status(KEY, {})
    assert isinstance(await rig.rest(), Done)
    assert rig.holder == holder
    assert rig.operations().count("AttachClusterNodeVolume") == 1


async def test_a_volume_that_others_delete_is_lost_and_not_failed_while_it_goes(rig: VolumeRig) -> None:
    rig.apply(new())
    await rig.rest()
    rig.simulator.ebs.detach_out_of_band(rig.status["volumeId"])
    boto3.client("ec2", region_name="us-west-2").delete_volume(VolumeId=rig.status["volumeId"])
    rig.wait(2.0)
    rig.apply(new(volume={"size": 101}))
    await rig.step()
    assert isinstance(await rig.once(), Blocked)
    assert rig.reason() == "VolumeLost"


@pytest.mark.parametrize("copied", [False, True])
async def test_a_published_volume_that_is_gone_with_the_status_is_lost_and_not_replaced(
    rig: VolumeRig, copied: bool
) -> None:
    """The PersistentVolume says which one it was."""
    rig.apply(published(management={"reclaimPolicy": "Delete"}))
    await rig.rest()
    volume, ebs = rig.status["volumeId"], rig.simulator.ebs
    copy = ebs.create_volume(zone=zone(rig.nodes), tags=dict(rig.volume["Tags"])) if copied else ""
    ebs.detach_out_of_band(volume)
    ebs.delete_volume(volume)
    rig.claims.set_status(KEY, {})
    rig.restart()
    await rig.idle(3000.0)
    assert (rig.reason(), rig.status["volumeId"]) == ("VolumeLost", volume)
    assert rig.operations().count("CreateVolume") == 1
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert list(ebs.volumes()) == ([copy] if copied else [])


@pytest.mark.parametrize("deleted", [False, True])
async def test_of_two_volumes_with_the_tag_of_a_claim_whose_status_was_lost_none_is_touched(
    rig: VolumeRig, deleted: bool
) -> None:
    """Which one is the copy, a person says by its tag."""
    rig.apply(new(management={"reclaimPolicy": "Delete"}))
    await rig.rest()
    volume, ebs = rig.status["volumeId"], rig.simulator.ebs
    copy = ebs.create_volume(zone=zone(rig.nodes), tags=dict(rig.volume["Tags"]))
    rig.claims.set_status(KEY, {})
    rig.restart()
    if deleted:
        ebs.detach_out_of_band(volume)
        rig.claims.delete(KEY)
    calls = rig.operations()
    await rig.idle(1800.0)
    assert rig.reason() == "VolumeAmbiguous"
    assert volume in rig.condition("Ready")["message"]
    assert copy in rig.condition("Ready")["message"]
    assert rig.operations() == calls
    ec2 = boto3.client("ec2", region_name="us-west-2")
    ec2.delete_tags(Resources=[copy], Tags=[{"Key": TAG_CLAIM_UID}])
    await rig.rest()
    assert list(ebs.volumes()) == ([copy] if deleted else [volume, copy])
    assert deleted or rig.status["volumeId"] == volume


async def test_a_deletion_goes_on_with_the_volume_that_the_persistent_volume_names(rig: VolumeRig) -> None:
    rig.apply(published(management={"reclaimPolicy": "Delete"}))
    await rig.rest()
    ebs = rig.simulator.ebs
    ebs.detach_out_of_band(rig.status["volumeId"])
    copy = ebs.create_volume(zone=zone(rig.nodes), tags=dict(rig.volume["Tags"]))
    rig.claims.set_status(KEY, {})
    rig.restart()
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert list(ebs.volumes()) == [copy]
