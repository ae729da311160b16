"""Whom a Node wakes: five hundred claims that wait must not all look because of one Node."""

import pytest

from hyperpod_operator.controllers.volume.interests import Interest, Interests
from hyperpod_operator.core.ports import Key

HELD, FOR_GPU, FOR_ANY = Key("team", "held"), Key("team", "gpu"), Key("team", "any")
CLUSTER = "abcdefghijkl"


@pytest.fixture
def interests() -> Interests:
    made = Interests()
    made.note(HELD, Interest(cluster=CLUSTER, node_name="n1", waiting=False, group="gpu"))
    made.note(FOR_GPU, Interest(cluster=CLUSTER, node_name="", waiting=True, group="gpu"))
    made.note(FOR_ANY, Interest(cluster=CLUSTER, node_name="", waiting=True))
    return made


def woken(interests: Interests, node: str, *, cluster: str | None = CLUSTER, group: str = "gpu") -> set[Key]:
    return {key for _, key in interests.of(node_name=node, cluster=cluster, group=group)}


def test_a_node_wakes_whoever_has_it_and_whoever_waits_for_its_group(interests: Interests) -> None:
    assert woken(interests, "n1") == {HELD, FOR_GPU, FOR_ANY}


def test_a_node_of_another_group_wakes_nobody_who_waits_for_one(interests: Interests) -> None:
    assert woken(interests, "n2", group="cpu") == {FOR_ANY}


def test_a_node_that_does_not_tell_its_group_may_be_of_any(interests: Interests) -> None:
    assert woken(interests, "n2", group="") == {FOR_GPU, FOR_ANY}


def test_a_node_of_another_cluster_wakes_nobody(interests: Interests) -> None:
    assert woken(interests, "n2", cluster="zzzzzzzzzzzz") == set()


def test_a_node_that_is_gone_wakes_whoever_had_it(interests: Interests) -> None:
    assert woken(interests, "n1", cluster=None, group="") == {HELD}


def test_a_claim_that_is_gone_is_forgotten(interests: Interests) -> None:
    interests.forget(HELD)
    assert woken(interests, "n1", cluster=None) == set()
