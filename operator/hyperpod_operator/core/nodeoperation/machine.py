"""One state machine for each node: the entry that is stored and what is observed give the next entry.

Pure and total: whatever is observed, the next state is one that `states.TRANSITIONS` allows. What a node needs from the
world (marks, evictions, the call) is decided by the concerns; here is only what follows from what is seen.
"""

from collections.abc import Iterable, Set
from dataclasses import replace
from datetime import timedelta

from hyperpod_operator.api.nodeoperation.status import NodeMemory
from hyperpod_operator.core.drain import volumes
from hyperpod_operator.core.engine.memory import updated
from hyperpod_operator.core.moments import parse_time, stamp
from hyperpod_operator.core.nodeoperation.aftermath import GOES_ON, UNMARKED, followed, left_to_aws
from hyperpod_operator.core.nodeoperation.drains import NodeDrain
from hyperpod_operator.core.nodeoperation.evidence import Evidence, Sign, evidence
from hyperpod_operator.core.nodeoperation.fitness import kept_by_minimum, unfit
from hyperpod_operator.core.nodeoperation.misnamed import not_listed
from hyperpod_operator.core.nodeoperation.service import held_up, out_of_service, refused
from hyperpod_operator.core.nodeoperation.snapshot import Entry, Snapshot, is_under_repair
from hyperpod_operator.core.nodeoperation.states import ASKED, FINAL, IN_FLIGHT, TRANSITIONS, Phase, State
from hyperpod_operator.core.nodes.batch import NodeCall
from hyperpod_operator.core.text import counted, plain, sentence, shortened

WAITING_MOST = 5
MESSAGE_MOST = 1000
ENDS = "AWS is ending this instance; the operation asks nothing of it and waits until it is gone."
REPAIRED = "HyperPod is about to repair this node by itself (nodesUnderRepair: Include operates on it anyway)."


def moved(snapshot: Snapshot, entry: Entry, state: State, message: str = "", **fields: object) -> Entry:
    """The entry in another state. Raises ValueError for a state that may not follow."""
    if state != entry.state and state not in TRANSITIONS[State(entry.state)]:
        raise ValueError(f"{entry.id}: {state} may not follow {entry.state}")
    ends = {"completionTime": stamp(snapshot.now), "waitingFor": None} if state in FINAL else {}
    # Whatever became of the write of a mark: a node that is held no more has its marks taken off once.
    left = entry.state in IN_FLIGHT and state not in IN_FLIGHT and entry.name
    marked = {"marked": entry.remembered.marked or str(Phase.DRAIN)} if left else {}
    text = shortened(plain(message), MESSAGE_MOST) or None
    return updated(entry, {"state": str(state), "message": text, **ends, **marked, **fields})


def advance(snapshot: Snapshot) -> Snapshot:
    """The same snapshot with every node where this pass sees it."""
    entries = {entry.id: entry for entry in snapshot.entries}
    taken = {entry.replacedBy for entry in snapshot.entries if entry.replacedBy}
    why = held_up(snapshot)
    for entry in snapshot.entries:
        after = _observed(snapshot, entry, taken, held_up=why)
        if after.replacedBy:
            taken.add(after.replacedBy)
        entries[entry.id] = after
    return replace(snapshot, entries=tuple(_started(snapshot, entries.values())))


def _member(entry: Entry, name: str) -> object:
    return getattr(entry.remembered if name in NodeMemory.model_fields else entry, name)


def _changed(entry: Entry, **fields: object) -> Entry:
    """The entry with these members; the same one where it has them. A pass over hundreds of nodes changes few."""
    new = {name: value for name, value in fields.items() if _member(entry, name) != value}
    return updated(entry, new) if new else entry


