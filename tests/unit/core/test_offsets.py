"""Nodes that somebody moved or deleted by name are neither replaced nor taken back."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.core.builders import (
    NOW,
    action,
    ago,
    cluster,
    conditions_of,
    decision,
    group,
    group_spec,
    left,
    recorded,
    resource,
    scaled,
    with_group,
)

from hyperpod_operator.api.cluster.status import HyperPodClusterStatus
from hyperpod_operator.core.cluster.decision import Act
from hyperpod_operator.core.cluster.plan import UpdateCluster
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.engine.decision import InSync, Wait
from hyperpod_operator.core.engine.journal import PENDING
from hyperpod_operator.core.observed import ObservedCluster, ObservedEvent, ObservedNode, OperatedNode

FORMER = {f"g{n}": "gpu" for n in range(4)} | {f"c{n}": "cpu" for n in range(2)}


def counts(gpu: int, cpu: int = 2) -> ObservedCluster:
    found = with_group(cluster(), group(group_spec(), target_count=gpu))
    return with_group(found, group(group_spec("cpu", 2, instanceType="ml.m5.4xlarge"), target_count=cpu))


def nodes(gpu: tuple[str, ...], cpu: tuple[str, ...], **status: str) -> tuple[ObservedNode, ...]:
    return tuple(
        ObservedNode(instance_id=name, group=where, instance_type="x", status=status.get(name, "Running"))
        for where, names in (("gpu", gpu), ("cpu", cpu))
        for name in names
    )


MOVED: dict[str, Any] = {
    "nodes": nodes(("g0", "g1", "g2"), ("c0", "c1", "g3")),
    "former_groups": FORMER,
}
"""g3 was in gpu and is in cpu."""


def deletion(*ids: str, minutes: float = 5, words: str = "Instance is being deleted.") -> tuple[ObservedEvent, ...]:
    at = NOW - timedelta(minutes=minutes)
    return tuple(
        ObservedEvent(event_id=name, at=at, level="Info", description=words, group="gpu", instance_id=name)
        for name in ids
    )


def offsets(made: HyperPodClusterStatus) -> dict[str, tuple[int, str]]:
    return {
        entry.instanceGroupName: (entry.remembered.countOffset.value, entry.remembered.countOffset.operation or "")
        for entry in made.instanceGroups or []
        if entry.remembered.countOffset
    }


def carried(owner: Resource | None = None) -> Resource:
    """The object after a pass that recognised the move."""
    owner = owner or resource(status=recorded())
    return replace(owner, status=left(owner, counts(3, 3), **MOVED))


def test_a_moved_node_is_neither_replaced_nor_held() -> None:
    made = left(resource(status=recorded()), counts(3, 3), **MOVED)
    assert offsets(made) == {"gpu": (-1, "MoveClusterNodes"), "cpu": (1, "MoveClusterNodes")}
    assert conditions_of(made)["Ready"] == ("True", "ClusterReady")
    assert conditions_of(made)["SpecSynced"] == ("True", "CountOffset")


@pytest.mark.parametrize(
    ("found", "listed"),
    [
        (counts(3, 3), nodes(("g0", "g1", "g2", "g3"), ("c0", "c1"), g3="DetachInProgress")),
        (counts(3, 3), nodes(("g0", "g1", "g2"), ("c0", "c1", "g3"), g3="AttachInProgress")),
    ],
    ids=["detaching", "attaching"],
)
def test_a_node_on_its_way_is_enough_for_the_group_that_it_joins(
    found: ObservedCluster, listed: tuple[ObservedNode, ...]
) -> None:
    """Also right after a restart, when nothing is known of the groups before."""
    made = left(resource(status=recorded()), found, nodes=listed)
    assert offsets(made)["cpu"] == (1, "MoveClusterNodes")
    assert conditions_of(made)["Ready"][1] != "ScaledOutside"


def test_a_node_deleted_by_name_is_not_bought_again() -> None:
    made = left(resource(status=recorded()), counts(3), events=deletion("g3"))
    assert offsets(made) == {"gpu": (-1, "BatchDeleteClusterNodes")}
    assert conditions_of(made)["Ready"] == ("True", "ClusterReady")


@pytest.mark.parametrize("call", ["BatchDeleteClusterNodes", "MoveClusterNodes"])
def test_what_an_operation_asked_for_needs_no_words_of_aws(call: str) -> None:
    """Right after a restart, and with a node that no list has any more."""
    asked = (OperatedNode(instance_id="g3", group="gpu", call=call, at=NOW - timedelta(minutes=5)),)
    made = left(resource(status=recorded()), counts(3), operated=asked)
    assert offsets(made) == {"gpu": (-1, call)}


def test_a_node_that_an_operation_moved_explains_the_group_that_it_joined() -> None:
    asked = (OperatedNode(instance_id="g3", group="gpu", call="MoveClusterNodes", at=NOW - timedelta(minutes=5)),)
    made = left(resource(status=recorded()), counts(3, 3), nodes=MOVED["nodes"], operated=asked)
    assert offsets(made) == {"gpu": (-1, "MoveClusterNodes"), "cpu": (1, "MoveClusterNodes")}


def test_what_an_operation_asked_for_long_ago_explains_nothing() -> None:
    asked = (OperatedNode(instance_id="g3", group="gpu", call="BatchDeleteClusterNodes", at=NOW - timedelta(hours=3)),)
    assert isinstance(decision(resource(status=recorded()), counts(3), operated=asked), Act)


def test_a_node_that_was_moved_and_then_deleted_explains_the_group_that_it_came_from() -> None:
    """Its event is in the group that it had moved to."""
    gone = replace(deletion("c0")[0], group="gpu")
    made = left(resource(status=recorded()), counts(4, 1), events=(gone,), former_groups=FORMER)
    assert offsets(made) == {"cpu": (-1, "BatchDeleteClusterNodes")}


def test_the_message_names_the_edit_that_makes_the_offset_unnecessary() -> None:
    made = left(resource(status=recorded()), counts(3), events=deletion("g3"))
    synced = next(item for item in made.conditions or [] if item.type == "SpecSynced")
    assert "Change instanceCount of gpu from 4 to 3" in synced.message


@pytest.mark.parametrize(
    "events",
    [(), deletion("g3", minutes=600), deletion("g3", words="Instance is Running."), deletion("")],
    ids=["none", "old", "of something else", "of no instance"],
)
def test_without_evidence_the_spec_wins(events: tuple[ObservedEvent, ...]) -> None:
    answer = action(decision(resource(status=recorded()), counts(3), events=events))
    assert isinstance(answer, UpdateCluster)


def test_evidence_for_fewer_nodes_than_are_missing_is_none() -> None:
    assert isinstance(decision(resource(status=recorded()), counts(2), events=deletion("g3")), Act)


def test_a_scale_out_without_a_moved_node_is_still_held() -> None:
    answer = decision(resource(status=recorded()), counts(4, 5), **MOVED)
    assert isinstance(answer, Wait)
    assert answer.reason == "ScaledOutside"


def test_the_offset_stands_when_the_evidence_is_gone() -> None:
    assert isinstance(decision(carried(), counts(3, 3)), InSync)


def test_an_edit_to_the_new_count_needs_no_call_and_ends_the_offset() -> None:
    """Delete a named node, then lower the count: the others live, and nothing is launched."""
    owner = resource(status=recorded())
    owner = replace(owner, status=left(owner, counts(3), events=deletion("g3")))
    edited = replace(resource(spec=scaled(3), generation=2), status=owner.status)
    assert isinstance(decision(edited, counts(3)), InSync)
    assert offsets(left(edited, counts(3))) == {}


@pytest.mark.parametrize("count", [2, 5, 6])
def test_any_other_edit_of_the_count_is_made(count: int) -> None:
    edited = replace(resource(spec=scaled(count), generation=2), status=carried().status)
    request = action(decision(edited, counts(3, 3))).request
    assert {item["instanceGroupName"]: item["instanceCount"] for item in request["instanceGroups"]} == {
        "gpu": count,
        "cpu": 3,
    }


def test_a_count_that_aws_is_back_at_ends_the_offset() -> None:
    assert offsets(left(carried(), counts(4, 2))) == {}


def test_a_count_that_fell_further_without_evidence_is_raised_to_the_offset() -> None:
    request = action(decision(carried(), counts(1, 3))).request
    assert next(item for item in request["instanceGroups"] if item["instanceGroupName"] == "gpu")["instanceCount"] == 3


@pytest.mark.parametrize("outcome", sorted(PENDING))
def test_an_update_of_ours_that_is_under_way_is_no_deletion(outcome: str) -> None:
    last = {"operation": "UpdateCluster", "state": outcome, "time": ago(100)}
    made = left(resource(status=recorded(last=last)), counts(3), events=deletion("g3"))
    assert offsets(made) == {}
