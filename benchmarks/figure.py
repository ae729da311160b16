"""One measured figure, and the gate that it should pass.

The unit says what a figure is worth: counts and CPU-seconds come first because they hardly depend on what else the
machine does; wall time does.
"""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

COUNTED = ("writes", "calls")
"""Units of things that are counted."""
ORDER = (*COUNTED, "CPU-s", "MB", "ms", "s")
"""Units, the least disturbed first. A unit may go on after its first word: "writes in 5 min"."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """`most` is the gate: the value must not be above it. None is a figure without a gate."""

    name: str
    value: float
    unit: str
    most: float | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """A figure as it is written down."""

    name: str
    value: float
    unit: str
    gate: str | None
    ok: bool | None
    date: str
    """The day on which it was measured, as in 2026-01-31: figures of different days are not compared."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def result(figure: Figure, *, date: str) -> Result:
    """Judged as measured, rounded for people: a gate is not met by rounding."""
    most = figure.most
    gate = None if most is None else f"≤ {most:g}" if most else "0"
    ok = None if most is None else figure.value <= most
    return Result(name=figure.name, value=rounded(figure.value), unit=figure.unit, gate=gate, ok=ok, date=date)


def middle(rounds: Sequence[Sequence[Figure]]) -> list[Figure]:
    """One figure of several rounds: the median, but of counts the worst, for a count must hold every time."""
    return [replace(same[0], value=_typical(same)) for same in zip(*rounds, strict=True)]


def rank(unit: str) -> int:
    """Where a figure stands in the table; an unknown unit comes last."""
    word = unit.split()[0].rstrip(",")
    return ORDER.index(word) if word in ORDER else len(ORDER)


def percentile(values: Sequence[float], percent: float) -> float:
    """Nearest rank: a value that was measured, not one between two."""
    if not values:
        raise ValueError("no values were measured, so they have no percentile")
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * int(percent * 100) // 10_000) - 1)]


def rounded(value: float) -> float:
    """Three significant digits, and no fraction from 100 on: more was not measured."""
    return float(round(value)) if abs(value) >= 100 else float(f"{value:.3g}")


def _typical(same: Sequence[Figure]) -> float:
    values = [figure.value for figure in same]
    return max(values) if same[0].unit.split()[0] in COUNTED else statistics.median(values)
