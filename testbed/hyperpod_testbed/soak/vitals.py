"""What a process holds, over its life, and whether that grows: memory, descriptors, threads, queued keys.

From /proc and from the operator's /metrics. asyncio tasks have no metric; a task that leaks holds memory, most
often a descriptor, and its key in the queue, so the three stand in for it.

A trend is the Theil-Sen slope (the median of the slopes between all pairs of samples): a peak of some seconds, such
as garbage that is not collected yet, does not move it. A slope over a short time says little, so what is judged is
the rise over the observed life against an allowance that has a fixed part, for noise and for what fills to a size
and stays, and a part per hour.

Connections to AWS and to the API server are counted apart from the other descriptors. The operator keeps one for each
of its 16 threads and each of the clients that it used (a reading and a writing one for each service), opened when that
many calls are under way at once: they rise in steps for minutes after a start, up to a size. Those to the API server
are up to 20 beside the watches, for as long as a burst of calls and 15 seconds more. A descriptor that leaks rises for
ever.
"""

import os
import re
import statistics
from collections.abc import Collection, Sequence
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
    """Open files and sockets, but for these connections."""
    connections: float
    """Connections to AWS and the API server, kept open for the next call."""
    threads: float
    queued: float | None
    """Keys waiting, planned or under way; None when /metrics did not answer."""


@dataclass(frozen=True)
class Allowance:
    """How much a quantity may rise: `noise` in any time, `an_hour` on top, and `filling` in a life below FILLED."""

    noise: float
    an_hour: float
    filling: float = 0.0

    def over(self, seconds: float) -> float:
        """The rise that is allowed over so many seconds."""
        filling = self.filling if seconds < FILLED else 0.0
        return self.noise + filling + self.an_hour * seconds / 3600.0


FILLED = 600.0
"""Seconds after which the clients of all services are made and their answers are cached."""

ALLOWANCES = {
    "rss_mib": Allowance(noise=8.0, an_hour=8.0, filling=16.0),
    "descriptors": Allowance(noise=6.0, an_hour=2.0),
    "connections": Allowance(noise=68.0, an_hour=8.0),
    "threads": Allowance(noise=8.0, an_hour=0.0),
    "queued": Allowance(noise=3.0, an_hour=0.0),
}
"""A client of a service that is used for the first time brings its model, 3 to 6 MiB. Threads are made when no thread
of a pool is idle: 16 for AWS, and some for each processor for what else may block."""


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


@dataclass(frozen=True)
class Growth:
    """How much more of a quantity a process held at the end of the second half of its life than at its begin.

    Pools and caches are full by then: what still rises is a leak, or follows the load.
    """

    quantity: str
    first: float
    """Median of the half's first fifth."""
    last: float
    """Median of its last fifth."""
    minutes: float

    def __str__(self) -> str:
        return f"{self.quantity} {self.last - self.first:+.2f} in the last {self.minutes:.0f} min ({self.last:.1f})"


def sample(operator: OperatorProcess, *, at: float, ports: Collection[int]) -> Sample | None:
    """The process as it is now, `ports` being where AWS and the API server listen; None when it is not there (any
    more)."""
    process = Path("/proc") / str(operator.child.pid)
    try:
        status = (process / "status").read_text()
        descriptors = [_target(one) for one in (process / "fd").iterdir()]
        connections = sockets_to(ports, tables=[(process / "net" / name).read_text() for name in ("tcp", "tcp6")])
    except OSError:
        return None
    connected = sum(1 for one in descriptors if one in connections)
    rss, threads = re.search(r"VmRSS:\s+(\d+) kB", status), re.search(r"Threads:\s+(\d+)", status)
    if rss is None or threads is None:
        return None  # it ended and was not waited for yet
    return Sample(
        at=at,
        rss_mib=int(rss[1]) / 1024.0,
        descriptors=float(len(descriptors) - connected),
        connections=float(connected),
        threads=float(threads[1]),
        queued=_queued(operator.get("/metrics")[1]),
    )


def sockets_to(ports: Collection[int], *, tables: Sequence[str]) -> frozenset[str]:
    """The sockets whose other end is one of those ports, as /proc/PID/fd names them, by /proc/PID/net/tcp."""
    rows = [row.split() for table in tables for row in table.splitlines()[1:]]
    return frozenset(f"socket:[{row[9]}]" for row in rows if int(row[2].rpartition(":")[2], 16) in ports)


def trends(samples: Sequence[Sample], *, warm_up: float) -> list[Trend]:
    """The trend of each quantity after the first `warm_up` seconds; none when too little is left to tell."""
    if not samples:
        return []
    kept = [one for one in samples if one.at - samples[0].at >= warm_up]
    return [trend for quantity in ALLOWANCES if (trend := _trend(quantity, kept)) is not None]


def growth(samples: Sequence[Sample]) -> list[Growth]:
    """The growth of each quantity in the second half of the samples' time; none of too few samples."""
    if not samples:
        return []
    half = (samples[0].at + samples[-1].at) / 2
    kept = [one for one in samples if one.at >= half]
    found = []
    for quantity in ALLOWANCES:
        values = [float(value) for one in kept if (value := getattr(one, quantity)) is not None]
        fifth = len(values) // 5
        if fifth > 0:
            found.append(
                Growth(
                    quantity=quantity,
                    first=statistics.median(values[:fifth]),
                    last=statistics.median(values[-fifth:]),
                    minutes=(kept[-1].at - kept[0].at) / 60.0,
                )
            )
    return found


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
    end = max(1, len(points) // 5)
    return Trend(
        quantity=quantity,
        first=statistics.median(value for _, value in points[:end]),
        last=statistics.median(value for _, value in points[-end:]),
        an_hour=each * 3600.0,
        rise=each * span,
        allowed=ALLOWANCES[quantity].over(span),
    )


def _target(descriptor: Path) -> str:
    try:
        return os.readlink(descriptor)
    except FileNotFoundError:
        return ""  # closed between the listing and the look


def _queued(metrics: str) -> float | None:
    found = re.findall(r"^hyperpod_operator_queue_(?:depth|delayed|active) (\S+)$", metrics, re.MULTILINE)
    return sum(map(float, found)) if found else None
