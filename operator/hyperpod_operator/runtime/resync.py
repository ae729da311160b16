"""The safety net under the watch: now and then, compare what exists with what the queue knows.

Kopf replays a list after an interruption without comparing it with what it knew, so an object that vanished in
the gap is never reported; our finalizer covers deletions, this covers the rest. Settled
objects are not touched by it: each has its own next pass.
"""

from collections.abc import Iterable
from typing import Protocol

from hyperpod_operator.core.ports import Key, StoredObject
from hyperpod_operator.runtime.queue import WorkQueue


class Lists(Protocol):
    """The part of `core.ports.Objects` that is needed here."""

    async def list(self) -> tuple[StoredObject, ...]: ...


class Resync:
    """Lists all objects whenever it is called (see `runtime.periodic`)."""

    def __init__(self, *, objects: Lists, queue: WorkQueue) -> None:
        self._objects = objects
        self._queue = queue

    async def once(self) -> None:
        """One comparison: passes for objects that nobody told us of, and for those that are gone."""
        known_before = self._queue.known()
        exist = {stored.key for stored in await self._objects.list()}
        # What was added while the list was under way is newer than the list.
        self._enqueue(exist - self._queue.known())
        self._enqueue(known_before - exist)

    def _enqueue(self, keys: Iterable[Key]) -> None:
        for key in sorted(keys):
            self._queue.add(key)
