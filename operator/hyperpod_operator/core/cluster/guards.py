"""What keeps a wanted call from being made twice, or again without hope.

Every call to an existing cluster passes here. Each guard looks at what earlier passes recorded in status, so a
restart changes nothing.
"""

from datetime import datetime

from hyperpod_operator.api.names import Reason
from hyperpod_operator.api.operations import OperationStatus
from hyperpod_operator.core.cluster.observed import Json
from hyperpod_operator.core.cluster.ownership import Ownership
from hyperpod_operator.core.cluster.pauses import growing, refusal_pause
from hyperpod_operator.core.cluster.plan import Action, UpdateCluster, concern, fingerprint, operation
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.cluster.verdict import Act, Situation, Verdict
from hyperpod_operator.core.engine.decision import Hold
from hyperpod_operator.core.engine.journal import PENDING, CallState, entry_of, rejected
from hyperpod_operator.core.errors import SLOW
from hyperpod_operator.core.moments import parse_time

TAKEN = frozenset({CallState.ACCEPTED, CallState.ROLLED_BACK, CallState.APPLIED})
"""States of a call that AWS took, whatever came of it."""
UNDONE_TWICE = 2
"""From this attempt on a change that does not last is made with growing pauses."""

SOFTWARE_WENT_BACK = frozenset({"RollbackInProgress", "RollbackComplete", "Failed"})
"""SoftwareUpdateStatus of a group whose update did not stay (API model)."""


def age(last: OperationStatus | None, *, now: datetime) -> float:
    """Seconds since the last action; infinite without one or when its time cannot be read."""
    return _since(last.time if last else None, now=now)


def _since(time: str | None, *, now: datetime) -> float:
    moment = parse_time(time) if time else None
    return (now - moment).total_seconds() if moment else float("inf")


def rollback_pause(situation: Situation) -> float:
    """Seconds before a rolled-back change is tried again: doubles with each try."""
    last, timings = situation.resource.status.last, situation.timings
    attempts = last.attempts if last else 1
    return growing(first=timings.rollback_backoff, most=timings.rollback_backoff_most, attempts=attempts)


def guarded(
    situation: Situation, *, action: Action, wish: Json, reason: Reason, message: str, urgent: bool = False
) -> Verdict:
    """The call, unless a record says that it is under way, was refused, or came to nothing just now.

    An `urgent` call (deletion) does not wait for a burst of edits to end. What AWS refused of an update is remembered
    by group (see `parts`), so that the rest goes on.
    """
    mark = fingerprint(operation=operation(action), wish=wish)
    return (
        (None if isinstance(action, UpdateCluster) else rejected_before(situation, action, mark))
        or still_echoing(situation, mark)
        or rolled_back(situation, mark)
        or (None if urgent else coalescing(situation, mark))
        or Act(action=action, fingerprint=mark, reason=reason, message=message)
    )


def rejected_before(situation: Situation, action: Action, mark: str) -> Hold | None:
    """AWS rejected exactly this as invalid a while ago, and nothing that is known of has changed since."""
    entry = entry_of(situation.resource.status.operations, concern(action))
    if situation.resource.deleting:
        return None  # nobody edits a deleted object any more: a rejected deletion is tried again, slowly
    if entry is None or not rejected(entry) or entry.fingerprint != mark or situation.resource.requested_anew:
        return None
    stands = refusal_pause(situation, mark=mark, attempts=entry.rejections)
    left = stands - _since(entry.rejectedAt, now=situation.now)
    if left <= 0 or (entry.shown and entry.shown != shown(situation)):
        return None
    return Hold(reason=Reason.SPEC_REJECTED, message=entry.message or "", after=min(left, SLOW), stalled=True)


def shown(situation: Situation) -> str:
    """A short name for what AWS shows of the cluster, without the counts that move while nodes come and go."""
    cluster = situation.observed.cluster
    if cluster is None:
        return fingerprint(operation="Shown", wish=None)
    groups = [[group.name, group.status, group.target_count, dict(group.members)] for group in cluster.groups]
    return fingerprint(operation="Shown", wish=[cluster.arn, cluster.status, dict(cluster.members), groups])


