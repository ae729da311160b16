"""What the audit trail and `status.history` say of what a pass over a node operation changed."""

from dataclasses import replace

from hyperpod_operator.api.common.plan import HISTORY_MOST, HistoryEntry
from hyperpod_operator.api.kinds import NODE_OPERATION
from hyperpod_operator.core.audit import AuditRecord, Requester, lines
from hyperpod_operator.core.drain.marks import Owner
from hyperpod_operator.core.engine.journal import CallState
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.nodeoperation.approval import approval
from hyperpod_operator.core.nodeoperation.plan import CONCERN, Call
from hyperpod_operator.core.nodeoperation.record import PassRecord
from hyperpod_operator.core.nodeoperation.snapshot import Snapshot
from hyperpod_operator.core.plan.gate import Open
from hyperpod_operator.core.text import listed, plain

SUMMARY_MOST = 256
OUTCOMES = {CallState.ACCEPTED: "Accepted", CallState.REJECTED: "Rejected", CallState.UNANSWERED: "Unanswered"}


def audited(record: PassRecord) -> AuditRecord | None:
    """The record of this pass's call to AWS; None for a pass that made none."""
    action, called, snapshot = record.action, record.called, record.snapshot
    if not isinstance(action, Call) or called is None:
        return None
    operation = snapshot.operation
    return AuditRecord(
        kind=NODE_OPERATION.name,
        key=operation.key,
        uid=operation.uid,
        by=requester(snapshot),
        call=action.planned.operation,
        effect=action.planned.effect,
        target=snapshot.cluster.arn if snapshot.cluster is not None else "",
        changes=lines([f"{operation.spec.operation} {name}" for name in action.planned.nodes]),
        concern=CONCERN,
        reason=operation.spec.operation,
        message=why(snapshot),
        outcome=OUTCOMES[called],
        code=record.error.code if record.error is not None else _codes(record, action),
        request_id=record.error.request_id or "" if record.error is not None else record.request_id,
        error=record.error.message if record.error is not None else "",
    )


def history(record: PassRecord) -> list[HistoryEntry] | None:
    """`status.history` after the pass: the last calls, the newest last."""
    old, entry = list(record.snapshot.operation.status.history or []), audited(record)
    if entry is None or not isinstance(record.action, Call):
        return old or None
    nodes = record.action.planned.nodes
    new = HistoryEntry(
        time=stamp(record.snapshot.now),
        call=entry.call,
        effect=entry.effect or None,
        summary=f"{entry.reason} of {listed(nodes, most=5, separator=', ', rest=' ')}"[:SUMMARY_MOST],
        outcome=entry.outcome,
        code=entry.code[:128],
        approvedBy=entry.by.approved_by or None,
    )
    return [*old, new][-HISTORY_MOST:]


def requester(snapshot: Snapshot) -> Requester:
    """Who asked for what the operation does."""
    operation, gate = snapshot.operation, approval(snapshot)
    given = gate.approval if isinstance(gate, Open) else None
    return Requester(
        generation=operation.generation,
        requested_by=operation.requested_by,
        approved_by=(given.by or given.via) if given is not None else "",
        digest=gate.digest if gate is not None else "",
    )


def why(snapshot: Snapshot) -> str:
    """The reason that the operation gives, or what it does."""
    operation = snapshot.operation
    return operation.spec.reason or f"{operation.spec.operation} by HyperPodNodeOperation {operation.key}"


def drains_for(snapshot: Snapshot) -> Owner:
    """For whom Nodes are drained, with who asked for it and why."""
    return replace(snapshot.operation.owner, by=requester(snapshot), why=plain(why(snapshot)))


def _codes(record: PassRecord, action: Call) -> str:
    """OK, or the codes of the nodes that AWS refused."""
    named = set(action.entries)
    codes = {entry.awsCode for entry in record.snapshot.entries if entry.id in named and entry.awsCode}
    return ", ".join(sorted(codes)) or "OK"
