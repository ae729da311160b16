"""How far an operation is, in one reason, one message and the time of the next look."""

from collections import Counter
from collections.abc import Sequence

from hyperpod_operator.api.kinds import NODE_OPERATION
from hyperpod_operator.api.names import RESTORED, ConditionType, Reason
from hyperpod_operator.api.reasons import REASONS
from hyperpod_operator.core.engine.conditions import Draft, summary
from hyperpod_operator.core.engine.finding import Finding
from hyperpod_operator.core.engine.journal import entry_of, rejected
from hyperpod_operator.core.moments import parse_time, stamp
from hyperpod_operator.core.nodeoperation.approval import approval, plan_approved
from hyperpod_operator.core.nodeoperation.misnamed import nothing_chosen
from hyperpod_operator.core.nodeoperation.plan import CONCERN, Action
from hyperpod_operator.core.nodeoperation.readiness import is_drained
from hyperpod_operator.core.nodeoperation.service import held_up, out_of_service, reason_of
from hyperpod_operator.core.nodeoperation.snapshot import Entry, Snapshot
from hyperpod_operator.core.nodeoperation.states import ASKED, FINAL, Phase, State
from hyperpod_operator.core.text import counted, listed, plain, sentence

REFUSED_AGAIN = 2
"""Refusals of a node after which the operation says what AWS has against it, and not that the node drains."""
FORESEEN = 3600.0
"""Seconds between looks at an operation that may not begin yet."""
NAMED_MOST = 5
"""Nodes that a message speaks of; status.nodes has all."""


NO_NODE = (
    "The selector chose no node within activeDeadlineSeconds. Create another operation when there is one to choose."
)


def is_over(snapshot: Snapshot) -> bool:
    """Whether every node has ended; a dry run is over when its nodes are found, or known not to be there. An operation
    that chose no node in its time chooses none that comes later: nobody expects that any more."""
    if not snapshot.entries:
        return snapshot.is_late or (snapshot.obstacle is not None and snapshot.obstacle.final)
    return all(
        entry.state in FINAL or (snapshot.operation.dry and not entry.remembered.missingSince)
        for entry in snapshot.entries
    )


def succeeded(snapshot: Snapshot) -> bool:
    if snapshot.operation.dry:
        return bool(snapshot.entries) and all(entry.state == State.PENDING for entry in snapshot.entries)
    return bool(snapshot.entries) and all(entry.state == State.SUCCEEDED for entry in snapshot.entries)


def progress(snapshot: Snapshot) -> str:
    """`3/4 done, 1 failed`."""
    count = Counter(entry.state for entry in snapshot.entries)
    done = sum(count[state] for state in FINAL)
    notes = [
        f"{count[state]} {word}"
        for state, word in ((State.FAILED, "failed"), (State.SKIPPED, "skipped"))
        if count[state]
    ]
    return ", ".join([f"{done}/{len(snapshot.entries)} done", *notes])


def outcome(snapshot: Snapshot) -> Finding[Action]:
    """The summary, and Complete or Failed once the operation is over."""
    operation = snapshot.operation
    if operation.deleting:
        return _withdrawing(snapshot)
    if is_over(snapshot):
        return _ended(snapshot)
    obstacle = snapshot.obstacle
    if obstacle is not None:
        said = summary(ready="False", reason=obstacle.reason, message=obstacle.message, stalled=obstacle.stalled)
        return Finding(conditions=(*said, _open(obstacle.reason)), wake_after=snapshot.timings.idle)
    found = approval(snapshot)
    if found is not None and snapshot.is_held and not operation.suspended:
        _, _, reason, message = plan_approved(snapshot, found)
        wake = snapshot.timings.idle
    else:
        reason, message, wake = _progress(snapshot)
    if snapshot.foreseen:
        wake = _until_begin(snapshot)
    if deadline := snapshot.deadline:
        wake = max(min(wake, (deadline - snapshot.now).total_seconds()), 0.1)
    return _under_way(reason, message, wake)


