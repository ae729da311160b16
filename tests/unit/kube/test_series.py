"""Which Events are sent, and when: the bookkeeping."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest

from hyperpod_operator.core.ports import Event, StoredObject
from hyperpod_operator.kube.events import series as s
from hyperpod_operator.kube.events.series import Series, SeriesBook, SeriesKey

Make = Callable[..., StoredObject]


def event(message: str = "hello", *, reason: str = "Creating") -> Event:
    return Event(type="Normal", reason=reason, action="Create", message=message)


def observed(message: str = "hello", *, reason: str = "Scaling") -> Event:
    return Event(type="Normal", reason=reason, action="Observe", message=message)


def unsent(book: SeriesBook) -> list[SeriesKey]:
    return [*book._new]


class Lost:
    count = 0

    def __call__(self, count: int) -> None:
        self.count += count


@pytest.fixture
def lost() -> Lost:
    return Lost()


@pytest.fixture
def book(lost: Lost) -> SeriesBook:
    return SeriesBook(lost)


@pytest.fixture
def record(book: SeriesBook, clock: Any, make_stored: Make) -> Callable[..., None]:
    def record(what: Event | None = None, *, about: str = "blue") -> None:
        book.record(about=make_stored(about), event=what or event(), now=clock.now(), monotonic=clock.monotonic())

    return record


@pytest.fixture
def send(book: SeriesBook, clock: Any) -> Callable[[], Series | None]:
    def send() -> Series | None:
        series = book.next_due(monotonic=clock.monotonic())
        if series is not None:
            book.mark_sent(series, count=series.count, monotonic=clock.monotonic())
        return series

    return send


Record = Callable[..., None]
Send = Callable[[], Series | None]


def test_the_first_occurrence_is_due_at_once(record: Record, send: Send) -> None:
    record()
    assert send() is not None
    assert send() is None


def test_repetitions_are_one_series_whose_count_waits_half_a_minute(
    record: Record, send: Send, book: SeriesBook, clock: Any
) -> None:
    record()
    send()
    for _ in range(5):
        clock.seconds += 1
        record()
    assert send() is None
    assert book.wait(monotonic=clock.monotonic()) == 25
    clock.seconds += 25
    series = send()
    assert series is not None
    assert series.count == 6
    assert book.wait(monotonic=clock.monotonic()) is None


def test_after_ten_silent_minutes_it_is_another_event(record: Record, send: Send, clock: Any) -> None:
    record()
    first = send()
    clock.seconds += 601
    record()
    second = send()
    assert first is not second
    assert second is not None
    assert second.count == 1


def test_a_series_that_goes_on_stays_one_series_for_hours(record: Record, send: Send, clock: Any) -> None:
    record()
    first = send()
    for _ in range(20):
        clock.seconds += 599
        record()
        assert send() is first


@pytest.mark.parametrize("other", [event("other"), event(reason="Deleting")])
def test_another_message_or_reason_is_another_event(record: Record, book: SeriesBook, other: Event) -> None:
    record()
    record(other)
    assert book.pending == 2
    assert len(book._series) == 2


def test_the_same_words_about_another_object_are_another_event(record: Record, book: SeriesBook) -> None:
    record(about="blue")
    record(about="green")
    assert len(book._series) == 2


def test_new_events_go_before_counts(record: Record, send: Send, clock: Any) -> None:
    record()
    send()
    record()
    clock.seconds += 60
    record(event("new"))
    series = send()
    assert series is not None
    assert series.key.event.message == "new"


def test_when_too_much_is_unsent_the_oldest_is_dropped_and_counted(
    record: Record, book: SeriesBook, lost: Lost
) -> None:
    for number in range(s.MOST_UNSENT + 3):
        record(about=f"object-{number}")
    assert lost.count == 3
    due = book.next_due(monotonic=0)
    assert due is not None
    assert due.regarding["name"] == "object-3"


def test_one_object_cannot_flood_the_api_server(record: Record, book: SeriesBook, lost: Lost, clock: Any) -> None:
    for number in range(40):
        record(observed(f"request {number}"))
    assert (len(unsent(book)), lost.count) == (s.MOST_PER_OBJECT + 1, 0)
    assert unsent(book)[-1].event.message == s.COMBINED
    clock.seconds += 601
    record(observed("later"))
    assert unsent(book)[-1].event.message == "later"


def test_beyond_the_budget_each_reason_is_counted_by_itself(record: Record, book: SeriesBook) -> None:
    for number in range(s.MOST_PER_OBJECT + 10):
        record(observed(f"request {number}", reason="Scaling" if number % 2 else "HyperPodEvent"))
    combined = [key.event.reason for key in unsent(book) if key.event.message == s.COMBINED]
    assert sorted(combined) == ["HyperPodEvent", "Scaling"]
    assert book.pending == s.MOST_PER_OBJECT + 10


@pytest.mark.parametrize(
    "always",
    [
        Event(type="Normal", reason="Updating", action="UpdateCluster", message="changed"),
        Event(type="Warning", reason="ClusterBusy", action="UpdateCluster", message="refused"),
        Event(type="Warning", reason="TeardownBlocked", action="Observe", message="act"),
    ],
    ids=["a change", "a refused change", "a request to you"],
)
def test_a_change_and_what_asks_you_to_act_pass_whatever_went_before(
    record: Record, book: SeriesBook, always: Event
) -> None:
    for number in range(40):
        record(observed(f"request {number}"))
    record(always)
    assert unsent(book)[-1].event == always


def test_an_observation_is_dropped_before_a_change(record: Record, book: SeriesBook, lost: Lost) -> None:
    record(event("a change"), about="first")
    for number in range(s.MOST_UNSENT):
        record(observed(), about=f"object-{number}")
    assert lost.count == 1
    assert unsent(book)[0].event.message == "a change"


def test_an_event_too_many_costs_no_walk_through_those_that_wait(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(s.MOST_UNSENT):
        record(event(f"change {number}"))
    asked, always = list[Event](), s._always

    def ask(one: Event) -> bool:
        asked.append(one)
        return always(one)

    monkeypatch.setattr(s, "_always", ask)
    record(event("one more change"))
    assert len(asked) < 5


def test_a_look_at_what_is_due_costs_no_walk_through_what_is_told(
    record: Record, send: Send, book: SeriesBook, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = list[Series]()

    class Watched(OrderedDict[SeriesKey, Series]):
        def values(self) -> Any:
            for one in super().values():
                looked.append(one)
                yield one

    monkeypatch.setattr(book, "_series", Watched())
    for number in range(100):
        record(event(f"change {number}"))
        send()
    now = clock.monotonic()
    assert (book.next_due(monotonic=now), book.wait(monotonic=now)) == (None, None)
    book.prune(monotonic=now)
    assert len(looked) <= 1


@pytest.mark.parametrize("end", ["mark_sent", "restart"])
def test_what_was_dropped_while_it_was_sent_stays_dropped(
    record: Record, book: SeriesBook, clock: Any, end: str
) -> None:
    record()
    record()
    series = book.next_due(monotonic=clock.monotonic())
    assert series is not None
    book.drop(series)
    if end == "restart":
        book.restart(series)
    else:
        book.mark_sent(series, count=1, monotonic=clock.monotonic())
    assert book.next_due(monotonic=clock.monotonic(), closing=True) is None


def test_an_observation_that_was_told_is_not_dropped_in_place_of_a_change(
    record: Record, send: Send, book: SeriesBook, lost: Lost
) -> None:
    record(observed())
    send()
    for number in range(s.MOST_UNSENT + 1):
        record(event(f"change {number}"))
    assert (lost.count, unsent(book)[0].event.message) == (1, "change 1")


def test_what_is_told_completely_is_forgotten_after_a_while(
    record: Record, send: Send, book: SeriesBook, lost: Lost, clock: Any
) -> None:
    record()
    send()
    clock.seconds += 601
    book.prune(monotonic=clock.monotonic())
    assert (len(book._series), len(book._begun), lost.count) == (0, 0, 0)


def test_an_event_that_expired_is_created_again(record: Record, send: Send, book: SeriesBook, clock: Any) -> None:
    record()
    series = send()
    assert series is not None
    record()
    book.restart(series)
    assert book.next_due(monotonic=clock.monotonic()) is series
    assert series.sent == 0


def test_closing_waits_for_no_count(record: Record, send: Send, book: SeriesBook, clock: Any) -> None:
    record()
    send()
    record()
    assert book.next_due(monotonic=clock.monotonic()) is None
    assert book.next_due(monotonic=clock.monotonic(), closing=True) is not None


def test_events_that_differ_in_awss_id_alone_are_one_with_their_count(
    record: Callable[..., None], send: Callable[[], Series | None], clock: Any
) -> None:
    """HyperPod tries a launch again every few minutes, for days where there is no capacity."""
    for number in range(3):
        record(Event(type="Warning", reason="HyperPodEvent", action="Observe", message="full", reference=f"{number}"))
        clock.seconds += 60
    series = send()
    assert series is not None
    assert (series.count, series.key.event.reference) == (3, "0")
    assert send() is None
