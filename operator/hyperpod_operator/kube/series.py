"""The bookkeeping of repeated Events: what is one series, what is due to be sent, what is dropped.

Pure of I/O so that its rules can be tested at once. An Event with the same object, type, reason, action and
message within ten minutes of the last one is the same series; its first occurrence is due at once, its count
at most every 30 seconds. Memory is bounded: when too much is unsent the oldest is dropped and counted, and one
object whose messages never repeat cannot flood the API server.

Source: events.k8s.io/v1 Event and EventSeries (kubernetes.io API reference).
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hyperpod_operator.core.ports import Event, StoredObject

SAME_SERIES = 600.0
"""Seconds after its last occurrence within which an Event still belongs to its series."""
BETWEEN_COUNTS = 30.0
"""Seconds between two updates of a series' count."""
MOST_PER_OBJECT = 25
"""New Events about one object within ten minutes (client-go's burst); further ones are dropped and counted."""
MOST_UNSENT = 1000
MOST_SERIES = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesKey:
    """What makes two Events one series."""

    uid: str
    event: Event


@dataclass(slots=True, kw_only=True)
class Series:
    """One Event in the making. `sent` is the count that the API server knows, 0 before the Event exists."""

    key: SeriesKey
    regarding: Mapping[str, str]
    first_at: datetime
    last_at: datetime
    last_seen: float
    count: int = 1
    sent: int = 0
    sent_at: float = 0.0

    @property
    def unsent(self) -> int:
        return self.count - self.sent


@dataclass(slots=True)
class SeriesBook:
    """All series of this process. `dropped` is told how many occurrences are lost."""

    dropped: Callable[[int], None]
    _series: OrderedDict[SeriesKey, Series] = field(default_factory=OrderedDict)
    _new: OrderedDict[SeriesKey, None] = field(default_factory=OrderedDict)
    _begun: dict[str, deque[float]] = field(default_factory=dict)

    def record(self, *, about: StoredObject, event: Event, now: datetime, monotonic: float) -> None:
        """Count one occurrence."""
        key = SeriesKey(uid=about.uid, event=event)
        known = self._series.get(key)
        if known is not None and monotonic - known.last_seen <= SAME_SERIES:
            known.count += 1
            known.last_at, known.last_seen = now, monotonic
            self._series.move_to_end(key)
            return
        if known is not None:
            self._forget(known)
        if not self._admitted(about.uid, monotonic=monotonic):
            self.dropped(1)
            return
        self._series[key] = Series(key=key, regarding=reference(about), first_at=now, last_at=now, last_seen=monotonic)
        self._new[key] = None
        while len(self._new) > MOST_UNSENT:
            self._forget(self._series[next(iter(self._new))])
        while len(self._series) > MOST_SERIES:
            self._forget(next(iter(self._series.values())))

    def next_due(self, *, monotonic: float, closing: bool = False) -> Series | None:
        """What to send now: new Events first, in their order, then counts. `closing` waits for nothing."""
        if self._new:
            return self._series[next(iter(self._new))]
        for series in self._series.values():
            if series.sent and series.unsent and (closing or monotonic >= series.sent_at + BETWEEN_COUNTS):
                return series
        return None

    def wait(self, *, monotonic: float) -> float | None:
        """Seconds until something is due; None when only a new Event can make it so."""
        if self._new:
            return 0.0
        due = [series.sent_at + BETWEEN_COUNTS for series in self._series.values() if series.sent and series.unsent]
        return max(0.0, min(due) - monotonic) if due else None

    def mark_sent(self, series: Series, *, count: int, monotonic: float) -> None:
        """The API server has this Event with this count."""
        series.sent, series.sent_at = count, monotonic
        self._new.pop(series.key, None)

    def restart(self, series: Series) -> None:
        """The Event is gone (they live an hour by default): the next sending creates another one."""
        series.sent = 0
        self._new[series.key] = None

    def drop(self, series: Series) -> None:
        """Give it up: the API server will never take it."""
        self._forget(series)

    def prune(self, *, monotonic: float) -> None:
        """Forget what is told completely and too old to be continued."""
        for series in [*self._series.values()]:
            if not series.unsent and monotonic - series.last_seen > SAME_SERIES:
                self._forget(series)
        for uid, begun in [*self._begun.items()]:
            if monotonic - begun[-1] > SAME_SERIES:
                del self._begun[uid]

    @property
    def pending(self) -> int:
        """Occurrences that the API server does not know yet."""
        return sum(series.unsent for series in self._series.values())

    def _admitted(self, uid: str, *, monotonic: float) -> bool:
        begun = self._begun.setdefault(uid, deque(maxlen=MOST_PER_OBJECT))
        if len(begun) == MOST_PER_OBJECT and monotonic - begun[0] <= SAME_SERIES:
            return False
        begun.append(monotonic)
        return True

    def _forget(self, series: Series) -> None:
        self._series.pop(series.key, None)
        self._new.pop(series.key, None)
        if series.unsent:
            self.dropped(series.unsent)


def reference(about: StoredObject) -> dict[str, str]:
    """An ObjectReference (core/v1) to the object; without a namespace for one that is in none."""
    whole = {
        "apiVersion": about.body.get("apiVersion", ""),
        "kind": about.body.get("kind", ""),
        "namespace": about.key.namespace,
        "name": about.key.name,
        "uid": about.uid,
        "resourceVersion": about.resource_version,
    }
    return {name: value for name, value in whole.items() if value or name != "namespace"}
