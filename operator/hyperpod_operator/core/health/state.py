"""In which state of health a Node is, in HyperPod's own words where it has some."""

from datetime import datetime
from enum import StrEnum

from hyperpod_operator.api.names import (
    DEEP_HEALTH_CHECK_STATUS,
    INSTANCE_GROUP_NAME,
    NODE_HEALTH_STATUS,
)
from hyperpod_operator.core.health.facts import CHECKING, FAILING, ClusterFacts
from hyperpod_operator.core.health.node import INSTANCE_TYPE, Node

# [assumption: health-labels-come-late, node-joins-after-running]
GRACE = 600.0
"""Seconds after a Node joined in which HyperPod need not have labelled it."""


class State(StrEnum):
    """The values of the label node-health-status, and what a Node is without a known one."""

    SCHEDULABLE = "Schedulable"
    UNSCHEDULABLE = "Unschedulable"
    PENDING_REPLACEMENT = "UnschedulablePendingReplacement"
    PENDING_REBOOT = "UnschedulablePendingReboot"
    UNKNOWN = "Unknown"
    """A value that this release does not know: it counts as not schedulable."""
    CHECKING = "DeepHealthCheck"
    """A deep health check runs: it takes no pods, and nothing is wrong with it as far as anybody knows."""
    JOINING = "Joining"
    """No label yet, and young enough for that."""
    NOT_REPORTED = "NotReported"
    """No label although HyperPod's health monitoring agent should have set one."""


# [assumption: health-label-is-the-word]
UNSCHEDULABLE_PREFIX = "Unschedulable"
"""How every value of the label begins that keeps pods off, those of later releases of HyperPod included."""

UNHEALTHY = frozenset({State.UNSCHEDULABLE, State.PENDING_REPLACEMENT, State.PENDING_REBOOT, State.UNKNOWN})
"""States in which something is wrong with a Node."""
NO_PODS = UNHEALTHY | {State.CHECKING}
"""States in which a Node must not receive pods."""
_LABELS = {state.value: state for state in (State.SCHEDULABLE, *UNHEALTHY) if state is not State.UNKNOWN}


def state(node: Node, facts: ClusterFacts, *, now: datetime) -> State:
    """By the label; SageMaker's word that the instance is failing or checked overrules a healthy one.

    HyperPod labels a node that it checks Unschedulable, too: the label alone does not tell a check from a fault.
    """
    label = node.labels.get(NODE_HEALTH_STATUS)
    if label is not None and label not in _LABELS:
        return State.UNKNOWN
    said = _LABELS[label] if label is not None else None
    broken = failing(node, facts)
    if said in {None, State.SCHEDULABLE, State.UNSCHEDULABLE} and checking(node, facts) and not broken:
        return State.CHECKING
    if said in UNHEALTHY:
        return said
    if broken:
        return State.UNSCHEDULABLE
    if said is not None:
        return said
    if not watched(node, facts):
        return State.SCHEDULABLE  # HyperPod does not look at it, so no word will come
    return State.JOINING if age(node, now=now) < GRACE else State.NOT_REPORTED


def checking(node: Node, facts: ClusterFacts) -> bool:
    """A deep health check runs on it."""
    instance = facts.instances.get(node.instance_id)
    label = node.labels.get(DEEP_HEALTH_CHECK_STATUS)
    return label == "InProgress" or (label is None and instance is not None and instance.status == CHECKING)


# [assumption: fault-shows-in-label-or-status]
def failing(node: Node, facts: ClusterFacts) -> bool:
    """SageMaker calls the instance broken."""
    instance = facts.instances.get(node.instance_id)
    return instance is not None and instance.status in FAILING


# [assumption: cpu-nodes-are-not-watched]
def watched(node: Node, facts: ClusterFacts) -> bool:
    """Whether HyperPod checks this node's health: it does so on GPU and Neuron instances, never on CPU ones."""
    instance = facts.instances.get(node.instance_id)
    kind = instance.instance_type if instance else node.labels.get(INSTANCE_TYPE, "")
    return facts.accelerated(group=group(node, facts), instance_type=kind) is not False


def group(node: Node, facts: ClusterFacts) -> str:
    """Name of its instance group: SageMaker's word, else HyperPod's label."""
    instance = facts.instances.get(node.instance_id)
    return instance.group if instance else node.labels.get(INSTANCE_GROUP_NAME, "")


def age(node: Node, *, now: datetime) -> float:
    """Seconds since the Node was registered."""
    return (now - node.created_at).total_seconds()
