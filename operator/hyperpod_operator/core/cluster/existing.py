"""Policies for a cluster that AWS shows and an object that lives.

Each returns None when its question does not apply. The operator may change only a cluster whose tags prove
that it is ours, and only while AWS is not changing it.
"""

from datetime import datetime

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.approval import unapproved
from hyperpod_operator.core.cluster.changes import group_of
from hyperpod_operator.core.cluster.decision import ClusterSnapshot, Decision, NeedTags
from hyperpod_operator.core.cluster.diagnose import said, shortfalls
from hyperpod_operator.core.cluster.failed_creation import (
    clearing,
    has_served,
    may_be_recreated,
    recreation_is_due,
)
from hyperpod_operator.core.cluster.guards import act_once
from hyperpod_operator.core.cluster.left_alone import above_spec, was_applied
from hyperpod_operator.core.cluster.ownership import Ownership
from hyperpod_operator.core.cluster.plan import DeleteCluster
from hyperpod_operator.core.cluster.protection import protected
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.cluster.start_over import otherwise, start_over
from hyperpod_operator.core.engine.decision import InSync, Wait
from hyperpod_operator.core.engine.journal import PENDING, CallState
from hyperpod_operator.core.errors import SLOW
from hyperpod_operator.core.moments import parse_time, stamp
from hyperpod_operator.core.observed import ObservedCluster
from hyperpod_operator.core.text import counted, listed, sentence

# [assumption: busy-clusters-refuse-updates]
TRANSITIONS = {
    "Creating": (Reason.CREATING, "AWS is creating the cluster, which takes 10 to 25 minutes."),
    "Updating": (Reason.UPDATING, "AWS is updating the cluster; the operator collects further edits until it is done."),
    "RollingBack": (Reason.ROLLING_BACK, "AWS is rolling the last change back."),
    "SystemUpdating": (Reason.SYSTEM_UPDATING, "AWS is updating the cluster's software."),
}
"""ClusterStatus values in which UpdateCluster answers ConflictException (API reference)."""
LONG_CREATION = 7200.0
"""Seconds after which a creation takes unusually long, large groups and deep health checks included."""


def present(snapshot: ClusterSnapshot) -> ObservedCluster:
    """The observed cluster, for policies that come after those for an absent one."""
    cluster = snapshot.observed.cluster
    if cluster is None:
        raise AssertionError("policies for an absent cluster come first in the chain")
    return cluster


def region_refused(snapshot: ClusterSnapshot) -> Decision | None:
    """The installation fixes which regions its credentials may be used in; a resource cannot widen that."""
    region = snapshot.resource.spec.region
    if not region or region in snapshot.allowed_regions:
        return None
    message = (
        f"spec.region {region} is not allowed by this installation (it allows "
        f"{', '.join(sorted(snapshot.allowed_regions)) or 'only its own region'}). Omit spec.region, or ask an "
        "administrator to add the Region to --allowed-region."
    )
    return Wait(reason=Reason.REGION_NOT_ALLOWED, message=message, after=SLOW, stalled=True)


def not_allowed(snapshot: ClusterSnapshot) -> Decision | None:
    """The list of tenants fixes what a namespace may name; a resource cannot widen that."""
    if snapshot.refusal is None:
        return None
    return Wait(reason=Reason.NOT_ALLOWED, message=snapshot.refusal, after=SLOW, stalled=True)


def unknown_owner(snapshot: ClusterSnapshot) -> Decision | None:
    return NeedTags() if snapshot.ownership is Ownership.UNREAD else None


def paused(snapshot: ClusterSnapshot) -> Decision | None:
    if not snapshot.resource.paused:
        return None
    open_gaps = snapshot.changes.lines()
    waiting = f" Pending: {'; '.join(open_gaps)}." if open_gaps else ""
    message = (
        f"Paused: the operator observes AWS and changes nothing.{waiting} Set spec.management.paused to false "
        "to continue."
    )
    return Wait(reason=Reason.PAUSED, message=message, after=snapshot.timings.resync)


