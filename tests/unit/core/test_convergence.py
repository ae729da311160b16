"""Passes lead to what the spec asks for, with as few calls as it takes, whatever answers get lost on the way."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.core.builders import group_spec, resource, seen, spec
from tests.unit.core.world import ANSWERS, World

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.diff import diff
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.engine.decision import InSync, RemoveFinalizer

TYPES = {"gpu": "ml.p5.48xlarge", "cpu": "ml.m5.4xlarge", "big": "ml.p5en.48xlarge", "odd": "ml.g5.xlarge"}

groups = st.builds(
    lambda name, count, extra: group_spec(name, count, instanceType=TYPES[name], **extra),
    st.sampled_from(sorted(TYPES)),
    st.integers(0, 5),
    st.fixed_dictionaries(
        {},
        optional={
            "kubernetesConfig": st.builds(
                lambda labels: {"labels": labels}, st.dictionaries(st.sampled_from("ab"), st.sampled_from("12"))
            ),
            "imageReleaseVersion": st.sampled_from(["1.0.0", "1.0.1"]),
        },
    ),
)
specs = st.builds(
    lambda members, recovery, tags: spec(instanceGroups=members, nodeRecovery=recovery, tags=tags),
    st.lists(groups, min_size=1, max_size=4, unique_by=lambda item: item["instanceGroupName"]),
    st.sampled_from(["Automatic", "None"]),
    st.lists(
        st.builds(lambda key, value: {"key": key, "value": value}, st.sampled_from("xyz"), st.sampled_from("12")),
        max_size=3,
        unique_by=lambda tag: tag["key"],
    ),
)
fates = st.lists(st.sampled_from(ANSWERS), max_size=4)


def edited(owner: Resource, wanted: dict[str, Any]) -> Resource:
    return replace(resource(spec=wanted, generation=owner.generation + 1), status=owner.status)


def assert_as_wanted(world: World, owner: Resource) -> None:
    gaps = diff(resource=owner, observed=seen(owner, world.found, tags=world.tags), now=world.now)
    assert gaps.none, gaps.lines()
    assert not gaps.scaled_outside
    assert world.found is not None
    assert {item.name for item in world.found.groups} == set(owner.groups)


@given(specs)
@settings(max_examples=40)
def test_from_nothing_one_create_is_enough(wanted: dict[str, Any]) -> None:
    world = World()
    owner, decision = world.run(resource(spec=wanted))
    assert isinstance(decision, InSync)
    assert world.calls == ["CreateCluster"]
    assert_as_wanted(world, owner)


@given(specs, specs)
@settings(max_examples=60)
def test_an_edit_takes_each_kind_of_call_at_most_once_or_per_release(old: dict[str, Any], new: dict[str, Any]) -> None:
    world = World()
    owner, _ = world.run(resource(spec=old))
    world.calls.clear()
    owner, decision = world.run(edited(owner, new))
    assert isinstance(decision, InSync)
    assert_as_wanted(world, owner)
    for call in ("UpdateCluster", "UpdateClusterSoftware", "AddTags", "DeleteTags"):
        assert world.calls.count(call) <= 1
    assert "CreateCluster" not in world.calls
    assert "DeleteCluster" not in world.calls


@given(specs, specs, fates, fates)
@settings(max_examples=60)
def test_lost_answers_change_nothing_about_the_end(
    old: dict[str, Any], new: dict[str, Any], first: list[str], second: list[str]
) -> None:
    world = World(answers=list(first))
    owner, _ = world.run(resource(spec=old))
    world.answers = list(second)
    owner, decision = world.run(edited(owner, new))
    assert isinstance(decision, InSync)
    assert_as_wanted(world, owner)
    assert world.calls.count("CreateCluster") == 1


@given(specs, fates)
@settings(max_examples=30)
def test_a_deleted_object_ends_with_nothing_in_aws(wanted: dict[str, Any], answers: list[str]) -> None:
    world = World()
    owner, _ = world.run(resource(spec=wanted))
    world.calls.clear()
    world.answers = list(answers)
    _, decision = world.run(replace(owner, deleting=True))
    assert isinstance(decision, RemoveFinalizer)
    assert world.found is None
    assert world.calls == ["DeleteCluster"]


@given(specs)
@settings(max_examples=20)
def test_a_settled_cluster_is_left_alone_for_ever(wanted: dict[str, Any]) -> None:
    world = World()
    owner, _ = world.run(resource(spec=wanted))
    again, _ = world.run(owner)
    world.calls.clear()
    for _ in range(3):
        same, decision = world.run(again)
        assert isinstance(decision, InSync)
        assert same.status == again.status
    assert world.calls == []


@pytest.mark.parametrize("policy", ["Delete", "Retain"])
def test_a_cluster_that_somebody_deleted_is_made_again_where_the_spec_says_so(policy: str) -> None:
    world = World()
    owner, _ = world.run(resource(spec=spec(management={"deletionPolicy": policy, "onExternalDelete": "Recreate"})))
    world.found, world.tags = None, {}
    owner, decision = world.run(owner)
    assert isinstance(decision, InSync)
    assert world.calls == ["CreateCluster", "CreateCluster"]


def test_a_cluster_that_somebody_deleted_is_not_made_again_by_default() -> None:
    world = World()
    owner, _ = world.run(resource())
    world.found, world.tags = None, {}
    _, decision = world.run(owner)
    assert (decision.reason, decision.stalled) == (Reason.DELETED_OUTSIDE, True)  # type: ignore[union-attr]  # a Wait
    assert world.calls == ["CreateCluster"]


def test_a_retained_cluster_stays_and_is_not_ours_any_more() -> None:
    world = World()
    owner, _ = world.run(
        resource(spec=spec(management={"deletionPolicy": "Retain"}, tags=[{"key": "x", "value": "1"}]))
    )
    _, decision = world.run(replace(owner, deleting=True))
    assert isinstance(decision, RemoveFinalizer)
    assert world.found is not None
    assert world.tags == {"x": "1"}
    assert world.calls == ["CreateCluster", "DeleteTags"]


def test_an_adopted_cluster_is_brought_to_the_spec_and_survives_the_object() -> None:
    world = World()
    world.run(resource(spec=spec()))
    world.tags = {}
    world.calls.clear()
    wanted = spec(nodeRecovery="None", management={"adoptionPolicy": "IfUnowned"})
    owner, decision = world.run(resource(spec=wanted, uid="uid-2"))
    assert isinstance(decision, InSync)
    assert world.calls == ["AddTags", "UpdateCluster"]
    _, decision = world.run(replace(owner, deleting=True))
    assert isinstance(decision, RemoveFinalizer)
    assert world.found is not None
    assert world.tags == {}


@given(specs, specs)
@settings(max_examples=30)
def test_an_edit_that_is_taken_back_at_once_is_followed_back(old: dict[str, Any], new: dict[str, Any]) -> None:
    world = World()
    first, _ = world.run(resource(spec=old))
    second, _, _ = world.step(edited(first, new))
    owner, decision = world.run(edited(second, old))
    assert isinstance(decision, InSync)
    assert_as_wanted(world, owner)
