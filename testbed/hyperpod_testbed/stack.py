"""Everything at once: a control plane, the simulator in AWS's place, and the real operator as a process.

The operator is started as a user would start it, by its command, with nothing but flags and environment, under the
chart's service account with its roles and admission policies. Its pauses are shortened by flags, because the
simulator's clock runs fast.
"""

import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from hyperpod_testbed import account
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.fork_server import VARIABLE, Forked
from hyperpod_testbed.processes import Child, Process, free_ports
from hyperpod_testbed.simulator import Options, Simulator, Timings

ROOT = Path(__file__).parents[2]
"""The checkout: crds/ and examples/ are taken from it."""

ACCOUNT = "111122223333"
"""The account of the examples."""

FAST = (
    "--no-leader-election",
    "--poll-seconds=0.5",
    "--debounce-seconds=0.5",
    "--propagation-window-seconds=3",
    "--visibility-seconds=5",
    "--deletion-confirmation-seconds=1",
    "--adoption-notice-seconds=1",
    "--resync-seconds=5",
    "--full-sync-seconds=10",
    "--aws-reads-per-second=0",
    "--aws-writes-per-second=0",
)
"""Flags for a clock that runs fast: what takes AWS minutes takes the simulator moments."""

READY_SECONDS = 60.0

COMMAND = (str(Path(sys.executable).parent / "hyperpod-operator"),)
"""The operator's command, as it is installed."""

NODE_LABEL = "sagemaker.amazonaws.com/cluster-name"
"""On each Node of the simulator."""


class OperatorProcess:
    """`hyperpod-operator run` as a process.

    `program` is what runs the command without `run`. Where it is not given, the fork server of the environment starts
    the process if there is one, and else the installed command.
    """

    def __init__(
        self,
        *,
        kubeconfig: Path,
        environment: Mapping[str, str],
        log: Path,
        flags: Sequence[str] = FAST,
        log_format: str = "json",
        program: Sequence[str] | None = None,
    ) -> None:
        self.probe_port, self.metrics_port = free_ports(2)
        self.log = log
        self._fork_server = os.environ.get(VARIABLE) if program is None else None
        command = [
            *(COMMAND if program is None else program),
            "run",
            f"--health-probe-bind-address=127.0.0.1:{self.probe_port}",
            f"--metrics-bind-address=127.0.0.1:{self.metrics_port}",
            f"--log-format={log_format}",
            *flags,
        ]
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self._command = command
        self._env = {**own, **environment, "KUBECONFIG": str(kubeconfig)}
        self._child: Process | None = None

    def start(self, *, wait: bool = True) -> Self:
        """Start it and wait until it is ready; raises with the end of its log when it ends instead."""
        self._child = self._started()
        deadline = time.monotonic() + READY_SECONDS
        while wait and self.get("/readyz")[0] != 200:
            if not self._child.running or time.monotonic() > deadline:
                raise RuntimeError(f"the operator is not ready. The end of {self.log}:\n{self._child.tail(40)}")
            time.sleep(0.05)
        return self

    def _started(self) -> Process:
        if self._fork_server:
            server = Path(self._fork_server)
            return Forked("operator", self._command, server=server, log=self.log, env=self._env)
        return Child("operator", self._command, log=self.log, env=self._env)

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of one of its pages; status 0 when it does not answer."""
        port = self.metrics_port if path == "/metrics" else self.probe_port
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except (urllib.error.URLError, OSError):
            return 0, ""

    @property
    def child(self) -> Process:
        if self._child is None:
            raise RuntimeError("the operator was not started; call start()")
        return self._child

    def stop(self) -> int | None:
        """Ask it to stop, as Kubernetes does; returns its exit code."""
        if self._child is None:
            return None
        self._child.stop(grace=30.0)
        return self._child.exit_code


class Stack:
    """Control plane, simulator and operator together. `speed` is how many simulated seconds pass in one.

    Once it is entered, `kubeconfig` is the operator's own. Without `chart_account` the operator is an administrator,
    which needs no helm to render the chart. `program` is what runs the operator's command.
    """

    def __init__(
        self,
        *,
        speed: float = 60.0,
        timings: Timings | None = None,
        options: Options | None = None,
        flags: Sequence[str] = FAST,
        plane: ControlPlane | None = None,
        log_format: str = "json",
        chart_account: bool = True,
        program: Sequence[str] | None = None,
    ) -> None:
        self._own_plane = plane is None
        self.plane = plane or ControlPlane()
        self._speed, self._timings, self._options = speed, timings, options
        self._flags, self._log_format, self._chart_account = flags, log_format, chart_account
        self._program = program

    def __enter__(self) -> Self:
        if self._own_plane:
            self.plane.start_all()
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _start(self) -> None:
        self.plane.install_crds(ROOT / "crds")
        self.simulator = Simulator(
            account=ACCOUNT,
            speed=self._speed,
            timings=self._timings or Timings(),
            options=self._options or Options.crowded(),
            kubeconfig=self.plane.kubeconfig,
        )
        self.simulator.__enter__()
        self.kubeconfig = account.install(self.plane) if self._chart_account else account.administrator(self.plane)
        self.operator = OperatorProcess(
            kubeconfig=self.kubeconfig,
            environment=self.simulator.environment(),
            log=self.plane.directory / "operator.log",
            flags=(*account.FLAGS, *self._flags),
            log_format=self._log_format,
            program=self._program,
        ).start()

    def _stop(self) -> None:
        """The operator first: a stopped simulator would look to it like an unreachable AWS."""
        if hasattr(self, "operator"):
            self.operator.stop()
        if hasattr(self, "simulator"):
            self.simulator.__exit__(None, None, None)
        if self._own_plane:
            self.plane.stop_all()
        elif hasattr(self, "simulator"):
            # The simulator of the next test gives its clusters the same ids: it would find their Nodes and pods.
            self.plane.api.delete_all("nodes", labels=NODE_LABEL)
