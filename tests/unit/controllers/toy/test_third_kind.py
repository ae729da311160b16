"""A third kind is one record, one core module and one controller module; its passes are those of every kind.

They are killed at every point and fed with hostile input like those of the kinds that ship.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.controllers.rig import FakeObjects, Recorder
from tests.unit.controllers.toy.controller import Shelf, ToyController
from tests.unit.controllers.toy.core import WINDOW
from tests.unit.controllers.toy.kind import TOY

from hyperpod_operator.api.names import ABANDON, Reason
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.outcome import Again, Blocked, Done, Failed, Gone, Outcome
from hyperpod_operator.core.ports import Key, KubernetesError, StoredObject

KEY = Key("team", "bear")


class Killed(BaseException):
    """The process ends here."""


class Time:
    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 28, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()


class ToyRig:
    def __init__(self) -> None:
        self.objects, self.recorder, self.time, self.shelf = FakeObjects(), Recorder(), Time(), Shelf()

    async def once(self) -> Outcome:
        controller = ToyController(
            objects=self.objects, events=self.recorder, metrics=self.recorder, clock=self.time, shelf=self.shelf
        )
        return await controller.reconcile(KEY, 0)

    @property
    def status(self) -> dict[str, Any]:
        return self.objects.status(KEY)


@pytest.fixture
def rig() -> ToyRig:
    made = ToyRig()
    made.objects.apply(KEY, {"size": 3})
    return made


async def test_its_pass_acts_once_and_comes_to_rest(rig: ToyRig) -> None:
    await rig.once()
    assert await rig.once() == Done()
    assert rig.shelf.puts == [("bear", 3)]
    assert {one["type"]: one["status"] for one in rig.status["conditions"]} == {"Ready": "True"}


async def test_a_pass_at_rest_writes_nothing(rig: ToyRig) -> None:
    await rig.once()
    await rig.once()
    writes = list(rig.objects.writes)
    await rig.once()
    assert rig.objects.writes == writes


@pytest.mark.parametrize("point", ["read", "before", "after"])
async def test_a_kill_at_any_point_of_aws_never_makes_a_second_call(rig: ToyRig, point: str) -> None:
    rig.shelf.fault = killing(point)
    with pytest.raises(Killed):
        await rig.once()
    rig.shelf.fault = lambda _: None
    await rig.once()
    rig.time.moment += timedelta(seconds=WINDOW)
    await rig.once()
    assert rig.shelf.puts == [("bear", 3)]


def killing(point: str) -> Callable[[str], None]:
    def fault(at: str) -> None:
        if at == point:
            raise Killed

    return fault


@pytest.mark.parametrize("kind", list(ErrorKind))
async def test_every_kind_of_failure_ends_in_conditions_that_agree(rig: ToyRig, kind: ErrorKind) -> None:
    def fault(at: str) -> None:
        if at == "before":
            raise CloudError(kind=kind, operation="PutToy", code="Code", message="no")

    rig.shelf.fault = fault
    await rig.once()
    types = {one["type"] for one in rig.status["conditions"]}
    assert len(types & {"Reconciling", "Stalled"}) == 1
    assert rig.status["operations"][0]["state"] == "Rejected"


@pytest.mark.parametrize("spec", [{}, {"size": 0}, {"size": "x" * 10_000}, {"size": [1]}, {"size": {"a": None}}])
async def test_a_spec_that_cannot_be_read_stalls_and_touches_nothing(rig: ToyRig, spec: Any) -> None:
    rig.objects.apply(KEY, spec)
    assert isinstance(await rig.once(), Blocked)
    assert rig.shelf.puts == []
    assert {one["reason"] for one in rig.status["conditions"]} == {"InvalidSpec"}


@pytest.mark.parametrize(
    "status",
    [
        {"operations": "nonsense"},
        {"operations": [{"concern": "Size", "time": "never", "state": "?"}]},
        {"conditions": 1},
    ],
)
async def test_a_status_that_others_garbled_is_rebuilt(rig: ToyRig, status: dict[str, Any]) -> None:
    rig.objects.set_status(KEY, status)
    await rig.once()
    assert await rig.once() == Done()
    assert rig.shelf.puts == [("bear", 3)]


async def test_its_finalizer_goes_on_before_the_call_and_off_with_the_object(rig: ToyRig) -> None:
    await rig.once()
    assert rig.objects.writes[0] == "finalizer+"
    assert rig.objects._stored(KEY).finalizers == (TOY.finalizer,)
    rig.objects.delete(KEY)
    assert await rig.once() == Gone()
    assert not rig.objects.exists(KEY)


async def test_a_person_can_release_it_by_annotation(rig: ToyRig) -> None:
    await rig.once()
    rig.objects._bodies[KEY]["metadata"].setdefault("annotations", {})[ABANDON] = KEY.name
    rig.objects.delete(KEY)
    assert await rig.once() == Gone()
    assert [event.reason for event in rig.recorder.events] == ["Abandoned"]


@pytest.mark.parametrize("write", [1, 2, 3])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_kill_at_any_write_to_the_api_server_never_makes_a_second_call(
    rig: ToyRig, write: int, when: str
) -> None:
    """The writes of a life are the finalizer, the intent and the report."""
    rig.objects = DyingObjects(write, when)
    rig.objects.apply(KEY, {"size": 3})
    with pytest.raises(Killed):
        await rig.once()
    await rig.once()
    rig.time.moment += timedelta(seconds=WINDOW)
    await rig.once()
    assert await rig.once() == Done()
    assert rig.shelf.puts == [("bear", 3)]


class DyingObjects(FakeObjects):
    """The process dies at one of the writes; the next process lives."""

    def __init__(self, write: int, when: str) -> None:
        super().__init__()
        self._left, self._when = write, when

    async def add_finalizer(self, stored: StoredObject, finalizer: str) -> StoredObject:
        async with self._dying():
            return await super().add_finalizer(stored, finalizer)

    async def write_status(
        self, stored: StoredObject, status: Mapping[str, Any], *, unedited: bool = False
    ) -> StoredObject:
        async with self._dying():
            return await super().write_status(stored, status, unedited=unedited)

    @asynccontextmanager
    async def _dying(self) -> AsyncIterator[None]:
        self._left -= 1
        if self._left == 0 and self._when == "before":
            raise Killed
        yield
        if self._left == 0 and self._when == "after":
            raise Killed


async def test_a_suspended_one_is_left_as_it_is(rig: ToyRig) -> None:
    rig.objects.apply(KEY, {"size": 3, "suspend": True})
    assert await rig.once() == Done()
    assert rig.shelf.puts == []
    assert {one["type"]: one["status"] for one in rig.status["conditions"]} == {"Ready": "False", "Paused": "True"}


async def test_its_state_is_exported_and_goes_with_it(rig: ToyRig) -> None:
    await rig.once()
    await rig.once()
    assert rig.recorder.gauges(TOY, KEY, "toy_size") == {(): 3.0}
    rig.objects.delete(KEY)
    await rig.once()
    assert rig.recorder.states == {}


async def test_an_object_that_is_still_held_is_not_said_to_be_gone(rig: ToyRig, monkeypatch: Any) -> None:
    async def refused(stored: StoredObject, finalizer: str) -> None:
        raise KubernetesError(status=503, message="away")

    await rig.once()
    await rig.once()
    rig.objects.delete(KEY)
    with monkeypatch.context() as patched:
        patched.setattr(rig.objects, "remove_finalizer", refused)
        assert isinstance(await rig.once(), Failed)
        assert Reason.DELETED not in [event.reason for event in rig.recorder.events]
    assert await rig.once() == Gone()
    assert [event.reason for event in rig.recorder.events].count(Reason.DELETED) == 1


@pytest.mark.parametrize("first", [True, False], ids=["before the finalizer", "before the intent"])
@pytest.mark.parametrize("edit", ["spec", "deletion", "annotation"])
async def test_what_is_not_asked_for_any_more_is_not_done(rig: ToyRig, first: bool, edit: str) -> None:
    """The edit comes while the world is looked at; the call that was decided is of the object before it."""
    if not first:
        rig.objects.apply(KEY, {"size": 3})
        await rig.objects.add_finalizer(await _read(rig), TOY.finalizer)

    def edited(at: str) -> None:
        if at == "read":
            rig.shelf.fault = lambda _: None
            if edit == "spec":
                rig.objects.apply(KEY, {"size": 3, "suspend": True})
            elif edit == "deletion":
                rig.objects.delete(KEY)
            else:
                rig.objects.apply(KEY, {"size": 3}, annotations={ABANDON: KEY.name})

    rig.shelf.fault = edited
    assert isinstance(await rig.once(), Again | Gone)
    assert rig.shelf.puts == []
    assert "operations" not in (rig.status if rig.objects.exists(KEY) else {})


async def test_a_label_that_comes_meanwhile_holds_up_nothing(rig: ToyRig) -> None:
    def touched(at: str) -> None:
        if at == "read":
            rig.shelf.fault = lambda _: None
            rig.objects.apply(KEY, {"size": 3}, annotations={"example.com/note": "x"})

    rig.shelf.fault = touched
    await rig.once()
    assert rig.shelf.puts == [("bear", 3)]


async def test_what_can_be_read_in_no_part_is_not_let_go(rig: ToyRig) -> None:
    """Both are of another version of the operator: the status may name what is in AWS, and it is not written over."""
    await rig.once()
    await rig.once()
    garbled = {"operations": "of a later version"}
    rig.objects.set_status(KEY, garbled)
    rig.objects.apply(KEY, {"size": [1]})
    rig.objects.delete(KEY)
    for _ in range(3):
        assert isinstance(await rig.once(), Blocked)
    assert rig.objects.exists(KEY)
    assert rig.status == garbled
    assert "Neither the spec nor the status can be read" in rig.recorder.events[-1].message
    rig.objects.apply(KEY, {"size": [1]}, annotations={ABANDON: KEY.name})
    assert await rig.once() == Gone()


async def _read(rig: ToyRig) -> StoredObject:
    found = await rig.objects.read(KEY)
    assert found is not None
    return found
