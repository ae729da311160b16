"""What a pass remembers for the next ones: the last call, what was refused, what is missing, who made what.

All of it is in status, so it survives a restart; nothing here is read from anywhere but the stored status and the
pass itself.
"""

from collections.abc import Sequence
from dataclasses import replace

from hyperpod_operator.api.cluster.status import HyperPodClusterStatus, InstanceGroupStatus
from hyperpod_operator.api.common.adoption import Adoption
from hyperpod_operator.api.common.missing import Missing
from hyperpod_operator.api.common.operations import OperationStatus
from hyperpod_operator.api.names import OWNERSHIP_TAGS, Reason
from hyperpod_operator.core.cluster.concerns import judge
from hyperpod_operator.core.cluster.decision import Act
from hyperpod_operator.core.cluster.ending import refusals
from hyperpod_operator.core.cluster.guards import is_release, newest_change, shown, went_back
from hyperpod_operator.core.cluster.inventory import group_statuses
from hyperpod_operator.core.cluster.missing import asked_to_delete, not_shown
from hyperpod_operator.core.cluster.ownership import Ownership, was_owner, was_there_before
from hyperpod_operator.core.cluster.pass_record import Accepted, PassRecord, Rejected
from hyperpod_operator.core.cluster.placement import unproved_end
from hyperpod_operator.core.cluster.plan import (
    SOFTWARE,
    CreateCluster,
    DeleteCluster,
    UpdateCluster,
    concern,
    operation,
)
from hyperpod_operator.core.cluster.requests import concern_of_software, pinned
from hyperpod_operator.core.cluster.resource import ADOPTED, CREATED, Resource
from hyperpod_operator.core.engine.call import fingerprint
from hyperpod_operator.core.engine.decision import LookAgain
from hyperpod_operator.core.engine.journal import (
    PENDING,
    CallState,
    Rejection,
    age,
    amended,
    called,
    cleared,
    entry_of,
    with_rejection,
)
from hyperpod_operator.core.engine.result import ResultSummary
from hyperpod_operator.core.errors import TREATMENTS, ErrorKind
from hyperpod_operator.core.moments import parse_time, stamp

REPEATED = frozenset({CallState.ROLLED_BACK, CallState.ACCEPTED, CallState.UNANSWERED})
"""States after which the same call made again counts as another attempt."""
VANISHED = "NotFound"
"""`status.clusterStatus` of a cluster that AWS does not show any more, as AWS says it of nodes (API member
ClusterInstanceStatus): it keeps what was deleted outside from being taken for what never was."""
UNDONE_LATELY = 7200.0
"""Seconds within which the same change made again counts as another attempt: something undoes it."""

SOFTWARE_MOST = 10
"""Calls about software that the journal keeps; the schema admits 16 calls of all concerns."""


def operations(pass_record: PassRecord, end: ResultSummary) -> list[OperationStatus] | None:
    """The journal after this pass: its call, and what it saw of the ones before."""
    kept = _seen(pass_record)
    result = pass_record.result
    made = _called(pass_record, end, result, kept) if result is not None else kept
    return (cleared(made) if end.settled else made) or None


def _called(
    pass_record: PassRecord, end: ResultSummary, result: Accepted | Rejected, kept: Sequence[OperationStatus]
) -> list[OperationStatus]:
    """The journal with the call of this pass and its answer."""
    tries = attempts(pass_record, result)
    counted = {ErrorKind.ROLE_PROPAGATION, ErrorKind.EKS_IN_USE, ErrorKind.BUSY}
    if isinstance(result, Rejected) and (result.by_words or result.error.kind in counted):
        tries = refusals(pass_record)
    made = called(
        kept,
        concern=concern(result.action),
        operation=operation(result.action),
        state=CallState.ACCEPTED if isinstance(result, Accepted) else _state(result),
        fingerprint=result.fingerprint,
        attempts=tries,
        now=pass_record.snapshot.now,
    )
    if not isinstance(result, Rejected) or not _remembered(pass_record, result):
        return made
    rejection = Rejection(
        reason=TREATMENTS[result.error.kind].reason,
        code=result.error.code,
        message=end.message,
        stalled=True,
        shown=shown(pass_record.snapshot),
    )
    return with_rejection(made, concern=concern(result.action), rejection=rejection, now=pass_record.snapshot.now)


