"""From the rounds of several sizes to figures: limits for the largest, ratios to the peer, and growth with the size."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.figure import Figure, percentile, rounded
from benchmarks.nodes.contestants import OPERATOR
from benchmarks.nodes.report import YARDSTICK
from benchmarks.record import MANY_NODES

LARGEST = 100_000
"""Nodes of the size to which the limits belong: the largest EKS cluster."""
GROWTH = 1.2
"""A node may cost so much of what one of a smaller fleet does: more is growth that is faster than linear."""

Round = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """Something that is told of each contestant and size."""

    name: str
    unit: str
    read: Callable[[Sequence[Round]], float]
    limit: float | None = None
    """What the operator may take with LARGEST nodes."""
    ratio: float | None = None
    """What it may take of the peer's at the same size."""


def _median(key: str, factor: float = 1.0) -> Callable[[Sequence[Round]], float]:
    return lambda rounds: float(statistics.median(one[key] for one in rounds)) * factor


def _latency(percent: float) -> Callable[[Sequence[Round]], float]:
    return lambda rounds: percentile([sample for one in rounds for sample in one["latency_ms"]], percent)


def _resident(rounds: Sequence[Round]) -> float:
    """The larger one of memory in sync and memory after all the work."""
    return float(statistics.median(max(one["rss_mb"], one["rss_end_mb"]) for one in rounds))


START_CPU = Quantity(name="start to in sync, CPU", unit="CPU-s", read=_median("start_cpu_s"))
MEMORY = Quantity(name="resident memory", unit="MB", read=_resident, limit=600.0)
UPDATES = Quantity(name="1,000 irrelevant updates, CPU", unit="CPU-s", read=_median("update_cpu_us", 1e-3), ratio=0.5)
QUANTITIES = (
    START_CPU,
    UPDATES,
    Quantity(name="1,000 at once, CPU", unit="CPU-s", read=_median("burst_cpu_s")),
    MEMORY,
    Quantity(name="resident memory, peak", unit="MB", read=_median("rss_peak_mb")),
    Quantity(name="label to taint, p50", unit="ms", read=_latency(50)),
    Quantity(name="label to taint, p99", unit="ms", read=_latency(99), ratio=1.0),
    Quantity(name="start to in sync", unit="s", read=_median("start_last_s"), limit=60.0),
    Quantity(name="1,000 at once, first label to last taint", unit="s", read=_median("burst_last_s")),
)
PER_NODE = (START_CPU, MEMORY)
"""Quantities that a node adds to; of the others the size adds nothing."""


def figures(rounds: Iterable[Round]) -> list[Figure]:
    """Every quantity of every contestant and size, ratios to the peer, and growth."""
    grouped = _grouped(rounds)
    return [
        *(_figure(quantity, key, own) for quantity in QUANTITIES for key, own in sorted(grouped.items())),
        *_ratios(grouped),
        *_growth({nodes: own for (nodes, contestant), own in sorted(grouped.items()) if contestant == OPERATOR}),
    ]


def table(rounds: Iterable[Round]) -> str:
    """Markdown: a row for each quantity, a column for each contestant and size."""
    grouped = dict(sorted(_grouped(rounds).items(), key=lambda item: (item[0][1] != OPERATOR, item[0])))
    heads = " | ".join(f"{contestant}, {nodes:,}" for nodes, contestant in grouped)
    lines = [f"| | {heads} |", "|---" + "|---:" * len(grouped) + "|"]
    for quantity in QUANTITIES:
        cells = " | ".join(f"{rounded(quantity.read(own)):g}" for own in grouped.values())
        lines.append(f"| {quantity.name} ({quantity.unit}) | {cells} |")
    counts = " | ".join(str(len(own)) for own in grouped.values())
    return "\n".join([*lines, f"| rounds | {counts} |"])


def _grouped(rounds: Iterable[Round]) -> dict[tuple[int, str], list[Round]]:
    grouped: dict[tuple[int, str], list[Round]] = {}
    for one in rounds:
        grouped.setdefault((one["nodes"], one["contestant"]), []).append(one)
    return grouped


def _figure(quantity: Quantity, key: tuple[int, str], rounds: Sequence[Round]) -> Figure:
    nodes, contestant = key
    judged = contestant == OPERATOR and nodes >= LARGEST
    return Figure(
        name=f"{MANY_NODES}{nodes:,}, {contestant}: {quantity.name}",
        value=quantity.read(rounds),
        unit=quantity.unit,
        most=quantity.limit if judged else None,
    )


def _ratios(grouped: Mapping[tuple[int, str], Sequence[Round]]) -> list[Figure]:
    """At most as much as the peer, at every size."""
    return [
        Figure(
            name=f"{MANY_NODES}{nodes:,}, {quantity.name}, of {YARDSTICK}'s",
            value=quantity.read(own) / other,
            unit="×",
            most=quantity.ratio,
        )
        for quantity in QUANTITIES
        if quantity.ratio is not None
        for (nodes, contestant), own in sorted(grouped.items())
        if contestant == OPERATOR and (nodes, YARDSTICK) in grouped
        if (other := quantity.read(grouped[nodes, YARDSTICK]))
    ]


def _growth(sizes: Mapping[int, Sequence[Round]]) -> list[Figure]:
    """What a node adds at the largest sizes, of what one adds at the smallest; an update by itself."""
    found = list(sizes)
    if len(found) < 3:
        return []
    first, second, *_ = found
    before, last = found[-2:]
    named = f"of {first:,} to {second:,}"
    made = []
    for quantity in PER_NODE:
        value = {nodes: quantity.read(own) for nodes, own in sizes.items()}
        early = (value[second] - value[first]) / (second - first)
        late = (value[last] - value[before]) / (last - before)
        if early > 0:
            name = f"{MANY_NODES}{quantity.name} per node added from {before:,} to {last:,}, {named}"
            made.append(Figure(name=name, value=late / early, unit="×", most=GROWTH))
    update = UPDATES.read(sizes[last]) / UPDATES.read(sizes[first])
    name = f"{MANY_NODES}{UPDATES.name} at {last:,}, of {first:,}"
    return [*made, Figure(name=name, value=update, unit="×", most=GROWTH)]
