"""What status says of a node, as far as it counts: who may write status could name any Node of the EKS cluster there.

A Node is found by its instance, and an instance is one of the cluster that the tags prove to be the namespace's own.
"""

from collections.abc import Callable

from hyperpod_operator.core.engine.memory import updated
from hyperpod_operator.core.health.node import Node, node_name
from hyperpod_operator.core.nodeoperation.snapshot import Entry, Snapshot
from hyperpod_operator.core.nodeoperation.states import State


# [assumption: node-is-named-after-instance, provider-id-names-cluster-and-instance]
def named_after_instance(entry: Entry) -> Entry:
    """The entry, without a name that is not its instance's."""
    instance = entry.instanceId
    proved = entry.name is None or (instance is not None and entry.name == node_name(instance))
    return entry if proved else updated(entry, {"name": None})


def drained(snapshot: Snapshot) -> frozenset[str]:
    """Names of the Draining Nodes that AWS lists in the operation's own cluster: their pods may be evicted. A Node that
    is not seen may run pods all the same."""
    return frozenset(
        node_name(instance.instance_id)
        for entry in snapshot.entries
        if entry.state == State.DRAINING and (instance := snapshot.instance(entry)) is not None
    )


def may_hold(snapshot: Snapshot, instance: str, *, node: Callable[[str], Node | None]) -> bool:
    """Whether the operation keeps others from this instance; `node` gives a Node by name. Not where the Node is another
    cluster's, and not while the cluster is not the namespace's own, where no operation of it does anything."""
    if snapshot.cluster is None:
        return snapshot.obstacle is None
    return instance in snapshot.nodes or node(node_name(instance)) is None
