"""What changed while another replica led: the names of all objects that are there, for the moment it ends.

A queue would count them as waiting for a worker, for days. What is gone is dropped: nobody here knew it.
"""

from hyperpod_operator.core.ports import Key
from hyperpod_operator.runtime.queue import WorkQueue


class Backlog:
    """Between the watch of one kind and its queue: `hold` stops what comes, `deliver` lets it through."""

    def __init__(self, queue: WorkQueue) -> None:
        self._queue = queue
        self._holding = False
        self._held: dict[Key, None] = {}

    def changed(self, key: Key) -> None:
        """An object came, or asks for a pass."""
        if self._holding:
            self._held[key] = None
        else:
            self._queue.request(key)

    def gone(self, key: Key) -> None:
        """An object was deleted."""
        if self._holding:
            self._held.pop(key, None)
        else:
            self._queue.request(key)

    def hold(self) -> None:
        """From now on nothing goes on to the queue."""
        self._holding = True

    def deliver(self) -> None:
        """What was held goes to the queue, in the order in which it came; what comes from now on follows at once."""
        self._holding = False
        for key in self._held:
            self._queue.request(key)
        self._held.clear()
