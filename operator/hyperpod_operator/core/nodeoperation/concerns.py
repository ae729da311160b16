"""The questions that a pass over a node operation asks, in this order; the first action that nothing blocks is taken.

    Withdrawal   What of ours has to come off Nodes?          deleted, ended, suspended, left behind by a dead process
    Acceptance   May the operation use its cluster?           blocks actions until it may
    Approval     Does the cluster's changePolicy let it act?  blocks actions until it does
    Call         Which drained nodes is AWS asked about?
    Marks        Which Nodes have to show what is going on?
    Eviction     Which pods leave now?
    Outcome      How far is it, in one reason and message?
    Expiry       Is the finished object's time over?

A concern owns its conditions, and one that waits hides no other: a suspended operation still takes its marks off, one
whose cluster is gone still says how far it came.
"""

import math
from collections.abc import Iterable, Sequence

from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.core.drain.marks import is_ahead, is_drained_for
from hyperpod_operator.core.drain.turns import gangs_in_turn, in_turn
from hyperpod_operator.core.engine.finding import Blocks, Concern, Finding
from hyperpod_operator.core.moments import parse_time, stamp
from hyperpod_operator.core.nodeoperation.approval import approval, plan_approved
from hyperpod_operator.core.nodeoperation.outcome import outcome
from hyperpod_operator.core.nodeoperation.plan import (
    OWNED,
    Action,
    Evict,
    Expire,
    Mark,
    Unmark,
    call,
    next_batch,
)
from hyperpod_operator.core.nodeoperation.readiness import is_drained, ready, until_closed
from hyperpod_operator.core.nodeoperation.service import held_up, refused, refuses_all
from hyperpod_operator.core.nodeoperation.snapshot import Entry, Snapshot
from hyperpod_operator.core.nodeoperation.states import ASKED, IN_FLIGHT, Phase, State
from hyperpod_operator.core.nodeoperation.timings import GANGS_IN_A_PASS, MARKS_IN_A_PASS
from hyperpod_operator.core.nodes.batch import BATCH, NodeCall
from hyperpod_operator.core.text import counted


def withdrawal(snapshot: Snapshot) -> Finding[Action] | None:
    """Marks of nodes that the operation does not hold any more."""
    stale = [
        entry.name
        for entry in snapshot.entries
        if entry.name
        and entry.remembered.marked
        and entry.state not in IN_FLIGHT
        and not entry.remembered.leftToAwsSince
    ]
    nodes = _in_turn(snapshot, dict.fromkeys([*stale, *snapshot.left_marked]))
    if nodes:
        return Finding(action=Unmark(nodes=nodes), blocks=Blocks.ACTIONS)
    return Finding(blocks=Blocks.ACTIONS) if snapshot.operation.deleting else None


def acceptance(snapshot: Snapshot) -> Finding[Action] | None:
    """The cluster is there, and its tags name the HyperPodCluster of this namespace."""
    obstacle = snapshot.obstacle
    if obstacle is not None:
        said = (ConditionType.ACCEPTED, "False", obstacle.reason, obstacle.message)
        return Finding(conditions=(said,), wake_after=snapshot.timings.idle, blocks=Blocks.ACTIONS)
    if snapshot.cluster is None:
        # A finished operation is not looked at in AWS any more; what was said of it stays (see `report`).
        return None if snapshot.operation.ended_at is not None else Finding(blocks=Blocks.ACTIONS)
    chosen = counted(len(snapshot.entries), "node is", "nodes are")
    chosen = f"{counted(len(snapshot.entries), 'node')} would be" if snapshot.foreseen else chosen
    message = f"The operator owns {snapshot.cluster.arn}; {chosen} chosen."
    return Finding(conditions=((ConditionType.ACCEPTED, "True", Reason.OPERATION_ACCEPTED, message),))


def approvals(snapshot: Snapshot) -> Finding[Action] | None:
    """An operation whose effect needs an approval by the cluster's changePolicy waits for it."""
    found = approval(snapshot)
    if found is None:
        return None
    blocks = Blocks.ACTIONS if snapshot.is_held else Blocks.NOTHING
    return Finding(conditions=(plan_approved(snapshot, found),), blocks=blocks)


def calls(snapshot: Snapshot) -> Finding[Action] | None:
    """One call for as many drained nodes as AWS takes; a move without an answer again, under its own token. AWS may
    not have had the first one, so that a suspended operation does not repeat it either."""
    if snapshot.operation.dry or snapshot.operation.suspended:
        return None
    if (repeated := _repeated(snapshot)) is not None:
        return Finding(action=repeated)
    able = tuple(entry for entry in snapshot.entries if ready(snapshot, entry) and _marked(snapshot, entry))
    if held_up(snapshot):
        able = tuple(filter(refused, able))
    chosen = next_batch(snapshot, able, together=refuses_all(snapshot))
    if not chosen and (wake := _until_closed(snapshot)) is not None:
        return Finding(wake_after=wake)
    if not chosen or (len(chosen) < BATCH[snapshot.operation.call] and _more_to_mark(snapshot)):
        return None
    return Finding(action=call(snapshot, chosen, batch=(snapshot.operation.status.remembered.batches or 0) + 1))


def marks(snapshot: Snapshot) -> Finding[Action] | None:
    """Nodes whose taint or conditions are not those of their phase."""
    wanting: dict[Phase, list[str]] = {}
    for entry in snapshot.entries:
        phase = _phase(snapshot, entry)
        if phase is None or not entry.name or snapshot.node(entry) is None:
            continue
        if entry.state in ASKED and snapshot.holder(entry):
            continue  # another client's: AWS was asked, and the node is not given back for it
        if entry.remembered.marked != phase or _lost(snapshot, entry):
            wanting.setdefault(phase, []).append(entry.id)
    first = next((phase for phase in Phase if phase in wanting), None)
    if first is None:
        return None
    return Finding(action=Mark(entries=_in_turn(snapshot, wanting[first]), phase=first))


