"""The plan of a cluster from its snapshot: what the policy, the approvals and the record of the last one say to it."""

from hyperpod_operator.api.common.plan import LastApproval
from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.plan.calls import steps, target
from hyperpod_operator.core.plan.gate import Approval, Approved, ChangePolicy, gate
from hyperpod_operator.core.plan.model import Plan

ANNOTATION, SPEC = "Annotation", "Spec"
"""How an approval was given."""


def plan_of(snapshot: ClusterSnapshot) -> Plan:
    """The plan that follows from what this pass saw."""
    found, about, policy = steps(snapshot), target(snapshot), change_policy(snapshot.resource)
    return Plan(
        policy=policy,
        target=about,
        steps=found,
        gate=gate(
            policy=policy,
            calls=found,
            target=about,
            approvals=approvals(snapshot.resource),
            record=approved(snapshot.resource.status.lastApproval),
        ),
    )


def change_policy(resource: Resource) -> ChangePolicy:
    """Unset means Auto."""
    chosen = resource.spec.management.changePolicy if resource.spec.management else None
    return ChangePolicy(chosen) if chosen else ChangePolicy.AUTO


def approvals(resource: Resource) -> tuple[Approval, ...]:
    """The digests that the annotation and the spec approve."""
    in_spec = resource.spec.management.approvedPlan if resource.spec.management else None
    given = (
        Approval(digest=resource.approve_plan, by=resource.approved_by, via=ANNOTATION),
        Approval(digest=in_spec or "", by=resource.approved_by_spec, via=SPEC),
    )
    return tuple(one for one in given if one.digest)


def approved(record: LastApproval | None) -> Approved | None:
    """The stored record of the last approval as the gate reads it."""
    if record is None or not record.digest:
        return None
    return Approved(
        digest=record.digest,
        after=record.after or "",
        changes=frozenset(record.changes or ()),
        sent=frozenset(record.sent or ()),
        counts={one.path: (one.observed, one.wanted) for one in record.counts or ()},
        done=record.completedAt is not None,
    )
