"""The metrics that a controller counts, for a test to read."""

from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.kinds import Kind
from hyperpod_operator.api.metrics.instrument import Counter, Gauge, Histogram
from hyperpod_operator.core.ports import Key


class Measured:
    """`core.ports.Metrics`."""

    def __init__(self) -> None:
        self.counted: list[tuple[Counter, tuple[str, ...], float]] = []
        self.observed: list[tuple[Histogram, float, tuple[str, ...]]] = []
        self.values: dict[tuple[Gauge, tuple[str, ...]], float] = {}
        self.states: dict[Key, Model] = {}
        """The last status of each object, which its gauges are computed from."""

    def inc(self, counter: Counter, *labels: str, by: float = 1.0) -> None:
        assert len(labels) == len(counter.labels)
        self.counted.append((counter, labels, by))

    def observe(self, histogram: Histogram, seconds: float, *labels: str) -> None:
        assert len(labels) == len(histogram.labels)
        self.observed.append((histogram, seconds, labels))

    def set(self, gauge: Gauge, value: float, *labels: str) -> None:
        assert len(labels) == len(gauge.labels)
        self.values[gauge, labels] = value

    def object_state(self, *, kind: str, key: Key, status: Model) -> None:
        self.states[key] = status

    def object_gone(self, *, kind: str, key: Key) -> None:
        self.states.pop(key, None)

    def labels_of(self, counter: Counter) -> list[tuple[str, ...]]:
        """The labels of each time that this counter grew."""
        return [labels for one, labels, _ in self.counted if one is counter]

    def seconds_of(self, histogram: Histogram) -> list[float]:
        return [seconds for one, seconds, _ in self.observed if one is histogram]

    def gauges(self, kind: Kind, key: Key, name: str) -> dict[tuple[str, ...], float]:
        """What the gauge of this kind whose name ends so says of an object, by the labels besides the object's own."""
        (gauge,) = [one for one in kind.gauges if one.instrument.name.endswith(name)]
        return dict(gauge.read(self.states[key]))
