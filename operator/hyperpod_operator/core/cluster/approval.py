"""Policies for calls that wait for an approval of the plan (core.plan.gate)."""

from typing import Never, assert_never

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.names import APPROVE_PLAN, ConditionType, Reason
from hyperpod_operator.core.cluster.decision import ClusterSnapshot, Decision
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.engine.finding import Finding
from hyperpod_operator.core.plan.gate import ChangePolicy, Open, Stale, Waiting
from hyperpod_operator.core.plan.model import Plan
from hyperpod_operator.core.plan.summary import summary

SHORT_DIGEST = 19
"""Characters of a digest that name an older plan in a message: `sha256:` and 12 digits."""


def plan_approved(snapshot: ClusterSnapshot) -> Finding[Never] | None:
    """The condition: whether the plan is approved; nothing where no change needs it."""
    plan, kind = snapshot.plan, ConditionType.PLAN_APPROVED
    if plan is None:
        return None
    if plan.gate.held:
        return Finding(conditions=((kind, "False", *words(snapshot.resource, plan)),))
    if isinstance(plan.gate, Open) and plan.gate.approval is not None:
        given = plan.gate.approval
        who = f" by {given.by}" if given.by else ""
        message = f"Plan {plan.gate.digest} is approved{who} ({given.via.lower()})."
        return Finding(conditions=((kind, "True", Reason.APPROVED, message),))
    return None


def creation(snapshot: ClusterSnapshot) -> Decision | None:
    """CreateCluster waits."""
    return None if snapshot.observed.cluster else unapproved(snapshot)


def unapproved(snapshot: ClusterSnapshot) -> Decision | None:
    """Everything that needs no approval was sent; the rest waits."""
    plan = snapshot.plan
    if plan is None or not plan.gate.held:
        return None
    reason, message = words(snapshot.resource, plan)
    return Wait(reason=reason, message=message, after=snapshot.timings.resync, stalled=plan.policy is not PLAN_ONLY)


PLAN_ONLY = ChangePolicy.PLAN_ONLY


def words(resource: Resource, plan: Plan) -> tuple[Reason, str]:
    """Why calls wait, what they are, and what to type."""
    held = summary(plan.waiting)
    match plan.gate:
        case Open():
            raise AssertionError("asked only of a plan that waits")
        case Waiting() if plan.policy is PLAN_ONLY:
            message = (
                f"The change policy is PlanOnly: the operator changes nothing in AWS. Planned: {held}. To allow "
                "changes, set spec.management.changePolicy to ApproveAll, ApproveDisruptive or Auto."
            )
            return Reason.PLAN_ONLY, message
        case Waiting(digest=digest):
            return Reason.WAITING_FOR_APPROVAL, f"Waiting for approval: {held}. {how_to_approve(resource, digest)}"
        case Stale(digest=digest, given=given):
            message = (
                f"The approval (by {given.via.lower()}) names plan {given.digest[:SHORT_DIGEST]}, and the plan is "
                f"another one now: {held}. The operator sends none of it. {how_to_approve(resource, digest)}"
            )
            return Reason.PLAN_STALE, message
        case _:
            assert_never(plan.gate)


def how_to_approve(resource: Resource, digest: str) -> str:
    """The command, as a sentence."""
    return (
        f"To approve it, run: kubectl annotate --overwrite {CLUSTER.singular} {resource.key.name} "
        f"-n {resource.key.namespace} {APPROVE_PLAN}={digest} (in Git: spec.management.approvedPlan)."
    )
