"""What keeps a wanted call from being made twice, or again without hope.

Every call to an existing cluster passes here. Each guard looks at what earlier passes recorded in status, so a
restart changes nothing.
"""

from typing import assert_never

from hyperpod_operator.api.common.operations import OperationStatus
from hyperpod_operator.api.names import TAG_ADOPTED, TAG_OWNER_UID, Reason
from hyperpod_operator.core.cluster.decision import Act, ClusterSnapshot, Decision
from hyperpod_operator.core.cluster.ownership import Ownership, recorded_as_adopted
from hyperpod_operator.core.cluster.pauses import refusal_pause
from hyperpod_operator.core.cluster.plan import (
    Action,
    AddTags,
    CreateCluster,
    DeleteCluster,
    DeleteNodes,
    DeleteTags,
    UpdateCluster,
    UpdateClusterSoftware,
    concern,
    operation,
)
from hyperpod_operator.core.cluster.requests import concern_of_software
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.engine.call import fingerprint
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.engine.journal import PENDING, CallState, Operations, age, entry_of, rejected
from hyperpod_operator.core.engine.pauses import growing
from hyperpod_operator.core.errors import SLOW
from hyperpod_operator.core.location import location_of
from hyperpod_operator.core.moments import seconds_since
from hyperpod_operator.core.observed import Json, ObservedCluster, ObservedGroup
from hyperpod_operator.core.text import listed, sentence

TAKEN = frozenset({CallState.ACCEPTED, CallState.ROLLED_BACK, CallState.APPLIED})
"""States of a call that AWS took, whatever came of it."""
UNDONE_TWICE = 2
"""From this attempt on a change that does not last is made with growing pauses."""

SOFTWARE_WENT_BACK = frozenset({"RollbackInProgress", "RollbackComplete", "Failed"})
"""SoftwareUpdateStatus of a group whose update did not stay (API model)."""


def act_once(
    snapshot: ClusterSnapshot, *, action: Action, desired: Json, reason: Reason, message: str, urgent: bool = False
) -> Decision:
    """The call, unless a record says that it is under way, was refused, or came to nothing just now.

    An `urgent` call (deletion) does not wait for a burst of edits to end. What AWS refused of an update is remembered
    by group (see `parts`), so that the rest goes on.
    """
    mark = fingerprint(operation=operation(action), desired=desired)
    own = entry_of(snapshot.resource.status.operations, concern(action))
    return (
        (None if isinstance(action, UpdateCluster) else rejected_before(snapshot, action, mark))
        or still_echoing(snapshot, own, mark)
        or rolled_back(snapshot, own, mark)
        or (None if urgent else coalescing(snapshot, mark))
        or Act(action=action, fingerprint=mark, reason=reason, message=message)
    )


def rejected_before(snapshot: ClusterSnapshot, action: Action, mark: str) -> Wait | None:
    """AWS rejected exactly this as invalid a while ago, and nothing that is known of has changed since."""
    entry = entry_of(snapshot.resource.status.operations, concern(action))
    if snapshot.resource.deleting:
        return None  # nobody edits a deleted object any more: a rejected deletion is tried again, slowly
    if entry is None or not rejected(entry) or entry.fingerprint != mark or snapshot.resource.requested_anew:
        return None
    stands = refusal_pause(snapshot, mark=mark, attempts=entry.rejections)
    left = stands - seconds_since(entry.rejectedAt, now=snapshot.now)
    if left <= 0 or (entry.shown and entry.shown != shown(snapshot)):
        return None
    return Wait(reason=Reason.SPEC_REJECTED, message=entry.message or "", after=min(left, SLOW), stalled=True)


def shown(snapshot: ClusterSnapshot) -> str:
    """A short name for what AWS shows of the cluster, without the counts that move while nodes come and go."""
    cluster = snapshot.observed.cluster
    if cluster is None:
        return fingerprint(operation="Shown", desired=None)
    groups = [[group.name, group.status, group.target_count, dict(group.members)] for group in cluster.groups]
    return fingerprint(operation="Shown", desired=[cluster.arn, cluster.status, dict(cluster.members), groups])


