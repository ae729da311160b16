"""The arithmetic between the rounds and the table: a wrong median would be believed."""

from typing import Any

import pytest

from benchmarks.figure import Figure
from benchmarks.nodes.report import figures, table


def one(**found: Any) -> dict[str, Any]:
    return {"contestant": "a", **found}


def named(name: str, *rounds: dict[str, Any], unit: str = "s") -> Figure:
    (found,) = [item for item in figures(rounds) if (item.name, item.unit) == (f"node health, a: {name}", unit)]
    return found


def test_a_figure_is_the_median_of_its_rounds() -> None:
    found = named("start to in sync", one(start_last_s=3.0), one(start_last_s=9.0), one(start_last_s=4.0))
    assert (found.value, found.most) == (4.0, None)


def test_latencies_of_all_rounds_make_one_percentile() -> None:
    slow, fast = one(latency_ms=[10.0] * 48 + [99.0, 99.0]), one(latency_ms=[1.0] * 50)
    assert named("label to taint, p50", slow, fast, unit="ms").value == 1.0
    assert named("label to taint, p99", slow, fast, unit="ms").value == 99.0


def test_memory_per_node_leaves_out_what_the_process_takes_without_nodes() -> None:
    memory = one(rss_end_mb=70.0, small_rss_mb=60.0, nodes=1020, small_nodes=20)
    assert named("resident memory per 1,000 nodes", memory, unit="MB").value == pytest.approx(10.0)


def test_a_single_write_too_many_is_told_although_the_median_is_none() -> None:
    rounds = [*[one(steady_changes=0)] * 4, one(steady_changes=1)]
    found = named("changes of Nodes in steady state", *rounds, unit="writes")
    assert (found.value, found.most) == (1, 0)


def test_the_table_has_the_spread_and_a_dash_for_what_is_missing() -> None:
    lines = table([one(burst_last_s=2.0), one(burst_last_s=4.0), {"contestant": "b", "rss_mb": 50.0, "nodes": 0,
                   "small_nodes": 0}]).splitlines()  # fmt: skip
    assert lines[0] == "| | a | b |"
    assert "| many at once, first label to last taint (s) | 3.00 (2.00 to 4.00) | – |" in lines
    assert lines[-1] == "| rounds | 2 | 1 |"
