"""Kill the operator around each of its writes (API server and AWS), restart it, compare with the undisturbed run."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.unit.controllers.rig import KEY, RESTING, Rig, pause
from tests.unit.controllers.test_life import two

from hyperpod_operator.core.outcome import Gone

pytestmark = pytest.mark.slow


class Killed(BaseException):
    """The process ends here; nothing catches this."""


class Reaper:
    """Counts the I/Os of the ports and ends the pass before or after one of them."""

    def __init__(self, *, at: int, after: bool) -> None:
        self.at, self.after, self.count = at, after, 0

    def wrap(self, target: Any, names: tuple[str, ...]) -> None:
        for name in names:
            setattr(target, name, self._wrapped(getattr(target, name)))

    def _wrapped(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def reaped(*args: Any, **kwargs: Any) -> Any:
            number, self.count = self.count, self.count + 1
            if number == self.at and not self.after:
                raise Killed
            answer = await call(*args, **kwargs)
            if number == self.at:
                raise Killed
            return answer

        return reaped


WRITES = ("add_finalizer", "remove_finalizer", "write_status")
CALLS = ("create", "update", "update_software", "delete", "add_tags", "delete_tags")
"""Reads leave nothing behind: a kill around one is a kill before the next write."""


async def lifecycle(rig: Rig, reaper: Reaper) -> None:
    """Create, scale, add and remove a group, tag, delete."""
    rig.look_seldom()
    reaper.wrap(rig.objects, WRITES)
    reaper.wrap(rig.cloud.clusters(region=""), CALLS)
    more = two(5, tags=[{"key": "team", "value": "a"}])
    more["instanceGroups"].append(dict(more["instanceGroups"][1], instanceGroupName="extra"))  # type: ignore[attr-defined,index]
    for wanted in (two(), more, two(3)):
        rig.apply(wanted)
        await settle(rig)
    rig.objects.delete(KEY)
    await settle(rig)


async def settle(rig: Rig) -> None:
    for _ in range(300):
        try:
            outcome = await rig.once()
        except Killed:
            rig.restart()
            rig.simulator.clock.advance(1.0)
            continue
        if isinstance(outcome, RESTING):
            return
        rig.simulator.clock.advance(pause(outcome))
    raise AssertionError(f"no rest; status is {rig.status}")


MUTATIONS = ["CreateCluster", "UpdateCluster", "AddTags", "UpdateCluster", "DeleteTags", "DeleteCluster"]


async def test_the_undisturbed_run(rig: Rig) -> None:
    reaper = Reaper(at=-1, after=False)
    await lifecycle(rig, reaper)
    assert rig.operations() == MUTATIONS
    assert not rig.objects.exists(KEY)


KILLS = [pytest.param(True, id="after"), pytest.param(False, id="before", marks=pytest.mark.long)]
"""A kill loses all memory, so a life that ends after one write goes on as one that ends before the next: `make test`
tries the one, `make test-long` both."""


@pytest.mark.fault(1)
@pytest.mark.parametrize("after", KILLS)
async def test_a_kill_at_any_io_changes_nothing_about_the_end(make_rig: Callable[..., Rig], after: bool) -> None:
    """One more call than the clean run at most: the one that was cut off; never a second cluster."""
    at = 0
    while True:
        rig = make_rig()
        reaper = Reaper(at=at, after=after)
        await lifecycle(rig, reaper)
        if reaper.count <= at:
            break  # the lifecycle has fewer I/Os: all of them were tried
        accepted = [call.operation for call in rig.calls() if call.code == "OK"]
        assert accepted.count("CreateCluster") == 1, f"killed at I/O {at}"
        assert accepted.count("DeleteCluster") == 1, f"killed at I/O {at}"
        assert len(rig.calls()) <= len(MUTATIONS) + 1, f"killed at I/O {at}: {rig.operations()}"
        assert not rig.objects.exists(KEY)
        assert await rig.cloud.clusters(region="").describe(name="research") is None
        at += 1
        rig.simulator.stop()
    assert at > 20
    assert isinstance(await rig.once(), Gone)
