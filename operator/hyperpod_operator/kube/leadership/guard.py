"""Until when this process may write: the fence between a leader and whoever comes after it.

A lease is no lock: a leader that was stopped, or cut off from the API server, wakes up believing that it leads.
So every write, to AWS and to the API server, asks here first, on this machine's monotonic clock, and the answer
turns to no well before anybody else may take the lease.
"""

import asyncio
import math
from collections.abc import Callable

from hyperpod_operator.core.ports import Clock


class LeadershipLost(Exception):  # noqa: N818 - a state of affairs, not an error
    """This process must not write any more."""


class LeadershipGuard:
    """The time for which leadership is proved. `on_lost` is to end the process: nothing after it is of use."""

    def __init__(self, *, clock: Clock, on_lost: Callable[[str], None]) -> None:
        self._clock = clock
        self._on_lost = on_lost
        self._until = -math.inf
        self._moved = asyncio.Event()

    @property
    def held(self) -> bool:
        """Whether writes are allowed now."""
        return self._clock.monotonic() < self._until

    def prove(self, *, until: float) -> None:
        """The lease was written: this process leads until then (monotonic seconds)."""
        self._until = until
        self._moved.set()

    def end(self) -> None:
        """Leadership was given up on purpose: nothing is lost, and nothing may be written any more."""
        self._until = -math.inf

    def lose(self, why: str) -> None:
        """Leadership is gone."""
        self.end()
        self._on_lost(why)

    def require(self) -> None:
        """Call right before a write, from any thread. Raises LeadershipLost when the time is over."""
        if not self.held:
            why = "a write was about to be sent after the time for which the lease was renewed"
            self.lose(why)
            raise LeadershipLost(why)

    async def watch(self) -> None:
        """Say that leadership is lost as soon as its time is over; cancel it to stop."""
        await self._moved.wait()
        while True:
            left = self._until - self._clock.monotonic()
            if left <= 0:
                break
            await asyncio.sleep(left)  # renewed meanwhile: the end has moved
        self.lose("the lease could not be renewed in time")
