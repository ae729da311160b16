"""The training plans of a cluster's groups, as status and metrics have them."""

from hyperpod_operator.api.cluster.training_plan import PLANS_MOST, TrainingPlanStatus
from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.observed import ObservedCluster
from hyperpod_operator.core.preflight.model import Unread


def plan_arns(cluster: ObservedCluster | None) -> tuple[str, ...]:
    """ARNs of the plans that the groups in AWS use, each once."""
    groups = cluster.groups if cluster is not None else ()
    return tuple(sorted({str(one.members["trainingPlanArn"]) for one in groups if one.members.get("trainingPlanArn")}))


def training_plans(snapshot: ClusterSnapshot) -> list[TrainingPlanStatus] | None:
    """`status.trainingPlans`. Of a plan that cannot be read now, what was recorded stands."""
    before = {one.arn: one for one in snapshot.resource.status.trainingPlans or []}
    found = []
    for arn in plan_arns(snapshot.observed.cluster)[:PLANS_MOST]:
        plan = snapshot.training_plans.get(arn)
        if plan is None or isinstance(plan, Unread):
            found.append(before.get(arn) or TrainingPlanStatus(arn=arn))
        else:
            start, end = (stamp(moment) if moment is not None else None for moment in (plan.start, plan.end))
            found.append(TrainingPlanStatus(arn=arn, status=plan.status, startTime=start, endTime=end))
    return found or None
