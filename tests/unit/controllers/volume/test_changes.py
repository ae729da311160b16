"""Size, type, IOPS, throughput and tags: few calls, because AWS allows four modifications of a volume a day."""

import pytest
from tests.unit.controllers.volume.conftest import MakeRig
from tests.unit.controllers.volume.rig import VolumeRig
from tests.unit.controllers.volume.scenes import new, published

from hyperpod_operator.api.names import RECONCILE_REQUESTED_AT
from hyperpod_operator.core.outcome import Blocked, Done
from hyperpod_testbed.simulator import Fault

pytestmark = pytest.mark.slow

HOUR = 3600.0


async def grow(rig: VolumeRig, size: int) -> None:
    rig.apply(new(volume={"size": size}))
    await rig.rest()
    await rig.idle(2 * HOUR)


async def test_edits_that_come_together_are_one_modification(rig: VolumeRig) -> None:
    rig.apply(new())
    await rig.rest()
    for members in ({"size": 200}, {"size": 300}, {"size": 300, "iops": 6000}):
        rig.apply(new(volume=members))
        await rig.once()
        rig.wait(4.0)
    await rig.rest()
    (call,) = rig.calls("ModifyVolume")
    assert (call.parameters["Size"], call.parameters["Iops"]) == (300, 6000)


