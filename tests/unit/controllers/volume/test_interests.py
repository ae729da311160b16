"""Whom a Node wakes: five hundred claims that wait must not all look because of one Node."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from hyperpod_operator.api.names import LABEL_VOLUME_PREFIX
from hyperpod_operator.controllers.volume.watch_mapping import Watched, WatchMapping
from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.ports import Key

HELD, FOR_GPU, FOR_ANY = Key("team", "held"), Key("team", "gpu"), Key("team", "any")
CLUSTER = "abcdefghijkl"


@pytest.fixture
def interests() -> WatchMapping:
    made = WatchMapping()
    made.note(HELD, Watched(cluster=CLUSTER, node_name="n1", waiting=False, group="gpu"))
    made.note(FOR_GPU, Watched(cluster=CLUSTER, node_name="", waiting=True, group="gpu"))
    made.note(FOR_ANY, Watched(cluster=CLUSTER, node_name="", waiting=True))
    return made


def woken(interests: WatchMapping, node: str, *, cluster: str | None = CLUSTER, group: str = "gpu") -> set[Key]:
    return {key for _, key in interests.of(node_name=node, cluster=cluster, group=group)}


def test_a_node_wakes_whoever_has_it_and_whoever_waits_for_its_group(interests: WatchMapping) -> None:
    assert woken(interests, "n1") == {HELD, FOR_GPU, FOR_ANY}


def test_a_node_of_another_group_wakes_nobody_who_waits_for_one(interests: WatchMapping) -> None:
    assert woken(interests, "n2", group="cpu") == {FOR_ANY}


def test_a_node_that_does_not_tell_its_group_may_be_of_any(interests: WatchMapping) -> None:
    assert woken(interests, "n2", group="") == {FOR_GPU, FOR_ANY}


def test_a_node_of_another_cluster_wakes_nobody(interests: WatchMapping) -> None:
    assert woken(interests, "n2", cluster="zzzzzzzzzzzz") == set()


def test_a_node_that_is_gone_wakes_whoever_had_it(interests: WatchMapping) -> None:
    assert woken(interests, "n1", cluster=None, group="") == {HELD}


def test_a_claim_that_is_gone_is_forgotten(interests: WatchMapping) -> None:
    interests.forget(HELD)
    assert woken(interests, "n1", cluster=None) == set()


def test_a_claim_that_moved_is_not_woken_for_where_it_was(interests: WatchMapping) -> None:
    interests.note(HELD, Watched(cluster=CLUSTER, node_name="n2", waiting=False, group="gpu"))
    interests.note(FOR_ANY, Watched(cluster="zzzzzzzzzzzz", node_name="", waiting=True))
    assert woken(interests, "n1") == {FOR_GPU}
    assert woken(interests, "n2") == {HELD, FOR_GPU}


def test_claims_that_are_gone_leave_nothing_behind(interests: WatchMapping) -> None:
    for key in (HELD, FOR_GPU, FOR_ANY):
        interests.forget(key)
    assert not interests._by_place


def test_a_change_of_a_node_costs_no_walk_through_all_claims(interests: WatchMapping) -> None:
    class Counted(dict[Key, Watched]):
        looked = 0

        def __getitem__(self, key: Key) -> Watched:
            self.looked += 1
            return super().__getitem__(key)

        def items(self) -> Any:
            raise AssertionError("a walk through all claims")

    for number in range(100):
        interests.note(Key("team", f"{number}"), Watched(cluster=CLUSTER, node_name=f"m{number}", waiting=False))
    interests._interests = counted = Counted(interests._interests)
    assert woken(interests, "n1") == {HELD, FOR_GPU, FOR_ANY}
    assert counted.looked < 10


LABEL = f"{LABEL_VOLUME_PREFIX}0"
NODE = Node(
    name="n1",
    uid="n1",
    resource_version="1",
    cluster_id=CLUSTER,
    instance_id="i-00000001",
    created_at=datetime.fromtimestamp(0, UTC),
    labels={"zone": "b"},
    annotations={},
    taints=(),
    ready=True,
)
LABELLED = replace(NODE, resource_version="2", labels={"zone": "b", LABEL: "attached"})


def test_a_node_that_was_never_seen_is_news(interests: WatchMapping) -> None:
    assert interests.news("n1", NODE) is None


def test_the_label_of_one_claim_is_told_as_such_when_it_comes_and_goes(interests: WatchMapping) -> None:
    interests.news("n1", NODE)
    assert interests.news("n1", LABELLED) == {LABEL}
    assert interests.news("n1", NODE) == {LABEL}


@pytest.mark.parametrize(
    "changed", [replace(LABELLED, ready=False), replace(LABELLED, labels={"zone": "c", LABEL: "attached"}), None]
)
def test_whatever_else_changes_with_a_label_is_news_for_all(interests: WatchMapping, changed: Node | None) -> None:
    interests.news("n1", NODE)
    assert interests.news("n1", changed) is None


def test_a_claims_label_wakes_that_claim_alone(interests: WatchMapping) -> None:
    owner, neighbour = Key("team", "owner"), Key("team", "neighbour")
    interests.note(owner, Watched(cluster=CLUSTER, node_name="n1", waiting=False, label=LABEL))
    interests.note(neighbour, Watched(cluster=CLUSTER, node_name="n1", waiting=False, label="another"))
    woken_by_it = interests.of(node_name="n1", cluster=CLUSTER, group="gpu", labels=frozenset({LABEL}))
    assert [key for _, key in woken_by_it] == [owner]
