"""Checks before a volume is created, in the passes of a claim, with what the simulator's EC2, KMS and quotas say."""

from typing import Any

import pytest
from tests.unit.controllers.volume.conftest import MakeRig
from tests.unit.controllers.volume.rig import VolumeRig
from tests.unit.controllers.volume.scenes import adopting, new

from hyperpod_operator.api.names import RECONCILE_REQUESTED_AT
from hyperpod_operator.controllers.volume.preflight import ClaimGate
from hyperpod_operator.core.health.node import ZONE, ZONE_ID
from hyperpod_operator.core.outcome import Done

KEY_ARN = "arn:aws:kms:us-west-2:111122223333:key/0f0f0f0f-1111-2222-3333-444444444444"


def checked(rig: VolumeRig, **gate: Any) -> VolumeRig:
    rig.preflight = ClaimGate(facts=lambda region: rig.cloud.facts(region=region), **gate)
    rig.restart()
    return rig


def small(**members: Any) -> dict[str, Any]:
    return new(volume={"size": 10, "iops": 5001}, **members)


async def test_a_volume_that_ec2_would_refuse_is_not_asked_for(rig: VolumeRig) -> None:
    checked(rig).apply(small())
    await rig.rest()
    assert rig.operations() == []
    ready = rig.condition("Ready")
    assert (ready["reason"], rig.condition("Stalled")["reason"]) == ("PreflightFailed", "PreflightFailed")
    assert "CreateVolume is not sent: volume.iops is 5001: 10 GiB of gp3 take 5000 at most." in ready["message"]
    assert rig.status["preflight"]["failures"] == 1


async def test_what_the_accounts_volumes_hold_counts_against_the_quota(make_rig: MakeRig) -> None:
    name = "ebs/Storage for General Purpose SSD (gp3) volumes, in TiB"
    rig = checked(make_rig(service_quotas={name: 1.0}))
    rig.simulator.ebs.create_volume(size=900)
    rig.apply(new(volume={"size": 200}))
    await rig.step()
    await rig.step()
    (said,) = [one for one in rig.status["preflight"]["checks"] if one["name"] == "VolumeQuota"]
    assert (said["result"], "have 900 GiB, and they may have 1 TiB in all" in said["message"]) == ("Warn", True)


async def test_a_key_that_is_disabled_is_found_before_the_volume_fails(make_rig: MakeRig) -> None:
    rig = checked(make_rig(prerequisites={"key": {KEY_ARN.rpartition("/")[2]: {"state": "Disabled"}}}))
    rig.apply(new(source={"create": {"encrypted": True, "kmsKeyId": KEY_ARN}}))
    await rig.rest()
    assert rig.operations() == []
    assert "is Disabled" in rig.condition("Ready")["message"]


async def test_a_request_for_a_pass_asks_aws_anew_whatever_was_answered_before(make_rig: MakeRig) -> None:
    name = KEY_ARN.rpartition("/")[2]
    rig = checked(make_rig(prerequisites={"key": {name: {"state": "Disabled"}}}))
    claim = new(source={"create": {"encrypted": True, "kmsKeyId": KEY_ARN}})
    rig.apply(claim)
    await rig.rest()
    rig.simulator.prerequisites.change("key", name, state="Enabled")
    rig.apply(claim, annotations={RECONCILE_REQUESTED_AT: "now"})
    await rig.once()
    assert rig.operations() == ["CreateVolume"]


async def test_a_right_volume_is_created_and_read_about_once(rig: VolumeRig) -> None:
    checked(rig).apply(new())
    assert isinstance(await rig.rest(), Done)
    assert rig.status["preflight"]["failures"] == 0
    before = rig.status["preflight"]["checkedAt"]
    await rig.idle(7200)
    assert rig.status["preflight"]["checkedAt"] == before


@pytest.mark.parametrize("mode", ["Warn", "Off"])
async def test_a_claim_may_choose_to_go_on(rig: VolumeRig, mode: str) -> None:
    checked(rig).apply(small(management={"preflight": mode}))
    await rig.step()
    await rig.step()
    assert "CreateVolume" in rig.operations()
    assert ("preflight" in rig.status) is (mode == "Warn")


async def test_the_default_of_the_installation_counts(rig: VolumeRig) -> None:
    checked(rig, mode="Off").apply(new())
    assert isinstance(await rig.rest(), Done)
    assert "preflight" not in rig.status


async def test_an_edit_that_corrects_the_fault_goes_on_at_once(rig: VolumeRig) -> None:
    checked(rig).apply(small())
    await rig.rest()
    rig.apply(new())
    assert isinstance(await rig.rest(), Done)


async def test_a_volume_that_exists_is_not_checked(rig: VolumeRig) -> None:
    checked(rig)
    rig.apply(adopting("vol-0123456789abcdef0"))
    await rig.rest()
    assert "preflight" not in rig.status


def result(rig: VolumeRig, name: str) -> str:
    """What a check said; Pass of one that status does not name."""
    checks = rig.status["preflight"].get("checks", [])
    return next((check["result"] for check in checks if check["name"] == name), "Pass")


async def test_a_zone_without_a_node_of_the_target_is_found(rig: VolumeRig) -> None:
    checked(rig).apply(new(source={"create": {"availabilityZone": "us-west-2c"}}))
    await rig.rest()
    assert rig.operations() == []
    assert "has no node of the target" in rig.condition("Ready")["message"]


async def test_a_node_that_comes_in_the_volumes_zone_ends_the_wait_at_once(rig: VolumeRig) -> None:
    """The checks that fail run again after minutes, up to half an hour; which nodes there are each pass knows."""
    checked(rig).apply(new(source={"create": {"availabilityZone": "us-west-2c"}}))
    await rig.idle(4 * 3600)
    await rig.once()
    assert rig.reason() == "PreflightFailed"
    name = rig.nodes.all()[0].name
    rig.nodes.labels[name] = {ZONE: "us-west-2c", ZONE_ID: "usw2-az3"}
    rig.wait(1.0)
    await rig.once()
    assert rig.operations() == ["CreateVolume"]


async def test_free_slots_of_the_target_are_checked_without_a_further_call(rig: VolumeRig) -> None:
    checked(rig).apply(new())
    assert isinstance(await rig.rest(), Done)
    assert result(rig, "AttachmentSlots") == "Pass"
