"""AWS: the simulator in a process of its own, so that it shares no interpreter with what measures."""

import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.environment.faults import BenchmarkError
from hyperpod_testbed.processes import Child, free_ports
from hyperpod_testbed.simulator.calls import Call
from hyperpod_testbed.simulator.client import SimulatorClient, SimulatorUnreachableError
from hyperpod_testbed.simulator.faults import Fault
from hyperpod_testbed.stack import ACCOUNT

START_SECONDS = 60.0
AT_ONCE = ("cluster_setup", "allocate", "boot", "lifecycle_script", "jitter")
"""What AWS takes minutes for is done at once: what is measured is the operator's time, not AWS's."""


class Aws:
    """The simulator's command and its controls. Instances come at once, and bring no Node objects."""

    def __init__(self, *, log: Path, round_trip: float = 0.0) -> None:
        self._log, self._round_trip = log, round_trip
        self._port = free_ports(1)[0]
        self._controls = SimulatorClient(f"http://127.0.0.1:{self._port}")

    def __enter__(self) -> Self:
        command = str(Path(sys.executable).parent / "hyperpod-testbed")
        flags = ("simulator", f"--port={self._port}", f"--account={ACCOUNT}", "--speed=1", "--crowded")
        self.child = Child("simulator", [command, *flags], log=self._log, env=os.environ)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if not self.child.running or time.monotonic() > deadline:
                raise BenchmarkError(f"the simulator does not answer. The end of its output:\n{self.child.tail(20)}")
            time.sleep(0.05)
        self._controls.settings.set_timings(**dict.fromkeys(AT_ONCE, 0.0))
        if self._round_trip:
            self._controls.faults.add(Fault(operation="*", kind="delay", seconds=self._round_trip))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        broken = self._controls.settings.broken_responses() if kind is None else []
        self.child.stop()
        if broken:
            raise BenchmarkError(
                f"the simulator answered against the API model, so this run proves nothing: {broken[0]}"
            )

    def environment(self) -> dict[str, str]:
        return self._controls.environment()

    def position(self) -> int:
        """How many calls there were: the `since` of those to come."""
        return self._controls.log.size()

    def calls(self, operation: str | None = None, *, mutating: bool | None = None, since: int = 0) -> list[Call]:
        """The calls that arrived, with the wall-clock time of their arrival."""
        return self._controls.log.calls(operation=operation, mutating=mutating, since=since)

    def wait(self, operation: str, *, count: int, since: int, seconds: float) -> list[Call]:
        """Wait until so many calls of an operation came. Only sizes are asked for until that may be so."""
        deadline, found = time.monotonic() + seconds, list[Call]()
        step = count
        while time.monotonic() < deadline:
            if self.position() - since >= step:
                found = self.calls(operation, since=since)
                if len(found) >= count:
                    return found
                step = self.position() - since + count - len(found)
            time.sleep(0.2)
        raise BenchmarkError(f"{len(found)} of {count} {operation} came within {seconds:.0f} s")

    def _answers(self) -> bool:
        try:
            self.position()
        except (SimulatorUnreachableError, OSError):
            return False
        return True
