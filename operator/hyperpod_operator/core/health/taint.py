"""The health taint: a node that HyperPod found unhealthy carries it, and the operator removes only what it added.

HyperPod owns the labels and the taint. The operator closes gaps only: it adds the taint where it is missing, and
removes it where the operator added it and nothing requires it any more. What it added is recorded on the Node
itself, in the same write, so that a restart loses nothing.

Source: SageMaker developer guide, "Resiliency-related Kubernetes labels" and "EKS prerequisites" (the taint).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hyperpod_operator.api.names import (
    DEEP_HEALTH_CHECK_STATUS,
    FAULT_REASONS,
    FAULT_TYPES,
    NODE_HEALTH_STATUS,
    TAINT_REASON,
    TAINTED_AT,
)
from hyperpod_operator.core.health.change import NodeChange
from hyperpod_operator.core.health.facts import ClusterFacts
from hyperpod_operator.core.health.node import Node, Taint
from hyperpod_operator.core.health.state import GRACE, NO_PODS, State, age, checking, failing, state
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.text import plain

# [assumption: one-health-taint]
TAINT = Taint(key=NODE_HEALTH_STATUS, value="Unschedulable", effect="NoSchedule")
"""The one taint. Its value is never one of the Pending words, which are commands; its effect never NoExecute."""

_BECAUSE_MOST = 512


class Step(StrEnum):
    """What is done about a Node."""

    KEEP = "Keep"
    TAINT = "Taint"
    UNTAINT = "Untaint"
    CLEAR_RECORD = "ClearRecord"
    """The taint is gone and its record is not: remove the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaintDecision:
    """`change` is what to write; empty when there is nothing to do or the cluster only observes.

    `look_again` is in seconds; None when only a change of the Node or of the facts can change the decision.
    """

    step: Step
    state: State
    message: str = ""
    change: NodeChange = field(default_factory=NodeChange)
    look_again: float | None = None


def decide(node: Node, facts: ClusterFacts, *, now: datetime) -> TaintDecision:
    """Pure and stable: once its change is applied, the decision is KEEP."""
    found = state(node, facts, now=now)
    if node.deleting:
        return TaintDecision(step=Step.KEEP, state=found)
    tainted, ours = TAINT in map(_plain, node.taints), TAINTED_AT in node.annotations
    if found in NO_PODS and not _occupied(node):
        return _taint(node, facts, found, now=now)
    if tainted and ours and _cleared(node, found):
        return _untaint(node, facts, found)
    if ours and not tainted:
        return _clear_record(facts, found)
    return TaintDecision(step=Step.KEEP, state=found, look_again=_look_again(node, found, now=now))


def because(node: Node, facts: ClusterFacts) -> str:
    """Why a Node must not receive pods, in words."""
    label = node.labels.get(NODE_HEALTH_STATUS)
    parts = []
    if label is not None and label != State.SCHEDULABLE:
        parts.append(f"HyperPod labels it {label}")
    if checking(node, facts):
        parts.append("a deep health check runs")
    if failing(node, facts):
        instance = facts.instances[node.instance_id]
        words = f" ({instance.message})" if instance.message else ""
        parts.append(f"SageMaker reports the instance as {instance.status}{words}")
    faults = ", ".join(part for name in (FAULT_TYPES, FAULT_REASONS) if (part := node.labels.get(name)))
    return plain("; ".join(parts) + (f"; fault: {faults}" if faults else ""))


def _occupied(node: Node) -> bool:
    """The API server takes one taint of a key and effect; one of another value is theirs, and keeps pods off too."""
    return any((taint.key, taint.effect) == (TAINT.key, TAINT.effect) for taint in node.taints)


def _cleared(node: Node, found: State) -> bool:
    """HyperPod itself says Schedulable and nothing contradicts it; no label at all is no word of health.

    Except where no word ever comes: a CPU node that SageMaker called failing and does no more.
    """
    failed_check = node.labels.get(DEEP_HEALTH_CHECK_STATUS) == "Failed"
    return found is State.SCHEDULABLE and not failed_check


def _taint(node: Node, facts: ClusterFacts, found: State, *, now: datetime) -> TaintDecision:
    why = because(node, facts)
    change = NodeChange(
        taints=(*node.taints, TAINT),
        annotations={TAINTED_AT: stamp(now), TAINT_REASON: why[:_BECAUSE_MOST]},
    )
    message = (
        f"Tainted the node ({TAINT.key}={TAINT.value}:{TAINT.effect}) because {why}; running pods are not evicted. The "
        "operator removes the taint when HyperPod labels the node Schedulable; with automatic node recovery HyperPod "
        "reboots or replaces the instance."
    )
    return _decision(Step.TAINT, found, message, change, facts)


def _untaint(node: Node, facts: ClusterFacts, found: State) -> TaintDecision:
    change = NodeChange(
        taints=tuple(taint for taint in node.taints if _plain(taint) != TAINT), annotations=_no_record()
    )
    message = (
        "Removed the node-health taint: HyperPod labels the node Schedulable, and the operator had added the taint "
        f"at {node.annotations[TAINTED_AT]}."
    )
    return _decision(Step.UNTAINT, found, message, change, facts)


def _clear_record(facts: ClusterFacts, found: State) -> TaintDecision:
    change = NodeChange(annotations=_no_record())
    return _decision(Step.CLEAR_RECORD, found, "The node-health taint was removed by another client.", change, facts)


def _decision(step: Step, found: State, message: str, change: NodeChange, facts: ClusterFacts) -> TaintDecision:
    if facts.enforce:
        return TaintDecision(step=step, state=found, message=message, change=change)
    observed = f"Only observed (management.nodeHealth: Observe), no change. With Enforce: {message}"
    return TaintDecision(step=step, state=found, message=observed)


def _no_record() -> Mapping[str, str | None]:
    return {TAINTED_AT: None, TAINT_REASON: None}


def _look_again(node: Node, found: State, *, now: datetime) -> float | None:
    # Not after GRACE either, whatever the clocks say: one that was set back makes a Node appear younger than new.
    return min(max(GRACE - age(node, now=now), 1.0), GRACE) if found is State.JOINING else None


def _plain(taint: Taint) -> Taint:
    """The taint without when it was added, which is not part of what it says."""
    return Taint(key=taint.key, value=taint.value, effect=taint.effect) if taint.time_added else taint
