"""What will happen, in the order in which it will happen.

Every transition is an action due at a simulated time. Before each request, and on a ticker, all that is due is done in
order of time, then of scheduling: a jump of three hours gives the same history as three hours of waiting.
"""

import heapq
import itertools
from collections.abc import Callable

from hyperpod_testbed.simulator.clock import SimulatedClock


class Timeline:
    """A queue of actions over a clock. The caller holds the simulator's lock."""

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self._now = clock.now()
        self.done = 0
        """How many actions were done: whoever remembers it knows whether anything happened since."""
        self._order = itertools.count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []

    @property
    def now(self) -> float:
        """The time of the action that runs, or of the last advance."""
        return self._now

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do the action that many simulated seconds from `now`."""
        heapq.heappush(self._due, (self._now + seconds, next(self._order), action))

    def advance(self, *, before_step: Callable[[], None] = lambda: None) -> None:
        """Do everything that is due by the clock; `before_step` is called before each action, at its time."""
        target = self._clock.now()
        while self._due and self._due[0][0] <= target:
            when, _, action = heapq.heappop(self._due)
            self._now = max(self._now, when)
            self.done += 1
            before_step()
            action()
        self._now = max(self._now, target)

    def clear(self) -> None:
        """Forget everything that was to come."""
        self._due.clear()
        self._now = self._clock.now()
