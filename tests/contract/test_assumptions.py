"""The table of assumptions about AWS, the code that cites it, and the tests and switches that it names."""

import ast
import importlib
import re
from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Literal, get_origin, get_type_hints

import pytest
from tests.unit.controllers.answers import other_answers
from tests.unit.controllers.test_every_answer import ELSEWHERE
from tools.docs.assumptions import CITATION, WITHOUT_CONSEQUENCE, citations, page

from hyperpod_operator.core.assumptions import AREAS
from hyperpod_operator.core.assumptions.model import Assumption
from hyperpod_operator.core.preflight.model import Check, Unread
from hyperpod_operator.core.preflight.table import CLUSTER
from hyperpod_operator.core.preflight.volume_table import CLAIM
from hyperpod_testbed.simulator import Options

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "operator" / "hyperpod_operator"
DOCUMENT = ROOT / "docs" / "aws-assumptions.md"
ROWS = [row for rows in AREAS.values() for row in rows]
TURNED_IN_TURN = {name for answer in other_answers() for name in answer} - ELSEWHERE.keys()
"""Switches that the nightly matrix turns one after the other."""
SWITCHES = {name for row in ROWS for name in row.switches}
NAMED = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
SOURCES = re.compile(r"(LIVE|DOC|MODEL|SRC|INF): \S")
_PREFLIGHT = SOURCE / "core" / "preflight"
PREFLIGHT_MODULES = [
    *(path for part in ("checks", "tables") for path in sorted((_PREFLIGHT / part).glob("[!_]*.py"))),
    _PREFLIGHT / "table.py",
    _PREFLIGHT / "volume.py",
]
OURS = {
    "OVER": "the words of a finding",
    "OVER_ACCOUNT": "the words of a finding",
    "OVER_SPOT": "the words of a finding",
    "EXPIRES_SOON": "when a warning is due",
    "EVERYWHERE": "what every address is in CIDR notation",
    "ROLE_ACTIONS": "two tables together, each with its row",
    "_NUMBERS": "how a version is read",
}
"""Constants of preflight that say nothing about AWS, with the reason."""


def functions_of(name: str) -> set[str]:
    """The test functions of a file below tests/; empty where there is no such file."""
    path = ROOT / "tests" / name
    tree = ast.parse(path.read_text()) if path.is_file() else ast.Module(body=[], type_ignores=[])
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {function.name for function in functions if function.name.startswith("test_")}


def behavioural() -> set[str]:
    """Options of the simulator with a closed set of answers, found by their types."""
    hints = get_type_hints(Options)
    return {item.name for item in fields(Options) if _is_closed(hints[item.name])}


def _is_closed(hint: object) -> bool:
    return hint is bool or get_origin(hint) is Literal


def turned(row: Assumption) -> set[str]:
    """The switches that the files of the row's tests turn."""
    files = [ROOT / "tests" / test.partition("::")[0] for test in row.tests]
    return {name for name in row.switches for path in files if _turns(path, name)}


def _turns(path: Path, name: str) -> bool:
    if path.name == "test_every_answer.py":
        return name in TURNED_IN_TURN
    return re.search(rf"\b{name}\b", path.read_text()) is not None


def test_an_id_names_one_row() -> None:
    assert [name for name, count in Counter(row.id for row in ROWS).items() if count > 1] == []
    assert [row.id for row in ROWS if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row.id)] == []


def test_every_row_is_cited() -> None:
    assert {row.id for row in ROWS} - citations(SOURCE).keys() == set()


def test_every_citation_names_a_row() -> None:
    assert citations(SOURCE).keys() - {row.id for row in ROWS} == set()


def test_a_citation_is_found_wherever_it_stands_outside_of_the_table(tmp_path: Path) -> None:
    (tmp_path / "core" / "assumptions").mkdir(parents=True)
    (tmp_path / "core" / "assumptions" / "rows.py").write_text('"""[assumption: of-the-table]"""\n')
    (tmp_path / "core" / "one.py").write_text("# [assumption: a-b, c]\n")
    (tmp_path / "two.py").write_text('"""Because of that [assumption: c]."""\n')
    assert citations(tmp_path) == {"a-b": ("core/one.py",), "c": ("core/one.py", "two.py")}


