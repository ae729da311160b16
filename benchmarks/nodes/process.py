"""What a process costs, and on which core it may run (Linux)."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER_CORE, CONTESTANT_CORE = 0, 1


class CoreError(RuntimeError):
    """This machine has not the cores that the comparison needs."""


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """This thread, and every process that it starts meanwhile, on one core."""
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {core})
    except OSError as error:
        raise CoreError(
            f"core {core} cannot be had: the benchmark keeps the API server and the contestant on a core each. Run it "
            "where this process may use cores 0 and 1"
        ) from error
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads, in nanosecond steps: the ticks of /proc/<pid>/stat (10 ms) hide a lean contestant."""
    return time.clock_gettime_ns(~pid << 3 | 2) / 1e9  # Linux's clock id for the CPU time of another process


def memory_mb(pid: int, field: str = "VmRSS") -> float:
    """Resident memory now (VmRSS) or at its highest (VmHWM); 1 MB is 10^6 bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"/proc/{pid}/status has no {field}; the process has ended")


def core_busy_seconds(core: int) -> float:
    """Time in which the core was not idle since the machine started: what others took is in it."""
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith(f"cpu{core} "):
            ticks = [int(part) for part in line.split()[1:]]
            return (sum(ticks[:8]) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")
    raise RuntimeError(f"/proc/stat has no core {core}")
