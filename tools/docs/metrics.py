"""The tables of docs/metrics.md: every metric, and the alerts that look at it. Other words are written by hand."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hyperpod_operator.api.metrics.instrument import Instrument

BEGIN = "<!-- metrics: generated from api/metrics by `make chart` -->"
END = "<!-- end of metrics -->"
HEAD = "| Metric | Type | Labels | Unit | What it is | How to interpret it | Alert |\n|---|---|---|---|---|---|---|"


def with_metrics(text: str, instruments: Sequence[Instrument], alerts: Mapping[str, Any]) -> str:
    """The page with its tables made again. Raises ValueError when a mark is missing."""
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"docs/metrics.md needs the lines {BEGIN!r} and {END!r} once each.")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    rules = [rule for group in alerts["groups"] for rule in group["rules"]]
    sections: dict[str, list[str]] = {}
    for one in instruments:
        sections.setdefault(one.section, []).append(_row(one, rules))
    tables = [f"## {title}\n\n{HEAD}\n" + "\n".join(rows) + "\n" for title, rows in sections.items()]
    return "\n".join([before + BEGIN, "", *tables, END + after])


def _row(one: Instrument, rules: Iterable[Mapping[str, Any]]) -> str:
    labels = ", ".join(f"`{label}`" for label in one.labels) or "–"
    alerts = ", ".join(
        rule["alert"] for rule in rules if re.search(rf"\b{one.name}(_bucket|_sum|_count)?\b", rule["expr"])
    )
    return f"| `{one.name}` | {one.type} | {labels} | {one.unit} | {one.help} | {one.read} | {alerts or '–'} |"
