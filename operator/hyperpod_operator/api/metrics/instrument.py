"""What a metric is, and what is computed from the status of an object."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Generic, TypeVar

from hyperpod_operator.api.common.model import Model

P = "hyperpod_operator_"
OBJECT = ("namespace", "name")
"""The labels of what describes one object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One metric: its full name, the section of docs/metrics.md, its labels, its unit, what it is (`help`), and how to
    interpret it (`read`)."""

    name: str
    section: str
    labels: tuple[str, ...] = ()
    unit: str
    help: str
    read: str

    @property
    def type(self) -> str:
        """As Prometheus calls it."""
        return type(self).__name__.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter(Instrument):
    """Only grows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge(Instrument):
    """What is now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram(Instrument):
    """A distribution of durations; `buckets` in seconds."""

    buckets: tuple[float, ...]


StatusT = TypeVar("StatusT", bound=Model)
Samples = Iterable[tuple[tuple[str, ...], float]]
"""Values with their labels, without those of the object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectGauge(Generic[StatusT]):
    """A gauge that is computed from the status of each object of a kind; its series go with the object.

    With `summed` the values of all objects are added up by their labels, and the object is not among these.
    """

    instrument: Gauge
    read: Callable[[StatusT], Samples]
    summed: bool = False


def listed(module: ModuleType) -> Iterator[Instrument]:
    """The instruments that a module defines, in their order."""
    for value in vars(module).values():
        if isinstance(value, Instrument):
            yield value


def true(conditions: Iterable[Any] | None, type_: str) -> bool:
    """Whether the condition of this type is True."""
    return any(one.type == type_ and one.status == "True" for one in conditions or ())
