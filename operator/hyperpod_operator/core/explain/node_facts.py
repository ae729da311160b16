"""A Node as an explanation needs it, read from the API server's JSON."""

from collections.abc import Mapping
from dataclasses import dataclass

from hyperpod_operator.api.names import (
    DEEP_HEALTH_CHECK_STATUS,
    DRAINING,
    FAULT_DETAILS,
    FAULT_REASONS,
    FAULT_TYPES,
    INSTANCE_GROUP_NAME,
    LABEL_INSTANCE_GROUP,
    NODE_HEALTH_STATUS,
    TAINT_REASON,
)
from hyperpod_operator.core.explain.around import condition
from hyperpod_operator.core.explain.world import Json, inside, items, text
from hyperpod_operator.core.health.node import identity

KEEPS_OFF = frozenset({"NoSchedule", "NoExecute"})
"""Effects of a taint with which the scheduler places no pod that does not tolerate it."""
CORDON = "node.kubernetes.io/unschedulable"
"""The taint that Kubernetes adds to a Node that is cordoned."""
GROUP_LABELS = (INSTANCE_GROUP_NAME, LABEL_INSTANCE_GROUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taint:
    """One that keeps pods off."""

    key: str
    value: str
    effect: str

    def __str__(self) -> str:
        return f"{self.key}={self.value}:{self.effect}" if self.value else f"{self.key}:{self.effect}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """`cluster_id` and `instance_id` are empty for a Node that HyperPod did not bring."""

    name: str
    cluster_id: str
    instance_id: str
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    cordoned: bool
    ready: str
    """Status of the condition Ready: True, False or Unknown."""
    ready_says: str
    ready_since: str
    holder: tuple[str, str, str]
    """Kind, namespace and name of the object for which the operator drains the Node; empty words for none."""
    faults: str
    """HyperPod's words about a fault, else the operator's on its taint."""

    @property
    def group(self) -> str:
        return next((self.labels[name] for name in GROUP_LABELS if self.labels.get(name)), "")

    @property
    def health(self) -> str:
        """HyperPod's label node-health-status; empty where there is none."""
        return self.labels.get(NODE_HEALTH_STATUS, "")

    # [assumption: deep-check-is-not-sickness, health-label-is-the-word]
    @property
    def checked(self) -> bool:
        """Whether deep health checks run on it."""
        # [assumption: deep-check-is-not-sickness]
        return self.labels.get(DEEP_HEALTH_CHECK_STATUS) == "InProgress"


def node_facts(node: Json) -> NodeFacts:
    """Whatever is absent or odd is empty."""
    name = text(inside(node, "metadata", "name"))
    found = identity(name=name, provider_id=text(inside(node, "spec", "providerID"))) or ("", "")
    labels = _strings(inside(node, "metadata", "labels"))
    notes = _strings(inside(node, "metadata", "annotations"))
    ready = condition(node, "Ready")
    faults = [labels[one] for one in (FAULT_TYPES, FAULT_REASONS, FAULT_DETAILS) if labels.get(one)]
    return NodeFacts(
        name=name,
        cluster_id=found[0],
        instance_id=found[1],
        labels=labels,
        taints=tuple(
            Taint(key=text(one.get("key")), value=text(one.get("value")), effect=text(one.get("effect")))
            for one in items(node, "spec", "taints")
            if text(one.get("effect")) in KEEPS_OFF
        ),
        cordoned=inside(node, "spec", "unschedulable") is True,
        ready=text(ready.get("status")) or "Unknown",
        ready_says=text(ready.get("message")),
        ready_since=text(ready.get("lastTransitionTime")),
        holder=_holder(notes.get(DRAINING, "")),
        faults=", ".join(faults) or notes.get(TAINT_REASON, ""),
    )


def _strings(value: object) -> Mapping[str, str]:
    return {name: one for name, one in value.items() if isinstance(one, str)} if isinstance(value, Mapping) else {}


def _holder(note: str) -> tuple[str, str, str]:
    """The annotation has the form `KIND NAMESPACE/NAME UID` (core/drain/marks.py)."""
    kind, _, rest = note.partition(" ")
    namespace, slash, name = rest.partition(" ")[0].partition("/")
    return (kind, namespace, name) if slash else ("", "", "")
