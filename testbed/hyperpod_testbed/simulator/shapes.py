"""Hold a JSON value to a shape of botocore's service model, with all its constraints.

botocore's client checks required members, names, types and minimums. The service checks enums, patterns and maximums
too, so both the requests that arrive and the responses that leave are checked here in full.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import botocore.loaders
from botocore.model import OperationModel, ServiceModel, Shape

MOST_REPORTED = 10
"""AWS cuts a long list of errors short; so does this."""


_VERSIONS = {"sagemaker": "2017-07-24", "ec2": "2016-11-15"}
"""API versions that are named; of the other services botocore has one."""


@functools.cache
def service(name: str) -> ServiceModel:
    """A service's model in the botocore that is installed, by botocore's name of the service.

    With a loader of its own: a client of S3 takes the bucket out of the paths of the model that its session has.
    """
    loader = botocore.loaders.Loader()
    return ServiceModel(loader.load_service_model(name, "service-2", _VERSIONS.get(name)), service_name=name)


def sagemaker() -> ServiceModel:
    """The service model `sagemaker/2017-07-24`."""
    return service("sagemaker")


def operation(name: str, *, model: ServiceModel | None = None) -> OperationModel:
    """One operation's model; of SageMaker unless another service is meant."""
    return (model or sagemaker()).operation_model(name)


def request_problems(name: str, parameters: Any, *, model: ServiceModel | None = None) -> list[str]:
    """Everything wrong with a request, in AWS's words."""
    return _problems(operation(name, model=model).input_shape, parameters, None, frozenset())


def response_problems(
    name: str, answer: Any, *, tolerated: frozenset[str] = frozenset(), model: ServiceModel | None = None
) -> list[str]:
    """Everything wrong with a response. `tolerated` names members that an option makes unlike the model."""
    shape = operation(name, model=model).output_shape
    if shape is None:
        return [] if answer == {} else [f"{name} has no output, got {answer!r}"]
    return _problems(shape, answer, None, tolerated)


def summary(problems: list[str]) -> str:
    """One message, as AWS words it."""
    count = len(problems)
    noun = "error" if count == 1 else "errors"
    return f"{count} validation {noun} detected: {'; '.join(problems[:MOST_REPORTED])}"


Path = tuple[Any, str] | None
"""The way to a value: the way to what it is in, and its name there. It is written out where something is wrong."""


@dataclass(frozen=True, slots=True, eq=False)
class _Rule:
    """What a shape asks for, read out of the model once."""

    kind: str
    members: Mapping[str, Shape] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    one_of: bool = False
    low: float | None = None
    high: float | None = None
    allowed: frozenset[str] = frozenset()
    pattern: re.Pattern[str] | None = None


@functools.cache
def _rule(shape: Shape) -> _Rule:
    kind, known = shape.type_name, shape.metadata
    if kind == "structure":
        required = tuple(shape.required_members)
        return _Rule(kind, members=shape.members, required=required, one_of=shape.is_tagged_union)
    low, high, pattern = (known.get(name) for name in ("min", "max", "pattern"))
    return _Rule(
        kind,
        low=low,
        high=high,
        allowed=frozenset(known.get("enum") or ()),
        pattern=_compiled(pattern) if pattern else None,
    )


def _problems(shape: Shape | None, value: Any, path: Path, tolerated: frozenset[str]) -> list[str]:
    if shape is None:
        return [] if value in ({}, None) else [f"Value '{value}' at '' failed to satisfy constraint: no members"]
    rule = _rule(shape)
    match rule.kind:
        case "structure":
            return _structure(rule, value, path, tolerated)
        case "list":
            return _list(rule, shape, value, path, tolerated)
        case "map":
            return _map(rule, shape, value, path, tolerated)
        case "string":
            text = isinstance(value, str)
            return _string(rule, shape, value, path) if text else [_broken(value, path, "Member must be a string")]
    return _scalar(rule, value, path)


def _structure(rule: _Rule, value: Any, path: Path, tolerated: frozenset[str]) -> list[str]:
    if not isinstance(value, dict):
        return [_broken(value, path, "Member must be a structure")]
    found = [
        _broken(None, (path, name), "Member must not be null")
        for name in rule.required
        if value.get(name) is None and name not in tolerated
    ]
    if rule.one_of and len([1 for item in value.values() if item is not None]) != 1:
        found.append(_broken(sorted(value), path, "Member must have exactly one member set"))
    members = rule.members
    for name, item in value.items():
        if name not in members:
            found.append(_broken(item, (path, name), "Member is not known"))
        elif item is not None and name not in tolerated:
            found.extend(_problems(members[name], item, (path, name), tolerated))
    return found


