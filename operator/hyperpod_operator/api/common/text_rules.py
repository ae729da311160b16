"""Rules about single texts, applied without an API server: for commands that read manifests before anything else does.

The rest of the CEL rules need the API server. Their messages say what to write instead, where a pattern or a length
says only that a value does not fit.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

Path = tuple[str | int, ...]
"""Where a value is in a spec, as pydantic says it."""

FORM = re.compile(r"(!?)self\.(contains|startsWith|matches)\(r?'([^']*)'\)")
"""The forms of a CEL rule about a text that need no CEL."""


RULES = "x-kubernetes-validations"


@cache
def text_rules(model: type[BaseModel]) -> Mapping[str, Any]:
    """The part of a model's schema that `text_problems` looks at: texts with rules, and what they stand in.

    The schema itself takes a third of a second to generate, and a command would wait for it; this takes milliseconds.
    """
    return _rules_of(model, extra=None)


def _rules_of(annotation: Any, *, extra: Any) -> Mapping[str, Any]:
    """`extra` is what stands around the annotation: that of the field, or of the next annotation outside."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        parts = {
            name: _rules_of(field.annotation, extra=field.json_schema_extra)
            for name, field in annotation.model_fields.items()
        }
        found = {name: part for name, part in parts.items() if part}
        return {"properties": found} if found else {}
    if origin in (Union, UnionType):
        choices = [choice for choice in inner if choice is not type(None)]
        return _rules_of(choices[0], extra=extra) if len(choices) == 1 else {}
    if origin is Annotated:
        extras = [getattr(one, "json_schema_extra", None) for one in annotation.__metadata__]
        own = next((one for one in reversed(extras) if isinstance(one, Mapping) and RULES in one), None)
        return _rules_of(inner[0], extra=extra if isinstance(extra, Mapping) and RULES in extra else own)
    if origin in (list, tuple):
        items = _rules_of(inner[0], extra=None)
        return {"items": items} if items else {}
    return {RULES: extra[RULES]} if annotation is str and isinstance(extra, Mapping) and RULES in extra else {}


def text_problems(schema: Mapping[str, Any], value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Path and message of each rule that a text of the value breaks. What the schema does not expect is passed over."""
    if isinstance(value, str):
        for one in schema.get(RULES) or ():
            if _broken(one["rule"], value):
                yield path, one["message"]
    elif isinstance(value, Mapping):
        known = schema.get("properties") or {}
        for name, below in value.items():
            if name in known:
                yield from text_problems(known[name], below, (*path, str(name)))
    elif isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            yield from text_problems(schema["items"], item, (*path, number))


def _broken(rule: str, text: str) -> bool:
    found = FORM.fullmatch(rule)
    if found is None:
        return False
    negated, function, argument = found.groups()
    return HOLDS[function](argument, text) is bool(negated)


def _matches(pattern: str, text: str) -> bool:
    """By pydantic's regular expressions, which take linear time like those of the API server."""
    try:
        _pattern(pattern).validate_python(text)
    except ValidationError:
        return False
    return True


@cache
def _pattern(pattern: str) -> TypeAdapter[str]:
    return TypeAdapter(Annotated[str, Field(pattern=pattern)])


HOLDS: Mapping[str, Callable[[str, str], bool]] = {
    "contains": lambda part, text: part in text,
    "startsWith": lambda start, text: text.startswith(start),
    "matches": _matches,
}
"""Each function of FORM, of its argument and the text."""
