"""The arithmetic between the rounds and the table: a wrong median would be believed."""

from typing import Any

import pytest

from benchmarks.figure import Figure
from benchmarks.nodes.report import LIMITS, QUANTITIES, RATIOS, figures, table


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


def test_the_operator_is_held_against_the_yardstick() -> None:
    rounds = [
        {"contestant": "operator", "burst_last_s": 3.0},
        {"contestant": "controller-runtime", "burst_last_s": 2.0},
        {"contestant": "kopf-on-event", "burst_last_s": 9.0},
    ]
    (found,) = [item for item in figures(rounds) if item.unit == "×"]
    assert found.name == "node health, many at once, first label to last taint, of controller-runtime's"
    assert (found.value, found.most) == (1.5, 1.0)


def test_without_the_yardstick_there_is_no_ratio() -> None:
    assert not [item for item in figures([{"contestant": "operator", "burst_last_s": 3.0}]) if item.unit == "×"]


def test_only_the_operator_has_to_keep_the_limits() -> None:
    rounds = [{"contestant": name, "start_last_s": 6.0} for name in ("operator", "kopf-on-event")]
    limits = {item.name: item.most for item in figures(rounds)}
    assert limits == {
        "node health, operator: start to in sync": 5.0,
        "node health, kopf-on-event: start to in sync": None,
    }


def test_every_gate_is_one_of_a_quantity() -> None:
    assert {*RATIOS, *LIMITS} <= {quantity.name for quantity in QUANTITIES}
