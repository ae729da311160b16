"""Work that comes again and again in this process, besides the passes over objects: a full sync, a count, a sweep."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hyperpod_operator.core.engine.pauses import growing
from hyperpod_operator.core.ports import KubernetesError

logger = logging.getLogger(__name__)

AFTER_THE_FIRST_PASSES = 60.0
"""Seconds that work over all objects leaves to a leader that has just begun: who waits for a pass comes first."""
JITTER = 0.2
RETRY = 15.0
"""Seconds until work that failed is tried again; they double up to its interval."""


@dataclass(frozen=True, kw_only=True)
class Periodic:
    """`work` after `first` seconds and then every `interval` seconds, ± 20 %. `name` is what logs and tasks call it."""

    name: str
    work: Callable[[], Awaitable[None]]
    first: float
    interval: float
    random: Callable[[], float]

    async def run(self) -> None:
        """Until it is cancelled. What fails is tried again, ever later: the passes go on meanwhile."""
        failures = 0
        await asyncio.sleep(self._about(self.first))
        while True:
            try:
                await self.work()
                failures, pause = 0, self._about(self.interval)
            except Exception as error:
                failures += 1
                pause = self._about(growing(first=RETRY, most=self.interval, attempts=failures))
                self._report(error, pause)
            await asyncio.sleep(pause)

    def _report(self, error: Exception, pause: float) -> None:
        if isinstance(error, KubernetesError):
            logger.warning("The %s failed, and is tried again in %.0f s: %s", self.name, pause, error)
            return
        text = "The %s failed by a fault of the operator, and is tried again in %.0f s. Please report this."
        logger.error(text, self.name, pause, exc_info=error)

    def _about(self, seconds: float) -> float:
        return seconds * (1 - JITTER + 2 * JITTER * self.random())
