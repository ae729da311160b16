"""Policies for a name under which AWS shows no cluster.

"Not found" has four meanings (not visible yet, vanished, just cleared away, never made) and only the last
may lead to CreateCluster.
"""

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster import requests
from hyperpod_operator.core.cluster.guards import age, guarded
from hyperpod_operator.core.cluster.pauses import growing
from hyperpod_operator.core.cluster.verdict import Situation, Verdict
from hyperpod_operator.core.engine.decision import Hold
from hyperpod_operator.core.engine.journal import PENDING

LOOK_AGAIN = 5.0
"""Seconds between looks for a cluster that should appear any moment."""


def paused(situation: Situation) -> Verdict | None:
    """Paused before anything was created, or while somebody else deleted the cluster."""
    if situation.observed.cluster or not situation.resource.paused:
        return None
    message = (
        "Paused: AWS no longer returns the cluster, and the operator does not create it again. Set "
        "spec.management.paused to false to create it, or delete this resource."
        if situation.resource.status.clusterStatus
        else "Paused: the operator does not create the cluster. Set spec.management.paused to false to create it."
    )
    return Hold(reason=Reason.PAUSED, message=message, after=situation.timings.resync)


def not_visible_yet(situation: Situation) -> Verdict | None:
    """CreateCluster was sent a moment ago: reads lag behind, and a second create is never sent meanwhile."""
    last = situation.resource.status.last
    if situation.observed.cluster or not last or last.operation != "CreateCluster" or last.state not in PENDING:
        return None
    if situation.resource.status.clusterStatus:
        return None
    left = situation.timings.visibility - age(last, now=situation.now)
    if left <= 0:
        return None
    message = (
        f"CreateCluster {situation.resource.cluster_name} was sent, and AWS does not return the cluster yet; the "
        f"operator does not send it again for {situation.timings.visibility / 60:.0f} min."
    )
    return Hold(reason=Reason.AWAITING_VISIBILITY, message=message, after=min(left, LOOK_AGAIN))


def pause_before_recreation(situation: Situation) -> Verdict | None:
    """A failed creation was cleared away; the next try waits longer each time."""
    status = situation.resource.status
    last = status.last
    failures = status.createFailures or 0
    if situation.observed.cluster or not failures or not last or last.operation != "DeleteCluster":
        return None
    timings = situation.timings
    pause = growing(first=timings.rollback_backoff, most=timings.rollback_backoff_most, attempts=failures)
    left = pause - age(last, now=situation.now)
    if left <= 0:
        return None
    message = (
        "Creation failed, and the operator deleted the failed cluster (onCreateFailure is Recreate, attempt "
        f"{failures} of {timings.recreate_attempts}); the next attempt follows {pause / 60:.0f} min after the "
        "deletion."
    )
    return Hold(reason=Reason.RECREATING, message=message, after=left)


# [assumption: cluster-name-is-unique]
def create(situation: Situation) -> Verdict | None:
    """The name is free: create, unless AWS refused exactly this before."""
    if situation.observed.cluster:
        return None
    resource = situation.resource
    action = requests.create(resource)
    message = f"CreateCluster {resource.cluster_name} with {len(resource.groups)} groups."
    return guarded(
        situation,
        action=action,
        wish=requests.wanted_members(resource),
        reason=Reason.CREATING,
        message=message,
        urgent=True,
    )