def _ended(snapshot: Snapshot) -> Finding[Action]:
    good = succeeded(snapshot)
    if good:
        dry = snapshot.operation.dry
        reason = Reason.OPERATION_LISTED if dry else Reason.OPERATION_COMPLETE
        message = (
            f"dryRun: {_would(snapshot)}. Nothing was changed."
            if dry
            else f"{snapshot.operation.spec.operation} of {counted(len(snapshot.entries), 'node')}: all succeeded."
        ) + _kept(snapshot)
        done: list[Draft] = [(kind, "True", reason, message) for kind in (ConditionType.READY, ConditionType.COMPLETE)]
        return Finding(conditions=tuple(done))
    wake = snapshot.timings.poll if snapshot.left_to_aws else None
    message = f"{progress(snapshot)}. {_named(snapshot, {State.FAILED, State.SKIPPED})}".strip()
    if not snapshot.entries:
        message = snapshot.obstacle.message if snapshot.obstacle is not None else NO_NODE
    message += _kept(snapshot)
    said = summary(ready="False", reason=Reason.OPERATION_FAILED, message=message, stalled=True)
    ended: list[Draft] = [
        (ConditionType.COMPLETE, "False", Reason.OPERATION_FAILED, message),
        (ConditionType.FAILED, "True", Reason.OPERATION_FAILED, message),
    ]
    return Finding(conditions=(*said, *ended), wake_after=wake)


def _kept(snapshot: Snapshot) -> str:
    """Why a finished operation stays that was to be deleted after a time, as a sentence with a space before it."""
    tool = snapshot.operation.created_by
    if not tool or snapshot.operation.spec.ttlSecondsAfterFinished is None:
        return ""
    return (
        f" ttlSecondsAfterFinished does not delete it: {tool} would create it again, and it would run again. Remove it "
        "where it is declared."
    )


def _withdrawing(snapshot: Snapshot) -> Finding[Action]:
    left = snapshot.left_to_aws
    if not left:
        return _under_way(Reason.WITHDRAWING, "The operator removes its taints and conditions from the nodes.", 1.0)
    names = listed([entry.name or entry.id for entry in left], most=NAMED_MOST, separator=", ", rest=" ")
    message = (
        f"AWS was asked about {names} and may still act. The taint stays there until AWS is done, and this object "
        "until the taint is off."
    )
    return _under_way(Reason.WITHDRAWING, message, snapshot.timings.poll)


def _would(snapshot: Snapshot) -> str:
    names = [entry.name or entry.id for entry in snapshot.entries]
    which = listed(names, most=NAMED_MOST, separator=", ", rest=" ")
    return f"{snapshot.operation.spec.operation} would be carried out on {which}"


def _progress(snapshot: Snapshot) -> tuple[Reason, str, float]:
    operation, timings = snapshot.operation, snapshot.timings
    states = {State(entry.state) for entry in snapshot.entries}
    if operation.suspended:
        wake = timings.poll if states & ASKED else timings.idle
        return Reason.OPERATION_SUSPENDED, f"{_suspended(snapshot)} {progress(snapshot)}.", wake
    if (start := snapshot.start_ahead) is not None:
        return Reason.NOT_BEFORE, f"The operation starts at {stamp(start)}.", _until_begin(snapshot)
    if states & ASKED:
        return Reason.OPERATING, _of(snapshot, ASKED), timings.poll
    draining = [entry for entry in snapshot.entries if entry.state == State.DRAINING]
    if any(snapshot.has_unasked_claims(entry) for entry in draining):
        return Reason.VOLUMES_ON_NODES, _of(snapshot, {State.DRAINING}), timings.drain
    if any(entry.remembered.marked == Phase.DETACH and snapshot.volumes_on(entry) for entry in draining):
        return Reason.DETACHING_VOLUMES, _of(snapshot, {State.DRAINING}), timings.drain
    if draining and any(is_blocked(snapshot, entry) for entry in draining):
        return Reason.EVICTION_BLOCKED, _of(snapshot, {State.DRAINING}), timings.drain
    if draining:
        wake = _until_asked_again(snapshot, draining) or timings.drain
        return _refusal(snapshot, draining) or Reason.DRAINING, _of(snapshot, {State.DRAINING}), wake
    if not snapshot.entries:
        return Reason.WAITING_FOR_NODES, nothing_chosen(snapshot), timings.idle
    if held_up(snapshot) and (cluster := out_of_service(snapshot)) is not None:
        return reason_of(cluster), _of(snapshot, {State.PENDING}), timings.poll
    return Reason.WAITING_FOR_NODES, _of(snapshot, {State.PENDING}), timings.poll


