"""The soak itself: turbulence with restarts, a long life of one process, calm, and the end of everything.

The restarts come first and the long life after them, because a slope needs one process that lives long. Edits and
trouble go on through both. Then AWS is well and nobody edits: whatever happened, every cluster becomes Ready as it
was last asked for, or is gone.
"""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from hyperpod_testbed.custom_objects import CustomObjects
from hyperpod_testbed.soak import convergence, vitals
from hyperpod_testbed.soak.fleet import Fleet
from hyperpod_testbed.soak.invariants import Breach, Invariants
from hyperpod_testbed.soak.vitals import Growth, Sample, Trend
from hyperpod_testbed.soak.weather import Weather
from hyperpod_testbed.stack import Stack

Say = Callable[[str], None]

WAYS_TO_END = ("SIGKILL", "SIGTERM")


@dataclass(frozen=True, kw_only=True)
class SoakPlan:
    """How long and how hard. Seconds are real ones."""

    seed: int
    seconds: float
    """Of edits and faults; calm and end come on top."""
    clusters: int = 16
    speed: float = 300.0
    edit_every: float = 0.5
    trouble_every: float = 3.0
    restart_every: float = 60.0
    turbulence: float = 0.4
    """Share of the time in which the operator is restarted again and again."""
    restarts: bool = True
    """Without, one process lives through all of it."""
    warm_up: float = 120.0
    """Of a process's life, before its trend counts."""
    alone: float = 330.0
    """How long after the last trouble the operator gets to converge by itself: its longest backoff and a bit."""
    patience: float = 120.0
    """How long after that, asked by annotation again and again as a person would."""
    line_every: float = 60.0
    sample_every: float = 2.0


@dataclass
class SoakResult:
    """What came of it."""

    breaches: list[Breach] = field(default_factory=list)
    trends: list[Trend] = field(default_factory=list)
    moves: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    restarts: Counter[str] = field(default_factory=Counter)
    busiest_cluster: int = 0
    busiest_minute: int = 0
    unattributed: int = 0
    longest_life: float = 0.0
    growth: list[Growth] = field(default_factory=list)
    """In the second half of the last life, as long as there were edits."""
    converged_alone: float | None = None
    """Seconds until everything was as asked for without anybody's help; None when it took help."""
    asked: int = 0


