"""Turning outcomes into times: the only place where the end of a pass becomes the start of the next one.

A pass cannot harm another one: what it raises is logged with its traceback, counted and retried with backoff,
and one that hangs is cut off at the deadline. The first pass waits until everything is listed.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, assert_never

from hyperpod_operator.api.metrics.load import RECONCILE_SECONDS, RECONCILES
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.outcome import Again, Blocked, Done, Failed, Gone, Outcome, Requeue
from hyperpod_operator.core.ports import Clock, Key, Metrics
from hyperpod_operator.core.text import counted
from hyperpod_operator.runtime import logs
from hyperpod_operator.runtime.quarantine import Quarantine
from hyperpod_operator.runtime.queue import QueueClosed, WorkQueue

log = logging.getLogger(__name__)

DEADLINE = 120.0
"""Seconds for one pass: more than all its AWS calls together may take with their own timeouts and one retry."""
OVERDUE = 30.0
"""Seconds beyond the deadline after which a pass cannot be cut off, so that only a restart helps."""
JITTER = 0.2
"""Share of the resync interval by which it varies, so that many objects spread out."""
AT_LEAST = 5.0
"""Seconds before a pass that broke is tried again."""
MOST_AGAIN = 5
"""Immediate repetitions in a row before an object that changes under every pass waits like a failed one."""


class Reconcile(Protocol):
    """One pass of one key. `failures` says how many passes of this key failed in a row before it."""

    def __call__(self, key: Key, failures: int) -> Coroutine[Any, Any, Outcome]: ...


class Mark(Protocol):
    """Says on an object that it is in quarantine, and why. Never raises."""

    async def __call__(self, key: Key, message: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class QuarantineGuard:
    """What is done about objects whose passes stop the event loop."""

    quarantine: Quarantine
    mark: Mark


class Workers:
    """`count` tasks that take keys of one kind of object from the queue and give their outcomes back.

    `resync` is the pause in seconds after `Done`; `random` returns a float in [0, 1).
    """

    def __init__(
        self,
        *,
        queue: WorkQueue,
        reconcile: Reconcile,
        metrics: Metrics,
        clock: Clock,
        random: Callable[[], float],
        resync: float,
        kind: str = "cluster",
        count: int = 4,
        deadline: float = DEADLINE,
        guard: QuarantineGuard | None = None,
    ) -> None:
        self._queue = queue
        self._reconcile = reconcile
        self._metrics = metrics
        self._clock = clock
        self._random = random
        self._resync = resync
        self._kind = kind
        self._count = count
        self._deadline = deadline
        self._guard = guard
        self._marking: asyncio.Task[None] | None = None
        self._again: dict[Key, int] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, *, after: asyncio.Event) -> None:
        """Start the tasks. No pass begins before `after` is set."""
        self._tasks = [
            asyncio.create_task(self._work(after), name=f"{self._kind}-worker-{number}")
            for number in range(self._count)
        ]
        if self._guard is not None:
            confined = self._guard.quarantine.objects(self._kind)
            for key, seconds in confined.items():
                self._queue.hold_back(key, seconds=seconds)
                self._queue.add(key)
            self._marking = asyncio.create_task(self._mark_all(self._guard, tuple(confined), after))

    def fault(self) -> str | None:
        """Why these workers do not work and a restart would help; None while they do."""
        if not self._tasks:
            return None  # not leading, or not yet started
        ended = sum(task.done() for task in self._tasks)
        if ended:
            return f"{ended} of {self._count} workers have ended"
        age = self._queue.oldest_active_age()
        if age > self._deadline + OVERDUE:
            return f"a pass has been under way for {age:.0f} s and could not be cut off at {self._deadline:g} s"
        return None

    async def drain(self, *, within: float) -> bool:
        """Start no pass any more and wait for those under way; cut them off after `within` seconds.

        A pass that is cut off between two calls loses nothing: the next process observes again. Says whether
        all of them ended by themselves.
        """
        finished = await self._queue.drain(within=within)
        if not finished:
            log.warning(
                "Passes were cancelled at the stop, after %g s: %s. The next process continues them.",
                within,
                ", ".join(map(str, self._queue.active_keys())),
            )
        tasks = [*self._tasks, *([self._marking] if self._marking else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks, self._marking = [], None
        return finished

    async def _work(self, after: asyncio.Event) -> None:
        await after.wait()
        while True:
            try:
                key = await self._queue.get()
            except QueueClosed:
                return
            try:
                with logs.about(key):
                    times = self._guard.quarantine.times(self._kind, key) if self._guard else 0
                    outcome = await self._pass(key)
                    message = self._judge(key, outcome, before=times)
                    self._schedule(key, outcome)
                    if self._guard is not None and message:
                        await self._guard.mark(key, message)
            finally:
                self._queue.done(key)

    async def _pass(self, key: Key) -> Outcome:
        started = self._clock.monotonic()
        outcome: Outcome = Failed(Reason.INTERNAL_ERROR, AT_LEAST)
        deadline = asyncio.timeout(self._deadline)
        try:
            async with deadline:
                work = self._reconcile(key, self._queue.failures(key))
                guard = self._guard
                outcome = await (guard.quarantine.run(self._kind, key, work) if guard else work)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # the operator stops
            # Something that the pass awaited was cancelled by somebody else; that is no reason for a worker to end.
            log.exception("A pass was cancelled from within; the operator retries it. Please report this.")
        except Exception as error:
            if isinstance(error, TimeoutError) and deadline.expired():
                log.error(
                    "A pass took longer than %g s and was cancelled; the operator retries it. Check whether AWS or "
                    "the API server responds slowly (metrics hyperpod_operator_aws_call_duration_seconds).",
                    self._deadline,
                )
            else:
                log.exception(
                    "A pass failed with an error in the operator; the operator retries it. Please report this."
                )
        self._metrics.inc(RECONCILES, self._kind, type(outcome).__name__, _reason(outcome))
        self._metrics.observe(RECONCILE_SECONDS, self._clock.monotonic() - started, self._kind)
        return outcome

    def _judge(self, key: Key, outcome: Outcome, *, before: int) -> str:
        """Into quarantine, with what is to be said on the object, or out of it.

        An object that is gone may come back as it was: it stays in.
        """
        if self._guard is None:
            return ""
        quarantine = self._guard.quarantine
        times, seconds = quarantine.times(self._kind, key), quarantine.interval(self._kind, key)
        if times > before and seconds is not None:
            self._queue.hold_back(key, seconds=seconds)
            return quarantined(times, seconds)
        if times and not isinstance(outcome, Gone):
            quarantine.clear(self._kind, key)
            self._queue.release(key)
        return ""

    async def _mark_all(self, guard: QuarantineGuard, keys: Sequence[Key], after: asyncio.Event) -> None:
        await after.wait()
        for key in keys:
            seconds = guard.quarantine.interval(self._kind, key)
            if seconds is not None:
                await guard.mark(key, quarantined(guard.quarantine.times(self._kind, key), seconds))

    def _schedule(self, key: Key, outcome: Outcome) -> None:
        repetitions = self._again.pop(key, 0)
        match outcome:
            case Failed(at_least=at_least):
                self._queue.add_failed(key, at_least=at_least)
                return
            case Again() if repetitions >= MOST_AGAIN:
                self._queue.add_failed(key)
                return
            case Again():
                self._again[key] = repetitions + 1
                self._queue.add(key)
                return
            case Done():
                after = self._resync * (1 - JITTER + 2 * JITTER * self._random())
                self._queue.add_after(key, after)
            case Requeue(after=after) | Blocked(after=after):
                self._queue.add_after(key, after)
            case Gone():
                self._queue.forget(key)
            case _:
                assert_never(outcome)
        self._queue.recovered(key)


def quarantined(times: int, seconds: float) -> str:
    """What is said on the object."""
    return (
        f"Reconciling this object blocked the operator for all other objects, {counted(times, 'time')} so "
        "far. The operator now "
        f"reconciles it every {seconds / 60:.0f} minutes, after all others. Make the object smaller, and report the "
        "problem. To retry sooner, delete the operator's pod."
    )


def _reason(outcome: Outcome) -> str:
    return str(outcome.reason) if isinstance(outcome, Requeue | Blocked | Failed) else ""
