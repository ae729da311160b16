"""Every `match` names all that may come and ends in `assert_never`.

mypy then refuses an action, a decision or an outcome that nobody handles. Without the last case it falls through in
silence: a call that is never made would be reported as accepted.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import hyperpod_operator

PACKAGE = Path(hyperpod_operator.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))


def unfinished(tree: ast.AST) -> Iterator[int]:
    """Lines of the matches whose last case is not `case _: assert_never(subject)`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Match):
            continue
        last = node.cases[-1]
        wildcard = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None and last.guard is None
        if not wildcard or ast.unparse(last.body[0]) != f"assert_never({ast.unparse(node.subject)})":
            yield node.lineno


def test_every_match_of_the_operator_is_exhaustive() -> None:
    open_ended = {
        str(path.relative_to(PACKAGE)): lines
        for path in FILES
        if (lines := list(unfinished(ast.parse(path.read_text()))))
    }
    assert open_ended == {}


def test_there_are_matches_to_look_at() -> None:
    assert sum(isinstance(node, ast.Match) for path in FILES for node in ast.walk(ast.parse(path.read_text()))) >= 8


@pytest.mark.parametrize(
    "cases",
    [
        "    case int():\n        pass",
        "    case int():\n        pass\n    case _:\n        pass",
        "    case int():\n        pass\n    case _ if y:\n        assert_never(x)",
        "    case int():\n        pass\n    case _:\n        assert_never(y)",
        "    case int():\n        pass\n    case [*_]:\n        assert_never(x)",
    ],
)
def test_a_match_that_falls_through_is_found(cases: str) -> None:
    assert list(unfinished(ast.parse(f"match x:\n{cases}"))) == [1]


def test_a_match_that_ends_in_assert_never_is_in_order() -> None:
    assert (
        list(unfinished(ast.parse("match x.y:\n    case int():\n        pass\n    case _:\n        assert_never(x.y)")))
        == []
    )
