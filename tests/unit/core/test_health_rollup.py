"""The health of many nodes in few lines."""

import json
from dataclasses import asdict, replace
from datetime import timedelta

import pytest
from tests.unit.core.health import CPU, GPU, HEALTH, NOW, facts, instance, node

from hyperpod_operator.api.names import INSTANCE_GROUP_NAME
from hyperpod_operator.core.health.facts import GroupFacts
from hyperpod_operator.core.health.mass_failure import mass_failure
from hyperpod_operator.core.health.node import Fault, Node
from hyperpod_operator.core.health.rollup import WORST, Health, rollup
from hyperpod_operator.core.health.state import State


def number(index: int) -> str:
    return f"i-{index:017x}"


def fleet(count: int, *, sick: int = 0) -> list[Node]:
    return [
        node(
            instance_id=number(index),
            labels={HEALTH: "Unschedulable" if index < sick else "Schedulable"},
            annotations={"hyperpod-operator.dev/tainted-at": "2026-11-23T11:59:00Z"} if index < sick else {},
        )
        for index in range(count)
    ]


def rolled(nodes: list[Node], *, running_for: float = 3600.0) -> Health:
    known = [instance(item.instance_id, group="gpu", instance_type="ml.p5.48xlarge") for item in nodes]
    world = facts(*known)
    since = {item.instance_id: NOW - timedelta(seconds=running_for) for item in known}
    return rollup(nodes, world, running_since=since, now=NOW)


def test_nodes_are_counted_by_state_and_by_group() -> None:
    health = rolled(fleet(10, sick=3))
    assert (health.nodes, health.schedulable, health.unhealthy) == (10, 7, 3)
    assert (health.groups["gpu"].nodes, health.groups["gpu"].schedulable) == (10, 7)


def test_the_worst_come_first_and_are_few() -> None:
    nodes = [*fleet(30, sick=20), node(instance_id=GPU, labels={HEALTH: "UnschedulablePendingReplacement"})]
    health = rolled(nodes)
    assert len(health.worst) == WORST
    assert health.worst[0].state is State.PENDING_REPLACEMENT


def test_a_sick_node_is_told_with_fault_and_time() -> None:
    fault = Fault(type="NvidiaGPUUnhealthy", reason="XidHardwareFailure", since=NOW)
    (sick,) = rolled([node(labels={HEALTH: "Unschedulable"}, faults=(fault,))]).worst
    assert (sick.fault_type, sick.fault_reason, sick.since) == ("NvidiaGPUUnhealthy", "XidHardwareFailure", NOW)


def test_an_instance_that_never_joined_is_told_after_a_while() -> None:
    world = facts(instance(GPU), instance(CPU))
    old = rollup([], world, running_since={GPU: NOW - timedelta(hours=1), CPU: NOW}, now=NOW)
    assert old.never_joined == (GPU,)
    assert old.groups["gpu"].never_joined == 1


def test_a_node_whose_instance_is_gone_is_told() -> None:
    health = rollup([node(instance_id=GPU)], facts(instance(CPU)), running_since={}, now=NOW)
    assert health.instance_gone == (f"hyperpod-{GPU}",)


@pytest.mark.parametrize(
    "groups",
    [
        {"cpu": GroupFacts(name="cpu")},
        {"cpu": GroupFacts(name="cpu"), "gpu": GroupFacts(name="gpu", leaving=True)},
    ],
    ids=["removed", "being removed"],
)
def test_a_node_of_a_removed_group_is_no_contradiction(groups: dict[str, GroupFacts]) -> None:
    """Its instance ends first, and its Node a while later."""
    labelled = replace(node(instance_id=GPU), labels={INSTANCE_GROUP_NAME: "gpu"})
    health = rollup([labelled], facts(instance(CPU), groups=groups), running_since={}, now=NOW)
    assert health.instance_gone == ()
    assert not any(found.instance_gone for found in health.groups.values())


def test_five_thousand_nodes_fit_in_few_kilobytes() -> None:
    health = rolled(fleet(5000, sick=5000))
    assert len(json.dumps(asdict(health), default=str)) < 16_000


@pytest.mark.parametrize(("sick", "of", "breaks"), [(4, 8, False), (5, 25, True), (19, 100, False), (20, 100, True)])
def test_many_at_once_are_a_mass_failure(sick: int, of: int, breaks: bool) -> None:
    found = mass_failure([NOW] * sick, nodes=of, now=NOW)
    assert (found is not None) == breaks


def test_many_over_a_day_are_none() -> None:
    assert mass_failure([NOW - timedelta(hours=hour) for hour in range(24)], nodes=24, now=NOW) is None


def test_a_mass_failure_says_what_to_look_at() -> None:
    found = rolled(fleet(20, sick=10)).mass_failure
    assert found is not None
    assert "aws-hyperpod" in found.message
    assert "nodeRecovery" in found.message
