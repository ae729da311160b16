"""Whether the cluster's changePolicy lets the operation act: the same gate as for changes of the cluster itself.

The plan of an operation is one call with all of its nodes. Its digest is approved by the annotation approve-plan on the
operation; other nodes, or another cluster, are another digest.
"""

from typing import assert_never

from hyperpod_operator.api.common.plan import NODES_MOST, PlannedAction, PlanStatus, PlanTarget
from hyperpod_operator.api.names import APPROVE_PLAN, ConditionType, Reason
from hyperpod_operator.core.engine.conditions import Draft
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.nodeoperation.snapshot import Snapshot
from hyperpod_operator.core.nodeoperation.states import FINAL, State
from hyperpod_operator.core.plan.digest import ENCODING
from hyperpod_operator.core.plan.gate import ChangePolicy, Gate, Open, Stale, Waiting
from hyperpod_operator.core.text import counted


def approval(snapshot: Snapshot) -> Gate | None:
    """None where there is nothing to approve yet, or nothing is ever done."""
    return snapshot.planned.gate if snapshot.planned is not None else None


def shown(snapshot: Snapshot, found: Gate) -> PlanStatus:
    """`status.plan`: what is to be approved, in the form that a cluster has it."""
    if snapshot.planned is None:
        raise AssertionError("asked only where there is something to approve")
    planned, target = snapshot.planned.call, snapshot.planned.target
    match found:
        case Waiting():
            state = "Pending"
        case Stale():
            state = "Stale"
        case Open():
            ended = all(entry.state in FINAL for entry in snapshot.entries)
            begun = any(entry.state != State.PENDING for entry in snapshot.entries)
            state = "None" if ended else "Applying" if begun else "Approved" if found.approval else "Pending"
        case _:
            assert_never(found)
    number = f"{len(planned.nodes)} node{'s' if len(planned.nodes) > 1 else ''}"
    return PlanStatus(
        digest=found.digest,
        encoding=ENCODING,
        state=state,
        target=PlanTarget(clusterArn=target.cluster_arn or None, creationTime=target.creation_time or None),
        summary=f"{snapshot.operation.spec.operation} of {number}",
        actions=[
            PlannedAction(
                call=planned.operation,
                effect=planned.effect,
                nodes=list(planned.nodes[:NODES_MOST]),
                nodeCount=len(planned.nodes),
                waits=None if isinstance(found, Open) else True,
            )
        ],
    )


def plan_approved(snapshot: Snapshot, found: Gate) -> Draft:
    """The condition PlanApproved."""
    key, chosen = snapshot.operation.key, snapshot.change_policy
    what = f"{snapshot.operation.spec.operation} of {counted(len(snapshot.entries), 'node')}"
    if isinstance(found, Open):
        message = f"{what} may be carried out.{_again(snapshot)}"
        return ConditionType.PLAN_APPROVED, "True", Reason.APPROVED, message
    if chosen is ChangePolicy.PLAN_ONLY:
        message = f"changePolicy of the HyperPodCluster is PlanOnly: {what} is not carried out. Set another policy."
        return ConditionType.PLAN_APPROVED, "False", Reason.PLAN_ONLY, message
    reason, lapsed = Reason.WAITING_FOR_APPROVAL, ""
    if isinstance(found, Stale):
        reason, lapsed = (
            Reason.PLAN_STALE,
            " The approval that the annotation has is of other nodes or another cluster.",
        )
    message = (
        f"changePolicy of the HyperPodCluster is {chosen}: {what} waits for approval.{lapsed}{_again(snapshot)} "
        f"Approve with: kubectl annotate --overwrite hpno {key.name} -n {key.namespace} {APPROVE_PLAN}={found.digest}"
    )
    return ConditionType.PLAN_APPROVED, "False", reason, message


def _again(snapshot: Snapshot) -> str:
    """What becomes of an approval before the operation may begin, as a sentence with a space before it."""
    if not snapshot.foreseen:
        return ""
    start = snapshot.start_ahead
    begins = f" It starts at {stamp(start)}." if start is not None else ""
    if snapshot.operation.spec.nodes.selector is None:
        return begins
    return f"{begins} When it begins, the selector chooses again, and other nodes need another approval."
