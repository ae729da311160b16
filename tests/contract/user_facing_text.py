"""Where users read the project's words: documents, comments of the chart's values, and strings of the operator."""

import ast
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "operator" / "hyperpod_operator"
CHART = ROOT / "helm" / "hyperpod-operator"
_NAMES_OF_OTHERS = {"licences.md"}
_EXAMPLES_OF_WORDS = re.compile(r"^(## Names|## Writing)\n.*?(?=^## )", re.MULTILINE | re.DOTALL)


class Text(NamedTuple):
    """One piece of text: the file, the line where it begins, and its words."""

    path: str
    line: int
    words: str


def documents() -> list[Path]:
    """What is written or generated for users and contributors."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *CHART.glob("*.md"), *ROOT.glob("examples/*")]
    more = [CHART / "values.yaml", CHART / "files" / "alerts.yaml", CHART / "templates" / "NOTES.txt"]
    return sorted(path for path in [*found, *more] if path.is_file() and path.name not in _NAMES_OF_OTHERS)


def text_of_documents() -> Iterator[Text]:
    """Line by line, without code, and without the sections of CONTRIBUTING.md that quote the words that they forbid."""
    for path in documents():
        text = _EXAMPLES_OF_WORDS.sub(lambda match: "\n" * match[0].count("\n"), path.read_text())
        for number, line in enumerate(text.splitlines(), 1):
            yield Text(str(path.relative_to(ROOT)), number, re.sub(r"`[^`]*`", "`", line))


def strings_of_the_operator() -> Iterator[Text]:
    """Messages, descriptions and help: every string of several words that is not a docstring."""
    for path, tree in _modules():
        documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in documentation:
                continue
            if " " in node.value.strip():
                yield Text(path, node.lineno, node.value)


def names_of_the_operator() -> Iterator[Text]:
    """Modules, and the classes and functions that other modules can use."""
    for path, tree in _modules():
        yield Text(path, 1, Path(path).stem)
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith(
                "_"
            ):
                yield Text(path, node.lineno, node.name)


@cache
def _modules() -> Sequence[tuple[str, ast.Module]]:
    return [(str(path.relative_to(ROOT)), ast.parse(path.read_text())) for path in sorted(PACKAGE.rglob("*.py"))]
