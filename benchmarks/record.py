"""Writing down what was measured: results.json for machines, the table of docs/benchmarks.md for people."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.figure import Result, rank

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results.json"
DOCUMENT = ROOT / "docs" / "benchmarks.md"
NODES, MANY_NODES = "node health, ", "many nodes, "
"""How the names of the comparisons' figures begin."""


class DocumentError(RuntimeError):
    """The document has lost the markers between which the table belongs."""


def merged(old: Sequence[Result], new: Sequence[Result]) -> list[Result]:
    """The old results with the new ones in their place: a run of one claim leaves the others as they are."""
    fresh = {one.name for one in new}
    kept = [one for one in old if one.name not in fresh]
    return sorted([*kept, *new], key=lambda one: rank(one.unit))


def of_other_commands(results: Sequence[Result]) -> list[Result]:
    """Those that a run of all claims does not measure: it begins anew, and leaves these as they are."""
    return [one for one in results if one.name.startswith(MANY_NODES)]


def read(path: Path) -> list[Result]:
    """What an earlier run wrote; nothing when there was none."""
    return [Result(**one) for one in json.loads(path.read_text())] if path.exists() else []


def write(path: Path, results: Sequence[Result]) -> None:
    path.write_text(json.dumps([one.as_json() for one in results], indent=2, ensure_ascii=False) + "\n")


def refreshed(document: str, *, results: Sequence[Result], facts: Mapping[str, str]) -> str:
    """The document with new tables of figures, one for each day, the last one first. Raises DocumentError.

    Of the comparisons of contestants only what is judged: `compared` has the rest.
    """
    shown = [one for one in results if one.ok is not None or not one.name.startswith((NODES, MANY_NODES))]
    days = sorted({one.date for one in shown}, reverse=True)
    tables = (f"### Measured on {day}\n\n{table([one for one in shown if one.date == day])}" for day in days)
    return _between(document, "figures", "\n\n".join([_facts(facts), *tables]))


def compared(document: str, *, comparison: str, facts: Mapping[str, str], name: str = "contestants") -> str:
    """The document with a new table of contestants, as benchmarks.nodes makes it. Raises DocumentError."""
    return _between(document, name, f"{comparison}\n\n{_facts(facts)}")


def _between(document: str, name: str, text: str) -> str:
    opening, closing = f"<!-- {name}: written by the run -->", f"<!-- end of the {name} -->"
    before, start, rest = document.partition(opening)
    _, end, after = rest.partition(closing)
    if not start or not end:
        raise DocumentError(f"the document has not both markers, {opening} and {closing}; put them back")
    return f"{before}{opening}\n\n{text}\n\n{closing}{after}"


def table(results: Sequence[Result]) -> str:
    rows = [f"| {one.name} | {one.value:g} | {one.unit} | {one.gate or '–'} | {_verdict(one)} |" for one in results]
    return "\n".join(["| figure | value | unit | gate | |", "|---|---:|---|---|---|", *rows])


def ratios(earlier: Sequence[Result], now: Sequence[Result]) -> str:
    """What changed since an earlier run: figures that both have in the same unit, the one that grew most first.

    A figure that was 0 has no ratio; it comes first when it is 0 no more, for it is a count.
    """
    before = {(one.name, one.unit): one.value for one in earlier}
    both = [(one, before[one.name, one.unit]) for one in now if (one.name, one.unit) in before]
    rows = [(_ratio(one.value, old), f"| {one.name} | {old:g} | {one.value:g} | {one.unit} |") for one, old in both]
    rows.sort(key=lambda row: -row[0])
    shown = (f"{row} {'–' if math.isinf(ratio) else f'{ratio:.2f} ×'} |" for ratio, row in rows)
    return "\n".join(["| figure | earlier | now | unit | |", "|---|---:|---:|---|---:|", *shown])


def _ratio(now: float, earlier: float) -> float:
    return now / earlier if earlier else math.inf if now else 1.0


def _facts(facts: Mapping[str, str]) -> str:
    return "\n".join(["| machine | |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts.items())])


def _verdict(one: Result) -> str:
    return "" if one.ok is None else "met" if one.ok else "**missed**"
