"""The table of metrics: every name, type, label and help text in one place; documents and dashboards follow it.

Names follow Prometheus's conventions: base units, `_total` for counters.
"""

from dataclasses import dataclass

P = "hyperpod_operator_"


@dataclass(frozen=True, slots=True)
class Instrument:
    """One metric: its full name, type, labels and help; `buckets` in seconds for a histogram."""

    name: str
    type: str
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()


_OBJECT = ("namespace", "name")
_PASS_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_CALL_SECONDS = (0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

# fmt: off
RECONCILES = Instrument(
    P + "reconciles_total", "counter", ("kind", "outcome", "reason"),
    "Passes that ended, by kind (cluster, node, volume, operation), outcome (Done, Gone, Requeue, Blocked, Failed, "
    "Again), reason.")
RECONCILE_SECONDS = Instrument(
    P + "reconcile_duration_seconds", "histogram", ("kind",),
    "Duration of a pass, by kind of object.", _PASS_SECONDS)
CONDITION = Instrument(
    P + "cluster_condition", "gauge", (*_OBJECT, "type", "status"),
    "1 for the current status of the condition, 0 for the others.")
NODES_DESIRED = Instrument(
    P + "cluster_nodes_desired", "gauge", _OBJECT,
    "Target number of nodes of the cluster.")
NODES_CURRENT = Instrument(
    P + "cluster_nodes_current", "gauge", _OBJECT,
    "Current number of nodes of the cluster.")
COST = Instrument(
    P + "cluster_cost_per_hour", "gauge", (*_OBJECT, "use", "currency"),
    "On-demand price of the cluster's instances per hour, by use: All, and Idle (instances that cannot run pods "
    "because they are unhealthy, being checked or not joined). Groups whose price is not known are left out.")
PLAN_ENDS = Instrument(
    P + "training_plan_end_timestamp_seconds", "gauge", (*_OBJECT, "plan"),
    "When a training plan of the cluster's groups ends, in seconds since 1970.")
APPROVALS = Instrument(
    P + "cluster_approval_waiting", "gauge", _OBJECT,
    "1 while a plan of the cluster waits for a person's approval, 0 otherwise.")
NODE_HEALTH = {
    field: Instrument(
        f"hyperpod_node_health_status_{state}", "gauge", _OBJECT,
        f"Kubernetes Nodes of the cluster by state of health: {words}.")
    for field, state, words in (
        ("schedulable", "schedulable", "may receive pods"),
        ("unschedulable", "unschedulable", "unhealthy, no repair planned yet"),
        ("pendingReplacement", "unschedulable_pending_replacement", "HyperPod will replace the instance"),
        ("pendingReboot", "unschedulable_pending_reboot", "HyperPod will reboot the instance"),
        ("deepHealthCheck", "deep_health_check", "deep health checks run"),
        ("unknown", "unknown", "a status that this release does not know"),
        ("joining", "joining", "recently created, without a status yet"),
        ("notReported", "not_reported", "without a status although there should be one"),
        ("neverJoined", "never_joined", "instances Running in SageMaker that have no Node"),
        ("instancesGone", "instances_gone", "Nodes that have no matching SageMaker instance"),
    )
}
"""By member of status.nodeHealth. CloudWatch Container Insights has the first four by the same names."""
NODE_CHANGES = Instrument(
    P + "node_changes_total", "counter", ("step", "result"),
    "Writes to Nodes, by step (Taint, Untaint, ClearRecord, Label, Write) and result (OK, Conflict, Refused).")
NODE_TAINT_SECONDS = Instrument(
    P + "node_taint_seconds", "histogram", (),
    "From the moment the operator saw that a Node is unhealthy until its taint was on the API server.", _CALL_SECONDS)
NODE_RECOVERY_SECONDS = Instrument(
    P + "node_recovery_seconds", "histogram", (),
    "From the moment the operator saw that a Node is unhealthy until HyperPod called the same Node Schedulable.",
    (60, 300, 600, 1200, 1800, 3600, 7200, 14400, 86400))
NODES_HELD = Instrument(
    P + "nodes", "gauge", (),
    "HyperPod Nodes that the operator knows.")
NODES_LEFT_OUT = Instrument(
    P + "nodes_left_out", "gauge", (),
    "Nodes with HyperPod's label whose name and providerID are not those of one HyperPod instance.")
NODE_WATCH_AGE = Instrument(
    P + "node_watch_age_seconds", "gauge", (),
    "Seconds since the watch of Nodes last received data from the API server (bookmarks arrive each minute).")
CLAIMS = Instrument(
    P + "volume_claims", "gauge", ("phase",),
    "EBSVolumeClaims by phase, as status.phase has it: Pending, Creating, Available, Attaching, Attached and so on.")
CLAIM_READY = Instrument(
    P + "volume_claim_ready", "gauge", _OBJECT,
    "1 when the claim's Ready condition is True, 0 otherwise.")
CLAIM_MODIFICATIONS = Instrument(
    P + "volume_claim_modifications_left", "gauge", _OBJECT,
    "Modifications of the volume that AWS still allows in the running 24 hours.")
VOLUME_STEPS = Instrument(
    P + "volume_steps_total", "counter", ("operation", "code"),
    "Steps of claims in AWS and Kubernetes, by operation and result: OK, EC2's error code (also where SageMaker wraps "
    "it), else SageMaker's, or the HTTP status of the API server.")
VOLUME_ATTACH_SECONDS = Instrument(
    P + "volume_attach_seconds", "histogram", ("moved",),
    "From the attach call until AWS reports the volume as attached; moved=true: it came from another node.",
    (1, 2, 5, 10, 20, 30, 60, 120, 300, 600))
VOLUME_DETACH_SECONDS = Instrument(
    P + "volume_detach_seconds", "histogram", (),
    "From the need for a detach until AWS reports the volume as available.",
    (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 3600))
VOLUME_FOLLOW_SECONDS = Instrument(
    P + "volume_follow_seconds", "histogram", (),
    "From the report of AWS that a volume's node is gone until the volume is attached to another node.",
    (5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600))
VOLUMES_ORPHANED = Instrument(
    P + "volumes_orphaned", "gauge", ("region",),
    "EBS volumes with the tag of a claim of this EKS cluster that no longer exists; they incur cost. Counted every "
    "9 minutes; the log names them.")
OPERATED_SECONDS = Instrument(
    P + "node_operation_seconds", "histogram", ("operation", "phase"),
    "Duration of a node operation on one node, by operation and phase: Drain (from the taint until AWS was asked), "
    "Effect (until it was seen), Total.",
    (10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800))
OPERATED_NODES = Instrument(
    P + "node_operation_nodes_total", "counter", ("operation", "state"),
    "Nodes on which a node operation ended, by operation and state: Succeeded, Failed, Skipped.")
EVICTIONS = Instrument(
    P + "node_operation_evictions_total", "counter", ("answer",),
    "Evictions that node operations asked for, by the API server's answer: Accepted, Gone, Budget (a "
    "PodDisruptionBudget does not allow it now), Denied, Failed.")
DRAIN_TIMEOUTS = Instrument(
    P + "node_operation_drain_timeouts_total", "counter", ("operation",),
    "Drains of nodes that took longer than drainTimeoutSeconds, by operation.")
TASKS = Instrument(
    P + "tasks", "gauge", (),
    "Tasks of the event loop; a number that only grows is a leak.")
OBJECTS = Instrument(
    P + "clusters", "gauge", (),
    "HyperPodCluster objects that the operator manages.")
QUEUE_DEPTH = Instrument(
    P + "queue_depth", "gauge", ("kind",),
    "Objects that wait for a free worker.")
QUEUE_AGE = Instrument(
    P + "queue_oldest_age_seconds", "gauge", ("kind",),
    "Time that the first of them has waited.")
QUEUE_DELAYED = Instrument(
    P + "queue_delayed", "gauge", ("kind",),
    "Objects whose next pass is scheduled for later.")
QUEUE_ACTIVE = Instrument(
    P + "queue_active", "gauge", ("kind",),
    "Running passes.")
PASS_AGE = Instrument(
    P + "queue_oldest_active_age_seconds", "gauge", ("kind",),
    "Age of the oldest running pass.")
QUARANTINED = Instrument(
    P + "quarantined_objects", "gauge", ("kind",),
    "Objects that are reconciled rarely, because their passes blocked the event loop or crashed the process.")
AWS_CALLS = Instrument(
    P + "aws_calls_total", "counter", ("operation", "code", "purpose"),
    "Calls to AWS APIs, by operation, result (OK or AWS's error code) and purpose (Reconcile or Check).")
AWS_SECONDS = Instrument(
    P + "aws_call_duration_seconds", "histogram", ("operation",),
    "Duration of a call to an AWS API, own retries included.", _CALL_SECONDS)
AWS_LIMIT = Instrument(
    P + "aws_calls_limit", "gauge", ("calls",),
    "Sustained rate limit of calls per second (reads, writes) for each AWS service and Region; 0: none.")
EVENTS_DROPPED = Instrument(
    P + "events_dropped_total", "counter", (),
    "Kubernetes Events that were lost: rejected, too many, or the API server was unavailable.")
LEADER = Instrument(
    P + "leader", "gauge", (),
    "1 while this replica is the leader, 0 on standby.")
DEFINITION_DIFFERENCES = Instrument(
    P + "definition_differences", "gauge", ("plural", "difference"),
    "Fields that differ between an installed CustomResourceDefinition and the operator's: missing there, unknown here.")
WATCH_AGE = Instrument(
    P + "watch_age_seconds", "gauge", (),
    "Seconds since the watch last received data from the API server (bookmarks arrive each minute).")
LOOP_LAG = Instrument(
    P + "event_loop_lag_seconds", "gauge", (),
    "Longest recent delay of the event loop.")
BUILD = Instrument(
    P + "build_info", "gauge", ("version",),
    "1, labelled with the operator's version.")
# fmt: on

TABLE: tuple[Instrument, ...] = (
    RECONCILES,
    RECONCILE_SECONDS,
    CONDITION,
    NODES_DESIRED,
    NODES_CURRENT,
    COST,
    PLAN_ENDS,
    APPROVALS,
    *NODE_HEALTH.values(),
    NODE_CHANGES,
    NODE_TAINT_SECONDS,
    NODE_RECOVERY_SECONDS,
    NODES_HELD,
    NODES_LEFT_OUT,
    NODE_WATCH_AGE,
    CLAIMS,
    CLAIM_READY,
    CLAIM_MODIFICATIONS,
    VOLUME_STEPS,
    VOLUME_ATTACH_SECONDS,
    VOLUME_DETACH_SECONDS,
    VOLUME_FOLLOW_SECONDS,
    VOLUMES_ORPHANED,
    OPERATED_SECONDS,
    OPERATED_NODES,
    EVICTIONS,
    DRAIN_TIMEOUTS,
    TASKS,
    OBJECTS,
    QUEUE_DEPTH,
    QUEUE_AGE,
    QUEUE_DELAYED,
    QUEUE_ACTIVE,
    PASS_AGE,
    QUARANTINED,
    AWS_CALLS,
    AWS_SECONDS,
    AWS_LIMIT,
    EVENTS_DROPPED,
    LEADER,
    DEFINITION_DIFFERENCES,
    WATCH_AGE,
    LOOP_LAG,
    BUILD,
)
"""Everything of ours at /metrics; process_*, python_* come from prometheus_client."""
