"""What the audit trail says of a drain: writes to Nodes, and evictions."""

from hyperpod_operator.core.audit import AuditRecord, lines
from hyperpod_operator.core.drain.marks import Owner
from hyperpod_operator.core.drain.ports import Answer, Evicted
from hyperpod_operator.core.health.change import NodeChange
from hyperpod_operator.core.ports import Key

EVICTION = "CreateEviction"
PATCH = "PatchNode"
RECORDED = {Answer.ACCEPTED: "Accepted", Answer.FAILED: "Unanswered"}
"""Evictions that changed something, or may have. One that a budget refuses is asked for again every few seconds."""


def evicted(answer: Evicted, *, owner: Owner) -> AuditRecord | None:
    """The record of an eviction; None for one that changed nothing."""
    outcome = RECORDED.get(answer.answer)
    if outcome is None:
        return None
    return AuditRecord(
        kind=owner.kind,
        key=Key(owner.namespace, owner.name),
        uid=owner.uid,
        call=EVICTION,
        effect="Disrupts",
        target=f"Node {answer.pod.node}",
        changes=(f"Pod {answer.pod}",),
        reason="Draining",
        message=answer.message,
        outcome=outcome,
        code="OK" if outcome == "Accepted" else "Failed",
    )


def marked(change: NodeChange, *, node: str, owner: Owner, outcome: str = "Accepted", code: str = "OK") -> AuditRecord:
    """The record of a write to a Node's taints and annotations for a drain."""
    taints = change.taints
    said = () if taints is None else ("taints: " + ", ".join(f"{one.key}={one.value}:{one.effect}" for one in taints),)
    notes = tuple(f"annotations[{key}]: {value}" for key, value in sorted(change.annotations.items()))
    return AuditRecord(
        kind=owner.kind,
        key=Key(owner.namespace, owner.name),
        uid=owner.uid,
        call=PATCH,
        target=f"Node {node}",
        changes=lines([*said, *notes]),
        reason="Draining",
        outcome=outcome,
        code=code,
    )
