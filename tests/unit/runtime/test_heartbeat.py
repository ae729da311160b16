"""The event loop's lag, with a clock that the test turns."""

import asyncio
from typing import Any

import pytest

from hyperpod_operator.runtime.heartbeat import Heartbeat

pytestmark = pytest.mark.looptime


async def test_a_loop_that_turns_is_fine(clock: Any) -> None:
    heartbeat = Heartbeat(clock=clock)
    task = asyncio.create_task(heartbeat.run())
    await asyncio.sleep(100)
    assert heartbeat.fault() is None
    assert heartbeat.lag() < 1.1
    task.cancel()


async def test_a_block_is_seen_even_when_it_is_over_and_then_forgotten(clock: Any) -> None:
    heartbeat = Heartbeat(clock=clock)
    task = asyncio.create_task(heartbeat.run())
    await asyncio.sleep(5.5)
    clock.blocked = 12
    await asyncio.sleep(5)
    assert "blocked for 12 s" in (heartbeat.fault() or "")
    await asyncio.sleep(20)
    assert heartbeat.fault() is None
    task.cancel()
