"""What a HyperPodCluster says about the health of its Kubernetes Nodes: counts, the worst by name, one condition.

Only what people act on: a node that joins is no news. None of this changes `Ready` while HyperPod repairs sick nodes by
itself; with nodeRecovery None a person has to, so the cluster is Stalled.
"""

from typing import Never

from hyperpod_operator.api.cluster.status import InstanceGroupStatus, NodeHealth, UnhealthyNode
from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.core.cluster.decision import ClusterSnapshot, Decision
from hyperpod_operator.core.cluster.pass_record import PassRecord
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.engine.finding import Finding
from hyperpod_operator.core.health.rollup import GroupHealth, Health, SickNode, named
from hyperpod_operator.core.health.state import UNHEALTHY, State
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.text import counted

WHY_MOST = 256


def node_health(pass_record: PassRecord) -> NodeHealth | None:
    """`status.nodeHealth`; what was said before stands while nothing is known of the Nodes."""
    health = pass_record.snapshot.health
    if health is None:
        return pass_record.snapshot.resource.status.nodeHealth if pass_record.snapshot.health_watched else None
    if not health:
        return None
    states = health.states
    return NodeHealth(
        schedulable=health.schedulable,
        unschedulable=states.get(State.UNSCHEDULABLE) or None,
        pendingReplacement=states.get(State.PENDING_REPLACEMENT) or None,
        pendingReboot=states.get(State.PENDING_REBOOT) or None,
        deepHealthCheck=states.get(State.CHECKING) or None,
        unknown=states.get(State.UNKNOWN) or None,
        joining=states.get(State.JOINING) or None,
        notReported=states.get(State.NOT_REPORTED) or None,
        neverJoined=len(health.never_joined) or None,
        instancesGone=len(health.instance_gone) or None,
        worst=[_unhealthy(sick) for sick in health.worst] or None,
    )


def group_health(pass_record: PassRecord, entry: InstanceGroupStatus) -> InstanceGroupStatus:
    """The entry of a group with the counts of its Nodes."""
    if pass_record.snapshot.health is None:
        before = pass_record.snapshot.resource.recorded_groups.get(entry.instanceGroupName)
        if before is None or not pass_record.snapshot.health_watched:
            return entry
        counts = before.model_dump(include={"schedulableNodes", "unhealthyNodes", "neverJoined", "instancesGone"})
        return entry.model_copy(update=counts)
    found = pass_record.snapshot.health.groups.get(entry.instanceGroupName, GroupHealth(nodes=0, schedulable=0))
    return entry.model_copy(
        update={
            "schedulableNodes": found.schedulable if found.nodes else None,
            "unhealthyNodes": found.unhealthy or None,
            "neverJoined": found.never_joined or None,
            "instancesGone": found.instance_gone or None,
        }
    )


def nodes_healthy(snapshot: ClusterSnapshot) -> Finding[Never] | None:
    """The condition of a cluster that is ours; None when there is nothing to say."""
    if not snapshot.owned or snapshot.observed.cluster is None:
        return None
    if snapshot.health is not None:
        if not snapshot.health:
            return None
        return Finding(conditions=((ConditionType.NODES_HEALTHY, *judged(snapshot)),))
    if snapshot.health_watched:
        for old in snapshot.resource.status.conditions or []:
            if old.type == ConditionType.NODES_HEALTHY and old.reason in set(Reason):
                said = (ConditionType.NODES_HEALTHY, old.status, Reason(old.reason), old.message)
                return Finding(conditions=(said,))
    return None


def nodes_unhealthy(snapshot: ClusterSnapshot) -> Decision | None:
    """Ready means usable: sick nodes that HyperPod does not repair wait for the user's action."""
    if snapshot.health is None or not snapshot.health.unhealthy or recovers(snapshot):
        return None
    message = judged(snapshot)[2]
    return Wait(reason=Reason.NODES_UNHEALTHY, message=message, after=snapshot.timings.resync, stalled=True)


