"""The safety net under the watch: now and then, compare what exists with what the queue knows.

Kopf replays a list after an interruption without comparing it with what it knew, so an object that vanished in
the gap is never reported; our finalizer covers deletions, this covers the rest (and the first start). Settled
objects are not touched by it: each has its own next pass.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from hyperpod_operator.core.ports import Key, KubernetesError, StoredObject
from hyperpod_operator.runtime.queue import WorkQueue

log = logging.getLogger(__name__)

INTERVAL = 600.0
JITTER = 0.2
RETRY = 15.0
"""Seconds until a list that failed is tried again."""


class Lists(Protocol):
    """The part of `core.ports.Objects` that is needed here."""

    async def list(self) -> tuple[StoredObject, ...]: ...


class Resync:
    """Lists all objects at the start and then every `interval` seconds ± 20 %."""

    def __init__(
        self,
        *,
        objects: Lists,
        queue: WorkQueue,
        random: Callable[[], float],
        interval: float = INTERVAL,
    ) -> None:
        self._objects = objects
        self._queue = queue
        self._random = random
        self._interval = interval
        self.first_done = False
        """Whether a list has ever succeeded."""

    async def run(self) -> None:
        """For ever; cancel it to stop. An API server that is away is waited for."""
        while True:
            try:
                await self.once()
                pause = self._interval * (1 - JITTER + 2 * JITTER * self._random())
            except KubernetesError as error:
                log.warning("The resync was put off by %g s: %s", RETRY, error)
                pause = RETRY
            await asyncio.sleep(pause)

    async def once(self) -> None:
        """One comparison: passes for objects that nobody told us of, and for those that are gone."""
        known_before = self._queue.known()
        exist = {stored.key for stored in await self._objects.list()}
        # What was added while the list was under way is newer than the list.
        self._enqueue(exist - self._queue.known())
        self._enqueue(known_before - exist)
        self.first_done = True

    def _enqueue(self, keys: Iterable[Key]) -> None:
        for key in sorted(keys):
            self._queue.add(key)
