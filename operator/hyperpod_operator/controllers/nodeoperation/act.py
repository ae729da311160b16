"""Carry out the one step that was decided, and take its answer into the snapshot."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar, assert_never

from hyperpod_operator.api.metrics.node_operations import EVICTIONS
from hyperpod_operator.core.audit import Audit
from hyperpod_operator.core.confirm import Confirm
from hyperpod_operator.core.drain.audit import evicted
from hyperpod_operator.core.drain.marks import HeldBy, Marks
from hyperpod_operator.core.drain.ports import Answer, Evicted, Evictor, NodeMarks
from hyperpod_operator.core.engine.journal import CallState
from hyperpod_operator.core.engine.memory import updated
from hyperpod_operator.core.errors import CloudError
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.nodeoperation.answers import MAY_HAVE_ACTED, answered, failed
from hyperpod_operator.core.nodeoperation.audit import drains_for
from hyperpod_operator.core.nodeoperation.machine import MESSAGE_MOST, moved
from hyperpod_operator.core.nodeoperation.plan import LIFECYCLE, Call, Evict, Mark, Unmark
from hyperpod_operator.core.nodeoperation.record import PassRecord
from hyperpod_operator.core.nodeoperation.snapshot import Entry, Snapshot
from hyperpod_operator.core.nodeoperation.states import Phase, State
from hyperpod_operator.core.nodes.batch import BatchAnswer, NodeCall
from hyperpod_operator.core.nodes.ports import NodeBatches
from hyperpod_operator.core.ports import KubernetesError, Metrics, StaleObject
from hyperpod_operator.core.text import plain, shortened

AnswerT = TypeVar("AnswerT")

REFUSED = {Answer.BUDGET, Answer.DENIED, Answer.FAILED}


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Who carries steps out. Methods raise StaleObject or KubernetesError, except for calls to AWS."""

    marks: NodeMarks
    evictor: Evictor
    metrics: Metrics
    audit: Audit

    async def mark(self, snapshot: Snapshot, action: Mark) -> Snapshot:
        """Nodes that are drained for another object meanwhile go back to Pending."""
        owner = drains_for(snapshot)
        marks = Marks(
            owner=owner,
            conditions=LIFECYCLE[action.phase],
            message=owner.why,
            detach=action.phase is Phase.DETACH,
        )
        entries = [snapshot.by_id[name] for name in action.entries]
        answers = await _each(self.marks.mark(node=entry.name or "", marks=marks) for entry in entries)
        changed = {
            entry.id: _marked(snapshot, entry, action, answer) for entry, answer in zip(entries, answers, strict=True)
        }
        refused = {
            entry.name for entry, answer in zip(entries, answers, strict=True) if answer is not None and entry.name
        }
        after = _replaced(snapshot, lambda entry: changed.get(entry.id, entry))
        return replace(after, refused=after.refused | refused)

    async def unmark(self, snapshot: Snapshot, action: Unmark) -> Snapshot:
        owner = drains_for(snapshot)
        answers = await _each(self.marks.unmark(node=name, owner=owner) for name in action.nodes)
        said = dict(zip(action.nodes, answers, strict=True))

        def undone(entry: Entry) -> Entry:
            if entry.name not in said:
                return entry
            refusal = said[entry.name]
            if refusal is None:
                return updated(entry, {"marked": None})
            text = f"The taint cannot be taken off: {refusal} The operator tries again."
            return updated(entry, {"message": shortened(plain(text), MESSAGE_MOST)})

        after = _replaced(snapshot, undone)
        refused = frozenset(name for name, answer in said.items() if answer is not None)
        return replace(after, refused=after.refused | refused)

    async def evict(self, snapshot: Snapshot, action: Evict) -> Snapshot:
        """A pod that may not go now is named in the message of its node, with the API server's words."""
        results: list[Evicted] = []
        for gang in action.gangs:
            results += await self.evictor.evict(gang)
        owner = drains_for(snapshot)
        for one in results:
            entry = evicted(one, owner=owner)
            if entry is not None:
                self.audit.record(entry)
        for answer in Answer:
            if count := sum(one.answer is answer for one in results):
                self.metrics.inc(EVICTIONS, str(answer), by=count)
        refused = {one.pod.node: one for one in reversed(results) if one.answer in REFUSED}
        asked = {one.pod.node for one in results}

        def said(entry: Entry) -> Entry:
            drain = snapshot.drains.nodes.get(entry.id)
            if entry.name in asked and drain is not None and drain.timed_out and not entry.remembered.askedLast:
                entry = updated(entry, {"askedLast": stamp(snapshot.now)})
            one = refused.get(entry.name or "")
            if one is None:
                return entry
            return updated(entry, {"message": shortened(plain(f"Waits for {one.pod}: {one.message}"), MESSAGE_MOST)})

        blocked = {one.pod.node for one in results if one.blocked}
        return replace(
            _replaced(snapshot, said),
            blocked=frozenset(entry.id for entry in snapshot.entries if entry.name in blocked),
        )


