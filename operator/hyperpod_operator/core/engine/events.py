"""Which Events a change of conditions leaves, for every kind: its table and the records of the reasons say so."""

from collections.abc import Mapping, Sequence

from hyperpod_operator.api.conditions import Condition
from hyperpod_operator.api.kinds import ConditionRow, Kind
from hyperpod_operator.api.reasons import record
from hyperpod_operator.core.ports import Event


def of_conditions(kind: Kind, *, before: Sequence[Condition], after: Sequence[Condition], stalled: bool) -> list[Event]:
    """An Event for each condition whose status or reason is new and whose row has it announced.

    `stalled`: the pass ended with a person having to act, so what is not True is a Warning.
    """
    rows: Mapping[str, ConditionRow] = {row.type: row for row in kind.conditions}
    old = {condition.type: (condition.status, condition.reason) for condition in before}
    return [
        _event(condition, warning=_is_bad(row, condition) or _is_warning(condition, stalled=stalled))
        for condition in after
        if old.get(condition.type) != (condition.status, condition.reason)
        and (row := rows.get(condition.type)) is not None
        and (row.announced or _is_bad(row, condition))
    ]


def first_of_each_reason(made: Sequence[Event]) -> tuple[Event, ...]:
    """One Event per reason: the conditions that changed with the first of them say the same in other words."""
    first = {event.reason: event for event in reversed(made)}
    return tuple(event for event in made if first[event.reason] is event)


def _is_bad(row: ConditionRow, condition: Condition) -> bool:
    return row.bad_when_true and condition.status == "True"


def _is_warning(condition: Condition, *, stalled: bool) -> bool:
    known = record(condition.reason)
    return (stalled and condition.status != "True") or (known is not None and known.worrying)


def _event(condition: Condition, *, warning: bool) -> Event:
    return Event(
        type="Warning" if warning else "Normal",
        reason=condition.reason,
        action="Observe",
        message=f"{condition.type} is {condition.status}: {condition.message}",
    )
