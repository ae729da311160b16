"""What a pass over an operation leaves behind: one status, its Events, and the time of the next pass."""

from collections import Counter
from collections.abc import Sequence

from hyperpod_operator.api.common.operations import OperationStatus
from hyperpod_operator.api.common.plan import PlanStatus
from hyperpod_operator.api.kinds import NODE_OPERATION
from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.api.nodeoperation.status import HyperPodNodeOperationStatus, OperationCounts
from hyperpod_operator.core.engine.conditions import Draft, kept, resolved, settle, summary, types
from hyperpod_operator.core.engine.decision import Report
from hyperpod_operator.core.engine.events import first_of_each_reason, of_conditions
from hyperpod_operator.core.engine.failure import failure_message
from hyperpod_operator.core.engine.finding import judge
from hyperpod_operator.core.engine.journal import CallState, Rejection, called, with_rejection
from hyperpod_operator.core.engine.memory import updated
from hyperpod_operator.core.engine.pauses import growing
from hyperpod_operator.core.engine.result import failed
from hyperpod_operator.core.errors import TREATMENTS
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.nodeoperation.approval import approval, shown
from hyperpod_operator.core.nodeoperation.audit import history
from hyperpod_operator.core.nodeoperation.bounded import bounded
from hyperpod_operator.core.nodeoperation.concerns import CONCERNS
from hyperpod_operator.core.nodeoperation.machine import may_start
from hyperpod_operator.core.nodeoperation.outcome import NAMED_MOST, is_over, progress
from hyperpod_operator.core.nodeoperation.plan import CONCERN, Call, Evict
from hyperpod_operator.core.nodeoperation.record import PassRecord
from hyperpod_operator.core.nodeoperation.snapshot import Entry, Snapshot
from hyperpod_operator.core.nodeoperation.states import FINAL, IN_FLIGHT, State
from hyperpod_operator.core.outcome import Done, Outcome, Requeue
from hyperpod_operator.core.ports import Event
from hyperpod_operator.core.text import listed

KEPT = (ConditionType.ACCEPTED, ConditionType.PLAN_APPROVED)
"""Conditions that stay when the operation is over, and AWS is not looked at any more."""


def intent(record: PassRecord) -> HyperPodNodeOperationStatus:
    """The status before a call is sent: its nodes are Sent, and the journal has the call."""
    if not isinstance(record.action, Call):
        raise AssertionError("asked only of a pass that calls AWS")
    status = _stored(record)
    return status.model_copy(update={"operations": _journal(record, CallState.INTENDED)})


def report(record: PassRecord) -> Report[HyperPodNodeOperationStatus]:
    snapshot = record.snapshot
    operation, before = snapshot.operation, snapshot.operation.status.conditions or []
    if record.read_error is not None:
        end = failed(failure_message(record.read_error), TREATMENTS[record.read_error.kind])
        drafts: list[Draft] = summary(ready="Unknown", reason=end.reason, message=end.message, stalled=end.stalled)
        unseen = kept(before, made=drafts)
        stalled, outcome = end.stalled, end.outcome
    else:
        # What is said is what is so after the pass: an entry may have moved by what AWS or the API server answered.
        decided = record.decision if record.action is None else None
        said = decided or judge(CONCERNS, snapshot)
        drafts = resolved(said.conditions)
        drafts += [draft for draft in kept(before, made=drafts) if draft[0] in KEPT]
        unseen = []
        stalled = any(draft[0] == "Stalled" for draft in drafts)
        outcome = _next(record, said.wake_after)
    conditions = settle(
        table=NODE_OPERATION.table,
        drafts=[*drafts, *unseen],
        before=before,
        generation=operation.generation,
        now=snapshot.now,
        unseen=types(unseen),
    )
    status = _stored(record)
    if record.called is not None:
        status = status.model_copy(update={"operations": _journal(record, record.called)})
    status = status.model_copy(
        update={
            "observedGeneration": operation.generation,
            "history": history(record),
            "lastHandledReconcileAt": operation.reconcile_requested_at or status.lastHandledReconcileAt,
            "conditions": conditions,
        }
    )
    made = first_of_each_reason(of_conditions(NODE_OPERATION, before=before, after=conditions, stalled=stalled))
    return Report(status=status, events=made, outcome=outcome)


def node_events(record: PassRecord) -> tuple[tuple[str, Event], ...]:
    """An Event about each node that this pass began or ended with, by the Node's name."""
    old = {entry.id: entry.state for entry in record.before}
    word = record.snapshot.operation.spec.operation
    found = []
    for entry in record.snapshot.entries:
        was, owner = old.get(entry.id, State.PENDING), record.snapshot.operation.key
        if entry.state == was or not entry.name:
            continue
        if entry.state in FINAL and was in IN_FLIGHT:
            bad = entry.state == State.FAILED
            text = f"{word} by HyperPodNodeOperation {owner}: {entry.name} {entry.state}. {entry.message or ''}".strip()
            event = Event(
                type="Warning" if bad else "Normal",
                reason=Reason.NODE_OPERATION_ENDED,
                action=word,
                message=text,
            )
            found.append((entry.name, event))
        elif entry.state == State.DRAINING and was == State.PENDING:
            text = f"{word} by HyperPodNodeOperation {owner}: tainted {entry.name}; its pods leave."
            found.append((entry.name, Event(type="Normal", reason=Reason.DRAINING, action=word, message=text)))
    return tuple(found)


