"""What the audit trail and `status.history` say of the call of a pass."""

from collections.abc import Sequence
from typing import assert_never

from hyperpod_operator.api.common.plan import HISTORY_MOST, HistoryEntry
from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.core.audit import AuditRecord, Requester, lines
from hyperpod_operator.core.cluster.decision import Act, ClusterSnapshot
from hyperpod_operator.core.cluster.pass_record import Accepted, PassRecord, Rejected
from hyperpod_operator.core.cluster.plan import (
    Action,
    AddTags,
    CreateCluster,
    DeleteCluster,
    DeleteNodes,
    DeleteTags,
    UpdateCluster,
    UpdateClusterSoftware,
    concern,
    operation,
)
from hyperpod_operator.core.engine.call import Effect, PlannedCall, worst
from hyperpod_operator.core.engine.once import once
from hyperpod_operator.core.errors import ErrorKind
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.plan.gate import Open
from hyperpod_operator.core.plan.record import carried_steps
from hyperpod_operator.core.plan.summary import summary
from hyperpod_operator.core.text import listed

SUMMARY_MOST = 256
ENDED_SHOWN = 8
"""Nodes that an entry of the history names before it counts the rest."""
UNSURE = frozenset({ErrorKind.UNKNOWN_OUTCOME, ErrorKind.TRANSIENT})
"""Failures after which AWS may have carried the call out."""


@once
def audited(pass_record: PassRecord) -> AuditRecord | None:
    """The record of this pass's call; None for a pass that made none."""
    decision, result, snapshot = pass_record.decision, pass_record.result, pass_record.snapshot
    if not isinstance(decision, Act) or result is None:
        return None
    resource, steps = snapshot.resource, carried_steps(snapshot, decision.action)
    cluster, action = snapshot.observed.cluster, decision.action
    return AuditRecord(
        kind=CLUSTER.name,
        key=resource.key,
        uid=resource.uid,
        by=requester(snapshot, steps),
        call=operation(action),
        effect=_effect(steps),
        target=cluster.arn if cluster is not None else resource.cluster_name,
        changes=lines([*(change for step in steps for change in step.changes), *_named(action, planned=bool(steps))]),
        concern=concern(action),
        reason=decision.reason,
        message=decision.message,
        outcome=_outcome(pass_record),
        code=_code(result),
        request_id=result.request_id if isinstance(result, Accepted) else result.error.request_id or "",
        error="" if isinstance(result, Accepted) else result.error.message,
    )


def history(pass_record: PassRecord) -> list[HistoryEntry] | None:
    """`status.history` after the pass. The same call that ends the same way again is no new entry."""
    old, entry = list(pass_record.snapshot.resource.status.history or []), audited(pass_record)
    if entry is None or not isinstance(pass_record.decision, Act):
        return old or None
    steps = carried_steps(pass_record.snapshot, pass_record.decision.action)
    new = HistoryEntry(
        time=stamp(pass_record.snapshot.now),
        call=entry.call,
        effect=entry.effect or None,
        summary=f"{summary(steps) if steps else entry.message}{_ended(pass_record.decision.action)}"[:SUMMARY_MOST],
        outcome=entry.outcome,
        code=entry.code[:128],
        approvedBy=entry.by.approved_by or None,
    )
    again = bool(old) and entry.outcome != "Accepted" and old[-1].model_copy(update={"time": new.time}) == new
    return old if again else [*old, new][-HISTORY_MOST:]


def _effect(steps: Sequence[PlannedCall]) -> Effect:
    """What the call does, by the changes that it makes."""
    return worst(tuple(change.effect for step in steps for change in step.changes))


def requester(snapshot: ClusterSnapshot, steps: Sequence[PlannedCall]) -> Requester:
    """Who asked for a call that carries out these steps of the plan."""
    resource, plan = snapshot.resource, snapshot.plan
    approval = plan.gate.approval if plan is not None and isinstance(plan.gate, Open) else None
    gated = plan is not None and any(plan.policy.gates(step) for step in steps)
    return Requester(
        generation=resource.generation,
        requested_by=resource.requested_by,
        approved_by=(approval.by or approval.via) if approval is not None and gated else "",
        digest=plan.gate.digest if plan is not None else "",
    )


def drain_requester(snapshot: ClusterSnapshot) -> Requester:
    """Who asked for nodes to end."""
    steps = snapshot.plan.steps if snapshot.plan is not None else ()
    return requester(snapshot, [step for step in steps if step.effect is Effect.DESTROYS])


def _ended(action: Action) -> str:
    """Which nodes: the plan counts them, and several calls may make one scale-in."""
    if not isinstance(action, DeleteNodes):
        return ""
    return f": {listed(action.instance_ids, most=ENDED_SHOWN, separator=', ', rest=' ')}"


def _named(action: Action, *, planned: bool) -> Sequence[str]:
    """What the plan's changes do not name: the nodes of a call, and tags that no plan shows."""
    match action:
        case DeleteNodes(instance_ids=ids):
            return [f"Node {name}" for name in ids]
        case AddTags(tags=tags) if not planned:
            return [f"tags[{key}]: {value}" for key, value in sorted(tags.items())]
        case DeleteTags(keys=keys) if not planned:
            return [f"tags[{key}]: removed" for key in keys]
        case CreateCluster() | UpdateCluster() | UpdateClusterSoftware() | DeleteCluster() | AddTags() | DeleteTags():
            return ()
        case _:
            assert_never(action)


def _code(result: Accepted | Rejected) -> str:
    """OK, AWS's error code, or the codes of the nodes that AWS refused."""
    if isinstance(result, Rejected):
        return result.error.code
    codes = {one.code for one in result.nodes.failed} if result.nodes is not None else set()
    return ", ".join(sorted(codes)) or "OK"


def _outcome(pass_record: PassRecord) -> str:
    result = pass_record.result
    if isinstance(result, Accepted):
        return "Accepted"
    return "Unanswered" if result is not None and result.error.kind in UNSURE else "Rejected"