def _until_begin(snapshot: Snapshot) -> float:
    """Seconds until the nodes of an operation that may not begin are looked at again."""
    start = snapshot.start_ahead
    return min((start - snapshot.now).total_seconds(), FORESEEN) if start is not None else FORESEEN


def _refusal(snapshot: Snapshot, draining: Sequence[Entry]) -> Reason | None:
    """Why AWS refuses drained nodes, once it has refused them again; None before, and while others drain."""
    again = [(entry.remembered.attempts or 0) >= REFUSED_AGAIN for entry in draining]
    if not (all(again) or (any(again) and held_up(snapshot))):
        return None
    if (cluster := out_of_service(snapshot)) is not None:
        return reason_of(cluster)
    last = entry_of(snapshot.operation.status.operations, CONCERN)
    return Reason(last.reason) if last is not None and rejected(last) and last.reason in set(Reason) else None


def _suspended(snapshot: Snapshot) -> str:
    operation = snapshot.operation
    if operation.spec.suspend:
        return "spec.suspend is true."
    if operation.has_lost_its_record:
        return (
            f"The object has the finalizer {NODE_OPERATION.finalizer}, so it was carried out before, at least in part, "
            "and its status does not say on which nodes: the status was lost, or the object was created from a copy. "
            "Delete it, or remove that finalizer to have it begin again."
        )
    return (
        f"A backup brought this object back (label {RESTORED}: {plain(operation.restored_by)}), and it may have been "
        "carried out before. Delete it, or remove that label to have it begin."
    )


def _until_asked_again(snapshot: Snapshot, draining: Sequence[Entry]) -> float | None:
    """Seconds until AWS may be asked about one of these nodes again, where nothing else is awaited; what comes to one
    of them meanwhile wakes the operation sooner."""
    if not all(is_drained(snapshot, entry) for entry in draining):
        return None
    due = [parse_time(entry.remembered.retryTime or "") for entry in draining]
    times = [one for one in due if one is not None and one > snapshot.now]
    if len(times) < len(draining):
        return None
    left = (min(times) - snapshot.now).total_seconds() + 1.0  # status has whole seconds, cut off
    return min(left, snapshot.timings.idle)


def is_blocked(snapshot: Snapshot, entry: Entry) -> bool:
    """Whether a pod of the node may not be evicted now: the API server said so in this pass, or a budget does."""
    drain = snapshot.drains.nodes.get(entry.id)
    return entry.id in snapshot.blocked or (drain is not None and drain.blocked)


def _of(snapshot: Snapshot, states: frozenset[State] | set[State]) -> str:
    return f"{progress(snapshot)}. {_named(snapshot, states)}".strip()


def _named(snapshot: Snapshot, states: frozenset[State] | set[State]) -> str:
    found = [entry for entry in snapshot.entries if entry.state in states]
    said = [_said(entry) for entry in found[:NAMED_MOST]]
    more = len(found) - len(said)
    return " ".join([*said, f"And {more} more; see status.nodes."] if more else said)


def _said(entry: Entry) -> str:
    said = f": {sentence(entry.message)}" if entry.message else "."
    return f"{entry.name or entry.id} is {entry.state}{said}"


def _under_way(reason: Reason, message: str, wake: float) -> Finding[Action]:
    said = summary(ready="False", reason=reason, message=message, stalled=REASONS[reason].stalled)
    return Finding(conditions=(*said, _open(reason)), wake_after=wake)


def _open(reason: Reason) -> Draft:
    return (ConditionType.COMPLETE, "False", reason, "The operation is not over.")
