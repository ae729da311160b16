"""Policies for nodes that are to end: wait until no pods run on them and no claim has a volume there, delete them by
name, and say what is awaited.

`departures` says which nodes those are. What is decided here holds back the counts, the removed groups and the deletion
of the cluster until the nodes are ready, and lets everything else go on.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from hyperpod_operator.api.names import COMPUTE_TYPE, DRAINING, Reason
from hyperpod_operator.core.cluster.changes import group_of
from hyperpod_operator.core.cluster.decision import Act, ClusterSnapshot, Decision
from hyperpod_operator.core.cluster.deleted_nodes import room
from hyperpod_operator.core.cluster.departures import (
    Candidate,
    Chosen,
    Departures,
    Handling,
    Unwritten,
    handling,
)
from hyperpod_operator.core.cluster.existing import present
from hyperpod_operator.core.cluster.guards import rejected_before
from hyperpod_operator.core.cluster.node_choice import busy
from hyperpod_operator.core.cluster.plan import DeleteNodes
from hyperpod_operator.core.drain import volumes
from hyperpod_operator.core.drain.marks import BINDING, held_by, held_since
from hyperpod_operator.core.drain.ports import Answer
from hyperpod_operator.core.engine.call import fingerprint
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.errors import SLOW
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.text import counted, listed

NAMED = 5
"""Nodes, and pods, that a message names before it counts the rest."""
TRIES_UNSAID = 3
"""Passes in a row that may fail to take a taint off before Ready says so: a Node that changed meanwhile is no news."""
_CHOICE = (
    "To cancel, set instanceCount to its former value. To evict these pods, set "
    "spec.management.disruption.runningWorkloads to Drain; to wait for nothing, set it to Ignore: then AWS chooses the "
    "nodes."
)
_WHOLE_CHOICE = (
    "To evict these pods, set spec.management.disruption.runningWorkloads to Drain; to wait for nothing, set it to "
    "Ignore."
)
_REFUSED = (
    "AWS does not delete these nodes by name. The operator does not send the count instead, because AWS would end "
    "random nodes. To choose that, set spec.management.disruption.runningWorkloads to Ignore."
)


def held_back(snapshot: ClusterSnapshot, found: Departures) -> ClusterSnapshot:
    """The snapshot without the counts that wait for their nodes, and without the removal of groups that do."""
    changes, groups = snapshot.changes, found.groups
    counts = tuple(
        change
        for change in changes.groups_changed
        if change.path.endswith(".instanceCount") and group_of(change) in groups
    )
    rest = tuple(change for change in changes.groups_changed if change not in counts)
    removed = frozenset(name for name in changes.groups_removed if name in groups and not _may_end(found, name))
    return replace(
        snapshot,
        departures=found,
        changes=replace(changes, groups_changed=rest, scaling_in=counts),
        held_groups=snapshot.held_groups | removed,
    )


def delete_nodes(snapshot: ClusterSnapshot) -> Decision | None:
    """The nodes that are ready, the first group that has some."""
    found = snapshot.departures
    if found is None or found.unsynced or found.read.problem:
        return None
    left = room(snapshot.resource)
    named_now = (one for one in found.chosen if 0 < len(one.ready) <= left and not one.departure.whole)
    return next((_delete(snapshot, one) for one in named_now), None)


def workloads_run(snapshot: ClusterSnapshot) -> Decision | None:
    """Pods run on nodes that are to end, or it is not known whether they do."""
    found = snapshot.departures
    if found is None or not found.chosen or found.held_up:
        return None
    return _unreadable(snapshot, found) or _waits(snapshot, found, [one for one in found.chosen if not one.ends])


def nodes_still_tainted(snapshot: ClusterSnapshot) -> Wait | None:
    """Nodes that are not to end any more keep the taint, because the API server refuses to take it off."""
    found = snapshot.still_marked
    if found is None or found.tries < TRIES_UNSAID:
        return None
    refused = [one for one in found.nodes if one.why]
    message = (
        f"{counted(len(found.nodes), 'Node keeps', 'Nodes keep')} the taint {DRAINING} of a scale-in that is over or "
        f"cancelled, and no new pods come there: {_some([str(one) for one in refused])}. The operator retries; grant "
        "the right, or change the policy that refuses the write."
    )
    return Wait(
        reason=Reason.NODES_STILL_TAINTED,
        message=message,
        after=found.again(snapshot.timings),
        stalled=any(one.denied for one in refused),
    )


def _delete(snapshot: ClusterSnapshot, one: Chosen) -> Decision:
    ids = tuple(sorted(candidate.instance_id for candidate in one.ready))
    action = DeleteNodes(arn=present(snapshot).arn, group=one.departure.group, instance_ids=ids)
    mark = fingerprint(operation="BatchDeleteClusterNodes", desired=[action.arn, list(ids)])
    names = _some([candidate.name for candidate in one.ready])
    if (refused := rejected_before(snapshot, action, mark)) is not None:
        return replace(refused, message=f"{refused.message} {_REFUSED}".strip())
    return Act(
        action=action,
        fingerprint=mark,
        reason=Reason.SCALING,
        message=f"{named(snapshot, one)}: no pods run on {names}; deleting by name.",
    )


def _unreadable(snapshot: ClusterSnapshot, found: Departures) -> Wait | None:
    if found.unsynced:
        message = "The operator is still reading the Nodes; it ends none of them before it knows what runs there."
        return Wait(reason=Reason.WAITING_FOR_WORKLOADS, message=message, after=snapshot.timings.debounce)
    problem = found.read.problem
    if not problem:
        return None
    what = _some([named(snapshot, one) for one in found.chosen])
    if not found.read.denied:
        message = f"{what}: {problem}. The operator ends no node before it knows what runs there, and retries."
        return Wait(reason=Reason.WAITING_FOR_WORKLOADS, message=message, after=snapshot.timings.debounce)
    message = (
        f"{what}: {problem}. The operator ends no node before it knows what runs there. Grant it the permission (the "
        "chart's values nodeHealth.enabled and drain.enabled), or set spec.management.disruption.runningWorkloads to "
        "Ignore: then nothing is waited for, and AWS chooses the nodes."
    )
    return Wait(reason=Reason.WORKLOADS_UNREADABLE, message=message, after=SLOW, stalled=True)


def _waits(snapshot: ClusterSnapshot, found: Departures, waiting: Sequence[Chosen]) -> Wait | None:
    if not waiting:
        return None
    timings = snapshot.timings
    stuck = [one for one in waiting if one.departure.stuck]
    if stuck:
        message = (
            f"{_some([named(snapshot, one) for one in stuck])}: AWS deleted nodes by name and did not lower the count. "
            "The operator deletes no further node, because another one could come for each. Set "
            "spec.management.disruption.runningWorkloads to Ignore to send the count itself (AWS then chooses the "
            "nodes), or set instanceCount to AWS's number."
        )
        return Wait(reason=Reason.COUNT_NOT_LOWERED, message=message, after=SLOW, stalled=True)
    if all(one.departure.settling > 0 and not one.nodes for one in waiting):
        left = min(one.departure.settling for one in waiting)
        what = _some([named(snapshot, one) for one in waiting])
        message = f"{what}: the nodes were deleted by name; the operator waits until AWS shows the new count."
        return Wait(reason=Reason.SETTLING, message=message, after=max(1.0, min(left, timings.poll)))
    lost = [each for one in waiting for each in one.detaching if each.node is None]
    if lost:
        claims = [name for each in lost for name in each.claims]
        message = (
            f"{_some(list(dict.fromkeys(named(snapshot, one) for one in waiting)))}: EBSVolumeClaims have volumes on "
            f"{_some([each.name for each in lost])}: {volumes.named(claims)}. {volumes.suspend(claims)}"
        )
        return Wait(reason=Reason.VOLUMES_ATTACHED, message=message, after=timings.poll, stalled=True)
    message = " ".join(_awaited(snapshot, found, one) for one in waiting[:NAMED])
    if all(_only_volumes(one) for one in waiting):
        return _detaches(snapshot, message)
    stopped = [one.message.rstrip(".") for one in found.evicted if one.answer not in {Answer.ACCEPTED, Answer.GONE}]
    stopped += found.refused
    if stopped:
        message += f" Not evicted yet: {_some(list(dict.fromkeys(stopped)))}."
    whole = any(one.departure.whole for one in waiting)
    if found.timed_out:
        message += (
            " spec.management.disruption.drainTimeoutSeconds is over: the operator evicts no more pods and waits for "
            "these. End them, raise the timeout, or set runningWorkloads to Ignore."
        )
        return Wait(reason=Reason.DRAIN_TIMED_OUT, message=message, after=SLOW, stalled=True)
    if handling(snapshot.resource) is Handling.DRAIN:
        blocked = bool(found.refused) or any(one.blocked for one in found.evicted)
        reason = Reason.EVICTION_BLOCKED if blocked else Reason.EVICTING_WORKLOADS
        return Wait(reason=reason, message=message, after=BINDING)
    choice = _WHOLE_CHOICE if whole else _CHOICE
    held = all(one.node is None or held_since(one.node) for each in waiting for one in each.nodes)
    return Wait(
        reason=Reason.WAITING_FOR_WORKLOADS,
        message=f"{message} {choice}",
        after=timings.poll if held else BINDING,
    )


def _detaches(snapshot: ClusterSnapshot, message: str) -> Wait:
    """Claims were asked to detach, or are next. A cluster that failed detaches nothing any more."""
    if snapshot.resource.deleting:
        message += " To wait for no claim, set spec.management.attachedVolumes to Orphan: the volumes stay, unattached."
    if present(snapshot).status == "Failed":
        message = f"{message} AWS detaches volumes only while the cluster is InService, and it is Failed."
        return Wait(reason=Reason.VOLUMES_ATTACHED, message=message, after=snapshot.timings.poll, stalled=True)
    return Wait(reason=Reason.DETACHING_VOLUMES, message=message, after=BINDING)


def _awaited(snapshot: ClusterSnapshot, found: Departures, one: Chosen) -> str:
    """Which nodes of the group go, and what they wait for."""
    what = named(snapshot, one)
    if one.foreign and len(one.nodes) < one.departure.surplus:
        names = _some(
            [
                f"{each.name} ({held_by(each.node) or 'a taint that was added by hand'})"
                for each in one.foreign
                if each.node
            ]
        )
        return f"{what}: these nodes are drained for something else, and the operator waits for that: {names}."
    refused = {each.node: each for each in found.unmarked}
    waiting = [each for each in one.nodes if each not in one.drained and each.name not in refused]
    parts = [
        _unmarked([refused[each.name] for each in one.nodes if each.name in refused]),
        _kept_off(found, [each for each in waiting if each.node is not None], now=snapshot.now),
        _unseen(found, [each for each in waiting if each.node is None]),
        _detaching(one),
    ]
    said = " ".join(part for part in parts if part)
    return f"{what}: {said or 'the operator waits until AWS shows the new count.'}"


def _unmarked(refused: Sequence[Unwritten]) -> str:
    """Which Nodes the API server did not let the operator mark; empty for none."""
    if not refused:
        return ""
    names = _some([str(one) for one in refused])
    return f"These Nodes cannot be marked, and do not end before they are: {names}; the operator retries."


def _kept_off(found: Departures, waiting: Sequence[Candidate], *, now: datetime) -> str:
    """Which nodes get no new pods, and what they wait for; empty for none."""
    if not waiting:
        return ""
    nodes = [each.node for each in waiting if each.node is not None]
    pods = busy(found.read.pods, nodes=nodes, now=now)
    awaited = [str(pod) for each in waiting for pod in pods.get(each.host, ())]
    since = [moment for node in nodes if (moment := held_since(node)) is not None]
    if not awaited:
        ends = "it ends" if len(waiting) == 1 else "they end"
        return f"new pods are kept off {_some([each.name for each in waiting])} before {ends}."
    when = f" since {stamp(min(since))}" if since else ""
    names, ending = _some([each.name for each in waiting]), "s" if len(waiting) == 1 else ""
    return f"{names} get{ending} no new pods{when} and wait{ending} for {_some(awaited)}."


def _unseen(found: Departures, waiting: Sequence[Candidate]) -> str:
    """Which nodes run pods although the operator sees no Node of theirs; empty for none."""
    hosts = {each.host for each in waiting}
    pods = [str(pod) for pod in found.read.pods if pod.node in hosts] if hosts else []
    if not pods:
        return ""
    return (
        f"The operator sees no Node of HyperPod for {_some(sorted(hosts))}, and pods run there: {_some(pods)}. Check "
        f"that the Node has the label {COMPUTE_TYPE}=hyperpod, or delete the pods."
    )


def _detaching(one: Chosen) -> str:
    """Which claims the drained nodes wait for; empty for none."""
    claims = [name for each in one.detaching for name in each.claims]
    if not claims:
        return ""
    names = _some([each.name for each in one.detaching])
    return (
        f"No pods run on {names}; EBSVolumeClaims detach their volumes first: {volumes.named(claims)}. "
        f"{volumes.look_at(claims)}"
    )


def named(snapshot: ClusterSnapshot, one: Chosen) -> str:
    """What ends, for messages: `Scale-in of group cpu from 2 to 1`."""
    name = one.departure.group
    if snapshot.resource.deleting:
        return f"Deletion of the cluster (group {name})"
    if one.departure.whole:
        return f"Removal of group {name}"
    change = next(
        (
            each
            for each in snapshot.changes.scaling_in or snapshot.changes.groups_changed
            if group_of(each) == name and each.path.endswith(".instanceCount")
        ),
        None,
    )
    return f"Scale-in of group {name}" + (f" from {change.observed} to {change.wanted}" if change else "")


def _only_volumes(one: Chosen) -> bool:
    """Whether nothing of it waits but for claims that were asked to detach, or are next."""
    return bool(one.detaching) and len(one.drained) == len(one.nodes)


def _may_end(found: Departures, group: str) -> bool:
    one = found.of(group)
    return one is not None and one.ends and not found.unsynced and not found.read.problem


def _some(names: Sequence[str]) -> str:
    return listed(names, most=NAMED, separator=", ")
