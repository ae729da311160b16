"""The part of CEL that the rules of our schemas use, for commands that read manifests without an API server.

A rule is read once and becomes a function of the value of `self`. Grammar and meaning: Common Expression Language,
"Language definition"; the functions of texts and lists are those that Kubernetes adds. A rule that needs more of the
language cannot be read, and a test reads every rule. Maps are JSON objects, numbers are whole.

cel-python reads them as well. It is not used, because it takes 7 ms of CPU for a rule, of which a plan asks dozens, and
five more packages in the image (version 0.5.0, 2026-11-30).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import add, ge, gt, le, lt, sub
from typing import Any

from hyperpod_operator.api.common.text_rules import HOLDS

Names = Mapping[str, Any]
Node = Callable[[Names], Any]
"""An expression: its value for the variables."""

TOKEN = re.compile(
    r"""\s*(?:(?P<text>r?'[^']*')|(?P<number>[0-9]+)|(?P<name>[A-Za-z_]\w*)|(?P<sign>&&|\|\||[=!<>]=|.))"""
)
COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
SUMS: Mapping[str, Callable[[Any, Any], Any]] = {"+": add, "-": sub}
CONSTANTS: Mapping[str, Any] = {"true": True, "false": False, "int": int, "string": str, "bool": bool}
ESCAPE = "\\"


class CelError(Exception):
    """A rule cannot be read, or has no value for what it is asked about."""


@cache
def rule_of(text: str) -> Callable[[Any], bool]:
    """The rule as a function of `self`. Raises CelError if it cannot be read; so does the function, without a value."""
    node = _Reader(text).whole()

    def holds(value: Any) -> bool:
        try:
            return node({"self": value}) is True
        except (TypeError, AttributeError, IndexError, KeyError) as error:
            raise CelError(f"no value: {error}") from error

    return holds


@dataclass(frozen=True, slots=True)
class _Member:
    """`base.name`, which `has` asks about."""

    base: Node
    name: str

    def __call__(self, names: Names) -> Any:
        return self.base(names)[self.name]


