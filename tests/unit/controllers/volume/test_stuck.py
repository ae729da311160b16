"""An attachment that AWS never completes, or never ends, when the volume is wanted there no more."""

from dataclasses import replace as replaced

import boto3
import pytest
from tests.unit.controllers.rig import pause
from tests.unit.controllers.volume.conftest import MakeRig
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import CLUSTER, instances, new, published, replace

from hyperpod_operator.core.outcome import Done, Gone

pytestmark = pytest.mark.slow
HOUR = 3600.0
KMS_KEY = "arn:aws:kms:us-west-2:111122223333:key/11111111-1111-1111-1111-111111111111"
SUSPENDED = {"target": {"instanceGroupName": "workers"}, "suspend": True}


def aimed(instance: str, **attachment: object) -> dict[str, object]:
    return published(attachment={"target": {"instanceId": instance}, **attachment})


def by_others(rig: VolumeRig) -> None:
    """Somebody has the volume detached where the claim wants it."""
    attachment = rig.status["attachment"]
    boto3.client("sagemaker", region_name="us-west-2").detach_cluster_node_volume(
        ClusterArn=attachment["clusterArn"], NodeId=attachment["instanceId"], VolumeId=rig.status["volumeId"]
    )
    rig.wait(180.0)


async def stuck_at(rig: VolumeRig, instance: str) -> None:
    rig.simulator.ebs.stick_attaching(times=2)
    rig.apply(aimed(instance))
    await rig.until("StuckAttaching")
    await rig.rest()


async def test_a_stuck_attach_gives_way_to_another_target(rig: VolumeRig) -> None:
    first, second, _ = instances()
    await stuck_at(rig, first)
    rig.apply(aimed(second))
    assert isinstance(await rig.rest(), Done)
    assert rig.holder == second
    assert rig.operations().count("DetachClusterNodeVolume") == 2


async def test_a_stuck_attach_ends_when_the_claim_is_suspended(rig: VolumeRig) -> None:
    first = instances()[0]
    await stuck_at(rig, first)
    rig.apply(aimed(first, suspend=True))
    await rig.until("Suspended")
    assert rig.holder == ""


async def test_a_stuck_attach_does_not_hold_a_deleted_claim(rig: VolumeRig) -> None:
    await stuck_at(rig, instances()[0])
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)


async def test_an_attach_that_comes_to_nothing_is_told(rig: VolumeRig) -> None:
    """AWS takes the call, and drops the attachment because the volume's key cannot be used: no answer says so."""
    rig.apply(published(source={"create": {"encrypted": True, "kmsKeyId": KMS_KEY}}, attachment=SUSPENDED))
    await rig.until("Suspended")
    rig.simulator.ebs.break_key(KMS_KEY)
    rig.apply(published(source={"create": {"encrypted": True, "kmsKeyId": KMS_KEY}}))
    await rig.idle(840.0)
    assert rig.reason() == "StuckAttaching"
    assert "KMS key" in rig.condition("Stalled")["message"]
    assert len(rig.calls("AttachClusterNodeVolume")) == 3
    rig.simulator.ebs.mend_key(KMS_KEY)
    await rig.idle(600.0)
    assert rig.reason() == "ClaimReady"
    assert "calls" not in rig.status["attachment"].get("memory", {})


async def test_an_attach_that_comes_to_nothing_holds_no_deleted_claim(rig: VolumeRig) -> None:
    rig.apply(published(source={"create": {"encrypted": True, "kmsKeyId": KMS_KEY}}, attachment=SUSPENDED))
    await rig.until("Suspended")
    rig.simulator.ebs.break_key(KMS_KEY)
    rig.apply(published(source={"create": {"encrypted": True, "kmsKeyId": KMS_KEY}}))
    await rig.until("StuckAttaching")
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)


@pytest.mark.parametrize(
    ("duration", "deleted", "reason", "remedy"),
    [
        ("volume_create", False, "CreatingVolume", "abandon=data"),
        ("volume_create", True, "CreatingVolume", "abandon=data"),
        ("volume_delete", True, "DeletingVolume", "abandon=data"),
        ("volume_detach", True, "Detaching", "reboot or replace the node"),
        ("volume_detach", False, "Detaching", "reboot or replace the node"),
    ],
)
async def test_what_aws_never_ends_is_told_with_what_to_do(
    rig: VolumeRig, duration: str, deleted: bool, reason: str, remedy: str
) -> None:
    with rig.simulator.core.change() as sim:
        sim.timings = replaced(sim.timings, **{duration: 100 * HOUR})
    rig.apply(new(management={"reclaimPolicy": "Delete"}))
    if duration != "volume_create":
        await rig.rest()
    else:
        await rig.idle(60.0)
    if deleted:
        rig.claims.delete(KEY)
    elif duration == "volume_detach":
        by_others(rig)
    await rig.idle(300.0)
    assert not rig.condition("Stalled")
    await rig.idle(HOUR)
    assert (rig.reason(), rig.condition("Stalled")["status"]) == (reason, "True")
    assert remedy in rig.condition("Ready")["message"]
    assert len(rig.operations()) <= 4


async def test_an_attach_that_status_does_not_know_and_that_is_stuck_is_told_and_left_alone(rig: VolumeRig) -> None:
    rig.simulator.ebs.stick_attaching()
    rig.apply(aimed(instances()[0]))
    while not rig.status.get("volumeId") or not rig.holder:
        await rig.step()
    rig.claims._bodies[KEY]["status"] = {}
    await rig.until("StuckAttaching")
    assert "not this claim's" in rig.condition("Ready")["message"]
    await rig.idle(3600)
    assert "DetachClusterNodeVolume" not in rig.operations()


async def test_pods_that_keep_a_volume_on_a_node_that_aws_ended_are_named(make_rig: MakeRig) -> None:
    rig = make_rig(node_end="keep")
    rig.apply(published())
    await rig.rest()
    first = rig.holder
    rig.publications.pods["team", "data"] = ["train"]
    replace(first)
    await rig.idle(3600)
    assert rig.condition("Stalled")["reason"] == "NodeLost"
    assert "team/train" in rig.condition("Ready")["message"]
    assert "DetachClusterNodeVolume" not in rig.operations()
    rig.publications.pods.clear()
    await rig.idle(600)
    assert rig.holder not in {"", first}


async def test_a_volume_that_aws_keeps_attached_to_a_deleted_cluster_is_told_and_looked_at_seldom(
    make_rig: MakeRig,
) -> None:
    rig = make_rig(node_end="keep")
    rig.apply(published())
    await rig.rest()
    boto3.client("sagemaker", region_name="us-west-2").delete_cluster(ClusterName=CLUSTER)
    await rig.idle(3600)
    assert rig.condition("Stalled")["reason"] == "NodeLost"
    assert "no such cluster" in rig.condition("Ready")["message"]
    assert pause(await rig.once()) >= 60.0
