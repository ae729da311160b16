"""The simulator as a test or a process uses it."""

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from hyperpod_testbed.simulator.api import Api
from hyperpod_testbed.simulator.clock import SimulatedClock
from hyperpod_testbed.simulator.control import Control
from hyperpod_testbed.simulator.core import Core, Settings
from hyperpod_testbed.simulator.nodes import NodeBringer
from hyperpod_testbed.simulator.options import Options, Timings
from hyperpod_testbed.simulator.server import Server, every
from hyperpod_testbed.simulator.world import DEFAULT_REGION, World

TICK = 0.1
"""Real seconds between looks at the clock while no one calls."""


class SimulatorFaultError(AssertionError):
    """The simulator answered against the API model: it is at fault, not what was tested."""


class Simulator:
    """A SageMaker HyperPod endpoint. Not started until `start` or the `with` statement.

    `speed` is simulated seconds per real second, 0 for a clock that only `clock.advance` moves. With a kubeconfig the
    instances appear as Node objects in that cluster.
    """

    def __init__(
        self,
        account: str = "123456789012",
        *,
        speed: float = 1.0,
        timings: Timings | None = None,
        options: Options | None = None,
        seed: int = 0,
        kubeconfig: str | Path | None = None,
        port: int = 0,
        start: float | None = None,
    ) -> None:
        self.account = account
        self.clock = SimulatedClock(speed=speed, start=start)
        self.core = Core(
            account=account,
            clock=self.clock,
            timings=timings or Timings(),
            options=options or Options(),
            seed=seed,
        )
        """The account itself, for what the rest of this class does not offer; hold its lock."""
        self.log = self.core.log
        self.faults = self.core.faults
        self.access = self.core.access
        self.world = World(self.core)
        self.settings = Settings(self.core)
        self._control = Control(
            {
                "log": self.log,
                "faults": self.faults,
                "clock": self.clock,
                "access": self.access,
                "world": self.world,
                "settings": self.settings,
            }
        )
        self._nodes = NodeBringer(self.core, kubeconfig) if kubeconfig else None
        background = [self._tick, *([self._nodes.run] if self._nodes else [])]
        self._server = Server(Api(self.core), self._control, port=port, background=background)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if kind is None and self.core.broken_responses:
            raise SimulatorFaultError("; ".join(self.core.broken_responses))

    def start(self) -> Self:
        """Listen; returns when calls are answered."""
        self._server.start()
        return self

    def stop(self) -> None:
        """Close the socket and end the thread."""
        self._server.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    def environment(self, *, region: str = DEFAULT_REGION) -> dict[str, str]:
        """The environment variables that bring a process with boto3 here and nowhere else."""
        return {
            "AWS_ENDPOINT_URL_SAGEMAKER": self.url,
            "AWS_ENDPOINT_URL_STS": self.url,
            "AWS_ACCESS_KEY_ID": "TESTBED",
            "AWS_SECRET_ACCESS_KEY": "testbed",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def wait_for_nodes(self, *, timeout: float = 60.0) -> None:
        """Wait until the Kubernetes cluster has exactly the nodes of the instances; `timeout` in real seconds."""
        if self._nodes is None:
            return
        deadline = time.monotonic() + timeout
        while not self._nodes.in_step:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the nodes were not in step with the instances within {timeout:.0f} s")
            time.sleep(0.05)

    def remove_nodes(self, *, timeout: float = 60.0) -> None:
        """Delete every node that was brought, and bring none until `bring_nodes`."""
        if self._nodes is not None:
            self._nodes.remove_all()
            self.wait_for_nodes(timeout=timeout)

    def bring_nodes(self) -> None:
        """Bring nodes again after `remove_nodes`."""
        if self._nodes is not None:
            self._nodes.bring_again()

    async def _tick(self) -> None:
        def look() -> None:
            with self.core.present():
                pass

        await every(TICK, look)
