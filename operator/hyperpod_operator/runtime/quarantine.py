"""Objects whose passes stop the event loop, and so everything else: they are looked at seldom, and after all others.

An object gets here in two ways. A step of its pass held the loop for `HELD_MOST` seconds of CPU time, or for
`WAITED_MOST` seconds on the clock. Or the process died while a step of its pass was running, for the second time:
one death may be chance. An object leaves when a later pass of it does neither. CPU time counts first because a
machine that is short of it stops innocent steps as well.
"""

import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

from hyperpod_operator.core.ports import Key
from hyperpod_operator.runtime.crash_marks import CrashMarks, mark_of
from hyperpod_operator.runtime.steps import stepped

log = logging.getLogger(__name__)

T = TypeVar("T")

HELD_MOST = 2.0
"""CPU-seconds of one step: a tenth of it is what the largest object should need."""
WAITED_MOST = 10.0
"""Seconds of one step on the clock, whatever it did: as long as a leader may go without renewing its Lease."""
DEATHS = 2
"""Deaths of the process during passes of one object after which that is no chance."""
FIRST_INTERVAL = 300.0
LONGEST_INTERVAL = 86_400.0


class Quarantine:
    """Of one process, for all kinds. `marks` is None where nothing outlives the process."""

    def __init__(
        self,
        *,
        marks: CrashMarks | None = None,
        cpu: Callable[[], float] = time.thread_time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._marks = marks
        self._cpu = cpu
        self._monotonic = monotonic
        self._counts = marks.counts() if marks else {}
        if marks and marks.left_behind:
            self._count(marks.left_behind)
            log.warning(
                "The previous process crashed while it reconciled %s (crash %d). After %d crashes the operator "
                "reconciles the object rarely.",
                marks.left_behind, self._counts[marks.left_behind], DEATHS,
            )  # fmt: skip
        self._inside = {subject for subject, count in self._counts.items() if count >= DEATHS}
        self._began: tuple[str, float, float] | None = None
        """The step on the loop: its object, and when it began by either clock."""

    async def run(self, kind: str, key: Key, work: Coroutine[Any, Any, T]) -> T:
        """The result of a pass, whose steps are watched."""
        subject, mark = _subject(kind, key), mark_of(_subject(kind, key))

        def begin() -> None:
            self._began = (subject, self._cpu(), self._monotonic())
            if self._marks:
                self._marks.enter(mark)

        return await stepped(work, before=begin, after=self._end)

    def times(self, kind: str, key: Key) -> int:
        """How often passes of this object held the loop, or ended the process, since the last one that did not."""
        return self._counts.get(_subject(kind, key), 0)

    def clear(self, kind: str, key: Key) -> None:
        """A pass of this object did nothing of the kind: it is served as every other again."""
        subject = _subject(kind, key)
        if self._counts.pop(subject, None) is not None:
            self._inside.discard(subject)
            if self._marks:
                self._marks.keep(self._counts)

    def interval(self, kind: str, key: Key) -> float | None:
        """Seconds between two passes of an object in quarantine; None for all others. Doubles with each time."""
        subject = _subject(kind, key)
        return self._interval(subject) if subject in self._inside else None

    def objects(self, kind: str) -> Mapping[Key, float]:
        """The objects of a kind that are in quarantine, with their intervals."""
        found = {}
        for subject in self._inside:
            of_kind, namespace, name = subject.split("/", 2)
            if of_kind == kind:
                found[Key(namespace, name)] = self._interval(subject)
        return found

    def forgive(self) -> None:
        """The process is about to end on purpose: a step that is not long under way is not why. From any thread."""
        began = self._began
        if self._marks and began is not None and self._monotonic() - began[2] < HELD_MOST:
            self._marks.leave()

    def _end(self) -> None:
        began, self._began = self._began, None
        if self._marks:
            self._marks.leave()
        if began is None:
            return
        subject, cpu, at = began
        held, waited = self._cpu() - cpu, self._monotonic() - at
        if held >= HELD_MOST or waited >= WAITED_MOST:
            # At once, not when the pass has ended: the Lease may be lost, and the process with it, before that.
            self._count(subject)
            self._inside.add(subject)
            log.error(
                "A pass of %s held the event loop for %.1f s (%.1f s of CPU time). From now on it is looked at every "
                "%.0f s only. Please report this with the object.",
                subject, waited, held, self._interval(subject),
            )  # fmt: skip

    def _count(self, subject: str) -> None:
        self._counts[subject] = self._counts.get(subject, 0) + 1
        if self._marks:
            self._marks.keep(self._counts)

    def _interval(self, subject: str) -> float:
        times = self._counts.get(subject, 1)
        return min(LONGEST_INTERVAL, FIRST_INTERVAL * 2.0 ** min(times - 1, 16))


def _subject(kind: str, key: Key) -> str:
    return f"{kind}/{key.namespace}/{key.name}"
