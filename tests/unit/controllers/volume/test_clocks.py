"""The operator's clock is not AWS's: it was a day ahead when it wrote a status, or is some minutes behind."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.unit.controllers.test_clock_set_back import ahead
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import published, replace

from hyperpod_operator.core.outcome import Done, Gone
from hyperpod_testbed.simulator import Fault

pytestmark = pytest.mark.slow
DELETED = {"reclaimPolicy": "Delete"}


def set_back(rig: VolumeRig) -> None:
    rig.claims.set_status(KEY, ahead(rig.claims.status(KEY)))
    rig.restart()


async def within(rig: VolumeRig, seconds: float) -> Any:
    began = rig.simulator.clock.now()
    end = await rig.rest()
    assert rig.simulator.clock.now() - began < seconds
    return end


@pytest.mark.parametrize("lost", ["CreateVolume", "AttachClusterNodeVolume"])
async def test_a_call_without_an_answer_is_made_again_before_that_day_comes(rig: VolumeRig, lost: str) -> None:
    rig.simulator.faults.add(Fault(lost, "drop", times=1))
    rig.apply(published(management=DELETED))
    await rig.until("UnknownOutcome")
    set_back(rig)
    assert isinstance(await within(rig, 3600), Done)
    rig.claims.delete(KEY)
    await rig.once()
    set_back(rig)
    assert isinstance(await within(rig, 3600), Gone)
    assert rig.operations().count("DetachClusterNodeVolume") == rig.operations().count("DeleteVolume") == 1


async def test_an_edit_and_the_loss_of_a_node_are_acted_on(rig: VolumeRig) -> None:
    rig.apply(published())
    await rig.rest()
    rig.apply(published(volume={"size": 200}))
    await rig.once()
    set_back(rig)
    assert isinstance(await within(rig, 3600), Done)
    assert rig.volume["Size"] == 200
    await rig.idle(7200)
    rig.apply(published(volume={"size": 300}))
    set_back(rig)
    replace(rig.holder)
    await rig.idle(3600)
    assert isinstance(await rig.rest(), Done)
    assert rig.volume["Size"] == 300


async def test_what_was_attached_while_the_clock_was_behind_is_the_claims_own(
    rig: VolumeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS takes requests that are signed up to five minutes before it gets them."""
    right = rig.clock.now

    def behind() -> datetime:
        return right() - timedelta(seconds=290)

    monkeypatch.setattr(rig.clock, "now", behind)
    rig.apply(published(management=DELETED))
    assert isinstance(await rig.rest(), Done)
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
