"""What the audit trail says of a write to a Node's taints, labels and annotations."""

from collections.abc import Mapping

from hyperpod_operator.core.audit import NOBODY, AuditRecord, Requester, kubernetes_answer, lines
from hyperpod_operator.core.engine.call import Effect
from hyperpod_operator.core.health.change import NodeChange
from hyperpod_operator.core.health.node import Taint
from hyperpod_operator.core.ports import Key, KubernetesError

PATCH = "PatchNode"


def patched(
    change: NodeChange,
    *,
    node: str,
    kind: str,
    key: Key,
    uid: str,
    concern: str,
    reason: str,
    message: str = "",
    by: Requester = NOBODY,
    failed: KubernetesError | None = None,
) -> AuditRecord:
    """The record of a write to a Node for the object `kind`, `key`, `uid`; `failed` is how the API server refused."""
    outcome, code, error = kubernetes_answer(failed)
    return AuditRecord(
        kind=kind,
        key=key,
        uid=uid,
        by=by,
        call=PATCH,
        effect=Effect.CHANGES,
        target=f"Node {node}",
        changes=lines(
            [*_taints(change.taints), *_keys("labels", change.labels), *_keys("annotations", change.annotations)]
        ),
        concern=concern,
        reason=reason,
        message=message,
        outcome=outcome,
        code=code,
        error=error,
    )


def _taints(taints: tuple[Taint, ...] | None) -> list[str]:
    if taints is None:
        return []
    return ["taints: " + (", ".join(f"{one.key}={one.value}:{one.effect}" for one in taints) or "none")]


def _keys(member: str, values: Mapping[str, str | None]) -> list[str]:
    return [f"{member}[{key}]: {'removed' if value is None else value}" for key, value in sorted(values.items())]
