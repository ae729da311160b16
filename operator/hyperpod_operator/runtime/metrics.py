"""What the operator exports: one table, and the methods that fill it.

The registry is private: nothing of another library slips in, and tests do not share state. What describes one
object (conditions, nodes) is computed at the scrape from the last report, so the series of a deleted object
vanish with it. Names follow Prometheus's conventions: base units, `_total` for counters.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from hyperpod_operator import __version__
from hyperpod_operator.core.ports import Gauges, Key
from hyperpod_operator.runtime.queue import WorkQueue

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
    P + "reconciles_total", "counter", ("outcome", "reason"),
    "Passes that ended, by outcome (Done, Gone, Wait, Blocked, Failed, Again) and its reason.")
RECONCILE_SECONDS = Instrument(
    P + "reconcile_duration_seconds", "histogram", (),
    "Duration of a pass.", _PASS_SECONDS)
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
    P + "queue_depth", "gauge", (),
    "Objects that wait for a free worker.")
QUEUE_AGE = Instrument(
    P + "queue_oldest_age_seconds", "gauge", (),
    "How long the first of them has waited.")
QUEUE_DELAYED = Instrument(
    P + "queue_delayed", "gauge", (),
    "Objects whose next pass is planned for later.")
QUEUE_ACTIVE = Instrument(
    P + "queue_active", "gauge", (),
    "Passes under way.")
PASS_AGE = Instrument(
    P + "queue_oldest_active_age_seconds", "gauge", (),
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

STATUSES = ("True", "False", "Unknown")


class PrometheusMetrics:
    """`core.ports.Metrics`, and what the other floors count. Safe to call from any thread."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._reconciles = self._counter(RECONCILES)
        self._reconcile_seconds = self._histogram(RECONCILE_SECONDS)
        self._aws_calls = self._counter(AWS_CALLS)
        self._aws_seconds = self._histogram(AWS_SECONDS)
        self._events_dropped = self._counter(EVENTS_DROPPED)
        self._at_scrape = _AtScrape()
        self.registry.register(self._at_scrape)
        self.observe(BUILD, lambda: 1.0, __version__)
        self.leading(False)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    # core.ports.Metrics

    def pass_ended(self, *, outcome: str, reason: str, seconds: float) -> None:
        self._reconciles.labels(outcome, reason).inc()
        self._reconcile_seconds.observe(seconds)

    def object_state(self, *, key: Key, gauges: Gauges) -> None:
        self._at_scrape.objects[key] = gauges

    def object_gone(self, *, key: Key) -> None:
        self._at_scrape.objects.pop(key, None)

    # The other floors' hooks.

    def aws_call(self, operation: str, code: str, seconds: float) -> None:
        """One call to AWS ended; `code` is OK or the error code."""
        self._aws_calls.labels(operation, code).inc()
        self._aws_seconds.labels(operation).observe(seconds)

    def events_dropped(self, count: int) -> None:
        """That many Kubernetes Events will never be seen."""
        self._events_dropped.inc(count)

    def leading(self, leading: bool) -> None:
        """Whether this process works on the objects."""
        self.observe(LEADER, lambda: float(leading))

    def observe(self, instrument: Instrument, value: Callable[[], float], *labels: str) -> None:
        """Export what `value` returns at the moment of a scrape."""
        self._at_scrape.values[(instrument, labels)] = value

    def observe_queue(self, queue: WorkQueue) -> None:
        """Export the queue's length and ages."""
        self.observe(QUEUE_DEPTH, lambda: queue.depth)
        self.observe(QUEUE_AGE, queue.oldest_ready_age)
        self.observe(QUEUE_DELAYED, lambda: queue.delayed)
        self.observe(QUEUE_ACTIVE, lambda: queue.active)
        self.observe(PASS_AGE, queue.oldest_active_age)

    def text(self) -> bytes:
        """The exposition (Prometheus text format 0.0.4)."""
        return generate_latest(self.registry)

    def _counter(self, instrument: Instrument) -> Counter:
        return Counter(instrument.name, instrument.help, instrument.labels, registry=self.registry)

    def _histogram(self, instrument: Instrument) -> Histogram:
        return Histogram(
            instrument.name,
            instrument.help,
            instrument.labels,
            buckets=instrument.buckets,
            registry=self.registry,
        )


class _AtScrape(Collector):
    """Gauges that are computed when somebody asks."""

    def __init__(self) -> None:
        self.objects: dict[Key, Gauges] = {}
        self.values: dict[tuple[Instrument, tuple[str, ...]], Callable[[], float]] = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        # Copies: a pass may report while a scrape is written.
        objects = sorted(self.objects.items())
        yield _family(CONDITION, list(_conditions(objects)))
        yield _family(NODES_WANTED, [(_labels(key), float(g.target_nodes)) for key, g in objects])
        yield _family(NODES_PRESENT, [(_labels(key), float(g.current_nodes)) for key, g in objects])
        yield _family(OBJECTS, [((), float(len(objects)))])
        by_instrument: dict[Instrument, list[tuple[tuple[str, ...], float]]] = {}
        for (instrument, labels), value in list(self.values.items()):
            by_instrument.setdefault(instrument, []).append((labels, value()))
        for instrument, samples in by_instrument.items():
            yield _family(instrument, samples)

    def describe(self) -> Sequence[Any]:
        # Without this the registry would collect at registration, to learn the names.
        return ()


def _conditions(objects: list[tuple[Key, Gauges]]) -> Iterator[tuple[tuple[str, ...], float]]:
    for key, gauges in objects:
        for type_, status in sorted(gauges.conditions.items()):
            for possible in STATUSES:
                yield (*_labels(key), type_, possible), float(possible == status)


def _family(instrument: Instrument, samples: list[tuple[tuple[str, ...], float]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(instrument.name, instrument.help, labels=instrument.labels)
    for labels, value in samples:
        family.add_metric(labels, value)
    return family


def _labels(key: Key) -> tuple[str, str]:
    return key.namespace, key.name
