"""Which nodes a selector chooses that asks for unhealthy ones: an operation on them may end their instances."""

from typing import Any

import pytest
from tests.unit.core.nodeoperation.builders import FIRST, NOW, SECOND, instance, node, operation, snapshot, spec

from hyperpod_operator.api.names import DEEP_HEALTH_CHECK_STATUS, NODE_HEALTH_STATUS
from hyperpod_operator.core.health.node import Fault
from hyperpod_operator.core.nodeoperation.selection import select

UNSCHEDULABLE = {NODE_HEALTH_STATUS: "Unschedulable"}


def chosen(*, shown: dict[str, Any] | None, **listed: Any) -> bool:
    """Whether the first node is, whose Node and instance are like this; the second one is healthy."""
    there = [node(SECOND, labels={NODE_HEALTH_STATUS: "Schedulable"})]
    if shown is not None:
        there.append(node(FIRST, **shown))
    owner = operation(spec("Replace", nodes={"selector": {"order": "Unhealthy"}}))
    found = select(snapshot(owner, instances=[instance(FIRST, **listed), instance(SECOND)], nodes=there))
    assert {entry.instanceId for entry in found} <= {FIRST}
    return bool(found)


@pytest.mark.parametrize(
    ("shown", "listed"),
    [
        ({"labels": UNSCHEDULABLE}, {}),
        ({"labels": {**UNSCHEDULABLE, DEEP_HEALTH_CHECK_STATUS: "Failed"}}, {}),
        ({"labels": {NODE_HEALTH_STATUS: "Schedulable"}}, {"status": "Failure"}),
        (None, {"status": "Failed"}),
        ({"labels": {NODE_HEALTH_STATUS: "UnschedulableInSomeWay"}}, {}),
    ],
    ids=["by HyperPod", "after its check", "by SageMaker", "without a Node", "by a later HyperPod"],
)
def test_a_node_that_is_called_unhealthy_is_chosen(shown: dict[str, Any] | None, listed: dict[str, Any]) -> None:
    assert chosen(shown=shown, **listed)


@pytest.mark.parametrize(
    ("shown", "listed"),
    [
        ({"labels": {**UNSCHEDULABLE, DEEP_HEALTH_CHECK_STATUS: "InProgress"}}, {}),
        ({"labels": UNSCHEDULABLE}, {"status": "DeepHealthCheckInProgress"}),
        ({"ready": False}, {}),
        ({"ready": None}, {}),
        ({"faults": (Fault(type="ClusterAgentInstalled", reason="Installed", since=NOW),)}, {}),
        (None, {}),
        ({"labels": {NODE_HEALTH_STATUS: "SchedulableInSomeWay"}}, {}),
    ],
    ids=[
        "checked",
        "checked by status",
        "NotReady",
        "unreachable",
        "condition of another agent",
        "without a Node",
        "new",
    ],
)
def test_a_node_that_nobody_calls_unhealthy_is_not(shown: dict[str, Any] | None, listed: dict[str, Any]) -> None:
    assert not chosen(shown=shown, **listed)
