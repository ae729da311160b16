"""What the object says once its defaults are applied."""

from typing import Any

import pytest
from tests.unit.core.builders import group_spec, managed, recorded, resource, spec

from hyperpod_operator.core.cluster.resource import desired
from hyperpod_operator.core.engine.call import fingerprint


@pytest.mark.parametrize(
    ("management", "origin", "policy"),
    [
        ({}, "Created", "Delete"),
        ({}, None, "Delete"),
        ({}, "Adopted", "Retain"),
        ({"deletionPolicy": "Delete"}, "Adopted", "Delete"),
        ({"deletionPolicy": "Retain"}, "Created", "Retain"),
    ],
)
def test_what_becomes_of_the_cluster_follows_its_origin_unless_the_user_says(
    management: dict[str, str], origin: str | None, policy: str
) -> None:
    owner = resource(spec=managed(**management), status=recorded(origin=origin))
    assert owner.deletion_policy == policy


@pytest.mark.parametrize(
    ("requested", "handled", "anew"),
    [("", None, False), ("", "1", False), ("1", None, True), ("1", "1", False), ("2", "1", True)],
)
def test_a_request_counts_until_it_is_echoed(requested: str, handled: str | None, anew: bool) -> None:
    owner = resource(status={"lastHandledReconcileAt": handled}, reconcile_requested_at=requested)
    assert owner.requested_anew is anew


@pytest.mark.parametrize(("generation", "edited"), [(1, False), (2, True)])
def test_an_edit_shows_in_the_generation(generation: int, edited: bool) -> None:
    assert resource(status=recorded(), generation=generation).edited is edited


@pytest.mark.parametrize(
    ("scaling", "owner", "external"),
    [
        (None, None, False),
        (None, "External", True),
        ("Disable", None, False),
        ("Enable", None, True),
        ("Enable", "Operator", False),
    ],
)
def test_who_owns_a_count(scaling: str | None, owner: str | None, external: bool) -> None:
    management: dict[str, Any] = {"management": {"countOwner": owner}} if owner else {}
    autoscaling: dict[str, Any] = {"autoScaling": {"mode": scaling}} if scaling else {}
    made = resource(spec=spec(instanceGroups=[group_spec(**management)], **autoscaling))
    assert made.counts_are_external("gpu") is external


def test_the_cluster_is_named_after_the_object_unless_the_spec_says() -> None:
    assert resource().cluster_name == "research"
    assert resource(spec=spec(clusterName="other")).cluster_name == "other"


def test_a_wish_leaves_out_what_is_ours() -> None:
    owner = resource(spec=spec(instanceGroups=[group_spec(management={"countOwner": "External"})]))
    assert desired(owner.groups["gpu"]) == group_spec()


def test_a_fingerprint_does_not_depend_on_the_order_of_members() -> None:
    first = fingerprint(operation="UpdateCluster", desired={"a": 1, "b": [1, 2]})
    assert first == fingerprint(operation="UpdateCluster", desired={"b": [1, 2], "a": 1})


@pytest.mark.parametrize(("operation", "desired"), [("CreateCluster", {"a": 1}), ("UpdateCluster", {"a": 2})])
def test_another_call_or_another_wish_has_another_fingerprint(operation: str, desired: dict[str, int]) -> None:
    assert fingerprint(operation="UpdateCluster", desired={"a": 1}) != fingerprint(operation=operation, desired=desired)
