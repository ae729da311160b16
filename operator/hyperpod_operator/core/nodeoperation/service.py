"""Whether AWS takes calls about nodes now, by the status of the clusters and by what it refused last.

A node that is drained for a call that AWS refuses is idle, and its pods have left for nothing. What AWS documents is
waited for. What it does not document is tried on one node at a time; while AWS refuses that one, no other one follows.
"""

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.engine.journal import entry_of, rejected
from hyperpod_operator.core.nodeoperation.plan import CONCERN
from hyperpod_operator.core.nodeoperation.snapshot import Cluster, Entry, Snapshot
from hyperpod_operator.core.nodeoperation.states import State
from hyperpod_operator.core.nodes.batch import NodeCall

IN_SERVICE = "InService"
CHANGING = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})
OF_ALL = frozenset(
    {
        Reason.CLUSTER_BUSY,
        Reason.PERMISSION_DENIED,
        Reason.CREDENTIALS_INVALID,
        Reason.ACCOUNT_BLOCKED,
    }
)
"""Refusals that are about no node: any other one would have the same answer."""


def out_of_service(snapshot: Snapshot) -> Cluster | None:
    """The first cluster of the operation that AWS does not call InService."""
    found = (one for one in (snapshot.cluster, snapshot.target) if one is not None)
    return next((one for one in found if one.observed.status not in {IN_SERVICE, ""}), None)


def refused(entry: Entry) -> bool:
    """Whether AWS refused the node, which waits until it is asked about again."""
    return entry.state == State.DRAINING and bool(entry.remembered.attempts)


def refuses_all(snapshot: Snapshot) -> bool:
    """Whether AWS would refuse further nodes as it refuses those that it was asked about."""
    if not any(map(refused, snapshot.entries)):
        return False
    last = entry_of(snapshot.operation.status.operations, CONCERN)
    return out_of_service(snapshot) is not None or (last is not None and rejected(last) and last.reason in OF_ALL)


def held_up(snapshot: Snapshot) -> str:
    """Why no further node begins and no further pod leaves now, as a message; empty where nodes may."""
    if closed := _closed(snapshot):
        return closed
    if refuses_all(snapshot):
        return "Waits: AWS refuses calls about nodes now, and no further pod leaves for one. See the nodes that drain."
    return ""


# [assumption: node-calls-wait-for-service]
def _closed(snapshot: Snapshot) -> str:
    """Why AWS documents that it takes no such call now; empty where it documents nothing."""
    call, found = snapshot.operation.call, out_of_service(snapshot)
    if found is None or (call is not NodeCall.MOVE and not (call is NodeCall.DELETE and _changes(found))):
        return ""
    what = "moves nodes between clusters that are InService alone" if call is NodeCall.MOVE else "deletes no nodes then"
    return f"Waits, and no pod leaves: {said_of(snapshot, found)}, and AWS {what}. {advice(snapshot, found)}"


def said_of(snapshot: Snapshot, cluster: Cluster) -> str:
    """The status of a cluster, in words that begin a sentence."""
    return f"HyperPodCluster {_name(snapshot, cluster)} is {cluster.observed.status} in AWS"


def advice(snapshot: Snapshot, cluster: Cluster) -> str:
    """What to do about a cluster that is not InService, as a sentence."""
    if _changes(cluster):
        return "The operation goes on when it is InService."
    return (
        f"Why, and what to do: kubectl describe hpc {_name(snapshot, cluster)} -n {snapshot.operation.key.namespace}."
    )


def reason_of(cluster: Cluster) -> Reason:
    """In a word, why an operation waits for a cluster that is not InService."""
    return Reason.CLUSTER_BUSY if _changes(cluster) else Reason.CLUSTER_FAILED


def _changes(cluster: Cluster) -> bool:
    """Whether the status of the cluster passes by itself."""
    return cluster.observed.status in CHANGING


def _name(snapshot: Snapshot, cluster: Cluster) -> str:
    ours = snapshot.cluster is not None and cluster.arn == snapshot.cluster.arn
    return snapshot.operation.spec.clusterRef.name if ours else snapshot.operation.target_cluster
