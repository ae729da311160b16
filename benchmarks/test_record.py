"""What is written down, and that a run of one claim leaves the rest of it alone."""

from pathlib import Path

import pytest

from benchmarks.figure import Result
from benchmarks.record import DocumentError, compared, merged, of_other_commands, ratios, read, refreshed, write

START, END = "<!-- figures: written by the run -->", "<!-- end of the figures -->"


def found(
    name: str, *, value: float = 1.0, unit: str = "s", ok: bool | None = None, date: str = "2026-01-02"
) -> Result:
    return Result(name=name, value=value, unit=unit, gate=None if ok is None else "≤ 1", ok=ok, date=date)


def test_a_new_figure_takes_the_place_of_the_old_one() -> None:
    together = merged([found("a"), found("b")], [found("a", value=2.0)])
    assert sorted((one.name, one.value) for one in together) == [("a", 2.0), ("b", 1.0)]


def test_a_run_of_all_claims_keeps_what_only_another_command_measures() -> None:
    kept = of_other_commands([found("many nodes, 5,000, operator: start to in sync"), found("resident memory, idle")])
    assert [one.name for one in kept] == ["many nodes, 5,000, operator: start to in sync"]


def test_counts_are_written_first() -> None:
    together = merged([found("a wall time")], [found("the count", unit="writes")])
    assert [one.name for one in together] == ["the count", "a wall time"]


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    results = [found("a", ok=False), found("b")]
    write(tmp_path / "results.json", results)
    assert read(tmp_path / "results.json") == results


def test_the_text_around_the_markers_stays() -> None:
    document = f"before\n{START}\nold\n{END}\nafter\n"
    text = refreshed(document, results=[found("a", ok=False)], facts={"cores": "2"})
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "**missed**" in text


def test_figures_of_different_days_are_in_tables_of_their_own() -> None:
    text = refreshed(f"{START}{END}", results=[found("old", date="2026-01-01"), found("new")], facts={})
    first, second = text.split("### Measured on ")[1:]
    assert first.startswith("2026-01-02")
    assert second.startswith("2026-01-01")
    assert ("| new |" in first, "| old |" in first, "| old |" in second) == (True, False, True)


def test_refreshing_twice_changes_nothing() -> None:
    once = refreshed(f"{START}{END}", results=[found("a")], facts={})
    assert refreshed(once, results=[found("a")], facts={}) == once


def test_a_document_without_markers_is_refused() -> None:
    with pytest.raises(DocumentError, match="both markers"):
        refreshed("no markers", results=[], facts={})


def test_what_contestants_took_is_told_in_their_own_table_and_only_judged_in_the_other() -> None:
    results = [found("node health, operator: start"), found("node health, operator: writes", ok=True)]
    text = refreshed(f"{START}{END}", results=results, facts={})
    assert "operator: start" not in text
    assert "operator: writes" in text


def test_the_two_tables_do_not_touch_each_other() -> None:
    document = f"{START}{END} between <!-- contestants: written by the run --><!-- end of the contestants -->"
    once = compared(document, comparison="| operator |", facts={"cores": "2"})
    twice = refreshed(once, results=[found("a")], facts={"cores": "4"})
    assert "| operator |" in twice
    assert "| cores | 2 |" in twice
    assert "| cores | 4 |" in twice


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


def test_what_grew_most_since_an_earlier_run_comes_first() -> None:
    earlier = [found("better", value=4.0), found("worse", value=2.0), found("gone")]
    now = [found("better", value=1.0), found("worse", value=5.0), found("new")]
    assert rows(ratios(earlier, now)) == [["worse", "2", "5", "s", "2.50 ×"], ["better", "4", "1", "s", "0.25 ×"]]


def test_a_count_that_was_zero_and_is_no_more_comes_before_all_ratios() -> None:
    earlier = [found("time", value=1.0), found("writes", value=0.0), found("none", value=0.0)]
    now = [found("time", value=9.0), found("writes", value=3.0), found("none", value=0.0)]
    assert [(row[0], row[-1]) for row in rows(ratios(earlier, now))] == [
        ("writes", "–"),
        ("time", "9.00 ×"),
        ("none", "1.00 ×"),
    ]


def test_figures_in_other_units_are_not_compared() -> None:
    assert rows(ratios([found("a", unit="writes in 5 min")], [found("a", unit="writes in 1 min")])) == []