def cluster_events(record: PassRecord) -> tuple[Event, ...]:
    """What this pass began and ended, on the cluster: one Event for each, however many nodes there are."""
    operation, old = record.snapshot.operation, {entry.id: entry.state for entry in record.before}
    word, began, ended = operation.spec.operation, list[str](), list[Entry]()
    for entry in record.snapshot.entries:
        was = old.get(entry.id, State.PENDING)
        if entry.state == State.DRAINING and was == State.PENDING:
            began.append(entry.name or entry.id)
        elif entry.state in FINAL and was in IN_FLIGHT:
            ended.append(entry)
    found, who = [], f"{word} by HyperPodNodeOperation {operation.key}"
    if began:
        text = f"{who}: draining {_first(began)}."
        found.append(Event(type="Normal", reason=Reason.DRAINING, action=word, message=text))
    if ended:
        names = [f"{entry.name or entry.id} {entry.state}" for entry in ended]
        bad = any(entry.state == State.FAILED for entry in ended)
        text = f"{who}: {_first(names)}. {progress(record.snapshot)}."
        found.append(
            Event(
                type="Warning" if bad else "Normal",
                reason=Reason.NODE_OPERATION_ENDED,
                action=word,
                message=text,
            )
        )
    return tuple(found)


def _first(names: Sequence[str]) -> str:
    return listed(names, most=NAMED_MOST, separator=", ", rest=" ")


def _stored(record: PassRecord) -> HyperPodNodeOperationStatus:
    """The status with the entries and what follows from them."""
    snapshot, status = record.snapshot, record.snapshot.operation.status
    entries = list(snapshot.entries)
    ended = bool(entries) and all(entry.state in FINAL for entry in entries)
    over = (record.read_error is None or ended) and is_over(snapshot) and not snapshot.operation.deleting
    count = Counter(entry.state for entry in entries)
    batches = max([status.remembered.batches or 0, *(entry.remembered.batch or 0 for entry in entries)])
    stored, unlisted = bounded(entries)
    return updated(
        status,
        {
            "clusterArn": snapshot.cluster.arn if snapshot.cluster else status.clusterArn,
            "startTime": _start(snapshot),
            "completionTime": status.completionTime or (stamp(snapshot.now) if over else None),
            "summary": progress(snapshot) if entries else None,
            "counts": OperationCounts(
                pending=count[State.PENDING],
                active=sum(count[state] for state in IN_FLIGHT),
                succeeded=count[State.SUCCEEDED],
                failed=count[State.FAILED],
                skipped=count[State.SKIPPED],
                podsUnlisted=unlisted or None,
            )
            if entries
            else None,
            "nodes": stored or None,
            "plan": _plan(record),
            "batches": batches or None,
            "cutOffSince": stamp(since) if (since := snapshot.cut_off_since) is not None else None,
            "foreseen": (snapshot.foreseen and bool(entries)) or None,
        },
    )


def _start(snapshot: Snapshot) -> str | None:
    """Since when the operation may go on: from its approval, or while its selector chooses no node. As of a Job
    (kubernetes.io, "Jobs", Suspending a Job), the time begins again where people kept it from acting meanwhile."""
    status = snapshot.operation.status
    if status.completionTime:
        return status.startTime
    if snapshot.is_withheld or snapshot.foreseen:
        return None
    if status.startTime and (status.nodes or not snapshot.entries):
        return status.startTime
    read = snapshot.cluster is not None or snapshot.obstacle is not None
    begins = read if snapshot.entries else may_start(snapshot)
    return stamp(snapshot.now) if begins else None


def _plan(record: PassRecord) -> PlanStatus | None:
    """A pass that learned nothing of the cluster leaves it; its moment stays while the plan does."""
    snapshot, old = record.snapshot, record.snapshot.operation.status.plan
    found = approval(snapshot)
    if found is None:
        return old
    new = shown(snapshot, found)
    same = old is not None and old.model_copy(update={"computedAt": None}) == new
    return old if same else new.model_copy(update={"computedAt": stamp(snapshot.now)})


def _journal(record: PassRecord, state: CallState) -> list[OperationStatus]:
    action, status = record.action, record.snapshot.operation.status
    if not isinstance(action, Call):
        return list(status.operations or [])
    journal = called(
        status.operations,
        concern=CONCERN,
        operation=action.planned.operation,
        state=state,
        fingerprint=action.planned.fingerprint,
        attempts=1,
        now=record.snapshot.now,
    )
    if record.error is None or state is not CallState.REJECTED:
        return journal
    treatment = TREATMENTS[record.error.kind]
    rejection = Rejection(reason=treatment.reason, code=record.error.code, message=record.error.message)
    return with_rejection(journal, concern=CONCERN, rejection=rejection, now=record.snapshot.now)


def _next(record: PassRecord, wake: float | None) -> Outcome:
    """After a step of the operator's own the next look comes at once; after the end, with the resync."""
    snapshot = record.snapshot
    if isinstance(record.action, Evict) or snapshot.refused:
        timings = snapshot.timings
        pause = growing(first=timings.drain, most=timings.retry_most, attempts=record.refusals)
        return Requeue(Reason.DRAINING, pause)
    chosen = bool(snapshot.entries) and not snapshot.operation.is_recorded and may_start(snapshot)
    if record.action is not None or chosen:
        return Requeue(Reason.OPERATING, snapshot.timings.step)
    return Requeue(Reason.OPERATING, wake) if wake is not None else Done()