def _observed(snapshot: Snapshot, entry: Entry, taken: Set[str], *, held_up: str) -> Entry:
    if entry.state in FINAL:
        return followed(snapshot, entry, taken) if entry.remembered.leftToAwsSince else entry
    if snapshot.operation.deleting:
        return _given_up(snapshot, entry, "the operation is deleted.")
    if snapshot.obstacle is not None and snapshot.obstacle.final:
        return _given_up(snapshot, entry, snapshot.obstacle.message)
    if snapshot.is_late:
        return _given_up(snapshot, entry, "activeDeadlineSeconds is over.")
    halted = snapshot.halted or ("Not approved any more" if snapshot.is_held else "")
    if halted and entry.state == State.DRAINING:
        text = f"{halted} before AWS was asked."
        return moved(snapshot, entry, State.PENDING, text, startTime=None, waitingFor=None)
    if snapshot.cluster is None or snapshot.foreseen:
        return entry
    entry = _identified(snapshot, entry)
    if entry.state in ASKED:
        return _asked(snapshot, entry, evidence(snapshot, entry, taken=taken))
    if snapshot.instance(entry) is None:
        return _absent(snapshot, entry)
    entry = _changed(entry, missingSince=None)
    if entry.state == State.DRAINING:
        return _draining(snapshot, entry, snapshot.drains.nodes.get(entry.id, NodeDrain()), held_up=held_up)
    return _pending(snapshot, entry, held_up=held_up)


def _identified(snapshot: Snapshot, entry: Entry) -> Entry:
    """What a node is called, as soon as it is known: AWS may list it later than the operation names it."""
    node, instance = snapshot.node(entry), snapshot.instance(entry)
    return _changed(
        entry,
        name=entry.name or (node.name if node is not None else None),
        instanceGroupName=entry.instanceGroupName or (instance.group if instance is not None else None),
        nodeLogicalId=entry.nodeLogicalId or (instance.logical_id or None if instance is not None else None),
    )


def _given_up(snapshot: Snapshot, entry: Entry, why: str) -> Entry:
    if entry.state == State.PENDING:
        return moved(snapshot, entry, State.SKIPPED, f"Not started: {why}")
    message = f"Given up: {why}{f' Last seen: {sentence(entry.message)}' if entry.message else ''}"
    if entry.state not in ASKED:
        return moved(snapshot, entry, State.FAILED, f"{message} AWS was not asked.")
    left = left_to_aws(snapshot, entry)
    return moved(snapshot, entry, State.FAILED, f"{message}{GOES_ON if left else UNMARKED}", **left)


def _absent(snapshot: Snapshot, entry: Entry) -> Entry:
    """AWS does not list the node. One look proves nothing."""
    since = parse_time(entry.remembered.missingSince or "")
    if since is None:
        return updated(
            entry, {"missingSince": stamp(snapshot.now), "message": "AWS does not list this node; looking again."}
        )
    if (snapshot.now - since).total_seconds() < snapshot.timings.missing:
        return entry
    state = State.SKIPPED if snapshot.operation.call is NodeCall.DELETE else State.FAILED
    return moved(snapshot, entry, state, not_listed(snapshot, entry))


def _pending(snapshot: Snapshot, entry: Entry, *, held_up: str) -> Entry:
    claims = snapshot.claims.get(entry.instanceId or "", ())
    if is_under_repair(snapshot.node(entry)) and not snapshot.operation.includes_repairs:
        return moved(snapshot, entry, State.SKIPPED, REPAIRED)
    if message := unfit(snapshot, entry):
        return moved(snapshot, entry, State.SKIPPED, message)
    if snapshot.operation.refuses_volumes and claims:
        return moved(
            snapshot, entry, State.SKIPPED, f"Volumes are attached (volumes: Refuse), of {', '.join(claims[:3])}."
        )
    if snapshot.is_ending(entry):
        return _changed(entry, message=ENDS)
    holder = snapshot.holder(entry)
    waits = f"Waits for {holder}, which has this node." if holder else kept_by_minimum(snapshot, entry)
    return _changed(entry, message=waits or held_up or None)


