"""A read that fails for an hour: nothing is made, attached, detached, released or deleted on account of it.

Each read of a claim's pass is refused (throttled, broken, denied) or answered with an empty page for an hour, in each
state of a life in which it is made. Then AWS answers again, and the life ends as it does without the fault.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest
from tests.unit.controllers.rig import pause
from tests.unit.controllers.volume.conftest import MakeRig
from tests.unit.controllers.volume.rig import KEY, VOLUME_CALLS, VolumeRig
from tests.unit.controllers.volume.test_wrong_answers import (
    about_to_be_deleted,
    about_to_be_snapshotted,
    grown,
    made,
    moved,
    new_claim,
    settled,
    volume_about_to_go,
)
from tests.unit.controllers.wrong_answers import Wire, at, emptied

from hyperpod_operator.core.outcome import Done, Gone
from hyperpod_testbed.simulator import Fault

State = Callable[[VolumeRig], Awaitable[None]]

HOUR = 3600.0
STATES: tuple[State, ...] = (
    new_claim,
    made,
    settled,
    grown,
    moved,
    about_to_be_deleted,
    about_to_be_snapshotted,
    volume_about_to_go,
)
LEAVING = (about_to_be_deleted, about_to_be_snapshotted, volume_about_to_go)
READS = {
    "DescribeVolumes": "Volumes",
    "DescribeVolumesModifications": "VolumesModifications",
    "DescribeSnapshots": "Snapshots",
    "DescribeCluster": "",
    "ListClusterNodes": "ClusterNodeSummaries",
}
"""Each read and its list; a cluster is no list."""


def throttled(operation: str) -> Fault:
    return Fault(operation, "throttle")


def unavailable(operation: str) -> Fault:
    return Fault(operation, "error", status=503, code="ServiceUnavailable")


def denied(operation: str) -> Fault:
    code = "AccessDeniedException" if "Cluster" in operation else "UnauthorizedOperation"
    return Fault(operation, "error", status=403, code=code, message=f"not authorized to perform {operation}")


REFUSALS = {"throttled": throttled, "unavailable": unavailable, "denied": denied}
EMPTY = "empty page"
TRUE_WHEN_EMPTY = {
    (new_claim, "DescribeVolumes"): "CreateVolume",
    (grown, "DescribeVolumesModifications"): "ModifyVolume",
    (about_to_be_snapshotted, "DescribeSnapshots"): "CreateSnapshot",
}
"""Where an empty page is true, because nobody made or modified anything yet: the call that follows from it."""


@pytest.fixture(autouse=True)
def retried_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's own second try waits in real time."""
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None, time=time.time))


@dataclass(frozen=True, kw_only=True)
class End:
    """How a life ended: calls that AWS carried out, volumes and snapshots that are left, and what Ready says."""

    calls: list[str]
    left: list[str]
    ready: str


async def ended(rig: VolumeRig) -> End:
    for _ in range(400):
        outcome = await rig.once()
        if isinstance(outcome, Done | Gone):
            break
        rig.wait(max(pause(outcome), 0.5))
    else:
        raise AssertionError(f"no rest; status is {rig.status}")
    ebs = rig.simulator.ebs
    left = [one["State"] for one in ebs.volumes().values()] + ["snapshot"] * len(ebs.snapshots())
    return End(calls=[call.operation for call in rig.calls() if call.committed], left=left, ready=rig.reason())


async def asked_now(rig: VolumeRig) -> set[str]:
    """The reads of the next pass, which is taken back."""
    restore, before = rig.keep(), len(rig.simulator.log.calls())
    for operation in VOLUME_CALLS:
        rig.simulator.access.deny(operation)
    await rig.once()
    rig.simulator.access.clear()
    restore()
    rig.restart()
    return {call.operation for call in rig.simulator.log.calls()[before:]} & READS.keys()


OFTEN = {
    (made, "denied"),
    (settled, EMPTY),
    (moved, "throttled"),
}
"""What `make test` tries; the rest is for the nightly matrix."""
CASES = [
    pytest.param(
        state,
        fault,
        marks=pytest.mark.slow if (state, fault) in OFTEN else pytest.mark.long,
        id=f"{state.__name__}-{fault.replace(' ', '-')}",
    )
    for state in STATES
    for fault in (*REFUSALS, EMPTY)
]


@pytest.mark.parametrize(("state", "fault"), CASES)
async def test_an_hour_of_it_changes_nothing_and_ends_by_itself(make_rig: MakeRig, state: State, fault: str) -> None:
    right = make_rig()
    await state(right)
    reads, end = await asked_now(right), await ended(right)
    wrong: dict[str, Any] = {}
    for read in sorted(reads):
        if fault == EMPTY and not READS[read]:
            continue
        rig = make_rig()
        await state(rig)
        wire = await strike(rig, read, fault)
        calls, steps = len(rig.calls()), len(rig.steps())
        await rig.idle(HOUR)
        did = [call.operation for call in rig.calls()[calls:]] + rig.steps()[steps:]
        if state in LEAVING and (read, fault) == ("ListClusterNodes", EMPTY):
            # A deletion reads pods from Kubernetes and the attachment from EC2: no list of nodes says whether it may go
            # on. That it makes the same calls and leaves the same is compared below.
            did = []
        elif fault == EMPTY and (call := TRUE_WHEN_EMPTY.get((state, read))):
            # The call follows once, and not a second time while no read shows its effect.
            did.remove(call)
        elif not rig.claims.exists(KEY):
            wrong[f"{read}, released"] = rig.status
        if did:
            wrong[read] = did
        elif fault != EMPTY and read not in rig.condition("Ready").get("message", ""):
            wrong[f"{read}, said"] = rig.condition("Ready")
        wire.right()
        rig.simulator.faults.clear()
        rig.restart()
        again = await ended(rig)
        if again != end:
            wrong[f"{read}, after it"] = again
    assert wrong == {}


async def strike(rig: VolumeRig, read: str, fault: str) -> Wire:
    wire = await Wire.of(rig, repeats=False)
    if fault == EMPTY:
        wire.wrong(read, at(READS[read], emptied))
    else:
        rig.simulator.faults.add(REFUSALS[fault](read))
    rig.restart()
    return wire
