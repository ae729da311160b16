"""Rules about single texts, applied without an API server: for commands that read manifests before anything else does.

The rest of the CEL rules need the API server. Their messages say what to write instead, where a pattern or a length
says only that a value does not fit.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

Path = tuple[str | int, ...]
"""Where a value is in a spec, as pydantic says it."""

FORM = re.compile(r"(!?)self\.(contains|startsWith|matches)\('([^']*)'\)")
"""The forms of a CEL rule about a text that need no CEL."""


def text_problems(schema: Mapping[str, Any], value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Path and message of each rule that a text of the value breaks. What the schema does not expect is passed over."""
    if isinstance(value, str):
        for one in schema.get("x-kubernetes-validations") or ():
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
