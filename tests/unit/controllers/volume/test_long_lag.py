"""EC2 and SageMaker show what was done late, and nobody promises how late: the end of each life is the same."""

import dataclasses
from typing import Any

import pytest
from tests.unit.controllers.rig import pause
from tests.unit.controllers.volume.conftest import MakeRig
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import instances, new, replace

from hyperpod_operator.aws.ec2.volumes import Volumes
from hyperpod_operator.core.outcome import Gone
from hyperpod_operator.core.volume.ports import Attachment
from hyperpod_testbed.simulator import Fault

pytestmark = pytest.mark.slow

LAGS = [0.0, 20.0, 45.0, 90.0, 150.0, 400.0]
READS = ["DescribeVolumes", "DescribeSnapshots", "DescribeVolumesModifications", "DescribeCluster", "ListClusterNodes"]
ALL = "all"
OFTEN = {
    ("DescribeVolumes", 400.0),
    ("DescribeSnapshots", 90.0),
    ("DescribeVolumesModifications", 150.0),
    ("DescribeCluster", 45.0),
    ("ListClusterNodes", 20.0),
    (ALL, 0.0),
    (ALL, 90.0),
    (ALL, 400.0),
}
"""What `make test` tries: each read and each lag, and all reads together; `make test-long` has the whole sweep."""
SWEEP = [
    pytest.param(read, lag, marks=() if (read, lag) in OFTEN else pytest.mark.long)
    for read in (*READS, ALL)
    for lag in LAGS
]
LIMIT = 6000.0


class Life:
    """One claim through its life; every volume that ever was is kept account of."""

    def __init__(self, rig: VolumeRig) -> None:
        self.rig = rig
        self.volumes: set[str] = set()

    async def until(self, done: Any) -> None:
        waited = 0.0
        while not done():
            assert waited < LIMIT, f"{self.rig.status}; calls {self.rig.operations()[-12:]}"
            outcome = await self.rig.once()
            self.volumes |= set(self.rig.simulator.ebs.volumes())
            if isinstance(outcome, Gone):
                break
            after = max(min(pause(outcome) or 60.0, 60.0), 0.5)
            self.rig.wait(after)
            waited += after
        assert done()

    def ready(self, **status: Any) -> Any:
        return lambda: (
            self.rig.reason() == "ClaimReady"
            and all(self.rig.status.get("observed", {}).get(name) == value for name, value in status.items())
        )


@pytest.mark.parametrize(("read", "lag"), SWEEP)
async def test_a_life_ends_the_same_however_late_a_read_is(make_rig: MakeRig, read: str, lag: float) -> None:
    rig = make_rig(read_lag=dict.fromkeys(READS if read == ALL else [read], lag))
    life = Life(rig)
    rig.wait(lag)
    rig.apply(new(management={"reclaimPolicy": "Snapshot"}))
    await life.until(life.ready())
    first = rig.holder
    bigger = {"volume": {"size": 200}, "management": {"reclaimPolicy": "Snapshot"}}
    rig.apply(new(**bigger))
    await life.until(life.ready(size=200))
    other = next(one for one in instances() if one != first)
    rig.apply(new(**bigger, attachment={"target": {"instanceId": other}}))
    await life.until(lambda: rig.holder == other and life.ready()())
    rig.claims.delete(KEY)
    await life.until(lambda: not rig.claims.exists(KEY))
    committed = [call.operation for call in rig.calls() if call.committed]
    assert len(life.volumes) == 1
    assert rig.simulator.ebs.volumes() == {}
    assert len(rig.simulator.ebs.snapshots()) == 1
    assert committed.count("ModifyVolume") == 1
    assert committed.count("AttachClusterNodeVolume") == 2


REPLACED = [
    pytest.param(read, lag, marks=() if read == ALL and lag in {45.0, 400.0} else pytest.mark.long)
    for read in ("DescribeVolumes", "ListClusterNodes", ALL)
    for lag in LAGS
]


@pytest.mark.parametrize(("read", "lag"), REPLACED)
async def test_a_volume_follows_its_replaced_node_however_late_reads_are(
    make_rig: MakeRig, read: str, lag: float
) -> None:
    rig = make_rig(read_lag=dict.fromkeys(READS if read == ALL else [read], lag))
    life = Life(rig)
    rig.wait(lag)
    rig.apply(new())
    await life.until(life.ready())
    first = rig.holder
    replace(first)
    await life.until(lambda: bool(rig.holder) and rig.holder != first and life.ready()())
    assert len(life.volumes) == 1


@pytest.mark.parametrize("state", ["attached", "detached", "of another day"])
async def test_an_attach_that_is_answered_with_another_state_and_shows_late_stays_ours(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    rig = make_rig(read_lag={"DescribeVolumes": 400.0})
    life, attach = Life(rig), Volumes.attach

    async def answered(self: Volumes, **asked: Any) -> Attachment:
        return dataclasses.replace(await attach(self, **asked), state=state)

    monkeypatch.setattr(Volumes, "attach", answered)
    rig.apply(new(management={"reclaimPolicy": "Delete"}))
    await life.until(life.ready())
    assert len(rig.calls("AttachClusterNodeVolume")) <= 3
    rig.claims.delete(KEY)
    await life.until(lambda: not rig.claims.exists(KEY))
    assert rig.simulator.ebs.volumes() == {}


async def test_a_new_volume_that_calls_do_not_know_yet_needs_nobody(make_rig: MakeRig) -> None:
    """DescribeVolumes shows it, and the calls of SageMaker go to another part of EC2."""
    rig = make_rig(new_volume_lag=240.0, read_lag={"DescribeVolumes": 0.0})
    rig.apply(new())
    for _ in range(40):
        assert not rig.condition("Stalled") or rig.condition("Stalled")["status"] != "True"
        if rig.condition("Ready").get("status") == "True":
            break
        await rig.step()
    assert rig.condition("Ready")["status"] == "True"
    refused = [call for call in rig.calls("AttachClusterNodeVolume") if call.code != "OK"]
    assert 2 <= len(refused) <= 5
    assert rig.reasons().count("Settling") == 1


async def test_an_attach_whose_answer_was_lost_and_that_shows_late_stays_ours(make_rig: MakeRig) -> None:
    rig = make_rig(read_lag={"DescribeVolumes": 400.0})
    life = Life(rig)
    rig.simulator.faults.add(Fault(operation="AttachClusterNodeVolume", kind="commit_then_drop", times=1))
    rig.apply(new(management={"reclaimPolicy": "Delete"}))
    await life.until(life.ready())
    rig.claims.delete(KEY)
    await life.until(lambda: not rig.claims.exists(KEY))
    assert rig.simulator.ebs.volumes() == {}
