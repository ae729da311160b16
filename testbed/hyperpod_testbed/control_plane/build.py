"""Build the control plane's binaries once, into the user's cache, and find them again in no time.

The cache directory's name is a digest of everything that decides what is built, so a changed version builds
anew and an unchanged one never asks Go at all.
"""

import fcntl
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hyperpod_testbed.control_plane.go import NoGoError, environment, toolchain
from hyperpod_testbed.control_plane.releases import MODULE, PINNED, Release, UnknownReleaseError, chosen

QUIET_SECONDS = 15.0
"""Between two lines of progress where the output is not a terminal."""


class BuildError(RuntimeError):
    """A binary could not be built; the message has the end of Go's output and what to do."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """Where each binary is."""

    directory: Path
    others: Path | None = None
    """A second directory for binaries that the first one lacks: KUBEBUILDER_ASSETS has no scheduler, and a release
    beside the pinned one has no etcd."""

    def path(self, name: str) -> Path:
        first = self.directory / name
        return first if first.exists() or self.others is None else self.others / name


def binaries(names: Sequence[str] = tuple(PINNED.packages)) -> Binaries:
    """The binaries of the chosen release, built if need be. KUBEBUILDER_ASSETS is used first where none is chosen."""
    try:
        release = chosen()
    except UnknownReleaseError as error:
        raise BuildError(str(error)) from error
    if release is not PINNED:
        own = [name for name in names if name in release.packages]
        rest = [name for name in names if name not in release.packages]
        return Binaries(_built(release, own), _built(PINNED, rest) if rest else None)
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if not assets:
        return Binaries(_built(PINNED, names))
    given = Path(assets)
    missing = [name for name in names if not (given / name).exists()]
    absent = [name for name in ("etcd", "kube-apiserver", "kubectl") if name in missing]
    if absent:
        raise BuildError(
            f"KUBEBUILDER_ASSETS={assets} has no {', '.join(absent)}. Point it at a directory that has etcd, "
            "kube-apiserver and kubectl, or unset it to have them built."
        )
    return Binaries(given, _built(PINNED, missing) if missing else None)


def sources() -> str:
    """Where `binaries` finds them, in a sentence for whoever waits; builds nothing. Raises BuildError."""
    try:
        release = chosen()
    except UnknownReleaseError as error:
        raise BuildError(str(error)) from error
    names = tuple(PINNED.packages)
    assets = os.environ.get("KUBEBUILDER_ASSETS") if release is PINNED else None
    given = [name for name in names if assets and (Path(assets) / name).exists()]
    missing = [name for name in names if name not in given and not _kept(release, name).exists()]
    said = f"Control plane: {', '.join(given)} from KUBEBUILDER_ASSETS ({assets})." if given else ""
    if missing:
        minutes = -(-7 * len(missing) // len(names))
        return f"{said} To be built, once, in about {minutes} minutes: {', '.join(missing)}.".strip()
    return said or f"Control plane: Kubernetes {release.version}, built before."


def _kept(release: Release, name: str) -> Path:
    """Where a binary that was built is kept; etcd is that of the pinned release."""
    of = release if name in release.packages else PINNED
    return cache_root() / "controlplane" / of.digest / "bin" / name


def cache_root() -> Path:
    """Where everything that was built is kept: XDG_CACHE_HOME or ~/.cache, below hyperpod-operator."""
    base = os.environ.get("XDG_CACHE_HOME")
    home = Path(base) if base else Path("~").expanduser() / ".cache"
    return home / "hyperpod-operator"


def _built(release: Release, names: Sequence[str]) -> Path:
    target = cache_root() / "controlplane" / release.digest / "bin"
    if all((target / name).exists() for name in names):
        return target
    target.mkdir(parents=True, exist_ok=True)
    with alone(target.parent / "lock"):
        todo = [name for name in names if not (target / name).exists()]
        if todo:
            _build_all(release, todo, target)
    return target


def _build_all(release: Release, todo: Sequence[str], target: Path) -> None:
    print(
        f"building {len(todo)} binaries of the control plane (Kubernetes {release.version}), once; "
        "about 7 minutes on 2 cores",
        file=sys.stderr,
        flush=True,
    )
    try:
        go = toolchain(cache=cache_root(), lock=MODULE / "requirements-go.lock", oldest=release.go)
    except NoGoError as error:
        raise BuildError(str(error)) from error
    for number, name in enumerate(todo, start=1):
        compile_binary(
            go,
            name=name,
            package=release.packages[name],
            module=release.directory,
            ldflags=release.ldflags,
            target=target,
            label=f"[{number}/{len(todo)}] {name}",
        )


def compile_binary(
    go: Path,
    *,
    name: str,
    package: str,
    module: Path,
    ldflags: str,
    target: Path,
    label: str,
    tags: str = "",
) -> None:
    """Into a temporary name first: a build that was cut off must not look like a binary."""
    partial = target / f".{name}.partial"
    command = [str(go), "build", "-trimpath", f"-tags={tags}", "-ldflags", ldflags, "-o", str(partial), package]
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, cwd=module, env=environment(), stdout=output, stderr=subprocess.STDOUT)
        with _progress(label):
            code = process.wait()
        output.seek(0)
        said = output.read()
    if code:
        tail = "\n".join(said.splitlines()[-20:])
        raise BuildError(
            f"building {name} failed (go build exited {code}). Check the disk's space and the way to the Go module "
            f"index, then run it again; what was built is kept.\n{tail}"
        )
    partial.rename(target / name)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """One builder at a time; a second run waits and then finds everything built."""
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another run is building the control plane; waiting for it", file=sys.stderr, flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def _progress(label: str) -> Iterator[None]:
    """Elapsed seconds while something slow runs: a silent minute looks like a hang."""
    stop = threading.Event()
    started = time.monotonic()
    terminal = sys.stderr.isatty()

    def show(end: str) -> None:
        print(f"\r{label}  {time.monotonic() - started:.0f} s", end=end, file=sys.stderr, flush=True)

    def tick(show: Callable[[str], None] = show) -> None:
        while not stop.wait(1.0 if terminal else QUIET_SECONDS):
            show("" if terminal else "\n")

    ticker = threading.Thread(target=tick, daemon=True)
    show("" if terminal else "\n")
    ticker.start()
    try:
        yield
    finally:
        stop.set()
        ticker.join()
        show("\n")
