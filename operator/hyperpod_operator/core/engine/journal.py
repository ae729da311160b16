"""The journal of calls: the last call of each concern, what was sent and how it was answered.

It is `status.operations`, so it survives a restart. The intent of a call that must not be repeated is written before
the call is sent: a process that dies in between finds its question. The list is in the order of the calls, the newest
last. A rejection stays with the call that was rejected until that call is made again with another answer, or until the
kind clears it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hyperpod_operator.api.common.operations import OperationStatus
from hyperpod_operator.core.moments import seconds_since, stamp
from hyperpod_operator.core.text import shortened

CODE_MOST = 128
MESSAGE_MOST = 2048
REJECTION = ("reason", "code", "message", "stalled", "retryAt", "rejectedAt", "rejections", "shown")
"""Members of an entry that speak of its rejection."""

Operations = Sequence[OperationStatus]


# [assumption: create-has-no-token]
class CallState(StrEnum):
    """How far a call got."""

    INTENDED = "Intended"
    """Written before the call is sent: from here on AWS may have carried it out."""
    ACCEPTED = "Accepted"
    """AWS took the call."""
    APPLIED = "Applied"
    """A later pass saw the effect in AWS."""
    REJECTED = "Rejected"
    """AWS, or the API server, rejected the call and did nothing."""
    ROLLED_BACK = "RolledBack"
    """AWS took the call, tried, and went back to the former state."""
    UNANSWERED = "Unanswered"
    """No answer arrived: the call may or may not have been carried out."""


PENDING = frozenset({CallState.INTENDED, CallState.ACCEPTED, CallState.UNANSWERED})
"""States after which AWS may have, or be about to have, the effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """What was said when a call was rejected. `retry_at` None: the kind decides when it is tried again; `shown` is a
    short name for what AWS showed then."""

    reason: str
    code: str
    message: str
    stalled: bool = False
    retry_at: datetime | None = None
    shown: str = ""


def entry_of(operations: Operations | None, concern: str) -> OperationStatus | None:
    """The last call of this concern."""
    return next((entry for entry in operations or () if entry.concern == concern), None)


def age(entry: OperationStatus | None, *, now: datetime) -> float:
    """Seconds since the call; infinite without one or when its time cannot be read."""
    return seconds_since(entry.time if entry else None, now=now)


def rejected(entry: OperationStatus | None) -> bool:
    """Whether the entry still speaks of a rejection."""
    return entry is not None and entry.rejectedAt is not None


def called(
    operations: Operations | None,
    *,
    concern: str,
    operation: str,
    state: CallState,
    fingerprint: str,
    attempts: int,
    now: datetime,
) -> list[OperationStatus]:
    """A call of this concern, or its intent: it becomes the newest entry.

    What was said about a rejection of the very same call is carried over until the call is accepted.
    """
    old = entry_of(operations, concern)
    entry = OperationStatus(
        concern=concern,
        operation=operation,
        state=state,
        fingerprint=fingerprint,
        attempts=attempts,
        time=stamp(now),
    )
    if old is not None and old.fingerprint == fingerprint and state is not CallState.ACCEPTED:
        entry = entry.model_copy(update={member: getattr(old, member) for member in REJECTION})
    return [*_others(operations, concern), entry]


def with_rejection(
    operations: Operations | None, *, concern: str, rejection: Rejection, now: datetime
) -> list[OperationStatus]:
    """The journal with what was said about the rejected call of this concern; how often in a row is counted."""

    def told(entry: OperationStatus) -> OperationStatus:
        return entry.model_copy(
            update={
                "reason": rejection.reason or None,
                "code": rejection.code[:CODE_MOST] or None,
                "message": shortened(rejection.message, MESSAGE_MOST) or None,
                "stalled": rejection.stalled or None,
                "retryAt": stamp(rejection.retry_at) if rejection.retry_at else None,
                "rejectedAt": stamp(now),
                "rejections": (entry.rejections or 0) + 1,
                "shown": rejection.shown or None,
            }
        )

    return [told(entry) if entry.concern == concern else entry for entry in operations or ()]


def amended(operations: Operations | None, entry: OperationStatus) -> list[OperationStatus]:
    """The journal with another entry of the same concern in the same place."""
    return [entry if one.concern == entry.concern else one for one in operations or ()]


def cleared(operations: Iterable[OperationStatus]) -> list[OperationStatus]:
    """The journal without what was said about rejections."""
    return [entry.model_copy(update=dict.fromkeys(REJECTION)) for entry in operations]


def _others(operations: Operations | None, concern: str) -> list[OperationStatus]:
    return [entry for entry in operations or () if entry.concern != concern]
