"""The simulated account under one lock: what the HTTP side, the world events and the node bringer share."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

from hyperpod_testbed.simulator import checks, present, present_nodes, progress
from hyperpod_testbed.simulator.access import Access
from hyperpod_testbed.simulator.calls import CallLog
from hyperpod_testbed.simulator.clock import SimulatedClock
from hyperpod_testbed.simulator.faults import Faults
from hyperpod_testbed.simulator.lag import Lag
from hyperpod_testbed.simulator.names import Names
from hyperpod_testbed.simulator.options import Options, Timings
from hyperpod_testbed.simulator.prerequisites.resources import Inventory
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Account
from hyperpod_testbed.simulator.throttle import Throttle
from hyperpod_testbed.simulator.timeline import Timeline
from hyperpod_testbed.simulator.verbs import verb


class Core:
    """One simulated account and everything that is true of it."""

    def __init__(self, *, account: str, clock: SimulatedClock, timings: Timings, options: Options, seed: int) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.log = CallLog()
        self.faults = Faults(seed=seed)
        self.access = Access(account=account)
        self.throttle = Throttle()
        self.lag = Lag()
        self._changes = 0
        self.broken_responses: list[str] = []
        """Responses that did not fit the API model: faults of the simulator itself."""
        self._sim = Simulation(
            account=Account(account),
            clock=clock,
            timeline=Timeline(clock),
            names=Names(seed),
            timings=timings,
            options=options,
            review=progress.review,
            up=checks.up,
            denied=self.access.denied_to_all,
        )

    @contextmanager
    def present(self) -> Iterator[Simulation]:
        """The simulation, brought to the present, for the holder of the lock."""
        with self.lock:
            self._sim.timeline.advance(before_step=self._before_step)
            yield self._sim

    @contextmanager
    def change(self) -> Iterator[Simulation]:
        """As `present`, for whoever is about to change something."""
        with self.present() as sim:
            self._changes += 1
            self._before_step()
            yield sim

    def _before_step(self) -> None:
        for region in self._sim.account.regions.values():
            self.lag.before_change(self._sim, region)

    @property
    def version(self) -> tuple[int, int]:
        """Another value whenever anything may have changed."""
        return self._sim.timeline.done, self._changes


class Settings:
    """Options, timings, and the state as a whole."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @verb
    def set_options(self, **changes: Any) -> None:
        """Change options by name; the world goes on from where it is."""
        with self._core.change() as sim:
            sim.options = sim.options.changed(**changes)

    @verb
    def set_timings(self, **changes: float) -> None:
        """Change timings by name; what is under way keeps its own."""
        with self._core.change() as sim:
            sim.timings = replace(sim.timings, **changes)

    @verb
    def timings(self) -> JSON:
        """The timings in force."""
        with self._core.present() as sim:
            return asdict(sim.timings)

    @verb
    def options(self) -> JSON:
        """The options in force."""
        with self._core.present() as sim:
            names = sim.options.__dataclass_fields__
            values = {name: getattr(sim.options, name) for name in names}
            maps = {name: dict(value) for name, value in values.items() if isinstance(value, Mapping)}
            return {**values, **maps}

    @verb
    def dump(self) -> JSON:
        """All clusters with their nodes and tags, as the API would show them without lag, by region and name."""
        with self._core.present() as sim:
            return {
                region.name: {
                    cluster.name: {
                        **present.cluster_details(sim, cluster),
                        "Tags": dict(sorted(cluster.tags.items())),
                        "Nodes": [present_nodes.node_details(sim, cluster, one) for one in cluster.instances.values()],
                    }
                    for cluster in region.clusters.values()
                }
                for region in sim.account.regions.values()
            }

    @verb
    def reset(self) -> None:
        """Forget clusters, faults, denials, the weather and the log; options, timings and clock stay."""
        core = self._core
        with core.change() as sim:
            sim.account.regions.clear()
            sim.account.inventory = Inventory()
            sim.timeline.clear()
            sim.conditions = type(sim.conditions)()
            core.faults.clear()
            core.access.clear()
            core.log.clear()
            core.broken_responses.clear()
            core.lag = Lag()

    @verb
    def broken_responses(self) -> list[str]:
        """What the simulator answered against the API model; a test run expects none."""
        with self._core.lock:
            return list(self._core.broken_responses)
