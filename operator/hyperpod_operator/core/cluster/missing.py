"""What AWS showed before and does not show now: one odd answer is not the truth.

Nothing follows from an absence until a second look some seconds later finds the same: no call, no release, and status
stays as it is. What the operator itself took away is not missed. The memory of the first look is in status
(`missing`), and what AWS showed before is told from status alone, so a restart changes nothing.

Two kinds of absence need more than a second look. An update repeats members of a group from the answer itself, and
would take away what the answer lacks: that is believed after as long as AWS may lag. A group whose nodes are listed,
and an image of a group that showed one, are there: the answer is not whole, and no change is built on it.
"""

import math
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

from hyperpod_operator.api.names import OWNERSHIP_TAGS, ConditionType, Reason
from hyperpod_operator.core.cluster.approval import how_to_approve
from hyperpod_operator.core.cluster.decision import ClusterSnapshot, Decision
from hyperpod_operator.core.cluster.diff import GOING, SOFTWARE_MEMBERS
from hyperpod_operator.core.cluster.guards import taken_off
from hyperpod_operator.core.cluster.ownership import Ownership
from hyperpod_operator.core.cluster.placement import unproved_end
from hyperpod_operator.core.cluster.resource import ADOPTED, Resource, desired
from hyperpod_operator.core.engine.decision import LookAgain, Wait
from hyperpod_operator.core.engine.journal import PENDING, CallState, age
from hyperpod_operator.core.moments import parse_time
from hyperpod_operator.core.observed import GONE, Json, ObservedCluster, ObservedGroup
from hyperpod_operator.core.plan.gate import ChangePolicy, Open

