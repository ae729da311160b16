"""Calls that are lost, refused, throttled, not allowed, or that fail after they were taken: nothing is made twice."""

from typing import Any

import pytest
from tests.unit.controllers.volume.conftest import MakeRig
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import adopting, new, published, zone

from hyperpod_operator.api.names import RECONCILE_REQUESTED_AT
from hyperpod_operator.core.outcome import Blocked, Done, Failed, Gone
from hyperpod_operator.core.ports import ObjectGone
from hyperpod_testbed.simulator import Fault

pytestmark = pytest.mark.slow

CALLS = ["CreateVolume", "CreateTags", "AttachClusterNodeVolume"]
"""A new volume is tagged in the call that makes it, an adopted one by a call of its own."""
ENDINGS = ["DetachClusterNodeVolume", "CreateSnapshot", "DeleteVolume"]


def needing(operation: str, rig: VolumeRig) -> dict[str, Any]:
    """A claim on whose way to attached there is this call."""
    return adopting(rig.simulator.ebs.create_volume(zone=zone(rig.nodes))) if operation == "CreateTags" else new()


async def given_up(rig: VolumeRig) -> None:
    rig.simulator.ebs.fail_volumes(times=3)
    rig.apply(new())
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "VolumeFailed"


@pytest.mark.parametrize("lost", ["drop", "throttle"])
async def test_a_creation_that_a_person_asks_for_again_is_not_given_up_with_its_answer(
    rig: VolumeRig, lost: str
) -> None:
    await given_up(rig)
    rig.simulator.faults.add(Fault("CreateVolume", lost, times=1))  # type: ignore[arg-type]
    rig.apply(new(), annotations={RECONCILE_REQUESTED_AT: "now"})
    await rig.idle(600.0)
    assert isinstance(await rig.rest(), Done)


async def test_a_creation_that_a_person_asks_for_again_waits_for_a_node(rig: VolumeRig) -> None:
    await given_up(rig)
    everywhere = {node.name for node in rig.nodes.all()}
    rig.nodes.unready |= everywhere
    rig.apply(new(), annotations={RECONCILE_REQUESTED_AT: "now"})
    await rig.idle(600.0)
    assert rig.reason() == "NodeNotRunning"
    rig.nodes.unready -= everywhere
    assert isinstance(await rig.rest(), Done)


@pytest.mark.parametrize("lost", ["drop", "commit_then_drop"])
@pytest.mark.parametrize("operation", CALLS)
async def test_a_lost_answer_on_the_way_to_attached_makes_nothing_twice(
    rig: VolumeRig, operation: str, lost: str
) -> None:
    rig.simulator.faults.add(Fault(operation=operation, kind=lost, times=1))  # type: ignore[arg-type]
    rig.apply(needing(operation, rig))
    assert isinstance(await rig.rest(), Done)
    assert len(rig.simulator.ebs.volumes()) == 1
    assert len(rig.volume["Attachments"]) == 1
    accepted = [call.operation for call in rig.calls() if call.committed]
    first = "CreateTags" if operation == "CreateTags" else "CreateVolume"
    assert accepted == [first, "AttachClusterNodeVolume"]


@pytest.mark.parametrize("lost", ["drop", "commit_then_drop"])
@pytest.mark.parametrize("operation", ENDINGS)
async def test_a_lost_answer_on_the_way_out_ends_the_same(rig: VolumeRig, operation: str, lost: str) -> None:
    rig.apply(new(management={"reclaimPolicy": "Snapshot"}))
    await rig.rest()
    rig.simulator.faults.add(Fault(operation=operation, kind=lost, times=1))  # type: ignore[arg-type]
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert len(rig.simulator.ebs.snapshots()) == 1
    assert rig.simulator.ebs.volumes() == {}


@pytest.mark.parametrize("kind", ["throttle", "error"])
@pytest.mark.parametrize("operation", CALLS)
async def test_a_call_that_aws_could_not_take_is_tried_again(rig: VolumeRig, operation: str, kind: str) -> None:
    rig.simulator.faults.add(Fault(operation=operation, kind=kind, times=2))  # type: ignore[arg-type]
    rig.apply(needing(operation, rig))
    assert isinstance(await rig.rest(), Done)
    assert len(rig.simulator.ebs.volumes()) == 1


