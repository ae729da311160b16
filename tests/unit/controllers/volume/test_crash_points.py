"""Kill the operator around each of its writes (API server and AWS), restart it, compare with the undisturbed run."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from tests.unit.controllers.rig import RESTING, pause
from tests.unit.controllers.test_crash_points import KILLS
from tests.unit.controllers.volume.conftest import MakeRig
from tests.unit.controllers.volume.rig import KEY, VolumeRig
from tests.unit.controllers.volume.scenes import published, replace

pytestmark = pytest.mark.slow


class Killed(BaseException):
    """The process ends here; nothing catches this."""


class Reaper:
    """Counts the writes and ends the pass before or after one of them."""

    def __init__(self, *, at: int, after: bool) -> None:
        self.at, self.after, self.count = at, after, 0
        self.armed = False

    def wrap(self, target: Any, names: tuple[str, ...]) -> None:
        for name in names:
            setattr(target, name, self._wrapped(getattr(target, name)))

    def _wrapped(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def reaped(*args: Any, **kwargs: Any) -> Any:
            if not self.armed:
                return await call(*args, **kwargs)
            number, self.count = self.count, self.count + 1
            if number == self.at and not self.after:
                raise Killed
            answer = await call(*args, **kwargs)
            if number == self.at:
                raise Killed
            return answer

        return reaped


OBJECTS = ("add_finalizer", "remove_finalizer", "write_status")
CALLS = (
    "create_volume",
    "modify_volume",
    "create_tags",
    "delete_tags",
    "create_snapshot",
    "delete_volume",
    "attach",
    "detach",
)
PUBLICATIONS = (
    "create_persistent_volume",
    "create_persistent_volume_claim",
    "delete_persistent_volume",
    "delete_persistent_volume_claim",
)


def spec(size: int = 100) -> dict[str, Any]:
    return published(volume={"size": size}, management={"reclaimPolicy": "Snapshot"})


async def nothing(_: VolumeRig) -> None:
    """The phase starts from an empty account."""


async def attached(rig: VolumeRig) -> None:
    rig.apply(spec())
    await rig.rest()


def grow(rig: VolumeRig) -> None:
    rig.apply(spec(200))


def lose_the_node(rig: VolumeRig) -> None:
    replace(rig.holder)
    rig.wait(900.0)


@dataclass(frozen=True, kw_only=True)
class Phase:
    """What was there, what is asked for, and the calls to AWS of the undisturbed run."""

    before: Callable[[VolumeRig], Awaitable[None]]
    ask: Callable[[VolumeRig], None]
    calls: tuple[str, ...]


PHASES = {
    "create": Phase(
        before=nothing,
        ask=lambda rig: rig.apply(spec()),
        calls=("CreateVolume", "AttachClusterNodeVolume"),
    ),
    "follow": Phase(before=attached, ask=lose_the_node, calls=("AttachClusterNodeVolume",)),
    "modify": Phase(before=attached, ask=grow, calls=("ModifyVolume",)),
    "delete": Phase(
        before=attached,
        ask=lambda rig: rig.claims.delete(KEY),
        calls=("DetachClusterNodeVolume", "CreateSnapshot", "DeleteVolume"),
    ),
}


async def run(rig: VolumeRig, phase: Phase, reaper: Reaper) -> tuple[str, ...]:
    """The phase with kills; returns the calls that AWS got in it."""
    await phase.before(rig)
    for target, names in (
        (rig.claims, OBJECTS),
        (rig.publications, PUBLICATIONS),
        (rig.leases, ("take", "drop")),
        (rig.labels, ("label", "unlabel")),
    ):
        reaper.wrap(target, names)
    reaper.wrap(rig.volumes.volumes(region=""), CALLS)
    since = len(rig.calls())
    reaper.armed = True
    phase.ask(rig)
    await settle(rig, reaper)
    return tuple(call.operation for call in rig.calls()[since:])


async def settle(rig: VolumeRig, reaper: Reaper) -> None:
    for _ in range(300):
        try:
            outcome = await rig.once()
        except Killed:
            rig.restart()
            rig.wait(1.0)
            reaper.armed = False
            continue
        if isinstance(outcome, RESTING):
            return
        rig.wait(pause(outcome))
    raise AssertionError(f"no rest; status is {rig.status}")


def end_state(rig: VolumeRig) -> dict[str, Any]:
    """What a person could see, without ids and times."""
    volumes = rig.simulator.ebs.volumes()
    return {
        "volumes": [
            (one["State"], one["Size"], len(one["Attachments"]), sorted(one["Tags"])) for one in volumes.values()
        ],
        "snapshots": [one["State"] for one in rig.simulator.ebs.snapshots().values()],
        "labels": sum(bool(rig.nodes.labels[node.name]) for node in rig.nodes.all()),
        "published": (len(rig.publications.volumes), len(rig.publications.claims)),
        "leases": len(rig.leases.holders),
        "claim": {one["type"]: one["status"] for one in rig.status.get("conditions", [])},
        "phase": rig.status.get("phase"),
    }


@pytest.mark.parametrize("name", PHASES)
async def test_the_undisturbed_run(make_rig: MakeRig, name: str) -> None:
    reaper = Reaper(at=-1, after=False)
    assert await run(make_rig(), PHASES[name], reaper) == PHASES[name].calls
    assert reaper.count >= 4


@pytest.mark.fault(1)
@pytest.mark.parametrize("after", KILLS)
@pytest.mark.parametrize("name", PHASES)
async def test_a_kill_at_any_write_changes_nothing_about_the_end(make_rig: MakeRig, name: str, after: bool) -> None:
    """The same end state, and at most one call more than the undisturbed run: the one that was cut off."""
    clean = make_rig()
    whole = Reaper(at=-1, after=False)
    await run(clean, PHASES[name], whole)
    wanted = end_state(clean)
    for at in range(whole.count):
        rig = make_rig()
        calls = await run(rig, PHASES[name], Reaper(at=at, after=after))
        assert end_state(rig) == wanted, f"killed at write {at}"
        extra = Counter(calls) - Counter(PHASES[name].calls)
        assert extra.total() <= 1, f"killed at write {at}: {calls}"
        committed = Counter(call.operation for call in rig.calls() if call.committed)
        assert committed["CreateVolume"] == 1, f"killed at write {at}"
        assert committed["CreateSnapshot"] <= 1, f"killed at write {at}"
        rig.simulator.stop()