@pytest.mark.parametrize("named", [*ROWS, *CLUSTER, *CLAIM], ids=lambda row: getattr(row, "id", None) or row.name)
def test_a_source_says_what_it_is_and_where(named: Assumption | Check) -> None:
    parts = named.source.split("; ")
    assert SOURCES.match(parts[0])
    assert [part for part in parts if not part.strip() or part.endswith(".")] == []


@pytest.mark.parametrize("path", PREFLIGHT_MODULES, ids=lambda path: path.stem)
def test_each_fact_about_aws_in_preflight_cites_a_row(path: Path) -> None:
    """A constant of a module with checks or tables is a right, a source, checks, or a fact about AWS that needs one."""
    name = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
    module = importlib.import_module(name)
    lines, tree = path.read_text().splitlines(), ast.parse(path.read_text())
    whole, uncited = CITATION.search(ast.get_docstring(tree) or ""), []
    for statement in tree.body:
        for constant in _constants(statement):
            cited = whole or CITATION.search(lines[statement.lineno - 2])
            if constant not in OURS and not cited and not _explains_itself(getattr(module, constant)):
                uncited.append(constant)
    assert uncited == []


def test_a_constant_of_preflight_that_is_ours_exists() -> None:
    found = {
        name for path in PREFLIGHT_MODULES for node in ast.parse(path.read_text()).body for name in _constants(node)
    }
    assert OURS.keys() - found == set()


def _constants(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.Assign(targets=targets):
            names = [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            names = [name]
        case _:
            names = []
    return [name for name in names if name.strip("_").isupper()]


def _explains_itself(value: object) -> bool:
    """Whether it is a source, an action of IAM or Kubernetes, or a table of checks."""
    if isinstance(value, tuple):
        return all(_explains_itself(item) for item in value)
    if isinstance(value, str):
        return bool(SOURCES.match(value) or re.fullmatch(r"[a-z0-9]+:[A-Z][A-Za-z0-9]+|kubernetes:[a-z ]+", value))
    return isinstance(value, Check | Unread)


@NAMED
def test_belief_and_consequence_are_sentences(row: Assumption) -> None:
    for text in (row.belief, row.if_false, *filter(None, [row.untested])):
        assert re.fullmatch(r"[A-Z].*\.", text), text


@NAMED
def test_the_tests_that_a_row_names_exist(row: Assumption) -> None:
    assert [test for test in row.tests if test.partition("::")[2] not in functions_of(test.partition("::")[0])] == []


@NAMED
def test_a_row_has_a_test_or_says_why_not(row: Assumption) -> None:
    assert bool(row.tests) != bool(row.untested)


@NAMED
def test_a_test_of_the_row_turns_each_of_its_switches(row: Assumption) -> None:
    assert set(row.switches) - turned(row) == set()


def test_the_switches_that_rows_name_exist() -> None:
    known = {item.name for item in fields(Options)}
    assert SWITCHES - known == set()
    assert WITHOUT_CONSEQUENCE.keys() - known == set()


def test_every_answer_that_the_simulator_can_change_is_an_assumption_or_of_no_consequence() -> None:
    assert behavioural() - SWITCHES - WITHOUT_CONSEQUENCE.keys() == set()


def test_no_switch_is_both() -> None:
    assert SWITCHES & WITHOUT_CONSEQUENCE.keys() == set()


def test_a_switch_is_found_by_its_type() -> None:
    found = behavioural()
    assert {"scale_in", "paired_events", "attach_gate"} <= found
    assert found.isdisjoint({"describe_lag", "read_rate", "volume_quota"})


def test_the_document_is_what_the_table_and_the_code_say() -> None:
    assert page(SOURCE) == DOCUMENT.read_text(), "run `make chart` and commit docs/aws-assumptions.md"
