"""A third kind is one record, one core module and one controller module: everything else follows from them.

No file of the operator knows the toy. It has a definition, start-up checks and policies, and its passes are killed at
every point and fed with hostile input like those of the kinds that ship.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.controllers.rig import FakeObjects, Recorder
from tests.unit.controllers.toy.controller import Shelf, ToyController
from tests.unit.controllers.toy.core import WINDOW
from tests.unit.controllers.toy.kind import TOY

import hyperpod_operator
from hyperpod_operator.api.crd import all_crds
from hyperpod_operator.api.kinds import KINDS
from hyperpod_operator.api.names import ABANDON
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.outcome import Blocked, Done, Gone, Outcome
from hyperpod_operator.core.ports import Key
from hyperpod_operator.kube.preflight import Duties

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
        controller = ToyController(objects=self.objects, events=self.recorder, clock=self.time, shelf=self.shelf)
        return await controller.reconcile(KEY, 0)

    @property
    def status(self) -> dict[str, Any]:
        return self.objects.status(KEY)


@pytest.fixture
def rig() -> ToyRig:
    made = ToyRig()
    made.objects.apply(KEY, {"size": 3})
    return made


def test_no_file_of_the_operator_knows_the_third_kind() -> None:
    root = Path(hyperpod_operator.__file__).parent
    assert not [path for path in root.rglob("*.py") if TOY.plural in path.read_text()]


def test_its_definition_is_generated_with_the_others() -> None:
    made = all_crds((*KINDS, TOY))[TOY.file_name()]
    assert made["spec"]["names"]["kind"] == "Toy"
    schema = made["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert schema["properties"]["spec"]["properties"]["size"]["maximum"] == 9
    assert yaml.safe_load(yaml.safe_dump(made)) == made


def test_the_start_checks_ask_for_its_rights() -> None:
    asked = {permission.resource for permission in Duties(kinds=(TOY,)).permissions}
    assert {TOY.plural, f"{TOY.plural}/status"} <= asked


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
