"""One wrong answer of EC2 or SageMaker changes nothing in AWS, releases nothing and leaves no trace in status.

Each member of each answer that a pass reads is dropped, nulled, emptied, of another type, or short of an item, in each
state of a claim's life: one of these after the other from state to state, and all of them in `make test-long`. The pass
may make the call, and the step in Kubernetes, that it makes with right answers, or none; the next look, at right
answers, leaves the status that it leaves without the fault. A wrong answer to a call that changes AWS is worth as much
as the right one, or as none.
"""

from collections.abc import Awaitable, Callable, Set
from typing import Any

import pytest
from tests.unit.controllers.replay import Look, Replay
from tests.unit.controllers.rig import pause
from tests.unit.controllers.volume.rig import KEY, VOLUME_CALLS, VolumeRig
from tests.unit.controllers.volume.scenes import adopting, instances, new, published, replace, zone
from tests.unit.controllers.wrong_answers import Faults, Wire, covering, every_fault

from hyperpod_operator.core.outcome import Done
from hyperpod_testbed.simulator import Fault

DELETE, SNAPSHOT = {"reclaimPolicy": "Delete"}, {"reclaimPolicy": "Snapshot"}


async def until_sent(rig: VolumeRig, operation: str) -> None:
    """Passes until the next one makes this call."""
    before = len(rig.calls(operation))
    for _ in range(100):
        restore = rig.keep()
        rig.simulator.access.deny(operation)
        outcome = await rig.once()
        rig.simulator.access.clear()
        if len(rig.simulator.log.calls(operation)) > before:
            restore()
            rig.restart()
            return
        rig.wait(pause(outcome))
    raise AssertionError(f"no {operation}")


async def new_claim(rig: VolumeRig) -> None:
    rig.apply(published())


async def creating(rig: VolumeRig) -> None:
    rig.apply(published())
    while not rig.calls("CreateVolume"):
        await rig.step()


async def unanswered(rig: VolumeRig) -> None:
    rig.simulator.faults.add(Fault("CreateVolume", "drop", times=1))
    await creating(rig)


async def made(rig: VolumeRig) -> None:
    """The volume is there, and its attachment is due."""
    rig.apply(published())
    await until_sent(rig, "AttachClusterNodeVolume")


async def attaching(rig: VolumeRig) -> None:
    rig.apply(published())
    while not rig.calls("AttachClusterNodeVolume"):
        await rig.step()


async def settled(rig: VolumeRig) -> None:
    rig.apply(published(management=DELETE))
    assert isinstance(await rig.rest(), Done)
    rig.wait(600.0)


async def paused(rig: VolumeRig) -> None:
    await settled(rig)
    rig.apply(published(management={**DELETE, "paused": True}))


async def grown(rig: VolumeRig) -> None:
    """A modification is due."""
    await settled(rig)
    rig.apply(published(volume={"size": 200}))
    await until_sent(rig, "ModifyVolume")


async def growing(rig: VolumeRig) -> None:
    await settled(rig)
    rig.apply(published(volume={"size": 200}))
    while not rig.calls("ModifyVolume"):
        await rig.step()
    await rig.step()


async def moved(rig: VolumeRig) -> None:
    """The target is another node; the volume comes off this one first."""
    await settled(rig)
    other = next(one for one in instances() if one != rig.holder)
    rig.apply(published(attachment={"target": {"instanceId": other}}))
    await until_sent(rig, "DetachClusterNodeVolume")


async def detaching(rig: VolumeRig) -> None:
    await settled(rig)
    other = next(one for one in instances() if one != rig.holder)
    rig.apply(published(attachment={"target": {"instanceId": other}}))
    while not rig.calls("DetachClusterNodeVolume"):
        await rig.step()
    await rig.once()


async def node_replaced(rig: VolumeRig) -> None:
    await settled(rig)
    replace(rig.holder)
    rig.wait(120.0)
    await rig.step()


