"""A creation that failed: whether its remains may be cleared away and the cluster be created again."""

from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.cluster.ownership import was_there_before
from hyperpod_operator.core.engine.call import fingerprint
from hyperpod_operator.core.observed import Json, ObservedCluster


def recreation_is_due(snapshot: ClusterSnapshot) -> bool:
    """Whether the policy asks for it, this very creation is proved to be the operator's, and tries are left."""
    return snapshot.resource.recreates and may_be_recreated(snapshot)


def may_be_recreated(snapshot: ClusterSnapshot) -> bool:
    """The same but for the policy: whether to set it would change anything."""
    tries = snapshot.resource.status.remembered.createFailures or 0
    return _creation_of_ours(snapshot) and tries < snapshot.timings.recreate_attempts


# [assumption: failed-creation-ran-nothing]
def _creation_of_ours(snapshot: ClusterSnapshot) -> bool:
    """Positive proof that this very creation failed and that nothing ever ran: only then may it be cleared away.

    What status says is needed and not enough: the tags, which every call needs, name this object and no adoption.
    """
    cluster, status = snapshot.observed.cluster, snapshot.resource.status
    if cluster is None or cluster.status != "Failed":
        return False
    if was_there_before(resource=snapshot.resource, observed=snapshot.observed):
        return False
    ours = status.origin == "Created" and _newest_is_of_creation(snapshot)
    return ours and status.clusterArn == cluster.arn and not may_be_in_use(snapshot)


def has_served(snapshot: ClusterSnapshot) -> bool:
    """Whether a Failed cluster is more than the remains of a creation: it was in service, was there before the
    operator, or may be in use. Then it takes an edit of the spec."""
    return (
        bool(snapshot.resource.status.remembered.provisionedAt)
        or was_there_before(resource=snapshot.resource, observed=snapshot.observed)
        or may_be_in_use(snapshot)
    )


def may_be_in_use(snapshot: ClusterSnapshot) -> bool:
    """Whether a Failed cluster has instances, on which jobs may run: as where it served before it was adopted."""
    cluster, nodes = snapshot.observed.cluster, snapshot.observed.nodes or ()
    return any(node.status == "Running" for node in nodes) or (cluster is not None and cluster.current_count > 0)


def clearing(cluster: ObservedCluster) -> Json:
    """The wish behind the DeleteCluster that clears a failed creation away."""
    return ["recreate", cluster.arn]


def _newest_is_of_creation(snapshot: ClusterSnapshot) -> bool:
    """Whether the newest call made this cluster, or was to clear it away and came to nothing: that is tried again."""
    cluster, last = snapshot.observed.cluster, snapshot.resource.status.last
    if cluster is None or last is None:
        return False
    tried = fingerprint(operation="DeleteCluster", desired=clearing(cluster))
    return last.operation == "CreateCluster" or last.fingerprint == tried
