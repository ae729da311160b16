"""Work that comes again and again: when, and what becomes of it where it fails."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.runtime.periodic import Periodic

pytestmark = pytest.mark.looptime

AWAY = KubernetesError(status=0, message="away")


class Work:
    """Fails with `error` while there is one; `calls` are the times at which it was asked for."""

    def __init__(self) -> None:
        self.calls: list[float] = []
        self.error: Exception | None = None

    async def __call__(self) -> None:
        self.calls.append(asyncio.get_running_loop().time())
        if self.error is not None:
            raise self.error

    def start(self, *, random: Callable[[], float] = lambda: 0.5) -> "asyncio.Task[None]":
        return asyncio.create_task(Periodic(name="sweep", work=self, first=60, interval=600, random=random).run())

    def since(self, began: float) -> list[int]:
        return [round(at - began) for at in self.calls]


async def test_it_comes_every_ten_minutes_after_a_first_pause_and_sooner_after_a_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    work, began = Work(), asyncio.get_running_loop().time()
    task = work.start()
    await asyncio.sleep(61)
    work.error = AWAY
    await asyncio.sleep(600)
    work.error = None
    await asyncio.sleep(700)
    task.cancel()
    assert work.since(began) == [60, 660, 675, 1275]
    assert "sweep failed" in caplog.text
    assert "away" in caplog.text


async def test_it_is_tried_ever_later_and_soon_again_once_it_worked() -> None:
    work, began = Work(), asyncio.get_running_loop().time()
    work.error = AWAY
    task = work.start()
    await asyncio.sleep(3000)
    assert work.since(began) == [60, 75, 105, 165, 285, 525, 1005, 1605, 2205, 2805]
    work.error = None
    await asyncio.sleep(500)
    work.error, before = AWAY, len(work.calls)
    await asyncio.sleep(650)
    task.cancel()
    first, second = work.calls[before : before + 2]
    assert second - first == pytest.approx(15)


async def test_chance_spreads_what_is_tried_again() -> None:
    work, began = Work(), asyncio.get_running_loop().time()
    work.error = AWAY
    task = work.start(random=lambda: 0.0)
    await asyncio.sleep(65)
    task.cancel()
    assert work.since(began) == [48, 60]


async def test_a_fault_of_ours_ends_neither_it_nor_the_process(caplog: pytest.LogCaptureFixture) -> None:
    work = Work()
    work.error = KeyError("metadata")
    task = work.start()
    await asyncio.sleep(61)
    assert not task.done()
    (record,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert "Please report" in record.getMessage()
    assert record.exc_info
    work.error = None
    await asyncio.sleep(16)
    task.cancel()
    assert len(work.calls) == 2
