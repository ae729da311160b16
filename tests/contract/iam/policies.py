"""What a set of policies allows: IAM's evaluation of Allow statements, as far as the documented policies use it.

Source: IAM user guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition operators". A key that the
request does not have fails a condition, unless its operator ends in IfExists or begins with ForAllValues; names of keys
are compared without case. An operator that is not known here is an error: it must not pass for true.
"""

import fnmatch
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCUMENTS = Path(__file__).parents[3] / "docs" / "iam"
Context = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to IAM: an action on one resource. Context keys are as documented, whatever their case."""

    action: str
    resource: str
    context: Context


@dataclass(frozen=True, slots=True)
class Policies:
    """Statements of the documents, with their placeholders filled in."""

    statements: tuple[Mapping[str, Any], ...]

    def allow(self, asked: Asked) -> bool:
        return any(True for _ in self.allowing(asked))

    def allowing(self, asked: Asked) -> Iterator[str]:
        """The Sids that allow it."""
        context = {key.lower(): value for key, value in asked.context.items()}
        for one in self.statements:
            named = _covers(one["Action"], asked.action, case=False) and _covers(
                one["Resource"], asked.resource, case=True
            )
            if named and all(_true(name, keys, context) for name, keys in one.get("Condition", {}).items()):
                yield str(one["Sid"])


def documented(*names: str, **placeholders: str) -> Policies:
    """The statements of docs/iam/NAME.json; each placeholder by its name."""
    found: list[Mapping[str, Any]] = []
    for name in names:
        text = (DOCUMENTS / f"{name}.json").read_text()
        for placeholder, value in placeholders.items():
            text = text.replace(placeholder, value)
        found += json.loads(text)["Statement"]
    if any(one["Effect"] != "Allow" or {"NotAction", "NotResource"} & one.keys() for one in found):
        raise NotImplementedError("only Allow, Action and Resource are evaluated here")
    return Policies(tuple(found))


def listed(value: str | Sequence[str]) -> Sequence[str]:
    """IAM writes one value without its list."""
    return [value] if isinstance(value, str) else value


def _covers(patterns: str | Sequence[str], value: str, *, case: bool) -> bool:
    return any(like(value, one) if case else like(value.lower(), one.lower()) for one in listed(patterns))


def like(value: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))


def _true(operator: str, keys: Mapping[str, Any], context: Mapping[str, str | Sequence[str]]) -> bool:
    return all(_holds(operator, context.get(key.lower()), listed(wanted)) for key, wanted in keys.items())


def _holds(operator: str, found: str | Sequence[str] | None, wanted: Sequence[str]) -> bool:
    match operator:
        case "Null":
            return (found is None) == (wanted == ["true"])
        case "StringEquals":
            return found is not None and any(value in wanted for value in listed(found))
        case "StringEqualsIfExists":
            return found is None or any(value in wanted for value in listed(found))
        case "ForAllValues:StringNotLike":
            return not any(like(value, pattern) for value in listed(found or ()) for pattern in wanted)
    raise NotImplementedError(operator)
