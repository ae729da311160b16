"""What docs/reliability.md promises is held by tests: its table and the markers name the same faults."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "reliability.md").read_text()
OF_CLUSTERS = {*range(1, 10), 11, 12, 13, 14, 16, 17, 19, 20, 23, 24}
"""The faults that concern clusters; the others come with volumes, nodes and the chart."""


def marked(path: Path) -> Iterator[int]:
    """The numbers of the `fault` markers in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "fault":
            yield from (argument.value for argument in node.args if isinstance(argument, ast.Constant))


def functions(path: Path) -> set[str]:
    tree = ast.walk(ast.parse(path.read_text()))
    return {node.name for node in tree if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_fault_of_the_table_has_a_test_and_the_other_way_round() -> None:
    told = {int(number) for number in re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE)}
    held = {number for path in (ROOT / "tests").rglob("test_*.py") for number in marked(path)}
    assert told == held
    assert told >= OF_CLUSTERS


def test_every_test_that_the_page_names_exists() -> None:
    names = re.findall(r"::(test_\w+)`", TEXT)
    known = {name for path in (ROOT / "tests").rglob("test_*.py") for name in functions(path)}
    assert names
    assert set(names) <= known


def test_every_file_that_the_page_names_exists() -> None:
    files = re.findall(r"`((?:unit|integration)/\S+\.py)`", TEXT)
    assert files
    assert [name for name in files if not (ROOT / "tests" / name).is_file()] == []
