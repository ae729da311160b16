"""Every regular expression of the operator, and texts that would make a backtracking one expensive.

Python's `re` backtracks: an expression whose parts can share characters takes quadratic or exponential time for a text
that nearly matches. Whether one does is tried, not read off: each repetition is fed with repeated characters that the
expression itself knows, after the shortest text that leads to it, and before one that cannot match.
"""

import ast
import importlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from re import _parser  # type: ignore[attr-defined] # the standard library's own parse tree
from typing import Any

import hyperpod_operator

PACKAGE = Path(hyperpod_operator.__file__).parent
FUNCTIONS = frozenset({"compile", "search", "match", "fullmatch", "sub", "subn", "findall", "finditer", "split"})
_NAMED = re.compile(rf"\.({'|'.join(sorted(FUNCTIONS))})\b")
"""What a module has that makes or applies an expression: all others are not parsed."""
NEVER = "\0"
"""A character that no expression of ours matches but by a negated class."""
LENGTHS = (18, 22, 26, 500, 5_000)
"""Repetitions, growing: an exponential expression shows at the first ones, before it would take for ever."""
PATIENCE = 0.04
"""CPU-seconds for one text. A linear expression takes a millisecond for the longest; a quadratic one seconds."""


@dataclass(frozen=True)
class Expression:
    where: str
    text: str
    uses: frozenset[str]
    """Methods by which it is applied."""
    flags: int = 0


def expressions() -> Iterator[Expression]:
    """All of them. Raises AssertionError for one that cannot be found out without running the operator."""
    texts_of = {path: path.read_text() for path in sorted(PACKAGE.rglob("*.py"))}
    trees = {path: ast.parse(text) for path, text in texts_of.items() if _NAMED.search(text)}
    methods = _methods(trees.values())
    for path, tree in trees.items():
        if "re." not in texts_of[path]:
            continue
        assigned = _assigned(tree)
        for node in ast.walk(tree):
            if _is_use(node):
                name = assigned.get(node, "")
                compiled = node.func.attr == "compile"  # type: ignore[attr-defined]
                uses = methods.get(name, frozenset({"search", "fullmatch"})) if compiled else {node.func.attr}  # type: ignore[attr-defined]
                where = f"{path.relative_to(PACKAGE)}:{node.lineno}"  # type: ignore[attr-defined]
                yield Expression(where, _text(node, path, where), frozenset(uses), _flags(node))


def cost(expression: Expression) -> tuple[float, str]:
    """The CPU-seconds of the worst text that was found, and what it is made of."""
    worst = (0.0, "")
    compiled = re.compile(expression.text, expression.flags)
    for use in expression.uses:
        run = _run(compiled, use)
        for before, pump in texts(expression.text):
            for length in LENGTHS:
                text = before + pump * length + NEVER
                spent = _spent(run, text)
                if spent > PATIENCE:  # by accident on a machine that is busy with other things
                    spent = min(spent, *(_spent(run, text) for _ in range(2)))
                worst = max(worst, (spent, f"{use} of {before!r} and {length} times {pump!r}"))
                if spent > PATIENCE:
                    return worst
    return worst


def _spent(run: Callable[[str], object], text: str) -> float:
    started = time.thread_time()
    run(text)
    return time.thread_time() - started


def texts(pattern: str) -> Iterator[tuple[str, str]]:
    """What leads to a repetition, and what to repeat there."""
    tree = _parser.parse(pattern)
    letters = sorted(_letters(tree))[:14]
    pumps = [*letters, *(one + other for one in letters for other in letters if one != other)]
    for before in sorted({"", *_before(tree, "")}):
        for pump in [*pumps, *([before] if before else [])]:
            yield before, pump


def _run(compiled: re.Pattern[str], use: str) -> Callable[[str], object]:
    if use in {"sub", "subn"}:
        return lambda text: compiled.sub("", text)
    if use in {"findall", "finditer", "split"}:
        return compiled.findall
    return compiled.fullmatch if use == "fullmatch" else compiled.match if use == "match" else compiled.search