WHAT_MOST = 1024
"""Characters that status keeps of what is missing."""
ALWAYS_SENT = frozenset({"instanceGroupName", "instanceCount"})
"""Members of a group that an update sends whatever the answer lacks: the count is checked where the answer comes in."""
_TAKEN = frozenset({CallState.ACCEPTED, CallState.APPLIED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """Something that this pass misses, and for how many seconds it has to be missing before that is believed."""

    what: str
    wait: float


# [assumption: absence-once-is-no-proof]
def look_again(snapshot: ClusterSnapshot) -> Decision | None:
    """Wait until the absence was seen twice; then the policies that follow take it as it is."""
    if (unnamed := _made_a_moment_ago(snapshot)) is not None:
        return unnamed
    what, recorded = not_shown(snapshot), snapshot.resource.status.remembered.missing
    if not what:
        return None
    confirm = max(absence.wait for absence in _missed(snapshot))
    since = parse_time(recorded.since or "") if recorded is not None and recorded.what == what else None
    waited = max(0.0, (snapshot.now - since).total_seconds()) if since else 0.0
    left = max(confirm - waited, _not_visible_yet(snapshot))
    if left <= 0:
        return None
    name, gone = snapshot.resource.cluster_name, snapshot.observed.cluster is None
    why = "DeleteCluster got no answer" if asked_to_delete(snapshot.resource) else "the operator did not delete it"
    message = (
        f"AWS does not show cluster {name} any more, and {why}. The operator reads once more before it acts on that."
        if gone
        else f"AWS does not show {what} of cluster {name} any more, and the operator did not remove it. It reads "
        "again before it acts on that, and changes nothing meanwhile."
    )
    return LookAgain(
        reason=Reason.CONFIRMING_DELETION if gone else Reason.AWAITING_VISIBILITY,
        message=message,
        after=max(1.0, min(left, _pause(snapshot, waited))),
    )


# [assumption: create-has-no-token]
def _made_a_moment_ago(snapshot: ClusterSnapshot) -> LookAgain | None:
    """A cluster without an owner, and a CreateCluster of ours whose outcome is not on record: it may have made this
    one, and its tags may lag. Neither a release nor an adoption follows from that."""
    resource, cluster = snapshot.resource, snapshot.observed.cluster
    if cluster is None or snapshot.ownership is not Ownership.UNOWNED or not _last_was(resource, "CreateCluster"):
        return None
    waited = age(resource.status.last, now=snapshot.now)
    left = snapshot.timings.visibility - waited
    if left <= 0:
        return None
    message = (
        f"AWS shows cluster {cluster.name} without ownership tags, and CreateCluster of that name was sent a moment "
        "ago. The operator reads the tags again before it takes the cluster for one of others, for "
        f"{snapshot.timings.visibility / 60:.0f} min."
    )
    after = max(1.0, min(left, _pause(snapshot, waited)))
    return LookAgain(reason=Reason.AWAITING_VISIBILITY, message=message, after=after)


def _pause(snapshot: ClusterSnapshot, waited: float) -> float:
    """Seconds until the next look: short at first, because most odd answers are followed by a right one."""
    timings = snapshot.timings
    return timings.deletion_confirmation if waited < timings.deletion_confirmation else timings.propagation_window


def not_shown(snapshot: ClusterSnapshot) -> str:
    """What this pass misses, as text; empty when nothing is missing."""
    return ", ".join(dict.fromkeys(absence.what for absence in _missed(snapshot)))[:WHAT_MOST]


def deleted_outside(snapshot: ClusterSnapshot) -> Decision | None:
    """The cluster is gone, and others deleted it: only by policy is it created again."""
    resource, plan = snapshot.resource, snapshot.plan
    if not is_held(snapshot) or (plan is not None and isinstance(plan.gate, Open)):
        return None
    message = (
        f"Cluster {resource.cluster_name} ({resource.status.clusterArn or 'its ARN is unknown'}) was deleted in AWS, "
        "and not by the operator, which does not create it again. To create it again, approve the plan or set "
        "spec.management.onExternalDelete to Recreate; otherwise delete this resource."
    )
    if plan is not None and plan.policy is not ChangePolicy.PLAN_ONLY:
        message += f" {how_to_approve(resource, plan.gate.digest)}"
    return Wait(reason=Reason.DELETED_OUTSIDE, message=message, after=snapshot.timings.resync, stalled=True)


def is_held(snapshot: ClusterSnapshot) -> bool:
    """Whether others deleted the cluster and the policy is not to create it again."""
    resource = snapshot.resource
    gone = snapshot.observed.cluster is None and bool(resource.status.clusterStatus) and not asked_to_delete(resource)
    return gone and not resource.recreates_deleted


def _missed(snapshot: ClusterSnapshot) -> Iterator[Absence]:
    resource, cluster = snapshot.resource, snapshot.observed.cluster
    confirm = snapshot.timings.deletion_confirmation
    if cluster is None:
        # What nothing follows from is not the first of the two looks: a pause, or an account that is not known.
        held = (resource.paused and not resource.deleting) or unproved_end(snapshot) is not None
        if resource.status.clusterStatus and not _deleted_by_us(resource) and not held:
            yield Absence(what="the cluster", wait=confirm)
        return
    recorded = resource.status.clusterArn
    if recorded != cluster.arn:
        if recorded and resource.status.clusterStatus and not _deleted_by_us(resource):
            # Another one under the name: the recorded one was shown a look ago, and would be forgotten with this one.
            yield Absence(what=recorded, wait=confirm)
        return
    if not resource.status.origin:
        return
    if cluster.status != GOING:
        yield from _groups(snapshot, cluster)
        yield from (Absence(what=path, wait=confirm) for path in _members(snapshot))
        yield from _group_members(snapshot, cluster)
        counts = resource.status.nodes
        # [assumption: ending-instances-still-count]
        due = cluster.current_count and cluster.target_count
        if snapshot.observed.nodes == () and due and counts is not None and counts.running:
            yield Absence(what="the nodes", wait=confirm)
    yield from (Absence(what=f"tag {key}", wait=confirm) for key in _tags(snapshot))


def _deleted_by_us(resource: Resource) -> bool:
    """Whether AWS took our DeleteCluster. One without an answer may never have arrived: that is looked at twice."""
    return _last_was(resource, "DeleteCluster", states=_TAKEN)


def asked_to_delete(resource: Resource) -> bool:
    """Whether a cluster that is gone for good is gone by our call, with or without an answer to it."""
    return _last_was(resource, "DeleteCluster", states=_TAKEN | {CallState.UNANSWERED})


def _groups(snapshot: ClusterSnapshot, cluster: ObservedCluster) -> Iterator[Absence]:
    """Groups that AWS showed: their record has a status. One that was going, or that our update removes, may go."""
    resource, shown = snapshot.resource, {group.name for group in cluster.groups}
    inhabited = {node.group for node in snapshot.observed.nodes or () if node.status not in GONE}
    for name, record in sorted(resource.recorded_groups.items()):
        removed = name not in resource.groups and _last_was(resource, "UpdateCluster")
        if record.status and record.status != GOING and not removed and name not in shown:
            wait = math.inf if name in inhabited else snapshot.timings.deletion_confirmation
            yield Absence(what=f"group {name}", wait=wait)


def _members(snapshot: ClusterSnapshot) -> Iterator[str]:
    """Members of the spec that AWS held when the last pass looked, by the condition SpecSynced."""
    resource, changes = snapshot.resource, snapshot.changes
    held = next((one for one in resource.status.conditions or [] if one.type == ConditionType.SPEC_SYNCED), None)
    if held is None or held.status != "True" or held.observedGeneration != resource.generation or resource.edited:
        return
    gaps = [*changes.cluster, *changes.groups_changed, *changes.fixed, *(change for _, change in changes.software)]
    yield from (gap.path for gap in gaps if lacks(gap.observed, wanted=gap.wanted))


# [assumption: described-groups-can-be-sent-back, omitted-members-either-way]
def _group_members(snapshot: ClusterSnapshot, cluster: ObservedCluster) -> Iterator[Absence]:
    """Members that AWS showed of a group and that an update would repeat from this very answer."""
    resource = snapshot.resource
    if resource.deleting:
        return
    for group in cluster.groups:
        record = resource.recorded_groups.get(group.name)
        if record is None or group.status == GOING:
            continue
        left_out = _not_repeated(resource, group.name)
        software = SOFTWARE_MEMBERS & group.members.keys()
        for name in record.remembered.members or []:
            if name in group.members or name in left_out or (name in SOFTWARE_MEMBERS and software):
                continue
            wait = math.inf if name in SOFTWARE_MEMBERS else snapshot.timings.rest
            yield Absence(what=f"{name} of group {group.name}", wait=wait)


def repeated(resource: Resource, group: ObservedGroup) -> Iterator[str]:
    """Names of the members that an update of the group repeats as AWS shows them."""
    left_out = _not_repeated(resource, group.name)
    yield from (name for name in sorted(group.members) if name not in left_out)


def _not_repeated(resource: Resource, name: str) -> Set[str]:
    """Members of a group that come from the spec. An image or release that it pins does not; no other one is sent."""
    spec = resource.groups.get(name)
    from_spec = desired(spec).keys() if spec else frozenset[str]()
    pinned = SOFTWARE_MEMBERS if SOFTWARE_MEMBERS & from_spec else frozenset[str]()
    return (from_spec | SOFTWARE_MEMBERS | ALWAYS_SENT) - pinned


def _tags(snapshot: ClusterSnapshot) -> Iterator[str]:
    """Tags that prove the owner, and those of the spec that the operator has set. An emptied value is no value."""
    resource, tags = snapshot.resource, snapshot.observed.tags
    if tags is None or taken_off(resource) or _deleted_by_us(resource):
        return
    proving = [*OWNERSHIP_TAGS] if resource.status.origin == ADOPTED else [*resource.ownership_tags]
    yield from (key for key in proving if not tags.get(key))
    if not _last_was(resource, "AddTags") and not _last_was(resource, "DeleteTags"):
        coming = {tag.key for tag in resource.status.remembered.sentTags or []}
        applied = [key for key in resource.status.remembered.appliedTagKeys or [] if key not in coming]
        yield from (key for key in applied if resource.wanted_tags.get(key) and not tags.get(key))


def lacks(observed: Json, *, wanted: Json) -> bool:
    """Whether AWS's value is the wanted one with something left out, at any depth."""
    if wanted is None or wanted in ("", [], {}):
        return False
    if observed is None or observed in ("", [], {}):
        return True
    if isinstance(wanted, Mapping) and isinstance(observed, Mapping):
        return any(lacks(observed.get(name), wanted=value) for name, value in wanted.items())
    if isinstance(wanted, list | tuple) and isinstance(observed, list | tuple):
        pairs = zip(observed, wanted, strict=False)
        return len(observed) < len(wanted) or any(lacks(there, wanted=value) for there, value in pairs)
    return False


def _last_was(resource: Resource, operation: str, *, states: Set[CallState] = PENDING) -> bool:
    """Whether the newest call is this one, and got so far."""
    last = resource.status.last
    return last is not None and last.operation == operation and last.state in states


def _not_visible_yet(snapshot: ClusterSnapshot) -> float:
    """Seconds for which the tags of a cluster that the operator just created may not be visible."""
    last, cluster = snapshot.resource.status.last, snapshot.observed.cluster
    if cluster is None or last is None or last.operation != "CreateCluster" or not any(_tags(snapshot)):
        return 0.0
    return snapshot.timings.visibility - age(last, now=snapshot.now)
