"""The simulated clock: wall time, sped up by a factor and pushed forward on request.

It starts at the real time, because a client compares the times AWS reports with its own clock.
"""

import threading
import time

from hyperpod_testbed.simulator.verbs import verb


class SimulatedClock:
    """Seconds since the epoch, `speed` times as fast as the real ones. Safe to use from several threads."""

    def __init__(self, *, speed: float = 1.0, start: float | None = None) -> None:
        self._lock = threading.Lock()
        self._speed = _checked_speed(speed)
        self._base = time.time() if start is None else start
        self._since = time.monotonic()

    @verb
    def now(self) -> float:
        """The simulated time, seconds since the epoch."""
        with self._lock:
            return self._now()

    def told(self) -> float:
        """The present as a client may be told it: never in the future of a client whose clock does not run so fast.

        The same as `now`, unless the clock runs faster than the real one. A clock that stands belongs to a test, which
        gives its client the same time.
        """
        with self._lock:
            return min(self._now(), time.time()) if self._speed > 1 else self._now()

    @verb
    def speed(self) -> float:
        """Simulated seconds per real second."""
        with self._lock:
            return self._speed

    @verb
    def set_speed(self, speed: float) -> None:
        """Run at this many simulated seconds per real second from now on; 0 stops the clock."""
        checked = _checked_speed(speed)
        with self._lock:
            self._rebase(self._now())
            self._speed = checked

    @verb
    def advance(self, seconds: float) -> float:
        """Jump forward by simulated seconds; returns the new time."""
        if seconds < 0:
            raise ValueError(f"the clock cannot go back: advance({seconds}) must be at least 0")
        with self._lock:
            self._rebase(self._now() + seconds)
            return self._base

    def _now(self) -> float:
        return self._base + (time.monotonic() - self._since) * self._speed

    def _rebase(self, now: float) -> None:
        self._base = now
        self._since = time.monotonic()


def _checked_speed(speed: float) -> float:
    if speed < 0:
        raise ValueError(f"the clock cannot run backwards: speed {speed} must be at least 0")
    return float(speed)
