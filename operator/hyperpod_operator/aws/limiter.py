"""Our own pace in front of AWS: a token bucket per account and region, reads and writes apart.

AWS publishes no rate for HyperPod's operations and throttles per account, so a hundred resources that wake at
once must queue here, where waiting costs a coroutine, and not in botocore, where it would park threads. A
throttled answer halves the pace; it recovers while no further one comes.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

SLOWEST = 1 / 16
"""The pace never falls below this share of its setting."""
RECOVERY_SECONDS = 60.0
"""How long a halved pace takes to double again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Calls a second in the long run, and how many may come at once. A rate of 0 lifts the limit."""

    rate: float
    burst: int


READS = Pace(rate=5.0, burst=20)
"""About 10 describes a second have been seen to pass; half of that leaves room for others in the account."""
WRITES = Pace(rate=2.0, burst=5)


class Limiter:
    """First come, first served. Time comes in as `monotonic`, waiting as `sleep`."""

    def __init__(
        self,
        pace: Pace,
        *,
        monotonic: Callable[[], float],
    ) -> None:
        self._pace = pace
        self._monotonic = monotonic
        self._tokens = float(pace.burst)
        self._filled_at = monotonic()
        self._slowed_at = float("-inf")
        self._share_then = 1.0
        self._turn = asyncio.Lock()

    async def wait(self) -> None:
        """Return when a call may be made."""
        if not self._pace.rate:
            return
        async with self._turn:  # asyncio.Lock is fair: waiters keep their order
            missing = self._missing()
            if missing > 0:
                await asyncio.sleep(missing / self.rate)
                self._missing()  # takes in what has come meanwhile; a call throttled meanwhile leaves a debt
            self._tokens -= 1

    def throttled(self) -> None:
        """AWS said that it was too much: go on at half the pace, with nothing in hand."""
        share = max(self._share / 2, SLOWEST)
        self._slowed_at, self._share_then = self._monotonic(), share
        self._tokens = min(self._tokens, 0.0)

    @property
    def rate(self) -> float:
        """Calls a second at this moment."""
        return self._pace.rate * self._share

    @property
    def _share(self) -> float:
        """Doubles every RECOVERY_SECONDS since the last throttled answer, up to the whole."""
        elapsed = self._monotonic() - self._slowed_at
        return float(min(1.0, self._share_then * 2 ** min(elapsed / RECOVERY_SECONDS, 16.0)))

    def _missing(self) -> float:
        """Tokens short of one, after filling up for the time that has passed."""
        now = self._monotonic()
        self._tokens = min(float(self._pace.burst), self._tokens + (now - self._filled_at) * self.rate)
        self._filled_at = now
        return 1.0 - self._tokens
