"""What a pass over a HyperPodNodeOperation needs of the world."""

from collections.abc import Callable
from dataclasses import dataclass

from hyperpod_operator.core.audit import Audit
from hyperpod_operator.core.drain.ports import Evictor, NodeMarks, PodReader
from hyperpod_operator.core.drain.volumes import ClaimsOnNodes
from hyperpod_operator.core.nodeoperation.ports import OperationObjects, SelectedNodes, StoredNodes
from hyperpod_operator.core.ports import (
    Clock,
    Cloud,
    Events,
    Key,
    Metrics,
    Nodes,
    Objects,
)


@dataclass(frozen=True, kw_only=True)
class OperationPorts:
    """What a pass needs of the world. `wake` has another pass over an operation made after so many seconds."""

    operations: OperationObjects
    clusters: Objects
    cloud: Cloud
    nodes: Nodes
    stored_nodes: StoredNodes
    labels: SelectedNodes
    pods: PodReader
    evictor: Evictor
    marks: NodeMarks
    events: Events
    metrics: Metrics
    clock: Clock
    claims: ClaimsOnNodes | None = None
    audit: Audit
    """Where each call, each eviction and each write to a Node is recorded; None: nowhere."""
    wake: Callable[[Key, float], None] = lambda _key, _seconds: None
