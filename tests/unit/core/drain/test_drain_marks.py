"""What a drained Node shows: ours alone is set and taken off, and one Node has one holder."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hyperpod_operator.api.names import DETACH_VOLUMES, DRAINING
from hyperpod_operator.core.drain.marks import (
    CONDITION_REASON,
    TAINT,
    HeldBy,
    Lifecycle,
    Owner,
    StoredCondition,
    condition_changes,
    detaches,
    drained_for,
    held_since,
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


def test_a_taint_whose_time_has_not_come_gets_the_present_one() -> None:
    early = applied(NODE, hold(NODE, MINE, now=NOW + timedelta(days=1)))
    later = applied(early, hold(early, MINE, now=NOW))
    assert (held_since(later), later.taints[:-1]) == (NOW, (THEIRS,))
    assert hold(later, MINE, now=NOW) == NodeChange()


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


def test_a_node_asks_for_its_volumes_while_its_holder_does() -> None:
    held = applied(NODE, hold(NODE, MINE, now=NOW))
    asking = applied(held, hold(held, MINE, now=NOW, detach=True))
    assert (detaches(held), detaches(asking)) == (False, True)
    assert hold(asking, MINE, now=NOW, detach=True) == NodeChange()
    assert applied(asking, hold(asking, MINE, now=NOW)) == held
    assert applied(asking, release(asking, MINE)) == NODE


def test_a_node_that_is_taken_may_ask_for_its_volumes_at_once() -> None:
    assert detaches(applied(NODE, hold(NODE, MINE, now=NOW, detach=True)))


def test_what_asks_for_volumes_counts_only_in_the_name_of_the_holder() -> None:
    asks = {DETACH_VOLUMES: str(OTHER)}
    assert not detaches(replace(NODE, annotations=asks))
    assert not detaches(replace(NODE, annotations={DRAINING: str(OTHER), **asks}))
    held = applied(NODE, hold(NODE, MINE, now=NOW))
    stale = replace(held, annotations={**held.annotations, **asks})
    assert not detaches(stale)
    assert applied(stale, hold(stale, MINE, now=NOW)) == held


def test_a_message_names_for_whom_a_node_is_drained() -> None:
    assert drained_for(NODE) == ""
    assert drained_for(applied(NODE, hold(NODE, MINE, now=NOW))) == "HyperPodCluster research/ml"
    assert drained_for(replace(NODE, taints=(TAINT,))) == "another client"
    written = replace(NODE, taints=(TAINT,), annotations={DRAINING: f"Kind\x1b[31m {'x' * 9000} u"})
    assert drained_for(written).isprintable()
    assert len(drained_for(written)) <= 320


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
