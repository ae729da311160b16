"""The parts of a real Argo CD that sync: application controller, repo server, and an in-memory Redis.

The web server, its logins and its menu are left out: a test speaks to Argo CD as another controller would, by the
Application objects and their annotations. Nothing of Argo CD's own settings is loosened but signatures and TLS
between its parts, which share one machine here.
"""

import json
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hyperpod_testbed.argocd.application import Application
from hyperpod_testbed.argocd.build import argo_binaries
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.control_plane.tools import tool
from hyperpod_testbed.processes import Child, free_ports

NAMESPACE = "argocd"
IN_CLUSTER = "https://kubernetes.default.svc"
"""How an Application names the cluster that Argo CD runs in."""

REFRESH = "argocd.argoproj.io/refresh"
DELETION_APPROVED = "argocd.argoproj.io/deletion-approved"
READY_SECONDS = 120.0
PATIENCE = 240.0
"""Real seconds; far more than anything here takes."""

PROJECT = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "AppProject",
    "metadata": {"name": "default", "namespace": NAMESPACE},
    "spec": {
        "sourceRepos": ["*"],
        "destinations": [{"namespace": "*", "server": "*"}],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
    },
}
"""As Argo CD's server would make it."""


class ArgoCDError(RuntimeError):
    """A part did not start; the message has the end of its log."""


