"""Claims that choose a node at the same time see each other's choices."""

from collections import Counter

import pytest
from tests.unit.controllers.volume.conftest import MakeRig
from tests.unit.controllers.volume.rig import VolumeRig
from tests.unit.controllers.volume.scenes import instances, new

from hyperpod_operator.core.outcome import Done
from hyperpod_operator.core.ports import Key

pytestmark = pytest.mark.slow

KEYS = [Key("team", f"data-{number}") for number in range(6)]


def spread(rig: VolumeRig) -> Counter[str]:
    return Counter(rig.status_of(key)["attachment"]["instanceId"] for key in KEYS)


async def test_claims_that_are_made_together_spread_over_the_nodes(rig: VolumeRig) -> None:
    for key in KEYS:
        rig.apply(new(), key=key)
    for _ in range(40):
        for key in KEYS:
            await rig.once(key)
        rig.wait(1.0)
    assert spread(rig) == dict.fromkeys(instances(), 2)


async def test_a_choice_counts_although_ec2_shows_its_attachment_late(make_rig: MakeRig) -> None:
    rig = make_rig(volume_lag=20.0)
    for key in KEYS:
        rig.apply(new(), key=key)
        for _ in range(30):
            await rig.step(key)
            if rig.status_of(key).get("attachment"):
                break
    for key in KEYS:
        assert isinstance(await rig.rest(key), Done)
    assert spread(rig) == dict.fromkeys(instances(), 2)


async def test_the_choice_of_a_claim_that_is_gone_counts_no_more(rig: VolumeRig) -> None:
    counts = rig.controller._counts
    await counts.refresh(region="", cloud=rig.volumes.volumes(region=""))
    counts.chosen(region="", key=KEYS[0], instance_id="i-1", volume_id="")
    assert counts.taken(region="", by_others_than=KEYS[1]) == {"i-1": 1}
    assert not (counts.taken(region="", by_others_than=KEYS[0]) or {}).get("i-1")
    counts.forget(KEYS[0])
    assert not (counts.taken(region="", by_others_than=KEYS[1]) or {}).get("i-1")
