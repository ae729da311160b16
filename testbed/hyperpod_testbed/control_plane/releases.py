"""Which Kubernetes the control plane is built from: the pinned release, or another one to prove the operator against.

Each release is a Go module that pins it: `testbed/controlplane`, and `kubernetes-MINOR` below it for the oldest release
that the chart allows and for the newest that builds. Those two pin the servers only: etcd and kubectl are those of the
pinned module.
"""

import hashlib
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MODULE = Path(__file__).parents[2] / "controlplane"
"""The Go module of the pinned release; modules of tools and of other releases are below it."""

VARIABLE = "HYPERPOD_TESTBED_KUBERNETES"
"""The environment variable that names another release, e.g. 1.30."""

_SERVERS = {
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
}
_PINNED = {
    "etcd": "./etcd",
    "kube-apiserver": _SERVERS["kube-apiserver"],
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    "kube-scheduler": _SERVERS["kube-scheduler"],
    "kube-controller-manager": _SERVERS["kube-controller-manager"],
}


class UnknownReleaseError(RuntimeError):
    """No module pins that release; the message names those that are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release of Kubernetes as a Go module."""

    directory: Path
    packages: Mapping[str, str]
    """Binary to Go package, in the order in which they are built (the slowest dependencies come early)."""

    @property
    def version(self) -> str:
        """The version that the module requires, e.g. v1.34.2. Raises UnknownReleaseError where it requires none."""
        text = (self.directory / "go.mod").read_text()
        found = re.search(r"^\s*(?:require )?k8s\.io/kubernetes (v\S+)", text, re.MULTILINE)
        if not found:
            raise UnknownReleaseError(f"{self.directory / 'go.mod'} does not require k8s.io/kubernetes")
        return found[1]

    @property
    def minor(self) -> tuple[int, int]:
        """Major and minor version, e.g. (1, 34). Raises UnknownReleaseError as `version` does."""
        major, minor = self.version.lstrip("v").split(".")[:2]
        return int(major), int(minor)

    @property
    def go(self) -> tuple[int, int]:
        """The oldest Go that builds it, from the `go` line of go.mod."""
        found = re.search(r"^go (\d+)\.(\d+)", (self.directory / "go.mod").read_text(), re.MULTILINE)
        if not found:
            raise UnknownReleaseError(f"{self.directory / 'go.mod'} has no line for Go's version")
        return int(found[1]), int(found[2])

    @property
    def ldflags(self) -> str:
        """Without them /version says v0.0.0-master, and version checks of Helm and kubectl misbehave."""
        major, minor = self.minor
        values = {
            "k8s.io/component-base/version.gitVersion": self.version,
            "k8s.io/component-base/version.gitMajor": str(major),
            "k8s.io/component-base/version.gitMinor": str(minor),
            "k8s.io/component-base/version.gitTreeState": "clean",
            "k8s.io/client-go/pkg/version.gitVersion": self.version,
        }
        return "-s -w " + " ".join(f"-X {name}={value}" for name, value in values.items())

    @property
    def digest(self) -> str:
        """Of everything that decides what is built: the name of its directory in the cache."""
        content = hashlib.sha256()
        for name in ("go.mod", "go.sum", "etcd/main.go"):
            path = self.directory / name
            if path.exists():
                content.update(path.read_bytes())
        content.update(f"{self.ldflags} {platform.system()} {platform.machine()}".encode())
        return content.hexdigest()[:16]


PINNED = Release(directory=MODULE, packages=_PINNED)
"""What everything is developed and tested against."""

OTHERS = {
    path.name.removeprefix("kubernetes-"): Release(directory=path, packages=_SERVERS)
    for path in sorted(MODULE.glob("kubernetes-*"))
}
"""Minor version to release, for `make test-matrix`."""


def chosen() -> Release:
    """The release of this run: the pinned one unless the environment names another. Raises UnknownReleaseError."""
    name = os.environ.get(VARIABLE)
    if not name:
        return PINNED
    try:
        return OTHERS[name]
    except KeyError:
        known = ", ".join(OTHERS)
        raise UnknownReleaseError(f"{VARIABLE}={name}: set it to one of {known}, or unset it") from None
