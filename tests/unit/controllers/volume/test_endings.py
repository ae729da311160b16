"""Deletion when something is in its way: pods, a failed snapshot, a cluster that went first, a person in a hurry."""

from typing import Any

import boto3
import pytest
from tests.unit.controllers.volume.rig import KEY, REGION, VolumeRig
from tests.unit.controllers.volume.scenes import CLUSTER, new, published

from hyperpod_operator.api.names import ABANDON, FORCE_DELETE, TAG_CLAIM_UID, TAG_RELEASED, TAG_SNAPSHOT_PURPOSE
from hyperpod_operator.core.outcome import Blocked, Gone
from hyperpod_operator.core.ports import Key
from hyperpod_testbed.simulator import Fault

pytestmark = pytest.mark.slow
HOUR = 3600.0


async def test_a_volume_that_somebody_deletes_is_not_made_anew(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    rig.simulator.ebs.delete_volume(rig.status["volumeId"])
    rig.wait(600.0)
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "VolumeLost"
    assert rig.operations().count("CreateVolume") == 1
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert not rig.leases.holders
    assert not any(rig.nodes.labels.values())


@pytest.mark.parametrize("taken", [None, TAG_SNAPSHOT_PURPOSE], ids=["all", "purpose"])
async def test_a_snapshot_that_others_took_the_tags_off_is_not_made_again(rig: VolumeRig, taken: str | None) -> None:
    """Nothing proves that the data is safe, and the next one would lose its tags, too."""
    rig.apply(published(management={"reclaimPolicy": "Snapshot"}))
    await rig.rest()
    rig.claims.delete(KEY)
    while not rig.simulator.ebs.snapshots():
        await rig.step()
    ((made, shown),) = rig.simulator.ebs.snapshots().items()
    tags = [{"Key": key} for key in shown["Tags"] if taken in {None, key}]
    ec2 = boto3.client("ec2", region_name="us-west-2")
    ec2.delete_tags(Resources=[made], Tags=tags)
    await rig.idle(HOUR)
    assert (rig.reason(), list(rig.simulator.ebs.snapshots())) == ("SnapshotFailed", [made])
    assert f"Set {TAG_CLAIM_UID}={rig.uid}" in rig.condition("Ready")["message"]
    ec2.create_tags(Resources=[made], Tags=[{"Key": key, "Value": value} for key, value in shown["Tags"].items()])
    assert isinstance(await rig.rest_after(HOUR), Gone)
    assert list(rig.simulator.ebs.snapshots()) == [made]


async def test_a_snapshot_that_fails_keeps_the_volume_for_ever(rig: VolumeRig) -> None:
    rig.apply(new(management={"reclaimPolicy": "Snapshot"}))
    await rig.rest()
    volume = rig.status["volumeId"]
    rig.simulator.ebs.fail_snapshots()
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Blocked)
    await rig.idle(24 * 3600)
    assert rig.reason() == "SnapshotFailed"
    assert volume in rig.simulator.ebs.volumes()
    assert rig.operations().count("CreateSnapshot") == 1


