"""Members of a schema and of an object, by path: what one side has and the other does not know.

An operator and its CustomResourceDefinitions are upgraded one after the other, by different people. What one of them
does not know must be said: the API server drops unknown members without a word, and the models ignore them.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any

from pydantic import BaseModel

from hyperpod_operator.api.schema import structural

PATH_MOST = 120
"""Characters of a path: the names in it may be anybody's."""


@cache
def spec_schema(model: type[BaseModel]) -> Mapping[str, Any]:
    """The schema that this version has for a spec."""
    return structural(model)


def unknown_members(model: type[BaseModel], spec: Any, *, most: int = 5) -> tuple[str, ...]:
    """Paths of the first members of a spec that its model does not know, such as `spec.vpcConfig.ipFamily`."""
    return tuple(path[:PATH_MOST] for path in islice(_unknown(spec_schema(model), spec, "spec"), most))


def _unknown(schema: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Mapping) and "properties" in schema:
        for name, below in value.items():
            if name in schema["properties"]:
                yield from _unknown(schema["properties"][name], below, f"{path}.{name}")
            else:
                yield f"{path}.{name}"
    elif isinstance(value, Mapping) and "additionalProperties" in schema:
        for name, below in value.items():
            yield from _unknown(schema["additionalProperties"], below, f"{path}.{name}")
    elif isinstance(value, list) and "items" in schema:
        for number, below in enumerate(value):
            yield from _unknown(schema["items"], below, f"{path}[{number}]")


def members(schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Paths of all members that a schema names; `[]` is an item of a list, `{}` a value of a map."""
    for name, below in (schema.get("properties") or {}).items():
        here = f"{path}.{name}" if path else name
        yield here
        yield from members(below, here)
    for word, sign in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(schema.get(word), Mapping):
            yield from members(schema[word], f"{path}{sign}")
