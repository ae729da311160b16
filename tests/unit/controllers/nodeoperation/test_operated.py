"""What the counts of a cluster learn from operations: their statuses, and no words of AWS."""

from typing import Any

import pytest
from tests.unit.controllers.rig import FakeObjects

from hyperpod_operator.controllers.nodeoperation.operated import operated_nodes
from hyperpod_operator.core.nodeoperation.states import State
from hyperpod_operator.core.ports import Key

CLUSTER = Key("team", "research")


def stored(operation: str, *, state: str = "Waiting", **spec: Any) -> FakeObjects:
    """One operation on the node i-1 of the group gpu."""
    objects, key = FakeObjects(), Key("team", "operation")
    objects.apply(key, {"clusterRef": {"name": "research"}, "operation": operation, **spec})
    entry = {"id": "i-1", "instanceId": "i-1", "instanceGroupName": "gpu", "state": state}
    if state not in {"Pending", "Draining"}:
        entry["sentTime"] = "2026-11-23T12:00:00Z"
    objects._bodies[key]["status"] = {"nodes": [entry]}
    return objects


async def seen(objects: FakeObjects, cluster: Key = CLUSTER) -> list[tuple[str, str, str]]:
    return [(one.instance_id, one.group, one.call) for one in await operated_nodes(objects, cluster=cluster)]


@pytest.mark.parametrize("state", State)
async def test_a_node_counts_once_aws_may_have_acted(state: State) -> None:
    sent = state not in {State.PENDING, State.DRAINING, State.SKIPPED}
    assert await seen(stored("Delete", state=state)) == [("i-1", "gpu", "BatchDeleteClusterNodes")] * sent


@pytest.mark.parametrize("operation", ["Reboot", "Replace", "HealthCheck"])
async def test_what_changes_no_count_is_no_evidence(operation: str) -> None:
    assert await seen(stored(operation)) == []


@pytest.mark.parametrize("cluster", [Key("other", "research"), Key("team", "other")])
async def test_operations_on_other_clusters_say_nothing(cluster: Key) -> None:
    assert await seen(stored("Delete"), cluster) == []


async def test_a_node_that_moves_to_another_cluster_leaves_a_group_there_is_none_of_here() -> None:
    move = {"move": {"instanceGroupName": "spare", "clusterRef": {"name": "target"}}}
    assert await seen(stored("Move", **move)) == [("i-1", "gpu", "MoveClusterNodes")]
    assert await seen(stored("Move", **move), Key("team", "target")) == [("i-1", "", "MoveClusterNodes")]
