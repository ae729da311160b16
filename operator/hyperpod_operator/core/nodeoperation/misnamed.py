"""Nodes that an operation names and the cluster does not have, or does not list: what may have been meant."""

from hyperpod_operator.api.nodeoperation.resource import NodeSelector
from hyperpod_operator.core.nodeoperation.snapshot import Entry, Snapshot
from hyperpod_operator.core.nodes.batch import NodeCall
from hyperpod_operator.core.nodes.groups import no_group
from hyperpod_operator.core.nodes.labels import other_values
from hyperpod_operator.core.observed import GONE


def not_listed(snapshot: Snapshot, entry: Entry) -> str:
    """Why nothing was asked of a node that AWS does not list."""
    if (node := snapshot.node(entry)) is not None and snapshot.cluster is not None:
        where = f"--cluster-name {snapshot.cluster.observed.name}"
        place = _place(snapshot, entry)
        return (
            "AWS does not list this node any more, although Kubernetes still has its Node; AWS was not asked."
            f"{place} AWS leaves out instances that it ends, and failed ones that it replaces by itself. What became "
            f"of it: `aws sagemaker describe-cluster-node {where} --node-id {entry.instanceId}`. If AWS does not know "
            f"it or calls it ShuttingDown, the Node is a remnant: `kubectl delete node {node.name}`. If AWS calls it "
            "Failure and no instance comes in its place, replace it yourself: `aws sagemaker "
            f"batch-replace-cluster-nodes {where} --node-ids {entry.instanceId}`."
        )
    if replaced := _place(snapshot, entry):
        return f"The cluster has no such node any more; AWS was not asked.{replaced}"
    if member := _right_member(snapshot, entry.id):
        return (
            f"The cluster has no such node under this name, but one with it in {member}; AWS was not asked. Create "
            f"another operation with nodes.{member}."
        )
    if snapshot.operation.call is NodeCall.DELETE:
        return "The cluster has no such node (any more): nothing to delete."
    return (
        "The cluster has no such node (any more); AWS was not asked. It may be one of another cluster: see `kubectl "
        "get nodes -L sagemaker.amazonaws.com/cluster-name`."
    )


# [assumption: logical-id-may-change]
def _place(snapshot: Snapshot, entry: Entry) -> str:
    """Which instance has the node's place, as a sentence with a space before it; empty where none is known to."""
    instances = snapshot.cluster.instances.values() if snapshot.cluster is not None else ()
    taken = [one.instance_id for one in instances if one.logical_id and one.logical_id == entry.nodeLogicalId]
    return f" Its place has {taken[0]} now." if taken else ""


def nothing_chosen(snapshot: Snapshot) -> str:
    """Why the selector finds no node, as far as it can be told."""
    selector, cluster = snapshot.operation.spec.nodes.selector, snapshot.cluster
    if selector is None or cluster is None:
        return "The selector chooses no node of the cluster now."
    name = selector.instanceGroupName
    if name is not None and cluster.lacks(name):
        lacking = no_group(name, groups=(group.name for group in cluster.observed.groups))
        return f"{lacking}. Create another operation with the right name."
    there = [one for one in cluster.instances.values() if name in (None, one.group) and one.status not in GONE]
    labels = [node.labels for one in there if (node := snapshot.nodes.get(one.instance_id)) is not None]
    why = "" if there else f"group {name} has none" if name else "it has none"
    why = why or other_values(selector.matchLabels or {}, labels) or _healthy(selector)
    return f"The selector chooses no node of the cluster now{f': {why}' if why else ''}."


def _healthy(selector: NodeSelector) -> str:
    if selector.order != "Unhealthy":
        return ""
    return "HyperPod and SageMaker call none of them unhealthy; a Node that is only NotReady has to be named"


def _right_member(snapshot: Snapshot, name: str) -> str:
    """The member of `nodes` that the name belongs into; empty where it names no node of the cluster in any way."""
    instances = snapshot.cluster.instances if snapshot.cluster is not None else {}
    if name in instances:
        return "instanceIds"
    if any(node.name == name for node in snapshot.nodes.values()):
        return "names"
    return "nodeLogicalIds" if any(one.logical_id == name for one in instances.values()) else ""
