"""Groups, counts and troubled nodes as status shows them: bounded, so that 5,000 nodes fit in few kilobytes."""

from hyperpod_operator.api.cluster.memory import GroupMemory
from hyperpod_operator.api.cluster.status import AutoScalingStatus, InstanceGroupStatus, NodeCounts, NodeProblem
from hyperpod_operator.core.cluster.deleted_nodes import deleted_nodes, within
from hyperpod_operator.core.cluster.diagnose import Shortfall, shortfalls
from hyperpod_operator.core.cluster.existing import changed_at
from hyperpod_operator.core.cluster.missing import repeated
from hyperpod_operator.core.cluster.node_health import group_health
from hyperpod_operator.core.cluster.offsets import JOINING, LEAVING, applied_count
from hyperpod_operator.core.cluster.ownership import Ownership
from hyperpod_operator.core.cluster.parts import rejected_parts, sendable
from hyperpod_operator.core.cluster.pass_record import Accepted, PassRecord, Rejected
from hyperpod_operator.core.cluster.plan import UpdateCluster
from hyperpod_operator.core.cluster.resource import ADOPTED, CREATED, EXTERNAL, Resource
from hyperpod_operator.core.engine.decision import LookAgain
from hyperpod_operator.core.engine.journal import PENDING, age
from hyperpod_operator.core.errors import ErrorKind
from hyperpod_operator.core.health.facts import DELETING
from hyperpod_operator.core.observed import ObservedCluster, ObservedGroup
from hyperpod_operator.core.text import listed

GROUPS_MOST = 200
MEMBERS_MOST = 64
PROBLEMS_MOST = 20
WORDS_MOST = 1024
NODE_WORDS_MOST = 256
WORDS_OF_ALL_GROUPS_MOST = 12_000
"""Characters that the groups' messages share: 200 groups in trouble must not make status grow past 100 KB."""


# [assumption: replaced-instance-is-listed]
def node_counts(pass_record: PassRecord) -> NodeCounts | None:
    """Counts from DescribeCluster; `running` from the last list of nodes that was read."""
    cluster = pass_record.snapshot.observed.cluster
    if cluster is None:
        return None
    current, target = cluster.current_count, cluster.target_count
    nodes, old = pass_record.snapshot.observed.nodes, pass_record.snapshot.resource.status.nodes
    if nodes is not None:
        running = sum(1 for node in nodes if node.status == "Running")
        others: int | None = len(nodes) - running
    else:
        running, others = (old.running or 0, old.notRunning) if old else (0, None)
    return NodeCounts(
        summary=f"{current}/{target}",
        target=target,
        current=current,
        running=running if nodes is not None or (old and old.running is not None) else None,
        notRunning=others,
    )


def groups_summary(pass_record: PassRecord) -> str | None:
    """Groups in one line: `gpu 4/4, cpu 1/2`; one that AWS deletes is left out once its instances are gone."""
    cluster = pass_record.snapshot.observed.cluster
    if cluster is None:
        return None
    # A removed group has nothing more to come: 0/0 is no count that anybody waits for.
    listed_groups = [one for one in _sorted(cluster.groups) if one.status != DELETING or one.current_count]
    shown = [f"{group.name} {group.current_count}/{group.target_count}" for group in listed_groups]
    return listed(shown, most=10, separator=", ")


def node_problems(pass_record: PassRecord) -> list[NodeProblem] | None:
    """Instances that are not running, by id; what was listed before stands while nodes were not read.

    A node on its way between groups is progress and no problem.
    """
    nodes = pass_record.snapshot.observed.nodes
    if nodes is None:
        return pass_record.snapshot.resource.status.nodeProblems
    fine = {"Running", LEAVING, JOINING}
    troubled = sorted((node for node in nodes if node.status not in fine), key=lambda node: node.instance_id)
    problems = [
        NodeProblem(
            instanceId=node.instance_id,
            instanceGroupName=node.group,
            status=node.status or None,
            message=node.message[:NODE_WORDS_MOST] or None,
        )
        for node in troubled
        if node.instance_id
    ]
    return problems[:PROBLEMS_MOST] or None