def still_echoing(snapshot: ClusterSnapshot, last: OperationStatus | None, mark: str) -> Wait | None:
    """This very call was made a moment ago and Describe may not show it yet. `last` is the last call of its concern."""
    if not last or last.fingerprint != mark or last.state not in PENDING:
        return None
    left = snapshot.timings.propagation_window - age(last, now=snapshot.now)
    if left <= 0:
        return None
    message = f"{last.operation} was sent; the operator waits until AWS shows its effect before it sends anything else."
    return Wait(reason=Reason.SETTLING, message=message, after=min(left, snapshot.timings.debounce), settling=True)


def rolled_back(snapshot: ClusterSnapshot, last: OperationStatus | None, mark: str) -> Wait | None:
    """AWS accepted this call and yet stands where it stood: it tried and went back. `last` is the last call of its
    concern."""
    if (
        not last
        or last.fingerprint != mark
        or last.state not in {CallState.ACCEPTED, CallState.ROLLED_BACK, CallState.APPLIED}
    ):
        return None
    if last.state == CallState.APPLIED and (last.attempts or 1) < UNDONE_TWICE:
        return None  # somebody undid it: put it right at once, the first time
    if snapshot.resource.requested_anew:
        return None
    if last.state == CallState.ACCEPTED and not shown_back(snapshot, last):
        left = snapshot.timings.rest - age(last, now=snapshot.now)
        if left > 0:
            message = (
                f"AWS accepted {last.operation} and shows neither its effect nor a rollback yet. The operator waits "
                f"for either, for {snapshot.timings.rest / 60:.0f} min at most."
            )
            after = min(left, snapshot.timings.poll)
            return Wait(reason=Reason.SETTLING, message=message, after=after, settling=True)
    timings = snapshot.timings
    pause = growing(first=timings.rollback_backoff, most=timings.rollback_backoff_most, attempts=last.attempts)
    begins = last.state == CallState.ACCEPTED or went_back(snapshot, last)
    left = pause if begins else pause - age(last, now=snapshot.now)
    if left <= 0:
        return None
    told = snapshot.observed.cluster.failure_message if snapshot.observed.cluster else ""
    gaps = snapshot.changes.lines()
    message = (
        f"AWS accepted {last.operation} and returned to the previous "
        f"state{': ' + sentence(told) if told else ' without saying why.'} "
        + (f"Still open: {listed(gaps, most=3)}. " if gaps and not snapshot.resource.deleting else "")
        + "Correct the spec or the cause; the operator retries "
        f"the same change after {pause / 60:.0f} min, or immediately when you set the annotation "
        "hyperpod-operator.dev/reconcile-requested-at."
    )
    undone = frozenset({last.concern})
    return Wait(reason=Reason.UPDATE_ROLLED_BACK, message=message, after=left, stalled=True, undone=undone)


def went_back(snapshot: ClusterSnapshot, call: OperationStatus | None = None) -> bool:
    """Whether this is the first look after AWS rolled the cluster back, or this call, which takes minutes: a pause
    begins now."""
    cluster, newest = snapshot.observed.cluster, newest_change(snapshot.resource.status.operations)
    returned = cluster is not None and cluster.status != "RollingBack" == snapshot.resource.status.clusterStatus
    return returned and (call is None or newest is None or call.concern == newest.concern)


# [assumption: failed-updates-roll-back, busy-clusters-refuse-updates]
def newest_change(operations: Operations | None) -> OperationStatus | None:
    """The call that AWS goes back from where it rolls a cluster back: AWS makes one change at a time, and rolls no tags
    back."""
    return next((entry for entry in reversed(operations or ()) if entry.concern != "Tags"), None)


# [assumption: failed-updates-roll-back]
def shown_back(snapshot: ClusterSnapshot, call: OperationStatus) -> bool:
    """Whether AWS shows that the call went back, rather than not yet showing that it went on.

    Each call has its own evidence: tags have none (AWS never rolls them back), a software update has the status of the
    groups that still differ, where it stays until the next one. A failure message and such a status count if they are
    new, or if the last look saw the cluster at work: old ones stay.
    """
    cluster, status = snapshot.observed.cluster, snapshot.resource.status
    called = call.operation
    if cluster is None or called in {"AddTags", "DeleteTags"}:
        return False
    worked = status.clusterStatus != "InService"
    fresh = worked or cluster.failure_message != (status.failureMessage or "")
    return (
        cluster.status == "RollingBack"
        or bool(cluster.failure_message and fresh)
        or (called == "UpdateClusterSoftware" and _software_went_back(snapshot, cluster, call, worked=worked))
    )


