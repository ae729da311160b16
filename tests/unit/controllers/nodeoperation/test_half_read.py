"""A finished operation whose status another release wrote: no node is restarted a second time."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.controllers.nodeoperation.rig import KEY, OperationRig

from hyperpod_operator.api.names import ABANDON
from hyperpod_operator.core.outcome import Blocked, Done, Gone


def _node(**members: Any) -> Callable[[dict[str, Any]], None]:
    def change(status: dict[str, Any]) -> None:
        status["nodes"][0].update(members)

    return change


def _status(**members: Any) -> Callable[[dict[str, Any]], None]:
    return lambda status: status.update(members)


FOR_PEOPLE = {
    "a longer short message": _status(shortMessage="x" * 150),
    "a longer message of a node": _node(message="x" * 5000),
    "more pods": _node(waitingFor=[f"team/pod-{number}" for number in range(50)]),
    "a plan of another form": _status(plan={"digest": {"sha512": "1"}}),
    "conditions without a type": _status(conditions=[{"status": "True"}]),
    "counts in words": _status(counts={"succeeded": "all"}),
}
OF_WHAT_WAS_DONE = {
    "nodes in another form": _status(nodes={"i-1": "Succeeded"}),
    "more nodes": lambda status: status.update(nodes=status["nodes"] * 1001),
    "a node without a state": lambda status: status["nodes"][0].pop("state"),
    "a state that is not known": _node(state="Verifying"),
    "a time that is none": _status(completionTime=[]),
    "calls in another form": _status(operations={"Reboot": "Accepted"}),
    "no object": None,
}


async def finished(rig: OperationRig, change: Callable[[dict[str, Any]], None] | None) -> OperationRig:
    rig.apply("Reboot", [rig.ids[0]])
    assert await rig.rest() == Done()
    body = rig.operations._bodies[KEY]
    if change is None:
        body["status"] = "Complete"
    else:
        change(body["status"])
    rig.restart()
    return rig


@pytest.mark.parametrize("what", FOR_PEOPLE)
async def test_words_that_cannot_be_read_are_written_again_and_the_nodes_left_alone(
    rig: OperationRig, what: str
) -> None:
    await finished(rig, FOR_PEOPLE[what])
    for _ in range(5):
        await rig.step()
    assert (len(rig.calls()), rig.states()) == (1, ["Succeeded"])


@pytest.mark.parametrize("what", OF_WHAT_WAS_DONE)
async def test_an_operation_is_not_repeated_when_its_record_cannot_be_read(rig: OperationRig, what: str) -> None:
    await finished(rig, OF_WHAT_WAS_DONE[what])
    before = rig.operations._bodies[KEY]["status"]
    for _ in range(5):
        assert isinstance(await rig.step(), Blocked)
    assert len(rig.calls()) == 1
    assert rig.operations._bodies[KEY]["status"] == before
    assert "install the version of the operator that wrote the status" in rig.recorder.events[-1].message


async def test_it_can_be_released_by_annotation(rig: OperationRig) -> None:
    await finished(rig, OF_WHAT_WAS_DONE["nodes in another form"])
    body = rig.operations._bodies[KEY]
    body["metadata"].setdefault("annotations", {})[ABANDON] = KEY.name
    body["metadata"]["deletionTimestamp"] = "2026-11-30T12:00:00Z"
    assert isinstance(await rig.once(), Gone)
