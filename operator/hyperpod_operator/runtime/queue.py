"""Which key is looked at next, and when: a queue of names, not of events.

However often a key is added while it waits, it gets one pass; a key is never in two passes at once; an add
during a pass causes one more pass after it, because that pass may have read the object before the change. Of
two requests for later the earlier wins, and a pass grants them all: its outcome says when to come again.
Namespaces are served in turn, so that one with many objects waits for itself; an object that asks again and again
gets a few passes at once and then one in `REQUESTED_EVERY` seconds.
Time is the event loop's, chance is injected; nothing survives a restart, and nothing needs to.
"""

import asyncio
import heapq
from collections import Counter, deque
from collections.abc import Callable

from hyperpod_operator.core.ports import Key
from hyperpod_operator.core.turns import Turns

FIRST_BACKOFF = 5.0
LONGEST_BACKOFF = 300.0
REQUESTED_AT_ONCE = 4
"""Passes that edits and annotations of one object get at once: somebody at work is not kept waiting."""
REQUESTED_EVERY = 10.0
"""Seconds between two passes that the same object asks for when it goes on asking."""


class QueueClosed(Exception):  # noqa: N818 - a state of affairs, not an error
    """The queue hands out nothing any more; the worker that asked may end."""


class WorkQueue:
    """A keyed work queue for one event loop.

    There are `lanes` lines: whoever waits in lane 0 is served first, within a lane namespaces in turn, and within a
    namespace who came first. A key waits in one line, the most urgent that it was added to; the last lane is for what
    nobody called urgent. Behind all lanes wait the keys that are held back (`hold_back`).

    `most_active` bounds the passes of one namespace that are under way at once, so that passes that wait for AWS do
    not take every worker; None sets no bound.

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
        most_active: int | None = None,
    ) -> None:
        self._random = random
        self._first_backoff = first_backoff
        self._longest_backoff = longest_backoff
        self._lanes = tuple(Turns[Key]() for _ in range(lanes + 1))
        self._lane: dict[Key, int] = {}
        """In which line each waiting key is."""
        self._since: dict[Key, float] = {}
        """Since when each waiting key waits."""
        self._active: dict[Key, float] = {}
        self._most_active = most_active
        self._active_in: Counter[str] = Counter()
        self._asked_until: dict[tuple[Key, int], float] = {}
        """Until when the requested passes of a key are used up, one for each REQUESTED_EVERY seconds, by lane."""
        self._deferred: dict[Key, int] = {}
        """Keys whose requested pass was put off, and for which lane; `_due` says until when."""
        self._held: dict[Key, tuple[float, float]] = {}
        """Keys that are held back: the seconds between two passes, and the time before which none begins."""
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
        lane = self._last if lane is None else lane
        if (wait := self._held_for(key)) > 0:
            self.add_after(key, wait)
            return
        self._known.add(key)
        self._due.pop(key, None)  # that pass comes sooner
        if key in self._active:
            since, before = self._again.get(key, (_now(), lane))
            self._again[key] = (since, min(lane, before))
        else:
            self._line_up(key, lane, since=_now())

    def request(self, key: Key, *, lane: int | None = None) -> None:
        """A pass that the object itself asks for, by an edit or an annotation: at once, or when its turn has come.

        The pass that was put off sees everything that was asked for meanwhile. What is asked for in one lane uses up
        nothing of another one.
        """
        lane = self._last if lane is None else lane
        if key in self._lane or key in self._again:
            self.add(key, lane=lane)
            return
        if self._deferred.get(key, lane + 1) <= lane:
            return
        now = _now()
        until = max(self._asked_until.get((key, lane), now), now)
        self._asked_until[key, lane] = until + REQUESTED_EVERY
        wait = until - (REQUESTED_AT_ONCE - 1) * REQUESTED_EVERY - now
        if wait <= 0:
            self.add(key, lane=lane)
        else:
            self._deferred[key] = lane
            self.add_after(key, wait)
        if len(self._asked_until) > len(self._lanes) * len(self._known) + 64:
            self._asked_until = {asked: until for asked, until in self._asked_until.items() if until > now}

    def add_after(self, key: Key, seconds: float) -> None:
        """A pass of `key` in at most about `seconds` seconds; an earlier one that is planned grants this too."""
        seconds = max(seconds, self._held_for(key))
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
        if key not in self._deferred:
            self._due.pop(key, None)
        if key not in self._lane and key not in self._again and key not in self._due:
            self._known.discard(key)

    def hold_back(self, key: Key, *, seconds: float) -> None:
        """From now on passes of `key` begin `seconds` apart at least, the first one too, and after everybody else."""
        self._held[key] = (seconds, _now() + seconds)
        if (lane := self._lane.pop(key, None)) is not None:
            self._lanes[lane].remove(key.namespace, key)
            del self._since[key]
            self.add(key)

    def release(self, key: Key) -> None:
        """`key` is served as every other again."""
        self._held.pop(key, None)

    # Serving them.

    async def get(self) -> Key:
        """The key that has waited longest; `done` must follow. Raises QueueClosed once `close` was called."""
        key: Key | None = None
        while not self._closed and (key := self._next()) is None:
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
        if self._closed or key is None:
            raise QueueClosed
        now = _now()
        del self._lane[key], self._since[key]
        self._active[key] = now
        self._active_in[key.namespace] += 1
        self._due.pop(key, None)
        self._deferred.pop(key, None)
        if key in self._held:
            seconds, _ = self._held[key]
            self._held[key] = (seconds, now + seconds)
        self._settled.clear()
        return key

    def done(self, key: Key) -> None:
        """The pass of `key` has ended, however it did."""
        del self._active[key]
        self._active_in[key.namespace] -= 1
        if not self._active_in[key.namespace]:
            del self._active_in[key.namespace]
        again = self._again.pop(key, None)
        if again is not None:
            since, lane = again
            if key in self._held:
                self.add(key)
            else:
                self._line_up(key, lane, since=since)
        if self._lane:
            self._wake_one()  # the worker that is free now may be of use to its namespace only
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
        return max((_now() - since for since in self._since.values()), default=0.0)

    def oldest_active_age(self) -> float:
        """Seconds that the longest pass has been under way; 0 without one."""
        return max((_now() - since for since in self._active.values()), default=0.0)

    def active_keys(self) -> tuple[Key, ...]:
        """Whose passes are under way."""
        return tuple(self._active)

    @property
    def _last(self) -> int:
        """The lane of what nobody called urgent; behind it is the line of keys that are held back."""
        return len(self._lanes) - 2

    def _held_for(self, key: Key) -> float:
        """Seconds before which no pass of `key` may begin."""
        return self._held[key][1] - _now() - _RESOLUTION if key in self._held else 0.0

    def _next(self) -> Key | None:
        for line in self._lanes:
            if (key := line.pop(allowed=self._may_start)) is not None:
                return key
        return None

    def _may_start(self, namespace: str) -> bool:
        return self._most_active is None or self._active_in[namespace] < self._most_active

    def _line_up(self, key: Key, lane: int, *, since: float) -> None:
        """At the end of its line, or where it waits already if that line is at least as urgent."""
        if key in self._held:
            lane = len(self._lanes) - 1
        before = self._lane.get(key)
        if before is not None and before <= lane:
            return
        if before is None:
            self._since[key] = since
        else:
            self._lanes[before].remove(key.namespace, key)
        self._lane[key] = lane
        self._lanes[lane].add(key.namespace, key)
        if before is None:
            self._wake_one()

    def _wake_one(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _arm(self) -> None:
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)  # superseded by an earlier time, or done
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._heap and not self._closed:
            self._timer = asyncio.get_running_loop().call_at(self._heap[0][0], self._release)

    def _release(self) -> None:
        self._timer = None
        now = _now() + _RESOLUTION
        while self._heap and self._heap[0][0] <= now:
            due, key = heapq.heappop(self._heap)
            if self._due.get(key) == due:
                self.add(key, lane=self._deferred.get(key))
        self._arm()

    def _compact(self) -> None:
        if len(self._heap) > 2 * len(self._due) + 64:
            self._heap = [(due, key) for key, due in self._due.items()]
            heapq.heapify(self._heap)


_RESOLUTION = 1e-6
"""Seconds that the loop may fire a timer early; without this allowance such a key would arm the same timer again."""


def _now() -> float:
    return asyncio.get_running_loop().time()
