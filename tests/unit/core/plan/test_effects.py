"""The table of effects: it covers every member that a call can change, and judges directions."""

import pytest
from tests.unit.core.builders import ROLE

from hyperpod_operator.api.cluster.resource import HyperPodClusterSpec, InstanceGroup, RestrictedInstanceGroup
from hyperpod_operator.core.cluster.compare import Change
from hyperpod_operator.core.cluster.diff import FIXED_CLUSTER_MEMBERS, FIXED_GROUP_MEMBERS, MUTABLE_CLUSTER_MEMBERS
from hyperpod_operator.core.engine.call import Effect
from hyperpod_operator.core.plan.effects import CLUSTER_EFFECTS, GROUP_EFFECTS, UNKNOWN, of_change

IDENTITY = {"instanceGroupName", "management"}
OURS = {"management", "region", "clusterName", "instanceGroups", "restrictedInstanceGroups"}


def test_every_member_of_a_group_that_can_change_has_an_effect() -> None:
    members = {*InstanceGroup.model_fields, *RestrictedInstanceGroup.model_fields}
    assert set(GROUP_EFFECTS) == members - FIXED_GROUP_MEMBERS - IDENTITY


def test_every_member_of_a_cluster_that_can_change_has_an_effect() -> None:
    members = set(HyperPodClusterSpec.model_fields) - OURS - set(FIXED_CLUSTER_MEMBERS)
    assert set(CLUSTER_EFFECTS) == members
    assert {*MUTABLE_CLUSTER_MEMBERS, "tags"} == members


@pytest.mark.parametrize("member", sorted(set(GROUP_EFFECTS) - {"instanceCount", "minInstanceCount"}))
def test_a_member_is_judged_at_any_depth(member: str) -> None:
    assert of_change(Change(f"instanceGroups[gpu].{member}.x.y", None, "z")) is GROUP_EFFECTS[member]


@pytest.mark.parametrize(("observed", "wanted", "effect"), [(3, 5, Effect.ADDS), (5, 3, Effect.DESTROYS)])
def test_the_direction_of_a_count_decides(observed: int, wanted: int, effect: Effect) -> None:
    assert of_change(Change("instanceGroups[gpu].instanceCount", observed, wanted)) is effect


@pytest.mark.parametrize(("observed", "wanted", "effect"), [(0, 2, Effect.DISRUPTS), (2, 0, Effect.CHANGES)])
def test_a_higher_minimum_may_end_what_runs(observed: int, wanted: int, effect: Effect) -> None:
    assert of_change(Change("instanceGroups[gpu].minInstanceCount", observed, wanted)) is effect


@pytest.mark.parametrize(("taint", "effect"), [("NoExecute", Effect.DISRUPTS), ("NoSchedule", Effect.CHANGES)])
def test_a_taint_that_evicts_disrupts(taint: str, effect: Effect) -> None:
    wanted = [{"key": "a", "value": "b", "effect": taint}]
    assert of_change(Change("instanceGroups[gpu].kubernetesConfig.taints", None, wanted)) is effect


@pytest.mark.parametrize("path", ["instanceGroups[gpu].novel", "novel", "novel.below"])
def test_a_member_without_a_row_counts_as_disruptive(path: str) -> None:
    assert of_change(Change(path, None, ROLE)) is UNKNOWN is Effect.DISRUPTS