def _is_use(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in FUNCTIONS
    )


def _assigned(tree: ast.AST) -> dict[ast.AST, str]:
    """The name to which a compiled expression is given."""
    return {
        node.value: node.targets[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def _methods(trees: Any) -> dict[str, frozenset[str]]:
    """By which methods each name is applied, anywhere in the package."""
    found: dict[str, set[str]] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in FUNCTIONS:
                found.setdefault(node.value.id, set()).add(node.attr)
    return {name: frozenset(uses) for name, uses in found.items() if name != "re"}


def _text(node: Any, path: Path, where: str) -> str:
    argument = node.args[0]
    try:
        return str(ast.literal_eval(argument))
    except ValueError:
        pass
    module = importlib.import_module(".".join(("hyperpod_operator", *path.relative_to(PACKAGE).with_suffix("").parts)))
    if isinstance(argument, ast.Name) and isinstance(known := getattr(module, argument.id, None), str):
        return known
    if isinstance(argument, ast.Call) and isinstance(argument.func, ast.Name):
        make = getattr(module, argument.func.id, None)
        if callable(make):
            return str(make(*("some-name" for _ in argument.args)))
    raise AssertionError(f"{where}: an expression that is made at run time, out of what?")


def _flags(node: Any) -> int:
    found = 0
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and part.attr in {"DOTALL", "IGNORECASE", "MULTILINE", "ASCII"}:
            found |= getattr(re, part.attr)
    return found


def _letters(tree: Any) -> set[str]:
    """A character for each thing that the expression can match, and every literal of it."""
    found = set[str]()
    for operation, argument in tree:
        name = str(operation)
        if name == "LITERAL":
            found.add(chr(argument))
        elif name == "IN":
            found |= _of_class(argument)
        elif name in {"ANY", "NOT_LITERAL"}:
            found.add("a")
        for below in _below(name, argument):
            found |= _letters(below)
    return found


def _of_class(items: Any) -> set[str]:
    found = set[str]()
    for operation, argument in items:
        name = str(operation)
        if name == "LITERAL":
            found.add(chr(argument))
        elif name == "RANGE":
            found.add(chr(argument[0]))
        elif name == "CATEGORY":
            found.add({"CATEGORY_DIGIT": "0", "CATEGORY_SPACE": " "}.get(str(argument), "a"))
        elif name == "NEGATE":
            found.add("a")
    return found


def _below(name: str, argument: Any) -> list[Any]:
    match name:
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return [argument[2]]
        case "SUBPATTERN":
            return [argument[3]]
        case "BRANCH":
            return list(argument[1])
        case "ASSERT" | "ASSERT_NOT":
            return [argument[1]]
        case "ATOMIC_GROUP":
            return [argument]
    return []


def _before(tree: Any, text: str) -> Iterator[str]:
    """The shortest text that leads to each repetition without a bound."""
    for operation, argument in tree:
        name = str(operation)
        if name.endswith("REPEAT") and argument[1] > 100:
            yield text
        for below in _below(name, argument):
            yield from _before(below, text)
        text += _shortest(name, argument)


def _shortest(name: str, argument: Any) -> str:
    match name:
        case "LITERAL":
            return chr(argument)
        case "IN":
            negated = str(argument[0][0]) == "NEGATE"
            return "a" if negated else min(_of_class(argument))
        case "ANY" | "NOT_LITERAL":
            return "a"
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return "".join(_shortest(str(op), value) for op, value in argument[2]) * argument[0]
        case "SUBPATTERN":
            return "".join(_shortest(str(op), value) for op, value in argument[3])
        case "BRANCH":
            return "".join(_shortest(str(op), value) for op, value in argument[1][0])
        case "ASSERT" if argument[0] < 0:
            return "".join(_shortest(str(op), value) for op, value in argument[1])
    return ""
