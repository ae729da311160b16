"""While the operator helps itself nobody has to act, and what it gives up is told."""

from collections.abc import Callable

import pytest
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import new


def one_volume_fails(rig: VolumeRig) -> None:
    rig.simulator.ebs.fail_volumes(times=2)


def one_attachment_is_stuck(rig: VolumeRig) -> None:
    rig.simulator.ebs.stick_attaching(times=1)


@pytest.mark.parametrize("trouble", [one_volume_fails, one_attachment_is_stuck])
async def test_a_retry_of_the_operators_own_is_not_stalled(
    rig: VolumeRig, trouble: Callable[[VolumeRig], None]
) -> None:
    trouble(rig)
    rig.apply(new())
    seen = []
    for _ in range(60):
        await rig.step(KEY)
        seen.append((rig.condition("Stalled").get("status"), rig.status.get("actor")))
        if rig.condition("Ready")["status"] == "True":
            break
    assert rig.condition("Ready")["status"] == "True"
    assert [one for one in seen if one[0] == "True" or one[1] == "You"] == []


async def test_what_it_gives_up_is_a_warning(rig: VolumeRig) -> None:
    rig.simulator.ebs.fail_volumes(times=9)
    rig.apply(new())
    await rig.idle(1200)
    assert rig.condition("Stalled")["reason"] == "VolumeFailed"
    warned = [one for one in rig.recorder.events if one.type == "Warning"]
    assert [str(one.reason) for one in warned] == ["VolumeFailed"]
    assert "3 volumes in a row failed" in warned[0].message
