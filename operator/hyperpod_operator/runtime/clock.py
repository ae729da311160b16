"""The real clock. Everything else takes a `core.ports.Clock`, so that tests can own time."""

import time
from datetime import UTC, datetime

SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""It goes on while the machine is suspended (clock_gettime(2)): a lease ran out meanwhile. Linux has it; elsewhere the
clock stands still then."""


class SystemClock:
    """`core.ports.Clock` on this machine's clocks."""

    def now(self) -> datetime:
        """Aware UTC, for what people read. It can jump; never subtract two of these."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment, never going back, with those of a suspended machine."""
        return time.clock_gettime(SINCE_BOOT)
