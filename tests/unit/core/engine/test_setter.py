"""The one setter of conditions, for the table of every kind."""

import ast
from datetime import UTC, datetime
from pathlib import Path

import pytest

import hyperpod_operator
from hyperpod_operator.api.common.conditions import Condition
from hyperpod_operator.api.kinds import KINDS, Kind
from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.core.engine.conditions import (
    SUMMARY,
    AsReady,
    initial,
    kept,
    of_reason,
    resolved,
    settle,
    summary,
)
from hyperpod_operator.core.engine.result import waiting

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SINCE = "2026-11-28T11:00:00Z"
SETTER = Path("core/engine/conditions.py")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_table_begins_with_what_kstatus_reads_and_names_no_type_twice(kind: Kind) -> None:
    assert kind.table[: len(SUMMARY)] == SUMMARY
    assert len(set(kind.table)) == len(kind.table)


def test_every_type_of_condition_belongs_to_a_kind() -> None:
    assert {kind_of for kind in KINDS for kind_of in kind.table} == set(ConditionType)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_type_that_the_kind_does_not_know_cannot_be_set(kind: Kind) -> None:
    (other, *_) = set(ConditionType) - set(kind.table)
    with pytest.raises(ValueError, match="tuple"):
        settle(table=kind.table, drafts=[(other, "True", Reason.IN_SYNC, "m")], before=[], generation=1, now=NOW)


@pytest.mark.parametrize("stalled", [False, True])
def test_what_is_not_ready_is_reconciling_or_stalled_and_never_both(stalled: bool) -> None:
    said = summary(ready="False", reason=Reason.UPDATING, message="m", stalled=stalled)
    assert [draft[0] for draft in said] == [
        ConditionType.READY,
        ConditionType.STALLED if stalled else ConditionType.RECONCILING,
    ]


def test_a_new_object_is_not_taken_for_finished() -> None:
    assert [(draft[0], draft[1]) for draft in initial(reason=Reason.CREATING, message="m")] == [
        (ConditionType.READY, "Unknown"),
        (ConditionType.RECONCILING, "True"),
    ]


@pytest.mark.parametrize("type_", [*ConditionType, "LaterType"])
def test_what_was_said_stands_unless_it_is_said_again_or_is_over(type_: str) -> None:
    before = Condition(type=type_, status="True", reason=Reason.IN_SYNC, message="m", lastTransitionTime=SINCE)
    made = [(ConditionType.READY, "Unknown", Reason.AWS_UNREACHABLE, "m")]
    assert bool(kept([before], made=made)) is (type_ not in {*SUMMARY, "LaterType"})


def test_nothing_but_the_setter_makes_a_condition() -> None:
    root = Path(hyperpod_operator.__file__).parent
    makers = {
        path.relative_to(root)
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Condition"
    }
    assert makers == {SETTER}


ENDED = waiting(reason=Reason.THROTTLED, message="Later.", after=60.0)


def test_a_condition_that_follows_ready_takes_its_reason_and_message() -> None:
    assert resolved([AsReady(ConditionType.PROVISIONED, also=" More.")], ENDED) == [
        (ConditionType.PROVISIONED, "False", Reason.THROTTLED, "Later. More.")
    ]


def test_what_a_concern_says_itself_stands() -> None:
    said = (ConditionType.PROVISIONED, "True", Reason.PROVISIONED, "There.")
    assert resolved([said], ENDED) == [said]
    assert resolved([said]) == [said]


def test_without_an_end_nothing_can_follow_ready() -> None:
    with pytest.raises(ValueError, match="Provisioned is to follow Ready"):
        resolved([AsReady(ConditionType.PROVISIONED)])


def test_a_reason_speaks_of_its_condition_only_where_the_kind_asks() -> None:
    blocked = waiting(reason=Reason.PERMISSION_DENIED, message="No.", after=60.0)
    kind = ConditionType.PERMISSIONS_OK
    assert of_reason(blocked, statuses={kind: "False"}) == [(kind, "False", Reason.PERMISSION_DENIED, "No.")]
    assert of_reason(blocked, statuses={}) == []
    assert of_reason(ENDED, statuses={kind: "False"}) == []
