"""The journal of calls: what survives a status, and how attempts are counted."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperpod_operator.api.operations import OperationStatus
from hyperpod_operator.core.engine.journal import PENDING, CallState, Entry, Journal, Rejection, read, written

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)

words = st.text(alphabet="abcXYZ019", min_size=1, max_size=20)
moments = st.integers(min_value=0, max_value=10**9).map(lambda seconds: NOW + timedelta(seconds=seconds))
rejections = st.builds(
    Rejection,
    reason=words,
    code=words,
    message=st.text(alphabet="abc .", max_size=40),
    stalled=st.booleans(),
    retry_at=st.none() | moments,
    shown=words | st.just(""),
)
entries = st.builds(
    Entry,
    concern=words,
    operation=words,
    state=st.sampled_from(CallState),
    fingerprint=words,
    attempts=st.integers(min_value=1, max_value=99),
    time=st.none() | moments,
    rejection=st.none() | rejections,
)
journals = st.lists(entries, max_size=5).map(lambda made: Journal({entry.concern: entry for entry in made}))


@given(journals)
def test_a_journal_survives_the_status(journal: Journal) -> None:
    assert read(written(journal)) == journal


@given(journals)
def test_equal_journals_are_equal_texts_whatever_the_order(journal: Journal) -> None:
    backwards = Journal(dict(reversed(list(journal.entries.items()))))
    assert written(backwards) == written(journal)


@given(journals, words)
def test_a_call_of_one_concern_leaves_the_others_as_they_are(journal: Journal, concern: str) -> None:
    after = journal.intend(concern=concern, operation="UpdateCluster", fingerprint="f", now=NOW)
    assert after.without(concern) == journal.without(concern)


def test_an_empty_journal_leaves_nothing_in_status() -> None:
    assert written(Journal()) is None
    assert read(None) == Journal()


@pytest.mark.parametrize("state", list(CallState))
def test_attempts_go_on_while_the_end_of_the_same_call_is_open(state: CallState) -> None:
    def made(fingerprint: str) -> int:
        before = Journal().answered(
            concern="Tags", operation="AddTags", fingerprint="f", state=state, attempts=2, now=NOW
        )
        entry = before.intend(concern="Tags", operation="AddTags", fingerprint=fingerprint, now=NOW).of("Tags")
        assert entry is not None
        return entry.attempts

    assert made("f") == (3 if state in PENDING else 1)
    assert made("other") == 1


def test_an_intent_forgets_the_former_rejection() -> None:
    told = Rejection(reason="SpecRejected", code="ValidationException", message="no")
    before = Journal().answered(
        concern="Tags",
        operation="AddTags",
        fingerprint="f",
        state=CallState.REJECTED,
        attempts=1,
        now=NOW,
        rejection=told,
    )
    entry = before.intend(concern="Tags", operation="AddTags", fingerprint="f", now=NOW).of("Tags")
    assert entry is not None
    assert entry.rejection is None


@pytest.mark.parametrize("time", ["yesterday", "2026-11-28T12:00:00", None])
def test_a_time_that_cannot_be_read_is_infinitely_long_ago(time: str | None) -> None:
    entry = read([OperationStatus.model_construct(concern="Tags", time=time)]).of("Tags")
    assert entry is not None
    assert entry.age(now=NOW) == float("inf")


def test_a_state_of_a_later_release_is_not_taken_for_a_call_under_way() -> None:
    entry = read([OperationStatus(concern="Tags", state="Postponed")]).of("Tags")
    assert entry is not None
    assert not entry.pending


def test_the_newest_call_of_all_is_found() -> None:
    journal = Journal().intend(concern="Tags", operation="AddTags", fingerprint="f", now=NOW)
    journal = journal.intend(concern="Cluster", operation="UpdateCluster", fingerprint="g", now=NOW + timedelta(1))
    assert journal.newest is not None
    assert journal.newest.concern == "Cluster"


def test_long_words_of_aws_fit_into_the_status() -> None:
    told = Rejection(reason="SpecRejected", code="c" * 999, message="m" * 99_999)
    entry = Entry(
        concern="Tags",
        operation="AddTags",
        state=CallState.REJECTED,
        fingerprint="f",
        attempts=1,
        time=NOW,
        rejection=told,
    )
    (item,) = written(Journal({"Tags": entry})) or []
    OperationStatus.model_validate(item.model_dump())
