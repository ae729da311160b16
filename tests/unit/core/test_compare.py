"""Drift is what the spec asks for and AWS does not hold; nothing else."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.core.builders import NOW

from hyperpod_operator.core.cluster.compare import Change, covers, drift, overlay


def met(wanted: object, observed: object, member: str = "x") -> bool:
    return covers(wanted=wanted, observed=observed, member=member, now=NOW)


@pytest.mark.parametrize(
    ("wanted", "observed", "member"),
    [
        (None, "whatever AWS filled in", "x"),
        ("a", "a", "x"),
        ([], None, "taints"),
        (0, None, "minInstanceCount"),
        (False, None, "rootVolume"),
        ("", None, "value"),
        (["b", "a"], ["a", "b"], "subnets"),
        (["a", "b"], ["a", "b"], "instanceTypes"),
        ({"a": 1}, {"a": 1, "filled": "in"}, "x"),
        ({"a": "1"}, {"a": "1"}, "labels"),
        ({}, {}, "spot"),
        ([{"k": 1}, {"k": 2, "v": 3}], [{"k": 2, "v": 3, "z": 0}, {"k": 1, "z": 0}], "taints"),
        ([{"k": 1}, {"k": 1, "v": 2}], [{"k": 1, "v": 2}, {"k": 1}], "taints"),
    ],
)
def test_a_wish_that_is_met(wanted: object, observed: object, member: str) -> None:
    assert met(wanted, observed, member)


@pytest.mark.parametrize(
    ("wanted", "observed", "member"),
    [
        ("a", "b", "x"),
        ("a", None, "x"),
        (0, 3, "minInstanceCount"),
        (["a", "b"], ["b", "a"], "instanceTypes"),
        (["a"], ["a", "b"], "subnets"),
        (["a", "a"], ["a", "b"], "subnets"),
        ({"a": "1"}, {"a": "1", "b": "2"}, "labels"),
        ({}, None, "spot"),
        ({"spot": {}}, {"onDemand": {}}, "capacityRequirements"),
        ({"a": 1}, "text", "x"),
        (["a"], "a", "x"),
    ],
)
def test_a_wish_that_is_not_met(wanted: object, observed: object, member: str) -> None:
    assert not met(wanted, observed, member)


def test_a_patch_date_that_has_passed_is_history() -> None:
    past, future = (NOW - timedelta(days=1)).isoformat(), (NOW + timedelta(days=1)).isoformat()
    assert met(past, future, "nextPatchDate")
    assert not met(future, past, "nextPatchDate")
    assert met(future, future.replace("+00:00", "Z"), "nextPatchDate")


def test_a_patch_date_without_a_zone_is_compared_as_text() -> None:
    assert met("2030-01-01", "2030-01-01", "nextPatchDate")
    assert not met("2030-01-01", "2031-01-01", "nextPatchDate")


def test_drift_names_the_innermost_member() -> None:
    wanted = {"lifeCycleConfig": {"onCreate": "b.sh", "sourceS3Uri": "s3://x"}}
    observed = {"lifeCycleConfig": {"onCreate": "a.sh", "sourceS3Uri": "s3://x", "filled": "in"}}
    found = list(drift(wanted=wanted, observed=observed, path="groups[gpu]", now=NOW))
    assert found == [Change("groups[gpu].lifeCycleConfig.onCreate", "a.sh", "b.sh")]
    assert str(found[0]) == "groups[gpu].lifeCycleConfig.onCreate: a.sh -> b.sh"


def test_a_long_value_is_shortened_for_people() -> None:
    assert len(str(Change("x", None, "y" * 5000))) < 100


def test_an_overlay_keeps_what_the_wish_does_not_mention() -> None:
    assert overlay(wanted={"a": {"b": 1}}, observed={"a": {"b": 0, "c": 2}, "d": 3}) == {"a": {"b": 1, "c": 2}, "d": 3}


def test_an_overlay_replaces_labels_whole() -> None:
    merged = overlay(wanted={"labels": {"a": "1"}}, observed={"labels": {"b": "2"}})
    assert merged == {"labels": {"a": "1"}}


SCALARS = st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b"])
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=8,
)


@given(TREES)
def test_every_wish_is_met_by_itself(tree: object) -> None:
    assert met(tree, tree)


@given(st.dictionaries(st.sampled_from("abcd"), TREES), st.dictionaries(st.sampled_from("abcd"), TREES))
def test_what_is_laid_over_is_met_afterwards(wanted: dict[str, object], observed: dict[str, object]) -> None:
    merged = overlay(wanted=wanted, observed=observed)
    assert list(drift(wanted=wanted, observed=merged, path="", now=NOW)) == []


taints = st.lists(
    st.fixed_dictionaries({"key": st.sampled_from("abc"), "effect": st.sampled_from(["NoSchedule", "NoExecute"])}),
    max_size=4,
    unique_by=lambda taint: (taint["key"], taint["effect"]),
)


@given(taints, st.randoms(use_true_random=False))
def test_the_order_of_a_set_and_what_aws_adds_to_its_items_are_no_drift(
    wanted: list[dict[str, str]], chance: Random
) -> None:
    observed = [{**taint, "value": "filled in"} for taint in wanted]
    chance.shuffle(observed)
    assert met(wanted, observed, "taints")


@given(taints, taints)
def test_another_set_is_drift(wanted: list[dict[str, str]], observed: list[dict[str, str]]) -> None:
    same = {frozenset(taint.items()) for taint in wanted} == {frozenset(taint.items()) for taint in observed}
    assert met(wanted, observed, "taints") == same


@given(st.sampled_from([None, "", 0, False, [], {}]), st.sampled_from([None, "", 0, False, [], {}]))
def test_all_ways_to_say_nothing_are_one(wanted: object, observed: object) -> None:
    assert met(wanted, observed)


def test_a_patch_date_that_has_passed_is_no_drift_where_aws_holds_none() -> None:
    assert covers(wanted={"nextPatchDate": "2020-01-01T00:00:00Z"}, observed=None, member="patchSchedule", now=NOW)
    assert not covers(wanted={"nextPatchDate": "2099-01-01T00:00:00Z"}, observed=None, member="patchSchedule", now=NOW)


@pytest.mark.parametrize("order", [1, -1])
def test_a_loose_wish_leaves_what_another_one_needs(order: int) -> None:
    """AWS may fill in the size of the root volume: it is no second volume of that size."""
    root = {"ebsVolumeConfig": {"rootVolume": True, "volumeSizeInGB": 20, "volumeKmsKeyId": "k"}}
    volume = {"ebsVolumeConfig": {"volumeSizeInGB": 20, "volumeKmsKeyId": "k"}}
    wanted = [{"ebsVolumeConfig": {"volumeSizeInGB": 20}}, {"ebsVolumeConfig": {"rootVolume": True}}][::order]
    for observed in ([root, volume], [volume, root]):
        assert covers(wanted=wanted, observed=observed, member="instanceStorageConfigs", now=NOW)
    assert not covers(wanted=wanted, observed=[volume, volume], member="instanceStorageConfigs", now=NOW)


def test_what_aws_keeps_twice_is_one_thing_but_for_storages() -> None:
    twice = ["InstanceStress", "InstanceStress"]
    assert covers(wanted=twice[:1], observed=twice, member="onStartDeepHealthChecks", now=NOW)
    volumes = [{"ebsVolumeConfig": {"volumeSizeInGB": 20}}] * 2
    assert not covers(wanted=volumes[:1], observed=volumes, member="instanceStorageConfigs", now=NOW)