def _draining(snapshot: Snapshot, entry: Entry, found: NodeDrain, *, held_up: str) -> Entry:
    if is_under_repair(snapshot.node(entry)) and not snapshot.operation.includes_repairs:
        return moved(snapshot, entry, State.SKIPPED, REPAIRED)
    if found.timed_out and not snapshot.may_force:
        names = ", ".join(found.waiting[:3])
        why = f" {found.why}." if found.why else ""
        return moved(
            snapshot,
            entry,
            State.FAILED,
            "The drain took longer than drainTimeoutSeconds, and onTimeout is Abort: "
            f"{counted(len(found.waiting), 'pod is', 'pods are')} "
            f"left ({names}).{why} AWS was not asked, and the node is left as it was.",
            drainTimedOut=True,
        )
    claims = snapshot.volumes_on(entry)
    if held_up and (claims or not found.done) and not refused(entry):
        return moved(snapshot, entry, State.PENDING, held_up, startTime=None, waitingFor=None)
    fields: dict[str, object] = {"waitingFor": list(found.waiting[:WAITING_MOST]) or None}
    if found.timed_out:
        fields["drainTimedOut"] = True
    if entry.remembered.marked and (holder := snapshot.holder(entry)):
        fields["message"] = f"Waits for {holder}, which has this node."
    elif snapshot.is_ending(entry):
        fields["message"] = ENDS
    elif found.waiting or found.why:
        fields["message"] = _waits(found)
    elif claims:
        fields["message"] = _volumes(claims, asked=not snapshot.has_unasked_claims(entry))[:MESSAGE_MOST]
    elif entry.remembered.marked and not entry.remembered.retryTime:
        fields["message"] = held_up or None
    return _changed(entry, **fields)


def _waits(found: NodeDrain) -> str:
    more = f" ({counted(len(found.waiting), 'pod')} in all)" if len(found.waiting) > 1 else ""
    said = found.why or (f"{found.waiting[0]}: it is evicted" if found.waiting else "")
    return f"Waits for {said}{more}."[:MESSAGE_MOST]


def _volumes(claims: tuple[str, ...], *, asked: bool) -> str:
    """Which claims the node waits for, and where to look; what to do where no Node can ask them."""
    if asked:
        return (
            f"Waits until EBSVolumeClaims have detached their volumes: {volumes.named(claims)}. "
            f"{volumes.look_at(claims)}"
        )
    return (
        f"Waits until no EBSVolumeClaim has a volume here: {volumes.named(claims)}. {volumes.suspend(claims)} When the "
        "operation is over, set suspend to false."
    )


def _asked(snapshot: Snapshot, entry: Entry, seen: Evidence) -> Entry:
    """AWS was asked, or may have been. What is seen decides, and not what AWS answered."""
    if seen.sign is Sign.DONE and snapshot.operation.call in {NodeCall.DELETE, NodeCall.REPLACE}:
        return _confirmed_gone(snapshot, entry, seen)
    if seen.sign is Sign.DONE:
        text = f"Replaced by {seen.replaced_by}." if seen.replaced_by else "Seen to be done."
        return moved(snapshot, entry, State.SUCCEEDED, text, replacedBy=seen.replaced_by or entry.replacedBy)
    if seen.sign is Sign.FAILED:
        text = "The deep health check failed. HyperPod reboots or replaces the node; see its fault labels."
        return moved(snapshot, entry, State.FAILED, text)
    if seen.sign is Sign.GONE:
        since = parse_time(entry.remembered.missingSince or "")
        if since is not None and (snapshot.now - since).total_seconds() >= snapshot.timings.missing:
            text = "The instance is gone, which this operation does not do: HyperPod or another client ended it."
            return moved(snapshot, entry, State.FAILED, text)
        return updated(entry, {"missingSince": entry.remembered.missingSince or stamp(snapshot.now)})
    replaced = snapshot.operation.call is NodeCall.REPLACE and snapshot.instance(entry) is None
    missing = (entry.remembered.missingSince or stamp(snapshot.now)) if replaced else None
    fields: dict[str, object] = {"missingSince": missing, "replacedBy": seen.replaced_by or entry.replacedBy}
    if seen.sign is Sign.BEGUN:
        fields |= {"begun": True, "message": f"In progress: waits for {seen.waits_for}."}
        return _changed(entry, **fields)
    sent = parse_time(entry.sentTime or "")
    if entry.state == State.SENT and sent and (snapshot.now - sent).total_seconds() >= snapshot.timings.unanswered:
        text = (
            "AWS did not answer the call, and nothing of its effect is seen. The operator does not send it again, "
            "because AWS may have carried it out; check the node, and create another operation for it if it needs one."
        )
        return moved(snapshot, entry, State.FAILED, text)
    if entry.state == State.SENT:
        until = f", until {stamp(sent + timedelta(seconds=snapshot.timings.unanswered))}" if sent else ""
        fields["message"] = f"AWS's answer is not known. The call is not repeated; waits for {seen.waits_for}{until}."
    else:
        fields["message"] = f"AWS accepted the call; waits for {seen.waits_for}."
    return _changed(entry, **fields)


