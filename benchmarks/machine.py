"""Where the figures were measured: read from the machine, so that nobody has to remember it."""

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("hyperpod-operator", "kubernetes", "boto3", "kopf")


def facts() -> dict[str, str]:
    """What a reader needs to compare figures; ask before the run, for the load is that of others then."""
    return {
        "cores": str(len(os.sched_getaffinity(0))),
        "processor": _processor(),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "load average before the run (1, 5, 15 min)": ", ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


def today() -> str:
    """The day, as a figure has it."""
    return datetime.now(UTC).date().isoformat()


def keep_bytecode() -> None:
    """Let what is measured start as it is installed: without bytecode each start compiles all that it imports."""
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
