"""Step by step, and otherwise as if awaited."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from hyperpod_operator.runtime.steps import stepped

pytestmark = pytest.mark.looptime


class Counted:
    def __init__(self) -> None:
        self.begun = self.ended = 0

    def before(self) -> None:
        self.begun += 1

    def after(self) -> None:
        self.ended += 1

    async def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return await stepped(work, before=self.before, after=self.after)


@pytest.fixture
def counted() -> Counted:
    return Counted()


async def test_the_result_is_that_of_the_work(counted: Counted) -> None:
    async def work() -> str:
        await asyncio.sleep(1)
        return "done"

    assert await counted.run(work()) == "done"


async def test_each_step_is_seen(counted: Counted) -> None:
    async def work() -> None:
        for _ in range(3):
            await asyncio.sleep(1)

    await counted.run(work())
    assert (counted.begun, counted.ended) == (4, 4)


async def test_what_the_work_raises_is_raised(counted: Counted) -> None:
    async def work() -> None:
        await asyncio.sleep(1)
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        await counted.run(work())
    assert counted.begun == counted.ended


async def test_a_timeout_reaches_the_work(counted: Counted) -> None:
    cut_off = False

    async def work() -> None:
        nonlocal cut_off
        try:
            await asyncio.sleep(100)
        finally:
            cut_off = True

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(5):
            await counted.run(work())
    assert cut_off


async def test_work_that_outlives_its_cancellation_goes_on(counted: Counted) -> None:
    async def work() -> str:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            await asyncio.sleep(1)
        return "outlived"

    task = asyncio.create_task(counted.run(work()))
    await asyncio.sleep(1)
    task.cancel()
    assert await task == "outlived"


async def test_tasks_and_groups_work_inside(counted: Counted) -> None:
    async def work() -> int:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(asyncio.sleep(1, number)) for number in range(3)]
        return sum(task.result() for task in tasks)

    assert await counted.run(work()) == 3
