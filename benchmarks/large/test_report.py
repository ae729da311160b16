"""The arithmetic between the rounds of several sizes and what is judged."""

from typing import Any

import pytest

from benchmarks.figure import Figure
from benchmarks.large.report import figures, table

PEER = "controller-runtime"


def one(nodes: int, contestant: str = "operator", **found: Any) -> dict[str, Any]:
    return {
        "nodes": nodes,
        "contestant": contestant,
        "start_cpu_s": 1.0,
        "update_cpu_us": 100.0,
        "burst_cpu_s": 1.0,
        "rss_mb": 100.0,
        "rss_end_mb": 90.0,
        "rss_peak_mb": 110.0,
        "latency_ms": [10.0],
        "start_last_s": 2.0,
        "burst_last_s": 3.0,
        **found,
    }


def named(name: str, *rounds: dict[str, Any]) -> Figure:
    (found,) = [item for item in figures(rounds) if item.name == f"many nodes, {name}"]
    return found


def test_only_the_operator_and_only_the_largest_size_have_limits() -> None:
    rounds = [one(5_000), one(100_000), one(100_000, PEER)]
    limited = {item.name for item in figures(rounds) if item.most is not None and item.unit != "×"}
    assert limited == {f"many nodes, 100,000, operator: {name}" for name in ("start to in sync", "resident memory")}


def test_resident_memory_is_the_larger_one_of_both_looks() -> None:
    assert named("5,000, operator: resident memory", one(5_000, rss_mb=300.0, rss_end_mb=310.0)).value == 310.0


def test_the_peer_is_held_against_at_the_same_size() -> None:
    found = named(
        "100,000, 1,000 irrelevant updates, CPU, of controller-runtime's",
        one(5_000, PEER, update_cpu_us=1.0),
        one(100_000, PEER, update_cpu_us=400.0),
        one(100_000, update_cpu_us=100.0),
    )
    assert (found.value, found.most) == (0.25, 0.5)


def test_without_the_peer_there_is_no_ratio() -> None:
    assert not [item for item in figures([one(100_000)]) if item.unit == "×"]


@pytest.mark.parametrize(("largest", "growth"), [(101.0, 1.0), (201.0, 2.25)])
def test_growth_is_what_a_node_adds_at_the_end_of_what_one_adds_at_the_start(*, largest: float, growth: float) -> None:
    rounds = [one(5_000, start_cpu_s=6.0), one(20_000, start_cpu_s=21.0), one(100_000, start_cpu_s=largest)]
    name = "start to in sync, CPU per node added from 20,000 to 100,000, of 5,000 to 20,000"
    assert named(name, *rounds).value == pytest.approx(growth)


def test_an_update_costs_as_much_however_many_nodes_there_are() -> None:
    rounds = [one(5_000), one(20_000), one(100_000, update_cpu_us=300.0)]
    found = named("1,000 irrelevant updates, CPU at 100,000, of 5,000", *rounds)
    assert found.value == pytest.approx(3.0)
    assert found.most == 1.2


def test_the_table_has_the_operator_first_and_sizes_in_order() -> None:
    lines = table([one(20_000), one(5_000, PEER, start_last_s=1.0), one(5_000), one(5_000)]).splitlines()
    assert lines[0] == "| | operator, 5,000 | operator, 20,000 | controller-runtime, 5,000 |"
    assert "| start to in sync (s) | 2 | 2 | 1 |" in lines
    assert lines[-1] == "| rounds | 2 | 1 | 1 |"
