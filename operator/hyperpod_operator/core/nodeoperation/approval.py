"""Whether the cluster's changePolicy lets the operation act: the same gate as for changes of the cluster itself.

The plan of an operation is one call with all of its nodes. Its digest is approved by the annotation approve-plan on the
operation; other nodes, or another cluster, are another digest.
"""

import hashlib

from hyperpod_operator.api.names import APPROVE_PLAN, ConditionType, Reason
from hyperpod_operator.core.engine.call import PlannedCall
from hyperpod_operator.core.engine.conditions import Draft
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.nodeoperation.plan import EFFECTS
from hyperpod_operator.core.nodeoperation.snapshot import Snapshot
from hyperpod_operator.core.plan.digest import Target
from hyperpod_operator.core.plan.gate import STRICTNESS, Approval, ChangePolicy, Gate, Open, Stale, gate


def policy(snapshot: Snapshot) -> ChangePolicy:
    """The stricter one of the clusters that the operation touches."""
    found = [ChangePolicy(one.change_policy) for one in (snapshot.cluster, snapshot.target) if one is not None]
    return max(found, key=STRICTNESS.index, default=ChangePolicy.AUTO)


def approval(snapshot: Snapshot) -> Gate | None:
    """None where there is nothing to approve yet, or nothing is ever done."""
    operation, cluster = snapshot.operation, snapshot.cluster
    if cluster is None or not snapshot.entries or operation.dry:
        return None
    ids = tuple(sorted(entry.instanceId or entry.id for entry in snapshot.entries))
    text = "\n".join((operation.uid, operation.call, operation.target_cluster, *ids))
    planned = PlannedCall(
        operation=operation.call,
        effect=EFFECTS[operation.call],
        fingerprint=hashlib.sha256(text.encode()).hexdigest(),
        nodes=ids,
    )
    created = cluster.observed.created_at
    return gate(
        policy=policy(snapshot),
        calls=(planned,),
        target=Target(cluster_arn=cluster.arn, creation_time=stamp(created) if created else ""),
        approvals=(Approval(digest=operation.approved, via="Annotation"),) if operation.approved else (),
    )


def is_held(snapshot: Snapshot) -> bool:
    """Whether the operation waits for an approval."""
    found = approval(snapshot)
    return found is not None and not isinstance(found, Open)


def plan_approved(snapshot: Snapshot, found: Gate) -> Draft:
    """The condition PlanApproved."""
    key, chosen = snapshot.operation.key, policy(snapshot)
    what = f"{snapshot.operation.spec.operation} of {len(snapshot.entries)} nodes"
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
