"""Deletion when something is in its way: pods, a failed snapshot, a cluster that went first, a person in a hurry."""

import pytest
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import CLUSTER, new, published

from hyperpod_operator.api.names import ABANDON, FORCE_DELETE
from hyperpod_operator.core.outcome import Blocked, Gone

pytestmark = pytest.mark.slow


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
    rig.apply(published(publish={"type": "LocalPV", "persistentVolumeClaim": {"name": "mine"}}))
    await rig.rest()
    rig.publications.pods["team", "mine"] = ["train-0"]
    rig.claims.delete(KEY)
    await rig.idle(1800)
    assert rig.reason() == "InUse"
    assert FORCE_DELETE in rig.condition("Ready")["message"]
    assert rig.holder
    rig.apply(rig.claims._bodies[KEY]["spec"], annotations={FORCE_DELETE: "data"})
    assert isinstance(await rig.rest(), Gone)


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
    assert rig.recorder.notes[-1].reason == "Abandoned"
    assert volume in rig.recorder.notes[-1].message
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
