"""The journal of calls: what survives a status, what a call replaces, and how rejections are counted."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperpod_operator.api.common.operations import OperationStatus
from hyperpod_operator.core.engine.journal import (
    REJECTION,
    CallState,
    Rejection,
    amended,
    called,
    cleared,
    entry_of,
    rejected,
    with_rejection,
)

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
NO = Rejection(reason="SpecRejected", code="ValidationException", message="no", stalled=True, shown="s")

concerns = st.sampled_from(["Cluster", "Software", "Tags"])
calls = st.tuples(concerns, st.sampled_from(CallState), st.sampled_from(["f", "g"]))
lives = st.lists(calls, max_size=8)


def call(
    journal: list[OperationStatus] | None,
    concern: str = "Tags",
    state: CallState = CallState.ACCEPTED,
    fingerprint: str = "f",
) -> list[OperationStatus]:
    return called(
        journal, concern=concern, operation="AddTags", state=state, fingerprint=fingerprint, attempts=1, now=NOW
    )


def lived(life: list[tuple[str, CallState, str]]) -> list[OperationStatus]:
    journal: list[OperationStatus] = []
    for concern, state, fingerprint in life:
        journal = call(journal, concern, state, fingerprint)
    return journal


@given(lives)
def test_each_concern_has_its_last_call_and_the_newest_is_last(life: list[tuple[str, CallState, str]]) -> None:
    journal = lived(life)
    last = {concern: (state, fingerprint) for concern, state, fingerprint in life}
    assert {entry.concern: (entry.state, entry.fingerprint) for entry in journal} == last
    assert not life or journal[-1].concern == life[-1][0]


@given(lives)
def test_a_journal_survives_the_status(life: list[tuple[str, CallState, str]]) -> None:
    journal = with_rejection(lived(life), concern="Tags", rejection=NO, now=NOW)
    assert [OperationStatus.model_validate(entry.model_dump(mode="json")) for entry in journal] == journal


@given(lives, concerns)
def test_a_call_leaves_the_entries_of_other_concerns_as_they_are(
    life: list[tuple[str, CallState, str]], concern: str
) -> None:
    before = lived(life)
    after = call(before, concern)
    assert [one for one in after if one.concern != concern] == [one for one in before if one.concern != concern]


@given(lives)
def test_what_is_seen_of_a_call_keeps_its_place(life: list[tuple[str, CallState, str]]) -> None:
    journal = lived(life)
    seen = [entry.model_copy(update={"state": CallState.APPLIED}) for entry in journal]
    for entry in reversed(seen):
        journal = amended(journal, entry)
    assert journal == seen


@pytest.mark.parametrize("state", list(CallState))
def test_what_was_said_of_a_rejection_stands_until_the_same_call_is_accepted(state: CallState) -> None:
    before = with_rejection(call(None, state=CallState.REJECTED), concern="Tags", rejection=NO, now=NOW)
    assert rejected(entry_of(call(before, state=state), "Tags")) is (state is not CallState.ACCEPTED)
    assert not rejected(entry_of(call(before, state=state, fingerprint="another"), "Tags"))


def test_rejections_in_a_row_are_counted() -> None:
    journal = call(None, state=CallState.REJECTED)
    for _ in range(3):
        journal = with_rejection(
            call(journal, state=CallState.REJECTED), concern="Tags", rejection=NO, now=NOW + timedelta(hours=1)
        )
    assert journal[-1].rejections == 3


def test_a_cleared_journal_says_nothing_of_rejections() -> None:
    journal = cleared(with_rejection(call(None), concern="Tags", rejection=NO, now=NOW))
    assert {getattr(entry, member) for entry in journal for member in REJECTION} == {None}
    assert journal[-1].operation == "AddTags"


def test_long_words_of_aws_fit_into_the_status() -> None:
    told = Rejection(reason="SpecRejected", code="c" * 999, message="m" * 99_999)
    (entry,) = with_rejection(call(None), concern="Tags", rejection=told, now=NOW)
    assert OperationStatus.model_validate(entry.model_dump()) == entry


def test_a_concern_without_a_call_has_no_entry() -> None:
    assert entry_of(None, "Tags") is None
    assert not rejected(None)
