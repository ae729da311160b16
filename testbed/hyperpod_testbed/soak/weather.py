"""AWS's side of a soak: trouble of every kind that comes and goes by chance.

Episodes are short against the run and overlap; a share of the time is calm, so that work gets done. Lag stays
below what the operator is configured to expect (`--visibility-seconds`, `--propagation-window-seconds`): beyond that
no client can tell a slow AWS from an empty one.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hyperpod_testbed.simulator import Fault, Simulator

MUTATIONS = ("CreateCluster", "UpdateCluster", "DeleteCluster", "AddTags", "DeleteTags")
LAG_SECONDS = 1.0
"""Longest lag of reads in real seconds."""


@dataclass(frozen=True)
class _Episode:
    word: str
    ends: float
    end: Callable[[], None]


class Weather:
    """Starts and ends episodes; `now` is in real seconds of any clock that only goes forward."""

    def __init__(
        self,
        simulator: Simulator,
        *,
        clusters: Sequence[str],
        speed: float,
        chance: random.Random,
        every: float = 3.0,
    ) -> None:
        self._simulator = simulator
        self._clusters = tuple(clusters)
        self._speed = speed
        self._chance = chance
        self._every = every
        self._next = 0.0
        self._episodes: list[_Episode] = []
        self.seen: Counter[str] = Counter()

    def step(self, now: float) -> None:
        """End what is over; perhaps begin something."""
        over = [episode for episode in self._episodes if episode.ends <= now]
        self._episodes = [episode for episode in self._episodes if episode.ends > now]
        for episode in over:
            episode.end()
        if now < self._next:
            return
        self._next = now + self._chance.uniform(0.5, 1.5) * self._every
        kind = self._chance.choice([self._throttle, self._errors, self._drops, self._silent, self._slow, self._lag])
        word, end = self._shortage() if self._chance.random() < 0.25 else kind()
        self.seen[word] += 1
        self._episodes.append(_Episode(word, now + self._chance.uniform(0.5, 1.5) * self._every, end))

    def clear(self) -> None:
        """Fine weather at once."""
        for episode in self._episodes:
            episode.end()
        self._episodes = []
        self._simulator.faults.clear()

    def _throttle(self) -> tuple[str, Callable[[], None]]:
        return "throttling", self._fault(Fault("*", "throttle", probability=self._chance.uniform(0.3, 0.9)))

    def _errors(self) -> tuple[str, Callable[[], None]]:
        return "500s", self._fault(Fault("*", "error", probability=self._chance.uniform(0.2, 0.6)))

    def _drops(self) -> tuple[str, Callable[[], None]]:
        return "drops before", self._fault(Fault("*", "drop", probability=self._chance.uniform(0.2, 0.5)))

    def _silent(self) -> tuple[str, Callable[[], None]]:
        """The work is done and nobody hears of it: the worst of all for a client without tokens."""
        ends = [self._fault(Fault(name, "commit_then_drop", probability=0.8)) for name in MUTATIONS]

        def end() -> None:
            for one in ends:
                one()

        return "drops after", end

    def _slow(self) -> tuple[str, Callable[[], None]]:
        fault = Fault("*", "delay", seconds=self._chance.uniform(0.3, 2.0), probability=0.5)
        return "delays", self._fault(fault)

    def _lag(self) -> tuple[str, Callable[[], None]]:
        settings = self._simulator.settings
        lag = LAG_SECONDS * self._speed
        settings.set_options(describe_lag=lag, list_lag=lag, create_lag=lag)
        return "lagging reads", lambda: settings.set_options(describe_lag=0.0, list_lag=0.0, create_lag=0.0)

    def _shortage(self) -> tuple[str, Callable[[], None]]:
        cluster, group = self._chance.choice(self._clusters), f"g{self._chance.randint(0, 3)}"
        self._simulator.world.limit_capacity(cluster, group, self._chance.randint(0, 2))
        return "shortage", lambda: self._simulator.world.restore_capacity(cluster, group)

    def _fault(self, fault: Fault) -> Callable[[], None]:
        number = self._simulator.faults.add(fault)
        return lambda: self._simulator.faults.remove(number)
