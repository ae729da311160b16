"""The plan of an operation, one call with all of its nodes, and what the changePolicy of its clusters says of it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hyperpod_operator.api.nodeoperation.status import OperationNodeStatus
from hyperpod_operator.core.engine.call import Effect, PlannedCall
from hyperpod_operator.core.nodeoperation.operation import Operation
from hyperpod_operator.core.nodes.batch import NodeCall
from hyperpod_operator.core.plan.digest import Target
from hyperpod_operator.core.plan.gate import Approval, ChangePolicy, Gate, gate

EFFECTS: Mapping[NodeCall, Effect] = {
    NodeCall.REBOOT: Effect.DISRUPTS,
    NodeCall.REPLACE: Effect.DESTROYS,
    NodeCall.DELETE: Effect.DESTROYS,
    NodeCall.MOVE: Effect.DESTROYS,
    NodeCall.HEALTH_CHECK: Effect.DISRUPTS,
}
"""Replace and Move lose root and secondary volumes; a failed health check has HyperPod reboot or replace the node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What is to be approved, of which cluster, and what the policy says."""

    call: PlannedCall
    target: Target
    gate: Gate


def planned(
    *, operation: Operation, entries: Sequence[OperationNodeStatus], target: Target, joined: str, policy: ChangePolicy
) -> Planned:
    """Other nodes, or another cluster, are another digest. `joined` is the ARN of the cluster that moved nodes join,
    empty for their own."""
    ids = tuple(sorted(entry.instanceId or entry.id for entry in entries))
    text = "\n".join((operation.uid, operation.call, operation.target_cluster, *([joined] if joined else []), *ids))
    call = PlannedCall(
        operation=operation.call,
        effect=EFFECTS[operation.call],
        fingerprint=hashlib.sha256(text.encode()).hexdigest(),
        nodes=ids,
    )
    given = operation.approved
    approvals = (Approval(digest=given, by=operation.approved_by, via="Annotation"),) if given else ()
    return Planned(
        call=call, target=target, gate=gate(policy=policy, calls=(call,), target=target, approvals=approvals)
    )
