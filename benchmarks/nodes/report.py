"""From rounds to figures: medians over rounds, a table with their spread, and the form that all benchmarks share."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.figure import Figure, percentile
from benchmarks.nodes.contestants import OPERATOR

YARDSTICK = "controller-runtime"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """Something that is told of each contestant. `key` is its name in a round."""

    key: str
    name: str
    unit: str
    most: float | None = None
    """The gate. Without one it is told, not judged."""
    factor: float = 1.0
    percent: float | None = None
    """For a list of samples: which percentile of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A quantity of one contestant over its rounds."""

    middle: float
    low: float
    high: float


QUANTITIES = (
    Quantity(key="start_first_s", name="start to first taint", unit="s"),
    Quantity(key="start_last_s", name="start to in sync", unit="s"),
    Quantity(key="start_cpu_s", name="start to in sync, CPU", unit="CPU-s"),
    Quantity(key="rss_mb", name="resident memory in sync", unit="MB"),
    Quantity(key="rss_end_mb", name="resident memory at the end", unit="MB"),
    Quantity(key="rss_peak_mb", name="resident memory, peak", unit="MB"),
    Quantity(key="mb_per_node", name="resident memory per 1,000 nodes", unit="MB", factor=1000),
    Quantity(key="latency_ms", name="label to taint, p50", unit="ms", percent=50),
    Quantity(key="latency_ms", name="label to taint, p99", unit="ms", percent=99),
    Quantity(key="update_cpu_us", name="1,000 irrelevant updates, CPU", unit="CPU-s", factor=1e-3),
    Quantity(key="idle_cpu_share", name="an idle minute, CPU", unit="CPU-s", factor=60),
    Quantity(key="burst_last_s", name="many at once, first label to last taint", unit="s"),
    Quantity(key="burst_behind_s", name="many at once, last label to last taint", unit="s"),
    Quantity(key="burst_cpu_s", name="many at once, CPU", unit="CPU-s"),
    Quantity(key="steady_changes", name="changes of Nodes in steady state", unit="writes", most=0),
    Quantity(key="steady_write_requests", name="requests to write Nodes in steady state", unit="writes", most=0),
    Quantity(key="surplus_changes", name="changes other than one per label", unit="writes", most=0),
    Quantity(key="others_share", name="others on the contestant's core, per minute", unit="CPU-s", factor=60),
)
"""In the order of the table."""


RATIOS: Mapping[str, float] = {
    "start to in sync": 1.5,
    "resident memory at the end": 0.8,
    "label to taint, p50": 1.0,
    "label to taint, p99": 1.0,
    "1,000 irrelevant updates, CPU": 0.5,
    "resident memory per 1,000 nodes": 0.4,
    "many at once, first label to last taint": 1.0,
    "many at once, CPU": 1.0,
}
"""Quantities in which the operator is held against the yardstick: at most so much of what that one takes."""
LIMITS: Mapping[str, float] = {
    "start to in sync": 5.0,
    "label to taint, p99": 100.0,
    "resident memory per 1,000 nodes": 5.0,
}
"""What the operator may take at most, whatever others do."""


def figures(rounds: Iterable[Mapping[str, Any]]) -> list[Figure]:
    """Every quantity of every contestant, of writes the worst round, for a count must hold every time; and ratios."""
    values = {
        (contestant, quantity): value
        for contestant, own in _by_contestant(rounds).items()
        for quantity in QUANTITIES
        if (value := over_rounds(quantity, own)) is not None
    }
    return [
        *(
            Figure(
                name=f"node health, {contestant}: {quantity.name}",
                value=value.high if quantity.most is not None else value.middle,
                unit=quantity.unit,
                most=LIMITS.get(quantity.name, quantity.most) if contestant == OPERATOR else quantity.most,
            )
            for (contestant, quantity), value in values.items()
        ),
        *(
            Figure(
                name=f"node health, {quantity.name}, of {YARDSTICK}'s",
                value=value.middle / other.middle,
                unit="×",
                most=RATIOS[quantity.name],
            )
            for (contestant, quantity), value in values.items()
            if contestant == OPERATOR and quantity.name in RATIOS
            if (other := values.get((YARDSTICK, quantity))) is not None and other.middle
        ),
    ]


def table(rounds: Iterable[Mapping[str, Any]]) -> str:
    """Markdown: a row per quantity, a column per contestant, median (lowest to highest round)."""
    grouped = _by_contestant(rounds)
    lines = [f"| | {' | '.join(grouped)} |", "|---" * (len(grouped) + 1) + "|"]
    for quantity in QUANTITIES:
        cells = [_cell(over_rounds(quantity, own)) for own in grouped.values()]
        lines.append(f"| {quantity.name} ({quantity.unit}) | {' | '.join(cells)} |")
    counts = [str(len(own)) for own in grouped.values()]
    return "\n".join([*lines, f"| rounds | {' | '.join(counts)} |"])


def over_rounds(quantity: Quantity, own: Sequence[Mapping[str, Any]]) -> Value | None:
    """None where no round has it. A percentile is taken of all samples together, its spread is that of the rounds."""
    found = [item[quantity.key] for item in map(_with_memory_per_node, own) if quantity.key in item]
    if not found:
        return None
    if quantity.percent is None:
        values = [value * quantity.factor for value in found]
        middle = statistics.median(values)
    else:
        values = [percentile(samples, quantity.percent) for samples in found]
        middle = percentile([sample for samples in found for sample in samples], quantity.percent)
    return Value(middle=middle, low=min(values), high=max(values))


def _with_memory_per_node(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the nodes add to the process without them, at the end: Go gives back what its first list took only later."""
    if "rss_end_mb" not in item or item["nodes"] <= item["small_nodes"]:
        return item
    return {**item, "mb_per_node": (item["rss_end_mb"] - item["small_rss_mb"]) / (item["nodes"] - item["small_nodes"])}


def _by_contestant(rounds: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for item in rounds:
        grouped.setdefault(item["contestant"], []).append(item)
    return grouped


def _cell(value: Value | None) -> str:
    if value is None:
        return "–"
    digits = 0 if value.middle >= 100 else 1 if value.middle >= 10 else 2
    spread = "" if value.low == value.high else f" ({value.low:.{digits}f} to {value.high:.{digits}f})"
    return f"{value.middle:.{digits}f}{spread}"
