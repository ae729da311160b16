"""Metrics of HyperPodNodeOperations. Seconds count from the beginning of the node's drain."""

from functools import partial

from hyperpod_operator.api.metrics.approvals import approval_waiting
from hyperpod_operator.api.metrics.instrument import OBJECT, Counter, Gauge, Histogram, ObjectGauge, P
from hyperpod_operator.api.nodeoperation.status import HyperPodNodeOperationStatus as Status

SECTION = "Do node operations end?"
_counter = partial(Counter, section=SECTION, unit="nodes")

OPERATED_SECONDS = Histogram(
    section=SECTION,
    name=P + "node_operation_seconds",
    labels=("operation", "phase"),
    unit="seconds",
    help="Duration of a node operation on one node, by operation and phase: Drain (from the taint until AWS was "
    "asked), Effect (until it was seen), Total.",
    read="Long in `Drain`: pods or budgets; long in `Effect`: AWS",
    buckets=(10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800),
)
OPERATED_NODES = _counter(
    name=P + "node_operation_nodes_total",
    labels=("operation", "state"),
    help="Nodes on which a node operation ended, by operation and state: Succeeded, Failed, Skipped.",
    read="`Failed` increases: `status.nodes` of the operation says why",
)
EVICTIONS = _counter(
    name=P + "node_operation_evictions_total",
    labels=("answer",),
    unit="pods",
    help="Evictions that node operations asked for, by the API server's answer: Accepted, Gone, Budget (a "
    "PodDisruptionBudget does not allow it now), Denied, Failed.",
    read="Many of answer `Budget`: PodDisruptionBudgets hold drains up",
)
DRAIN_TIMEOUTS = _counter(
    name=P + "node_operation_drain_timeouts_total",
    labels=("operation",),
    help="Drains of nodes that took longer than drainTimeoutSeconds, by operation.",
    read="Increases: pods do not end in time, or the timeout is too short",
)


GAUGES: tuple[ObjectGauge[Status], ...] = (
    ObjectGauge(
        instrument=Gauge(
            section=SECTION,
            name=P + "node_operation_approval_waiting",
            labels=OBJECT,
            unit="0 or 1",
            help="1 while the node operation waits for a person's approval, 0 otherwise.",
            read="1: the operation touches no node before you approve it ([plans.md](plans.md))",
        ),
        read=approval_waiting,
    ),
)
