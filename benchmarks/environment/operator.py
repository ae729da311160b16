"""The operator as a user starts it: its command, with default flags but those that a claim names."""

import http.client
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.environment.faults import BenchmarkError
from benchmarks.nodes.process import cpu_seconds, memory_mb
from hyperpod_testbed.processes import Child, free_ports

READY_SECONDS = 60.0
ENDED_SECONDS = 10.0
LOOK = 0.01
"""Seconds between two looks at /readyz: the error of a measured start."""


class Operator:
    """One process from its start to its orderly stop, which gives the Lease back."""

    def __init__(
        self,
        *,
        kubeconfig: Path,
        environment: Mapping[str, str],
        log: Path,
        flags: Sequence[str] = (),
        profile: Path | None = None,
    ) -> None:
        self.probe_port, self.metrics_port = free_ports(2)
        command = [str(Path(sys.executable).parent / "hyperpod-operator")]
        if profile:
            command = [sys.executable, "-m", "benchmarks.environment.profiled", str(profile)]
        addresses = {"health-probe": self.probe_port, "metrics": self.metrics_port}
        self._command = [
            *command,
            "run",
            *(f"--{name}-bind-address=127.0.0.1:{port}" for name, port in addresses.items()),
            *flags,
        ]
        own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "HYPERPOD_"))}
        self._env = {**own, **environment, "KUBECONFIG": str(kubeconfig)}
        self._log = log
        self.started_at = 0.0
        """Wall-clock time right before the process was made."""

    def __enter__(self) -> Self:
        self.started_at = time.time()
        self._killed = False
        self._child = Child("operator", self._command, log=self._log, env=self._env)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._killed:
            return
        self._child.stop(grace=30.0)
        if kind is None and self._child.exit_code != 0:
            raise BenchmarkError(f"the operator ended with {self._child.exit_code}:\n{self._child.tail(20)}")

    @property
    def pid(self) -> int:
        return self._child.pid

    def kill(self) -> float:
        """End it without any farewell; the wall-clock time at which that was asked for."""
        asked = time.time()
        self._killed = True
        self._child.signal(signal.SIGKILL)
        self._child.wait(ENDED_SECONDS)
        return asked

    def wait_ready(self) -> float:
        """Wait until /readyz says so; returns the wall-clock time."""
        deadline = time.monotonic() + READY_SECONDS
        while not self._ready():
            if not self._child.running or time.monotonic() > deadline:
                raise BenchmarkError(f"the operator is not ready. The end of its log:\n{self._child.tail(20)}")
            time.sleep(LOOK)
        return time.time()

    def cpu(self) -> float:
        """CPU-seconds of all its threads since its start."""
        return cpu_seconds(self.pid)

    def memory(self) -> float:
        """Resident memory in MB (10^6 bytes)."""
        return memory_mb(self.pid)

    def peak_memory(self) -> float:
        """The most that it ever was, in MB."""
        return memory_mb(self.pid, "VmHWM")

    def _ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.probe_port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
