"""What a drained Node shows: ours alone is set and taken off, and one Node has one holder."""

from dataclasses import replace
from datetime import UTC, datetime

from hyperpod_operator.api.names import DRAINING
from hyperpod_operator.core.drain.marks import (
    CONDITION_REASON,
    TAINT,
    HeldBy,
    Lifecycle,
    Owner,
    StoredCondition,
    condition_changes,
    hold,
    release,
)
from hyperpod_operator.core.health.change import NodeChange
from hyperpod_operator.core.health.node import Node, Taint

MINE = Owner(kind="HyperPodCluster", namespace="research", name="ml", uid="u1")
OTHER = Owner(kind="HyperPodNodeOperation", namespace="research", name="reboot", uid="u2")
THEIRS = Taint(key="example.com/x", value="", effect="NoSchedule")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ADDED = replace(TAINT, time_added="2026-11-23T12:00:00Z")
NODE = Node(
    name="hyperpod-i-0123456789abcdef0",
    uid="n",
    resource_version="7",
    cluster_id="abcdefghijkl",
    instance_id="i-0123456789abcdef0",
    created_at=datetime(2026, 11, 23, tzinfo=UTC),
    labels={},
    annotations={},
    taints=(THEIRS,),
)


def applied(node: Node, change: NodeChange | HeldBy) -> Node:
    assert isinstance(change, NodeChange)
    kept = {**node.annotations, **change.annotations}
    return replace(
        node,
        taints=node.taints if change.taints is None else change.taints,
        annotations={key: value for key, value in kept.items() if value is not None},
    )


def test_a_node_that_is_held_has_the_taint_and_the_name_of_its_holder() -> None:
    held = applied(NODE, hold(NODE, MINE, now=NOW))
    assert held.taints == (THEIRS, ADDED)
    assert held.annotations == {DRAINING: "HyperPodCluster research/ml u1"}


def test_holding_twice_changes_nothing() -> None:
    assert hold(applied(NODE, hold(NODE, MINE, now=NOW)), MINE, now=NOW) == NodeChange()


def test_the_time_at_which_the_api_server_added_the_taint_changes_nothing() -> None:
    stored = replace(
        applied(NODE, hold(NODE, MINE, now=NOW)), taints=(replace(TAINT, time_added="2026-11-23T12:00:00Z"),)
    )
    assert hold(stored, MINE, now=NOW) == NodeChange()
    assert applied(stored, release(stored, MINE)).taints == ()


def test_a_node_has_one_holder() -> None:
    assert hold(applied(NODE, hold(NODE, OTHER, now=NOW)), MINE, now=NOW) == HeldBy(owner=str(OTHER))


def test_release_undoes_exactly_what_hold_did() -> None:
    held = applied(NODE, hold(NODE, MINE, now=NOW))
    assert applied(held, release(held, MINE)) == NODE


def test_the_taint_of_another_holder_stays() -> None:
    held = applied(NODE, hold(NODE, OTHER, now=NOW))
    assert release(held, MINE) == NodeChange()


def test_a_taint_that_nobody_signed_is_not_ours() -> None:
    signed_by_nobody = replace(NODE, taints=(TAINT,))
    assert hold(signed_by_nobody, MINE, now=NOW) == HeldBy(owner="")
    assert release(signed_by_nobody, MINE) == NodeChange()


def test_a_taint_that_was_taken_off_by_hand_is_added_again_while_the_node_is_held() -> None:
    held = replace(applied(NODE, hold(NODE, MINE, now=NOW)), taints=())
    assert applied(held, hold(held, MINE, now=NOW)).taints == (ADDED,)
    assert applied(held, release(held, MINE)).annotations == {}


def condition(kind: Lifecycle, *, reason: str = CONDITION_REASON, message: str = "m") -> StoredCondition:
    return StoredCondition(type=kind, status="True", reason=reason, message=message)


def test_conditions_are_set_once() -> None:
    wanted = frozenset({Lifecycle.DRAIN_IN_PROGRESS})
    assert condition_changes([], wanted=wanted, message="m") == {Lifecycle.DRAIN_IN_PROGRESS: "m"}
    assert condition_changes([condition(Lifecycle.DRAIN_IN_PROGRESS)], wanted=wanted, message="m") == {}


def test_conditions_that_are_over_are_removed() -> None:
    stored = [condition(Lifecycle.DRAIN_IN_PROGRESS), condition(Lifecycle.DRAINED)]
    changes = condition_changes(stored, wanted=frozenset({Lifecycle.DRAINED}), message="m")
    assert changes == {Lifecycle.DRAIN_IN_PROGRESS: None}


def test_a_condition_of_another_client_is_left_alone() -> None:
    stored = [condition(kind, reason="NodeMaintenance") for kind in Lifecycle]
    assert condition_changes(stored, wanted=frozenset(), message="m") == {}
    assert condition_changes(stored, wanted=frozenset(Lifecycle), message="other") == {}
