"""What rules a node out before its pods leave, and what does not."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.nodeoperation.builders import (
    cluster,
    entry,
    instance,
    judged,
    operation,
    snapshot,
    spec,
)

from hyperpod_operator.core.nodeoperation.fitness import unfit, without_group
from hyperpod_operator.core.nodeoperation.snapshot import Cluster, Snapshot
from hyperpod_operator.core.nodeoperation.states import State
from hyperpod_operator.core.observed import ObservedNode


def shown(found: Cluster, group: str, **members: Any) -> Cluster:
    """The cluster with these members of one group in AWS's answer."""
    groups = tuple(replace(one, members=members) if one.name == group else one for one in found.observed.groups)
    return replace(found, observed=replace(found.observed, groups=groups))


def move(one: ObservedNode, *, to: str = "spare", **members: Any) -> Snapshot:
    found = shown(cluster([one]), "spare", **members)
    wanted = operation(spec("Move", move={"instanceGroupName": to}))
    return snapshot(wanted, entries=[entry()], instances=[one], cluster=found, target=found)


def test_a_node_moves_to_another_group_of_its_type() -> None:
    assert unfit(move(instance(), instanceType="ml.g5.8xlarge"), entry()) == ""


def test_a_node_of_an_unknown_type_is_left_to_aws() -> None:
    assert unfit(move(instance(instance_type=""), instanceType="ml.m5.2xlarge"), entry()) == ""


def test_a_group_that_shows_no_type_is_left_to_aws() -> None:
    assert unfit(move(instance()), entry()) == ""


def test_a_flexible_group_takes_each_of_its_types() -> None:
    types = {"instanceTypes": ["ml.g5.4xlarge", "ml.g5.8xlarge"]}
    assert unfit(move(instance(), instanceRequirements=types), entry()) == ""


@pytest.mark.parametrize(
    "members", [{"instanceType": "ml.m5.2xlarge"}, {"instanceRequirements": {"instanceTypes": ["ml.m5.2xlarge"]}}]
)
def test_another_type_is_named_with_what_the_group_takes(members: dict[str, Any]) -> None:
    said = unfit(move(instance(), **members), entry())
    assert "ml.g5.8xlarge" in said
    assert "spare takes ml.m5.2xlarge only" in said


def test_the_group_of_the_node_is_no_place_to_move_to() -> None:
    assert "in group gpu already" in unfit(move(instance(), to="gpu"), entry())


def test_a_group_of_the_same_name_in_another_cluster_is_another_group() -> None:
    found = move(instance(), to="gpu")
    assert found.target is not None
    elsewhere = replace(found.target, observed=replace(found.target.observed, arn="arn:other"))
    assert unfit(replace(found, target=elsewhere), entry()) == ""


def test_only_moves_wait_for_a_group() -> None:
    assert without_group(operation(spec("Reboot")).spec.move, cluster([])) is None


def test_a_group_that_is_not_there_is_named() -> None:
    found = without_group(move(instance(), to="nosuch").operation.spec.move, cluster([]))
    assert found is not None
    assert "has no instance group nosuch" in found.message
    assert not found.final


@pytest.mark.parametrize(
    ("kind", "said"), [("ml.m5.2xlarge", "GPUs or Neuron"), ("ml.trn1.32xlarge", ""), ("ml.new-kind", "")]
)
def test_a_health_check_needs_an_accelerator(kind: str, said: str) -> None:
    one = instance(instance_type=kind)
    found = unfit(snapshot(operation(spec("HealthCheck")), instances=[one]), entry())
    assert said in found
    assert bool(found) is bool(said)


def test_a_cpu_node_may_be_rebooted() -> None:
    one = instance(instance_type="ml.m5.2xlarge")
    assert unfit(snapshot(operation(spec("Reboot")), instances=[one]), entry()) == ""


def test_a_node_that_is_drained_for_a_group_that_went_is_given_back() -> None:
    found = replace(move(instance(), to="nosuch"), entries=(entry(state=State.DRAINING, startTime=None),))
    found = replace(found, obstacle=without_group(found.operation.spec.move, cluster([])))
    (after,) = judged(found).snapshot.entries
    assert after.state == State.PENDING
    assert "Group nosuch went" in (after.message or "")