def _confirmed_gone(snapshot: Snapshot, entry: Entry, seen: Evidence) -> Entry:
    """What deletes or replaces a node is done when AWS leaves the instance out of its list for a while: one look proves
    nothing."""
    new = seen.replaced_by or entry.replacedBy
    since = parse_time(entry.remembered.missingSince or "")
    if since is not None and (snapshot.now - since).total_seconds() >= snapshot.timings.missing:
        return moved(
            snapshot,
            entry,
            State.SUCCEEDED,
            _how_it_ended(snapshot, entry, new),
            replacedBy=new,
        )
    return updated(
        entry,
        {
            "missingSince": entry.remembered.missingSince or stamp(snapshot.now),
            "begun": True,
            "replacedBy": new,
            "message": "In progress: AWS does not list the instance any more; looking again.",
        },
    )


def _how_it_ended(snapshot: Snapshot, entry: Entry, new: str | None) -> str:
    if new:
        return f"Replaced by {new}."
    if snapshot.operation.call is NodeCall.REPLACE:
        group = entry.instanceGroupName
        return f"The instance is gone. Karpenter scales group {group}, and launches another one when pods need it."
    return "The instance is gone."


def _started(snapshot: Snapshot, entries: Iterable[Entry]) -> list[Entry]:
    """As many pending nodes as there is room for begin to drain."""
    found = list(entries)
    after = replace(snapshot, entries=tuple(found))
    if not may_start(snapshot) or not snapshot.operation.is_recorded or held_up(after):
        return found
    most = snapshot.operation.room(len(found)) if out_of_service(snapshot) is None else 1
    room = most - sum(entry.state in IN_FLIGHT for entry in found)
    left = dict(after.spare)
    made = []
    for entry in found:
        startable = (
            entry.state == State.PENDING and snapshot.instance(entry) is not None and not entry.remembered.missingSince
        )
        group = instance.group if (instance := snapshot.instance(entry)) is not None else ""
        free = not snapshot.holder(entry) and not snapshot.is_ending(entry)
        if startable and free and room > 0 and left.get(group, 1) > 0:
            room -= 1
            if group in left:
                left[group] -= 1
            notes = {"startTime": stamp(snapshot.now), "askedLast": None, "attempts": None, "retryTime": None}
            entry = updated(moved(snapshot, entry, State.DRAINING), notes)
        made.append(entry)
    return made


def may_start(snapshot: Snapshot) -> bool:
    """Whether nodes may begin now."""
    return may_choose(snapshot) and not (snapshot.operation.dry or snapshot.waits_to_begin or snapshot.is_held)


def may_choose(snapshot: Snapshot) -> bool:
    """Whether the nodes of the operation can be chosen."""
    return (
        not snapshot.operation.deleting
        and snapshot.obstacle is None
        and snapshot.cluster is not None
        and snapshot.nodes_known
    )
