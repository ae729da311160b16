"""Which transitions of a condition are Events, for each kind and each of its conditions."""

from typing import Any

import pytest

from hyperpod_operator.api.common.conditions import Condition
from hyperpod_operator.api.kinds import CLUSTER, KINDS, NODE_OPERATION, Kind, News
from hyperpod_operator.api.kinds.kind import ConditionRow
from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.core.engine.events import of_conditions

READY, CREATING = Reason.CLUSTER_READY, Reason.CREATING
WORRYING, STALLED_REASON = Reason.CONFIRMING_DELETION, Reason.NOT_OWNED
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


TROUBLES = [WORRYING, STALLED_REASON, "a stalled pass"]


def troubled(trouble: str) -> list[Condition]:
    """Ready and what goes with it while a person is asked for."""
    reason = CREATING if trouble == "a stalled pass" else trouble
    found = [condition(ConditionType.READY, "False", reason)]
    return [*found, condition(ConditionType.STALLED, "True", reason)] if trouble == "a stalled pass" else found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize(("status", "reason"), [("True", READY), ("False", Reason.UPDATING)])
def test_the_end_of_what_needed_attention_is_an_event_of_each_kind(
    kind: Kind, trouble: str, status: str, reason: str
) -> None:
    """Also where work is left: Ready becomes True without an Event then, and the Warning would be the last word."""
    assert told(kind, troubled(trouble), condition(ConditionType.READY, status, reason)) == [("Normal", reason)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_wait_that_becomes_a_persons_is_a_warning_of_each_kind(kind: Kind) -> None:
    waits = condition(ConditionType.READY, "False", CREATING)
    assert told(kind, [waits], waits, stalled=True) == [("Warning", CREATING)]
    assert told(kind, troubled("a stalled pass"), waits, stalled=True) == []


def test_what_ready_says_again_other_conditions_do_not_repeat() -> None:
    before = [condition(one, "False", STALLED_REASON) for one in (ConditionType.READY, ConditionType.SPEC_SYNCED)]
    after = [
        condition(ConditionType.READY, "True", READY),
        condition(ConditionType.SPEC_SYNCED, "True", Reason.IN_SYNC),
    ]
    made = of_conditions(CLUSTER, before=before, after=after, stalled=False)
    assert [(event.type, event.reason) for event in made] == [("Normal", READY)]


def test_a_condition_that_ready_does_not_follow_tells_of_its_own_end() -> None:
    """Nodes that HyperPod repairs by itself leave Ready as it is."""
    ready = condition(ConditionType.READY, "True", READY)
    sick = condition(ConditionType.NODES_HEALTHY, "False", Reason.MANY_NODES_UNHEALTHY)
    well = condition(ConditionType.NODES_HEALTHY, "True", Reason.ALL_SCHEDULABLE)
    made = of_conditions(CLUSTER, before=[ready, sick], after=[ready, well], stalled=False)
    assert [(event.type, event.reason) for event in made] == [("Normal", Reason.ALL_SCHEDULABLE)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_ready_at_the_first_look_is_an_event_of_each_kind(kind: Kind) -> None:
    assert told(kind, [], condition(ConditionType.READY, "True", READY)) == [("Normal", READY)]


def test_the_success_of_a_node_operation_is_an_event() -> None:
    assert the_row(NODE_OPERATION, ConditionType.READY).news is News.ALWAYS
