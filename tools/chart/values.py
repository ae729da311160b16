"""What the comments of values.yaml say about each value, read once for the table and the schema.

A value is described by a comment above it that begins with `-- `. Two marks narrow it: `@schema {…}` adds JSON schema
to what its default implies, and `@whole` says that it is a piece of a Kubernetes object whose members are not ours.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

_KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z][A-Za-z0-9]*):(?:\s|$)")
_COMMENT = re.compile(r"^ *# ?(?P<text>.*)$")


class ValuesError(ValueError):
    """A value without a description, or a mark that cannot be read; the message names the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One value that a user can set."""

    path: tuple[str, ...]
    default: Any
    description: str
    schema: dict[str, Any] = field(default_factory=dict)
    whole: bool = False


def read(text: str) -> list[Value]:
    """Every value of a values.yaml in its order. Raises ValuesError for one that is not described."""
    return list(_values(text.splitlines(), yaml.safe_load(text)))


def _values(lines: list[str], document: Any) -> Iterator[Value]:
    path: list[str] = []
    comment: list[str] = []
    skipped_below: int | None = None
    for number, line in enumerate(lines, start=1):
        if found := _COMMENT.match(line):
            comment.append(found["text"])
            continue
        key = _KEY.match(line)
        if key is None:
            comment = comment if line.strip() else []
            continue
        depth = len(key["indent"]) // 2
        if skipped_below is not None and depth > skipped_below:
            continue
        skipped_below = None
        path = [*path[:depth], key["key"]]
        default = _at(document, path)
        described = _described(comment, number=number)
        comment = []
        if isinstance(default, dict) and default and (described is None or not described[2]):
            continue
        if described is None:
            raise ValuesError(f"values.yaml, line {number}: {'.'.join(path)} has no comment that begins with '# -- '.")
        description, schema, whole = described
        skipped_below = depth
        yield Value(path=tuple(path), default=default, description=description, schema=schema, whole=whole)


def _described(comment: list[str], *, number: int) -> tuple[str, dict[str, Any], bool] | None:
    start = next((index for index, text in enumerate(comment) if text.startswith("-- ")), None)
    if start is None:
        return None
    words: list[str] = []
    schema: dict[str, Any] = {}
    whole = False
    for text in comment[start:]:
        if text.startswith("@schema "):
            try:
                schema = json.loads(text.removeprefix("@schema "))
            except json.JSONDecodeError as error:
                raise ValuesError(f"values.yaml, above line {number}: @schema is not JSON: {error}.") from error
        elif text == "@whole":
            whole = True
        else:
            words.append(text.removeprefix("-- "))
    return " ".join(words), schema, whole


def _at(document: Any, path: list[str]) -> Any:
    for key in path:
        document = document[key]
    return document
