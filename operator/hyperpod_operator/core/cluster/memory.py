"""What a pass remembers for the next ones: the last call, what was refused, what is missing, who made what.

All of it is in status, so it survives a restart; nothing here is read from anywhere but the stored status and the
pass itself.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from hyperpod_operator.api.names import OWNERSHIP_TAGS, Reason
from hyperpod_operator.api.operations import OperationStatus
from hyperpod_operator.api.status import (
    Adoption,
    HyperPodClusterStatus,
    InstanceGroupStatus,
    Missing,
    SentTag,
)
from hyperpod_operator.core.cluster.ending import refusals
from hyperpod_operator.core.cluster.guards import age, shown
from hyperpod_operator.core.cluster.inventory import group_statuses
from hyperpod_operator.core.cluster.missing import not_shown
from hyperpod_operator.core.cluster.ownership import Ownership, is_adopted
from hyperpod_operator.core.cluster.plan import (
    AddTags,
    CreateCluster,
    DeleteCluster,
    DeleteTags,
    UpdateCluster,
    UpdateClusterSoftware,
    concern,
    fingerprint,
    operation,
)
from hyperpod_operator.core.cluster.resource import ADOPTED, CREATED
from hyperpod_operator.core.cluster.sent_tags import MOST, pending
from hyperpod_operator.core.cluster.story import Accepted, Refused, Story
from hyperpod_operator.core.engine.journal import (
    PENDING,
    CallState,
    Rejection,
    amended,
    called,
    cleared,
    with_rejection,
)
from hyperpod_operator.core.engine.result import ResultSummary
from hyperpod_operator.core.errors import TREATMENTS, ErrorKind
from hyperpod_operator.core.moments import parse_time, stamp

REPEATED = frozenset({CallState.ROLLED_BACK, CallState.ACCEPTED, CallState.UNANSWERED})
"""States after which the same call made again counts as another attempt."""
UNDONE_LATELY = 7200.0
"""Seconds within which the same change made again counts as another attempt: something undoes it."""


def operations(story: Story, end: ResultSummary) -> list[OperationStatus] | None:
    """The journal after this pass: its call, or what it saw of the last one."""
    kept = story.situation.resource.status.operations or []
    if story.result is not None:
        made = _called(story, end, story.result)
    else:
        old = story.situation.resource.status.last
        made = list(kept) if old is None or story.blind else amended(kept, _seen(story, end, old))
    return (cleared(made) if end.settled or isinstance(story.result, Accepted) else made) or None


def _called(story: Story, end: ResultSummary, result: Accepted | Refused) -> list[OperationStatus]:
    """The journal with the call of this pass and its answer."""
    tries = attempts(story, result.fingerprint)
    if isinstance(result, Refused) and result.error.kind in {ErrorKind.ROLE_PROPAGATION, ErrorKind.EKS_IN_USE}:
        tries = refusals(story)
    made = called(
        story.situation.resource.status.operations,
        concern=concern(result.action),
        operation=operation(result.action),
        state=CallState.ACCEPTED if isinstance(result, Accepted) else _state(result),
        fingerprint=result.fingerprint,
        attempts=tries,
        now=story.situation.now,
    )
    if not isinstance(result, Refused) or not _remembered(story, result):
        return made
    rejection = Rejection(
        reason=TREATMENTS[result.error.kind].reason,
        code=result.error.code,
        message=end.message,
        stalled=True,
        shown=shown(story.situation),
    )
    return with_rejection(made, concern=concern(result.action), rejection=rejection, now=story.situation.now)


def _seen(story: Story, end: ResultSummary, old: OperationStatus) -> OperationStatus:
    """The last call with what this pass saw of its effect."""
    now = stamp(story.situation.now)
    back = end.reason is Reason.UPDATE_ROLLED_BACK or (old.concern != "Tags" and _rolling_back(story))
    if old.state == CallState.ACCEPTED and back:
        return old.model_copy(update={"state": CallState.ROLLED_BACK, "time": now})
    if old.state in PENDING and _visible(story, old):
        return old.model_copy(update={"state": CallState.APPLIED})
    return old


def _rolling_back(story: Story) -> bool:
    cluster = story.situation.observed.cluster
    return cluster is not None and cluster.status == "RollingBack"


def _state(result: Refused) -> CallState:
    # A name that is taken may be taken by a create of ours whose record was lost: look before sending it again.
    unsure = {ErrorKind.UNKNOWN_OUTCOME, ErrorKind.TRANSIENT, ErrorKind.ALREADY_EXISTS}
    return CallState.UNANSWERED if result.error.kind in unsure else CallState.REJECTED


def _visible(story: Story, last: OperationStatus) -> bool:
    """Whether AWS shows the effect of the last call."""
    cluster = story.situation.observed.cluster
    if last.operation == "CreateCluster":
        return cluster is not None
    if last.operation == "DeleteCluster":
        return cluster is None
    return cluster is not None and cluster.status == "InService" and story.situation.changes.none


def attempts(story: Story, mark: str) -> int:
    last = story.situation.resource.status.last
    undone = last is not None and last.state == CallState.APPLIED and age(last, now=story.situation.now) < UNDONE_LATELY
    again = undone or (
        last is not None and last.state in {CallState.ROLLED_BACK, CallState.ACCEPTED, CallState.UNANSWERED}
    )
    repeated = again and last is not None and last.fingerprint == mark
    return (last.attempts or 0) + 1 if repeated and last is not None else 1


def _remembered(story: Story, result: Refused) -> bool:
    """Invalid is remembered; so is a name that exists already while its cluster never appears."""
    last = story.situation.resource.status.last
    again = last is not None and last.fingerprint == result.fingerprint and last.state == CallState.UNANSWERED
    exists = result.error.kind is ErrorKind.ALREADY_EXISTS and again
    return not isinstance(result.action, UpdateCluster) and (TREATMENTS[result.error.kind].remember or exists)


def missing(story: Story, *, status: HyperPodClusterStatus) -> Missing | None:
    """What the next pass would miss, given the status that this one leaves.

    Kept for as long as the same is missing, so that what was believed is not doubted in the next pass.
    """
    old, resource = story.situation.resource.status.missing, story.situation.resource
    if story.unread is not None or not story.looked:
        return old
    what = not_shown(replace(story.situation, resource=replace(resource, status=status)))
    if story.result is not None or not what:
        return None
    if old is None or old.what != what or parse_time(old.since or "") is None:
        return Missing(what=what, since=stamp(story.situation.now))
    return old


def adoption(story: Story, end: ResultSummary) -> Adoption | None:
    situation = story.situation
    old = situation.resource.status.adoption
    if story.blind or isinstance(story.result, Refused):
        return old
    if end.reason is not Reason.ADOPTION_ANNOUNCED or situation.observed.cluster is None:
        return None
    lines = situation.changes.lines()
    mark = fingerprint(operation="Adopt", wish=[situation.observed.cluster.arn, lines])
    if old is not None and old.fingerprint == mark and parse_time(old.announcedAt or ""):
        return old
    changes = [line[:512] for line in lines[:50]]
    return Adoption(fingerprint=mark, announcedAt=stamp(situation.now), changes=changes)


def create_failures(story: Story) -> int | None:
    old = story.situation.resource.status.createFailures
    if story.situation.observed.cluster and story.situation.observed.cluster.status == "InService":
        return None
    cleared = isinstance(story.result, Accepted) and isinstance(story.result.action, DeleteCluster)
    return (old or 0) + 1 if cleared and not story.situation.resource.deleting else old


def created_arn(story: Story) -> str | None:
    """While AWS shows nothing, the ARN that we know of: the new one, or the one that should be there."""
    if isinstance(story.result, Accepted) and isinstance(story.result.action, CreateCluster):
        return story.result.arn
    cluster, recorded = story.situation.observed.cluster, story.situation.resource.status.clusterArn
    return recorded if cluster is None else None


def last_seen(story: Story, end: ResultSummary) -> str | None:
    """A cluster that vanished while paused keeps its last status: it is looked for twice afterwards."""
    return story.situation.resource.status.clusterStatus if end.reason is Reason.PAUSED else None


def origin(story: Story) -> str | None:
    if isinstance(story.result, Accepted) and isinstance(story.result.action, CreateCluster):
        return CREATED
    tags, old = story.situation.observed.tags, story.situation.resource.status.origin
    if story.situation.ownership is Ownership.OURS and tags is not None:
        return ADOPTED if is_adopted(tags) else CREATED
    return old if story.situation.ownership is not Ownership.OTHER else None


def groups(story: Story, *, owned: bool) -> list[InstanceGroupStatus] | None:
    """A creation leaves what its intent said about the groups; a cluster that is not ours leaves nothing."""
    if story.situation.observed.cluster is not None and not owned:
        return None
    return group_statuses(story, creating=_creates(story))


def _creates(story: Story) -> bool:
    return story.result is not None and isinstance(story.result.action, CreateCluster)


def provisioned_at(story: Story) -> str | None:
    situation = story.situation
    old, cluster = situation.resource.status.provisionedAt, situation.observed.cluster
    owned = situation.owned
    if cluster is None:
        return None if _creates(story) else old
    if not owned:
        return None
    return old or (stamp(situation.now) if cluster.status == "InService" else None)


def applied_tag_keys(story: Story) -> list[str] | None:
    """Keys that a spec of ours put on the cluster: only these are ever taken off again."""
    situation, result = story.situation, story.result
    old = set(situation.resource.status.appliedTagKeys or [])
    if isinstance(result, Accepted):
        match result.action:
            case CreateCluster():
                old = set(situation.resource.wanted_tags)
            case AddTags(tags=tags):
                old |= set(tags) - set(OWNERSHIP_TAGS)
            case DeleteTags(keys=keys):
                old -= set(keys)
            case UpdateCluster() | UpdateClusterSoftware() | DeleteCluster():
                pass
            case _:
                assert_never(result.action)
    if situation.ownership is Ownership.OURS and situation.observed.tags is not None and not situation.changes.tags_set:
        old |= set(situation.resource.wanted_tags)
    return sorted(old) or None


def sent_tags(story: Story) -> list[SentTag] | None:
    """Tags that AWS accepted and did not show yet (see `core.cluster.sent_tags`)."""
    situation = story.situation
    tags, now = situation.observed.tags, situation.now
    if situation.observed.cluster is None:
        return None
    waiting = pending(situation.resource, now=now)
    kept = {tag.key: tag for tag in waiting if tags is None or tags.get(tag.key) != tag.value}
    for key, value in _tags_accepted(story).items():
        kept.pop(key, None)
        kept[key] = SentTag(key=key, value=value, time=stamp(now))
    return list(kept.values())[-MOST:] or None


def _tags_accepted(story: Story) -> Mapping[str, str | None]:
    """The tags of this pass's call by key; None for those that it took off."""
    if not isinstance(story.result, Accepted):
        return {}
    match story.result.action:
        case AddTags(tags=tags):
            return dict(tags)
        case DeleteTags(keys=keys):
            return dict.fromkeys(keys)
        case CreateCluster() | UpdateCluster() | UpdateClusterSoftware() | DeleteCluster():
            return {}
        case _:
            assert_never(story.result.action)
