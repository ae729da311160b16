"""What a deletion takes with it: the one volume that the operator made, or may delete by the owner's word."""

import pytest
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import adopting, new, zone

from hyperpod_operator.core.outcome import Done, Gone

pytestmark = pytest.mark.slow


async def test_an_adopted_volume_stays_adopted_for_the_next_claim_of_the_name(rig: VolumeRig) -> None:
    volume = rig.simulator.ebs.create_volume(zone=zone(rig.nodes))
    rig.apply(adopting(volume))
    assert isinstance(await rig.rest(), Done)
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    rig.apply(new(management={"adoptionPolicy": "IfUnowned", "reclaimPolicy": "Delete"}))
    assert isinstance(await rig.rest(), Done)
    assert rig.status["volumeId"] == volume
    rig.claims.delete(KEY)
    assert isinstance(await rig.rest(), Gone)
    assert volume in rig.simulator.ebs.volumes()