async def test_reads_that_fail_change_nothing_in_a_healthy_claim(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    before = rig.status
    rig.wait(600.0)
    rig.simulator.faults.add(Fault(operation="DescribeVolumes", kind="throttle", times=4))
    assert isinstance(await rig.once(), Failed)
    assert rig.status == before
    rig.simulator.faults.clear()
    assert isinstance(await rig.rest(), Done)


async def test_reads_that_keep_failing_are_told_and_what_was_known_stands(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    rig.wait(600.0)
    rig.simulator.faults.add(Fault(operation="DescribeVolumes", kind="throttle"))
    for _ in range(5):
        await rig.step()
    assert rig.condition("Ready")["status"] == "Unknown"
    assert rig.condition("Attached")["status"] == "True"
    assert rig.labelled == [f"hyperpod-{rig.holder}"]


async def test_a_volume_that_fails_while_it_is_made_is_cleared_away_and_made_again(make_rig: MakeRig) -> None:
    for left in ("error", "vanish"):
        rig = make_rig(failed_volume=left)
        rig.simulator.ebs.fail_volumes(2)
        rig.apply(new())
        assert isinstance(await rig.rest(), Done)
        tokens = [call.parameters["ClientToken"] for call in rig.calls("CreateVolume")]
        assert len(set(tokens)) == 3, "a token is burnt by a volume that failed"
        assert len(rig.simulator.ebs.volumes()) == 1


async def test_a_key_that_cannot_be_used_ends_after_three_volumes(rig: VolumeRig) -> None:
    key = "arn:aws:kms:us-west-2:111122223333:key/broken"
    rig.simulator.ebs.break_key(key)
    rig.apply(new(source={"create": {"encrypted": True, "kmsKeyId": key}}))
    assert isinstance(await rig.rest(), Blocked)
    await rig.idle(3600)
    assert rig.reason() == "VolumeFailed"
    assert rig.operations().count("CreateVolume") == 3
    assert rig.simulator.ebs.volumes() == {}
    rig.simulator.ebs.mend_key(key)
    rig.apply(rig.claims._bodies[KEY]["spec"], annotations={RECONCILE_REQUESTED_AT: "now"})
    assert isinstance(await rig.rest(), Done)


@pytest.mark.parametrize("operation", [*CALLS, "DescribeVolumes"])
async def test_a_missing_permission_is_named_and_asked_for_seldom(rig: VolumeRig, operation: str) -> None:
    rig.simulator.access.deny(operation)
    rig.apply(needing(operation, rig))
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "PermissionDenied"
    assert rig.condition("PermissionsOK")["status"] == "False"
    assert operation in rig.condition("PermissionsOK")["message"]
    before = len(rig.simulator.log.calls(operation))
    await rig.idle(1200)
    assert len(rig.simulator.log.calls(operation)) - before <= 5
    rig.simulator.access.clear()
    assert isinstance(await rig.rest_after(600.0), Done)
    assert rig.condition("PermissionsOK")["status"] == "True"


async def test_slots_that_may_not_be_read_do_not_keep_a_volume_from_its_node(rig: VolumeRig) -> None:
    rig.simulator.access.deny("DescribeInstanceTypes")
    rig.apply(new())
    assert isinstance(await rig.rest(), Done)


@pytest.mark.parametrize("port", ["labels", "leases"])
async def test_what_a_step_is_about_may_be_gone_and_the_claim_is_not(
    rig: VolumeRig, monkeypatch: pytest.MonkeyPatch, port: str
) -> None:
    """A Node, or a Lease that was to be taken over: it went between the look and the write."""
    target, name = (rig.labels, "label") if port == "labels" else (rig.leases, "take")
    whole = getattr(target, name)

    async def gone(**arguments: str) -> None:
        monkeypatch.setattr(target, name, whole)
        raise ObjectGone(name)

    monkeypatch.setattr(target, name, gone)
    rig.apply(published())
    assert isinstance(await rig.rest(), Done)
    assert rig.labelled == [f"hyperpod-{rig.holder}"]
