"""A node that is announced to be replaced: a snapshot, where the claim asks for one, and a volume that follows."""

import boto3
import pytest
from tests.unit.controllers.volume.conftest import MakeRig
from tests.unit.controllers.volume.rig import VolumeRig
from tests.unit.controllers.volume.scenes import published, replace

from hyperpod_operator.api.names import NODE_HEALTH_STATUS, TAG_INSTANCE, TAG_SNAPSHOT_PURPOSE
from hyperpod_operator.core.outcome import Blocked, Done
from hyperpod_testbed.simulator import Fault

WANTED = {"snapshotPolicy": {"beforeReplacement": True}}


def announce(rig: VolumeRig) -> str:
    """Somebody, HyperPod or a person, marks the claim's node for replacement; its instance."""
    holder = rig.holder
    rig.nodes.labels[f"hyperpod-{holder}"][NODE_HEALTH_STATUS] = "UnschedulablePendingReplacement"
    return holder


async def test_a_snapshot_is_made_once_when_the_replacement_of_the_node_is_announced(rig: VolumeRig) -> None:
    rig.apply(published(management=WANTED))
    await rig.rest()
    holder = announce(rig)
    assert isinstance(await rig.rest(), Done)
    await rig.idle(3600)
    (made,) = rig.simulator.ebs.snapshots().values()
    assert made["Tags"][TAG_SNAPSHOT_PURPOSE] == "BeforeReplacement"
    assert made["Tags"][TAG_INSTANCE] == holder
    (told,) = rig.status["snapshots"]
    assert (told["state"], told["instanceId"]) == ("completed", holder)
    assert rig.reasons().count("Snapshotting") == 1


@pytest.mark.parametrize("management", [None, {"snapshotPolicy": {"beforeDelete": True}}])
async def test_no_snapshot_is_made_that_was_not_asked_for(rig: VolumeRig, management: dict[str, object] | None) -> None:
    rig.apply(published(management=management))
    await rig.rest()
    announce(rig)
    await rig.idle(1200)
    assert rig.simulator.ebs.snapshots() == {}


async def test_a_node_that_is_only_to_be_rebooted_brings_no_snapshot(rig: VolumeRig) -> None:
    rig.apply(published(management=WANTED))
    await rig.rest()
    rig.nodes.labels[f"hyperpod-{rig.holder}"][NODE_HEALTH_STATUS] = "UnschedulablePendingReboot"
    await rig.idle(1200)
    assert rig.simulator.ebs.snapshots() == {}


async def test_the_next_node_has_a_snapshot_of_its_own(rig: VolumeRig) -> None:
    rig.apply(published(management=WANTED))
    await rig.rest()
    first = announce(rig)
    await rig.rest()
    replace(first)
    rig.wait(900.0)
    assert isinstance(await rig.rest(), Done)
    second = announce(rig)
    assert isinstance(await rig.rest(), Done)
    assert {one["instanceId"] for one in rig.status["snapshots"]} == {first, second}


@pytest.mark.parametrize("lost", ["drop", "commit_then_drop"])
async def test_a_lost_answer_makes_no_second_snapshot(rig: VolumeRig, lost: str) -> None:
    rig.apply(published(management=WANTED))
    await rig.rest()
    announce(rig)
    rig.simulator.faults.add(Fault(operation="CreateSnapshot", kind=lost, times=1))  # type: ignore[arg-type]
    await rig.once()
    await rig.idle(600)
    assert len(rig.simulator.ebs.snapshots()) == 1


async def test_a_snapshot_that_is_refused_does_not_keep_the_volume_from_following(rig: VolumeRig) -> None:
    rig.apply(published(management=WANTED))
    await rig.rest()
    rig.simulator.access.deny("CreateSnapshot")
    holder = announce(rig)
    await rig.once()
    assert rig.condition("PermissionsOK")["status"] == "False"
    replace(holder)
    rig.wait(900.0)
    assert isinstance(await rig.rest(), Done)
    assert rig.holder != holder


async def test_how_long_a_volume_took_to_follow_is_measured_once(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    replace(rig.holder)
    rig.wait(900.0)
    await rig.rest()
    assert len(rig.recorder.followed) == 1
    rig.apply(published(attachment={"target": {"instanceGroupName": "workers"}, "suspend": True}))
    await rig.idle(60)
    rig.apply(published())
    assert isinstance(await rig.rest(), Done)
    assert len(rig.recorder.attached) == 3
    assert len(rig.recorder.followed) == 1


async def test_a_snapshot_that_failed_is_told_and_made_again_when_it_is_deleted(rig: VolumeRig) -> None:
    rig.apply(published(management=WANTED))
    await rig.rest()
    announce(rig)
    rig.simulator.ebs.fail_snapshots()
    await rig.idle(1200.0)
    assert rig.reason() == "SnapshotFailed"
    assert isinstance(await rig.once(), Blocked)
    (failed,) = rig.simulator.ebs.snapshots()
    boto3.client("ec2", region_name="us-west-2").delete_snapshot(SnapshotId=failed)
    assert isinstance(await rig.rest_after(600.0), Done)
    assert [one["State"] for one in rig.simulator.ebs.snapshots().values()] in (["pending"], ["completed"])


async def test_a_read_that_does_not_show_the_snapshot_yet_makes_no_second_one(make_rig: MakeRig) -> None:
    rig = make_rig(volume_lag=20.0)
    rig.apply(published(management=WANTED))
    await rig.rest()
    announce(rig)
    while not rig.simulator.log.calls("CreateSnapshot"):
        await rig.step()
    rig.apply(published(management=WANTED, volume={"size": 100, "tags": [{"key": "team", "value": "a"}]}))
    await rig.idle(300.0)
    assert len(rig.simulator.ebs.snapshots()) == 1
