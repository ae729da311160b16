"""What our CRD admits, and what it should not, as hypothesis strategies.

They are read from the generated schema itself, so a member that is added tomorrow is tried tomorrow. Nothing here
decides what is valid: rules between members are left to the API server, which judges every resource anyway.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from hyperpod_operator.api.common.bounds import MOMENT_PATTERN
from hyperpod_operator.api.crd import crd
from hyperpod_operator.api.kinds import CLUSTER

Node = Mapping[str, Any]
Path = tuple[str | int, ...]
Known = Mapping[str, tuple[Any, ...]]
"""Values that examples have under a member of this name: a cluster made of them is one that AWS takes."""

SPEC: Node = crd(CLUSTER)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]

FEW = 3
"""Most items of a list that is made up: long ones are tried as boundaries."""
INSTANTS = ("2020-02-29T00:00:00Z", "2099-12-31T23:59:59Z", "2099-06-01T12:00:00+05:30")
LETTERS = {r"\p{L}": "a-zäπ字", r"\p{Z}": "  ", r"\p{N}": "0-9²"}
"""Some of each class: Python's expressions do not know these."""


@dataclass(frozen=True)
class Place:
    """One property of a resource: where it is, what the schema says of it, and what stands there (None: nothing)."""

    path: Path
    node: Node
    value: Any


def places(value: Any, *, node: Node = SPEC, path: Path = ()) -> Iterator[Place]:
    """Every property of a value, absent ones of what is there included; the value itself first."""
    yield Place(path, node, value)
    if isinstance(value, dict):
        members = {**dict.fromkeys(value, node.get("additionalProperties")), **node.get("properties", {})}
        for name, child in members.items():
            if child is not None:
                yield from places(value.get(name), node=child, path=(*path, name))
    if isinstance(value, list) and "items" in node:
        for index, item in enumerate(value):
            yield from places(item, node=node["items"], path=(*path, index))


def known(*values: Any) -> Known:
    """The scalars of these specs by the name of their member."""
    found: dict[str, list[Any]] = {}
    for value in values:
        for place in places(value):
            if place.path and isinstance(place.value, str):
                seen = found.setdefault(_member(place.path), [])
                seen += [place.value] if place.value not in seen else []
    return {name: tuple(seen) for name, seen in found.items()}


def valid(node: Node, *, member: str = "", seen: Known) -> SearchStrategy[Any]:
    """What the schema alone admits at a node."""
    if "enum" in node:
        return st.sampled_from(node["enum"])
    makers: dict[str, Callable[[], SearchStrategy[Any]]] = {
        "boolean": st.booleans,
        "integer": lambda: _integers(node),
        "string": lambda: _texts(node, seen=seen.get(member, ())),
        "array": lambda: _lists(node, member=member, seen=seen),
        "object": lambda: _objects(node, seen=seen),
    }
    return makers[node["type"]]()


def _integers(node: Node) -> SearchStrategy[int]:
    low = node.get("minimum", 0)
    # Ten more than the least: what a member means is seen as well with few instances, and much sooner.
    return st.integers(low, min(node.get("maximum", 2**31 - 1), low + 10))


def _texts(node: Node, *, seen: tuple[str, ...]) -> SearchStrategy[str]:
    if node.get("pattern") == MOMENT_PATTERN:
        return st.sampled_from(INSTANTS)
    low, high = node.get("minLength", 0), node["maxLength"]
    if seen:
        return st.sampled_from(seen)
    if "pattern" not in node:
        return st.text(min_size=low, max_size=min(high, low + 20))
    return st.from_regex(_python(node["pattern"]), fullmatch=True).filter(lambda text: low <= len(text) <= high)


def _lists(node: Node, *, member: str, seen: Known) -> SearchStrategy[list[Any]]:
    items = valid(node["items"], member=member, seen=seen)
    low, high = node.get("minItems", 0), min(node["maxItems"], FEW)
    keys = node.get("x-kubernetes-list-map-keys", ())
    if keys:
        return st.lists(items, min_size=low, max_size=high, unique_by=lambda item: tuple(item.get(key) for key in keys))
    return st.lists(items, min_size=low, max_size=high, unique=node["items"]["type"] != "object")


def _objects(node: Node, *, seen: Known) -> SearchStrategy[dict[str, Any]]:
    if "additionalProperties" in node:
        keys = st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}/[a-z]{1,8})?", fullmatch=True)
        return st.dictionaries(keys, valid(node["additionalProperties"], seen=seen), max_size=FEW)
    made = {name: valid(child, member=name, seen=seen) for name, child in node.get("properties", {}).items()}
    required = node.get("required", ())
    return st.fixed_dictionaries(
        {name: made[name] for name in required},
        optional={name: strategy for name, strategy in made.items() if name not in required},
    )


def _member(path: Path) -> str:
    return next(str(part) for part in reversed(path) if isinstance(part, str))


def _python(pattern: str) -> str:
    for word, letters in LETTERS.items():
        pattern = pattern.replace(word, letters)
    re.compile(pattern)
    return pattern
