"""The operator's command with its allocations traced: python -m hyperpod_testbed.soak.traced DIRECTORY run ...

On SIGUSR2 it writes what is allocated, and where, to a file of its own in the directory. Tracing makes the operator
slower and much larger: resident memory of such a run says nothing.
"""

import gc
import itertools
import os
import signal
import sys
import tracemalloc
from pathlib import Path
from types import FrameType

from hyperpod_testbed.stack import OperatorProcess
from hyperpod_testbed.waiting import until

FRAMES = 12
"""Of the callers of each allocation."""
SUFFIX = ".tracemalloc"


def program(directory: Path) -> tuple[str, ...]:
    """What runs the operator's command traced, its files in that directory."""
    return (sys.executable, "-m", __name__, str(directory))


def snapshot(operator: OperatorProcess, directory: Path, *, seconds: float = 60.0) -> None:
    """Make the operator write one more file, and wait until it is there."""
    before = len(_files(directory))
    operator.child.signal(signal.SIGUSR2)
    until(lambda: len(_files(directory)) > before, "a snapshot of the allocations", seconds=seconds)


def growth(directory: Path, *, most: int = 10) -> list[str]:
    """Between the last two files: the lines of code whose allocations grew most, with their callers."""
    earlier, later = (tracemalloc.Snapshot.load(str(file)) for file in _files(directory)[-2:])
    grown = later.compare_to(earlier, "traceback")
    total = sum(one.size_diff for one in grown)
    lines = [f"allocated: {total / 1024:+.0f} KiB between the last two snapshots"]
    for one in grown[:most]:
        lines.append(f"{one.size_diff / 1024:+.1f} KiB in {one.count_diff:+d} blocks")
        lines.extend(one.traceback.format(most_recent_first=True))
    return lines


def main(directory: Path, arguments: list[str]) -> None:
    """Trace, then be the operator."""
    numbers = itertools.count()

    def write(_number: int, _frame: FrameType | None) -> None:
        gc.collect()
        file = directory / f"{next(numbers):03}{SUFFIX}"
        unfinished = file.with_suffix(".part")
        tracemalloc.take_snapshot().dump(str(unfinished))
        os.replace(unfinished, file)

    signal.signal(signal.SIGUSR2, write)
    tracemalloc.start(FRAMES)
    directory.mkdir(parents=True, exist_ok=True)  # says that a signal is understood now
    from hyperpod_operator.cli import main as operator  # after the start, so that what it loads is traced as well

    operator(arguments, prog_name="hyperpod-operator")


def _files(directory: Path) -> list[Path]:
    return sorted(directory.glob(f"*{SUFFIX}"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