async def call(clusters: NodeBatches, record: PassRecord, action: Call, *, confirm: Confirm) -> PassRecord:
    """Never raises CloudError: a refusal is something to report. What `confirm` raises ends the pass; it is asked when
    the turn of the call has come."""
    snapshot = record.snapshot
    try:
        answer = await _send(clusters, action, confirm)
    except CloudError as error:
        state = CallState.UNANSWERED if error.kind in MAY_HAVE_ACTED else CallState.REJECTED
        return replace(record, snapshot=failed(snapshot, action, error), called=state, error=error)
    taken = answered(snapshot, action, answer)
    return replace(record, snapshot=taken, called=CallState.ACCEPTED, request_id=answer.request_id)


async def _send(clusters: NodeBatches, action: Call, confirm: Confirm) -> BatchAnswer:
    request = {**action.planned.request, "confirm": confirm}
    operation = NodeCall(action.planned.operation)
    match operation:
        case NodeCall.REBOOT:
            return await clusters.reboot_nodes(**request)
        case NodeCall.REPLACE:
            return await clusters.replace_nodes(**request)
        case NodeCall.DELETE:
            return await clusters.delete_nodes(**request)
        case NodeCall.MOVE:
            return await clusters.move_nodes(**request)
        case NodeCall.HEALTH_CHECK:
            return await clusters.check_nodes(**request)
        case _:
            assert_never(operation)


async def _each(writes: Iterable[Awaitable[AnswerT]]) -> list[AnswerT | KubernetesError]:
    """The answer of each; a Node that the API server refuses to change does not hold up the others. Raises what is not
    about one Node."""
    found = await asyncio.gather(*writes, return_exceptions=True)
    answers: list[AnswerT | KubernetesError] = []
    for one in found:
        if isinstance(one, StaleObject):
            one = KubernetesError(status=409, message=str(one))
        if isinstance(one, BaseException) and not isinstance(one, KubernetesError):
            raise one
        answers.append(one)
    if answers and all(isinstance(one, KubernetesError) and not one.status for one in answers):
        raise next(one for one in answers if isinstance(one, KubernetesError))
    return answers


def _marked(snapshot: Snapshot, entry: Entry, action: Mark, answer: HeldBy | KubernetesError | None) -> Entry:
    if isinstance(answer, KubernetesError):
        text = f"The Node cannot be tainted: {answer} The operator tries again."
        return updated(entry, {"message": shortened(plain(text), MESSAGE_MOST)})
    if answer is None:
        return updated(entry, {"marked": str(action.phase)})
    if entry.state != State.DRAINING:
        return entry
    # The owner's uid proves whose taint it is; a person looks for the name.
    holder = answer.owner.rpartition(" ")[0] or answer.owner or "another client, whose taint it has"
    return moved(snapshot, entry, State.PENDING, f"Waits for {holder}.", startTime=None, marked=None)


def _replaced(snapshot: Snapshot, change: Callable[[Entry], Entry]) -> Snapshot:
    return replace(snapshot, entries=tuple(change(entry) for entry in snapshot.entries))