def _list(rule: _Rule, shape: Shape, value: Any, path: Path, tolerated: frozenset[str]) -> list[str]:
    if not isinstance(value, list):
        return [_broken(value, path, "Member must be a list")]
    found = _lengths(rule, value, path)
    member = shape.member
    for index, item in enumerate(value, 1):
        where = (path, f"{index}.member")
        if item is None:
            found.append(_broken(None, where, "Member must not be null"))
        else:
            found.extend(_problems(member, item, where, tolerated))
    return found


def _map(rule: _Rule, shape: Shape, value: Any, path: Path, tolerated: frozenset[str]) -> list[str]:
    if not isinstance(value, dict):
        return [_broken(value, path, "Member must be a map")]
    found = _lengths(rule, value, path)
    for key, item in value.items():
        if problems := _problems(shape.key, key, None, tolerated):
            what = ", ".join(problem.partition("constraint: ")[2] for problem in problems)
            found.append(_broken(value, path, f"Map keys must satisfy constraint: [{what}]"))
        if problems := _problems(shape.value, item, None, tolerated):
            what = ", ".join(problem.partition("constraint: ")[2] for problem in problems)
            found.append(_broken(value, path, f"Map value must satisfy constraint: [{what}]"))
    return found


def _scalar(rule: _Rule, value: Any, path: Path) -> list[str]:
    kind = rule.kind
    if kind == "blob":
        return [] if isinstance(value, bytes) else [_broken(value, path, "Member must be bytes")]
    if kind == "boolean":
        return [] if isinstance(value, bool) else [_broken(value, path, "Member must be a boolean")]
    if kind in {"integer", "long"}:
        number = isinstance(value, int) and not isinstance(value, bool)
        return _range(rule, value, path) if number else [_broken(value, path, "Member must be an integer")]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "timestamp":
        return [] if number else [_broken(value, path, "Member must be a timestamp in epoch seconds")]
    return _range(rule, value, path) if number else [_broken(value, path, "Member must be a number")]


def _string(rule: _Rule, shape: Shape, value: str, path: Path) -> list[str]:
    found = _lengths(rule, value, path)
    if rule.allowed and value not in rule.allowed:
        listed = ", ".join(shape.metadata["enum"])
        found.append(_broken(value, path, f"Member must satisfy enum value set: [{listed}]"))
    if rule.pattern is not None and not rule.pattern.fullmatch(value):
        pattern = shape.metadata["pattern"]
        found.append(_broken(value, path, f"Member must satisfy regular expression pattern: {pattern}"))
    return found


def _lengths(rule: _Rule, value: Any, path: Path) -> list[str]:
    if rule.low is not None and len(value) < rule.low:
        return [_broken(value, path, f"Member must have length greater than or equal to {rule.low}")]
    if rule.high is not None and len(value) > rule.high:
        return [_broken(value, path, f"Member must have length less than or equal to {rule.high}")]
    return []


def _range(rule: _Rule, value: float, path: Path) -> list[str]:
    if rule.low is not None and value < rule.low:
        return [_broken(value, path, f"Member must have value greater than or equal to {rule.low}")]
    if rule.high is not None and value > rule.high:
        return [_broken(value, path, f"Member must have value less than or equal to {rule.high}")]
    return []


SEPARATORS = " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""The characters of Unicode's categories Zs, Zl and Zp."""


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """The model's patterns are Java's; Python writes Unicode classes differently."""
    return re.compile(pattern.replace(r"\p{L}", r"\w").replace(r"\p{N}", "").replace(r"\p{Z}", SEPARATORS))


def _where(path: Path) -> str:
    """As AWS writes it: `instanceGroups.1.member.instanceCount`."""
    parts: list[str] = []
    while path is not None:
        path, part = path
        parts.append(part[:1].lower() + part[1:])
    return ".".join(reversed(parts))


def _broken(value: Any, path: Path, constraint: str) -> str:
    shown = "null" if value is None else f"'{_text(value)}'"
    return f"Value {shown} at '{_where(path)}' failed to satisfy constraint: {constraint}"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(str(item) for item in value)}]"
    return str(value)