def _seen(pass_record: PassRecord) -> list[OperationStatus]:
    """The journal as it was stored, with what this pass saw of the effect of each call."""
    snapshot = pass_record.snapshot
    kept = list(snapshot.resource.status.operations or [])
    if pass_record.blind:
        return kept
    kept = _wanted(snapshot.resource, kept)
    if pass_record.result is not None and pass_record.creates:
        kept = [entry for entry in kept if entry.concern == concern(pass_record.result.action)]
    undone = frozenset().union(*(wait.undone for _, wait in judge(snapshot).waits))
    cluster, newest = snapshot.observed.cluster, newest_change(kept)
    # [assumption: failed-updates-roll-back]
    going_back = cluster is not None and cluster.status == "RollingBack"
    for entry in kept:
        back = entry.concern in undone or (going_back and entry is newest)
        again = entry.state == CallState.ROLLED_BACK and entry.concern in undone and went_back(snapshot, entry)
        if (entry.state == CallState.ACCEPTED and back) or again:
            now = stamp(snapshot.now)
            kept = amended(kept, entry.model_copy(update={"state": CallState.ROLLED_BACK, "time": now}))
        elif entry.state in PENDING and _visible(pass_record, entry):
            kept = amended(kept, entry.model_copy(update={"state": CallState.APPLIED}))
    return kept


def _wanted(resource: Resource, kept: Sequence[OperationStatus]) -> list[OperationStatus]:
    """The journal without calls about software that the spec asks for no more, but for the newest call of all; and, of
    very many that it asks for, the latest."""
    asked = {concern_of_software(resource, name) for name in pinned(resource)}
    software = [entry.concern for entry in kept if entry.concern.split("/")[0] == SOFTWARE]
    stay = [one for one in software if one in asked or one == kept[-1].concern]
    dropped = {*software} - {*stay[-SOFTWARE_MOST:]}
    return [entry for entry in kept if entry.concern not in dropped]


def _state(result: Rejected) -> CallState:
    # A name that is taken may be taken by a create of ours whose record was lost: look before sending it again.
    unsure = {ErrorKind.UNKNOWN_OUTCOME, ErrorKind.TRANSIENT, ErrorKind.ALREADY_EXISTS}
    return CallState.UNANSWERED if result.error.kind in unsure else CallState.REJECTED


def _visible(pass_record: PassRecord, call: OperationStatus) -> bool:
    """Whether AWS shows the effect of the call."""
    cluster, changes = pass_record.snapshot.observed.cluster, pass_record.snapshot.changes
    if call.operation == "CreateCluster":
        return cluster is not None
    if call.operation == "DeleteCluster":
        return cluster is None
    if cluster is not None and is_release(call, arn=cluster.arn):
        tags = pass_record.snapshot.observed.tags
        return tags is not None and tags.keys().isdisjoint(OWNERSHIP_TAGS)
    if cluster is None or cluster.status != "InService":
        return False
    gaps = {
        "UpdateCluster": changes.needs_update,
        "UpdateClusterSoftware": any(
            concern_of_software(pass_record.snapshot.resource, name) == call.concern for name, _ in changes.software
        ),
        "AddTags": changes.needs_tags,
        "DeleteTags": changes.needs_tags,
    }
    return not gaps.get(call.operation or "", not changes.none)


def attempts(pass_record: PassRecord, call: Act | Accepted | Rejected) -> int:
    """How often this very call was made in a row, this time included; calls of other concerns do not count."""
    last = entry_of(pass_record.snapshot.resource.status.operations, concern(call.action))
    if last is None or last.fingerprint != call.fingerprint:
        return 1
    undone = last.state == CallState.APPLIED and age(last, now=pass_record.snapshot.now) < UNDONE_LATELY
    return (last.attempts or 0) + 1 if undone or last.state in REPEATED else 1


def _remembered(pass_record: PassRecord, result: Rejected) -> bool:
    """Invalid is remembered; so is a name that exists already while its cluster never appears."""
    last = entry_of(pass_record.snapshot.resource.status.operations, concern(result.action))
    again = last is not None and last.fingerprint == result.fingerprint and last.state == CallState.UNANSWERED
    exists = result.error.kind is ErrorKind.ALREADY_EXISTS and again
    return not isinstance(result.action, UpdateCluster) and (TREATMENTS[result.error.kind].remember or exists)


def missing(pass_record: PassRecord, *, status: HyperPodClusterStatus) -> Missing | None:
    """What the next pass would miss, given the status that this one leaves.

    Kept for as long as the same is missing, so that what was believed is not doubted in the next pass.
    """
    old, resource = pass_record.snapshot.resource.status.remembered.missing, pass_record.snapshot.resource
    if pass_record.unread is not None or not pass_record.looked:
        return old
    what = not_shown(replace(pass_record.snapshot, resource=replace(resource, status=status)))
    if pass_record.result is not None or not what:
        return None
    if old is None or old.what != what or parse_time(old.since or "") is None:
        return Missing(what=what, since=stamp(pass_record.snapshot.now))
    return old


