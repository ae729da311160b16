"""Policies for an object that is being deleted: the same pass, and the plan is the teardown.

The object is released only when AWS shows nothing of ours any more, or when policy or ownership say that what
is there stays. Nothing else lets go: a cluster that nobody watches keeps billing.
"""

from hyperpod_operator.api.names import ABANDON, DRAINING, OWNERSHIP_TAGS, Reason
from hyperpod_operator.core.cluster.adoption import adoption_not_shown
from hyperpod_operator.core.cluster.decision import ClusterSnapshot, Decision
from hyperpod_operator.core.cluster.diagnose import teardown_wedged
from hyperpod_operator.core.cluster.existing import present, region_refused
from hyperpod_operator.core.cluster.guards import act_once, letting_go, restoring, untagged
from hyperpod_operator.core.cluster.plan import DeleteCluster, DeleteTags
from hyperpod_operator.core.engine.call import fingerprint
from hyperpod_operator.core.engine.decision import RemoveFinalizer, Wait
from hyperpod_operator.core.engine.journal import PENDING, CallState, age
from hyperpod_operator.core.observed import Json, ObservedCluster
from hyperpod_operator.core.plan.calls import stays
from hyperpod_operator.core.text import counted, listed, sentence

NAMED = 3
"""Claims, or Nodes, that a message names before it counts the rest."""


def never_served(snapshot: ClusterSnapshot) -> Decision | None:
    """A region that is not served: nothing was ever made there, unless the installation changed since."""
    refused = region_refused(snapshot)
    last = snapshot.resource.status.last
    maybe = snapshot.resource.status.clusterArn or (last is not None and last.state in PENDING)
    if refused and not maybe:
        return RemoveFinalizer(reason=Reason.RELEASED, message="Nothing was created in a Region that is not allowed.")
    return refused


# [assumption: reads-lag]
def sent(snapshot: ClusterSnapshot) -> Decision | None:
    """DeleteCluster of this very cluster was accepted: whatever a late read still shows of it, nothing else is due.

    Its tags may be gone before DescribeCluster stops to show it, so they are not asked for.
    """
    cluster, last = snapshot.observed.cluster, snapshot.resource.status.last
    if cluster is None or last is None or last.state != CallState.ACCEPTED or snapshot.resource.requested_anew:
        return None
    if last.fingerprint != fingerprint(operation="DeleteCluster", desired=_wish(cluster)):
        return None
    if cluster.status == "Deleting":
        return under_way(snapshot)
    left = snapshot.timings.rest - age(last, now=snapshot.now)
    if left <= 0:
        return None
    message = f"DeleteCluster {cluster.name} was sent; the operator waits until AWS reports the cluster as Deleting."
    return Wait(reason=Reason.DELETING, message=message, after=min(left, snapshot.timings.poll))


def gone(snapshot: ClusterSnapshot) -> Decision | None:
    if snapshot.observed.cluster:
        return None
    return RemoveFinalizer(
        reason=Reason.DELETED, message=f"AWS has no cluster named {snapshot.resource.cluster_name} any more."
    )


def gives_up(snapshot: ClusterSnapshot) -> bool:
    """Whether the cluster is left to others: the object goes and its cluster stays, or the tags say that it is not
    ours."""
    resource = snapshot.resource
    if snapshot.observed.cluster is None:
        return False
    if snapshot.owned:
        return resource.deleting and stays(snapshot) and not resource.paused
    return snapshot.observed.tags is not None and not untagged(snapshot)


def _nodes_held(snapshot: ClusterSnapshot) -> Wait | None:
    """Nodes of a cluster that stays are tainted for an object that goes: nothing would remove the taint later."""
    found = snapshot.departures
    if found is None or not (found.unsynced or found.held):
        return None
    arn, after = present(snapshot).arn, snapshot.timings.debounce
    way_out = f"To release this resource at once, set the annotation {ABANDON}; you then remove the taint."
    if found.unsynced:
        message = (
            f"{arn} stays. The operator is still reading its Nodes: before it releases this resource it removes the "
            f"taint {DRAINING} from those that it drained. {way_out}"
        )
        return Wait(reason=Reason.NODES_STILL_TAINTED, message=message, after=after)
    names = listed([str(one) for one in found.held], most=NAMED, separator=", ", rest=" ")
    message = (
        f"{arn} stays. Before the operator releases this resource it removes the taint {DRAINING} from these Nodes, "
        f"and it retries what the API server refuses: {names}. {way_out}"
    )
    denied = any(one.denied for one in found.held)
    return Wait(reason=Reason.NODES_STILL_TAINTED, message=message, after=after, stalled=denied)


