"""Which transitions of a condition are Events, for each kind and each of its conditions."""

from typing import Any

import pytest

from hyperpod_operator.api.common.conditions import Condition
from hyperpod_operator.api.kinds import KINDS, NODE_OPERATION, Kind, News
from hyperpod_operator.api.kinds.kind import ConditionRow
from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.core.engine.events import of_conditions

READY, CREATING, THROTTLED, NOT_OWNED = "ClusterReady", Reason.CREATING, Reason.CONFIRMING_DELETION, Reason.NOT_OWNED
ROWS = [pytest.param(kind, row, id=f"{kind.name}-{row.type}") for kind in KINDS for row in kind.conditions]


def condition(kind: str, status: str, reason: str) -> Condition:
    return Condition(
        type=kind,
        status=status,
        reason=reason,
        message="so it is.",
        lastTransitionTime="2026-11-30T00:00:00Z",
        observedGeneration=1,
    )


def told(kind: Kind, before: list[Condition], after: Condition, *, stalled: bool = False) -> list[tuple[str, str]]:
    made = of_conditions(kind, before=before, after=[after], stalled=stalled)
    return [(event.type, event.reason) for event in made]


def the_row(kind: Kind, type_: ConditionType) -> ConditionRow:
    (row,) = (row for row in kind.conditions if row.type == type_)
    return row


@pytest.mark.parametrize(("kind", "row"), ROWS)
def test_a_condition_that_becomes_true_is_an_event_where_its_row_says_so(kind: Kind, row: ConditionRow) -> None:
    before = [condition(row.type, "False", CREATING)]
    expected: list[Any] = [("Normal", READY)] if row.news is News.ALWAYS else []
    if row.bad_when_true:
        expected = [("Warning", READY)]
    assert told(kind, before, condition(row.type, "True", READY)) == expected


@pytest.mark.parametrize(("kind", "row"), ROWS)
def test_what_stays_as_it_was_is_no_event(kind: Kind, row: ConditionRow) -> None:
    same = condition(row.type, "True", READY)
    assert told(kind, [same], same) == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("trouble", ["worrying", "stalled reason", "stalled pass"])
def test_the_end_of_what_needed_attention_is_an_event_of_each_kind(kind: Kind, trouble: str) -> None:
    reason = {"worrying": THROTTLED, "stalled reason": NOT_OWNED, "stalled pass": CREATING}[trouble]
    before = [condition(ConditionType.READY, "False", reason)]
    if trouble == "stalled pass":
        before.append(condition(ConditionType.STALLED, "True", reason))
    assert told(kind, before, condition(ConditionType.READY, "True", READY)) == [("Normal", READY)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_ready_at_the_first_look_is_an_event_of_each_kind(kind: Kind) -> None:
    assert told(kind, [], condition(ConditionType.READY, "True", READY)) == [("Normal", READY)]


def test_the_success_of_a_node_operation_is_an_event() -> None:
    assert the_row(NODE_OPERATION, ConditionType.READY).news is News.ALWAYS
