"""Which nodes an operation is about: chosen once, then listed in status."""

from collections.abc import Iterable
from datetime import UTC, datetime

from hyperpod_operator.api.names import NODE_HEALTH_STATUS, NODE_NAME_PREFIX
from hyperpod_operator.api.nodeoperation.bounds import NODES_MOST
from hyperpod_operator.api.nodeoperation.resource import NodeSelector
from hyperpod_operator.core.health.facts import FAILING, ClusterFacts, facts
from hyperpod_operator.core.health.node import Node, node_name
from hyperpod_operator.core.health.state import UNHEALTHY, UNSCHEDULABLE_PREFIX, state
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.nodeoperation.snapshot import Entry, Snapshot, is_under_repair
from hyperpod_operator.core.nodeoperation.states import State
from hyperpod_operator.core.observed import GONE, ObservedNode

EPOCH = datetime.fromtimestamp(0, UTC)


def candidates(snapshot: Snapshot) -> tuple[ObservedNode, ...]:
    """The nodes that the selector may choose; empty where the spec names nodes."""
    selector, cluster = snapshot.operation.spec.nodes.selector, snapshot.cluster
    if selector is None or cluster is None:
        return ()
    instances = cluster.instances.values()
    health = facts(cluster=cluster.observed, nodes=instances, enforce=True, name=cluster.observed.name)
    return tuple(one for one in instances if _matches(snapshot, selector, one, health=health))


def needs_pods(snapshot: Snapshot) -> bool:
    """Whether the choice depends on which nodes are idle."""
    selector = snapshot.operation.spec.nodes.selector
    return selector is not None and selector.count is not None and (selector.order or "Idle") == "Idle"


def select(snapshot: Snapshot) -> tuple[Entry, ...]:
    """An entry for each node that is named, found or not, or for those that the selector chooses. A node that is named
    twice, by its name and its instance id, is operated on once."""
    seen: set[str] = set()
    found = []
    for entry in _select(snapshot):
        if entry.instanceId in seen:
            message = f"{entry.instanceId} is in the operation already, under another name."
            changes = {"state": State.SKIPPED, "message": message, "completionTime": stamp(snapshot.now)}
            entry = entry.model_copy(update=changes)
        elif entry.instanceId:
            seen.add(entry.instanceId)
        found.append(entry)
    return tuple(found)


def _select(snapshot: Snapshot) -> tuple[Entry, ...]:
    nodes = snapshot.operation.spec.nodes
    if nodes.selector is not None:
        return tuple(_entry(snapshot, one.instance_id, one) for one in _chosen(snapshot, nodes.selector))
    if nodes.names is not None:
        named = {node.name: node.instance_id for node in snapshot.nodes.values()}
        return tuple(
            _named(snapshot, name, named.get(name) or name.removeprefix(NODE_NAME_PREFIX)) for name in nodes.names
        )
    if nodes.instanceIds is not None:
        return tuple(_named(snapshot, name, name) for name in nodes.instanceIds)
    instances = snapshot.cluster.instances.values() if snapshot.cluster else ()
    logical = {one.logical_id: one.instance_id for one in instances if one.logical_id}
    return tuple(_named(snapshot, name, logical.get(name, "")) for name in nodes.nodeLogicalIds or ())


def _chosen(snapshot: Snapshot, selector: NodeSelector) -> Iterable[ObservedNode]:
    found = sorted(candidates(snapshot), key=lambda one: _rank(snapshot, selector.order or "Idle", one))
    return found[: min(selector.count or NODES_MOST, NODES_MOST)]


def _matches(snapshot: Snapshot, selector: NodeSelector, one: ObservedNode, *, health: ClusterFacts) -> bool:
    node = snapshot.nodes.get(one.instance_id)
    repaired = is_under_repair(node) and not snapshot.operation.includes_repairs
    return (
        selector.instanceGroupName in (None, one.group)
        and (not selector.matchLabels or (node is not None and node.name in snapshot.selected))
        and (selector.order != "Unhealthy" or _is_unhealthy(one, node, health, now=snapshot.now))
        and one.status not in GONE
        and not repaired
        and one.instance_id not in snapshot.held
    )


# [assumption: deep-check-is-not-sickness]
def _is_unhealthy(instance: ObservedNode, node: Node | None, health: ClusterFacts, *, now: datetime) -> bool:
    """Whether HyperPod or SageMaker calls it so, as for a scale-in. A kubelet that is away for a moment does not, nor a
    condition on the Node, which any agent may set for good, nor a word of a later HyperPod that does not say it."""
    if node is None:
        return instance.status in FAILING
    said = instance.status in FAILING or node.labels.get(NODE_HEALTH_STATUS, "").startswith(UNSCHEDULABLE_PREFIX)
    return said and state(node, health, now=now) in UNHEALTHY


def _rank(snapshot: Snapshot, order: str, one: ObservedNode) -> tuple[object, ...]:
    """The smaller, the earlier; ties go by age and id, so that two passes choose the same."""
    launched = (one.launched_at or EPOCH).timestamp()
    if order == "Newest":
        return (-launched, one.instance_id)
    if order == "Oldest":
        return (launched, one.instance_id)
    if order == "Unhealthy":
        return (one.status not in FAILING, -launched, one.instance_id)
    return (snapshot.occupied[node_name(one.instance_id)], -launched, one.instance_id)


def _named(snapshot: Snapshot, name: str, instance_id: str) -> Entry:
    found = snapshot.cluster.instances.get(instance_id) if snapshot.cluster else None
    return (
        _entry(snapshot, name, found) if found else Entry(id=name, instanceId=instance_id or None, state=State.PENDING)
    )


def _entry(snapshot: Snapshot, name: str, one: ObservedNode) -> Entry:
    node = snapshot.nodes.get(one.instance_id)
    return Entry(
        id=name,
        name=node.name if node is not None else None,
        instanceId=one.instance_id,
        nodeLogicalId=one.logical_id or None,
        instanceGroupName=one.group or None,
        state=State.PENDING,
    )
