"""values.schema.json: the shape of the defaults, closed at every level that is ours, so a typing error is refused."""

import json
from collections.abc import Sequence
from typing import Any

from tools.chart.values import Value

_TYPES = ((bool, "boolean"), (int, "number"), (float, "number"), (str, "string"), (list, "array"), (dict, "object"))


def schema(values: Sequence[Value]) -> str:
    """The text of values.schema.json."""
    root = _closed()
    for value in values:
        level = root
        for key in value.path[:-1]:
            level = level["properties"].setdefault(key, _closed())
        level["properties"][value.path[-1]] = _property(value)
    return json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", **root}, indent=2) + "\n"


def _closed() -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": {}}


def _property(value: Value) -> dict[str, Any]:
    implied = next(name for python, name in _TYPES if isinstance(value.default, python))
    items = {"items": {"type": ["object", "string"]}} if value.whole and implied == "array" else {}
    return {"type": implied, **items, **value.schema, "description": value.description}
