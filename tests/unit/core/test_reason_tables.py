"""Tables keyed by reason, tried for every reason there is: a reason without an answer here fails, and so does a row
that is dropped from a table."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.core.builders import NOW, cluster, recorded, resource, told, unread

import hyperpod_operator
from hyperpod_operator.api.common.conditions import Condition
from hyperpod_operator.api.kinds import KINDS
from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.api.reasons import REASONS, SECTIONS, Section, Severity, record
from hyperpod_operator.core.cluster.conditions import conditions
from hyperpod_operator.core.cluster.ending import ending
from hyperpod_operator.core.cluster.events import events
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.engine.result import ResultSummary
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.outcome import Blocked, Done, Requeue

EXPECTED = {Severity.PAUSED: {"Paused"}, Severity.AT_REST: set[str]()}
"""What goes with Ready where a person stopped the object."""


def event_type(reason: Reason, *, status: str = "False", stalled: bool = False) -> str | None:
    """The type of the Event that tells of a condition with this reason; None where there is none."""
    condition = Condition(
        type=ConditionType.READY, status=status, reason=reason, message="m", lastTransitionTime=stamp(NOW)
    )
    owner = resource()
    new = owner.status.model_copy(update={"conditions": [condition]})
    end = ResultSummary(outcome=Done(), reason=reason, message="m", stalled=stalled)
    made = events(unread(owner), end, new)
    return made[0].type if made else None


@pytest.mark.parametrize("reason", list(Reason))
def test_a_transition_is_an_event_only_where_its_reason_needs_attention(reason: Reason) -> None:
    needs_attention = REASONS[reason].worrying or REASONS[reason].stalled
    assert event_type(reason) == ("Warning" if needs_attention else None)


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_that_asks_a_person_to_act_is_a_warning(reason: Reason) -> None:
    assert event_type(reason, stalled=True) == "Warning"


def test_no_call_of_the_operators_is_made_for_a_reason_that_asks_you() -> None:
    """The object would be Stalled while the operator helps itself, and what it gives up would be no news."""
    spoken = {
        ast.unparse(node.func)
        for file in Path(hyperpod_operator.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        for given in node.keywords
        if given.arg == "reason" and isinstance(given.value, ast.Attribute)
        if given.value.attr in Reason.__members__ and REASONS[Reason[given.value.attr]].stalled
    }
    assert spoken == {"Event", "Obstacle", "RejectedGroup", "Wait", "summary", "waiting"}


@pytest.mark.parametrize("reason", [one for one in Reason if not REASONS[one].worrying])
def test_what_is_true_is_no_warning_although_something_else_stalls(reason: Reason) -> None:
    assert event_type(reason, status="True", stalled=True) == "Normal"


@pytest.mark.parametrize("stalled", [False, True])
@pytest.mark.parametrize("reason", list(Reason))
def test_what_is_not_ready_is_reconciling_or_stalled_unless_a_person_paused_it(reason: Reason, stalled: bool) -> None:
    end = ResultSummary(outcome=Done(), reason=reason, message="m", stalled=stalled)
    found = {item.type for item in conditions(unread(resource()), end)} & {"Reconciling", "Stalled", "Paused"}
    assert found == EXPECTED.get(REASONS[reason].severity, {"Stalled" if stalled else "Reconciling"})


def test_every_reason_has_one_record() -> None:
    assert sorted(one.word for listed in SECTIONS.values() for one in listed) == sorted(Reason)


def test_every_section_of_the_page_is_filled() -> None:
    assert set(SECTIONS) == set(Section)
    assert all(SECTIONS.values())


def test_the_reasons_of_the_blocked_sections_are_stalled_and_no_others() -> None:
    sections = (Section.BLOCKED, Section.CLAIM_ACTION, Section.OPERATION_ACTION)
    blocked = {one.word for section in sections for one in SECTIONS[section]}
    assert blocked == {word for word, one in REASONS.items() if one.stalled}


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_says_what_it_means_and_what_to_do(reason: Reason) -> None:
    assert REASONS[reason].meaning.endswith((".", ")"))
    assert REASONS[reason].remedy.endswith((".", ")"))


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_speaks_of_a_condition_that_a_kind_has(reason: Reason) -> None:
    told = REASONS[reason].condition
    assert told is None or any(told in kind.table for kind in KINDS)


def test_a_stored_word_of_a_later_release_has_no_record() -> None:
    assert record("LaterWord") is None


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_whose_record_says_so_is_stalled_whoever_gives_it(reason: Reason) -> None:
    held = Wait(reason=reason, message="m", after=60.0)
    end = ending(replace(told(resource(status=recorded()), cluster()), decision=held))
    blocked = REASONS[reason].stalled
    assert end.stalled is blocked
    assert end.outcome == (Blocked(reason, 60.0) if blocked else Requeue(reason, 60.0))
