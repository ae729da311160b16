"""Gauges of HyperPodClusters, from their status."""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache, partial

from hyperpod_operator.api.cluster.software import SOFTWARE_UPDATING, SYSTEM_UPDATING
from hyperpod_operator.api.cluster.status import HyperPodClusterStatus as Status
from hyperpod_operator.api.metrics.approvals import approval_waiting
from hyperpod_operator.api.metrics.instrument import OBJECT, Gauge, ObjectGauge, P, Samples
from hyperpod_operator.api.metrics.suspended import suspended

STATUSES = ("True", "False", "Unknown")
_gauge = partial(Gauge, section="Are the clusters ready?")
_nodes = partial(Gauge, section="Are the nodes healthy?", labels=OBJECT, unit="nodes")
_HEALTH = "Kubernetes Nodes of the cluster by state of health: {}."


def _conditions(status: Status) -> Samples:
    for one in sorted(status.conditions or (), key=lambda condition: condition.type):
        yield from (_condition(one.type, possible, possible == one.status) for possible in STATUSES)


@lru_cache(maxsize=1024)
def _condition(type_: str, status: str, current: bool) -> tuple[tuple[str, str], float]:
    """One for all clusters: a thousand of them have thirty-three each."""
    return (type_, status), float(current)


def _desired(status: Status) -> Samples:
    yield (), float((status.nodes.target or 0) if status.nodes else 0)


def _current(status: Status) -> Samples:
    yield (), float((status.nodes.current or 0) if status.nodes else 0)


def _cost(status: Status) -> Samples:
    """The amounts per hour that are known, by use (All, Idle) and currency."""
    cost = status.cost
    if cost is None or not cost.currency:
        return
    for use, amount in (("All", cost.hourly), ("Idle", cost.idleHourly)):
        if amount is not None:
            yield (use, cost.currency), float(amount)


def _plan_times(member: str) -> Callable[[Status], Samples]:
    """By name of the plan, this moment of it in seconds since 1970; without those of which that is not known."""

    def read(status: Status) -> Samples:
        for plan in status.trainingPlans or ():
            try:
                moment = datetime.fromisoformat(getattr(plan, member) or "")
            except ValueError:
                continue
            if moment.tzinfo:
                yield (plan.arn.rpartition("/")[2],), moment.timestamp()

    return read


def _software_update(status: Status) -> Samples:
    """AWS calls the cluster and its groups Updating or SystemUpdating meanwhile; the groups say what is updated."""
    under_way = any(one.softwareUpdateStatus in SOFTWARE_UPDATING for one in status.instanceGroups or ())
    yield (), float(under_way or status.clusterStatus == SYSTEM_UPDATING)


def _health(member: str) -> "ObjectGauge[Status]":
    def read(status: Status) -> Samples:
        if status.nodeHealth is not None:
            yield (), float(getattr(status.nodeHealth, member) or 0)

    return ObjectGauge(instrument=NODE_HEALTH[member], read=read)


NODE_HEALTH = {
    member: _nodes(name=f"hyperpod_node_health_status_{state}", help=_HEALTH.format(words), read=read)
    for member, state, words, read in (
        ("schedulable", "schedulable", "may receive pods", "Healthy"),
        (
            "unschedulable",
            "unschedulable",
            "unhealthy, no repair planned yet",
            "If constant: does the health monitoring agent run?",
        ),
        (
            "pendingReboot",
            "unschedulable_pending_reboot",
            "HyperPod will reboot the instance",
            "If constant: is `spec.nodeRecovery` Automatic?",
        ),
        (
            "pendingReplacement",
            "unschedulable_pending_replacement",
            "HyperPod will replace the instance",
            "If constant: no capacity, or `spec.nodeRecovery` is not Automatic",
        ),
        (
            "deepHealthCheck",
            "deep_health_check",
            "deep health checks run",
            "One to two hours are normal, and nothing is wrong",
        ),
        (
            "unknown",
            "unknown",
            "a status that this release does not know",
            "Treated as unhealthy. Upgrade the operator",
        ),
        ("joining", "joining", "recently created, without a status yet", "Passes within minutes"),
        (
            "notReported",
            "not_reported",
            "without a status although there should be one",
            "Is the health monitoring agent installed? CPU nodes have none and are not counted here",
        ),
        (
            "neverJoined",
            "never_joined",
            "instances Running in SageMaker that have no Node",
            "Billed and of no use: check lifecycle script, access entries, network",
        ),
        (
            "instancesGone",
            "instances_gone",
            "Nodes that have no matching SageMaker instance",
            "Delete the Node if it stays",
        ),
    )
}
"""By member of status.nodeHealth. CloudWatch Container Insights has the first four by the same names."""

