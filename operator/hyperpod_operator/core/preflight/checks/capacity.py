"""Checks of quotas, training plans and recent shortages."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from hyperpod_operator.core.preflight.facts import NOT_GATHERED, Usage
from hyperpod_operator.core.preflight.model import Area, Check, Finding, Unread, fails, passes, unknown, warns
from hyperpod_operator.core.preflight.subject import ClusterSubject, Planned
from hyperpod_operator.core.preflight.tables import quotas

QUOTAS = ("servicequotas:ListServiceQuotas", "servicequotas:ListAWSDefaultServiceQuotas")
USAGE = ("sagemaker:ListClusters", "sagemaker:DescribeCluster")
PLAN = ("sagemaker:DescribeTrainingPlan",)
EXPIRES_SOON = timedelta(days=14)
PLANS = "DOC: SageMaker developer guide, reserve-capacity-with-training-plans"


def _used(subject: ClusterSubject) -> Usage | None:
    return None if isinstance(subject.facts.usage, Unread) else subject.facts.usage


def _type_quota(subject: ClusterSubject, *, spot: bool) -> Iterator[Finding]:
    groups = [one for one in subject.groups if one.spot is spot and not one.plan and len(one.types) == 1 and one.count]
    if not groups:
        return
    listed, used = subject.facts.quotas, _used(subject)
    if isinstance(listed, Unread):
        yield unknown(listed)
        return
    counts: Counter[str] = Counter()
    for group in groups:
        counts[group.types[0]] += group.count
    for name, count in counts.items():
        quota = quotas.of_type(name, spot=spot)
        if (limit := listed.get(quota)) is None:
            yield unknown(Unread(why=f"Service Quotas does not list “{quota}”"))
            continue
        others = used.instances.get(name, 0) if used and not spot else 0
        if count + others > limit:
            say = fails if count > limit else warns
            yield say(type=name, count=count, limit=int(limit), others=others)
        elif used is None and not spot and isinstance(subject.facts.usage, Unread):
            yield unknown(subject.facts.usage)
        elif used is not None and not used.complete and not spot:
            yield unknown(Unread(why="the account has more HyperPod clusters than are read"))
        else:
            yield passes()


def on_demand_quota(subject: ClusterSubject) -> Iterator[Finding]:
    yield from _type_quota(subject, spot=False)


def spot_quota(subject: ClusterSubject) -> Iterator[Finding]:
    yield from _type_quota(subject, spot=True)


def cluster_quota(subject: ClusterSubject) -> Iterator[Finding]:
    listed = subject.facts.quotas
    if isinstance(listed, Unread):
        yield unknown(listed)
        return
    limit = listed.get(quotas.CLUSTER_SIZE)
    if limit is None:
        yield unknown(Unread(why=f"Service Quotas does not list “{quotas.CLUSTER_SIZE}”"))
    elif subject.instances > limit:
        yield fails(count=subject.instances, limit=int(limit))
    else:
        yield passes()


def account_quota(subject: ClusterSubject) -> Iterator[Finding]:
    listed, usage = subject.facts.quotas, subject.facts.usage
    for fact in (listed, usage):
        if isinstance(fact, Unread):
            yield unknown(fact)
            return
    if isinstance(listed, Unread) or isinstance(usage, Unread):
        return
    limit = listed.get(quotas.ALL_CLUSTERS)
    if limit is None:
        yield unknown(Unread(why=f"Service Quotas does not list “{quotas.ALL_CLUSTERS}”"))
    elif subject.instances + usage.total > limit:
        say = fails if subject.instances > limit else warns
        yield say(count=subject.instances, others=usage.total, limit=int(limit))
    elif not usage.complete:
        yield unknown(Unread(why="the account has more HyperPod clusters than are read"))
    else:
        yield passes()


def _plans(subject: ClusterSubject) -> Iterator[Planned]:
    yield from (group for group in subject.groups if group.plan)


def plan_usable(subject: ClusterSubject) -> Iterator[Finding]:
    for group in _plans(subject):
        plan = subject.facts.plans.get(group.plan, NOT_GATHERED)
        if isinstance(plan, Unread):
            yield unknown(plan, group=group.name)
            continue
        problem = ""
        if plan is None:
            problem = "does not exist"
        elif plan.status not in {"Active", "Scheduled"}:
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
    asked: Counter[str] = Counter()
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
        elif plan.available is not None and asked[group.plan] > plan.available:
            words = f"has {plan.available} instances left, and {asked[group.plan]} are asked for"
            yield fails(group=group.name, plan=group.plan, problem=words)
        else:
            yield passes(group=group.name)


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


def recent_shortage(subject: ClusterSubject) -> Iterator[Finding]:
    if subject.new:
        return
    for group in subject.groups:
        short = [name for name in group.types if name in subject.shortages]
        yield warns(group=group.name, type=", ".join(short)) if short else passes(group=group.name)


CHECKS = (
    Check(
        name="InstanceQuota",
        area=Area.CAPACITY,
        what="The quotas for cluster usage allow the on-demand instances",
        why="CreateCluster fails with ResourceLimitExceeded, after up to 40 minutes in Continuous mode.",
        source="DOC: SageMaker developer guide, sagemaker-hyperpod-prerequisites, quotas",
        judge=on_demand_quota,
        reads=(*QUOTAS, *USAGE),
        fail="The spec asks for {count} {type}, other clusters have {others}, and the quota is {limit}.",
        warn="The spec asks for {count} {type}, other clusters have {others}, and the quota is {limit}.",
        remedy="Ask Service Quotas for a higher limit (“<type> for cluster usage”), or lower instanceCount.",
    ),
    Check(
        name="SpotQuota",
        area=Area.CAPACITY,
        what="The quotas for Spot cluster usage allow the Spot instances",
        why="Spot instances have quotas of their own, often 0.",
        source="DOC: Service Quotas, Amazon SageMaker",
        judge=spot_quota,
        reads=QUOTAS,
        fail="The spec asks for {count} {type} as Spot, and the quota is {limit}.",
        remedy="Ask Service Quotas for a higher limit (“<type> for cluster spot instance usage”).",
    ),
    Check(
        name="ClusterSizeQuota",
        area=Area.CAPACITY,
        what="The cluster is within the quota for instances of one cluster",
        why="CreateCluster or UpdateCluster fails with ResourceLimitExceeded.",
        source="DOC: Service Quotas, Amazon SageMaker",
        judge=cluster_quota,
        reads=QUOTAS,
        fail="The spec asks for {count} instances in all, and a cluster may have {limit}.",
        remedy=f"Ask Service Quotas for more (“{quotas.CLUSTER_SIZE}”).",
    ),
    Check(
        name="AccountQuota",
        area=Area.CAPACITY,
        what="All clusters together are within the quota of the account",
        why="CreateCluster or UpdateCluster fails with ResourceLimitExceeded.",
        source="DOC: Service Quotas, Amazon SageMaker",
        judge=account_quota,
        reads=(*QUOTAS, *USAGE),
        fail="The spec asks for {count} instances, other clusters have {others}, and the account may have {limit}.",
        warn="The spec asks for {count} instances, other clusters have {others}, and the account may have {limit}.",
        remedy=f"Ask Service Quotas for more (“{quotas.ALL_CLUSTERS}”).",
    ),
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
        remedy="Change the group's type, count or overrideVpcConfig to what the plan holds.",
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
    Check(
        name="CapacityHistory",
        area=Area.CAPACITY,
        what="The cluster's recent events show no shortage of the added instance types",
        why="A type that AWS lacked a while ago is likely to be short again.",
        source="INF: what lacked capacity an hour ago is likely to lack it still; ListClusterEvents of this cluster",
        judge=recent_shortage,
        warn="AWS had no capacity for {type} in the recent events of this cluster.",
        remedy="Add another type or zone (instanceRequirements, overrideVpcConfig), or reserve capacity.",
    ),
)
