"""The table of metrics in docs/observability.md, between two marks; the words around it are written by hand."""

from hyperpod_operator.runtime.instruments import TABLE, Instrument

BEGIN = "<!-- metrics: generated from runtime/instruments.py by `make chart` -->"
END = "<!-- end of metrics -->"


def with_metrics(text: str) -> str:
    """The page with its table made anew. Raises ValueError when a mark is missing."""
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"docs/observability.md needs the lines {BEGIN!r} and {END!r} once each.")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    rows = [_row(instrument) for instrument in TABLE]
    return "\n".join(
        [before + BEGIN, "| Metric | Type | Labels | What it is |", "|---|---|---|---|", *rows, END + after]
    )


def _row(instrument: Instrument) -> str:
    labels = ", ".join(f"`{label}`" for label in instrument.labels)
    return f"| `{instrument.name}` | {instrument.type} | {labels} | {instrument.help} |"
