"""What AWS refuses, again and again: the rest of the claim goes on, and no call is repeated without end."""

import dataclasses

import boto3
import pytest
from tests.unit.controllers.volume.conftest import MakeRig
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import (
    CLUSTER,
    add_cluster,
    adopting,
    group,
    instances,
    new,
    published,
    replace,
    zone,
)

from hyperpod_operator.core.outcome import Blocked, Done, Failed, Gone
from hyperpod_testbed.simulator import Fault

pytestmark = pytest.mark.slow
HOUR = 3600.0


def refused(operation: str, code: str, *, ec2: bool = False, **members: object) -> Fault:
    """AWS refuses this operation; `ec2`: as SageMaker passes EC2's word on."""
    if ec2:
        message = f"HyperPod - Ec2ErrCode: {code} : Ec2ErrMsg: no"
        return Fault(operation, "error", code="ValidationException", message=message, status=400, **members)  # type: ignore[arg-type]
    return Fault(operation, "error", code=code, message="no", status=403, **members)  # type: ignore[arg-type]


async def test_a_volume_that_may_not_be_modified_moves_all_the_same(rig: VolumeRig) -> None:
    first, second = instances()[:2]
    rig.apply(published(attachment={"target": {"instanceId": first}}))
    await rig.rest()
    rig.simulator.faults.add(refused("ModifyVolume", "UnauthorizedOperation"))
    rig.apply(published(attachment={"target": {"instanceId": second}}, volume={"size": 200}))
    await rig.idle(HOUR)
    assert rig.holder == second
    assert rig.labelled == [f"hyperpod-{second}"]
    assert rig.reason() == "PermissionDenied"


async def test_a_resumed_volume_that_may_not_be_modified_is_attached_again(rig: VolumeRig) -> None:
    first = instances()[0]
    rig.apply(published(attachment={"target": {"instanceId": first}}))
    await rig.rest()
    rig.simulator.faults.add(refused("ModifyVolume", "InvalidParameterValue"))
    rig.apply(published(attachment={"target": {"instanceId": first}, "suspend": True}, volume={"size": 200}))
    await rig.idle(1200.0)
    assert rig.holder == ""
    rig.apply(published(attachment={"target": {"instanceId": first}}, volume={"size": 200}))
    await rig.idle(HOUR)
    assert rig.holder == first


SUSPENDED = {"target": {"instanceGroupName": "workers"}, "suspend": True}


@pytest.mark.parametrize("fault", [Fault("ModifyVolume", "throttle"), refused("ModifyVolume", "IncorrectState")])
async def test_a_modification_that_aws_goes_on_refusing_for_the_moment_takes_no_turn_from_the_rest(
    rig: VolumeRig, fault: Fault
) -> None:
    rig.apply(published(attachment=SUSPENDED))
    await rig.until("Suspended")
    rig.simulator.faults.add(fault)
    rig.apply(published(attachment=SUSPENDED, volume={"size": 200}))
    await rig.idle(600.0)
    assert rig.calls("ModifyVolume")
    rig.apply(published(volume={"size": 200}))
    await rig.idle(600.0)
    assert rig.holder
    assert rig.labelled == [f"hyperpod-{rig.holder}"]


async def test_calls_that_are_all_refused_for_the_moment_take_turns(rig: VolumeRig) -> None:
    rig.apply(published(attachment=SUSPENDED))
    await rig.until("Suspended")
    for operation in ("CreateTags", "ModifyVolume", "AttachClusterNodeVolume"):
        rig.simulator.faults.add(Fault(operation, "throttle"))
    rig.apply(published(volume={"size": 200, "tags": [{"key": "team", "value": "nlp"}]}))
    await rig.idle(HOUR)
    often = [len(rig.calls(name)) for name in ("CreateTags", "ModifyVolume", "AttachClusterNodeVolume")]
    assert min(often) >= max(often) - 1 >= 3


