"""What the operator exports: the methods that fill the table of `instruments.py`.

The registry is private: nothing of another library slips in, and tests do not share state. What describes one
object (conditions, nodes) is computed at the scrape from the last report, so the series of a deleted object
vanish with it. A scrape has two halves: `snapshot` reads what belongs to the event loop, quickly and there; `render`
writes the text, which takes long with many objects, on whatever thread serves it.
"""

from collections import Counter as Counts
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from hyperpod_operator.runtime.instruments import (
    APPROVALS,
    AWS_CALLS,
    AWS_SECONDS,
    BUILD,
    CLAIM_MODIFICATIONS,
    CLAIM_READY,
    CLAIMS,
    CONDITION,
    COST,
    DEFINITION_DIFFERENCES,
    DRAIN_TIMEOUTS,
    EVENTS_DROPPED,
    EVICTIONS,
    LEADER,
    NODE_CHANGES,
    NODE_HEALTH,
    NODE_RECOVERY_SECONDS,
    NODE_TAINT_SECONDS,
    NODES_CURRENT,
    NODES_DESIRED,
    OBJECTS,
    OPERATED_NODES,
    OPERATED_SECONDS,
    PASS_AGE,
    PLAN_ENDS,
    QUEUE_ACTIVE,
    QUEUE_AGE,
    QUEUE_DELAYED,
    QUEUE_DEPTH,
    RECONCILE_SECONDS,
    RECONCILES,
    VOLUME_ATTACH_SECONDS,
    VOLUME_DETACH_SECONDS,
    VOLUME_FOLLOW_SECONDS,
    VOLUME_STEPS,
    VOLUMES_ORPHANED,
    Instrument,
)
from hyperpod_operator.runtime.queue import WorkQueue

STATUSES = ("True", "False", "Unknown")


