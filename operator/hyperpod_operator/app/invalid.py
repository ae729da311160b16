"""What is wrong with the spec of a manifest, as far as that shows without an API server."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from hyperpod_operator.api.common.spec_rules import rule_problems
from hyperpod_operator.api.common.text_rules import Path, text_problems, text_rules
from hyperpod_operator.api.members import spec_schema
from hyperpod_operator.core.text import listed, plain

SHOWN = 5
UNIQUE = frozenset({"set", "map"})
"""x-kubernetes-list-type of lists whose entries differ, a map's by its keys."""
UNQUOTED = frozenset({"int_type", "bool_type"})
"""What pydantic calls a text in the place of a number or a truth value."""


def spec_problems(model: type[BaseModel], spec: Mapping[str, Any], *, rules: bool = True) -> str:
    """The first problems with their paths; empty if there is none. A rule that says what to write instead goes before
    the pattern or the length that the same value breaks, and before the rules that follow it. Without `rules` those
    in CEL are left out: for whom checks say more of the same."""
    found: dict[Path, str] = {}
    schema = spec_schema(model)
    either = dict(_either(schema, ()))
    for path, message in text_problems(text_rules(model), spec):
        found.setdefault(path, message)
    try:
        # As JSON: the API server, too, takes no text for a number, which the operator would read.
        model.model_validate_json(json.dumps(spec, default=str), strict=True)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            quoted = one["type"] in UNQUOTED and isinstance(one["input"], str)
            path, message = one["loc"], f"{one['msg']}, without quotes" if quoted else one["msg"]
            if path[:-1] in either:  # pydantic has an error for each of the two types
                path, message = path[:-1], either[path[:-1]]
            found.setdefault(path, message)
    for path, message in _twice(spec, schema, ()):
        found.setdefault(path, message)
    if rules and not found:  # like the API server: rules are about what fits the schema
        for path, message in rule_problems(schema, spec):
            found.setdefault(path, message)
    lines = [f"{'.'.join(('spec', *map(str, path)))}: {message}" for path, message in found.items()]
    return plain(listed(lines, most=SHOWN)) if lines else ""


def _either(schema: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, str]]:
    """Members that are a number or a text, and what their rule says. None is in a list."""
    for name, below in (schema.get("properties") or {}).items():
        if below.get("x-kubernetes-int-or-string"):
            yield (*path, name), below["x-kubernetes-validations"][0]["message"]
        yield from _either(below, (*path, name))


def _twice(value: Any, schema: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, str]]:
    """Entries of sets and maps that stand twice: the API server takes each once."""
    if isinstance(value, Mapping):
        for name, below in (schema.get("properties") or {}).items():
            yield from _twice(value.get(name), below, (*path, name))
    elif isinstance(value, list) and "items" in schema:
        keys, seen = schema.get("x-kubernetes-list-map-keys"), set[str]()
        for place, item in enumerate(value):
            entry = [item.get(key) for key in keys] if keys and isinstance(item, Mapping) else item
            named = json.dumps(entry, sort_keys=True, default=str)
            if schema.get("x-kubernetes-list-type") in UNIQUE and named in seen:
                yield (*path, place), "Stands twice; remove one of the two"
            seen.add(named)
            yield from _twice(item, schema["items"], (*path, place))
