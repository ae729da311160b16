"""Is the event loop turning? A task that should run every second, and how late it was.

One blocking call stops watches, workers and probes alike; a probe that only answers cannot tell, because it is
served by the same loop after the block is over. So the worst delay is remembered for a while.
"""

import asyncio

from hyperpod_operator.core.ports import Clock

INTERVAL = 1.0
TOLERATED = 10.0
"""Seconds of delay from which on the loop counts as stuck."""
REMEMBERED = 15.0
"""Seconds for which a delay is remembered: one probe sees it, three in a row only see a loop that blocks again."""


class Heartbeat:
    """Measures the event loop's lag in seconds."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._beat_at = clock.monotonic()
        self._worst = 0.0
        self._worst_at = self._beat_at

    async def run(self) -> None:
        """For ever; cancel it to stop."""
        while True:
            await asyncio.sleep(INTERVAL)
            self._take()
            self._beat_at = self._clock.monotonic()

    def lag(self) -> float:
        """The longest delay of the last 15 seconds."""
        self._take()
        return self._worst

    def fault(self) -> str | None:
        """Why the loop counts as stuck, or None."""
        lag = self.lag()
        if lag < TOLERATED:
            return None
        return f"the event loop was blocked for {lag:.0f} s: something calls it synchronously"

    def _take(self) -> None:
        now = self._clock.monotonic()
        late = max(0.0, now - self._beat_at - INTERVAL)
        if late >= self._worst or now - self._worst_at > REMEMBERED:
            self._worst, self._worst_at = late, now
