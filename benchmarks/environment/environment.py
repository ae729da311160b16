"""API server and AWS, up and empty, and operators as a claim asks for them.

Of the control plane only etcd and the API server run: scheduler and controller-manager take part in nothing that
is measured here, and would take their share of two cores.
"""

import http.client
import itertools
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from benchmarks.environment.audit import USER, AuditLog
from benchmarks.environment.aws import Aws
from benchmarks.environment.objects import Objects, connect
from benchmarks.environment.operator import Operator
from benchmarks.environment.progress import Progress
from benchmarks.nodes.process import pinned
from hyperpod_operator.api.names import CLUSTER_PLURAL
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.stack import ROOT

API_SERVER = "kube-apiserver"
NO_FLAGS: Mapping[str, Sequence[str]] = MappingProxyType({})
LIFTED = ("--aws-reads-per-second=0", "--aws-writes-per-second=0")
"""Flags that lift the operator's own AWS budget: otherwise its patience would be measured, not its speed."""


class Environment:
    """For a `with` statement. `round_trip` is what each AWS call takes at least, in seconds.

    Every log is kept under `logs`, and a profile of every operator under `profiles`, where these are given. With
    `lists` the audit log has the operator's lists beside its writes. `flags` are more of them for etcd and the API
    server, which have `core` to themselves where one is given; AWS runs where there is room.
    """

    def __init__(
        self,
        *,
        round_trip: float = 0.0,
        lists: bool = False,
        flags: Mapping[str, Sequence[str]] = NO_FLAGS,
        core: int | None = None,
        logs: Path | None = None,
        profiles: Path | None = None,
    ) -> None:
        self._round_trip, self._lists, self._logs, self._profiles = round_trip, lists, logs, profiles
        self._flags, self._core = flags, core
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def operator(self, *flags: str) -> Operator:
        """An operator that is not started yet, with a user of its own that may do everything."""
        name = f"operator-{next(self._numbers)}"
        return Operator(
            kubeconfig=self._kubeconfig,
            environment=self.aws.environment(),
            log=self.directory / f"{name}.log",
            flags=flags,
            profile=self._profiles and self._profiles / self.directory.name / name,
        )

    def connection(self) -> http.client.HTTPSConnection:
        """A new connection to the API server, as the cluster administrator."""
        return self._connect()

    def arns(self) -> list[str]:
        """Of all clusters, as their status has them; each has to have one."""
        return [item["status"]["clusterArn"] for item in self.plane.api.list(CLUSTER_PLURAL)]

    def progress(self) -> Progress:
        return Progress(self._connect)

    def _open(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="hyperpod-benchmark-"))
        self._stack.callback(self._clear)
        self.audit = AuditLog(self.directory, lists=self._lists)
        flags = {**self._flags, API_SERVER: (*self.audit.flags, *self._flags.get(API_SERVER, ()))}
        self.plane = ControlPlane(components=frozenset({"etcd", API_SERVER}), extra_args=flags)
        with nullcontext() if self._core is None else pinned(self._core):
            self._stack.enter_context(self.plane)
        self._kubeconfig = self.plane.user_kubeconfig(USER, ["system:masters"])
        self._connect = connect(self.plane)
        self.objects = Objects(self._connect)
        self.plane.install_crds(ROOT / "crds")
        self.aws = self._stack.enter_context(Aws(log=self.directory / "simulator.log", round_trip=self._round_trip))

    def _clear(self) -> None:
        if self._logs:
            kept = self._logs / self.directory.name
            shutil.copytree(self.directory, kept)
        shutil.rmtree(self.directory, ignore_errors=True)
