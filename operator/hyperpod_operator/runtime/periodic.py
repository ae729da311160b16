"""Work that comes again and again in this process, besides the passes over objects: a full sync, a count, a sweep."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hyperpod_operator.core.ports import KubernetesError

logger = logging.getLogger(__name__)

AFTER_THE_FIRST_PASSES = 60.0
"""Seconds that work over all objects leaves to a leader that has just begun: who waits for a pass comes first."""
JITTER = 0.2
RETRY = 15.0
"""Seconds until work that failed is tried again."""


@dataclass(frozen=True, kw_only=True)
class Periodic:
    """`work` after `first` seconds and then every `interval` seconds, ± 20 %. `name` is what logs and tasks call it."""

    name: str
    work: Callable[[], Awaitable[None]]
    first: float
    interval: float
    random: Callable[[], float]

    async def run(self) -> None:
        """Until it is cancelled. An API server that is away is waited for."""
        await asyncio.sleep(self._about(self.first))
        while True:
            try:
                await self.work()
                pause = self._about(self.interval)
            except KubernetesError as error:
                logger.warning("The %s failed, and is tried again in %g s: %s", self.name, RETRY, error)
                pause = RETRY
            await asyncio.sleep(pause)

    def _about(self, seconds: float) -> float:
        return seconds * (1 - JITTER + 2 * JITTER * self.random())