def _software_went_back(
    snapshot: ClusterSnapshot, cluster: ObservedCluster, call: OperationStatus, *, worked: bool
) -> bool:
    """Whether a group of the call that still differs ended an update, and not one from before the call."""
    resource, records = snapshot.resource, snapshot.resource.recorded_groups
    open_groups = {name for name, _ in snapshot.changes.software if concern_of_software(resource, name) == call.concern}

    def new(group: ObservedGroup) -> bool:
        record = records.get(group.name)
        return worked or record is None or record.softwareUpdateStatus != group.software_update_status

    return any(
        group.name in open_groups and group.software_update_status in SOFTWARE_WENT_BACK and new(group)
        for group in cluster.groups
    )


# [assumption: tags-stay-on-clusters]
def untagged(snapshot: ClusterSnapshot) -> bool:
    """Status records this very cluster as ours, and its ownership tags are gone; not by our own DeleteTags.

    Status proves nothing, so the cluster is not changed; it is reason enough not to release the object.
    """
    status, cluster = snapshot.resource.status, snapshot.observed.cluster
    tags = snapshot.observed.tags
    ours = bool(status.origin) and cluster is not None and status.clusterArn == cluster.arn
    missing = tags is not None and not all(tags.get(key) for key in snapshot.resource.ownership_tags)
    return ours and missing and snapshot.ownership is not Ownership.OURS and not taken_off(snapshot.resource)


def restoring(snapshot: ClusterSnapshot, cluster: ObservedCluster) -> str:
    """The command that puts the ownership tags back."""
    tags = dict(snapshot.resource.ownership_tags)
    if recorded_as_adopted(resource=snapshot.resource, cluster=cluster):
        tags[TAG_ADOPTED] = "true"
    pairs = " ".join(f"Key={key},Value={value}" for key, value in tags.items())
    region = location_of(cluster.arn).region
    return f"aws sagemaker add-tags --region {region} --resource-arn {cluster.arn} --tags {pairs}"


def rests_on_tags(act: Act) -> bool:
    """Whether the call ends something, or takes the cluster over: it may wait for its turn, and then the tags are asked
    again whose the cluster is."""
    match act.action:
        case DeleteCluster() | DeleteNodes():
            return True
        case AddTags(tags=tags):
            return TAG_OWNER_UID in tags
        case UpdateCluster(request=request):
            return "instanceGroupsToDelete" in request
        case CreateCluster() | UpdateClusterSoftware() | DeleteTags():
            return False
        case _:
            assert_never(act.action)


def taken_off(resource: Resource) -> bool:
    """Whether the ownership tags are missing because the operator removed them: the cluster is to stay."""
    last, arn = resource.status.last, resource.status.clusterArn
    taken = last is not None and last.state in PENDING | TAKEN and is_release(last, arn=arn or "")
    return resource.deleting and taken


def is_release(call: OperationStatus, *, arn: str) -> bool:
    """Whether this is the DeleteTags that lets the cluster go."""
    return call.fingerprint == fingerprint(operation="DeleteTags", desired=letting_go(arn))


def letting_go(arn: str) -> Json:
    """The wish behind the DeleteTags that lets a cluster go; taking off a tag of the user's is another one."""
    return ["retain", arn]


def coalescing(snapshot: ClusterSnapshot, mark: str) -> Wait | None:
    """Another change was made a moment ago: let a burst of edits become one call."""
    last = snapshot.resource.status.last
    if not last or last.fingerprint == mark or last.state not in PENDING | {CallState.APPLIED}:
        return None
    left = snapshot.timings.debounce - age(last, now=snapshot.now)
    if left <= 0:
        return None
    message = f"{last.operation} was sent a moment ago; the operator collects further edits before the next call."
    return Wait(reason=Reason.SETTLING, message=message, after=left, settling=True)