async def adopted(rig: VolumeRig) -> None:
    """Announced; the tags are due."""
    volume = rig.simulator.ebs.create_volume(zone=zone(rig.nodes))
    rig.apply(adopting(volume))
    await until_sent(rig, "CreateTags")


async def about_to_be_deleted(rig: VolumeRig) -> None:
    await settled(rig)
    rig.claims.delete(KEY)


async def about_to_be_snapshotted(rig: VolumeRig) -> None:
    rig.apply(published(management=SNAPSHOT))
    await rig.rest()
    rig.claims.delete(KEY)
    await until_sent(rig, "CreateSnapshot")


async def snapshotting(rig: VolumeRig) -> None:
    rig.apply(new(management=SNAPSHOT))
    await rig.rest()
    rig.claims.delete(KEY)
    while not rig.calls("CreateSnapshot"):
        await rig.step()
    await rig.step()


async def volume_about_to_go(rig: VolumeRig) -> None:
    await settled(rig)
    rig.claims.delete(KEY)
    await until_sent(rig, "DeleteVolume")


async def volume_going(rig: VolumeRig) -> None:
    await settled(rig)
    rig.claims.delete(KEY)
    while not rig.calls("DeleteVolume"):
        await rig.step()


async def about_to_be_retained(rig: VolumeRig) -> None:
    rig.apply(new())
    await rig.rest()
    rig.claims.delete(KEY)
    await until_sent(rig, "DeleteTags")


STATES = (
    new_claim,
    creating,
    unanswered,
    made,
    attaching,
    settled,
    paused,
    grown,
    growing,
    moved,
    detaching,
    node_replaced,
    adopted,
    about_to_be_deleted,
    about_to_be_snapshotted,
    snapshotting,
    volume_about_to_go,
    volume_going,
    about_to_be_retained,
)


ENDS = {volume_going: {"Lease-"}}
"""Steps after which nothing is missed: AWS took the deletion up, and one answer without the volume ends the claim."""
OF_THE_CLUSTER = {"DescribeCluster", "ListClusterNodes"}
NODES_MATTER = (made, moved, node_replaced)
"""States in which it matters what the cluster and its nodes are; EC2's answers are tried in all."""


def trouble(wrong: Look, right: Look, *, ends: Set[str] = frozenset()) -> str:
    """What a look at a wrong answer did that one at right answers does not do."""
    calls = [call for call in wrong.calls if not any(same(call, other) for other in right.calls)]
    steps = [step for step in wrong.steps if step not in right.steps and step not in ends]
    return " ".join(
        part
        for part in (
            f"calls {calls}" if calls else "",
            f"steps {steps}" if steps else "",
            "released" if wrong.released and not right.released else "",
        )
        if part
    )


def same(call: tuple[str, Any], other: tuple[str, Any]) -> bool:
    """A volume for a group may be attached to any node of it, so to one of those that a shorter list names."""
    return ignoring_node(call) == ignoring_node(other)


def ignoring_node(call: tuple[str, Any]) -> tuple[str, dict[str, Any]]:
    operation, parameters = call
    ignored = {"NodeId"} if operation == "AttachClusterNodeVolume" else set()
    return operation, {name: value for name, value in parameters.items() if name not in ignored}


SUMMARY = {"Ready", "Reconciling", "Stalled", "Paused"}


