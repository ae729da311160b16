"""Where nobody documents how HyperPod and EBS behave together the simulator has both answers, and both end the same."""

from typing import Any

import pytest
from tests.unit.controllers.volume.conftest import MakeRig
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import published, replace

from hyperpod_operator.core.outcome import Done, Gone

pytestmark = pytest.mark.slow

ANSWERS: list[dict[str, Any]] = [
    {},
    {"attach_again": "IncorrectState"},
    {"attach_again": "accept"},
    {"ec2_errors": "plain"},
    {"delete_on_termination": True},
    {"multi_attach_nodes": True},
    {"attach_gate": "groups"},
    {"attach_gate": "deleting"},
    {"attach_gate_error": "ConflictException"},
    {"detach_while_attaching": "IncorrectState"},
    {"node_waits_for_detach": True},
    {"device_names": "sd"},
    {"device_names": "beyond_model"},
    {"device_names_cap": False},
    {"attachment_labels": False},
    {"failed_volume": "vanish"},
    {"never_modified": "empty"},
    {"modification_limit": "six_hours"},
    {"encryption_by_default": True},
    {"volume_lag": 20.0},
    {"attachment_lag": 20.0},
    {"new_volume_lag": 20.0},
    {"read_lag": {"DescribeSnapshots": 20.0, "DescribeVolumesModifications": 20.0}},
    {"scale_in": "count_first"},
    {"replace_keeps_logical_id": False},
    {"page_size": 2},
]


def named(answer: dict[str, Any]) -> str:
    return ",".join(f"{name}={value}" for name, value in answer.items()) or "defaults"


async def life(rig: VolumeRig) -> None:
    """Make, attach, publish, grow, delete with a snapshot."""
    rig.apply(published(management={"reclaimPolicy": "Snapshot"}))
    await rig.until("ClaimReady")  # a cluster that AWS does not show yet is waited for
    assert isinstance(await rig.rest(), Done)
    rig.apply(published(volume={"size": 200}, management={"reclaimPolicy": "Snapshot"}))
    await rig.idle(2 * 3600)
    assert rig.volume["Size"] == 200
    assert isinstance(await rig.rest(), Done)
    assert rig.labelled == [f"hyperpod-{rig.holder}"]
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert rig.simulator.ebs.volumes() == {}
    assert len(rig.simulator.ebs.snapshots()) == 1
    accepted = [call.operation for call in rig.calls() if call.code == "OK"]
    assert accepted.count("CreateVolume") == 1
    assert accepted.count("ModifyVolume") == 1
    assert accepted.count("AttachClusterNodeVolume") == 1


FOLLOWING = {
    "attach_gate",
    "attach_gate_error",
    "attachment_labels",
    "detach_while_attaching",
    "multi_attach_nodes",
    "node_waits_for_detach",
    "replace_keeps_logical_id",
    "scale_in",
}
"""Switches about nodes: `make test` turns them where a node ends and all others in a life on one node; `make test-long`
turns each in both."""


def case(answer: dict[str, Any], *, following: bool) -> Any:
    often = not answer or bool(set(answer) & FOLLOWING) == following
    return pytest.param(answer, id=named(answer), marks=() if often else (pytest.mark.long,))


@pytest.mark.parametrize("answer", [case(answer, following=False) for answer in ANSWERS])
async def test_the_life_of_a_volume_ends_the_same(make_rig: MakeRig, answer: dict[str, Any]) -> None:
    await life(make_rig(**answer))


@pytest.mark.parametrize(
    "answer", [case(answer, following=True) for answer in ANSWERS if "delete_on_termination" not in answer]
)
async def test_a_volume_follows_its_node_the_same(make_rig: MakeRig, answer: dict[str, Any]) -> None:
    rig = make_rig(**answer)
    rig.apply(published())
    assert isinstance(await rig.rest(), Done)
    volume, before = rig.status["volumeId"], rig.holder
    replace(before)
    await rig.idle(3 * 3600)
    assert isinstance(await rig.rest(), Done)
    assert rig.status["volumeId"] == volume
    assert rig.holder not in {"", before}
    assert rig.labelled == [f"hyperpod-{rig.holder}"]


async def test_without_a_node_that_names_its_instance_no_volume_is_created(make_rig: MakeRig) -> None:
    rig = make_rig(provider_id="instance")
    rig.apply(published())
    await rig.idle(3600)
    assert rig.reason() == "NodeNotRunning"
    assert (rig.calls("CreateVolume"), rig.labelled) == ([], [])


@pytest.mark.parametrize("answer", [{"node_end": "delete"}, {"delete_on_termination": True}], ids=named)
async def test_a_volume_that_went_with_its_node_is_told_and_not_made_anew(
    make_rig: MakeRig, answer: dict[str, Any]
) -> None:
    rig = make_rig(**answer)
    rig.apply(published())
    await rig.rest()
    replace(rig.holder)
    await rig.idle(3600)
    assert rig.reason() == "VolumeLost"
    assert len(rig.calls("CreateVolume")) == 1
    assert rig.labelled == []


async def test_an_attachment_that_outlives_its_node_is_detached_after_a_while(make_rig: MakeRig) -> None:
    rig = make_rig(node_end="keep")
    rig.apply(published())
    await rig.rest()
    before = rig.holder
    replace(before)
    await rig.idle(2 * 3600)
    assert isinstance(await rig.rest(), Done)
    assert rig.holder not in {"", before}
    assert len(rig.calls("DetachClusterNodeVolume")) == 1


async def test_a_claim_whose_node_ended_and_kept_the_attachment_can_be_deleted(make_rig: MakeRig) -> None:
    rig = make_rig(node_end="keep")
    rig.apply(published(management={"reclaimPolicy": "Delete"}))
    await rig.rest()
    replace(rig.holder)
    rig.wait(3600.0)
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert rig.simulator.ebs.volumes() == {}
