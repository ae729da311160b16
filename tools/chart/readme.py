"""The table of values in the chart's README, between two marks; the words around it are written by hand."""

import json
from collections.abc import Sequence
from typing import Any

from tools.chart.values import Value

BEGIN = "<!-- values: generated from values.yaml by `make chart` -->"
END = "<!-- end of values -->"


def with_table(text: str, values: Sequence[Value]) -> str:
    """The README with its table made anew. Raises ValueError when a mark is missing."""
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"README.md of the chart needs the lines {BEGIN!r} and {END!r} once each.")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    rows = [f"| `{'.'.join(value.path)}` | {_default(value.default)} | {_cell(value)} |" for value in values]
    return "\n".join([before + BEGIN, "| Value | Default | What it is |", "|---|---|---|", *rows, END + after])


def _default(default: Any) -> str:
    return "" if default in ("", [], {}) and default is not False and default != 0 else f"`{json.dumps(default)}`"


def _cell(value: Value) -> str:
    choices = value.schema.get("enum")
    words = value.description + (f" One of {', '.join(f'`{choice}`' for choice in choices)}." if choices else "")
    return words.replace("|", "\\|")
