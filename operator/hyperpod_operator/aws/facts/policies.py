"""IAM's and KMS's policy documents as statements."""

import json
from collections.abc import Mapping
from typing import Any

from hyperpod_operator.core.preflight.facts import Statement


def statements(document: Any) -> tuple[Statement, ...]:
    """The statements of a policy, as text or decoded. Raises ValueError for one that cannot be read."""
    if isinstance(document, str):
        document = json.loads(document)
    if not isinstance(document, Mapping):
        raise ValueError("the policy is no JSON object")
    found = document.get("Statement")
    listed = found if isinstance(found, list) else [found]
    return tuple(_statement(one) for one in listed if isinstance(one, Mapping))


def _statement(one: Mapping[str, Any]) -> Statement:
    return Statement(
        allow=one.get("Effect") == "Allow",
        actions=_texts(one.get("Action")),
        but=_texts(one.get("NotAction")),
        resources=_texts(one.get("Resource")) or ("*",),
        principals=_principals(one.get("Principal")),
        conditional=bool(one.get("Condition")) or "NotAction" in one or "NotResource" in one,
    )


def _texts(value: Any) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    return tuple(one for one in listed if isinstance(one, str))


def _principals(value: Any) -> tuple[str, ...]:
    if isinstance(value, Mapping):
        return tuple(text for below in value.values() for text in _texts(below))
    return _texts(value)