def _phase(snapshot: Snapshot, entry: Entry) -> Phase | None:
    """What the Node has to show; None for one that is not held.

    Claims are asked to detach once the pods have left: until then they may be in use, and the drain may be given up.
    """
    if entry.state in ASKED:
        return Phase.MAINTENANCE
    if entry.state != State.DRAINING:
        return None
    if entry.remembered.marked == Phase.DETACH:
        return Phase.DETACH
    asks = snapshot.volumes_on(entry) and is_drained(snapshot, entry)
    return Phase.DETACH if asks else Phase.DRAIN


def eviction(snapshot: Snapshot) -> Finding[Action] | None:
    """Pods that leave now, from Nodes that are tainted already: others would come back."""
    found = snapshot.drains
    tainted = {entry.name for entry in snapshot.entries if entry.remembered.marked and not snapshot.holder(entry)}
    gangs = tuple(gang for gang in found.gangs if all(pod.node in tainted for pod in gang))
    if gangs:
        turn = gangs_in_turn(gangs, most=GANGS_IN_A_PASS, now=snapshot.now)
        return Finding(action=Evict(gangs=turn), wake_after=snapshot.timings.drain)
    return Finding(wake_after=found.wake_after) if found.wake_after is not None else None


def expiry(snapshot: Snapshot) -> Finding[Action] | None:
    """A finished operation whose ttlSecondsAfterFinished is over."""
    expires = snapshot.operation.expires_at
    if expires is None or snapshot.operation.deleting or snapshot.left_to_aws:
        return None
    left = (expires - snapshot.now).total_seconds()
    return Finding(action=Expire()) if left <= 0 else Finding(wake_after=max(left, 1.0))


def _in_turn(snapshot: Snapshot, nodes: Iterable[str]) -> tuple[str, ...]:
    """As many as a pass changes, others in the next one: one that may not be changed keeps no other from its turn."""
    return in_turn(tuple(nodes), most=MARKS_IN_A_PASS, key=str, now=snapshot.now)


def _lost(snapshot: Snapshot, entry: Entry) -> bool:
    """Whether somebody took the taint off, or a Node of that name was made anew, or the taint's time has not come. The
    watch is given time to show it; while it is behind, other steps have their turns in between."""
    node, started = snapshot.node(entry), parse_time(entry.startTime or "")
    if entry.state != State.DRAINING or node is None or started is None or snapshot.holder(entry):
        return False
    if is_drained_for(node, snapshot.operation.owner) and not is_ahead(node, now=snapshot.now):
        return False
    last, now, timings = snapshot.remarked_at, snapshot.now, snapshot.timings
    tried = last is not None and (now - last).total_seconds() < timings.drain
    return not tried and (now - started).total_seconds() >= timings.binding


def _until_closed(snapshot: Snapshot) -> float | None:
    """Seconds until the first drained node has its taint long enough; None where none waits for that."""
    left = [until_closed(snapshot, entry) for entry in snapshot.entries if is_drained(snapshot, entry)]
    return min((one for one in left if 0 < one < math.inf), default=None)


def _marked(snapshot: Snapshot, entry: Entry) -> bool:
    """A Node that is there is tainted before AWS is asked, so that no pod comes to it meanwhile."""
    return bool(entry.remembered.marked) or snapshot.node(entry) is None


def _more_to_mark(snapshot: Snapshot) -> bool:
    """Whether nodes that drain are marked next: a call that is not full waits for those that it may name as well, but
    not for one that cannot be marked."""
    return any(
        entry.state == State.DRAINING
        and (started := parse_time(entry.startTime or "")) is not None
        and (snapshot.now - started).total_seconds() < snapshot.timings.binding
        and entry.name
        and not entry.remembered.marked
        and snapshot.node(entry) is not None
        for entry in snapshot.entries
    )


def _repeated(snapshot: Snapshot) -> Action | None:
    """A move takes a token (8 hours, same parameters): the very same call again has AWS repeat its answer.

    Only while all of its nodes are where the call left them: another list of nodes would be another call.
    """
    if snapshot.operation.call is not NodeCall.MOVE:
        return None
    for entry in snapshot.entries:
        batch = entry.remembered.batch
        if entry.state != State.SENT or entry.remembered.begun or not batch:
            continue
        same = tuple(one for one in snapshot.entries if one.remembered.batch == batch)
        whole = all(one.state == State.SENT and not one.remembered.begun for one in same)
        paused = entry.remembered.retryTime is not None and entry.remembered.retryTime > stamp(snapshot.now)
        if whole and not paused:
            return call(snapshot, same, batch=batch)
    return None


CONCERNS: Sequence[Concern[Snapshot, Action]] = (
    Concern(name="Withdrawal", owns=frozenset(), judge=withdrawal),
    Concern(name="Acceptance", owns=frozenset({ConditionType.ACCEPTED}), judge=acceptance),
    Concern(name="Approval", owns=frozenset({ConditionType.PLAN_APPROVED}), judge=approvals),
    Concern(name="Call", owns=frozenset(), judge=calls),
    Concern(name="Marks", owns=frozenset(), judge=marks),
    Concern(name="Eviction", owns=frozenset(), judge=eviction),
    Concern(name="Outcome", owns=OWNED, judge=outcome),
    Concern(name="Expiry", owns=frozenset(), judge=expiry),
)
