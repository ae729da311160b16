"""Clocks that tests own."""

import asyncio
from datetime import UTC, datetime

import pytest


class LoopClock:
    """The event loop's time (fake under looptime), plus what a blocking call cost."""

    blocked = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.monotonic(), UTC)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self.blocked


@pytest.fixture
def clock() -> LoopClock:
    return LoopClock()