async def test_a_deletion_waits_for_pods_and_force_delete_does_not(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    rig.publications.pods["team", "data"] = ["train-0"]
    rig.claims.delete(KEY)
    await rig.idle(1800)
    assert rig.reason() == "InUse"
    assert FORCE_DELETE in rig.condition("Ready")["message"]
    assert rig.holder
    rig.apply(rig.claims._bodies[KEY]["spec"], annotations={FORCE_DELETE: "data"})
    volume = rig.status["volumeId"]
    assert isinstance(await rig.rest(), Gone)
    assert not rig.simulator.ebs.volumes()[volume]["Attachments"]
    (told,) = [event for event in rig.recorder.events if event.action == "ForceDelete"]
    assert (told.type, "team/train-0" in told.message) == ("Warning", True)


async def test_force_delete_needs_the_name_of_the_claim(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    rig.publications.pods["team", "data"] = ["train-0"]
    rig.claims.delete(KEY)
    rig.apply(rig.claims._bodies[KEY]["spec"], annotations={FORCE_DELETE: "true"})
    await rig.idle(600)
    assert rig.reason() == "InUse"


async def test_an_abandoned_claim_is_let_go_without_a_word_to_aws(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    volume, calls = rig.status["volumeId"], len(rig.simulator.log.calls())
    rig.claims.delete(KEY)
    rig.apply(rig.claims._bodies[KEY]["spec"], annotations={ABANDON: "data"})
    assert isinstance(await rig.once(), Gone)
    assert len(rig.simulator.log.calls()) == calls
    assert rig.recorder.events[-1].reason == "Abandoned"
    assert volume in rig.recorder.events[-1].message
    assert volume in rig.simulator.ebs.volumes()


async def test_a_cluster_that_goes_first_lets_the_claim_end(rig: VolumeRig) -> None:
    rig.apply(published(management={"reclaimPolicy": "Delete"}))
    await rig.rest()
    rig.simulator.world.delete_out_of_band(CLUSTER, at_once=True)
    rig.wait(60.0)
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert rig.simulator.ebs.volumes() == {}


async def test_a_claim_of_a_cluster_that_is_being_deleted_waits_and_ends(rig: VolumeRig) -> None:
    rig.apply(published(management={"reclaimPolicy": "Delete"}))
    await rig.rest()
    rig.simulator.world.delete_out_of_band(CLUSTER)
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert rig.simulator.ebs.volumes() == {}
    assert all(call.code == "OK" for call in rig.calls("DetachClusterNodeVolume"))


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
async def test_a_deletion_waits_for_an_attach_whose_answer_was_lost(rig: VolumeRig, policy: str) -> None:
    """Let go of too early it would be attached afterwards, and nobody's."""
    rig.apply(new(management={"reclaimPolicy": policy}))
    rig.simulator.faults.add(Fault("AttachClusterNodeVolume", "drop", times=1))
    while not rig.simulator.log.calls("AttachClusterNodeVolume"):
        await rig.step()
    volume, deleted_at = rig.volume, rig.clock.monotonic()
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert volume["Attachments"] == []
    assert rig.clock.monotonic() - deleted_at >= rig.timings.propagation_window - 5.0


async def test_an_attach_that_is_carried_out_minutes_later_is_undone_before_the_claim_ends(rig: VolumeRig) -> None:
    rig.apply(new())
    rig.simulator.faults.add(Fault("AttachClusterNodeVolume", "commit_late", seconds=400.0, times=1))
    while not rig.simulator.log.calls("AttachClusterNodeVolume"):
        await rig.step()
    volume = rig.status["volumeId"]
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    rig.wait(600.0)
    assert rig.simulator.ebs.volumes()[volume]["Attachments"] == []


NOT_THERE = [
    {"source": {"create": {"availabilityZone": "us-west-2z"}}},
    {"source": {"create": {"availabilityZoneId": "mrn1-az9"}}},
    {"source": {"create": {"snapshotId": "snap-00000000000000000"}}, "volume": None},
    {"volume": {"size": 65536, "volumeType": "gp2"}},
]


@pytest.mark.parametrize("members", NOT_THERE)
async def test_a_claim_whose_every_creation_was_refused_is_deleted_at_once(
    rig: VolumeRig, members: dict[str, Any]
) -> None:
    rig.apply(new(**members))
    await rig.rest()
    await rig.idle(1200.0)
    assert rig.reason() == "SpecRejected"
    assert len(rig.calls("CreateVolume")) > 1
    rig.claims.delete(KEY)
    assert isinstance(await rig.once(), Gone)


@pytest.mark.parametrize("kind", ["drop", "error"])
async def test_a_claim_whose_creation_was_not_answered_waits_for_its_volume(rig: VolumeRig, kind: str) -> None:
    """A fault of AWS's own says no more than silence."""
    rig.apply(new())
    rig.simulator.faults.add(Fault("CreateVolume", kind))  # type: ignore[arg-type]
    while not rig.simulator.log.calls("CreateVolume"):
        await rig.step()
    began = rig.clock.monotonic()
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert rig.clock.monotonic() - began >= rig.timings.unseen - 60.0


async def test_a_creation_that_is_repeated_and_carried_out_late_leaves_no_volume(rig: VolumeRig) -> None:
    """The claim is deleted longer after the first try than AWS may hide a volume, and right after the last one."""
    rig.apply(new(management={"reclaimPolicy": "Delete"}))
    rig.simulator.faults.add(Fault("CreateVolume", "drop"))
    await rig.idle(660.0)
    rig.simulator.faults.clear()
    rig.simulator.faults.add(Fault("CreateVolume", "commit_late", seconds=20.0, times=1))
    before = len(rig.calls("CreateVolume"))
    while len(rig.calls("CreateVolume")) == before:
        await rig.step()
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    rig.wait(60.0)
    assert rig.simulator.ebs.volumes() == {}


async def test_a_name_of_the_greatest_length_is_released_too(rig: VolumeRig) -> None:
    key = Key("n" * 63, "c" * 253)
    rig.apply(new(), key=key)
    await rig.rest(key)
    volume = rig.status_of(key)["volumeId"]
    rig.claims.delete(key)
    assert isinstance(await rig.rest(key), Gone)
    assert len(rig.simulator.ebs.volumes()[volume]["Tags"][TAG_RELEASED]) == 255


async def test_the_region_is_remembered_when_the_cluster_object_has_gone(rig: VolumeRig) -> None:
    cluster, other = Key("team", "hpc"), "eu-west-1"
    rig.controller._regions = frozenset({REGION, other})
    rig.clusters.apply(cluster, {"region": other})
    source = {"create": {"availabilityZone": f"{other}a"}}
    spec = new(clusterRef={"name": "hpc"}, source=source, attachment={"mode": "None"})
    rig.apply({**spec, "management": {"reclaimPolicy": "Delete"}})
    await rig.rest()
    assert rig.status["region"] == other
    del rig.clusters._bodies[cluster]
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    ec2 = boto3.client("ec2", region_name=other)
    assert [one["State"] for one in ec2.describe_volumes()["Volumes"]] in ([], ["deleting"])