class PrometheusMetrics:
    """`core.ports.Metrics`, and what the other floors count. What counts and `render` may be called from any thread."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._reconciles = self._counter(RECONCILES)
        self._reconcile_seconds = self._histogram(RECONCILE_SECONDS)
        self._aws_calls = self._counter(AWS_CALLS)
        self._aws_seconds = self._histogram(AWS_SECONDS)
        self._events_dropped = self._counter(EVENTS_DROPPED)
        self._node_changes = self._counter(NODE_CHANGES)
        self._node_taint_seconds = self._histogram(NODE_TAINT_SECONDS)
        self._node_recovery_seconds = self._histogram(NODE_RECOVERY_SECONDS)
        self._volume_steps = self._counter(VOLUME_STEPS)
        self._volume_attach_seconds = self._histogram(VOLUME_ATTACH_SECONDS)
        self._volume_detach_seconds = self._histogram(VOLUME_DETACH_SECONDS)
        self._volume_follow_seconds = self._histogram(VOLUME_FOLLOW_SECONDS)
        self._operated_seconds = self._histogram(OPERATED_SECONDS)
        self._operated_nodes = self._counter(OPERATED_NODES)
        self._evictions = self._counter(EVICTIONS)
        self._drain_timeouts = self._counter(DRAIN_TIMEOUTS)
        self._at_scrape = _AtScrape()
        self.registry.register(self._at_scrape)
        self.observe(BUILD, lambda: 1.0, __version__)
        self.leading(False)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    # core.ports.Metrics

    def pass_ended(self, *, kind: str, outcome: str, reason: str, seconds: float) -> None:
        self._reconciles.labels(kind, outcome, reason).inc()
        self._reconcile_seconds.labels(kind).observe(seconds)

    def object_state(self, *, key: Key, gauges: Gauges) -> None:
        self._at_scrape.objects[key] = gauges

    def object_gone(self, *, kind: str, key: Key) -> None:
        if kind == "cluster":
            self._at_scrape.objects.pop(key, None)

    # core.ports.NodeMetrics

    def node_changed(self, *, step: str, result: str) -> None:
        self._node_changes.labels(step, result).inc()

    def node_tainted(self, *, seconds: float) -> None:
        self._node_taint_seconds.observe(seconds)

    def node_recovered(self, *, seconds: float) -> None:
        self._node_recovery_seconds.observe(seconds)

    # core.volume.metrics.VolumeMetrics

    def claim_state(self, *, key: Key, phase: str, ready: bool, modifications_left: int) -> None:
        self._at_scrape.claims[key] = _Claim(phase=phase, ready=ready, modifications_left=modifications_left)

    def claim_gone(self, *, key: Key) -> None:
        self._at_scrape.claims.pop(key, None)

    def volume_step(self, *, operation: str, code: str) -> None:
        self._volume_steps.labels(operation, code).inc()

    def volume_attached(self, *, seconds: float, moved: bool) -> None:
        self._volume_attach_seconds.labels(str(moved).lower()).observe(seconds)

    def volume_detached(self, *, seconds: float) -> None:
        self._volume_detach_seconds.observe(seconds)

    def volume_followed(self, *, seconds: float) -> None:
        self._volume_follow_seconds.observe(seconds)

    def volumes_orphaned(self, *, region: str, count: int) -> None:
        self._at_scrape.orphans[region] = count

    def node_operated(self, *, operation: str, phase: str, seconds: float) -> None:
        self._operated_seconds.labels(operation, phase).observe(seconds)

    def node_ended(self, *, operation: str, state: str) -> None:
        self._operated_nodes.labels(operation, state).inc()

    def pods_evicted(self, *, answer: str, count: int) -> None:
        self._evictions.labels(answer).inc(count)

    def drain_timed_out(self, *, operation: str) -> None:
        self._drain_timeouts.labels(operation).inc()

    # The other floors' hooks.

    def aws_call(self, operation: str, code: str, seconds: float, purpose: str) -> None:
        """One call to AWS ended; `code` is OK or the error code, `purpose` whether a pass needs it."""
        self._aws_calls.labels(operation, code, purpose).inc()
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

    def definition(self, *, plural: str, missing: int, unknown: int) -> None:
        """In how many members the installed definition of a kind differs from the built-in one."""
        self.observe(DEFINITION_DIFFERENCES, lambda: float(missing), plural, "missing")
        self.observe(DEFINITION_DIFFERENCES, lambda: float(unknown), plural, "unknown")

    def observe_queue(self, queue: WorkQueue, *, kind: str) -> None:
        """Export the length and ages of the queue of this kind of object."""
        self.observe(QUEUE_DEPTH, lambda: queue.depth, kind)
        self.observe(QUEUE_AGE, queue.oldest_ready_age, kind)
        self.observe(QUEUE_DELAYED, lambda: queue.delayed, kind)
        self.observe(QUEUE_ACTIVE, lambda: queue.active, kind)
        self.observe(PASS_AGE, queue.oldest_active_age, kind)

    def snapshot(self) -> "Snapshot":
        """What only the event loop may read, as it is now; short, however many objects there are."""
        return self._at_scrape.snapshot()

    def render(self, snapshot: "Snapshot") -> bytes:
        """The exposition (Prometheus text format 0.0.4). One thread at a time; it need not be the event loop's."""
        self._at_scrape.rendered = snapshot
        try:
            return generate_latest(self.registry)
        finally:
            self._at_scrape.rendered = None

    def text(self) -> bytes:
        """Both halves of a scrape at once."""
        return self.render(self.snapshot())

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    phase: str
    ready: bool
    modifications_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the gauges of a scrape are made of."""

    claims: "Mapping[Key, _Claim]"
    objects: Mapping[Key, Gauges]
    orphans: Mapping[str, int]
    values: Mapping[tuple[Instrument, tuple[str, ...]], float]


class _AtScrape(Collector):
    """Gauges that are computed at a scrape."""

    def __init__(self) -> None:
        self.claims: dict[Key, _Claim] = {}
        self.objects: dict[Key, Gauges] = {}
        self.orphans: dict[str, int] = {}
        """Volumes by region."""
        self.values: dict[tuple[Instrument, tuple[str, ...]], Callable[[], float]] = {}
        self.rendered: Snapshot | None = None
        """What is being written; None takes a new snapshot."""

    def snapshot(self) -> Snapshot:
        return Snapshot(
            claims=dict(self.claims),
            objects=dict(self.objects),
            orphans=dict(self.orphans),
            values={name: value() for name, value in self.values.items()},
        )

    def collect(self) -> Iterator[GaugeMetricFamily]:
        seen = self.rendered or self.snapshot()
        objects = sorted(seen.objects.items())
        yield _family(CONDITION, list(_conditions(objects)))
        yield _family(NODES_DESIRED, [(_labels(key), float(g.target_nodes)) for key, g in objects])
        yield _family(NODES_CURRENT, [(_labels(key), float(g.current_nodes)) for key, g in objects])
        yield _family(COST, [((*_labels(key), *use), amount) for key, g in objects for use, amount in g.cost.items()])
        ends = [(key, one) for key, g in objects for one in g.plan_ends.items()]
        yield _family(PLAN_ENDS, [((*_labels(key), plan), end) for key, (plan, end) in ends])
        yield _family(APPROVALS, [(_labels(key), float(g.approval_waits)) for key, g in objects])
        for member, instrument in NODE_HEALTH.items():
            told = [(key, g.node_health) for key, g in objects if g.node_health]
            yield _family(instrument, [(_labels(key), float(health.get(member) or 0)) for key, health in told])
        claims = sorted(seen.claims.items())
        yield _family(
            CLAIMS, [((phase,), float(count)) for phase, count in sorted(Counts(c.phase for _, c in claims).items())]
        )
        yield _family(CLAIM_READY, [(_labels(key), float(claim.ready)) for key, claim in claims])
        yield _family(CLAIM_MODIFICATIONS, [(_labels(key), float(claim.modifications_left)) for key, claim in claims])
        yield _family(VOLUMES_ORPHANED, [((region,), float(count)) for region, count in sorted(seen.orphans.items())])
        yield _family(OBJECTS, [((), float(len(objects)))])
        by_instrument: dict[Instrument, list[tuple[tuple[str, ...], float]]] = {}
        for (instrument, labels), value in seen.values.items():
            by_instrument.setdefault(instrument, []).append((labels, value))
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
