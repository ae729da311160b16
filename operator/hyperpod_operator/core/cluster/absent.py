"""Policies for a name under which AWS shows no cluster.

"Not found" has four meanings (not visible yet, vanished, just cleared away, never made) and only the last
may lead to CreateCluster.
"""

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster import requests
from hyperpod_operator.core.cluster.decision import ClusterSnapshot, Decision
from hyperpod_operator.core.cluster.guards import act_once
from hyperpod_operator.core.cluster.missing import is_held
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.engine.journal import PENDING, age
from hyperpod_operator.core.engine.pauses import growing
from hyperpod_operator.core.text import counted

LOOK_AGAIN = 5.0
"""Seconds between looks for a cluster that should appear any moment."""


def paused(snapshot: ClusterSnapshot) -> Decision | None:
    """Paused before anything was created, or while somebody else deleted the cluster."""
    if snapshot.observed.cluster or not snapshot.resource.paused:
        return None
    if is_held(snapshot):
        message = (
            "Paused: AWS no longer returns the cluster, and the operator does not create it again. To have it created "
            "again, set spec.management.paused to false, and approve the plan or set "
            "spec.management.onExternalDelete to Recreate; otherwise delete this resource."
        )
    elif snapshot.resource.status.clusterStatus:
        message = (
            "Paused: AWS no longer returns the cluster. Set spec.management.paused to false to have it created again, "
            "or delete this resource."
        )
    else:
        message = "Paused: the operator does not create the cluster. Set spec.management.paused to false to create it."
    return Wait(reason=Reason.PAUSED, message=message, after=snapshot.timings.resync)


def not_visible_yet(snapshot: ClusterSnapshot) -> Decision | None:
    """CreateCluster was sent a moment ago: reads lag behind, and a second create is never sent meanwhile."""
    last = snapshot.resource.status.last
    if snapshot.observed.cluster or not last or last.operation != "CreateCluster" or last.state not in PENDING:
        return None
    left = snapshot.timings.visibility - age(last, now=snapshot.now)
    if left <= 0:
        return None
    message = (
        f"CreateCluster {snapshot.resource.cluster_name} was sent, and AWS does not return the cluster yet; the "
        f"operator does not send it again for {snapshot.timings.visibility / 60:.0f} min."
    )
    return Wait(reason=Reason.AWAITING_VISIBILITY, message=message, after=min(left, LOOK_AGAIN))


def pause_before_recreation(snapshot: ClusterSnapshot) -> Decision | None:
    """A failed creation was cleared away; the next try waits longer each time."""
    status = snapshot.resource.status
    last = status.last
    failures = status.remembered.createFailures or 0
    if snapshot.observed.cluster or not failures or not last or last.operation != "DeleteCluster":
        return None
    timings = snapshot.timings
    pause = growing(first=timings.rollback_backoff, most=timings.rollback_backoff_most, attempts=failures)
    left = pause - age(last, now=snapshot.now)
    if left <= 0:
        return None
    message = (
        "Creation failed, and the operator deleted the failed cluster (onCreateFailure is Recreate, attempt "
        f"{failures} of {timings.recreate_attempts}); the next attempt follows {pause / 60:.0f} min after the "
        "deletion."
    )
    return Wait(reason=Reason.RECREATING, message=message, after=left)


# [assumption: cluster-name-is-unique]
def create(snapshot: ClusterSnapshot) -> Decision | None:
    """The name is free: create, unless AWS refused exactly this before."""
    if snapshot.observed.cluster:
        return None
    resource = snapshot.resource
    action = requests.create(resource)
    message = f"CreateCluster {resource.cluster_name} with {counted(len(resource.groups), 'group')}."
    return act_once(
        snapshot,
        action=action,
        desired=requests.wanted_members(resource),
        reason=Reason.CREATING,
        message=message,
        urgent=True,
    )