def still_echoing(situation: Situation, mark: str) -> Hold | None:
    """This very call was made a moment ago and Describe may not show it yet."""
    last = situation.resource.status.last
    if not last or last.fingerprint != mark or last.state not in PENDING:
        return None
    left = situation.timings.propagation_window - age(last, now=situation.now)
    if left <= 0:
        return None
    message = f"{last.operation} was sent; the operator waits until AWS shows its effect before it sends anything else."
    return Hold(reason=Reason.SETTLING, message=message, after=min(left, situation.timings.debounce))


def rolled_back(situation: Situation, mark: str) -> Hold | None:
    """AWS accepted this call and yet stands where it stood: it tried and went back."""
    last = situation.resource.status.last
    if (
        not last
        or last.fingerprint != mark
        or last.state not in {CallState.ACCEPTED, CallState.ROLLED_BACK, CallState.APPLIED}
    ):
        return None
    if last.state == CallState.APPLIED and (last.attempts or 1) < UNDONE_TWICE:
        return None  # somebody undid it: put it right at once, the first time
    if situation.resource.requested_anew:
        return None
    if last.state == CallState.ACCEPTED and not shown_back(situation):
        left = situation.timings.rest - age(last, now=situation.now)
        if left > 0:
            message = (
                f"AWS accepted {last.operation} and shows neither its effect nor a rollback yet. The operator waits "
                f"for either, for {situation.timings.rest / 60:.0f} min at most."
            )
            return Hold(reason=Reason.SETTLING, message=message, after=min(left, situation.timings.poll))
    pause = rollback_pause(situation)
    left = pause if last.state == CallState.ACCEPTED else pause - age(last, now=situation.now)
    if left <= 0:
        return None
    told = situation.observed.cluster.failure_message if situation.observed.cluster else ""
    message = (
        f"AWS accepted {last.operation} and returned to the previous "
        f"state{': ' + told if told else ' without saying why'}. Correct the spec or the cause; the operator retries "
        f"the same change after {pause / 60:.0f} min, or immediately when you set the annotation "
        "hyperpod-operator.dev/reconcile-requested-at."
    )
    return Hold(reason=Reason.UPDATE_ROLLED_BACK, message=message, after=left, stalled=True)


# [assumption: failed-updates-roll-back]
def shown_back(situation: Situation) -> bool:
    """Whether AWS shows that the last call went back, rather than not yet showing that it went on.

    Each call has its own evidence: tags have none (AWS never rolls them back), a software update has the status of the
    groups, where it stays until the next one. A failure message counts if it is new, or if the last look saw the
    cluster at work: an old one stays.
    """
    cluster, status = situation.observed.cluster, situation.resource.status
    called = status.last.operation if status.last else None
    if cluster is None or called in {"AddTags", "DeleteTags"}:
        return False
    fresh = cluster.failure_message != (status.failureMessage or "") or status.clusterStatus != "InService"
    software = called == "UpdateClusterSoftware"
    return (
        cluster.status == "RollingBack"
        or bool(cluster.failure_message and fresh)
        or (software and any(group.software_update_status in SOFTWARE_WENT_BACK for group in cluster.groups))
    )


# [assumption: tags-stay-on-clusters]
def untagged(situation: Situation) -> bool:
    """Status records this very cluster as ours, and its ownership tags are gone; not by our own DeleteTags.

    Status proves nothing, so the cluster is not changed; it is reason enough not to release the object.
    """
    status, cluster = situation.resource.status, situation.observed.cluster
    tags = situation.observed.tags
    ours = bool(status.origin) and cluster is not None and status.clusterArn == cluster.arn
    missing = tags is not None and not all(tags.get(key) for key in situation.resource.ownership_tags)
    return ours and missing and situation.ownership is not Ownership.OURS and not taken_off(situation.resource)


def taken_off(resource: Resource) -> bool:
    """Whether the ownership tags are missing because the operator removed them: the cluster is to stay."""
    last = resource.status.last
    return resource.deleting and last is not None and last.operation == "DeleteTags"


def coalescing(situation: Situation, mark: str) -> Hold | None:
    """Another change was made a moment ago: let a burst of edits become one call."""
    last = situation.resource.status.last
    if not last or last.fingerprint == mark or last.state not in PENDING | {CallState.APPLIED}:
        return None
    left = situation.timings.debounce - age(last, now=situation.now)
    if left <= 0:
        return None
    message = f"{last.operation} was sent a moment ago; the operator collects further edits before the next call."
    return Hold(reason=Reason.SETTLING, message=message, after=left)
