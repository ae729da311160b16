"""A count in a message agrees with its noun: `core.text.counted` writes both."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import hyperpod_operator
from hyperpod_operator.core.text import counted

ROOT = Path(hyperpod_operator.__file__).parents[2]
SOURCES = (ROOT / "operator" / "hyperpod_operator", ROOT / "plugin")
NOUNS = (
    r"(nodes|Nodes|groups|claims|pods|tags|volumes|instances|tries|times|warnings|checks|namespaces|objects|clusters"
    r"|snapshots|calls|changes|keys|events|errors|zones|attachments"
    r"|addresses|subnets)\b"
)
PLURAL = re.compile(f" {NOUNS}")
TEMPLATE = re.compile(rf"(?<!/)(?<! of )\{{[a-z_]*\}}(?: [a-z]+)? {NOUNS}")
"""A place in a template that is filled in later, a plural noun, and perhaps an adjective between them."""


def disagreeing(text: str) -> list[int]:
    """Lines of f-strings and templates in which a plural noun follows a value.

    A constant is never 1; `1/1 nodes` is a readout, and `1 of 1 nodes` is said so.
    """
    nodes = list(ast.walk(ast.parse(text)))
    strings = (node for node in nodes if isinstance(node, ast.JoinedStr))
    texts = (node for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    templates = (node.lineno for node in texts if TEMPLATE.search(str(node.value)))
    return sorted({*(line for string in strings for line in _in(string)), *templates})


def _in(string: ast.JoinedStr) -> Iterator[int]:
    before = ""
    for part, following in zip(string.values, [*string.values[1:], None], strict=True):
        if isinstance(part, ast.FormattedValue) and isinstance(following, ast.Constant):
            names = [node.id for node in ast.walk(part.value) if isinstance(node, ast.Name)]
            fixed = bool(names) and all(name.isupper() for name in names)
            readout = before.endswith("/") or before == " of " or part.format_spec is not None
            if PLURAL.match(str(following.value)) and not fixed and not readout:
                yield part.lineno
        before = str(part.value) if isinstance(part, ast.Constant) else ""


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_no_message_puts_a_plural_noun_after_a_count_of_its_own(source: Path) -> None:
    found = {path.relative_to(source).as_posix(): disagreeing(path.read_text()) for path in source.rglob("*.py")}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('f"AWS is ending {len(ids)} nodes by name"', [1]),
        ('f"{count} pods use it"', [1]),
        ('f"{found.current}/{found.target} nodes"', []),
        ('f"{sick} of {found} nodes"', []),
        ('f"Reboot of {found} nodes"', [1]),
        ('f"AWS takes {TAGS_MOST} tags"', []),
        ('f"more than {PAGE * PAGES} objects"', []),
        ("f\"{counted(len(ids), 'node')} by name\"", []),
        ('f"{name} pods"', [1]),
        ('fail="The spec has {count} groups."', [1]),
        ('fail="The subnets have {free} free addresses."', [1]),
        ("f'{x} and {{free}} free addresses'", [1]),
        ('fail="{sick} of {count} nodes, {ready}/{count} nodes"', []),
        ('fail="The spec has {groups}."', []),
    ],
)
def test_such_a_message_is_found(text: str, lines: list[int]) -> None:
    assert disagreeing(text) == lines


def test_a_count_takes_the_noun_and_the_verb_that_fit() -> None:
    assert [counted(count, "node") for count in (0, 1, 2)] == ["0 nodes", "1 node", "2 nodes"]
    assert [counted(count, "pod is", "pods are") for count in (0, 1, 2)] == ["0 pods are", "1 pod is", "2 pods are"]