def being_deleted(snapshot: ClusterSnapshot) -> Decision | None:
    """Ours and Deleting: cleared away after a failed creation, or deleted by somebody else."""
    if present(snapshot).status != "Deleting":
        return None
    last = snapshot.resource.status.last
    ours = last is not None and last.operation == "DeleteCluster"
    message = (
        "AWS is deleting the cluster whose creation failed; the operator creates it again afterwards."
        if ours
        else "AWS is deleting this cluster, and not at the request of the operator. " + afterwards(snapshot.resource)
    )
    return Wait(reason=Reason.DELETING, message=message, after=snapshot.timings.poll)


def afterwards(resource: Resource) -> str:
    """What becomes of the name of a cluster that status knows and that others delete."""
    if resource.recreates_deleted:
        return "When it is gone, the operator creates it again (spec.management.onExternalDelete is Recreate)."
    return (
        "The operator does not create it again; to have it created again, set spec.management.onExternalDelete to "
        "Recreate."
    )


def busy(snapshot: ClusterSnapshot) -> Decision | None:
    """AWS is changing it. An unknown status counts as busy: waiting is the safe answer to a new word."""
    cluster = present(snapshot)
    status, made = cluster.status, cluster.created_at
    if status in {"InService", "Failed"}:
        return None
    reason, message = TRANSITIONS.get(
        status,
        (Reason.CLUSTER_BUSY, f"AWS reports status {status}, which this version does not know; waiting."),
    )
    if status == "Creating" and made is not None and (snapshot.now - made).total_seconds() > LONG_CREATION:
        message = (
            f"AWS has been creating the cluster since {stamp(made)}; 10 to 25 minutes are usual. Check its events (aws "
            f"sagemaker list-cluster-events --cluster-name {cluster.name})."
        )
    return Wait(reason=reason, message=message, after=snapshot.timings.poll)


def creation_failed(snapshot: ClusterSnapshot) -> Decision | None:
    """Failed, never in service and not in use: `onCreateFailure` says whether to clear it away and try again."""
    cluster, resource = present(snapshot), snapshot.resource
    if cluster.status != "Failed" or has_served(snapshot):
        return None
    told = cluster.failure_message or "AWS gave no reason"
    tries = resource.status.remembered.createFailures or 0
    if recreation_is_due(snapshot):
        return (
            protected(snapshot)
            or unapproved(snapshot)
            or act_once(
                snapshot,
                action=DeleteCluster(arn=cluster.arn),
                desired=clearing(cluster),
                reason=Reason.RECREATING,
                message=f"Creation failed ({told}); deleting the failed cluster to create it again.",
                urgent=True,
            )
        )
    exhausted = f" It was tried {counted(tries + 1, 'time')}." if tries else ""
    or_else = ", or set spec.management.onCreateFailure to Recreate" if may_be_recreated(snapshot) else ""
    message = f"Creation failed: {sentence(told)}{exhausted} Fix the cause, then {start_over(snapshot)}{or_else}."
    return Wait(reason=Reason.CREATE_FAILED, message=message, after=SLOW, stalled=True)


def fixed_members_differ(snapshot: ClusterSnapshot) -> Decision | None:
    """No call can close these gaps; sending the rest would only hide them."""
    if not snapshot.changes.fixed:
        return None
    if (cluster := snapshot.observed.cluster) is not None and _is_slurm(cluster):
        message = (
            f"Cluster {cluster.name} is a Slurm cluster: Slurm orchestrates it, and not Amazon EKS. The operator "
            "manages EKS clusters only and changes nothing. Set spec.clusterName to another name, or delete this "
            "resource."
        )
        return Wait(reason=Reason.IMMUTABLE_DIFFERS, message=message, after=SLOW, stalled=True)
    message = (
        f"AWS cannot change these on an existing cluster or group: {listed(snapshot.changes.fixed)}. Make the spec "
        f"match AWS, or add a group under a new name and remove this one.{_nodes_stay(snapshot)}"
    )
    return Wait(reason=Reason.IMMUTABLE_DIFFERS, message=message, after=SLOW, stalled=True)


def _is_slurm(cluster: ObservedCluster) -> bool:
    """No EKS cluster as orchestrator; CreateCluster takes Slurm where none is given (API member Orchestrator)."""
    return not (cluster.members.get("orchestrator") or {}).get("eks")


