"""Start and stop a control plane in a temporary directory on free ports.

`with ControlPlane() as plane:` is all that a test needs; the methods beyond that stop, pause and restart single
components, because what an operator does while the API server is away is what has to be tested.
"""

import http.client
import os
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hyperpod_testbed.control_plane import kubeconfig
from hyperpod_testbed.control_plane.api import Api, manifests
from hyperpod_testbed.control_plane.build import Binaries, binaries
from hyperpod_testbed.control_plane.certificates import Authority, Pair, service_account_key
from hyperpod_testbed.control_plane.components import BESIDE_EACH_OTHER, STARTUP, Layout, arguments
from hyperpod_testbed.control_plane.errors import ControlPlaneError
from hyperpod_testbed.processes import Child, free_ports, wait_until_port_is_free

COMPONENTS = frozenset(STARTUP)

GO = {"GOMAXPROCS": "2", "GOGC": "400"}
"""Two processors are plenty, and leave the rest to what is under test. Memory is there: to collect garbage a quarter as
often saves a tenth of a server's work."""

READY_SECONDS = 120.0
"""A cold start takes 5 s on a free machine; a busy one gets time."""


class ControlPlane:
    """A control plane. Not started until `start` or the `with` statement."""

    def __init__(
        self,
        *,
        components: frozenset[str] = COMPONENTS,
        extra_args: Mapping[str, Sequence[str]] | None = None,
        keep: bool = False,
    ) -> None:
        unknown = components - COMPONENTS
        if unknown or not {"etcd", "kube-apiserver"} <= components:
            raise ValueError(
                f"components are {', '.join(STARTUP)}, and etcd and kube-apiserver are needed; got {sorted(components)}"
            )
        self._components = [name for name in STARTUP if name in components]
        self._extra = dict(extra_args or {})
        self._keep = keep
        self._children: dict[str, Child] = {}
        self._directory: Path | None = None
        self._api: Api | None = None

    def __enter__(self) -> Self:
        return self.start_all()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_all()

    def start_all(self) -> Self:
        """Start every component and wait until the API server serves and namespaces get their service account.

        Call it from a thread that lives as long as the control plane: Linux ends the children with the thread
        that started them.
        """
        self._binaries: Binaries = binaries([*self._components, "kubectl"])
        self._directory = Path(tempfile.mkdtemp(prefix="hyperpod-testbed-"))
        try:
            self._prepare(self._directory)
            for name in self._components:
                self._launch(name)
                if name not in BESIDE_EACH_OTHER:
                    self._await(name)
            for name in self._components:
                if name in BESIDE_EACH_OTHER:
                    self._await(name)
            if "kube-controller-manager" in self._components:
                self._wait("serviceaccounts", self._default_service_account, "kube-controller-manager")
        except BaseException:
            self._keep = self._keep or bool(self._children)
            self.stop_all()
            raise
        return self

    def stop_all(self) -> None:
        """Stop everything, last started first, and remove the directory unless it is to be kept."""
        for name in reversed(self._components):
            self.stop(name)
        if self._directory and not self._keep:
            shutil.rmtree(self._directory, ignore_errors=True)

    def start(self, component: str) -> None:
        """Start one component on its port and data, and wait until it is ready."""
        self._launch(component)
        self._await(component)

    def _launch(self, component: str) -> None:
        wait_until_port_is_free(self._layout.port(component))
        command: list[str | Path] = [
            self._binaries.path(component),
            *arguments(component, self._layout),
            *self._extra.get(component, ()),
        ]
        log = self.directory / f"{component}.log"
        self._children[component] = Child(component, command, log=log, env={**os.environ, **GO})

    def _await(self, component: str) -> None:
        self._wait(component, lambda: self._ready(component), component)

    def stop(self, component: str) -> None:
        """Stop one component; its data and port stay its own."""
        child = self._children.pop(component, None)
        if child:
            child.stop(grace=10.0)

    def kill(self, component: str) -> None:
        """End one component without a chance to tidy up."""
        child = self._children.pop(component)
        child.signal(signal.SIGKILL)
        child.wait(10)

    def pause(self, component: str) -> None:
        """Freeze one component: connections stay open and nothing answers."""
        self._children[component].signal(signal.SIGSTOP)

    def resume(self, component: str) -> None:
        self._children[component].signal(signal.SIGCONT)

    @property
    def directory(self) -> Path:
        if self._directory is None:
            raise ControlPlaneError("the control plane was not started; use `with ControlPlane() as plane:`")
        return self._directory

    @property
    def pids(self) -> Mapping[str, int]:
        """Process ids by component."""
        return {name: child.pid for name, child in self._children.items()}

    @property
    def ports(self) -> Mapping[str, int]:
        """Ports by component."""
        return {name: self._layout.port(name) for name in self._components}

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._layout.apiserver}"

    @property
    def ca_path(self) -> Path:
        return self._layout.ca

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig of a cluster administrator (group system:masters)."""
        return self._layout.admin_kubeconfig

    @property
    def admin_certificate(self) -> Pair:
        return self._admin

    def serving_certificate(self, name: str) -> Pair:
        """A certificate for a server of ours on 127.0.0.1, by the cluster's own authority."""
        return self._authority.server(name)

    def user_kubeconfig(self, user: str, groups: Sequence[str] = ()) -> Path:
        """A kubeconfig for another user, who may do what RBAC grants and nothing else."""
        pair = self._authority.client(user, groups)
        path = self.directory / f"{pair.certificate.stem}.kubeconfig"
        return kubeconfig.with_certificate(path, server=self._server, user=user, pair=pair)

    def service_account_kubeconfig(self, namespace: str, name: str, *, hours: int = 2) -> Path:
        """A kubeconfig with a token of a service account, as a pod has."""
        token = self.api.token(name, namespace=namespace, seconds=hours * 3600)
        path = self.directory / f"sa-{namespace}-{name}.kubeconfig"
        return kubeconfig.with_token(path, server=self._server, user=f"{namespace}:{name}", token=token)

    def kubectl(
        self,
        *args: str,
        input: str | None = None,
        check: bool = True,
        timeout: float = 120.0,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator; raises with its words when it fails and `check` is set."""
        done = subprocess.run(
            self.kubectl_command(*args),
            input=input,
            env={**os.environ, **GO},
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        if check and done.returncode:
            raise ControlPlaneError(f"kubectl {' '.join(args)} failed:\n{done.stderr}{done.stdout}")
        return done

    def kubectl_command(self, *args: str, kubeconfig: Path | None = None) -> list[str]:
        """The command line of kubectl, with a cache of its own and no configuration of the user's."""
        return [
            str(self._binaries.path("kubectl")),
            f"--kubeconfig={kubeconfig or self.kubeconfig}",
            f"--cache-dir={self.directory / 'kubectl-cache'}",
            *args,
        ]

    @property
    def kubectl_path(self) -> Path:
        return self._binaries.path("kubectl")

    @property
    def api(self) -> Api:
        """The API server without kubectl, as the administrator."""
        if self._api is None:
            context = ssl.create_default_context(cafile=str(self.ca_path))
            context.load_cert_chain(self._admin.certificate, self._admin.key)
            self._api = Api(address=self.url.removeprefix("https://"), context=context)
        return self._api

    def apply(self, what: Path | str) -> list[str]:
        """Apply a file, all files of a directory, or a text, server-side; returns the objects' names."""
        files = sorted(what.glob("*.yaml")) if isinstance(what, Path) and what.is_dir() else [what]
        texts = [file.read_text() if isinstance(file, Path) else file for file in files]
        return [str(self.api.apply(one)["metadata"]["name"]) for text in texts for one in manifests(text)]

    def install_crds(self, directory: Path) -> None:
        """Apply CustomResourceDefinitions and wait until the API server serves them."""
        self.wait_until_read(*self.apply(directory))

    def remove_crds(self, *names: str) -> None:
        """Delete CustomResourceDefinitions, those that are there, and wait until they are gone."""
        found = [name for name in names if not self._lacks(name)]
        self.wait_until_read(*found)
        for name in found:
            self.api.delete("customresourcedefinitions", name)
        for name in found:
            self._wait(f"the end of {name}", partial(self._lacks, name), "kube-apiserver")

    def wait_until_read(self, *names: str) -> None:
        """Read every kind once, so that the API server has opened its storage.

        Until then it answers "storage is (re)initializing", to watches, too. A definition must not be deleted before:
        the API server's finaliser of definitions gets that answer, and when its informer is behind at its next try,
        that try ends in a conflict with its own earlier write, which wakes nobody. The definition then stays until the
        informer's resync, five minutes later.
        """
        for name in names:
            self._wait(f"an answer of {name}", partial(self._answers, name), "kube-apiserver")

    def _answers(self, definition: str) -> bool:
        """Whether the objects of a kind can be listed."""
        found = self.api.get("customresourcedefinitions", definition)
        if not found:
            return False
        spec = found["spec"]
        version = next(one["name"] for one in spec["versions"] if one["served"])
        return not self.api.ask("GET", f"/apis/{spec['group']}/{version}/{spec['names']['plural']}").refused

    def _lacks(self, definition: str) -> bool:
        return self.api.get("customresourcedefinitions", definition) is None

    def wait_until_admitted(self, manifest: Mapping[str, Any]) -> None:
        """Wait until the API server decides about such an object, by trying to create it without storing it.

        A MutatingAdmissionPolicy with an apply configuration needs the schema of the kind, which the API server reads
        a moment after it serves the kind. Until then it answers every write with ServiceUnavailable.
        """

        def decided() -> bool:
            return self.api.judge_new(manifest).status != http.client.SERVICE_UNAVAILABLE

        self._wait("admission of a new kind", decided, "kube-apiserver")

    def _prepare(self, directory: Path) -> None:
        self._authority = Authority(directory)
        ports = free_ports(5)
        self._admin = self._authority.client("admin", ["system:masters"])
        self._server = kubeconfig.Server(url=f"https://127.0.0.1:{ports[2]}", ca=self._authority.certificate)
        self._layout = Layout(
            directory=directory,
            ca=self._authority.certificate,
            serving=self._authority.server("apiserver"),
            service_account_key=service_account_key(directory / "sa.key"),
            admin_kubeconfig=kubeconfig.with_certificate(
                directory / "admin.kubeconfig", server=self._server, user="admin", pair=self._admin
            ),
            etcd_client=ports[0],
            etcd_peer=ports[1],
            apiserver=ports[2],
            controller_manager=ports[3],
            scheduler=ports[4],
        )

    def _wait(self, what: str, ready: Callable[[], bool], component: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        child = self._children[component]
        while not ready():
            if not child.running or time.monotonic() > deadline:
                how = f"exited with {child.exit_code}" if not child.running else f"not ready in {READY_SECONDS:.0f} s"
                raise ControlPlaneError(f"{what}: {how}. The end of {child.log}:\n{child.tail()}")
            time.sleep(0.05)

    def _ready(self, component: str) -> bool:
        if component == "etcd":
            return self._get(f"http://127.0.0.1:{self._layout.etcd_client}/health")
        path = "readyz" if component == "kube-apiserver" else "healthz"
        return self._get(f"https://127.0.0.1:{self._layout.port(component)}/{path}")

    def _get(self, url: str) -> bool:
        """Whether the URL answers 200. Controller-manager and scheduler serve a self-signed certificate."""
        context = ssl._create_unverified_context()
        if url.startswith(self.url):
            context.load_cert_chain(self._admin.certificate, self._admin.key)
        try:
            with urllib.request.urlopen(url, timeout=5, context=context) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _default_service_account(self) -> bool:
        return self._get(f"{self.url}/api/v1/namespaces/default/serviceaccounts/default")
