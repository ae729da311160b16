"""Nodes and facts for tests of node health: one GPU and one CPU group, and whatever a test changes."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hyperpod_operator.core.health.change import NodeChange
from hyperpod_operator.core.health.facts import ClusterFacts, GroupFacts, InstanceFacts
from hyperpod_operator.core.health.node import Node, Taint

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
CLUSTER = "abcdefghijkl"
GPU, CPU = "i-0123456789abcdef0", "i-0123456789abcdef1"
HEALTH = "sagemaker.amazonaws.com/node-health-status"
CHECK = "sagemaker.amazonaws.com/deep-health-check-status"
TYPE = "node.kubernetes.io/instance-type"
THEIRS = Taint(key="example.com/theirs", value="x", effect="NoExecute")


def node(
    *,
    instance_id: str = GPU,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    taints: tuple[Taint, ...] = (),
    age: float = 3600.0,
    **fields: Any,
) -> Node:
    return Node(
        **(
            {
                "name": f"hyperpod-{instance_id}",
                "uid": f"uid-{instance_id}",
                "resource_version": "1",
                "cluster_id": CLUSTER,
                "instance_id": instance_id,
                "created_at": NOW - timedelta(seconds=age),
                "labels": dict(labels or {}),
                "annotations": dict(annotations or {}),
                "taints": taints,
                "ready": True,
            }
            | fields
        )
    )


def instance(instance_id: str = GPU, **fields: Any) -> InstanceFacts:
    known: dict[str, Any] = {
        "instance_id": instance_id,
        "group": "gpu" if instance_id == GPU else "cpu",
        "instance_type": "ml.p5.48xlarge" if instance_id == GPU else "ml.m5.xlarge",
        "status": "Running",
    }
    return InstanceFacts(**(known | fields))


def facts(*instances: InstanceFacts, **fields: Any) -> ClusterFacts:
    groups = {
        "gpu": GroupFacts(name="gpu", instance_type="ml.p5.48xlarge", accelerated=True),
        "cpu": GroupFacts(name="cpu", instance_type="ml.m5.xlarge", accelerated=False, capacity_type="spot"),
    }
    held = {item.instance_id: item for item in instances or (instance(GPU), instance(CPU))}
    return ClusterFacts(**({"cluster_id": CLUSTER, "name": "research", "groups": groups, "instances": held} | fields))


def applied(before: Node, change: NodeChange) -> Node:
    """The Node after the API server took the change."""

    def merged(old: Mapping[str, str], new: Mapping[str, str | None]) -> dict[str, str]:
        both = {**old, **new}
        return {key: value for key, value in both.items() if value is not None}

    return node(
        instance_id=before.instance_id,
        labels=merged(before.labels, change.labels),
        annotations=merged(before.annotations, change.annotations),
        taints=before.taints if change.taints is None else change.taints,
        created_at=before.created_at,
        deleting=before.deleting,
    )
