"""Is the event loop turning? A task that should run every second, and how late it was.

One blocking call stops watches and workers alike. The probes ask from a thread of their own, while the block lasts and
after it: so the worst delay is remembered for a while.
"""

import asyncio

from hyperpod_operator.core.ports import Clock

INTERVAL = 1.0
TOLERATED = 10.0
"""Seconds of delay from which on the loop counts as stuck."""
REMEMBERED = 15.0
"""Seconds for which a delay is remembered: one probe sees it, three in a row only see a loop that blocks again."""


class Heartbeat:
    """Measures the event loop's lag in seconds. `lag` and `fault` change nothing: any thread may ask."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._beat_at = clock.monotonic()
        self._worst = (0.0, self._beat_at)
        """The longest delay, and when it was over."""

    async def run(self) -> None:
        """Without end; cancel it to stop."""
        while True:
            await asyncio.sleep(INTERVAL)
            now = self._clock.monotonic()
            late = self._late(now)
            if late >= self._recent(now):
                self._worst = (late, now)
            self._beat_at = now

    def lag(self) -> float:
        """The longest delay of the last 15 seconds, one that has not ended yet included."""
        now = self._clock.monotonic()
        return max(self._late(now), self._recent(now))

    def fault(self) -> str | None:
        """Why the loop counts as stuck, or None."""
        lag = self.lag()
        if lag < TOLERATED:
            return None
        return f"the event loop was blocked for {lag:.0f} s: something calls it synchronously"

    def _late(self, now: float) -> float:
        return max(0.0, now - self._beat_at - INTERVAL)

    def _recent(self, now: float) -> float:
        worst, at = self._worst
        return worst if now - at <= REMEMBERED else 0.0
