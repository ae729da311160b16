"""The simulator as a test or a process uses it."""

from pathlib import Path
from types import TracebackType
from typing import Self, cast

from hyperpod_testbed.simulator.api import Api
from hyperpod_testbed.simulator.client import environment
from hyperpod_testbed.simulator.clock import SimulatedClock
from hyperpod_testbed.simulator.control import Control
from hyperpod_testbed.simulator.core import Core, Settings
from hyperpod_testbed.simulator.ebs.scripts import Ebs
from hyperpod_testbed.simulator.health import Health
from hyperpod_testbed.simulator.nodes import NodeBringer
from hyperpod_testbed.simulator.options import Options, Timings
from hyperpod_testbed.simulator.prerequisites.control import Prerequisites
from hyperpod_testbed.simulator.server import Server, every
from hyperpod_testbed.simulator.state import DEFAULT_REGION
from hyperpod_testbed.simulator.wire import Reply, Request
from hyperpod_testbed.simulator.world import World

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
        self.health = Health(self.core)
        self.ebs = Ebs(self.core)
        self.prerequisites = Prerequisites(self.core)
        self.nodes = NodeBringer(self.core, kubeconfig)
        self._control = Control(
            {
                "log": self.log,
                "faults": self.faults,
                "clock": self.clock,
                "access": self.access,
                "world": self.world,
                "health": self.health,
                "ebs": self.ebs,
                "prerequisites": self.prerequisites,
                "settings": self.settings,
                "nodes": self.nodes,
            }
        )
        self._api = Api(self.core)
        self._server = Server(self._api, self._control, port=port, background=[self._tick, self.nodes.run])

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
    def listening(self) -> bool:
        """Whether calls to `url` are answered."""
        return self._server.listening

    def answer(self, asked: Request, *, request_id: str) -> Reply:
        """What the socket would answer, in the caller's thread; raises ConnectionDroppedError as `Api.handle` does.

        For calls that no fault delays: there is nothing else that they wait for.
        """
        work = self._api.handle(asked, request_id=request_id)
        try:
            work.send(None)
        except StopIteration as end:
            return cast(Reply, end.value)
        work.close()
        raise RuntimeError("the call waits for something; send it over HTTP")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    def environment(self, *, region: str = DEFAULT_REGION) -> dict[str, str]:
        """The environment variables that bring a process with boto3 here and nowhere else."""
        return environment(self.url, region=region)

    async def _tick(self) -> None:
        def look() -> None:
            with self.core.present():
                pass

        await every(TICK, look)