def differing(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    """What differs, condition by condition. A detail may have been doubted for a moment, and only its time tells."""
    one, two = flat(left), flat(right)
    return {name: (one.get(name), two.get(name)) for name in sorted({*one, *two}) if one.get(name) != two.get(name)}


def flat(status: dict[str, Any]) -> dict[str, Any]:
    found = dict(status)
    for item in found.pop("conditions", []):
        found[item["type"]] = item if item["type"] in SUMMARY else {**item, "lastTransitionTime": ""}
    return found


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_a_wrong_answer_leads_to_nothing_and_is_forgotten(
    rig: VolumeRig, state: Callable[[VolumeRig], Awaitable[None]]
) -> None:
    """In each state each member of each answer, once; with which fault goes round."""
    await answered_wrongly(rig, state, lambda answer: covering(answer, turn=STATES.index(state)))


@pytest.mark.long
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_no_wrong_answer_at_all_leads_to_anything(
    rig: VolumeRig, state: Callable[[VolumeRig], Awaitable[None]]
) -> None:
    await answered_wrongly(rig, state, every_fault)


async def answered_wrongly(rig: VolumeRig, state: Callable[[VolumeRig], Awaitable[None]], faults: Faults) -> None:
    """A moment of this state, looked at with each of these faults in each answer."""
    await state(rig)
    wire, replay = await Wire.of(rig), Replay(rig)
    replay.refuse(sorted(VOLUME_CALLS))
    replay.again()
    right = await replay.look()
    found: list[str] = []
    asked = {one: answer for one, answer in wire.answers.items() if state in NODES_MATTER or one not in OF_THE_CLUSTER}
    tried = [(operation, *fault) for operation, answer in asked.items() for fault in faults(answer)]
    for operation, name, change in tried:
        where = f"{operation} {name}"
        replay.again()
        wire.wrong(operation, change)
        wrong = await replay.look()
        wire.right()
        if said := trouble(wrong, right, ends=ENDS.get(state, frozenset())):
            found.append(f"{where}: {said}")
        elif not wrong.calls and not wrong.steps and not wrong.released and wrong.status != replay.status:
            rig.restart()
            after = await replay.look()
            if difference := differing(after.status, right.status):
                found.append(f"{where}: {difference}")
    assert not found, "\n".join(found)
    assert "DescribeVolumes" in wire.answers


SENT = {
    "CreateVolume": new_claim,
    "AttachClusterNodeVolume": made,
    "ModifyVolume": grown,
    "DetachClusterNodeVolume": moved,
    "CreateTags": adopted,
    "CreateSnapshot": about_to_be_snapshotted,
    "DeleteVolume": volume_about_to_go,
    "DeleteTags": about_to_be_retained,
}
"""For each call the state in which it is due."""


def test_each_call_of_claims_is_answered_wrongly() -> None:
    assert set(SENT) == VOLUME_CALLS


@pytest.mark.slow
@pytest.mark.parametrize("operation", sorted(SENT))
async def test_a_wrong_answer_to_a_call_is_worth_the_right_one_or_none(rig: VolumeRig, operation: str) -> None:
    """Either what the answer says is known, or that it may have been carried out; it is never sent again at once."""
    await SENT[operation](rig)
    await until_sent(rig, operation)
    wire, replay = await Wire.of(rig), Replay(rig)
    replay.again()
    right = await replay.look()
    assert right.status["operations"][-1]["state"] == "Accepted"
    replay.refuse(sorted(VOLUME_CALLS))
    found: list[str] = []
    for name, change in every_fault(wire.answers[operation]):
        replay.again()
        wire.wrong(operation, change)
        wrong = await replay.look()
        wire.right()
        outcome = wrong.status["operations"][-1]["state"]
        if outcome == "Accepted" and not within(flat(wrong.status), flat(right.status)):
            found.append(f"{name}: {differing(wrong.status, right.status)}")
        if outcome not in {"Accepted", "Unanswered"}:
            found.append(f"{name}: {outcome}")
        back = wire.forget()
        rig.restart()
        if operation in [sent for sent, _ in (await replay.look()).calls]:
            found.append(f"{name}: sent again")
        back()
    assert not found, "\n".join(found)


def within(part: Any, whole: Any) -> bool:
    """Whether a value is the other with something left out, at any depth."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(within(value, whole.get(name)) for name, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) == len(whole) and all(within(one, two) for one, two in zip(part, whole, strict=True))
    return part in (None, "") or bool(part == whole)
