"""The clock that wrote a status was a day ahead: what is waited for since then does not wait until that day comes."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_life import two

from hyperpod_operator.core.outcome import Done, Gone

DAY = 86_400.0
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def ahead(value: Any) -> Any:
    """The same with every moment a day later."""
    if isinstance(value, dict):
        return {name: ahead(below) for name, below in value.items()}
    if isinstance(value, list):
        return [ahead(below) for below in value]
    if isinstance(value, str) and MOMENT.fullmatch(value):
        moment = datetime.fromisoformat(value).timestamp() + DAY
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value


def set_back(rig: Rig) -> None:
    rig.objects.set_status(KEY, ahead(rig.objects.status(KEY)))
    rig.restart()


async def within(rig: Rig, seconds: float) -> Any:
    began = rig.simulator.clock.now()
    end = await rig.rest()
    assert rig.simulator.clock.now() - began < seconds
    return end


@pytest.mark.parametrize("passes", [1, 2, 5])
async def test_a_creation_goes_on(rig: Rig, passes: int) -> None:
    rig.apply(two())
    for _ in range(passes):
        await rig.step()
    set_back(rig)
    assert isinstance(await within(rig, 7200), Done)
    assert rig.operations() == ["CreateCluster"]


async def test_an_edit_is_sent_and_collects_no_further_ones_for_a_day(rig: Rig) -> None:
    rig.apply(two(4))
    await rig.rest()
    rig.apply(two(5))
    await rig.once()
    set_back(rig)
    rig.apply(two(6))
    assert isinstance(await within(rig, 7200), Done)
    assert rig.status["nodes"]["summary"] == "8/8"


async def test_a_deletion_ends(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    rig.objects.delete(KEY)
    await rig.once()
    set_back(rig)
    assert isinstance(await within(rig, 7200), Gone)
    assert rig.operations().count("DeleteCluster") == 1


async def test_a_cluster_that_vanished_is_looked_for_twice_and_no_longer(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    rig.simulator.world.delete_out_of_band("research", at_once=True)
    await rig.once()
    set_back(rig)
    began = rig.simulator.clock.now()
    await rig.until("DeletedOutside")
    assert rig.simulator.clock.now() - began < 1200


async def test_what_lies_ahead_is_stored_as_now_once(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    set_back(rig)
    await rig.once()
    stored, writes = rig.status["operations"][-1]["time"], len(rig.objects.writes)
    assert datetime.fromisoformat(stored).timestamp() <= rig.simulator.clock.now()
    await rig.idle(1800)
    assert (rig.status["operations"][-1]["time"], len(rig.objects.writes)) == (stored, writes)
