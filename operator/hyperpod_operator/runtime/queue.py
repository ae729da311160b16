"""Which key is looked at next, and when: a queue of names, not of events.

However often a key is added while it waits, it gets one pass; a key is never in two passes at once; an add
during a pass causes one more pass after it, because that pass may have read the object before the change. Of
two wishes for later the earlier wins, and a pass grants them all: its outcome says when to come again.
Time is the event loop's, chance is injected; nothing survives a restart, and nothing needs to.
"""

import asyncio
import heapq
from collections import OrderedDict, deque
from collections.abc import Callable

from hyperpod_operator.core.ports import Key

FIRST_BACKOFF = 5.0
LONGEST_BACKOFF = 300.0


class QueueClosed(Exception):  # noqa: N818 - a state of affairs, not an error
    """The queue hands out nothing any more; the worker that asked may end."""


class WorkQueue:
    """A keyed work queue for one event loop.

    There are `lanes` lines: whoever waits in lane 0 is served first, within a lane who came first. A key waits in
    one line, the most urgent that it was added to; the last lane is for what nobody called urgent.

    `random` returns a float in [0, 1); it spreads retries over the whole backoff interval ("full jitter"), so
    that many keys that failed together do not come back together.
    """

    def __init__(
        self,
        *,
        random: Callable[[], float],
        first_backoff: float = FIRST_BACKOFF,
        longest_backoff: float = LONGEST_BACKOFF,
        lanes: int = 1,
    ) -> None:
        self._random = random
        self._first_backoff = first_backoff
        self._longest_backoff = longest_backoff
        self._lanes = tuple(OrderedDict[Key, float]() for _ in range(lanes))
        self._lane: dict[Key, int] = {}
        """In which line each waiting key is."""
        self._active: dict[Key, float] = {}
        self._again: dict[Key, tuple[float, int]] = {}
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, Key]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._failures: dict[Key, int] = {}
        self._known: set[Key] = set()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._closed = False
        self._settled = asyncio.Event()
        self._settled.set()

    # Asking for passes.

    def add(self, key: Key, *, lane: int | None = None) -> None:
        """A pass of `key` that starts after this moment, as soon as a worker is free; None is the last lane."""
        lane = len(self._lanes) - 1 if lane is None else lane
        self._known.add(key)
        self._due.pop(key, None)  # that pass comes sooner
        if key in self._active:
            since, before = self._again.get(key, (_now(), lane))
            self._again[key] = (since, min(lane, before))
        else:
            self._line_up(key, lane, since=_now())

    def add_after(self, key: Key, seconds: float) -> None:
        """A pass of `key` in at most about `seconds` seconds; an earlier one that is planned grants this too."""
        if seconds <= 0:
            self.add(key)
            return
        self._known.add(key)
        due = _now() + seconds
        if key in self._lane or key in self._again or self._due.get(key, due + 1) <= due:
            return
        self._due[key] = due
        heapq.heappush(self._heap, (due, key))
        self._compact()
        self._arm()

    def add_failed(self, key: Key, *, at_least: float = 0.0) -> float:
        """One more failure of `key`: a pass after a backoff, never sooner than `at_least`. Returns the seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        # 2**30 is far beyond the longest backoff; without a limit a key that fails for years overflows a float.
        most = min(self._longest_backoff, self._first_backoff * 2.0 ** min(failures, 30))
        seconds = max(at_least, most * self._random())
        self.add_after(key, seconds)
        return seconds

    def recovered(self, key: Key) -> None:
        """`key` did not fail: the next failure starts with the shortest backoff."""
        self._failures.pop(key, None)

    def forget(self, key: Key) -> None:
        """The object is gone: nothing is planned for it. An `add` that nobody has served yet still counts."""
        self._failures.pop(key, None)
        self._due.pop(key, None)
        if key not in self._lane and key not in self._again:
            self._known.discard(key)

    # Serving them.

    async def get(self) -> Key:
        """The key that has waited longest; `done` must follow. Raises QueueClosed once `close` was called."""
        while not self._closed and not self._lane:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await waiter
            except BaseException:
                if waiter in self._waiting:
                    self._waiting.remove(waiter)
                elif self._lane:
                    self._wake_one()  # the wake-up was for somebody who leaves: pass it on
                raise
        if self._closed:
            raise QueueClosed
        line = next(line for line in self._lanes if line)
        key, _ = line.popitem(last=False)
        del self._lane[key]
        self._active[key] = _now()
        self._due.pop(key, None)
        self._settled.clear()
        return key

    def done(self, key: Key) -> None:
        """The pass of `key` has ended, however it did."""
        del self._active[key]
        again = self._again.pop(key, None)
        if again is not None:
            since, lane = again
            self._line_up(key, lane, since=since)
        if not self._active:
            self._settled.set()

    def close(self) -> None:
        """Hand out nothing any more; passes that are under way go on."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            self._wake_one()

    async def drain(self, *, within: float) -> bool:
        """Close, then wait until no pass is under way, for at most `within` seconds. Says whether that worked."""
        self.close()
        try:
            async with asyncio.timeout(within):
                await self._settled.wait()
        except TimeoutError:
            return False
        return True

    # Looking at it.

    def failures(self, key: Key) -> int:
        """How often `key` has failed in a row."""
        return self._failures.get(key, 0)

    def known(self) -> frozenset[Key]:
        """Every key that was added and not forgotten."""
        return frozenset(self._known)

    @property
    def depth(self) -> int:
        """Keys that could start now if a worker were free."""
        return len(self._lane)

    @property
    def delayed(self) -> int:
        """Keys that are planned for later."""
        return len(self._due)

    @property
    def active(self) -> int:
        """Passes under way."""
        return len(self._active)

    def oldest_ready_age(self) -> float:
        """Seconds that some key has waited for a worker at most; 0 without a line."""
        return max((_now() - since for line in self._lanes for since in line.values()), default=0.0)

    def oldest_active_age(self) -> float:
        """Seconds that the longest pass has been under way; 0 without one."""
        return max((_now() - since for since in self._active.values()), default=0.0)

    def active_keys(self) -> tuple[Key, ...]:
        """Whose passes are under way."""
        return tuple(self._active)

    def _line_up(self, key: Key, lane: int, *, since: float) -> None:
        """At the end of its line, or where it waits already if that line is at least as urgent."""
        before = self._lane.get(key)
        if before is None:
            self._wake_one()
        elif before <= lane:
            return
        else:
            since = self._lanes[before].pop(key)
        self._lane[key] = lane
        self._lanes[lane][key] = since

    def _wake_one(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _arm(self) -> None:
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)  # superseded by an earlier wish, or granted
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._heap and not self._closed:
            self._timer = asyncio.get_running_loop().call_at(self._heap[0][0], self._release)

    def _release(self) -> None:
        self._timer = None
        # The loop may fire a timer up to its clock's resolution early; without this allowance such a key would
        # arm the same timer again.
        now = _now() + 1e-6
        while self._heap and self._heap[0][0] <= now:
            due, key = heapq.heappop(self._heap)
            if self._due.get(key) == due:
                self.add(key)
        self._arm()

    def _compact(self) -> None:
        if len(self._heap) > 2 * len(self._due) + 64:
            self._heap = [(due, key) for key, due in self._due.items()]
            heapq.heapify(self._heap)


def _now() -> float:
    return asyncio.get_running_loop().time()
