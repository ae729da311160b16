"""Whether the cluster's changePolicy lets the operation act: the same gate as for changes of the cluster itself.

The plan of an operation is one call with all of its nodes. Its digest is approved by the annotation approve-plan on the
operation; other nodes, or another cluster, are another digest.
"""

import hashlib
from typing import assert_never

from hyperpod_operator.api.names import APPROVE_PLAN, ConditionType, Reason
from hyperpod_operator.api.plan import NODES_MOST, PlannedAction, PlanStatus, PlanTarget
from hyperpod_operator.core.engine.call import PlannedCall
from hyperpod_operator.core.engine.conditions import Draft
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.nodeoperation.plan import EFFECTS
from hyperpod_operator.core.nodeoperation.snapshot import Snapshot
from hyperpod_operator.core.nodeoperation.states import FINAL, State
from hyperpod_operator.core.plan.digest import ENCODING, Target
from hyperpod_operator.core.plan.gate import STRICTNESS, Approval, ChangePolicy, Gate, Open, Stale, Waiting, gate
from hyperpod_operator.core.text import counted


def policy(snapshot: Snapshot) -> ChangePolicy:
    """The stricter one of the clusters that the operation touches."""
    found = [ChangePolicy(one.change_policy) for one in (snapshot.cluster, snapshot.target) if one is not None]
    return max(found, key=STRICTNESS.index, default=ChangePolicy.AUTO)


def approval(snapshot: Snapshot) -> Gate | None:
    """None where there is nothing to approve yet, or nothing is ever done."""
    planned, target = _planned(snapshot), _target(snapshot)
    if planned is None or target is None:
        return None
    given = snapshot.operation.approved
    return gate(
        policy=policy(snapshot),
        calls=(planned,),
        target=target,
        approvals=(Approval(digest=given, by=snapshot.operation.approved_by, via="Annotation"),) if given else (),
    )


def shown(snapshot: Snapshot, found: Gate) -> PlanStatus:
    """`status.plan`: what is to be approved, in the form that a cluster has it."""
    planned, target = _planned(snapshot), _target(snapshot)
    if planned is None or target is None:
        raise AssertionError("asked only where there is something to approve")
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


def _planned(snapshot: Snapshot) -> PlannedCall | None:
    """One call with all nodes; None where no node is chosen yet, or nothing is ever done."""
    operation = snapshot.operation
    if snapshot.cluster is None or not snapshot.entries or operation.dry:
        return None
    ids = tuple(sorted(entry.instanceId or entry.id for entry in snapshot.entries))
    text = "\n".join((operation.uid, operation.call, operation.target_cluster, *ids))
    return PlannedCall(
        operation=operation.call,
        effect=EFFECTS[operation.call],
        fingerprint=hashlib.sha256(text.encode()).hexdigest(),
        nodes=ids,
    )


def _target(snapshot: Snapshot) -> Target | None:
    if snapshot.cluster is None:
        return None
    created = snapshot.cluster.observed.created_at
    return Target(cluster_arn=snapshot.cluster.arn, creation_time=stamp(created) if created else "")


def is_held(snapshot: Snapshot) -> bool:
    """Whether the operation waits for an approval."""
    found = approval(snapshot)
    return found is not None and not isinstance(found, Open)


def plan_approved(snapshot: Snapshot, found: Gate) -> Draft:
    """The condition PlanApproved."""
    key, chosen = snapshot.operation.key, policy(snapshot)
    what = f"{snapshot.operation.spec.operation} of {counted(len(snapshot.entries), 'node')}"
    if isinstance(found, Open):
        return ConditionType.PLAN_APPROVED, "True", Reason.APPROVED, f"{what} may be carried out."
    if chosen is ChangePolicy.PLAN_ONLY:
        message = f"changePolicy of the HyperPodCluster is PlanOnly: {what} is not carried out. Set another policy."
        return ConditionType.PLAN_APPROVED, "False", Reason.PLAN_ONLY, message
    reason = Reason.PLAN_STALE if isinstance(found, Stale) else Reason.WAITING_FOR_APPROVAL
    message = (
        f"changePolicy of the HyperPodCluster is {chosen}: {what} waits for approval. Approve with: kubectl annotate "
        f"--overwrite hpno {key.name} -n {key.namespace} {APPROVE_PLAN}={found.digest}"
    )
    return ConditionType.PLAN_APPROVED, "False", reason, message
