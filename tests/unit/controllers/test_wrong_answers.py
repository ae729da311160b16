"""One wrong answer of SageMaker changes nothing in AWS, releases nothing and leaves no trace in status.

Each member of each answer that a pass reads is dropped, nulled, emptied, of another type, or short of an item, in each
state of a life: one of these after the other from state to state, and all of them in `make test-long`. The pass may
make the call that it makes with right answers, or none; the next look, at right answers, leaves the status that it
leaves without the fault, and status is all that a pass remembers.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.unit.controllers.replay import Replay
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_life import THEIRS, plain, two
from tests.unit.controllers.wrong_answers import Faults, Wire, covering, every_fault
from tests.unit.core.builders import group_spec

from hyperpod_operator.core.outcome import Done
from hyperpod_operator.core.timings import Timings

WRITES = ("CreateCluster", "UpdateCluster", "UpdateClusterSoftware", "DeleteCluster", "AddTags", "DeleteTags")
EVERY_READ = Timings(full_sync=0.0)
"""Each pass reads all there is."""


def rich(gpu: int = 4, **members: Any) -> dict[str, Any]:
    """A spec with optional members of many shapes."""
    wanted: dict[str, Any] = two(gpu, tags=[{"key": "team", "value": "a"}, {"key": "cost", "value": "b"}], **members)
    wanted["instanceGroups"][0] |= {
        "kubernetesConfig": {
            "labels": {"tier": "gold"},
            "taints": [{"key": "k", "value": "v", "effect": "NoSchedule"}],
        },
        "minInstanceCount": 1,
        "instanceStorageConfigs": [{"ebsVolumeConfig": {"volumeSizeInGB": 100}}],
        "overrideVpcConfig": {"securityGroupIds": ["sg-9"], "subnets": ["subnet-9"]},
    }
    return wanted


async def creating(rig: Rig) -> None:
    rig.apply(rich())
    await rig.step()
    await rig.once()


async def creating_all_or_nothing(rig: Rig) -> None:
    rig.apply(plain())
    await rig.step()
    await rig.once()


async def settled(rig: Rig) -> None:
    rig.apply(rich())
    assert isinstance(await rig.rest(), Done)


async def paused(rig: Rig) -> None:
    await settled(rig)
    rig.apply(rich(management={"paused": True}))
    await rig.once()


async def with_a_group_of_others(rig: Rig) -> None:
    await settled(rig)
    rig.simulator.world.add_group_out_of_band("research", THEIRS)
    rig.simulator.clock.advance(3600)
    await rig.rest()


async def edited(rig: Rig) -> None:
    """An update is due in the next pass."""
    await settled(rig)
    rig.simulator.clock.advance(3600)
    rig.apply(rich(6))


async def scaling(rig: Rig) -> None:
    """Nodes come one by one and some do not, with their causes in the details of events."""
    await settled(rig)
    rig.simulator.world.limit_capacity("research", "gpu", 4)
    rig.apply(rich(8))
    await rig.until("CapacityShortage")


async def updating(rig: Rig) -> None:
    rig.apply(plain())
    await rig.rest()
    rig.apply(plain(6))
    await rig.step()
    await rig.once()
    assert rig.condition("Ready")["reason"] == "Updating"


async def shrinking(rig: Rig) -> None:
    """A scale-in and a group that goes are under way."""
    wanted = rich()
    wanted["instanceGroups"].append(group_spec("extra", 1))
    rig.apply(wanted)
    await rig.rest()
    rig.apply(rich(2))
    await rig.step()
    await rig.once()


async def about_to_be_deleted(rig: Rig) -> None:
    await settled(rig)
    rig.objects.delete(KEY)


async def about_to_be_retained(rig: Rig) -> None:
    rig.apply(rich(management={"deletionPolicy": "Retain"}))
    await rig.rest()
    rig.objects.delete(KEY)


async def deleting(rig: Rig) -> None:
    await about_to_be_deleted(rig)
    await rig.step()
    await rig.once()


STATES = (
    creating,
    creating_all_or_nothing,
    settled,
    paused,
    with_a_group_of_others,
    edited,
    scaling,
    updating,
    shrinking,
    about_to_be_deleted,
    about_to_be_retained,
    deleting,
)


def differing(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    """What differs; groups of a cluster that is going are never changed any more."""
    names = set(left | right) - ({"instanceGroups"} if right.get("clusterStatus") == "Deleting" else set())
    return {name: (left.get(name), right.get(name)) for name in sorted(names) if left.get(name) != right.get(name)}


def harmless(call: tuple[str, Any], right: list[tuple[str, Any]], *, shown: dict[str, Any]) -> bool:
    """Whether the call asks for nothing but what the right one asks for or AWS has anyway."""
    operation, asked = call
    return any(operation == name and within(asked, wanted, shown) for name, wanted in right)


def within(asked: Any, wanted: Any, shown: Any) -> bool:
    if isinstance(asked, dict) and isinstance(wanted, dict):
        held = shown if isinstance(shown, dict) else {}
        return all(within(value, wanted.get(name, held.get(name)), held.get(name)) for name, value in asked.items())
    if isinstance(asked, list) and isinstance(wanted, list) and asked and isinstance(asked[0], dict):
        return len(asked) == len(wanted) and all(within(one, two, None) for one, two in zip(asked, wanted, strict=True))
    return bool(asked == wanted)


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_a_wrong_answer_leads_to_nothing_and_is_forgotten(
    rig: Rig, state: Callable[[Rig], Awaitable[None]]
) -> None:
    """In each state each member of each answer, once; with which fault goes round."""
    await answered_wrongly(rig, state, lambda answer: covering(answer, turn=STATES.index(state)))


@pytest.mark.long
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_no_wrong_answer_at_all_leads_to_anything(rig: Rig, state: Callable[[Rig], Awaitable[None]]) -> None:
    await answered_wrongly(rig, state, every_fault)


async def answered_wrongly(rig: Rig, state: Callable[[Rig], Awaitable[None]], faults: Faults) -> None:
    """A moment of this state, looked at with each of these faults in each answer."""
    await state(rig)
    rig.timings = EVERY_READ
    wire, replay = await Wire.of(rig), Replay(rig)
    replay.refuse(WRITES)
    replay.again()
    right = await replay.look()
    found: list[str] = []
    tried = [(operation, *fault) for operation, answer in wire.answers.items() for fault in faults(answer)]
    for operation, name, change in tried:
        where = f"{operation} {name}"
        replay.again()
        wire.wrong(operation, change)
        wrong = await replay.look()
        wire.right()
        if not all(harmless(call, right.calls, shown=wire.answers["DescribeCluster"]) for call in wrong.calls):
            found.append(f"{where}: {wrong.calls}")
        if wrong.released and not right.released:
            found.append(f"{where}: released")
        elif not wrong.calls and wrong.status != replay.status:
            after = await replay.look()
            if difference := differing(after.status, right.status):
                found.append(f"{where}: {difference}")
    assert not found, "\n".join(found)
    assert {"DescribeCluster", "ListTags"} <= wire.answers.keys()
