"""How long a watch is left to gather before it is read on, and who ends that early.

Nearly all that an update costs is waking up for it: the event loop, the socket, TLS. Where updates come fast they are
taken together; where they come slowly nothing waits.
"""

import asyncio
import math
from collections.abc import Callable

GATHER = 0.015
"""Seconds. Updates that come faster than this are taken together."""
GATHER_MOST = 0.1
"""Seconds, where so many come that even then several are taken together."""
MUCH = 196_608
"""Bytes that have gathered by themselves: reading them on is more urgent than to save wake-ups."""
HURRY = 0.02
"""Seconds for which nothing gathers after a call of `hurry`: what is waited for may still be on its way."""


class Gathering:
    """Of one watch. Time is the event loop's."""

    def __init__(self) -> None:
        self._woken = -math.inf
        self._hurried = -math.inf
        self._longer = GATHER
        self._end: Callable[[], None] | None = None

    def hurry(self) -> None:
        """What arrives now is wanted now."""
        self._hurried = asyncio.get_running_loop().time()
        if self._end is not None:
            self._end()

    def pause(self, *, lines: int, size: int) -> float:
        """Seconds to leave the watch alone after so many lines, and bytes, came in one piece; 0 to read on."""
        now = asyncio.get_running_loop().time()
        if now - self._woken >= GATHER or size >= MUCH or now - self._hurried < HURRY:
            return 0.0
        self._longer = min(2 * self._longer, GATHER_MOST) if lines > 1 else GATHER
        return self._longer

    async def wait(self, seconds: float) -> None:
        """For so long, or until `hurry` is called."""
        loop = asyncio.get_running_loop()
        over = loop.create_future()

        def end() -> None:
            if not over.done():
                over.set_result(None)

        timer, self._end = loop.call_later(seconds, end), end
        try:
            await over
        finally:
            timer.cancel()
            self._end = None

    def read_on(self) -> None:
        """The watch is read from now on."""
        self._woken = asyncio.get_running_loop().time()
