"""Rules of a schema, applied to a spec without an API server: for commands that read manifests before anything does.

Rules about an edit (`oldSelf`) are left out: there is no former spec.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from hyperpod_operator.api.common.cel import CelError, rule_of
from hyperpod_operator.api.common.text_rules import RULES, Path

OLD = "oldSelf"


def rule_problems(schema: Mapping[str, Any], value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Path and message of each rule that a value which fits the schema breaks. A rule that has no value for it says
    nothing."""
    for one in schema.get(RULES) or ():
        if OLD not in one["rule"] and _broken(one["rule"], value):
            yield (*path, *(name for name in one.get("fieldPath", "").split(".") if name)), one["message"]
    if isinstance(value, Mapping):
        for name, below in (schema.get("properties") or {}).items():
            if name in value:
                yield from rule_problems(below, value[name], (*path, name))
    elif isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            yield from rule_problems(schema["items"], item, (*path, number))


def _broken(rule: str, value: Any) -> bool:
    try:
        return not rule_of(rule)(value)
    except CelError:
        return False