class _Reader:
    """Recursive descent: one method for each level of precedence."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [(str(one.lastgroup), one[str(one.lastgroup)]) for one in TOKEN.finditer(text.rstrip())]
        self._at = 0

    def whole(self) -> Node:
        node = self._choice()
        if self._at != len(self._tokens):
            raise self._error()
        return node

    def _choice(self) -> Node:
        condition = self._any()
        if not self._takes("?"):
            return condition
        yes = self._choice()
        self._must(":")
        no = self._choice()
        return lambda names: yes(names) if condition(names) else no(names)

    def _any(self) -> Node:
        parts = [self._all()]
        while self._takes("||"):
            parts.append(self._all())
        return _decided(parts, by=True)

    def _all(self) -> Node:
        parts = [self._relation()]
        while self._takes("&&"):
            parts.append(self._relation())
        return _decided(parts, by=False)

    def _relation(self) -> Node:
        left = self._sum()
        for sign, compare in {**COMPARISONS, "==": _same, "!=": _differ, "in": _within}.items():
            if self._takes(sign):
                right = self._sum()
                return _of_two(compare, left, right)
        return left

    def _sum(self) -> Node:
        node = self._not()
        while (sign := next((one for one in SUMS if self._takes(one)), None)) is not None:
            node = _of_two(SUMS[sign], node, self._not())
        return node

    def _not(self) -> Node:
        if self._takes("!"):
            inner = self._not()
            return lambda names: not inner(names)
        return self._member()

    def _member(self) -> Node:
        node = self._primary()
        while True:
            if self._takes("."):
                name = self._name()
                node = self._call(name, node) if self._takes("(") else _Member(node, name)
            elif self._takes("["):
                index = self._choice()
                self._must("]")
                node = _of_two(lambda value, place: value[place], node, index)
            else:
                return node

    def _primary(self) -> Node:
        kind, word = self._next()
        if kind == "text":
            return _constant(self._literal(word))
        if kind == "number":
            return _constant(int(word))
        if word == "(":
            node = self._choice()
            self._must(")")
            return node
        if word == "[":
            items = self._items("]")
            return lambda names: [item(names) for item in items]
        if kind != "name":
            raise self._error()
        if word in {"has", "type"} and self._takes("("):
            node = self._choice()
            self._must(")")
            return self._has(node) if word == "has" else lambda names: type(node(names))
        return _constant(CONSTANTS[word]) if word in CONSTANTS else lambda names: names[word]

    def _has(self, node: Node) -> Node:
        if not isinstance(node, _Member):
            raise self._error()
        return lambda names: _mapping(node.base(names)).get(node.name) is not None

    def _call(self, name: str, base: Node) -> Node:
        if name in MACROS:
            variable = self._name()
            self._must(",")
            inner = self._choice()
            self._must(")")
            macro = MACROS[name]
            return lambda names: macro(list(base(names)), lambda item: inner({**names, variable: item}))
        if name not in METHODS:
            raise self._error()
        method, arguments = METHODS[name], self._items(")")
        return lambda names: method(base(names), *(one(names) for one in arguments))

    def _items(self, end: str) -> Sequence[Node]:
        items: list[Node] = []
        while not self._takes(end):
            if items:
                self._must(",")
            items.append(self._choice())
        return items

    def _literal(self, word: str) -> str:
        raw = word.startswith("r")
        text = word[2:-1] if raw else word[1:-1]
        if ESCAPE in text and not raw:
            raise self._error()
        return text

    def _name(self) -> str:
        kind, word = self._next()
        if kind != "name":
            raise self._error()
        return word

    def _next(self) -> tuple[str, str]:
        if self._at == len(self._tokens):
            raise self._error()
        self._at += 1
        return self._tokens[self._at - 1]

    def _takes(self, word: str) -> bool:
        taken = self._at < len(self._tokens) and self._tokens[self._at][1] == word
        self._at += taken
        return taken

    def _must(self, word: str) -> None:
        if not self._takes(word):
            raise self._error()

    def _error(self) -> CelError:
        return CelError(f"cannot be read at token {self._at}: {self._text}")


def _constant(value: Any) -> Node:
    return lambda _: value


def _of_two(function: Callable[[Any, Any], Any], left: Node, right: Node) -> Node:
    return lambda names: function(left(names), right(names))


def _decided(parts: Sequence[Node], *, by: bool) -> Node:
    """`||` and `&&`: one part that decides is enough, also where another one has no value."""
    if len(parts) == 1:
        return parts[0]

    def value(names: Names) -> bool:
        missing: Exception | None = None
        for part in parts:
            try:
                decides = part(names) is by
            except (TypeError, AttributeError, IndexError, KeyError) as error:
                missing = error
            else:
                if decides:
                    return by
        if missing is not None:
            raise missing
        return not by

    return value


def _same(left: Any, right: Any) -> bool:
    """Without Python's notion that true is 1."""
    return bool(left == right) and isinstance(left, bool) is isinstance(right, bool)


def _differ(left: Any, right: Any) -> bool:
    return not _same(left, right)


def _within(item: Any, values: Any) -> bool:
    return any(_same(item, one) for one in values)


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError("has() of what has no members")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("it is no text")
    return value


Each = Callable[[Any], Any]
MACROS: Mapping[str, Callable[[list[Any], Each], Any]] = {
    "all": lambda items, holds: all(holds(item) for item in items),
    "exists": lambda items, holds: any(holds(item) for item in items),
    "exists_one": lambda items, holds: sum(bool(holds(item)) for item in items) == 1,
    "filter": lambda items, holds: [item for item in items if holds(item)],
}
METHODS: Mapping[str, Callable[..., Any]] = {
    "size": len,
    "split": lambda text, sign: _text(text).split(sign),
    "indexOf": lambda text, part: _text(text).find(part),
    "lowerAscii": lambda text: "".join(one.lower() if one.isascii() else one for one in _text(text)),
    "startsWith": lambda text, start: _text(text).startswith(start),
    "contains": lambda text, part: part in _text(text),
    "matches": lambda text, pattern: HOLDS["matches"](pattern, _text(text)),
}
