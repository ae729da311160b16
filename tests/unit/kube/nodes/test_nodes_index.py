"""What is held, what is asked of it, and what counts as a change."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from hyperpod_operator.core.health.node import Node
from hyperpod_operator.kube.nodes.index import NodeIndex

Make = Callable[..., Node]


@pytest.fixture
def make() -> Make:
    def make(name: str = "a", **parts: Any) -> Node:
        known: dict[str, Any] = {
            "name": name,
            "uid": f"uid-{name}",
            "resource_version": "1",
            "cluster_id": "one",
            "instance_id": f"i-{name}",
            "created_at": datetime(2026, 1, 1, tzinfo=UTC),
            "labels": {},
            "annotations": {},
        }
        return Node(**(known | parts))

    return make


@pytest.fixture
def index() -> NodeIndex:
    return NodeIndex()


@pytest.mark.parametrize(
    "parts",
    [{"uid": "other"}, {"labels": {"a": "b"}}, {"annotations": {"a": "b"}}, {"ready": True}, {"deleting": True},
     {"instance_id": "i-other"}, {"cluster_id": "two"}],
)  # fmt: skip
def test_any_member_is_a_change(index: NodeIndex, make: Make, parts: dict[str, Any]) -> None:
    assert index.put(make())
    assert index.put(make(**parts))
    assert not index.put(make(**parts))


def test_a_new_version_alone_is_no_change_and_is_remembered(index: NodeIndex, make: Make) -> None:
    index.put(make())
    assert not index.put(make(resource_version="2"))
    held = index.get("a")
    assert held is not None
    assert held.resource_version == "2"
    assert index.of_cluster("one") == (held,)


def test_nodes_are_found_by_name_and_cluster(index: NodeIndex, make: Make) -> None:
    for name, cluster in (("a", "one"), ("b", "one"), ("c", "two")):
        index.put(make(name, cluster_id=cluster))
    assert {node.name for node in index.of_cluster("one")} == {"a", "b"}
    assert index.of_cluster("three") == ()
    assert len(index) == 3


def test_a_node_that_moved_to_another_cluster_is_found_there_alone(index: NodeIndex, make: Make) -> None:
    index.put(make())
    index.put(make(cluster_id="two"))
    assert index.of_cluster("one") == ()
    assert index.of_cluster("two") == (index.get("a"),)


def test_what_is_not_held_cannot_be_removed(index: NodeIndex) -> None:
    assert not index.remove("a")


def test_a_list_tells_what_came_what_changed_and_what_went(index: NodeIndex, make: Make) -> None:
    for name in ("gone", "same", "changed"):
        index.put(make(name))
    listed = [make("same", resource_version="9"), make("changed", ready=True), make("came")]
    assert sorted(index.reset(listed)) == ["came", "changed", "gone"]
    assert index.get("gone") is None
    assert len(index) == 3
