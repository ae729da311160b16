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
    "Passes that ended, by kind (cluster, node), outcome (Done, Gone, Wait, Blocked, Failed, Again) and reason.")
RECONCILE_SECONDS = Instrument(
    P + "reconcile_duration_seconds", "histogram", ("kind",),
    "Duration of a pass, by kind of object.", _PASS_SECONDS)
CONDITION = Instrument(
    P + "cluster_condition", "gauge", (*_OBJECT, "type", "status"),
    "1 for the status that the condition has, 0 for the others.")
NODES_WANTED = Instrument(
    P + "cluster_nodes_wanted", "gauge", _OBJECT,
    "Nodes that the cluster should have.")
NODES_PRESENT = Instrument(
    P + "cluster_nodes_present", "gauge", _OBJECT,
    "Nodes that the cluster has.")
OBJECTS = Instrument(
    P + "clusters", "gauge", (),
    "HyperPodCluster objects that the operator reports about.")
QUEUE_DEPTH = Instrument(
    P + "queue_depth", "gauge", ("kind",),
    "Objects that wait for a free worker.")
QUEUE_AGE = Instrument(
    P + "queue_oldest_age_seconds", "gauge", ("kind",),
    "How long the first of them has waited.")
QUEUE_DELAYED = Instrument(
    P + "queue_delayed", "gauge", ("kind",),
    "Objects whose next pass is planned for later.")
QUEUE_ACTIVE = Instrument(
    P + "queue_active", "gauge", ("kind",),
    "Passes under way.")
PASS_AGE = Instrument(
    P + "queue_oldest_active_age_seconds", "gauge", ("kind",),
    "How long the longest of them has been under way.")
AWS_CALLS = Instrument(
    P + "aws_calls_total", "counter", ("operation", "code"),
    "Calls to AWS APIs, by operation and result (OK or AWS's error code).")
AWS_SECONDS = Instrument(
    P + "aws_call_duration_seconds", "histogram", ("operation",),
    "Duration of a call to an AWS API, own retries included.", _CALL_SECONDS)
EVENTS_DROPPED = Instrument(
    P + "events_dropped_total", "counter", (),
    "Kubernetes Events that were lost: refused, too many, or the API server was away.")
LEADER = Instrument(
    P + "leader", "gauge", (),
    "1 while this process works on the objects, 0 on standby.")
WATCH_AGE = Instrument(
    P + "watch_age_seconds", "gauge", (),
    "Seconds since the watch heard from the API server (bookmarks come each minute); +Inf before.")
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
    NODES_WANTED,
    NODES_PRESENT,
    OBJECTS,
    QUEUE_DEPTH,
    QUEUE_AGE,
    QUEUE_DELAYED,
    QUEUE_ACTIVE,
    PASS_AGE,
    AWS_CALLS,
    AWS_SECONDS,
    EVENTS_DROPPED,
    LEADER,
    WATCH_AGE,
    LOOP_LAG,
    BUILD,
)
"""Everything of ours at /metrics; process_*, python_* come from prometheus_client."""
