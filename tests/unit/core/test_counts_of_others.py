"""A count that somebody else owns: AWS's number is right, and the spec's minimum gives way to it."""

from typing import Any

import pytest
from tests.unit.core.builders import (
    action,
    cluster,
    conditions_of,
    decision,
    group,
    group_spec,
    left,
    recorded,
    resource,
    spec,
    with_group,
)

from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.engine.decision import InSync
from hyperpod_operator.core.observed import ObservedCluster

EXTERNAL = {"countOwner": "External"}


def owner(minimum: int | None = 3, *, labels: dict[str, str] | None = None, **fields: Any) -> Resource:
    """gpu is External with four instances; cpu is the operator's."""
    members = {"minInstanceCount": minimum} if minimum is not None else {}
    groups = [
        group_spec(management=EXTERNAL, **members),
        group_spec(
            "cpu", 2, instanceType="ml.m5.4xlarge", **({"kubernetesConfig": {"labels": labels}} if labels else {})
        ),
    ]
    return resource(spec=spec(instanceGroups=groups), status=recorded(), **fields)


def scaled_to(count: int, held: int | None) -> ObservedCluster:
    """AWS after the count's owner scaled gpu; `held` is AWS's MinCount."""
    members = {"minInstanceCount": held} if held is not None else {}
    return with_group(cluster(), group(group_spec(count=count, **members)))


@pytest.mark.parametrize("held", [None, 0, 1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_count_below_the_minimum_is_no_difference(count: int, held: int | None) -> None:
    assert isinstance(decision(owner(), scaled_to(count, held)), InSync)


def test_the_cluster_is_ready_and_says_which_minimum_waits_for_which_count() -> None:
    made = left(owner(), scaled_to(2, 2))
    assert conditions_of(made)["Ready"] == ("True", "ClusterReady")
    assert conditions_of(made)["SpecSynced"] == ("True", "MinimumAboveCount")
    gpu, cpu = sorted(made.instanceGroups or [], key=lambda entry: entry.instanceGroupName == "cpu")
    assert "minInstanceCount 3 of group gpu is above the 2 instances" in (gpu.message or "")
    assert cpu.message is None


def test_an_edit_of_another_group_carries_a_minimum_that_aws_takes() -> None:
    request = action(decision(owner(labels={"a": "b"}), scaled_to(2, 3))).request
    gpu = next(item for item in request["instanceGroups"] if item["instanceGroupName"] == "gpu")
    assert (gpu["instanceCount"], gpu["minInstanceCount"]) == (2, 2)


def test_the_minimum_comes_back_when_the_count_has_grown() -> None:
    request = action(decision(owner(), scaled_to(5, 2))).request
    gpu = next(item for item in request["instanceGroups"] if item["instanceGroupName"] == "gpu")
    assert (gpu["instanceCount"], gpu["minInstanceCount"]) == (5, 3)


def test_a_minimum_that_the_spec_lowers_is_sent_as_far_as_the_count_allows() -> None:
    request = action(decision(owner(minimum=2), scaled_to(1, 3))).request
    gpu = next(item for item in request["instanceGroups"] if item["instanceGroupName"] == "gpu")
    assert (gpu["instanceCount"], gpu["minInstanceCount"]) == (1, 1)


@pytest.mark.parametrize("count", [3, 4, 9])
def test_a_count_that_meets_the_minimum_says_nothing(count: int) -> None:
    assert conditions_of(left(owner(), scaled_to(count, 3)))["SpecSynced"] == ("True", "InSync")


@pytest.mark.parametrize("count", range(7))
@pytest.mark.parametrize("held", [None, *range(7)])
def test_no_update_ever_carries_a_minimum_above_its_count(count: int, held: int | None) -> None:
    request = action(decision(owner(labels={"a": "b"}), scaled_to(count, held))).request
    for item in request["instanceGroups"]:
        assert item.get("minInstanceCount", 0) <= item["instanceCount"]
