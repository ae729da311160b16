"""Which Events a change of conditions leaves, for every kind: its table and the records of the reasons say so.

A transition is no Event of its own: the calls that the operator makes tell what it does. What needs attention is told,
and that it is over.
"""

from collections.abc import Mapping, Sequence
from typing import assert_never

from hyperpod_operator.api.common.conditions import Condition
from hyperpod_operator.api.common.operations import OperationStatus
from hyperpod_operator.api.kinds import ConditionRow, Kind, News
from hyperpod_operator.api.names import ConditionType
from hyperpod_operator.api.reasons import record
from hyperpod_operator.core.engine.journal import CallState, entry_of
from hyperpod_operator.core.ports import Event

SUCCESSFUL = frozenset({CallState.ACCEPTED, CallState.APPLIED, CallState.ROLLED_BACK})
"""States of a call that AWS took."""


def of_conditions(kind: Kind, *, before: Sequence[Condition], after: Sequence[Condition], stalled: bool) -> list[Event]:
    """A Warning for each condition whose status or reason is new and needs attention; what needs it no more, by Ready
    where that says so; and what else the row of a condition calls news.

    `stalled`: the pass ended with a person having to act, so what is not True needs attention. Only Ready tells of that
    alone: what stalls the object is its reason.
    """
    rows: Mapping[str, ConditionRow] = {row.type: row for row in kind.conditions}
    old = {condition.type: condition for condition in before}
    was_stalled = ConditionType.STALLED in old and old[ConditionType.STALLED].status == "True"
    made: list[Event] = []
    ready_again = False
    for condition in after:
        row, last = rows.get(condition.type), old.get(condition.type)
        if row is None:
            continue
        sums_up = condition.type == ConditionType.READY
        changed = last is None or (last.status, last.reason) != (condition.status, condition.reason)
        needed = last is not None and _needs_attention(row, last, stalled=was_stalled and sums_up)
        if _needs_attention(row, condition, stalled=stalled):
            if changed or (sums_up and not needed):
                made.append(_event(condition, warning=True))
        elif needed and not ready_again:
            made.append(_event(condition, warning=False))
            ready_again = sums_up
        elif changed and condition.status == "True" and _is_news(row, first=last is None):
            made.append(_event(condition, warning=False))
    return made


def first_of_each_reason(made: Sequence[Event]) -> tuple[Event, ...]:
    """One Event per reason: the conditions that changed with the first of them say the same in other words."""
    first = {event.reason: event for event in reversed(made)}
    return tuple(event for event in made if first[event.reason] is event)


def repeats(
    before: Sequence[OperationStatus] | None,
    *,
    concern: str,
    fingerprint: str,
    reason: str,
    conditions: Sequence[Condition],
) -> bool:
    """Whether a call that was rejected for `reason` is the same as the last one, which was rejected for it as well: one
    rejection is one Event, however often the call is tried."""
    last = entry_of(before, concern)
    failed = last is not None and last.fingerprint == fingerprint and last.state not in SUCCESSFUL
    return failed and any(condition.reason == reason for condition in conditions)


def _is_news(row: ConditionRow, *, first: bool) -> bool:
    """Whether it is an Event that the condition became True although nothing was wrong; `first`: it is new."""
    match row.news:
        case News.NO:
            return False
        case News.ALWAYS:
            return True
        case News.AT_FIRST:
            return first
        case _:
            assert_never(row.news)


def _needs_attention(row: ConditionRow, condition: Condition, *, stalled: bool) -> bool:
    if row.bad_when_true and condition.status == "True":
        return True
    return row.announced and _is_warning(condition, stalled=stalled)


def _is_warning(condition: Condition, *, stalled: bool) -> bool:
    known = record(condition.reason)
    if known is None:
        return stalled and condition.status != "True"
    return known.worrying or (condition.status != "True" and (stalled or known.stalled))


def _event(condition: Condition, *, warning: bool) -> Event:
    return Event(
        type="Warning" if warning else "Normal",
        reason=condition.reason,
        action="Observe",
        message=f"{condition.type} is {condition.status}: {condition.message}",
    )
