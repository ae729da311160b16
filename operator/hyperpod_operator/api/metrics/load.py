"""Metrics of the operator's own work: passes, queues, the event loop."""

from functools import partial

from hyperpod_operator.api.metrics.instrument import Counter, Gauge, Histogram, P

SECTION = "Does the operator keep up?"
_gauge = partial(Gauge, section=SECTION)
_of_kind = partial(Gauge, section=SECTION, labels=("kind",))

RECONCILES = Counter(
    section=SECTION,
    name=P + "reconciles_total",
    labels=("kind", "outcome", "reason"),
    unit="passes",
    help="Passes that ended, by kind of object, outcome (Done, Gone, Requeue, Blocked, Failed, Again), reason.",
    read="`Failed` increases: check its `reason`. `Blocked` increases: resources need user action. The sum is the load",
)
RECONCILE_SECONDS = Histogram(
    section=SECTION,
    name=P + "reconcile_duration_seconds",
    labels=("kind",),
    unit="seconds",
    help="Duration of a pass, by kind of object.",
    read="Mostly time in AWS; compare with the duration of the calls",
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
QUEUE_DEPTH = _of_kind(
    name=P + "queue_depth",
    unit="objects",
    help="Objects that wait for a free worker.",
    read="Above 0 for minutes: too few workers, or the rate limit for AWS",
)
QUEUE_AGE = _of_kind(
    name=P + "queue_oldest_age_seconds",
    unit="seconds",
    help="Time that the first of them has waited.",
    read="How late the operator is",
)
QUEUE_DELAYED = _of_kind(
    name=P + "queue_delayed",
    unit="objects",
    help="Objects whose next pass is scheduled for later.",
    read="In sync, or waiting; nothing to do",
)
QUEUE_ACTIVE = _of_kind(
    name=P + "queue_active",
    unit="passes",
    help="Running passes.",
    read="At the number of workers for long: raise `reconcile.workers`",
)
PASS_AGE = _of_kind(
    name=P + "queue_oldest_active_age_seconds",
    unit="seconds",
    help="Age of the oldest running pass.",
    read="Minutes: a pass hangs in a call",
)
QUARANTINED = _of_kind(
    name=P + "quarantined_objects",
    unit="objects",
    help="Objects that are reconciled rarely, because their passes blocked the event loop or crashed the process.",
    read="Above 0: the log names the object; see [reliability.md](reliability.md#quarantine)",
)
TASKS = _gauge(
    name=P + "tasks",
    unit="tasks",
    help="Tasks of the event loop.",
    read="If it only grows: a leak; please report it",
)
LOOP_LAG = _gauge(
    name=P + "event_loop_lag_seconds",
    unit="seconds",
    help="Longest recent delay of the event loop.",
    read="Above 1: too little CPU; watches and the lease are affected next",
)
EVENTS_DROPPED = Counter(
    section=SECTION,
    name=P + "events_dropped_total",
    unit="Events",
    help="Kubernetes Events that were lost: rejected, too many, or the API server was unavailable; not those of a "
    "namespace that is being deleted.",
    read="The conditions are complete nevertheless",
)
