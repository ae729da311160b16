"""Counts that a move or a deletion of single nodes changed: carried until a person edits the count.

MoveClusterNodes and BatchDeleteClusterNodes are about nodes that somebody named. To answer them with the spec's count
would buy a node for the group that lost one, and hold the group that got one. So the difference is kept as an offset to
the spec's count: until instanceCount is edited, or AWS is back at it. Without evidence the spec wins.

Evidence is a HyperPodNodeOperation that asked AWS about the node, a node that is listed as moving, an instance id that
was listed in another group before, or a recent event about an instance of the group that says that it is deleted. AWS
documents neither the words of these events nor whether the two calls change TargetCount (of a move it is inferred from
its rule about MinInstanceCount); without a changed TargetCount there is no offset.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from hyperpod_operator.api.cluster.memory import CountOffset
from hyperpod_operator.api.cluster.status import InstanceGroupStatus
from hyperpod_operator.core.cluster.node_calls import DELETE, MOVE, call_of
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.engine.journal import PENDING
from hyperpod_operator.core.moments import parse_time, stamp
from hyperpod_operator.core.observed import Observed, ObservedGroup

# [assumption: moved-node-keeps-its-id]
LEAVING, JOINING = "DetachInProgress", "AttachInProgress"
"""ClusterInstanceStatus of a node on its way between groups (API model of botocore 1.44.8)."""
RECENT = timedelta(hours=2)
"""How old an event may be to explain a count: the operator looks at a settled cluster every few minutes."""


def offsets(*, resource: Resource, observed: Observed, now: datetime) -> Mapping[str, CountOffset]:
    """The offset of each group whose count is ours and was changed node by node."""
    cluster = observed.cluster
    if cluster is None:
        return {}
    found = {
        group.name: _offset(resource=resource, group=group, observed=observed, now=now)
        for group in cluster.groups
        if group.name in resource.groups and not resource.counts_are_external(group.name)
    }
    return {name: offset for name, offset in found.items() if offset is not None}


def applied_count(record: InstanceGroupStatus | None) -> int | None:
    """The last count of the spec that AWS held, with the nodes that joined the group by name since then."""
    if record is None:
        return None
    offset, applied = record.remembered.countOffset, record.remembered.appliedInstanceCount
    if offset is None or offset.instanceCount is None:
        return applied
    # What was sent while the offset was carried has it in it: the spec's own count is the one that it adds to.
    return offset.instanceCount + max(0, offset.value)


def wanted_count(*, resource: Resource, name: str, offset: CountOffset | None) -> int:
    """The spec's count, with what single nodes changed of it."""
    return max(0, resource.groups[name].instanceCount + (offset.value if offset else 0))


def evidence_decides(resource: Resource, observed: Observed) -> bool:
    """Whether AWS held a count of ours and has another one now, for no reason that the status knows."""
    groups = observed.cluster.groups if observed.cluster is not None and not resource.deleting else ()
    ours = (group for group in groups if group.name in resource.groups)
    return any(_in_question(resource, group) for group in ours if not resource.counts_are_external(group.name))


def _in_question(resource: Resource, group: ObservedGroup) -> bool:
    spec, last = resource.groups[group.name].instanceCount, resource.status.last
    record, difference = resource.recorded_groups.get(group.name), group.target_count - spec
    old = record.remembered.countOffset if record else None
    if record is None or difference == 0 or (old is not None and difference == old.value):
        return False
    held = record.remembered.appliedInstanceCount == spec if old is None else old.instanceCount == spec
    return held and not (last is not None and last.operation == "UpdateCluster" and last.state in PENDING)


def _offset(*, resource: Resource, group: ObservedGroup, observed: Observed, now: datetime) -> CountOffset | None:
    spec, last = resource.groups[group.name].instanceCount, resource.status.last
    record = resource.recorded_groups.get(group.name)
    old = record.remembered.countOffset if record else None
    if old is not None and old.instanceCount != spec:
        return None  # a person edited the count: it says all
    difference = group.target_count - spec
    if difference == 0:
        return None
    if not _in_question(resource, group):
        return old
    sent = parse_time(last.time or "") if last is not None and last.operation == "UpdateCluster" else None
    since = max(now - RECENT, sent) if sent else now - RECENT
    operation = _evidence(group, difference - (old.value if old else 0), record=record, observed=observed, since=since)
    if not operation:
        return old
    return CountOffset(value=difference, since=stamp(now), operation=operation, instanceCount=spec)


def _evidence(
    group: ObservedGroup,
    difference: int,
    *,
    record: InstanceGroupStatus | None,
    observed: Observed,
    since: datetime,
) -> str:
    """Which call explains that the target count changed by so much; empty when none does."""
    listed = {node.instance_id: node for node in observed.nodes or ()}
    named = _named(group, observed=observed, since=since)
    moved = {one.instance_id for one in observed.operated if one.call == MOVE and one.at >= since}
    arrived = {
        node.instance_id
        for node in listed.values()
        if node.group == group.name
        and (
            node.status == JOINING
            or observed.former_groups.get(node.instance_id, group.name) != group.name
            or (node.instance_id in moved and node.instance_id not in named)
        )
    }
    left = {
        instance
        for instance, name in observed.former_groups.items()
        if name == group.name and instance in listed and listed[instance].group != name
    } | {node.instance_id for node in listed.values() if node.group == group.name and node.status == LEAVING}
    # What the operator deleted to lower the count is the spec's count already, and explains nothing beyond it.
    ours = {one.instanceId for one in (record.remembered.deletedNodes if record else None) or ()}
    deleted = {instance for instance, call in named.items() if call == DELETE} - ours
    # A node that moves to another cluster is in no list of this one any more.
    left |= {instance for instance, call in named.items() if call == MOVE and instance not in arrived}
    if difference > 0:
        # A node that is still detaching is not listed in the group that it will join.
        coming = {node.instance_id for node in listed.values() if node.status == LEAVING and node.group != group.name}
        return MOVE if len(arrived | coming) >= difference else ""
    if len(left) >= -difference:
        return MOVE
    return DELETE if len(left | deleted) >= -difference else ""


def _named(group: ObservedGroup, *, observed: Observed, since: datetime) -> Mapping[str, str]:
    """Instances that left the group by a call that named them, and which call: by events, and by operations of ours.

    A node that was moved and then deleted has its event in the group that it had moved to.
    """
    former = observed.former_groups
    events = {
        event.instance_id: call_of(event.description)
        for event in sorted(observed.events, key=lambda event: event.at)
        if event.instance_id
        and group.name in {event.group, former.get(event.instance_id)}
        and event.at >= since
        and call_of(event.description)
    }
    ours = {
        one.instance_id: one.call
        for one in observed.operated
        if group.name in {one.group, former.get(one.instance_id)} and one.at >= since
    }
    return {**events, **ours}
