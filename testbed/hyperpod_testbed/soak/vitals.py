"""What a process holds, over its life, and whether that grows: memory, descriptors, threads, queued keys.

From /proc and from the operator's /metrics. asyncio tasks have no metric; a task that leaks holds memory, most
often a descriptor, and its key in the queue, so the three stand in for it.

A trend is the Theil-Sen slope (the median of the slopes between all pairs of samples): a peak of some seconds, such
as garbage that is not collected yet, does not move it. A slope over a short time says little, so what is judged is
the rise over the observed life against an allowance that has a fixed part, for noise, and a part per hour.
"""

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hyperpod_testbed.stack import OperatorProcess

MIB = 1024.0 * 1024.0
MOST_POINTS = 300
"""The number of pairs is the square of this."""


@dataclass(frozen=True)
class Sample:
    """One look at the process; `at` in seconds of a monotonic clock."""

    at: float
    rss_mib: float
    descriptors: float
    threads: float
    queued: float | None
    """Keys waiting, planned or under way; None when /metrics did not answer."""


@dataclass(frozen=True)
class Allowance:
    """How much a quantity may rise: `noise` in any time, and `an_hour` on top."""

    noise: float
    an_hour: float


ALLOWANCES = {
    "rss_mib": Allowance(noise=8.0, an_hour=8.0),
    "descriptors": Allowance(noise=6.0, an_hour=2.0),
    "threads": Allowance(noise=3.0, an_hour=0.0),
    "queued": Allowance(noise=3.0, an_hour=0.0),
}
"""The noise is what a pool of eight threads, and a connection for each, may still grow by on a slow machine."""


@dataclass(frozen=True)
class Trend:
    """How one quantity moved in the life of one process."""

    quantity: str
    first: float
    last: float
    an_hour: float
    rise: float
    """Slope times the observed time."""
    allowed: float

    @property
    def flat(self) -> bool:
        return self.rise <= self.allowed

    def __str__(self) -> str:
        return (
            f"{self.quantity} {self.first:.1f} to {self.last:.1f}, rise {self.rise:+.2f} (allowed {self.allowed:.1f}), "
            f"{self.an_hour:+.1f} an hour"
        )


def sample(operator: OperatorProcess, *, at: float) -> Sample | None:
    """The process as it is now; None when it is not there (any more)."""
    process = Path("/proc") / str(operator.child.pid)
    try:
        status = (process / "status").read_text()
        descriptors = len(list((process / "fd").iterdir()))
    except OSError:
        return None
    rss, threads = re.search(r"VmRSS:\s+(\d+) kB", status), re.search(r"Threads:\s+(\d+)", status)
    if rss is None or threads is None:
        return None  # it ended and was not waited for yet
    return Sample(
        at=at,
        rss_mib=int(rss[1]) / 1024.0,
        descriptors=float(descriptors),
        threads=float(threads[1]),
        queued=_queued(operator.get("/metrics")[1]),
    )


def trends(samples: Sequence[Sample], *, warm_up: float) -> list[Trend]:
    """The trend of each quantity after the first `warm_up` seconds; none when too little is left to tell."""
    if not samples:
        return []
    kept = [one for one in samples if one.at - samples[0].at >= warm_up]
    return [trend for quantity in ALLOWANCES if (trend := _trend(quantity, kept)) is not None]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Theil-Sen: the median slope between all pairs."""
    step = max(1, len(points) // MOST_POINTS)
    chosen = points[::step]
    pairs = [
        (late[1] - early[1]) / (late[0] - early[0])
        for number, early in enumerate(chosen)
        for late in chosen[number + 1 :]
        if late[0] > early[0]
    ]
    return statistics.median(pairs) if pairs else 0.0


def _trend(quantity: str, samples: Sequence[Sample]) -> Trend | None:
    points = [(one.at, float(value)) for one in samples if (value := getattr(one, quantity)) is not None]
    if len(points) < 8:
        return None
    span, each = points[-1][0] - points[0][0], slope(points)
    allowance = ALLOWANCES[quantity]
    end = max(1, len(points) // 5)
    return Trend(
        quantity=quantity,
        first=statistics.median(value for _, value in points[:end]),
        last=statistics.median(value for _, value in points[-end:]),
        an_hour=each * 3600.0,
        rise=each * span,
        allowed=allowance.noise + allowance.an_hour * span / 3600.0,
    )


def _queued(metrics: str) -> float | None:
    found = re.findall(r"^hyperpod_operator_queue_(?:depth|delayed|active) (\S+)$", metrics, re.MULTILINE)
    return sum(map(float, found)) if found else None
