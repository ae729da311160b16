"""Members of a schema and of an object, by path: what one side has and the other does not know.

An operator and its CustomResourceDefinitions are upgraded one after the other, by different people. What one of them
does not know must be said: the API server drops unknown members without a word, and the models ignore them.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from hyperpod_operator.api.schema import structural

PATH_MOST = 120
"""Characters of a path: the names in it may be anybody's."""
EXTRA = "extra_forbidden"
"""pydantic's type of error for a member that a model does not have (documentation, "Validation Errors")."""


@cache
def spec_schema(model: type[BaseModel]) -> Mapping[str, Any]:
    """The schema that this version has for a spec."""
    return structural(model)


def unknown_members(model: type[BaseModel], spec: Any, *, most: int = 5) -> tuple[str, ...]:
    """Paths of the first members of a spec that its model does not know, such as `spec.vpcConfig.ipFamily`."""
    try:
        model.model_validate(spec, extra="forbid")
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        paths = (_path(one["loc"]) for one in found if one["type"] == EXTRA)
        return tuple(path[:PATH_MOST] for path in islice(paths, most))
    return ()


def _path(where: tuple[int | str, ...]) -> str:
    return "spec" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)


def model_members(annotation: Any, path: str) -> Iterator[str]:
    """Paths of all members of a model that stands at `path`: those that `members` finds in its schema.

    The schemas of all kinds take half a second to generate; this takes milliseconds, and every start needs it.
    """
    origin, inner = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            here = f"{path}.{name}"
            yield here
            yield from model_members(field.annotation, here)
    elif origin in (Union, UnionType):
        for choice in inner:
            yield from model_members(choice, path)
    elif origin is Annotated:
        yield from model_members(inner[0], path)
    elif origin in (list, tuple):
        yield from model_members(inner[0], f"{path}[]")
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        yield from model_members(inner[1], f"{path}{{}}")


def members(schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Paths of all members that a schema names; `[]` is an item of a list, `{}` a value of a map."""
    for name, below in (schema.get("properties") or {}).items():
        here = f"{path}.{name}" if path else name
        yield here
        yield from members(below, here)
    for word, sign in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(schema.get(word), Mapping):
            yield from members(schema[word], f"{path}{sign}")
