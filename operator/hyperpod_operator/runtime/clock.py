"""The real clock. Everything else takes a `core.ports.Clock`, so that tests can own time."""

import time
from datetime import UTC, datetime


class SystemClock:
    """`core.ports.Clock` on this machine's clocks."""

    def now(self) -> datetime:
        """Aware UTC, for what people read. It can jump; never subtract two of these."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment, never going back."""
        return time.monotonic()
