"""Metrics of Kubernetes Nodes."""

from functools import partial

from hyperpod_operator.api.metrics.instrument import Counter, Gauge, Histogram, P

SECTION = "Are the nodes healthy?"
_gauge = partial(Gauge, section=SECTION, unit="nodes")
_histogram = partial(Histogram, section=SECTION, unit="seconds")

NODE_CHANGES = Counter(
    section=SECTION,
    name=P + "node_changes_total",
    labels=("step", "result"),
    unit="writes",
    help="Writes to Nodes, by step (Taint, Untaint, ClearRecord, Label, Write) and result (OK, Conflict, Refused).",
    read="Many `Conflict`: another client writes the same Nodes. `Refused`: missing permissions, or an "
    "admission policy",
)
NODE_TAINT_SECONDS = _histogram(
    name=P + "node_taint_seconds",
    help="From the moment the operator saw that a Node is unhealthy until its taint was on the API server.",
    read="How long an unhealthy Node could still get pods",
    buckets=(0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
NODE_RECOVERY_SECONDS = _histogram(
    name=P + "node_recovery_seconds",
    help="From the moment the operator saw that a Node is unhealthy until HyperPod called the same Node Schedulable.",
    read="How long HyperPod takes to repair an unhealthy Node",
    buckets=(60, 300, 600, 1200, 1800, 3600, 7200, 14400, 86400),
)
NODES_HELD = _gauge(
    name=P + "nodes",
    help="HyperPod Nodes that the operator knows.",
    read="Those in this EKS cluster. 0 while SageMaker has instances: nothing joins",
)
NODES_LEFT_OUT = _gauge(
    name=P + "nodes_left_out",
    help="Nodes with HyperPod's label whose name and providerID are not those of one HyperPod instance.",
    read="They claim to be HyperPod's; the operator ignores them",
)
