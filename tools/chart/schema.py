"""values.schema.json: the shape of the defaults, closed at every level that is ours, so a typing error is refused."""

import json
import re
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
            if key not in level["properties"]:
                level["properties"][key] = _closed()
                level["required"].append(key)
            level = level["properties"][key]
        level["properties"][value.path[-1]] = _property(value)
        if not _may_be_left_out(value):
            level["required"].append(value.path[-1])
    return json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", **root}, indent=2) + "\n"


def _closed() -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": {}, "required": []}


def _may_be_left_out(value: Value) -> bool:
    """Whether it may be set to null, by which Helm removes a default. The defaults of a newer chart are absent,
    too, from an upgrade with --reuse-values. What the templates cannot do without is then named, and not rendered as
    nothing."""
    if isinstance(value.default, str):
        return "enum" not in value.schema and re.search(value.schema.get("pattern", ""), "") is not None
    return value.whole or not value.default


def _property(value: Value) -> dict[str, Any]:
    implied = next(name for python, name in _TYPES if isinstance(value.default, python))
    items = {"items": {"type": ["object", "string"]}} if value.whole and implied == "array" else {}
    return {"type": implied, **items, **value.schema, "description": value.description}
