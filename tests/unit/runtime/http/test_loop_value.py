"""A value of one loop, read on another one."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from hyperpod_operator.runtime.http.loop_value import LoopValue


class Counted:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> int:
        self.count += 1
        return self.count


async def elsewhere(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """The result of a coroutine on another thread's loop, while this loop turns."""
    return await asyncio.to_thread(lambda: asyncio.run(work()))


async def test_it_is_computed_on_its_owners_thread() -> None:
    value = LoopValue(threading.current_thread, owner=asyncio.get_running_loop(), age=1, patience=5)
    assert await elsewhere(value.get) is threading.current_thread()


async def test_many_readers_cost_one_computation() -> None:
    counted = Counted()
    value = LoopValue(counted, owner=asyncio.get_running_loop(), age=0, patience=5)

    async def many() -> list[int | None]:
        return await asyncio.gather(*(value.get() for _ in range(100)))

    assert set(await elsewhere(many)) == {1}


async def test_a_young_value_is_not_computed_again() -> None:
    value = LoopValue(Counted(), owner=asyncio.get_running_loop(), age=60, patience=5)

    async def twice() -> tuple[int | None, int | None]:
        return await value.get(), await value.get()

    assert await elsewhere(twice) == (1, 1)


async def test_an_old_value_is() -> None:
    value = LoopValue(Counted(), owner=asyncio.get_running_loop(), age=-1, patience=5)

    async def twice() -> tuple[int | None, int | None]:
        return await value.get(), await value.get()

    assert await elsewhere(twice) == (1, 2)


async def test_while_the_owner_is_stuck_the_last_value_stands_and_nothing_piles_up() -> None:
    counted = Counted()
    value = LoopValue(counted, owner=asyncio.get_running_loop(), age=-1, patience=0.01)
    assert await elsewhere(value.get) == 1
    said: list[int | None] = []

    async def five_times() -> None:
        said.extend([await value.get() for _ in range(5)])

    thread = threading.Thread(target=lambda: asyncio.run(five_times()))
    thread.start()
    thread.join()  # blocks the owner
    assert said == [1] * 5
    await asyncio.sleep(0)
    assert counted.count <= 2


async def test_what_the_computation_raises_reaches_the_reader() -> None:
    def broken() -> int:
        raise ValueError("no")

    value = LoopValue(broken, owner=asyncio.get_running_loop(), age=1, patience=5)
    with pytest.raises(ValueError, match="no"):
        await elsewhere(value.get)
