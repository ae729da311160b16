"""The rate limiter in front of AWS: a token bucket per account and region, reads and writes apart.

AWS publishes no rate for HyperPod's operations and throttles per account, so a hundred resources that wake at
once must queue here, where waiting costs a coroutine, and not in botocore, where it would park threads. A
throttled answer halves the rate; it recovers while no further one comes. Namespaces are served in turn: the account's
rate is shared by all of them, and a namespace with four hundred resources waits for itself.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from hyperpod_operator.core.turns import Turns

SLOWEST = 1 / 16
"""The rate never falls below this share of its setting."""
RECOVERY_SECONDS = 60.0
"""How long a halved rate takes to double again."""
SHORTEST_WAIT = 0.001
"""Seconds between two looks at the bucket: a timer may fire a little early, and must not be set to nothing then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """Calls a second in the long run, and how many may come at once. A rate of 0 lifts the limit."""

    rate: float
    burst: int


# [assumption: throttled-per-account]
READS = RateLimit(rate=5.0, burst=20)
"""About 10 describes a second have been seen to pass; half of that leaves room for others in the account."""
WRITES = RateLimit(rate=2.0, burst=5)


class Limiter:
    """Groups in turn, and first come, first served within a group. Time comes in as `monotonic`, in seconds.

    `group` says for whom the caller of `wait` works, for example a namespace.
    """

    def __init__(
        self,
        limit: RateLimit,
        *,
        monotonic: Callable[[], float],
        group: Callable[[], str] = lambda: "",
    ) -> None:
        self._limit = limit
        self._monotonic = monotonic
        self._group = group
        self._tokens = float(limit.burst)
        self._filled_at = monotonic()
        self._slowed_at = float("-inf")
        self._share_then = 1.0
        self._waiting = Turns[asyncio.Future[None]]()
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self) -> None:
        """Return when a call may be made."""
        if not self._limit.rate:
            return
        if not len(self._waiting) and self._missing() <= 0:
            self._tokens -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        group = self._group()
        self._waiting.add(group, turn)
        self._arm()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._tokens += 1  # the turn had come; it goes to the next one
                self._serve()
            else:
                self._waiting.remove(group, turn)
            raise

    def throttled(self) -> None:
        """AWS throttled a call: halve the rate and drop the burst."""
        share = max(self._share / 2, SLOWEST)
        self._slowed_at, self._share_then = self._monotonic(), share
        self._tokens = min(self._tokens, 0.0)

    @property
    def rate(self) -> float:
        """Calls a second at this moment."""
        return self._limit.rate * self._share

    @property
    def _share(self) -> float:
        """Doubles every RECOVERY_SECONDS since the last throttled answer, up to the whole."""
        elapsed = self._monotonic() - self._slowed_at
        return float(min(1.0, self._share_then * 2 ** min(elapsed / RECOVERY_SECONDS, 16.0)))

    def _missing(self) -> float:
        """Tokens short of one, after filling up for the time that has passed."""
        now = self._monotonic()
        self._tokens = min(float(self._limit.burst), self._tokens + (now - self._filled_at) * self.rate)
        self._filled_at = now
        return 1.0 - self._tokens

    def _arm(self) -> None:
        if self._timer is None and len(self._waiting):
            pause = max(self._missing() / self.rate, SHORTEST_WAIT)
            self._timer = asyncio.get_running_loop().call_later(pause, self._serve)

    def _serve(self) -> None:
        """Give out the turns that have come, and look again when the next one is due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while len(self._waiting) and self._missing() <= 1e-9:
            turn = self._waiting.pop()
            if turn is not None and not turn.done():
                self._tokens -= 1
                turn.set_result(None)
        self._arm()
