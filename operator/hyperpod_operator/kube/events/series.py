"""The bookkeeping of repeated Events: what is one series, what is due to be sent, what is dropped.

Pure of I/O so that its rules can be tested at once. An Event with the same object, type, reason, action and message
(whatever AWS's name for the occurrence is) within ten minutes of the last one is the same series; its first occurrence
is due at once, its count at most every 30 seconds. One object whose messages never repeat cannot flood the API server:
beyond its budget, Events that only observe are counted under their reason. What changes something, and what asks a
person to act, always passes. Memory is bounded: when too much is unsent, the oldest observation is dropped first, and
each drop is counted.

Source: events.k8s.io/v1 Event and EventSeries (kubernetes.io API reference).
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import takewhile

from hyperpod_operator.api.reasons import Actor, record
from hyperpod_operator.core.ports import Event, StoredObject

SAME_SERIES = 600.0
"""Seconds after its last occurrence within which an Event still belongs to its series."""
BETWEEN_COUNTS = 30.0
"""Seconds between two updates of a series' count."""
MOST_PER_OBJECT = 25
"""New observations about one object within ten minutes (client-go's burst); further ones are combined by reason."""
OBSERVE = "Observe"
"""`action` of an Event that says what was seen; every other action is a change that the operator made or tried."""
COMBINED = "More Events with this reason follow each other quickly; the resource's status has the latest message."
"""Message of the series that counts them (client-go combines similar Events in the same way)."""
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
    failing_since: float | None = None
    """When the API server first failed at it by a fault of its own; None once it took it."""

    @property
    def unsent(self) -> int:
        return self.count - self.sent


@dataclass(slots=True)
class SeriesBook:
    """All series of this process. `dropped` is told how many occurrences are lost.

    There may be thousands, so nothing that is asked for each Event walks through all of them.
    """

    dropped: Callable[[int], None]
    _series: OrderedDict[SeriesKey, Series] = field(default_factory=OrderedDict)
    """The one that occurred last at the end."""
    _new: OrderedDict[SeriesKey, None] = field(default_factory=OrderedDict)
    _postponed: OrderedDict[SeriesKey, None] = field(default_factory=OrderedDict)
    """New ones that could not be sent."""
    _observed: OrderedDict[SeriesKey, None] = field(default_factory=OrderedDict)
    """Those of the two that only observe."""
    _behind: OrderedDict[SeriesKey, None] = field(default_factory=OrderedDict)
    """Those that the API server knows with a count that is no longer true."""
    _begun: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)
    """When the last observations about each object began; the object that was observed last at the end."""

    def record(self, *, about: StoredObject, event: Event, now: datetime, monotonic: float) -> None:
        """Count one occurrence."""
        key = SeriesKey(uid=about.uid, event=event)
        known = self._series.get(key)
        if known is not None and monotonic - known.last_seen <= SAME_SERIES:
            known.count += 1
            known.last_at, known.last_seen = now, monotonic
            self._series.move_to_end(key)
            if known.sent:
                self._behind[key] = None
            return
        if known is not None:
            self._forget(known)
        if not _always(event) and event.message != COMBINED and not self._admitted(about.uid, monotonic=monotonic):
            self.record(about=about, event=replace(event, message=COMBINED, reference=""), now=now, monotonic=monotonic)
            return
        self._series[key] = Series(key=key, regarding=reference(about), first_at=now, last_at=now, last_seen=monotonic)
        self._add_new(key)
        while len(self._new) + len(self._postponed) > MOST_UNSENT:
            self._forget(self._series[self._least()])
        while len(self._series) > MOST_SERIES:
            self._forget(next(iter(self._series.values())))

    def next_due(self, *, monotonic: float, closing: bool = False) -> Series | None:
        """What to send now: new Events first, in their order, then counts, then what was postponed. `closing` waits for
        nothing."""
        if self._new:
            return self._series[next(iter(self._new))]
        for key in self._behind:
            series = self._series[key]
            if closing or monotonic >= series.sent_at + BETWEEN_COUNTS:
                return series
        return self._series[next(iter(self._postponed))] if self._postponed else None

    def postpone(self, series: Series, *, monotonic: float) -> None:
        """It could not be sent: its turn comes after all others'. A count waits for its next time."""
        if self._series.get(series.key) is not series:
            return
        if series.sent:
            series.sent_at = monotonic
            self._behind.move_to_end(series.key)
        else:
            self._new.pop(series.key, None)
            self._postponed[series.key] = None
            self._postponed.move_to_end(series.key)

    def wait(self, *, monotonic: float) -> float | None:
        """Seconds until something is due; None when only a new Event can make it so."""
        if self._new or self._postponed:
            return 0.0
        due = min((self._series[key].sent_at for key in self._behind), default=None)
        return None if due is None else max(0.0, due + BETWEEN_COUNTS - monotonic)

    def mark_sent(self, series: Series, *, count: int, monotonic: float) -> None:
        """The API server has this Event with this count. One that was dropped meanwhile stays so."""
        if self._series.get(series.key) is not series:
            return
        series.sent, series.sent_at, series.failing_since = count, monotonic, None
        self._remove_new(series.key)
        self._behind.pop(series.key, None)
        if series.unsent:
            self._behind[series.key] = None

    def restart(self, series: Series) -> None:
        """The Event is gone (they live an hour by default): the next sending creates another one."""
        if self._series.get(series.key) is not series:
            return
        series.sent = 0
        self._behind.pop(series.key, None)
        self._add_new(series.key)

    def drop(self, series: Series) -> None:
        """Give it up: the API server will never take it."""
        self._forget(series)

    def prune(self, *, monotonic: float) -> None:
        """Forget what is told completely and too old to be continued."""
        for series in [*takewhile(lambda one: monotonic - one.last_seen > SAME_SERIES, self._series.values())]:
            if not series.unsent:
                self._forget(series)
        for uid in [*takewhile(lambda one: monotonic - self._begun[one][-1] > SAME_SERIES, self._begun)]:
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
        self._begun.move_to_end(uid)
        return True

    def _least(self) -> SeriesKey:
        """The oldest unsent observation; where there is none, the oldest of all."""
        return next(iter(self._observed or self._postponed or self._new))

    def _add_new(self, key: SeriesKey) -> None:
        self._new[key] = None
        if not _always(key.event):
            self._observed[key] = None

    def _remove_new(self, key: SeriesKey) -> None:
        self._new.pop(key, None)
        self._postponed.pop(key, None)
        self._observed.pop(key, None)

    def _forget(self, series: Series) -> None:
        self._series.pop(series.key, None)
        self._remove_new(series.key)
        self._behind.pop(series.key, None)
        if series.unsent:
            self.dropped(series.unsent)


def _always(event: Event) -> bool:
    """Whether an Event passes whatever the budget says: it is a change, or it asks you to act."""
    known = record(event.reason)
    asks = event.type == "Warning" and known is not None and known.actor is Actor.YOU
    return event.action != OBSERVE or asks


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