@pytest.mark.parametrize("code", ["UnauthorizedOperation", "TagLimitExceeded"])
async def test_tags_that_aws_refuses_keep_no_volume_from_its_node(rig: VolumeRig, code: str) -> None:
    """It follows a replacement, and it leaves a node that is drained: whoever drains waits for that."""
    rig.apply(published())
    await rig.rest()
    rig.simulator.faults.add(refused("CreateTags", code))
    tagged = {"volume": {"size": 100, "tags": [{"key": "team", "value": "nlp"}]}}
    rig.apply(published(**tagged))
    await rig.idle(600.0)
    first = rig.holder
    replace(first)
    await rig.idle(HOUR)
    assert rig.holder not in {"", first}
    assert rig.labelled == [f"hyperpod-{rig.holder}"]
    assert "CreateTags failed" in rig.condition("Ready")["message"]
    rig.apply(published(attachment=SUSPENDED, **tagged))
    await rig.idle(60.0)
    assert rig.holder == ""


async def test_a_refused_modification_is_tried_again_every_five_minutes_and_no_more_often(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    rig.simulator.faults.add(refused("ModifyVolume", "UnauthorizedOperation"))
    rig.apply(published(volume={"size": 200}))
    await rig.idle(HOUR)
    assert 10 <= len(rig.simulator.log.calls("ModifyVolume")) <= 13


async def test_modifications_that_may_not_be_read_keep_no_volume_from_its_node_or_from_its_end(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    rig.simulator.faults.add(refused("DescribeVolumesModifications", "UnauthorizedOperation"))
    rig.apply(published(volume={"size": 200}))
    await rig.until("PermissionDenied")
    first = rig.holder
    replace(first)
    await rig.idle(HOUR)
    assert rig.holder not in {"", first}
    assert rig.labelled == [f"hyperpod-{rig.holder}"]
    assert "ec2:DescribeVolumesModifications" in rig.condition("ModificationComplete")["message"]
    assert not rig.calls("ModifyVolume")
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)


async def test_a_modification_under_way_that_may_not_be_read_any_more_is_not_missed(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    rig.apply(published(volume={"size": 200}))
    await rig.until("Modifying")
    while not rig.calls("ModifyVolume"):
        await rig.step()
    await rig.step()
    before = rig.status["modification"]
    rig.simulator.faults.add(refused("DescribeVolumesModifications", "UnauthorizedOperation"))
    await rig.idle(600.0)
    assert "missing" not in rig.status["memory"]
    assert rig.status["modification"] == before
    rig.simulator.faults.clear()
    await rig.idle(2 * HOUR)
    assert rig.condition("ModificationComplete")["status"] == "True"
    assert len(rig.calls("ModifyVolume")) == 1


@pytest.mark.parametrize("code", ["IncorrectInstanceState", "InvalidInstanceID.NotFound"])
async def test_a_node_that_does_not_get_the_volume_as_it_is_gives_way_to_the_next_of_its_group(
    rig: VolumeRig, code: str
) -> None:
    rig.simulator.faults.add(refused("AttachClusterNodeVolume", code, ec2=True, times=1))
    rig.apply(published())
    assert isinstance(await rig.rest(), Done)
    first, second = [call.parameters["NodeId"] for call in rig.calls("AttachClusterNodeVolume")]
    assert first != second
    assert rig.holder == second


async def test_a_group_whose_nodes_do_not_get_the_volume_is_tried_again_slowly_and_says_why(rig: VolumeRig) -> None:
    rig.simulator.faults.add(refused("AttachClusterNodeVolume", "IncorrectInstanceState", ec2=True))
    rig.apply(published())
    await rig.idle(HOUR)
    assert "IncorrectInstanceState" in rig.condition("Ready")["message"]
    assert len(rig.calls("AttachClusterNodeVolume")) <= 3 * 13
    rig.simulator.faults.clear()
    await rig.idle(600.0)
    assert rig.holder


async def test_a_named_node_that_takes_no_volume_now_is_asked_again_and_not_called_a_wrong_spec(rig: VolumeRig) -> None:
    rig.simulator.faults.add(refused("AttachClusterNodeVolume", "IncorrectInstanceState", ec2=True, times=2))
    rig.apply(published(attachment={"target": {"instanceId": instances()[0]}}))
    await rig.until("NodeNotRunning")
    assert isinstance(await rig.rest(), Done)


def snapshot(rig: VolumeRig) -> str:
    ec2 = boto3.client("ec2", region_name="us-west-2")
    volume = rig.simulator.ebs.create_volume(zone=zone(rig.nodes), size=50)
    return str(ec2.create_snapshot(VolumeId=volume)["SnapshotId"])


async def test_a_snapshot_that_is_not_complete_yet_is_waited_for(rig: VolumeRig) -> None:
    rig.apply(published(source={"create": {"snapshotId": snapshot(rig)}}))
    await rig.step()
    assert rig.reason() == "CreatingVolume"
    assert isinstance(await rig.rest(), Done)
    assert "It came with snap-" in rig.condition("FilesystemResizePending")["message"]


async def test_a_snapshot_that_failed_is_told_as_a_wrong_source(rig: VolumeRig) -> None:
    rig.simulator.ebs.fail_snapshots()
    name = snapshot(rig)
    rig.wait(HOUR)
    rig.apply(published(source={"create": {"snapshotId": name}}))
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "SpecRejected"
    await rig.idle(HOUR)
    assert len(rig.calls("CreateVolume")) <= 14


async def test_a_group_of_full_nodes_is_not_searched_without_end(make_rig: MakeRig) -> None:
    rig = make_rig()
    add_cluster(rig.simulator, "big", group(count=14))
    rig.simulator.faults.add(refused("AttachClusterNodeVolume", "AttachmentLimitExceeded", ec2=True))
    rig.apply(new(clusterRef={"clusterName": "big"}))
    await rig.idle(600.0)
    assert rig.reason() == "NoCapacity"
    assert rig.operations().count("AttachClusterNodeVolume") <= 30
    assert "previousAttachments" not in rig.status


async def test_a_state_that_does_not_pass_is_asked_about_less_and_less_often(rig: VolumeRig) -> None:
    rig.simulator.faults.add(refused("AttachClusterNodeVolume", "IncorrectState", ec2=True))
    rig.apply(new())
    outcome = await rig.until("Settling")
    assert isinstance(outcome, Failed)
    assert "with backoff" in rig.condition("Ready")["message"]


@pytest.mark.parametrize(
    "words", ["Volumes cannot be attached while the node uses EFA.", "Deep health checks are not supported here."]
)
async def test_words_that_may_be_about_a_rule_are_no_state_of_the_cluster(rig: VolumeRig, words: str) -> None:
    fault = Fault("AttachClusterNodeVolume", "error", code="ValidationException", message=words, status=400)
    rig.simulator.faults.add(fault)
    rig.apply(published(attachment={"target": {"instanceId": instances()[0]}}))
    await rig.idle(HOUR)
    assert rig.reason() == "SpecRejected"
    assert words.rstrip(".") in rig.condition("Ready")["message"]
    assert len(rig.calls("AttachClusterNodeVolume")) <= 13
    rig.simulator.faults.clear()
    await rig.idle(400.0)
    assert rig.holder == instances()[0]


def shut(operation: str, **members: object) -> Fault:
    """AWS refuses the call because of the cluster's state, whatever DescribeCluster says."""
    said = f"Cluster {CLUSTER} must be InService to attach or detach volumes."
    return Fault(operation, "error", code="ValidationException", message=said, status=400, **members)  # type: ignore[arg-type]


async def test_an_attach_that_is_refused_for_ever_is_asked_for_ever_more_seldom_and_told_as_it_is(
    rig: VolumeRig,
) -> None:
    rig.simulator.faults.add(shut("AttachClusterNodeVolume"))
    rig.apply(published())
    await rig.until("ClusterNotInService")
    await rig.until("AttachmentRefused")
    await rig.idle(HOUR)
    assert len(rig.calls("AttachClusterNodeVolume")) <= 18
    assert rig.condition("Stalled")["reason"] == "AttachmentRefused"
    rig.simulator.faults.clear()
    await rig.idle(300.0)
    assert isinstance(await rig.rest(), Done)


async def test_what_wakes_a_claim_sends_no_refused_attach_before_its_time(rig: VolumeRig) -> None:
    rig.simulator.faults.add(shut("AttachClusterNodeVolume"))
    rig.apply(published())
    await rig.until("AttachmentRefused")
    await rig.once()
    before = len(rig.calls("AttachClusterNodeVolume"))
    for _ in range(20):
        rig.wait(10.0)
        await rig.once()
    assert len(rig.calls("AttachClusterNodeVolume")) == before


async def test_a_detach_that_is_refused_for_ever_is_asked_for_ever_more_seldom(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    rig.simulator.faults.add(shut("DetachClusterNodeVolume"))
    rig.apply(published(attachment={"target": {"instanceGroupName": "workers"}, "suspend": True}))
    await rig.idle(HOUR)
    assert len(rig.calls("DetachClusterNodeVolume")) <= 18
    assert rig.reason() == "AttachmentRefused"


async def test_a_refused_attach_is_sent_as_soon_as_a_change_of_the_cluster_is_over(rig: VolumeRig) -> None:
    rig.simulator.world.create_foreign_cluster("plain", request={"InstanceGroups": [group()]})
    fault = rig.simulator.faults.add(shut("AttachClusterNodeVolume"))
    rig.apply(new(clusterRef={"clusterName": "plain"}))
    await rig.until("AttachmentRefused")
    rig.simulator.world.scale_out_of_band("plain", "workers", 4)
    await rig.until("ClusterNotInService")
    rig.simulator.faults.remove(fault)
    sagemaker = boto3.client("sagemaker", region_name="us-west-2")
    while sagemaker.describe_cluster(ClusterName="plain")["ClusterStatus"] != "InService":
        rig.wait(10.0)
    await rig.idle(2.0)
    assert rig.holder


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("AttachClusterNodeVolume", "VolumeInUse"),
        ("AttachClusterNodeVolume", "InvalidVolume.NotFound"),
        ("CreateSnapshot", "IncorrectState"),
        ("DeleteVolume", "VolumeInUse"),
    ],
)
async def test_a_refusal_that_what_ec2_shows_does_not_explain_is_told_after_a_while(
    rig: VolumeRig, operation: str, code: str
) -> None:
    ec2 = operation == "AttachClusterNodeVolume"
    if ec2:
        rig.simulator.faults.add(refused(operation, code, ec2=True))
    rig.apply(new(management={"reclaimPolicy": "Snapshot"}))
    if not ec2:
        await rig.rest()
        rig.simulator.faults.add(refused(operation, code))
        rig.claims.delete(KEY)
    await rig.until("Settling")
    assert not rig.condition("Stalled")
    await rig.idle(HOUR)
    assert (rig.reason(), rig.condition("Stalled")["status"]) == ("Settling", "True")
    assert "aws ec2 describe-volumes" in rig.condition("Ready")["message"]
    assert len(rig.calls(operation)) < 25
    rig.simulator.faults.clear()
    await rig.idle(600.0)
    assert rig.reason() == "ClaimReady" if ec2 else not rig.claims.exists(KEY)


@pytest.mark.parametrize(
    ("operation", "code", "reason", "remedy"),
    [
        ("CreateVolume", "MaxStorageExceeded", "QuotaExceeded", "less in spec.volume"),
        ("CreateVolume", "InsufficientVolumeCapacity", "CreatingVolume", "another volumeType or zone"),
        ("CreateTags", "TagLimitExceeded", "SpecRejected", "50 tags at most"),
        ("AttachClusterNodeVolume", "UnsupportedOperation", "SpecRejected", "a state which passes"),
    ],
)
async def test_a_refusal_names_what_can_be_done_about_a_volume(
    rig: VolumeRig, operation: str, code: str, reason: str, remedy: str
) -> None:
    fault = refused(operation, code, ec2=operation == "AttachClusterNodeVolume")
    rig.simulator.faults.add(dataclasses.replace(fault, status=400))
    volume = rig.simulator.ebs.create_volume(zone=zone(rig.nodes))
    rig.apply(adopting(volume) if operation == "CreateTags" else new())
    await rig.until(reason)
    await rig.until(reason)  # of a creation, this is the reason before the call, too
    assert remedy in rig.condition("Ready")["message"]
