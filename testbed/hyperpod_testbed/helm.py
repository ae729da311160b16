"""The real helm, with its own directories and no configuration of the user's."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hyperpod_testbed.control_plane.tools import tool
from hyperpod_testbed.documents import documents

Json = dict[str, Any]

CHART = Path(__file__).parents[2] / "helm" / "hyperpod-operator"
IMAGE = "registry.example.com/hyperpod-operator"
"""A repository, which the chart requires and nothing here pulls from."""


class HelmError(RuntimeError):
    """helm refused; the message is its own."""


class Helm:
    """helm against one API server, or none for what needs none. Without an `image` only what a user gives is set."""

    def __init__(
        self, *, home: Path, kubeconfig: Path | None = None, chart: Path = CHART, image: str | None = IMAGE
    ) -> None:
        self._binary = tool("helm")
        self._chart = chart
        self._given: list[Path] = []
        self._rendered: dict[str, str] = {}
        if image is not None:
            home.mkdir(parents=True, exist_ok=True)
            self._given = [home / "image.json"]
            self._given[0].write_text(json.dumps({"image": {"repository": image}}))
        self._env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HELM_")},
            "HELM_CACHE_HOME": str(home / "cache"),
            "HELM_CONFIG_HOME": str(home / "config"),
            "HELM_DATA_HOME": str(home / "data"),
            "KUBECONFIG": str(kubeconfig or os.devnull),
        }

    def __call__(self, *args: str | Path, input: str | None = None, timeout: float = 180.0) -> str:
        """Run helm; returns what it says. Raises HelmError with its words when it fails."""
        done = subprocess.run(
            [self._binary, *map(str, args)],
            env=self._env,
            input=input,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        if done.returncode:
            raise HelmError(done.stderr + done.stdout)
        return done.stdout

    def lint(self, *, files: Sequence[Path] = ()) -> str:
        return self("lint", "--strict", "--kube-version=1.34", self._chart, *self._values(files, None))

    def render(
        self,
        *,
        release: str = "hyperpod-operator",
        namespace: str = "hyperpod-operator",
        files: Sequence[Path] = (),
        values: Mapping[str, Any] | None = None,
    ) -> str:
        """The manifests as text. `values` come last, as JSON."""
        return self(
            *("template", release, self._chart, "--kube-version=1.34", f"--namespace={namespace}"),
            *self._values(files, values),
            input=None if values is None else json.dumps(values),
        )

    def objects(self, **options: Any) -> list[Json]:
        """The manifests as data. The same options are rendered once: files of values must not change meanwhile."""
        asked = repr(sorted(options.items()))
        if asked not in self._rendered:
            self._rendered[asked] = self.render(**options)
        return documents(self._rendered[asked])

    def release(
        self,
        verb: str,
        name: str,
        *,
        namespace: str,
        files: Sequence[Path] = (),
        values: Mapping[str, Any] | None = None,
        chart: Path | None = None,
    ) -> str:
        """`install` or `upgrade`."""
        return self(
            *(verb, name, chart or self._chart, f"--namespace={namespace}"),
            *self._values(files, values),
            input=None if values is None else json.dumps(values),
        )

    def _values(self, files: Sequence[Path], values: Mapping[str, Any] | None) -> list[str]:
        """What is given as data comes last and wins; it is read from standard input."""
        return [f"--values={path}" for path in (*self._given, *files)] + ([] if values is None else ["--values=-"])
