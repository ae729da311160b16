"""Checks of the training plans that groups get their instances from."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from hyperpod_operator.core.preflight.facts import NOT_GATHERED, TrainingPlan
from hyperpod_operator.core.preflight.model import Area, Check, Finding, Unread, fails, passes, unheard, unknown, warns
from hyperpod_operator.core.preflight.subject import ClusterSubject, Planned
from hyperpod_operator.core.text import counted

PLAN = ("sagemaker:DescribeTrainingPlan",)
PLANS = "DOC: SageMaker developer guide, reserve-capacity-with-training-plans"
# [assumption: enums-grow]
USABLE = frozenset({"Active", "Scheduled"})
# [assumption: enums-grow]
UNUSABLE = frozenset({"Pending", "Expired", "Failed"})
"""Of TrainingPlanStatus in SageMaker's API model."""
EXPIRES_SOON = timedelta(days=14)


def _plans(subject: ClusterSubject) -> Iterator[Planned]:
    yield from (group for group in subject.groups if group.plan)


def plan_usable(subject: ClusterSubject) -> Iterator[Finding]:
    for group in _plans(subject):
        plan = subject.facts.plans.get(group.plan, NOT_GATHERED)
        if isinstance(plan, Unread):
            yield unknown(plan, group=group.name)
            continue
        if plan is not None and plan.status not in USABLE | UNUSABLE:
            yield unknown(unheard("the status of the training plan:", plan.status), group=group.name)
            continue
        problem = ""
        if plan is None:
            problem = "does not exist"
        elif plan.status in UNUSABLE:
            problem = f"is {plan.status}"
        elif plan.end is not None and plan.end <= subject.now:
            problem = f"ended at {plan.end.isoformat()}"
        elif plan.targets and "hyperpod-cluster" not in plan.targets:
            problem = f"is for {', '.join(sorted(plan.targets))} and not for hyperpod-cluster"
        if problem:
            yield fails(group=group.name, plan=group.plan, problem=problem)
        else:
            yield passes(group=group.name)


def plan_fits(subject: ClusterSubject) -> Iterator[Finding]:
    known = subject.facts.subnets
    asked, kept = Counter[str](), Counter[str]()
    for group in subject.beside:
        asked[group.plan] += group.count
    for one in subject.holds:
        kept[one.plan] += one.count
    for group in _plans(subject):
        asked[group.plan] += group.count
        plan = subject.facts.plans.get(group.plan, NOT_GATHERED)
        if isinstance(plan, Unread):
            yield unknown(plan, group=group.name)
            continue
        if plan is None:
            continue
        fitting = [one for one in plan.capacities if one.instance_type in group.types]
        zones = set() if isinstance(known, Unread) else {known[one].zone_id for one in group.subnets if one in known}
        theirs = {one.zone_id for one in fitting if one.zone_id}
        if plan.capacities and not fitting:
            held = ", ".join(sorted({one.instance_type for one in plan.capacities}))
            yield fails(group=group.name, plan=group.plan, problem=f"holds {held}, not {', '.join(group.types)}")
        elif zones and theirs and not zones & theirs:
            there, here = ", ".join(sorted(theirs)), ", ".join(sorted(zones))
            yield fails(group=group.name, plan=group.plan, problem=f"is in {there}, and the group's subnets in {here}")
        else:
            yield _counted(group, plan, asked=asked[group.plan], kept=kept[group.plan])


def _counted(group: Planned, plan: TrainingPlan, *, asked: int, kept: int) -> Finding:
    """What the cluster's groups keep of a plan no other group gets. What else is in use may become free: it may be of a
    group that leaves with this very call, or of a cluster that ends. Before its start a plan has none free."""
    most = None if plan.total is None else max(0, plan.total - kept)
    if most is not None and asked > most:
        words = f"has {counted(most, 'instance')} left, and {asked} are asked for"
        return fails(group=group.name, plan=group.plan, problem=words)
    if plan.status != "Scheduled" and plan.available is not None and asked > plan.available:
        words = f"has {counted(plan.available, 'free instance')} now, and {asked} are asked for"
        return warns(group=group.name, plan=group.plan, problem=words)
    return passes(group=group.name)


def plan_window(subject: ClusterSubject) -> Iterator[Finding]:
    for group in _plans(subject):
        plan = subject.facts.plans.get(group.plan, NOT_GATHERED)
        if isinstance(plan, Unread):
            yield unknown(plan, group=group.name)
        elif plan is not None and plan.start is not None and plan.start > subject.now:
            yield warns(group=group.name, plan=group.plan, problem=f"starts at {plan.start.isoformat()}")
        elif plan is not None and plan.end is not None and plan.end - subject.now < EXPIRES_SOON:
            yield warns(group=group.name, plan=group.plan, problem=f"ends at {plan.end.isoformat()}")
        elif plan is not None:
            yield passes(group=group.name)


CHECKS = (
    Check(
        name="TrainingPlanUsable",
        area=Area.CAPACITY,
        what="The training plans are Active or Scheduled",
        why="A group with another plan never gets instances.",
        source=PLANS,
        judge=plan_usable,
        reads=PLAN,
        fail="Training plan {plan} {problem}.",
        remedy="Name a plan that is Active or Scheduled and was bought for HyperPod clusters.",
    ),
    Check(
        name="TrainingPlanFits",
        area=Area.CAPACITY,
        what="The training plans hold the groups' instances, in the zones of their subnets",
        why="Reserved capacity is bound to a type, a zone and a count.",
        source=PLANS,
        judge=plan_fits,
        reads=PLAN,
        fail="Training plan {plan} {problem}.",
        warn="Training plan {plan} {problem}.",
        remedy="Change the group's type, count or overrideVpcConfig to what the plan holds; instances that others use "
        "come to the group when they are free.",
    ),
    Check(
        name="TrainingPlanWindow",
        area=Area.CAPACITY,
        what="The training plans have begun and last for 14 days at least",
        why="Before its start a plan gives no instances; 30 minutes before its end AWS ends all of them.",
        source=PLANS,
        judge=plan_window,
        reads=PLAN,
        warn="Training plan {plan} {problem}.",
        remedy="Extend the plan, or have jobs write checkpoints before its end.",
    ),
)
