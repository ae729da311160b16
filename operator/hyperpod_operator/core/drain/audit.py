"""What the audit trail says of a drain: writes to Nodes, and evictions."""

from collections.abc import Mapping

from hyperpod_operator.core.audit import AuditRecord, kubernetes_answer, lines
from hyperpod_operator.core.drain.marks import Lifecycle, Owner
from hyperpod_operator.core.drain.ports import Answer, Evicted
from hyperpod_operator.core.engine.call import Effect
from hyperpod_operator.core.health.audit import patched
from hyperpod_operator.core.health.change import NodeChange
from hyperpod_operator.core.ports import Key, KubernetesError

EVICTION = "CreateEviction"
PATCH_STATUS = "PatchNodeStatus"
CONCERN = "Drain"
REASON = "Draining"
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
        by=owner.by,
        call=EVICTION,
        effect=Effect.DISRUPTS,
        target=f"Node {answer.pod.node}",
        changes=(f"Pod {answer.pod}",),
        concern=CONCERN,
        reason=REASON,
        message=owner.why,
        outcome=outcome,
        code="OK" if outcome == "Accepted" else "Failed",
        error=answer.message,
    )


def marked(change: NodeChange, *, node: str, owner: Owner, failed: KubernetesError | None = None) -> AuditRecord:
    """The record of a write to a Node's taints and annotations for a drain; `failed` is how the API server refused."""
    return patched(
        change,
        node=node,
        kind=owner.kind,
        key=Key(owner.namespace, owner.name),
        uid=owner.uid,
        by=owner.by,
        concern=CONCERN,
        reason=REASON,
        message=owner.why,
        failed=failed,
    )


def shown(
    conditions: Mapping[Lifecycle, str | None], *, node: str, owner: Owner, failed: KubernetesError | None = None
) -> AuditRecord:
    """The record of a write to a Node's lifecycle conditions; None removes one."""
    outcome, code, error = kubernetes_answer(failed)
    return AuditRecord(
        kind=owner.kind,
        key=Key(owner.namespace, owner.name),
        uid=owner.uid,
        by=owner.by,
        call=PATCH_STATUS,
        effect=Effect.CHANGES,
        target=f"Node {node}",
        changes=lines(
            [
                f"conditions[{kind}]: {'removed' if text is None else 'True'}"
                for kind, text in sorted(conditions.items())
            ]
        ),
        concern=CONCERN,
        reason=REASON,
        message=owner.why,
        outcome=outcome,
        code=code,
        error=error,
    )
