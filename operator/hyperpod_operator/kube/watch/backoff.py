"""How long to wait before objects are listed and watched again, and which failures are worth a line in the log.

A kind of failure is logged once and its end is logged once, so that an hour without an API server is two lines. Pauses
double and are never in step with other clients. Only a watch that lasts ends an outage: one that is accepted and
cut again and again does not.
"""

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
_DOUBLINGS = 10


class WatchBackoff:
    """The failures of a watch since it last worked, and how long to wait after them."""

    def __init__(self, *, noun: str, random: Callable[[], float]) -> None:
        self._noun = noun
        self._random = random
        self._failures = 0
        self._reported: set[str] = set()

    def report(self, level: int, kind: str, text: str) -> None:
        """Log the first of a kind; whoever wants to see the others sets the level to DEBUG."""
        log.log(logging.DEBUG if kind in self._reported else level, "%s", text)
        self._reported.add(kind)

    def pause(self, *, first: float = FIRST_PAUSE) -> float:
        """Seconds to wait after one more failure; `first` when it is the only one yet."""
        self._failures += 1
        doubled = FIRST_PAUSE * 2.0 ** min(self._failures - 1, _DOUBLINGS)
        pause = first if self._failures == 1 else min(LONGEST_PAUSE, doubled)
        return pause * (0.5 + 0.5 * self._random())

    def over(self) -> None:
        """The watch works (again)."""
        if self._reported:
            log.info("The watch of %s works again.", self._noun)
        self._failures = 0
        self._reported.clear()