def failed(snapshot: ClusterSnapshot) -> Decision | None:
    """In service once, or taken over so, Failed now, and nothing in the spec that we could send to repair it."""
    cluster = present(snapshot)
    if cluster.status != "Failed":
        return None
    message = (
        f"AWS reports the cluster as Failed: {sentence(cluster.failure_message or 'no reason given')} Check its "
        f"events (aws sagemaker list-cluster-events --cluster-name {cluster.name}); the operator sends an edit of the "
        f"spec to AWS.{otherwise(snapshot)}"
    )
    if stay := _nodes_stay(snapshot):
        message += (
            f"{stay} AWS deletes no node by name while the cluster is Failed; to send the lower count or the removal "
            "all the same, set spec.management.disruption.runningWorkloads to Ignore: then AWS chooses the nodes."
        )
    return Wait(reason=Reason.CLUSTER_FAILED, message=message, after=SLOW, stalled=True)


def _nodes_stay(snapshot: ClusterSnapshot) -> str:
    """Which groups keep nodes that are to end meanwhile, as a further sentence; empty for none."""
    found = snapshot.departures
    if found is None or not found.held_up or not found.groups:
        return ""
    names = listed(sorted(found.groups), most=5, separator=", ", rest=" ")
    return f" Meanwhile the nodes of {names} that are to end stay, and no pod is evicted from them."


def scaled_outside(snapshot: ClusterSnapshot) -> Decision | None:
    """More nodes than the spec asks for: others added them, or they were there when the cluster was adopted."""
    counts = snapshot.changes.scaled_outside
    if not counts:
        return None
    grown = [change for change in counts if was_applied(snapshot.resource, group_of(change))]
    what = (
        f"Scaled out outside of the operator: {listed(grown)}"
        if grown
        else f"AWS has more nodes than the spec asks for: {listed(above_spec(counts))}"
    )
    message = (
        f"{what}.{_with_offsets(snapshot)} The operator does not terminate nodes that it did not add. Set "
        "instanceCount to AWS's number to keep them (then lower it to scale in), or set management.countOwner to "
        "External on the group."
    )
    reason = Reason.SCALED_OUTSIDE if grown else Reason.COUNT_ABOVE_SPEC
    return Wait(reason=reason, message=message, after=snapshot.timings.resync, stalled=True)


def _with_offsets(snapshot: ClusterSnapshot) -> str:
    """Why the wanted count is not the spec's, as further sentences; empty where it is."""
    names = sorted({group_of(change) for change in snapshot.changes.scaled_outside} & snapshot.changes.offsets.keys())
    counts = [(name, snapshot.resource.groups[name].instanceCount, snapshot.changes.offsets[name]) for name in names]
    return "".join(
        f" The spec has {count} for group {name}, and nodes that were moved or deleted by name make it "
        f"{max(0, count + offset.value)}."
        for name, count, offset in counts
    )


def not_at_target(snapshot: ClusterSnapshot) -> Decision | None:
    """In service is not complete: with continuous provisioning nodes come one by one, or not at all."""
    short = shortfalls(snapshot.observed, since=changed_at(snapshot))
    if not short:
        return None
    stalled = next((item for item in short if item.stalled), None)
    first = stalled or short[0]
    return Wait(
        reason=first.reason,
        message=said(short),
        after=snapshot.timings.poll,
        stalled=stalled is not None,
    )


def settled(snapshot: ClusterSnapshot) -> InSync:
    """No concern acts or waits."""
    cluster = present(snapshot)
    return InSync(
        message=f"{cluster.current_count}/{cluster.target_count} nodes in {counted(len(cluster.groups), 'group')}."
    )


def changed_at(snapshot: ClusterSnapshot) -> datetime | None:
    """When the change that is under way was sent: older events are about something else."""
    return change_began(snapshot.resource)


def change_began(resource: Resource) -> datetime | None:
    """The same from the resource alone, for whoever reads what a decision will need."""
    last = resource.status.last
    return parse_time(last.time) if last and last.time and last.state in PENDING | {CallState.APPLIED} else None
