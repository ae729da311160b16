"""The sample of `make mutation`: which functions it takes, and how it counts."""

from pathlib import Path

import pytest
from tools.mutation import PACKAGE, Function, functions, outcomes, report, sample

SOURCE = """
import functools

def plain(): ...

async def waits(): ...

@functools.cache
def remembered(): ...

class Cluster:
    def name(self): ...

    @property
    def arn(self): ...
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with one module."""
    monkeypatch.setattr("tools.mutation.PACKAGE", tmp_path / "package")
    (tmp_path / "package" / "core").mkdir(parents=True)
    (tmp_path / "package" / "core" / "groups.py").write_text(SOURCE)
    return tmp_path / "package" / "core"


def test_functions_and_methods_without_a_decorator_are_taken(folder: Path) -> None:
    """mutmut leaves decorated ones alone."""
    assert {(function.cls, function.name) for function in functions(folder)} == {
        ("", "plain"),
        ("", "waits"),
        ("Cluster", "name"),
    }


def test_a_function_is_named_as_mutmut_names_it(folder: Path) -> None:
    assert {function.pattern for function in functions(folder)} == {
        "package.core.groups.x_plain__mutmut_*",
        "package.core.groups.x_waits__mutmut_*",
        "package.core.groups.xǁClusterǁname__mutmut_*",
    }


def test_the_same_seed_takes_the_same_functions() -> None:
    assert sample(PACKAGE / "core", count=20, seed=3) == sample(PACKAGE / "core", count=20, seed=3)


def test_another_seed_takes_other_functions() -> None:
    assert sample(PACKAGE / "core", count=20, seed=3) != sample(PACKAGE / "core", count=20, seed=4)


def test_a_sample_of_more_than_there_is_takes_all(folder: Path) -> None:
    assert len(sample(folder, count=100, seed=1)) == 3


def test_the_score_counts_only_what_a_test_reaches() -> None:
    found = {"a": "noticed", "b": "noticed", "c": "noticed", "d": "survived", "e": "no tests"}
    assert report(found) == "5 changes: 1 no tests, 3 noticed, 1 survived; score 75 % of those that a test reaches"


def test_without_a_change_that_a_test_reaches_the_score_is_unknown() -> None:
    assert "score unknown" in report({"a": "no tests"})


def test_results_of_other_functions_and_changes_that_were_not_tried_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "mutants").mkdir()
    (tmp_path / "mutants" / "groups.py.meta").write_text(
        '{"exit_code_by_key": {"m.x_plain__mutmut_1": 0, "m.x_plain__mutmut_2": 1, "m.x_plain__mutmut_3": null, '
        '"m.x_plainer__mutmut_1": 0}}'
    )
    found = outcomes(tmp_path, [Function("m", "", "plain")])
    assert found == {"m.x_plain__mutmut_1": "survived", "m.x_plain__mutmut_2": "noticed"}