def recovers(snapshot: ClusterSnapshot) -> bool:
    """Whether HyperPod repairs sick nodes by itself, as far as is known."""
    cluster = snapshot.observed.cluster
    return cluster is None or cluster.recovers


def judged(snapshot: ClusterSnapshot) -> tuple[str, Reason, str]:
    """Status, reason and message of the condition."""
    health = snapshot.health
    if health is None:
        raise AssertionError("asked only while the Nodes are known")
    disagreements = [
        *(
            [
                f"SageMaker reports {counted(len(health.never_joined), 'instance')} as Running that never "
                "joined Kubernetes: "
                f"{named(health.never_joined)}. Check the log of their lifecycle script in CloudWatch and the "
                "security groups between them and the EKS cluster."
            ]
            if health.never_joined
            else []
        ),
        *(
            [
                f"{counted(len(health.instance_gone), 'Node has', 'Nodes have')} no matching SageMaker instance: "
                f"{named(health.instance_gone)}. Kubernetes does not end their pods; if the Nodes stay, delete them."
            ]
            if health.instance_gone
            else []
        ),
    ]
    if health.mass_failure is not None:
        return "False", Reason.MANY_NODES_UNHEALTHY, " ".join([health.mass_failure.message, *disagreements])
    if health.unhealthy:
        return "False", Reason.NODES_UNHEALTHY, " ".join([_sick(snapshot, health), *disagreements])
    if disagreements:
        reason = Reason.NODES_NEVER_JOINED if health.never_joined else Reason.INSTANCES_GONE
        return "False", reason, " ".join(disagreements)
    if health.checking:
        message = (
            f"Deep health checks run on {health.checking} of {health.nodes} nodes; they take no pods until the checks "
            "pass, usually within 1 to 2 hours. Nothing to do."
        )
        return "False", Reason.DEEP_HEALTH_CHECKS, message
    silent = health.states.get(State.NOT_REPORTED, 0)
    if silent:
        message = (
            f"{silent} of {health.nodes} nodes have no health status: {named(_of(health, State.NOT_REPORTED))}. Check "
            "that HyperPod's health monitoring agent runs there (namespace aws-hyperpod)."
        )
        return "Unknown", Reason.HEALTH_NOT_REPORTED, message
    return "True", Reason.ALL_SCHEDULABLE, f"{counted(health.nodes, 'node')}, none is unhealthy."


def _sick(snapshot: ClusterSnapshot, health: Health) -> str:
    first = ", ".join(f"{sick.name} ({sick.why})" for sick in health.worst if sick.state is not State.NOT_REPORTED)
    remedy = (
        "HyperPod reboots or replaces them."
        if recovers(snapshot)
        else f"nodeRecovery is None, so HyperPod repairs none of them: {_commands(snapshot, health)}."
    )
    return f"{health.unhealthy} of {health.nodes} nodes must not receive pods: {first[:1024]}. {remedy}"


def _commands(snapshot: ClusterSnapshot, health: Health) -> str:
    """What a person runs, filled in; of many nodes the worst."""
    cluster = snapshot.resource.cluster_name
    reboot = [sick.instance_id for sick in health.worst if sick.state is State.PENDING_REBOOT]
    replace = [sick.instance_id for sick in health.worst if sick.state in UNHEALTHY - {State.PENDING_REBOOT}]
    return " and ".join(
        f"`aws sagemaker batch-{verb}-cluster-nodes --cluster-name {cluster} --node-ids {' '.join(ids)}`"
        for verb, ids in (("reboot", reboot), ("replace", replace))
        if ids
    )


def _of(health: Health, state: State) -> tuple[str, ...]:
    return tuple(sick.name for sick in health.worst if sick.state is state)


def _unhealthy(sick: SickNode) -> UnhealthyNode:
    return UnhealthyNode(
        name=sick.name,
        instanceId=sick.instance_id,
        instanceGroupName=sick.group or None,
        state=sick.state.value,
        faultType=sick.fault_type[:128] or None,
        faultReason=sick.fault_reason[:128] or None,
        message=sick.why[:WHY_MOST] or None,
        since=stamp(sick.since) if sick.since else None,
    )
