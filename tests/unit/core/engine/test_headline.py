"""What a row of `kubectl get` shows: who acts, and a message that fits."""

import pytest

from hyperpod_operator.api.common.conditions import Condition
from hyperpod_operator.api.names import Reason
from hyperpod_operator.api.reasons import REASONS
from hyperpod_operator.core.engine.headline import LINE, headline, short

AT = "2026-11-28T12:00:00Z"


def condition(kind: str, status: str, reason: str, message: str = "m") -> Condition:
    return Condition(type=kind, status=status, reason=reason, message=message, lastTransitionTime=AT)


@pytest.mark.parametrize("reason", Reason)
def test_the_record_of_the_reason_says_who_acts(reason: Reason) -> None:
    assert headline([condition("Ready", "False", reason)])["actor"] == REASONS[reason].actor


@pytest.mark.parametrize("reason", Reason)
def test_what_is_stalled_waits_for_you(reason: Reason) -> None:
    found = [condition("Ready", "False", reason), condition("Stalled", "True", reason)]
    assert headline(found)["actor"] == "You"


def test_a_reason_of_another_release_asks_nothing() -> None:
    assert headline([condition("Ready", "False", "FromTheFuture")])["actor"] == "-"


def test_before_the_first_report_there_is_none() -> None:
    assert headline([]) == {}


def test_a_short_message_stays_as_it_is() -> None:
    assert short("x" * LINE) == "x" * LINE


def test_a_long_message_ends_with_a_sentence_where_it_can() -> None:
    first = "AWS rejected the role of group gpu because it cannot be assumed."
    assert short(f"{first} {'Detail ' * 40}") == f"{first} …"


def test_a_long_sentence_keeps_its_beginning_and_its_end() -> None:
    made = short(f"ValidationException: {'x' * 500} role/hyperpod-execution")
    assert made.startswith("ValidationException: ")
    assert made.endswith("role/hyperpod-execution")


@pytest.mark.parametrize("message", ["a. " * 200, "x" * 8192, ". " * 99, "y" * 60 + ". " + "z" * 60, "w" * 99 + ". z"])
def test_no_message_is_longer_than_a_line(message: str) -> None:
    assert len(short(message)) <= LINE