def group_statuses(pass_record: PassRecord, *, creating: bool = False) -> list[InstanceGroupStatus] | None:
    """One entry per group that AWS has; while the cluster is being created, per group of the spec.

    The entries carry what must survive a restart: who brought the group in, and the last count of the spec
    that AWS held.
    """
    resource, cluster = pass_record.snapshot.resource, pass_record.snapshot.observed.cluster
    if cluster is None:
        wanted = [_planned(resource, name) for name in sorted(resource.groups)] if creating else None
        return wanted or resource.status.instanceGroups
    short = {
        item.group.name: item
        for item in shortfalls(pass_record.snapshot.observed, since=changed_at(pass_record.snapshot))
    }
    most = min(WORDS_MOST, WORDS_OF_ALL_GROUPS_MOST // max(1, len(short)))
    seen = [
        group_health(pass_record, _observed(pass_record, group, short.get(group.name), words=most))
        for group in _sorted(cluster.groups)
    ]
    present = {group.name for group in cluster.groups}
    planned = {name: _planned(resource, name) for name in _added(pass_record, sending=creating)}
    coming = [entry for name, entry in (_still_coming(pass_record) | planned).items() if name not in present]
    entries = sorted([*seen, *coming], key=lambda entry: entry.instanceGroupName)[:GROUPS_MOST]
    return within(entries, nodes=pass_record.snapshot.observed.nodes) or None


def _observed(
    pass_record: PassRecord, group: ObservedGroup, short: Shortfall | None, *, words: int
) -> InstanceGroupStatus:
    resource = pass_record.snapshot.resource
    record, wanted = resource.recorded_groups.get(group.name), resource.groups.get(group.name)
    external = resource.counts_are_external(group.name)
    count = wanted.instanceCount if wanted else None
    offset = pass_record.snapshot.changes.offsets.get(group.name)
    # An edit ends an offset: what AWS held until then stays on record, so that a lower count is known to be one.
    applied = applied_count(record) if offset is None else record.remembered.appliedInstanceCount if record else None
    types = (group.members.get("instanceRequirements") or {}).get("instanceTypes") or [""]
    return InstanceGroupStatus(
        instanceGroupName=group.name,
        restricted=group.restricted or None,
        status=group.status or None,
        instanceType=group.members.get("instanceType") or types[0] or None,
        targetCount=group.target_count,
        currentCount=group.current_count,
        desiredCount=None if external else count,
        softwareUpdateStatus=group.software_update_status or None,
        currentImageId=group.current_image_id or None,
        currentImageReleaseVersion=group.current_image_release_version or None,
        desiredImageReleaseVersion=_coming_release(group),
        imageVersionStatus=group.image_version_status or None,
        trainingPlanStatus=group.training_plan_status or None,
        message=_words(pass_record, group, short)[:words] or None,
        memory=GroupMemory(
            origin=_origin(pass_record, group),
            appliedInstanceCount=count
            if _holds(pass_record, group, count)
            else _applied(pass_record, group.name, applied),
            countOffset=offset,
            deletedNodes=deleted_nodes(pass_record, group),
            members=_members(pass_record, group),
            deletionProtection=(True if group.name in resource.protected_groups else None),
        ).or_none(),
    )


def _coming_release(group: ObservedGroup) -> str | None:
    """The release that AWS brings the group to, while it differs from the one that runs."""
    desired = group.members.get("imageReleaseVersion")
    return desired if desired and desired != group.current_image_release_version else None


def auto_scaling(cluster: ObservedCluster) -> AutoScalingStatus | None:
    """`status.autoScaling`; None where AWS says nothing of an autoscaler."""
    if not cluster.auto_scaling_status and not cluster.auto_scaling_message:
        return None
    return AutoScalingStatus(
        status=cluster.auto_scaling_status or None, failureMessage=cluster.auto_scaling_message[:WORDS_MOST] or None
    )


def _members(pass_record: PassRecord, group: ObservedGroup) -> list[str] | None:
    """What AWS shows of the group, and what it showed before for as long as its absence is not believed."""
    resource = pass_record.snapshot.resource
    record = resource.recorded_groups.get(group.name)
    doubted = record is not None and isinstance(pass_record.decision, LookAgain)
    before = record.remembered.members or [] if record is not None and doubted else []
    return sorted({*repeated(resource, group), *before})[:MEMBERS_MOST] or None


def _words(pass_record: PassRecord, group: ObservedGroup, short: Shortfall | None) -> str:
    """Why the group is not what the spec asks for: what AWS says, what AWS refused, or what waits for its count."""
    refused = {entry.instanceGroupName: entry.message or "" for entry in rejected_parts(pass_record.snapshot)}
    said = (short.detail if short else "", refused.get(group.name, ""))
    return next((text for text in said if text), pass_record.snapshot.changes.minimum_above_count.get(group.name, ""))


def _holds(pass_record: PassRecord, group: ObservedGroup, count: int | None) -> bool:
    """Whether AWS holds the spec's count. A lower one counts only at rest: until then AWS may go back."""
    record = pass_record.snapshot.resource.recorded_groups.get(group.name)
    before = record.remembered.appliedInstanceCount if record else None
    cluster = pass_record.snapshot.observed.cluster
    at_rest = cluster is not None and cluster.status == "InService" and group.status != "Updating"
    return count == group.target_count and (at_rest or before is None or count >= before)


def _applied(pass_record: PassRecord, name: str, before: int | None) -> int | None:
    """A scale-out that was sent counts as ours at once, so that an edit back is not taken for somebody else's.

    A scale-in counts only when AWS shows it: if AWS rolls it back, the spec still differs from what was applied.
    """
    result = pass_record.result
    if result is None or not isinstance(result.action, UpdateCluster) or not _may_be_done(result):
        return before
    sent = [
        *result.action.request.get("instanceGroups", []),
        *result.action.request.get("restrictedInstanceGroups", []),
    ]
    wanted = [
        change.wanted
        for change in pass_record.snapshot.changes.groups_changed
        if change.path.endswith(f"[{name}].instanceCount")
    ]
    carried = (int(group["instanceCount"]) for group in sent if group["instanceGroupName"] == name)
    counts = [count for count in carried if count in wanted]
    return max([*counts, *([before] if before is not None else [])], default=None)


def _origin(pass_record: PassRecord, group: ObservedGroup) -> str | None:
    """Who brought the group in, decided when it is first seen and never after."""
    resource = pass_record.snapshot.resource
    record = resource.recorded_groups.get(group.name)
    if record and record.remembered.origin:
        return record.remembered.origin
    if pass_record.snapshot.ownership not in {Ownership.OURS, Ownership.RECORDED}:
        return None
    if group.name not in resource.groups:
        return EXTERNAL
    return ADOPTED  # no call of ours is on record that brought it: never delete it on a guess


def _planned(resource: Resource, name: str) -> InstanceGroupStatus:
    """A group that a call of ours brings in."""
    group = resource.groups[name]
    return InstanceGroupStatus(
        instanceGroupName=name,
        desiredCount=None if resource.counts_are_external(name) else group.instanceCount,
        memory=GroupMemory(
            origin=CREATED,
            appliedInstanceCount=group.instanceCount,
            deletionProtection=(True if name in resource.protected_groups else None),
        ),
    )


def _added(pass_record: PassRecord, *, sending: bool) -> tuple[str, ...]:
    """Groups that the update of this pass brings in: it was taken, may have been, or is about to be sent."""
    result = pass_record.result
    taken = result is not None and isinstance(result.action, UpdateCluster) and _may_be_done(result)
    added = pass_record.snapshot.changes.groups_added
    return tuple(name for name in added if name in sendable(pass_record.snapshot)) if sending or taken else ()


def _may_be_done(result: Accepted | Rejected) -> bool:
    """Whether AWS took the call, or may have: no answer is not a refusal."""
    return isinstance(result, Accepted) or result.error.kind is ErrorKind.UNKNOWN_OUTCOME


def _still_coming(pass_record: PassRecord) -> dict[str, InstanceGroupStatus]:
    """Groups on record that AWS does not show yet, while the call that brings them may not be visible."""
    snapshot = pass_record.snapshot
    last = snapshot.resource.status.last
    waiting = last is not None and (
        last.state in PENDING or age(last, now=snapshot.now) < snapshot.timings.propagation_window
    )
    records = snapshot.resource.recorded_groups
    return {name: entry for name, entry in records.items() if waiting and entry.status is None}


def _sorted(groups: tuple[ObservedGroup, ...]) -> list[ObservedGroup]:
    return sorted(groups, key=lambda group: group.name)
