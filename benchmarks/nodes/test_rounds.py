"""Rounds survive the run that measured them."""

from pathlib import Path

from benchmarks.nodes.rounds import Rounds


def test_the_next_run_goes_on_from_the_rounds_of_the_last(tmp_path: Path) -> None:
    raw = tmp_path / "rounds.jsonl"
    Rounds(raw).keep({"contestant": "operator"})
    after = Rounds(raw)
    after.keep({"contestant": "peer"})
    assert after.done == [{"contestant": "operator"}, {"contestant": "peer"}] == Rounds(raw).done


def test_without_a_file_they_are_of_this_run_alone() -> None:
    rounds = Rounds(None)
    rounds.keep({"contestant": "operator"})
    assert rounds.done == [{"contestant": "operator"}]
    assert Rounds(None).done == []
