"""The operator's command under cProfile, for `--profile`: python -m benchmarks.environment.profiled DIRECTORY run …

The timer is the thread's CPU time, so a busy machine does not change what stands out. The event loop and the AWS
threads are kept apart, for they are made faster in different ways. The profiler itself about doubles the time:
compare shares, and take no figure for a claim from such a run.
"""

import cProfile
import pstats
import sys
import threading
import time
from pathlib import Path

from hyperpod_operator.cli import main


def profile(directory: Path, arguments: list[str]) -> None:
    """Run the command; leave loop.prof and threads.prof."""
    threads: list[cProfile.Profile] = []
    plain = threading.Thread.run

    def run(thread: threading.Thread) -> None:
        one = cProfile.Profile(time.thread_time)
        try:
            one.runcall(plain, thread)
        finally:
            threads.append(one)

    threading.Thread.run = run  # type: ignore[method-assign,assignment] # the only way into the threads of a pool
    loop = cProfile.Profile(time.thread_time)
    try:
        loop.runcall(main, arguments, prog_name="hyperpod-operator")
    finally:
        directory.mkdir(parents=True, exist_ok=True)
        loop.dump_stats(directory / "loop.prof")
        if threads:
            pstats.Stats(*threads).dump_stats(directory / "threads.prof")


if __name__ == "__main__":
    profile(Path(sys.argv[1]), sys.argv[2:])
