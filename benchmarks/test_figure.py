"""The arithmetic between what was measured and what is judged: a wrong verdict would be believed."""

import pytest

from benchmarks.figure import Figure, middle, percentile, rank, result

DAY = "2026-01-02"


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert percentile(list(range(1, 151)), 99) == 149


def test_the_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7.0], 50) == 7.0


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


@pytest.mark.parametrize(("value", "ok"), [(50.0, True), (50.1, False)])
def test_the_gate_is_met_up_to_its_value(*, value: float, ok: bool) -> None:
    made = result(Figure(name="a", value=value, unit="ms", most=50), date=DAY)
    assert (made.ok, made.gate) == (ok, "≤ 50")


def test_a_gate_of_nothing_is_missed_by_one() -> None:
    made = result(Figure(name="a", value=1, unit="writes", most=0), date=DAY)
    assert (made.ok, made.gate) == (False, "0")


def test_a_figure_without_a_gate_is_not_judged() -> None:
    assert result(Figure(name="a", value=1, unit="s"), date=DAY).ok is None


def test_a_gate_is_not_met_by_rounding() -> None:
    made = result(Figure(name="a", value=130.4, unit="MB", most=130), date=DAY)
    assert (made.value, made.ok) == (130, False)


def test_of_counts_the_worst_round_stands() -> None:
    rounds = [[Figure(name="a", value=value, unit="writes in 5 min")] for value in (0, 0, 2)]
    assert [one.value for one in middle(rounds)] == [2]


def test_of_times_the_median_round_stands() -> None:
    rounds = [[Figure(name="a", value=value, unit="s")] for value in (1, 9, 2)]
    assert [one.value for one in middle(rounds)] == [2]


def test_counts_come_before_cpu_time_and_cpu_time_before_wall_time() -> None:
    assert rank("writes in 5 min") < rank("CPU-s") < rank("s")
