"""What the operator exports: the table of `api/metrics`, counted here.

The registry is private: nothing of another library slips in, and tests do not share state. What describes one
object (conditions, nodes) is computed at the scrape from the last status, so the series of a deleted object
vanish with it. A scrape has two halves: `snapshot` reads what belongs to the event loop, quickly and there; `render`
writes the text, which takes long with many objects, on whatever thread serves it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import prometheus_client as prometheus
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from hyperpod_operator import __version__
from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.kinds import KINDS, Kind
from hyperpod_operator.api.metrics.aws import AWS_CALLS, AWS_SECONDS
from hyperpod_operator.api.metrics.instrument import Counter, Gauge, Histogram, ObjectGauge
from hyperpod_operator.api.metrics.kubernetes import BUILD, DEFINITION_DIFFERENCES, LEADER
from hyperpod_operator.api.metrics.load import (
    EVENTS_DROPPED,
    PASS_AGE,
    QUEUE_ACTIVE,
    QUEUE_AGE,
    QUEUE_DELAYED,
    QUEUE_DEPTH,
)
from hyperpod_operator.api.metrics.table import instruments
from hyperpod_operator.core.ports import Key
from hyperpod_operator.runtime.queue import WorkQueue

Labels = tuple[str, ...]
Sample = tuple[Labels, float]
State = tuple[tuple[Sample, ...], ...]
"""The samples of one object, for each gauge of its kind."""


class PrometheusMetrics:
    """`core.ports.Metrics`, and what the other floors count. What counts and `render` may be called from any thread."""

    def __init__(self, kinds: Iterable[Kind] = KINDS) -> None:
        kinds = tuple(kinds)
        self.registry = prometheus.CollectorRegistry()
        self._counters: dict[str, prometheus.Counter] = {}
        self._histograms: dict[str, prometheus.Histogram] = {}
        for one in instruments(kinds):
            if isinstance(one, Counter):
                self._counters[one.name] = prometheus.Counter(one.name, one.help, one.labels, registry=self.registry)
            elif isinstance(one, Histogram):
                self._histograms[one.name] = prometheus.Histogram(
                    one.name, one.help, one.labels, buckets=one.buckets, registry=self.registry
                )
        self._at_scrape = _AtScrape(kinds)
        self.registry.register(self._at_scrape)
        self.set(BUILD, 1.0, __version__)
        self.leading(False)
        prometheus.ProcessCollector(registry=self.registry)
        prometheus.PlatformCollector(registry=self.registry)
        prometheus.GCCollector(registry=self.registry)

    # core.ports.Metrics

    def inc(self, counter: Counter, *labels: str, by: float = 1.0) -> None:
        found = self._counters[counter.name]
        (found.labels(*labels) if labels else found).inc(by)

    def observe(self, histogram: Histogram, seconds: float, *labels: str) -> None:
        found = self._histograms[histogram.name]
        (found.labels(*labels) if labels else found).observe(seconds)

    def set(self, gauge: Gauge, value: float, *labels: str) -> None:
        self.set_function(gauge, lambda: value, *labels)

    def object_state(self, *, kind: str, key: Key, status: Model) -> None:
        self._at_scrape.state(kind, key, status)

    def object_gone(self, *, kind: str, key: Key) -> None:
        self._at_scrape.objects.get(kind, {}).pop(key, None)

    # The other floors' hooks.

    def set_function(self, gauge: Gauge, value: Callable[[], float], *labels: str) -> None:
        """Export what `value` returns at the moment of a scrape."""
        self._at_scrape.values[(gauge, labels)] = value

    def aws_call(self, operation: str, code: str, seconds: float, purpose: str) -> None:
        """One call to AWS ended; `code` is OK or the error code, `purpose` whether a pass needs it."""
        self.inc(AWS_CALLS, operation, code, purpose)
        self.observe(AWS_SECONDS, seconds, operation)

    def events_dropped(self, count: int) -> None:
        """That many Kubernetes Events will never be seen."""
        self.inc(EVENTS_DROPPED, by=count)

    def leading(self, leading: bool) -> None:
        """Whether this process works on the objects."""
        self.set(LEADER, float(leading))

    def definition(self, *, plural: str, missing: int, unknown: int) -> None:
        """In how many members the installed definition of a kind differs from the built-in one."""
        self.set(DEFINITION_DIFFERENCES, missing, plural, "missing")
        self.set(DEFINITION_DIFFERENCES, unknown, plural, "unknown")

    def observe_queue(self, queue: WorkQueue, *, kind: str) -> None:
        """Export the length and ages of the queue of this kind of object."""
        self.set_function(QUEUE_DEPTH, lambda: queue.depth, kind)
        self.set_function(QUEUE_AGE, queue.oldest_ready_age, kind)
        self.set_function(QUEUE_DELAYED, lambda: queue.delayed, kind)
        self.set_function(QUEUE_ACTIVE, lambda: queue.active, kind)
        self.set_function(PASS_AGE, queue.oldest_active_age, kind)

    def snapshot(self) -> "Snapshot":
        """What only the event loop may read, as it is now; short, however many objects there are."""
        return self._at_scrape.snapshot()

    def render(self, snapshot: "Snapshot") -> bytes:
        """The exposition (Prometheus text format 0.0.4). One thread at a time; it need not be the event loop's."""
        self._at_scrape.rendered = snapshot
        try:
            return prometheus.generate_latest(self.registry)
        finally:
            self._at_scrape.rendered = None

    def text(self) -> bytes:
        """Both halves of a scrape at once."""
        return self.render(self.snapshot())


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the gauges of a scrape are made of: the state of each object by the word of its kind, and values."""

    objects: Mapping[str, Mapping[Key, State]]
    values: Mapping[tuple[Gauge, Labels], float]


class _AtScrape(Collector):
    """Gauges that are computed at a scrape."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self._gauges = {kind.word: kind.gauges for kind in kinds}
        self.objects: dict[str, dict[Key, State]] = {kind.word: {} for kind in kinds}
        self.values: dict[tuple[Gauge, Labels], Callable[[], float]] = {}
        self.rendered: Snapshot | None = None
        """What is being written; None takes a new snapshot."""

    def state(self, kind: str, key: Key, status: Model) -> None:
        """Keep the samples and not the status, which is much larger."""
        if gauges := self._gauges.get(kind):
            self.objects[kind][key] = tuple(tuple(gauge.read(status)) for gauge in gauges)

    def snapshot(self) -> Snapshot:
        return Snapshot(
            objects={word: dict(found) for word, found in self.objects.items()},
            values={name: value() for name, value in self.values.items()},
        )

    def collect(self) -> Iterator[GaugeMetricFamily]:
        seen = self.rendered or self.snapshot()
        for word, gauges in self._gauges.items():
            objects = sorted(seen.objects[word].items())
            for index, gauge in enumerate(gauges):
                samples = ((key, one) for key, state in objects for one in state[index])
                yield _family(gauge.instrument, _summed(gauge, samples) if gauge.summed else _of_each(samples))
        by_instrument: dict[Gauge, list[Sample]] = {}
        for (instrument, labels), value in seen.values.items():
            by_instrument.setdefault(instrument, []).append((labels, value))
        for instrument, listed in by_instrument.items():
            yield _family(instrument, listed)

    def describe(self) -> Sequence[Any]:
        # Without this the registry would collect at registration, to learn the names.
        return ()


def _of_each(samples: Iterable[tuple[Key, Sample]]) -> Iterator[Sample]:
    for key, (labels, value) in samples:
        yield (key.namespace, key.name, *labels), value


def _summed(gauge: ObjectGauge[Any], samples: Iterable[tuple[Key, Sample]]) -> list[Sample]:
    """A gauge without labels is 0 while there are no objects."""
    totals: dict[Labels, float] = {} if gauge.instrument.labels else {(): 0.0}
    for _, (labels, value) in samples:
        totals[labels] = totals.get(labels, 0.0) + value
    return sorted(totals.items())


def _family(instrument: Gauge, samples: Iterable[Sample]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(instrument.name, instrument.help, labels=instrument.labels)
    for labels, value in samples:
        family.add_metric(labels, value)
    return family
