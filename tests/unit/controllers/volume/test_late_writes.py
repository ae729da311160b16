"""A call that takes longer than the client waits: it has no answer, and AWS carries it out minutes later, or never."""

import pytest
from tests.unit.controllers.volume.conftest import MakeRig
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import instances, new
from tests.unit.controllers.volume.test_long_lag import Life

from hyperpod_testbed.simulator import Fault

pytestmark = pytest.mark.slow

LATE = [20.0, 45.0, 90.0, 150.0, 400.0]
WRITES = [
    "CreateVolume",
    "AttachClusterNodeVolume",
    "DetachClusterNodeVolume",
    "ModifyVolume",
    "CreateSnapshot",
    "DeleteVolume",
]
OFTEN = {
    ("CreateVolume", 400.0),
    ("AttachClusterNodeVolume", 150.0),
    ("DetachClusterNodeVolume", 400.0),
    ("ModifyVolume", 90.0),
    ("CreateSnapshot", 150.0),
    ("DeleteVolume", 400.0),
}
"""What `make test` tries; the rest is for the nightly matrix."""
SWEEP = [
    pytest.param(write, late, marks=() if (write, late) in OFTEN else pytest.mark.long)
    for write in WRITES
    for late in LATE
]


async def life(rig: VolumeRig) -> Life:
    """Create, attach, grow, move, delete with a snapshot."""
    lived = Life(rig)
    rig.apply(new(management={"reclaimPolicy": "Snapshot"}))
    await lived.until(lived.ready())
    bigger = {"volume": {"size": 200}, "management": {"reclaimPolicy": "Snapshot"}}
    rig.apply(new(**bigger))
    await lived.until(lived.ready(size=200))
    other = next(one for one in instances() if one != rig.holder)
    rig.apply(new(**bigger, attachment={"target": {"instanceId": other}}))
    await lived.until(lambda: rig.holder == other and lived.ready()())
    rig.claims.delete(KEY)
    await lived.until(lambda: not rig.claims.exists(KEY))
    rig.wait(1000.0)
    return lived


@pytest.mark.parametrize(("write", "late"), SWEEP)
async def test_a_life_ends_the_same_however_late_a_write_is_carried_out(
    make_rig: MakeRig, write: str, late: float
) -> None:
    rig = make_rig()
    rig.simulator.faults.add(Fault(write, "commit_late", seconds=late, times=1))
    lived = await life(rig)
    assert rig.calls(write)
    assert len(lived.volumes) == 1
    assert rig.simulator.ebs.volumes() == {}
    assert len(rig.simulator.ebs.snapshots()) == 1
