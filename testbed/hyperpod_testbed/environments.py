"""Python environments for tools that do not fit beside the project's own packages: one for each lock, in the cache.

A checker that pins half of the world, or a library for one picture, would bend the versions that are under test.
"""

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

from hyperpod_testbed.control_plane.build import alone, cache_root


class ToolEnvironmentError(RuntimeError):
    """An environment could not be made; the message has pip's words and what to do."""


def environment(lock: Path) -> Path:
    """The `bin` of an environment with what the lock pins by hash, made if need be. Raises ToolEnvironmentError."""
    content = lock.read_bytes() + sys.version.encode()
    home = cache_root() / "environments" / f"{lock.stem}-{hashlib.sha256(content).hexdigest()[:16]}"
    ready = home / "ready"
    if not ready.exists():
        home.mkdir(parents=True, exist_ok=True)
        with alone(home / "lock"):
            if not ready.exists():
                _make(home, lock=lock)
                ready.touch()
    return home / "venv" / "bin"


def _make(home: Path, *, lock: Path) -> None:
    print(f"installing {lock.stem} into an environment of its own, once", file=sys.stderr, flush=True)
    venv.EnvBuilder(with_pip=True, clear=True).create(home / "venv")
    options = ("--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps")
    done = subprocess.run(
        [home / "venv" / "bin" / "python", "-m", "pip", "install", *options, "-r", lock],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ToolEnvironmentError(
            f"{lock.stem} could not be installed from {lock}. Check the way to the Python package index, then run it "
            f"again; `make lock` renews the file.\n{done.stderr[-2000:]}"
        )