class Soak:
    """One run in one namespace of a stack. `at_halves` is called after half of the edits, and after all of them."""

    def __init__(
        self,
        stack: Stack,
        plan: SoakPlan,
        *,
        namespace: str,
        say: Say = print,
        at_halves: Callable[[], None] = lambda: None,
    ) -> None:
        chance = random.Random(plan.seed)
        names = [f"{namespace}-{number}" for number in range(plan.clusters)]
        self._stack, self._plan, self._say, self._at_halves = stack, plan, say, at_halves
        self.objects = CustomObjects(stack.plane, namespace=namespace)
        self.fleet = Fleet(self.objects, names=names, chance=random.Random(chance.random()))
        self.weather = Weather(
            stack.simulator,
            clusters=sorted(self.fleet.continuous),
            speed=plan.speed,
            chance=random.Random(chance.random()),
            every=plan.trouble_every,
        )
        self.invariants = Invariants(stack.simulator, self.fleet)
        self._chance = random.Random(chance.random())
        self._result = SoakResult()
        self._lives: list[list[Sample]] = [[]]
        self._started = time.monotonic()
        self._due: dict[str, float] = {}
        self._edited: list[Sample] = []
        """Samples of the last life, until the edits end."""

    def run(self) -> SoakResult:
        """All of it; the breaches are in the result."""
        self._say(f"--seed {self._plan.seed}, {self._plan.clusters} clusters, {self._plan.seconds:.0f} s")
        end = self._started + self._plan.seconds
        turbulent = self._started + self._plan.seconds * self._plan.turbulence
        restart = self._started + self._plan.restart_every
        half: float | None = self._started + self._plan.seconds / 2
        while (now := time.monotonic()) < end:
            # A slow machine gets one restart of each kind all the same.
            restless = now < turbulent or len(self._result.restarts) < len(WAYS_TO_END)
            if self._plan.restarts and restart <= now and restless:
                self._restart()
                restart = time.monotonic() + self._chance.uniform(0.6, 1.4) * self._plan.restart_every
            if half is not None and half <= now:
                self._at_halves()
                half = None
            if self._is_due("edit", self._plan.edit_every):
                self.fleet.move()
                self.invariants.resumed()
            self.weather.step(now)
            self._watch()
            time.sleep(0.05)
        self._at_halves()
        self._edited = list(self._lives[-1])
        self._calm()
        self._end()
        return self._summed()

    def _watch(self) -> None:
        """Everything that is looked at all along."""
        if self._is_due("look", 0.5):
            found = self.objects.all()
            self.fleet.refresh({item["metadata"]["uid"] for item in found})
            self.invariants.paused(found)
            self.invariants.look()
            self._alive()
        if self._is_due("sample", self._plan.sample_every):
            ports = {urlsplit(url).port or 0 for url in (self._stack.simulator.url, self._stack.plane.url)}
            if one := vitals.sample(self._stack.operator, at=time.monotonic(), ports=ports):
                self._lives[-1].append(one)
        if self._is_due("line", self._plan.line_every):
            self._say(self._line())

    def _alive(self) -> None:
        child = self._stack.operator.child
        if not child.running:
            self._breach("the operator ended by itself", f"exit code {child.exit_code}\n{child.tail(20)}")
            self._stack.operator.start()
            self._lives.append([])

    def _restart(self) -> None:
        """SIGKILL and SIGTERM in turn; then the same command anew, in whatever weather it is."""
        operator = self._stack.operator
        way = WAYS_TO_END[self._result.restarts.total() % len(WAYS_TO_END)]
        self._result.restarts[way] += 1
        if way == "SIGKILL":
            operator.child.signal(signal.SIGKILL)
            operator.child.wait(10)
        else:
            code = operator.stop()
            if code != 0:
                self._breach("SIGTERM did not end in order", f"exit code {code}\n{operator.child.tail(20)}")
        operator.start()
        self._lives.append([])

    def _calm(self) -> None:
        self.weather.clear()
        self.fleet.resume_all()
        self.invariants.resumed()
        began = time.monotonic()
        if left := self._wait(self._open, self._plan.alone):
            self._say(f"after {self._plan.alone:.0f} s alone: {'; '.join(left)}")
        else:
            self._result.converged_alone = time.monotonic() - began
            return
        if left := self._wait(self._open, self._plan.patience, ask=True):
            for one in left:
                self._breach("not converged after the last fault", one)

    def _end(self) -> None:
        self.fleet.delete_all()
        if left := self._wait(self._left, self._plan.patience):
            for one in left:
                self._breach("left over after the deletion of everything", one)

    def _wait(self, open_ends: Callable[[], Sequence[str]], seconds: float, *, ask: bool = False) -> Sequence[str]:
        """Watch until nothing is open; what still is after so many seconds."""
        deadline = time.monotonic() + seconds
        while (left := open_ends()) and time.monotonic() < deadline:
            self._watch()
            if ask and self._is_due("ask", 10.0):
                self._ask()
            time.sleep(0.2)
        return left

    def _ask(self) -> None:
        for item in self.objects.all():
            if not convergence.is_ready(item):
                self.fleet.ask(item["metadata"]["name"])
                self._result.asked += 1

    def _open(self) -> Sequence[str]:
        return convergence.open_ends(self.fleet, self.objects.all(), self._stack.simulator.settings.dump())

    def _left(self) -> Sequence[str]:
        objects = [f"object {item['metadata']['name']}" for item in self.objects.all()]
        clusters = [f"cluster {name}" for region in self._stack.simulator.settings.dump().values() for name in region]
        return [*objects, *clusters]

    def _summed(self) -> SoakResult:
        result, invariants = self._result, self.invariants
        invariants.look()
        result.growth = vitals.growth(self._edited)
        for life in self._lives:
            trends = vitals.trends(life, warm_up=self._plan.warm_up)
            if trends and life[-1].at - life[0].at > result.longest_life:
                result.longest_life = life[-1].at - life[0].at
                result.trends = trends
            for trend in trends:
                if not trend.flat:
                    self._breach("not flat", str(trend))
        for text in self._stack.simulator.settings.broken_responses():
            self._breach("the simulator answered against the API model", text)
        log = self._stack.operator.log.read_text(errors="replace")
        for word in ("Traceback", "InternalError", "Please report this"):
            if word in log:
                line = next(line for line in log.splitlines() if word in line)
                self._breach("the operator's log tells of a fault", line[:2000])
        result.breaches = [*invariants.breaches, *result.breaches]
        result.moves, result.troubles, result.calls = self.fleet.moves, self.weather.seen, invariants.calls
        result.busiest_cluster, result.busiest_minute = invariants.busiest_minute, invariants.busiest_total
        result.unattributed = invariants.unattributed
        return result

    def _line(self) -> str:
        life = self._lives[-1][-1] if self._lives[-1] else None
        holds = (
            f"{life.rss_mib:.0f} MiB, {life.descriptors:.0f} fds, {life.connections:.0f} connections, "
            f"{life.threads:.0f} threads"
            if life
            else "starting"
        )
        return (
            f"{(time.monotonic() - self._started) / 60:5.1f} min  {len(self.fleet.present):3d} objects  "
            f"{self.fleet.moves.total():6d} edits  {self.invariants.calls.total():7d} AWS calls  "
            f"{sum(self._result.restarts.values()):3d} restarts  {holds}  "
            f"{len(self.invariants.breaches) + len(self._result.breaches)} breaches"
        )

    def _is_due(self, what: str, every: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + every
        return True

    def _breach(self, rule: str, detail: str) -> None:
        self._result.breaches.append(Breach(rule, detail))