class ArgoCD:
    """Argo CD in one control plane. `config` is merged into its argocd-cm, as a user would merge it."""

    def __init__(self, plane: ControlPlane, *, config: Mapping[str, str] | None = None) -> None:
        self.plane = plane
        self._config = dict(config or {})
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        self._binaries = argo_binaries()
        self._home = self.plane.directory / "argocd"
        self._home.mkdir(exist_ok=True)
        try:
            self._install()
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def apply(self, manifest: Mapping[str, Any]) -> None:
        """An Application, as its team would apply it."""
        self.plane.apply(json.dumps(dict(manifest)))

    def application(self, name: str) -> Application:
        """As it is now; empty when there is none."""
        done = self.plane.kubectl("get", "-n", NAMESPACE, "application", name, "-o=json", "--ignore-not-found")
        return Application(json.loads(done.stdout) if done.stdout.strip() else {})

    def refresh(self, name: str) -> None:
        """Have Argo CD look at Git now: by itself it does so every two to three minutes."""
        self.annotate(name, REFRESH, "normal")

    def annotate(self, name: str, annotation: str, value: str) -> None:
        self.plane.kubectl("annotate", "-n", NAMESPACE, "application", name, f"{annotation}={value}", "--overwrite")

    def sync(self, name: str, *, prune: bool = False) -> None:
        """What the button does."""
        operation = {"operation": {"initiatedBy": {"username": "tester"}, "sync": {"prune": prune}}}
        self.plane.kubectl(
            *("patch", "-n", NAMESPACE, "application", name, "--type=merge", "-p", json.dumps(operation))
        )

    def delete(self, name: str) -> None:
        """The Application and, by its finalizer if it has one, what belongs to it; waits for nothing."""
        self.plane.kubectl("delete", "-n", NAMESPACE, "application", name, "--wait=false")

    def until(
        self, name: str, done: Callable[[Application], bool], what: str, *, seconds: float = PATIENCE
    ) -> Application:
        """Wait for it; raises with what Argo CD says instead."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.application(name)
            if done(found):
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"{name}: {what} did not come in {seconds:.0f} s. Argo CD says: {found}")
            time.sleep(0.3)

    def reconciliations(self, name: str) -> int:
        """How often the controller has compared this Application with Git and the cluster."""
        return sum(
            entry.get("msg") == "Reconciliation completed" and str(entry.get("application")).endswith(name)
            for entry in self.entries()
        )

    def entries(self) -> list[dict[str, Any]]:
        """The controller's log, one JSON object a line."""
        found = []
        for line in self._log("application-controller").read_text(errors="replace").splitlines():
            try:
                found.append(dict(json.loads(line)))
            except ValueError:  # the line that is being written
                continue
        return found

    def _log(self, component: str) -> Path:
        return self._home / f"{component}.log"

    def _install(self) -> None:
        plane, manifests = self.plane, self._binaries.manifests
        plane.kubectl("create", "namespace", NAMESPACE)
        plane.install_crds(_without_kustomization(manifests / "crds", self._home / "crds"))
        for path in sorted((manifests / "base" / "config").glob("argocd-*.yaml")):
            plane.kubectl("apply", "--server-side", "-n", NAMESPACE, "-f", str(path))
        # The key signs logins, of which there are none here; without it the controller does not start.
        self._merge("secret", "argocd-secret", {"stringData": {"server.secretkey": "c2lnbnMgbm90aGluZyBoZXJlLi4u"}})
        self._merge("configmap", "argocd-cm", {"data": self._config})
        plane.apply(json.dumps(PROJECT))

    def _merge(self, kind: str, name: str, patch: Mapping[str, Any]) -> None:
        self.plane.kubectl("patch", "-n", NAMESPACE, kind, name, "--type=merge", "-p", json.dumps(patch))

    def _start(self) -> None:
        redis, repo, repo_metrics, metrics = free_ports(4)
        self._child("redis", [self._binaries.redis, f"127.0.0.1:{redis}"])
        self._child(
            "repo-server",
            [
                self._binaries.argocd,
                f"--redis=127.0.0.1:{redis}",
                "--address=127.0.0.1",
                f"--port={repo}",
                "--metrics-address=127.0.0.1",
                f"--metrics-port={repo_metrics}",
                "--disable-tls",
                "--client-ca-path=",
            ],
        )
        self._child(
            "application-controller",
            [
                self._binaries.argocd,
                f"--redis=127.0.0.1:{redis}",
                f"--repo-server=127.0.0.1:{repo}",
                "--repo-server-plaintext",
                f"--kubeconfig={self._kubeconfig()}",
                f"--namespace={NAMESPACE}",
                f"--metrics-port={metrics}",
                "--logformat=json",
            ],
        )
        for component, port in (("repo-server", repo_metrics), ("application-controller", metrics)):
            self._wait(component, port)

    def _child(self, component: str, command: list[str | Path]) -> None:
        child = Child(component, command, log=self._log(component), env=self._environment(component))
        self._children.append(child)

    def _environment(self, component: str) -> dict[str, str]:
        """Nothing of the user's Git, Helm or Argo CD, and every folder in the control plane's directory."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ARGOCD_", "HELM_", "GIT_", "AWS_"))
        }
        folder = self._home / component
        for name in ("tmp", "tls", "ssh", "gpg", "plugins"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        return {
            **kept,
            "ARGOCD_BINARY_NAME": f"argocd-{component}",
            "ARGOCD_FAKE_IN_CLUSTER": "true",
            "ARGOCD_GPG_ENABLED": "false",
            "ARGOCD_TLS_DATA_PATH": str(folder / "tls"),
            "ARGOCD_SSH_DATA_PATH": str(folder / "ssh"),
            "ARGOCD_GNUPGHOME": str(folder / "gpg"),
            "ARGOCD_PLUGINSOCKFILEPATH": str(folder / "plugins"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GOMAXPROCS": "2",
            "HOME": str(folder),
            "HOSTNAME": f"{component}-0",
            "KUBECONFIG": str(self._kubeconfig()),
            "PATH": f"{self._tools()}{os.pathsep}{os.environ.get('PATH', '')}",
            "TMPDIR": str(folder / "tmp"),
        }

    def _tools(self) -> Path:
        """The programs that the repo server calls by name: helm, and the judge of signatures, which nobody asks."""
        folder = self._home / "bin"
        if not folder.exists():
            folder.mkdir()
            (folder / "helm").symlink_to(tool("helm"))
            verify = folder / "git-verify-wrapper.sh"
            verify.write_text("#!/bin/sh\nexit 0\n")
            verify.chmod(0o755)
        return folder

    def _kubeconfig(self) -> Path:
        """The administrator's, in Argo CD's namespace: there it looks for its settings."""
        path = self._home / "kubeconfig"
        document = json.loads(self.plane.kubeconfig.read_text())
        document["contexts"][0]["context"]["namespace"] = NAMESPACE
        path.write_text(json.dumps(document))
        path.chmod(0o600)
        return path

    def _wait(self, component: str, port: int) -> None:
        child = next(one for one in self._children if one.name == component)
        deadline = time.monotonic() + READY_SECONDS
        while not _healthy(port):
            if not child.running or time.monotonic() > deadline:
                raise ArgoCDError(f"{component} of Argo CD is not ready. The end of {child.log}:\n{child.tail(20)}")
            time.sleep(0.1)

    def _stop(self) -> None:
        for child in reversed(self._children):
            child.stop(grace=10.0)
        self._children.clear()


def _without_kustomization(source: Path, target: Path) -> Path:
    """A folder that kubectl can apply: what is for kustomize is no object."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("kustomization.yaml"))
    return target


def _healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