GAUGES: tuple[ObjectGauge[Status], ...] = (
    ObjectGauge(
        instrument=_gauge(
            name=P + "cluster_condition",
            labels=(*OBJECT, "type", "status"),
            unit="0 or 1",
            help="1 for the current status of the condition, 0 for the others.",
            read='`type="Ready",status!="True"` at 1: not what the spec asks for. `type="Stalled",status="True"` at 1: '
            "it needs user action, and `kubectl describe hpc` says which",
        ),
        read=_conditions,
    ),
    ObjectGauge(
        instrument=_gauge(
            name=P + "cluster_nodes_desired",
            labels=OBJECT,
            unit="nodes",
            help="Target number of nodes of the cluster.",
            read="The target count in AWS. A step is an edit, or an autoscaler",
        ),
        read=_desired,
    ),
    ObjectGauge(
        instrument=_gauge(
            name=P + "cluster_nodes_current",
            labels=OBJECT,
            unit="nodes",
            help="Current number of nodes of the cluster.",
            read="Below the desired number for long: no capacity, or instances that fail to start",
        ),
        read=_current,
    ),
    ObjectGauge(
        instrument=_gauge(
            name=P + "cluster_approval_waiting",
            labels=OBJECT,
            unit="0 or 1",
            help="1 while a plan of the cluster waits for a person's approval, 0 otherwise.",
            read="1: nothing of the plan that waits is sent before you approve it ([plans.md](plans.md))",
        ),
        read=approval_waiting,
    ),
    ObjectGauge(
        instrument=_gauge(
            name=P + "cluster_suspended",
            labels=OBJECT,
            unit="0 or 1",
            help="1 while the cluster is as a person wants it to be: it is paused, it only plans, or it waits for "
            "nothing but an approval. 0 otherwise.",
            read="1: no alert about Ready or Stalled fires, whatever becomes of a paused cluster. Argo CD shows "
            "Suspended",
        ),
        read=suspended,
    ),
    ObjectGauge(
        instrument=_gauge(
            name=P + "cluster_software_update",
            labels=OBJECT,
            unit="0 or 1",
            help="1 while AWS updates the software of the cluster or of a group, or rolls that back; 0 otherwise.",
            read="1: nodes are replaced batch by batch, and the cluster is not Ready meanwhile. An hour is usual, and "
            "longer with small batches",
        ),
        read=_software_update,
    ),
    ObjectGauge(
        instrument=_gauge(
            name=P + "cluster_cost_per_hour",
            labels=(*OBJECT, "use", "currency"),
            unit="currency per hour",
            help="On-demand price of the cluster's instances per hour, by use: All, and Idle (instances that cannot "
            "run pods because they are unhealthy, being checked or not joined). Groups whose price is not known are "
            "left out.",
            read='`use="All"`: what the instances cost. `use="Idle"`: the part of it that runs no pods; high for long '
            "means sick nodes, or nodes that never join",
        ),
        read=_cost,
    ),
    ObjectGauge(
        instrument=_gauge(
            name=P + "training_plan_end_timestamp_seconds",
            labels=(*OBJECT, "plan"),
            unit="seconds",
            help="When a training plan of the cluster's groups ends, in seconds since 1970.",
            read="Minus `time()`: how long the groups of the plan still have their instances. Missing: no group has a "
            "plan, or `sagemaker:DescribeTrainingPlan` is denied",
        ),
        read=_plan_times("endTime"),
    ),
    ObjectGauge(
        instrument=_gauge(
            name=P + "training_plan_start_timestamp_seconds",
            labels=(*OBJECT, "plan"),
            unit="seconds",
            help="When a training plan of the cluster's groups starts, in seconds since 1970.",
            read="With the end: how long the plan is. The alert fires in the last quarter of a short one",
        ),
        read=_plan_times("startTime"),
    ),
    ObjectGauge(
        instrument=_gauge(
            name=P + "clusters",
            unit="objects",
            help="HyperPodCluster objects that the operator manages.",
            read="0 on a standby",
        ),
        read=lambda _: [((), 1.0)],
        summed=True,
    ),
    *(_health(member) for member in NODE_HEALTH),
)
