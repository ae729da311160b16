"""The journal of calls: what was intended, sent, answered or left unanswered, by concern.

It is kept in `status.operations`, so it survives a restart; a concern reads its own entry only. The intent of a call
that must not be repeated is written before the call is sent, so a process that dies in between finds its question.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hyperpod_operator.api.operations import OperationStatus
from hyperpod_operator.core.moments import parse_time, stamp

CODE_MOST = 128
MESSAGE_MOST = 2048


class CallState(StrEnum):
    """How far a call got."""

    INTENDED = "Intended"
    """Written before the call is sent: from here on AWS may have carried it out."""
    ACCEPTED = "Accepted"
    """AWS took the call."""
    APPLIED = "Applied"
    """A later pass saw the effect in AWS."""
    REJECTED = "Rejected"
    """AWS rejected the call and did nothing."""
    ROLLED_BACK = "RolledBack"
    """AWS took the call, tried, and went back to the former state."""
    UNANSWERED = "Unanswered"
    """No answer arrived: the call may or may not have been carried out."""


PENDING = frozenset({CallState.INTENDED, CallState.ACCEPTED, CallState.UNANSWERED})
"""States after which AWS may have, or be about to have, the effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """What AWS said when it rejected a call. `retry_at` None: with the usual pause; `shown` is what AWS held then."""

    reason: str
    code: str
    message: str
    stalled: bool = False
    retry_at: datetime | None = None
    shown: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The last call of one concern. A `state` or a `time` that cannot be read is None: nothing is concluded from it."""

    concern: str
    operation: str
    state: CallState | None
    fingerprint: str
    attempts: int
    time: datetime | None
    rejection: Rejection | None = None

    def age(self, *, now: datetime) -> float:
        """Seconds since the call was made; infinite where its time cannot be read."""
        return (now - self.time).total_seconds() if self.time is not None else float("inf")

    @property
    def pending(self) -> bool:
        return self.state in PENDING


@dataclass(frozen=True, slots=True)
class Journal:
    """Entries by concern. Every change returns another journal; entries of other concerns are carried over unread."""

    entries: Mapping[str, Entry] = field(default_factory=dict)

    def of(self, concern: str) -> Entry | None:
        return self.entries.get(concern)

    @property
    def newest(self) -> Entry | None:
        """The last call of all; entries without a readable time count as oldest."""
        return max(self.entries.values(), key=lambda entry: entry.time.timestamp() if entry.time else 0.0, default=None)

    def intend(self, *, concern: str, operation: str, fingerprint: str, now: datetime) -> "Journal":
        """Before the call. Attempts count on while the same call before it has no certain end."""
        before = self.of(concern)
        again = before is not None and before.fingerprint == fingerprint and before.pending
        attempts = before.attempts + 1 if again and before is not None else 1
        return self._with(
            Entry(
                concern=concern,
                operation=operation,
                state=CallState.INTENDED,
                fingerprint=fingerprint,
                attempts=attempts,
                time=now,
            )
        )

    def answered(
        self,
        *,
        concern: str,
        operation: str,
        fingerprint: str,
        state: CallState,
        attempts: int,
        now: datetime,
        rejection: Rejection | None = None,
    ) -> "Journal":
        """After the call, answered or not."""
        return self._with(
            Entry(
                concern=concern,
                operation=operation,
                state=state,
                fingerprint=fingerprint,
                attempts=attempts,
                time=now,
                rejection=rejection,
            )
        )

    def without(self, concern: str) -> "Journal":
        return Journal({name: entry for name, entry in self.entries.items() if name != concern})

    def _with(self, entry: Entry) -> "Journal":
        return Journal({**self.entries, entry.concern: entry})


def read(stored: Iterable[OperationStatus] | None) -> Journal:
    """The journal in a stored status. Of two entries of one concern, which no API server admits, the last counts."""
    return Journal({item.concern: _entry(item) for item in stored or ()})


def written(journal: Journal) -> list[OperationStatus] | None:
    """The journal for a status, ordered by concern so that equal journals are equal texts; None where it is empty."""
    return [_item(journal.entries[name]) for name in sorted(journal.entries)] or None


def _entry(item: OperationStatus) -> Entry:
    return Entry(
        concern=item.concern,
        operation=item.operation or "",
        state=CallState(item.state) if item.state in set(CallState) else None,
        fingerprint=item.fingerprint or "",
        attempts=item.attempts or 1,
        time=parse_time(item.time or ""),
        rejection=_rejection(item),
    )


def _rejection(item: OperationStatus) -> Rejection | None:
    if not item.reason and not item.code and not item.message:
        return None
    return Rejection(
        reason=item.reason or "",
        code=item.code or "",
        message=item.message or "",
        stalled=bool(item.stalled),
        retry_at=parse_time(item.retryAt or ""),
        shown=item.shown or "",
    )


def _item(entry: Entry) -> OperationStatus:
    told = entry.rejection
    return OperationStatus(
        concern=entry.concern,
        operation=entry.operation or None,
        state=entry.state,
        fingerprint=entry.fingerprint or None,
        attempts=entry.attempts,
        time=stamp(entry.time) if entry.time else None,
        reason=(told.reason or None) if told else None,
        code=(told.code[:CODE_MOST] or None) if told else None,
        message=(told.message[:MESSAGE_MOST] or None) if told else None,
        stalled=(told.stalled or None) if told else None,
        retryAt=stamp(told.retry_at) if told and told.retry_at else None,
        shown=(told.shown or None) if told else None,
    )
