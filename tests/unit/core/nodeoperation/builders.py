"""What tests of node operations start from: a cluster of three nodes that its object owns, and one operation."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hyperpod_operator.api.names import DRAINING, TAG_EKS_CLUSTER, TAG_OWNER_UID
from hyperpod_operator.api.nodeoperation.resource import HyperPodNodeOperationSpec
from hyperpod_operator.api.nodeoperation.status import HyperPodNodeOperationStatus, NodeMemory, OperationNodeStatus
from hyperpod_operator.core.drain.marks import TAINT
from hyperpod_operator.core.engine.finding import judge
from hyperpod_operator.core.health.node import Node, Taint
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.nodeoperation.concerns import CONCERNS
from hyperpod_operator.core.nodeoperation.machine import advance
from hyperpod_operator.core.nodeoperation.operation import Operation
from hyperpod_operator.core.nodeoperation.record import PassRecord
from hyperpod_operator.core.nodeoperation.snapshot import Cluster, Snapshot
from hyperpod_operator.core.nodeoperation.states import State
from hyperpod_operator.core.observed import ObservedCluster, ObservedGroup, ObservedNode
from hyperpod_operator.core.ports import Key

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-west-2:111122223333:cluster/abcdefghijkl"
EKS = "arn:aws:eks:us-west-2:111122223333:cluster/ml"
FIRST, SECOND, THIRD = (f"i-{number:017x}" for number in (1, 2, 3))
IDS = (FIRST, SECOND, THIRD)
BLOCKS: Mapping[str, dict[str, Any]] = {
    "HealthCheck": {"healthCheck": {"deepHealthChecks": ["InstanceStress"]}},
    "Move": {"move": {"instanceGroupName": "spare"}},
}
OPERATIONS = ("Reboot", "Replace", "Delete", "Move", "HealthCheck")


def spec(operation: str = "Reboot", ids: Iterable[str] = (FIRST,), **members: Any) -> dict[str, Any]:
    return {
        "clusterRef": {"name": "research"},
        "operation": operation,
        "nodes": {"instanceIds": list(ids)},
        **BLOCKS.get(operation, {}),
        **members,
    }


def operation(
    wanted: Mapping[str, Any] | None = None, *, status: HyperPodNodeOperationStatus | None = None, **fields: Any
) -> Operation:
    made = {
        "key": Key("team", "operation"),
        "uid": "0f0f0f0f-1111-2222-3333-444444444444",
        "generation": 1,
        "deleting": False,
        "reconcile_requested_at": "",
        **fields,
    }
    return Operation(
        **made,
        spec=HyperPodNodeOperationSpec.model_validate(wanted or spec()),
        status=status or HyperPodNodeOperationStatus(),
    )


def instance(identity: str = FIRST, **fields: Any) -> ObservedNode:
    made = {
        "instance_id": identity,
        "group": "gpu",
        "instance_type": "ml.g5.8xlarge",
        "status": "Running",
        "logical_id": f"logical-{identity}",
        "launched_at": NOW - timedelta(days=1),
        **fields,
    }
    return ObservedNode(**made)


def node(identity: str = FIRST, **fields: Any) -> Node:
    made = {
        "name": f"hyperpod-{identity}",
        "uid": identity,
        "resource_version": "1",
        "cluster_id": "abcdefghijkl",
        "instance_id": identity,
        "created_at": NOW - timedelta(days=1),
        "labels": {},
        "annotations": {},
        "ready": True,
        "boot_id": f"{identity}-0",
        **fields,
    }
    return Node(**made)


def marked(found: Node, owner: object) -> Node:
    """The Node as it is while it is drained for this owner."""
    return node(found.instance_id, annotations={DRAINING: str(owner)}, taints=(tainted(),))


def tainted(since: datetime = NOW - timedelta(hours=1)) -> Taint:
    """The taint of a drain, as it was added then."""
    return replace(TAINT, time_added=stamp(since))


def cluster(instances: Iterable[ObservedNode], *, uid: str = "uid-research", owner: str = "uid-research") -> Cluster:
    groups = tuple(
        ObservedGroup(name=name, restricted=False, status="InService", current_count=3, target_count=3, members={})
        for name in ("gpu", "spare")
    )
    observed = ObservedCluster(arn=ARN, name="research", status="InService", groups=groups)
    return Cluster(
        observed=observed,
        instances={one.instance_id: one for one in instances},
        tags={TAG_OWNER_UID: owner, TAG_EKS_CLUSTER: EKS},
        uid=uid,
        eks_cluster_arn=EKS,
    )


def snapshot(
    owner: Operation | None = None,
    *,
    entries: Iterable[OperationNodeStatus] = (),
    instances: Iterable[ObservedNode] | None = None,
    nodes: Iterable[Node] | None = None,
    **fields: Any,
) -> Snapshot:
    """All nodes are Running and Ready, and none has pods, unless said otherwise."""
    found = cluster(instances if instances is not None else map(instance, IDS))
    there = list(nodes if nodes is not None else map(node, IDS))
    made: dict[str, Any] = {
        "operation": owner or operation(),
        "entries": tuple(entries),
        "now": NOW,
        "cluster": found,
        "target": found,
        "nodes": {one.instance_id: one for one in there},
        "pods_of": frozenset(one.name for one in there),
        **fields,
    }
    return Snapshot(**made)


def entry(identity: str = FIRST, state: State = State.PENDING, **fields: Any) -> OperationNodeStatus:
    made: dict[str, Any] = {
        "id": identity,
        "name": f"hyperpod-{identity}",
        "instanceId": identity,
        "nodeLogicalId": f"logical-{identity}",
        "instanceGroupName": "gpu",
        "state": str(state),
        **fields,
    }
    notes = {name: made.pop(name) for name in list(made) if name in NodeMemory.model_fields}
    return OperationNodeStatus(**made, memory=NodeMemory(**notes).or_none())


def judged(given: Snapshot) -> PassRecord:
    """The record of a pass that sees this, before it acts."""
    seen = advance(given)
    return PassRecord(snapshot=seen, before=given.entries, decision=judge(CONCERNS, seen))
