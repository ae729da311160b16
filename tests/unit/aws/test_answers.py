"""Answers of AWS: each member that a decision rests on is known, or the whole answer is refused."""

from datetime import UTC, datetime
from typing import Any

import pytest

from hyperpod_operator.aws.call.answers import check, flag, listed, moment, number, structure, text
from hyperpod_operator.core.errors import CloudError, ErrorKind

MEMBERS = (
    listed("Things"),
    text("Things[].Name"),
    number("Things[].Count"),
    flag("Things[].Whole"),
    moment("Things[].Born"),
    structure("Things[].Part"),
    text("Things[].Part.Word"),
    text("Things[].Word", optional=True),
    text("Things[].Tags[].Value", empty=True),
)


def answer(**members: Any) -> dict[str, Any]:
    thing = {"Name": "a", "Count": 0, "Whole": False, "Born": datetime(2026, 1, 1, tzinfo=UTC), "Part": {"Word": "w"}}
    return {"Things": [thing | members]}


def refusal(given: Any, *, mutating: bool = False) -> CloudError:
    with pytest.raises(CloudError) as caught:
        check(given, operation="DescribeThings", members=MEMBERS, mutating=mutating)
    return caught.value


@pytest.mark.parametrize(
    "given", [answer(), answer(Word="w"), answer(Tags=[{"Value": ""}]), answer(Tags=[]), {"Things": []}]
)
def test_a_whole_answer_passes(given: dict[str, Any]) -> None:
    check(given, operation="DescribeThings", members=MEMBERS)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "Things is missing"),
        ({"Things": None}, "Things is null"),
        ({"Things": {}}, "Things is not a list"),
        ("<html>", "Things is missing"),
        ({"Things": [None]}, "Things[].Name is missing"),
        (answer(Name=None), "Things[].Name is null"),
        (answer(Name=""), "Things[].Name is empty"),
        (answer(Name=7), "Things[].Name is not text"),
        (answer(Count="7"), "Things[].Count is not a number"),
        (answer(Count=True), "Things[].Count is not a number"),
        (answer(Whole="false"), "Things[].Whole is not true or false"),
        (answer(Born="2026"), "Things[].Born is not a time"),
        (answer(Part=[]), "Things[].Part is not a structure"),
        (answer(Part={}), "Things[].Part.Word is missing"),
        (answer(Word=1), "Things[].Word is not text"),
        (answer(Tags=[{}]), "Things[].Tags[].Value is missing"),
        ({"Things": [*answer()["Things"], {**answer()["Things"][0], "Count": None}]}, "Things[].Count is null"),
    ],
)
def test_what_is_unknown_is_named_with_its_call(given: Any, told: str) -> None:
    error = refusal(given)
    assert error.kind is ErrorKind.MALFORMED
    assert error.operation == "DescribeThings"
    assert error.message == f"in the answer {told}"


def test_an_answer_to_a_change_that_cannot_be_understood_leaves_its_outcome_open() -> None:
    assert refusal({}, mutating=True).kind is ErrorKind.UNKNOWN_OUTCOME
