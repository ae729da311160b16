"""Build the Go peer once, with the toolchain of the test bed, into the user's cache.

The name of the directory is a digest of the sources and of Go's version: other sources or another Go are another
binary, and the same ones cost nothing.
"""

import hashlib
import platform
import subprocess
import sys
from pathlib import Path

from hyperpod_testbed.control_plane.build import BuildError, cache_root
from hyperpod_testbed.control_plane.go import NoGoError, environment, toolchain, version
from hyperpod_testbed.control_plane.releases import MODULE as CONTROL_PLANE

SOURCES = Path(__file__).parent / "controller-runtime"
FLAGS = ("-trimpath", "-ldflags", "-s -w")


def controller_runtime() -> Path:
    """The binary of the peer, built if need be (about a minute, once). Raises BuildError."""
    try:
        go = toolchain(cache=cache_root(), lock=CONTROL_PLANE / "requirements-go.lock")
    except NoGoError as error:
        raise BuildError(str(error)) from error
    target = cache_root() / "peers" / _digest(go) / "controller-runtime"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    print("building the Go peer, once; a minute or two", file=sys.stderr, flush=True)
    # Under a temporary name first: a build that was cut off must not look like a binary.
    partial = target.with_suffix(".partial")
    command = [str(go), "build", *FLAGS, "-o", str(partial), "."]
    done = subprocess.run(command, cwd=SOURCES, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(
            f"building the Go peer in {SOURCES} failed (go build exited {done.returncode}). Check the disk's space and "
            f"the way to the Go module index, then run it again.\n{done.stderr[-2000:]}"
        )
    partial.rename(target)
    return target


def _digest(go: Path) -> str:
    content = hashlib.sha256()
    for path in sorted(SOURCES.iterdir()):
        if path.suffix in {".mod", ".sum", ".go"} and not path.name.endswith("_test.go"):
            content.update(path.name.encode() + path.read_bytes())
    content.update(f"{FLAGS} {version(go)} {platform.system()} {platform.machine()}".encode())
    return content.hexdigest()[:16]