async def test_a_volume_grows_where_it_is(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    holder = rig.holder
    rig.apply(published(volume={"size": 200}))
    await rig.rest()
    assert rig.holder == holder
    await rig.idle(2 * HOUR)
    assert rig.condition("ModificationComplete")["status"] == "True"
    assert rig.condition("FilesystemResizePending")["status"] == "True"
    assert rig.volume["Size"] == 200


async def test_a_smaller_size_is_told_and_never_sent(rig: VolumeRig) -> None:
    rig.apply(new())
    await rig.rest()
    rig.apply(new(volume={"size": 50}))
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "SizeBelowActual"
    assert rig.calls("ModifyVolume") == []


async def test_the_fifth_modification_of_a_day_waits_and_says_until_when(rig: VolumeRig) -> None:
    rig.apply(new())
    await rig.rest()
    for size in (200, 300, 400, 500):
        await grow(rig, size)
    rig.apply(new(volume={"size": 600}))
    await rig.until("RateLimited")
    assert len(rig.calls("ModifyVolume")) == 4
    assert rig.status["modification"]["nextAllowedTime"] in rig.condition("ModificationComplete")["message"]
    await rig.idle(24 * HOUR)
    assert rig.volume["Size"] == 600
    assert [call.code for call in rig.calls("ModifyVolume")] == ["OK"] * 5


async def test_a_rate_limit_by_ec2s_word_is_asked_again_seldom(make_rig: MakeRig) -> None:
    """Some Regions may still want six hours between two modifications."""
    rig = make_rig(modification_limit="six_hours")
    rig.apply(new())
    await rig.rest()
    await grow(rig, 200)
    rig.apply(new(volume={"size": 300}))
    await rig.until("RateLimited")
    await rig.idle(6 * HOUR)
    await rig.idle(2 * HOUR)
    assert rig.volume["Size"] == 300
    assert len(rig.calls("ModifyVolume")) <= 2 + 12


async def test_another_modification_waits_until_the_last_is_completed(rig: VolumeRig) -> None:
    rig.apply(new())
    await rig.rest()
    rig.apply(new(volume={"size": 200}))
    await rig.rest()
    rig.apply(new(volume={"size": 300}))
    await rig.idle(600.0)
    assert len(rig.calls("ModifyVolume")) == 1
    await rig.idle(2 * HOUR)
    assert rig.volume["Size"] == 300


@pytest.mark.parametrize("lost", ["drop", "commit_then_drop"])
async def test_a_lost_answer_costs_no_second_modification(rig: VolumeRig, lost: str) -> None:
    rig.apply(new())
    await rig.rest()
    rig.simulator.faults.add(Fault(operation="ModifyVolume", kind=lost, times=1))  # type: ignore[arg-type]
    await grow(rig, 200)
    assert rig.volume["Size"] == 200
    assert len([call for call in rig.calls("ModifyVolume") if call.committed]) == 1


async def test_a_modification_that_failed_is_not_sent_again(rig: VolumeRig) -> None:
    rig.apply(new())
    await rig.rest()
    rig.simulator.ebs.fail_modifications()
    rig.apply(new(volume={"size": 200}))
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "ModificationFailed"
    await rig.idle(2 * HOUR)
    assert len(rig.calls("ModifyVolume")) == 1


async def failed(rig: VolumeRig, **members: int) -> None:
    rig.apply(new())
    await rig.rest()
    rig.simulator.ebs.fail_modifications()
    rig.apply(new(volume=members))
    assert isinstance(await rig.rest(), Blocked)
    assert rig.reason() == "ModificationFailed"


async def test_a_failed_modification_is_sent_again_as_soon_as_a_person_asks(rig: VolumeRig) -> None:
    await failed(rig, size=200)
    rig.apply(new(volume={"size": 200}), annotations={RECONCILE_REQUESTED_AT: "now"})
    await rig.rest()
    assert rig.volume["Size"] == 200
    assert len(rig.calls("ModifyVolume")) == 2


@pytest.mark.parametrize("wanted", [{"size": 200}, {"size": 200, "iops": 5000}, {"size": 300, "iops": 6000}])
async def test_an_edit_after_a_modification_that_failed_is_sent_soon(rig: VolumeRig, wanted: dict[str, int]) -> None:
    """Also one that asks for less, and so names nothing that did not fail."""
    await failed(rig, size=200, iops=6000)
    rig.apply(new(volume=wanted))
    await rig.idle(60.0)
    assert rig.volume["Size"] == wanted["size"]
    assert len(rig.calls("ModifyVolume")) == 2


async def test_what_may_still_be_carried_out_delays_another_edit_and_says_so(rig: VolumeRig) -> None:
    rig.apply(new())
    await rig.rest()
    rig.simulator.faults.add(Fault("ModifyVolume", "commit_late", seconds=300, times=1))
    rig.apply(new(volume={"size": 200}))
    await rig.idle(60.0)
    rig.apply(new(volume={"size": 200, "iops": 6000}))
    await rig.idle(120.0)
    assert "may not show it yet" in rig.condition("Ready")["message"]
    assert len(rig.calls("ModifyVolume")) == 1
    await rig.idle(4 * HOUR)
    assert (rig.volume["Size"], rig.volume["Iops"]) == (200, 6000)


@pytest.mark.parametrize("seconds", [60, 300])
async def test_a_modification_that_is_carried_out_late_counts_once(rig: VolumeRig, seconds: int) -> None:
    rig.apply(new())
    await rig.rest()
    rig.simulator.faults.add(Fault("ModifyVolume", "commit_late", seconds=seconds, times=1))
    await grow(rig, 200)
    assert rig.volume["Size"] == 200
    assert rig.status["modification"]["used24h"] == 1


async def test_an_edit_does_not_keep_a_volume_from_being_attached(rig: VolumeRig) -> None:
    rig.apply(new(attachment={"target": {"instanceGroupName": "workers"}, "suspend": True}))
    await rig.until("Suspended")
    rig.apply(new(volume={"size": 200}))
    await rig.until("Attaching")
    assert rig.holder


async def test_tags_of_the_spec_come_and_go_and_those_of_others_stay(rig: VolumeRig) -> None:
    rig.apply(new(volume={"size": 100, "tags": [{"key": "team", "value": "nlp"}]}))
    await rig.rest()
    rig.simulator.ebs.set_tags(rig.status["volumeId"], {**rig.volume["Tags"], "theirs": "yes"})
    rig.apply(new(volume={"size": 100}))
    assert isinstance(await rig.rest(), Done)
    tags = rig.volume["Tags"]
    assert tags["theirs"] == "yes"
    assert "team" not in tags
