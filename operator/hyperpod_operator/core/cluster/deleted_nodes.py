"""The record of nodes that the operator deletes by name: what status keeps of it, and how much."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from hyperpod_operator.api.cluster.memory import DeletedNode
from hyperpod_operator.api.cluster.status import InstanceGroupStatus
from hyperpod_operator.core.cluster.changes import group_of
from hyperpod_operator.core.cluster.decision import Act
from hyperpod_operator.core.cluster.offsets import RECENT
from hyperpod_operator.core.cluster.pass_record import Accepted, PassRecord, Rejected
from hyperpod_operator.core.cluster.plan import DeleteNodes
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.engine.memory import updated
from hyperpod_operator.core.errors import ErrorKind
from hyperpod_operator.core.moments import parse_time, stamp
from hyperpod_operator.core.nodes.batch import UNCERTAIN
from hyperpod_operator.core.observed import ObservedGroup, ObservedNode

GROUP_MOST = 100
"""Deleted nodes of a group that status keeps."""
ALL_MOST = 1000
"""Those of all groups together: each takes about 80 bytes."""


def deleted_nodes(pass_record: PassRecord, group: ObservedGroup) -> list[DeletedNode] | None:
    """Nodes that the operator deletes by name: those of this pass's call, and those on record that are listed still or
    whose deletion events may explain a count."""
    snapshot, result, decision = pass_record.snapshot, pass_record.result, pass_record.decision
    record = snapshot.resource.recorded_groups.get(group.name)
    kept = {one.instanceId: one for one in (record.remembered.deletedNodes if record else None) or ()}
    if isinstance(decision, Act) and isinstance(decision.action, DeleteNodes) and decision.action.group == group.name:
        for name in _may_be_deleted(decision.action.instance_ids, result):
            kept.pop(name, None)
            kept[name] = DeletedNode(instanceId=name, time=stamp(snapshot.now), targetCount=group.target_count)
    listed = None if snapshot.observed.nodes is None else {node.instance_id for node in snapshot.observed.nodes}
    stays = [
        one
        for name, one in kept.items()
        if listed is None or name in listed or _recent(one.time, now=snapshot.now) < RECENT
    ]
    if group.name not in {group_of(change) for change in snapshot.changes.scaling_in}:
        # The count is where it is to be: what an earlier call was to change of it is over.
        stays = [one.model_copy(update={"targetCount": None}) for one in stays]
    return stays[-GROUP_MOST:] or None


def _may_be_deleted(asked: tuple[str, ...], result: Accepted | Rejected | None) -> tuple[str, ...]:
    """The nodes that AWS may be ending: all of them before the call is sent, and when no answer came."""
    if isinstance(result, Rejected):
        return asked if result.error.kind in {ErrorKind.UNKNOWN_OUTCOME, ErrorKind.TRANSIENT} else ()
    if result is None or result.nodes is None:
        return asked
    refused = {one.instance_id for one in result.nodes.failed if one.code not in UNCERTAIN}
    return tuple(name for name in asked if name not in refused)


def _recent(time: str | None, *, now: datetime) -> timedelta:
    moment = parse_time(time or "")
    return now - moment if moment else timedelta.max


def within(
    entries: Sequence[InstanceGroupStatus], *, nodes: Iterable[ObservedNode] | None
) -> list[InstanceGroupStatus]:
    """The groups with as many deleted nodes as status keeps of all: those whose count AWS has not lowered yet, then
    those that are listed still, then the latest."""
    found = [(entry.instanceGroupName, one) for entry in entries for one in entry.remembered.deletedNodes or ()]
    if len(found) <= ALL_MOST:
        return list(entries)
    listed = {node.instance_id for node in nodes or ()}

    def rank(item: tuple[str, DeletedNode]) -> tuple[bool, bool, str, str]:
        _, one = item
        return (one.targetCount is not None, one.instanceId in listed, one.time or "", one.instanceId)

    kept = {(group, one.instanceId) for group, one in sorted(found, key=rank, reverse=True)[:ALL_MOST]}

    def cut(entry: InstanceGroupStatus) -> InstanceGroupStatus:
        before = entry.remembered.deletedNodes or []
        after = [one for one in before if (entry.instanceGroupName, one.instanceId) in kept]
        return entry if after == before else updated(entry, {"deletedNodes": after or None})

    return [cut(entry) for entry in entries]


def room(resource: Resource) -> int:
    """How many nodes may be deleted by name now: as long as AWS has not lowered a count, its nodes stay on record."""
    groups = resource.status.instanceGroups or []
    pending = sum(one.targetCount is not None for group in groups for one in group.remembered.deletedNodes or ())
    return ALL_MOST - pending