def adoption(pass_record: PassRecord, end: ResultSummary) -> Adoption | None:
    snapshot = pass_record.snapshot
    old = snapshot.resource.status.adoption
    if pass_record.blind or isinstance(pass_record.result, Rejected):
        return old
    if end.reason is not Reason.ADOPTION_ANNOUNCED or snapshot.observed.cluster is None:
        return None
    lines = snapshot.changes.lines()
    mark = fingerprint(operation="Adopt", desired=[snapshot.observed.cluster.arn, lines])
    if old is not None and old.fingerprint == mark and parse_time(old.announcedAt or ""):
        return old
    changes = [line[:512] for line in lines[:50]]
    return Adoption(fingerprint=mark, announcedAt=stamp(snapshot.now), changes=changes)


def create_failures(pass_record: PassRecord) -> int | None:
    old = pass_record.snapshot.resource.status.remembered.createFailures
    if pass_record.snapshot.observed.cluster and pass_record.snapshot.observed.cluster.status == "InService":
        return None
    cleared = isinstance(pass_record.result, Accepted) and isinstance(pass_record.result.action, DeleteCluster)
    return (old or 0) + 1 if cleared and not pass_record.snapshot.resource.deleting else old


def created_arn(pass_record: PassRecord) -> str | None:
    """While AWS shows nothing, the ARN that we know of: the new one, or the one that should be there."""
    if (made := _made(pass_record)) is not None:
        return made.arn
    cluster, recorded = pass_record.snapshot.observed.cluster, pass_record.snapshot.resource.status.clusterArn
    return recorded if cluster is None else None


def last_seen(pass_record: PassRecord) -> str | None:
    """Whatever a pass waits for, a cluster that vanished is no cluster that never was, until AWS takes a call of ours
    that makes or deletes one: leave to create it again can be withdrawn before that. Nor is one that others took over,
    or in whose place they made another: when that one goes, nobody has asked for a new one. What is believed to be gone
    is reported as such, so that nobody reads that it serves."""
    resource, cluster = pass_record.snapshot.resource, pass_record.snapshot.observed.cluster
    if _made(pass_record) is not None or asked_to_delete(resource) or not resource.status.clusterStatus:
        return None
    if cluster is not None:
        return cluster.status
    doubted = isinstance(pass_record.decision, LookAgain) or unproved_end(pass_record.snapshot) is not None
    return resource.status.clusterStatus if doubted else VANISHED


def origin(pass_record: PassRecord) -> str | None:
    if _made(pass_record) is not None:
        return CREATED
    snapshot = pass_record.snapshot
    if snapshot.ownership is Ownership.OURS and snapshot.observed.tags is not None:
        adopted = was_there_before(resource=snapshot.resource, observed=snapshot.observed)
        return ADOPTED if adopted else CREATED
    return snapshot.resource.status.origin if snapshot.ownership is not Ownership.OTHER else None


def owner_uid(pass_record: PassRecord) -> str | None:
    """Kept while another owner has the cluster: what was ours once is not taken back without a person."""
    snapshot = pass_record.snapshot
    if snapshot.ownership is Ownership.OURS and snapshot.observed.tags is not None:
        return snapshot.resource.uid
    return snapshot.resource.uid if was_owner(snapshot.resource) and _made(pass_record) is None else None


def groups(pass_record: PassRecord, *, owned: bool) -> list[InstanceGroupStatus] | None:
    """A creation leaves what its intent said about the groups; a cluster that is not ours leaves nothing."""
    if pass_record.snapshot.observed.cluster is not None and not owned:
        return None
    return group_statuses(pass_record, creating=pass_record.creates)


def _made(pass_record: PassRecord) -> Accepted | None:
    """The creation that AWS took in this pass."""
    result = pass_record.result
    return result if isinstance(result, Accepted) and isinstance(result.action, CreateCluster) else None


def provisioned_at(pass_record: PassRecord) -> str | None:
    snapshot = pass_record.snapshot
    old, cluster = snapshot.resource.status.remembered.provisionedAt, snapshot.observed.cluster
    owned = snapshot.owned
    if cluster is None:
        return None if pass_record.creates else old
    if not owned:
        return None
    return old or (stamp(snapshot.now) if cluster.status == "InService" else None)