def not_ours(snapshot: ClusterSnapshot) -> Decision | None:
    if snapshot.owned:
        return None
    if untagged(snapshot):
        cluster = present(snapshot)
        message = (
            f"{cluster.arn} is recorded as owned and lacks its ownership tags: the operator neither deletes nor "
            f"releases it. If this resource owns it, restore the tags ({restoring(snapshot, cluster)}); to keep it in "
            f"AWS, set the annotation {ABANDON}."
        )
        return Wait(
            reason=Reason.NOT_OWNED, message=message, after=snapshot.timings.deletion_confirmation, stalled=True
        )
    # Tags of an adoption that come later would stay on a cluster that is nobody's.
    if waits := adoption_not_shown(snapshot) or _nodes_held(snapshot):
        return waits
    message = f"{present(snapshot).arn} does not have the ownership tags: the operator leaves it as it is."
    return RemoveFinalizer(reason=Reason.RELEASED, message=message)


def paused(snapshot: ClusterSnapshot) -> Decision | None:
    if not snapshot.resource.paused:
        return None
    message = (
        "Paused: the operator does not delete the cluster, and this resource stays. Set spec.management.paused to "
        "false to continue the deletion."
    )
    return Wait(reason=Reason.PAUSED, message=message, after=snapshot.timings.resync)


def retained(snapshot: ClusterSnapshot) -> Decision | None:
    """The cluster stays: take our marks off its Nodes, then our tags off, and the next pass lets go."""
    cluster = present(snapshot)
    if not stays(snapshot):
        return None
    if (held := _nodes_held(snapshot)) is not None:
        return held
    keys = tuple(key for key in OWNERSHIP_TAGS if key in (snapshot.observed.tags or {}))
    return act_once(
        snapshot,
        action=DeleteTags(arn=cluster.arn, keys=keys),
        desired=letting_go(cluster.arn),
        reason=Reason.RELEASED,
        message=f"Deletion policy Retain: {cluster.arn} stays; removing the ownership tags.",
        urgent=True,
    )


def under_way(snapshot: ClusterSnapshot) -> Decision | None:
    cluster = present(snapshot)
    if cluster.status != "Deleting":
        return None
    wedge = teardown_wedged(snapshot.observed)
    if not wedge:
        left = (
            ""
            if snapshot.observed.nodes is None
            else f" {counted(len(snapshot.observed.nodes), 'node is', 'nodes are')} left."
        )
        message = f"AWS is deleting the cluster.{left}"
        return Wait(reason=Reason.DELETING, message=message, after=snapshot.timings.poll)
    roles = ", ".join(sorted(_roles(cluster))) or "the groups' execution roles"
    message = (
        f"AWS cannot delete the nodes: {sentence(wedge)} Restore the execution role ({roles}) with "
        "ec2:DeleteNetworkInterface and ec2:DeleteNetworkInterfacePermission; AWS then continues the deletion."
    )
    return Wait(reason=Reason.TEARDOWN_BLOCKED, message=message, after=snapshot.timings.poll, stalled=True)


def busy(snapshot: ClusterSnapshot) -> Decision | None:
    """DeleteCluster is refused while AWS changes the cluster, except with continuous provisioning."""
    cluster = present(snapshot)
    if cluster.status in {"InService", "Failed"} or cluster.continuous:
        return None
    # [assumption: creating-cannot-be-deleted]
    message = (
        f"The cluster is {cluster.status}; AWS accepts the deletion only after that. The operator waits, then "
        "deletes it."
    )
    return Wait(reason=Reason.DELETING, message=message, after=snapshot.timings.poll)


def volumes_attached(snapshot: ClusterSnapshot) -> Decision | None:
    """A volume cannot be detached from a cluster that is being deleted: claims that nothing asks to detach hold it up.

    The others are asked by the Nodes that are to end, and `scale_in.workloads_run` waits for them.
    """
    asked = snapshot.departures.claims if snapshot.departures is not None else frozenset()
    claims = [name for name in snapshot.attached_claims if name not in asked]
    management = snapshot.resource.spec.management
    if not claims or (management is not None and management.attachedVolumes == "Orphan"):
        return None
    named = listed(claims, most=NAMED, separator=", ", rest=" ")
    message = (
        f"EBSVolumeClaims have volumes on nodes of this cluster: {named}. Deletion "
        "continues once these claims have detached their volumes: delete them, or set their spec.attachment.suspend "
        "to true. With spec.management.attachedVolumes: Orphan it does not wait, and the volumes stay, unattached."
    )
    return Wait(reason=Reason.VOLUMES_ATTACHED, message=message, after=snapshot.timings.poll, stalled=True)


def delete(snapshot: ClusterSnapshot) -> Decision | None:
    cluster = present(snapshot)
    return act_once(
        snapshot,
        action=DeleteCluster(arn=cluster.arn),
        desired=_wish(cluster),
        reason=Reason.DELETING,
        message=f"DeleteCluster {cluster.name} ({cluster.arn}).",
        urgent=True,
    )


def _wish(cluster: ObservedCluster) -> Json:
    return ["delete", cluster.arn]


def _roles(cluster: ObservedCluster) -> set[str]:
    return {str(group.members["executionRole"]) for group in cluster.groups if group.members.get("executionRole")}
