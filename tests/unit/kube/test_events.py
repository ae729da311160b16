"""The recorder: what it tells the API server, and what it does when nobody listens. In fake time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from hyperpod_operator.core.ports import Event, KubernetesError, ObjectGone, StaleObject, StoredObject
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.events.recorder import GIVE_UP, LONGEST_PAUSE, EventRecorder, capped

pytestmark = pytest.mark.looptime

Make = Callable[..., StoredObject]
EVENT = Event(type="Warning", reason="QuotaExceeded", action="Create", message="Ask for more.")


class LoopClock:
    def now(self) -> datetime:
        return datetime.fromtimestamp(1_700_000_000 + self.monotonic(), UTC)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


class FakeApi:
    """The two calls that the recorder makes. `error` is raised by each while it is set."""

    def __init__(self) -> None:
        self.created: list[tuple[str, dict[str, Any]]] = []
        self.patched: list[tuple[str, dict[str, Any]]] = []
        self.tries = 0
        self.error: Exception | None = None
        self.broken = ""
        """Events whose path or name has this in it fail, as behind an admission webhook that does not answer."""
        self.expired = False

    async def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self._try(body["metadata"]["name"])
        self.created.append((path, body))
        return body

    async def merge_patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self._try(path.rpartition("/")[2])
        if self.expired:
            raise ObjectGone("expired")
        self.patched.append((path, body))
        return body

    def _try(self, name: str) -> None:
        self.tries += 1
        if self.broken and self.broken in name:
            raise KubernetesError(status=500, message="failed calling webhook")
        if self.error is not None:
            raise self.error


class Lost:
    count = 0

    def __call__(self, count: int) -> None:
        self.count += count


@pytest.fixture
def fake() -> FakeApi:
    return FakeApi()


@pytest.fixture
def lost() -> Lost:
    return Lost()


@pytest.fixture
async def recorder(fake: FakeApi, lost: Lost) -> AsyncIterator[EventRecorder]:
    recorder = EventRecorder(cast(ApiServer, fake), clock=LoopClock(), dropped=lost, instance="pod-1")
    recorder.start()
    yield recorder
    fake.error = None
    await recorder.stop()


async def test_an_event_is_written_at_once_and_says_everything(
    recorder: EventRecorder, fake: FakeApi, make_stored: Make
) -> None:
    recorder.publish(about=make_stored(), event=EVENT)
    await asyncio.sleep(0.1)
    ((path, event),) = fake.created
    assert path == "/apis/events.k8s.io/v1/namespaces/team/events"
    assert event["metadata"]["name"].startswith("blue.")
    assert (event["type"], event["reason"], event["action"], event["note"]) == (
        "Warning",
        "QuotaExceeded",
        "Create",
        "Ask for more.",
    )
    assert (event["reportingController"], event["reportingInstance"]) == ("hyperpod-operator", "pod-1")
    assert event["regarding"]["uid"] == "uid-blue"
    assert event["regarding"]["kind"] == "HyperPodCluster"
    assert "series" not in event


async def test_a_storm_is_one_event_and_a_count_every_half_minute(
    recorder: EventRecorder, fake: FakeApi, make_stored: Make
) -> None:
    for _ in range(100):
        recorder.publish(about=make_stored(), event=EVENT)
        await asyncio.sleep(1)
    assert len(fake.created) == 1
    assert [body["series"]["count"] for _, body in fake.patched] == [31, 61, 91]
    assert fake.patched[0][0].endswith(fake.created[0][1]["metadata"]["name"])


async def test_publishing_never_waits_and_an_outage_only_delays(
    recorder: EventRecorder, fake: FakeApi, make_stored: Make, lost: Lost
) -> None:
    fake.error = KubernetesError(status=0, message="away")
    recorder.publish(about=make_stored(), event=EVENT)
    await asyncio.sleep(300)
    assert 8 <= fake.tries <= 15
    fake.error = None
    await asyncio.sleep(31)
    assert (len(fake.created), lost.count) == (1, 0)


async def test_an_event_that_is_refused_for_good_is_dropped_counted_and_blocks_nothing(
    recorder: EventRecorder, fake: FakeApi, make_stored: Make, lost: Lost
) -> None:
    fake.error = KubernetesError(status=403, message="no")
    recorder.publish(about=make_stored(), event=EVENT)
    await asyncio.sleep(1)
    assert (fake.tries, lost.count) == (1, 1)
    fake.error = None
    recorder.publish(about=make_stored("green"), event=EVENT)
    await asyncio.sleep(1)
    assert len(fake.created) == 1


@pytest.mark.parametrize(
    "error",
    [KubernetesError(status=403, message="it is being terminated", namespace_ends=True), ObjectGone("no namespace")],
    ids=["being deleted", "gone"],
)
async def test_nobody_misses_the_events_of_a_namespace_that_ends(
    recorder: EventRecorder,
    fake: FakeApi,
    make_stored: Make,
    lost: Lost,
    error: Exception,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fake.error = error
    for _ in range(3):
        recorder.publish(about=make_stored(), event=EVENT)
        await asyncio.sleep(1)
    assert (fake.tries, lost.count, [one for one in caplog.records if one.levelname == "WARNING"]) == (3, 0, [])


async def test_a_lost_answer_does_not_make_a_second_event(
    recorder: EventRecorder, fake: FakeApi, make_stored: Make, lost: Lost
) -> None:
    fake.error = StaleObject("already exists")
    recorder.publish(about=make_stored(), event=EVENT)
    await asyncio.sleep(1)
    fake.error = None
    recorder.publish(about=make_stored(), event=EVENT)
    await asyncio.sleep(31)
    assert (fake.created, len(fake.patched), lost.count) == ([], 1, 0)
    assert fake.patched[0][1]["series"]["count"] == 2


async def test_an_event_that_expired_is_written_again_with_its_count(
    recorder: EventRecorder, fake: FakeApi, make_stored: Make
) -> None:
    recorder.publish(about=make_stored(), event=EVENT)
    await asyncio.sleep(1)
    recorder.publish(about=make_stored(), event=EVENT)
    fake.expired = True
    await asyncio.sleep(31)
    assert len(fake.created) == 2
    assert fake.created[-1][1]["series"]["count"] == 2


async def test_an_event_that_fails_again_and_again_silences_no_other_one(
    recorder: EventRecorder, fake: FakeApi, make_stored: Make
) -> None:
    fake.broken = "blue"
    recorder.publish(about=make_stored("blue"), event=EVENT)
    await asyncio.sleep(100)
    recorder.publish(about=make_stored("green"), event=EVENT)
    await asyncio.sleep(31)
    assert [event["regarding"]["name"] for _, event in fake.created] == ["green"]
    fake.broken = ""
    await asyncio.sleep(31)
    assert [event["regarding"]["name"] for _, event in fake.created] == ["green", "blue"]


async def test_a_count_that_fails_again_and_again_silences_no_other_one(
    recorder: EventRecorder, fake: FakeApi, make_stored: Make
) -> None:
    for _ in range(2):
        for name in ("blue", "green"):
            recorder.publish(about=make_stored(name), event=EVENT)
        await asyncio.sleep(1)
    fake.broken = "blue"
    await asyncio.sleep(100)
    assert [body["series"]["count"] for _, body in fake.patched] == [2]


async def test_an_event_that_the_api_server_always_fails_at_is_dropped_and_counted(
    recorder: EventRecorder, fake: FakeApi, make_stored: Make, lost: Lost
) -> None:
    fake.broken = "blue"
    recorder.publish(about=make_stored("blue"), event=EVENT)
    await asyncio.sleep(GIVE_UP - 1)
    assert lost.count == 0
    await asyncio.sleep(LONGEST_PAUSE + 1)
    assert (lost.count, len(recorder._book._series)) == (1, 0)
    assert fake.tries < 30


async def test_a_stop_leaves_out_what_fails_and_nothing_else(fake: FakeApi, lost: Lost, make_stored: Make) -> None:
    recorder = EventRecorder(cast(ApiServer, fake), clock=LoopClock(), dropped=lost)
    fake.broken = "blue"
    for name in ("blue", "green"):
        recorder.publish(about=make_stored(name), event=EVENT)
    await recorder.stop()
    assert [event["regarding"]["name"] for _, event in fake.created] == ["green"]
    assert lost.count == 1


async def test_a_fault_of_ours_does_not_silence_later_events(
    recorder: EventRecorder, fake: FakeApi, make_stored: Make, caplog: pytest.LogCaptureFixture
) -> None:
    fake.error = ZeroDivisionError("bug")
    recorder.publish(about=make_stored(), event=EVENT)
    await asyncio.sleep(1)
    fake.error = None
    recorder.publish(about=make_stored("green"), event=EVENT)
    await asyncio.sleep(1)
    assert len(fake.created) == 1
    assert "please report it" in caplog.text


async def test_what_is_left_at_the_stop_is_written(fake: FakeApi, lost: Lost, make_stored: Make) -> None:
    recorder = EventRecorder(cast(ApiServer, fake), clock=LoopClock(), dropped=lost)
    recorder.start()
    recorder.publish(about=make_stored(), event=EVENT)
    await asyncio.sleep(1)
    recorder.publish(about=make_stored(), event=EVENT)
    recorder.publish(about=make_stored("green"), event=EVENT)
    await recorder.stop()
    assert (len(fake.created), len(fake.patched), lost.count) == (2, 1, 0)


async def test_a_stop_does_not_wait_for_an_api_server_that_is_away(
    fake: FakeApi, lost: Lost, make_stored: Make
) -> None:
    async def hang(path: str, body: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(10)
        return body

    fake.create = hang  # type: ignore[method-assign]  # the slowest server there is
    recorder = EventRecorder(cast(ApiServer, fake), clock=LoopClock(), dropped=lost)
    recorder.start()
    recorder.publish(about=make_stored(), event=EVENT)
    start = asyncio.get_running_loop().time()
    await recorder.stop()
    assert asyncio.get_running_loop().time() - start == pytest.approx(2, abs=0.1)
    assert lost.count == 1


async def test_a_note_fits_into_a_kilobyte_whatever_its_language(
    recorder: EventRecorder, fake: FakeApi, make_stored: Make
) -> None:
    long = Event(type="Normal", reason="Creating", action="Create", message="ü" * 5000)
    recorder.publish(about=make_stored(), event=long)
    await asyncio.sleep(0.1)
    assert len(fake.created[0][1]["note"].encode()) <= 1024


@pytest.mark.parametrize("message", ["short", "ü" * 5000])
async def test_a_note_ends_with_awss_id_however_long_it_is(
    message: str, recorder: EventRecorder, fake: FakeApi, make_stored: Make
) -> None:
    about = Event(type="Warning", reason="X", action="Create", message=message, reference="request r-1\x1b[2J")
    recorder.publish(about=make_stored(), event=about)
    await asyncio.sleep(0.1)
    note = fake.created[0][1]["note"]
    assert note.endswith(" (request r-1)")
    assert len(note.encode()) <= 1024


@pytest.mark.parametrize("letter", ["x", "ü", "漢", "🙂"])
async def test_a_long_note_still_says_what_to_do(
    letter: str, recorder: EventRecorder, fake: FakeApi, make_stored: Make
) -> None:
    message = f"It waits for approval: {f'{letter * 9} ' * 500}. To approve it, run: kubectl approve"
    recorder.publish(about=make_stored(), event=Event(type="Warning", reason="X", action="Y", message=message))
    await asyncio.sleep(0.1)
    note = fake.created[0][1]["note"]
    assert note.startswith("It waits for approval:")
    assert note.endswith("To approve it, run: kubectl approve")
    assert " … " in note
    assert 900 < len(note.encode()) <= 1024


@pytest.mark.parametrize("text", ["", "short", "ü" * 512, "x" * 1024])
def test_a_text_that_fits_is_not_touched(text: str) -> None:
    assert capped(text, 1024) == text


async def test_the_longest_name_still_gives_a_valid_event_name(
    recorder: EventRecorder, fake: FakeApi, make_stored: Make
) -> None:
    recorder.publish(about=make_stored("a" * 253), event=EVENT)
    await asyncio.sleep(0.1)
    assert len(fake.created[0][1]["metadata"]["name"]) == 253
