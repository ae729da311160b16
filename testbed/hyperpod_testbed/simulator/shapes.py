"""Hold a JSON value to a shape of botocore's service model, with all its constraints.

botocore's client checks required members, names, types and minimums. The service checks enums, patterns and maximums
too, so both the requests that arrive and the responses that leave are checked here in full.
"""

import functools
import re
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
    return _problems(operation(name, model=model).input_shape, parameters, "", frozenset())


def response_problems(
    name: str, answer: Any, *, tolerated: frozenset[str] = frozenset(), model: ServiceModel | None = None
) -> list[str]:
    """Everything wrong with a response. `tolerated` names members that an option makes unlike the model."""
    shape = operation(name, model=model).output_shape
    if shape is None:
        return [] if answer == {} else [f"{name} has no output, got {answer!r}"]
    return _problems(shape, answer, "", tolerated)


def summary(problems: list[str]) -> str:
    """One message, as AWS words it."""
    count = len(problems)
    noun = "error" if count == 1 else "errors"
    return f"{count} validation {noun} detected: {'; '.join(problems[:MOST_REPORTED])}"


def _problems(shape: Shape | None, value: Any, path: str, tolerated: frozenset[str]) -> list[str]:
    if shape is None:
        return [] if value in ({}, None) else [f"Value '{value}' at '{path}' failed to satisfy constraint: no members"]
    kind = shape.type_name
    if kind == "structure":
        return _structure(shape, value, path, tolerated)
    if kind == "list":
        return _list(shape, value, path, tolerated)
    if kind == "map":
        return _map(shape, value, path, tolerated)
    return _scalar(shape, value, path)


def _structure(shape: Shape, value: Any, path: str, tolerated: frozenset[str]) -> list[str]:
    if not isinstance(value, dict):
        return [_broken(value, path, "Member must be a structure")]
    found = [
        _broken(None, _join(path, name), "Member must not be null")
        for name in shape.required_members
        if value.get(name) is None and name not in tolerated
    ]
    if shape.is_tagged_union and len([1 for item in value.values() if item is not None]) != 1:
        found.append(_broken(sorted(value), path, "Member must have exactly one member set"))
    for name, item in value.items():
        where = _join(path, name)
        if name not in shape.members:
            found.append(_broken(item, where, "Member is not known"))
        elif item is not None and name not in tolerated:
            found.extend(_problems(shape.members[name], item, where, tolerated))
    return found


def _list(shape: Shape, value: Any, path: str, tolerated: frozenset[str]) -> list[str]:
    if not isinstance(value, list):
        return [_broken(value, path, "Member must be a list")]
    found = _lengths(shape, value, path)
    for index, item in enumerate(value, 1):
        where = f"{path}.{index}.member"
        if item is None:
            found.append(_broken(None, where, "Member must not be null"))
        else:
            found.extend(_problems(shape.member, item, where, tolerated))
    return found


def _map(shape: Shape, value: Any, path: str, tolerated: frozenset[str]) -> list[str]:
    if not isinstance(value, dict):
        return [_broken(value, path, "Member must be a map")]
    found = _lengths(shape, value, path)
    for key, item in value.items():
        if problems := _problems(shape.key, key, "", tolerated):
            what = ", ".join(problem.partition("constraint: ")[2] for problem in problems)
            found.append(_broken(value, path, f"Map keys must satisfy constraint: [{what}]"))
        if problems := _problems(shape.value, item, "", tolerated):
            what = ", ".join(problem.partition("constraint: ")[2] for problem in problems)
            found.append(_broken(value, path, f"Map value must satisfy constraint: [{what}]"))
    return found


def _scalar(shape: Shape, value: Any, path: str) -> list[str]:
    kind = shape.type_name
    if kind == "string":
        text = isinstance(value, str)
        return _string(shape, value, path) if text else [_broken(value, path, "Member must be a string")]
    if kind == "blob":
        return [] if isinstance(value, bytes) else [_broken(value, path, "Member must be bytes")]
    if kind == "boolean":
        return [] if isinstance(value, bool) else [_broken(value, path, "Member must be a boolean")]
    if kind in {"integer", "long"}:
        number = isinstance(value, int) and not isinstance(value, bool)
        return _range(shape, value, path) if number else [_broken(value, path, "Member must be an integer")]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "timestamp":
        return [] if number else [_broken(value, path, "Member must be a timestamp in epoch seconds")]
    return _range(shape, value, path) if number else [_broken(value, path, "Member must be a number")]


def _string(shape: Shape, value: str, path: str) -> list[str]:
    found = _lengths(shape, value, path)
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        found.append(_broken(value, path, f"Member must satisfy enum value set: [{', '.join(allowed)}]"))
    pattern = shape.metadata.get("pattern")
    if pattern and not _compiled(pattern).fullmatch(value):
        found.append(_broken(value, path, f"Member must satisfy regular expression pattern: {pattern}"))
    return found


def _lengths(shape: Shape, value: Any, path: str) -> list[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and len(value) < int(low):
        return [_broken(value, path, f"Member must have length greater than or equal to {low}")]
    if high is not None and len(value) > int(high):
        return [_broken(value, path, f"Member must have length less than or equal to {high}")]
    return []


def _range(shape: Shape, value: float, path: str) -> list[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < float(low):
        return [_broken(value, path, f"Member must have value greater than or equal to {low}")]
    if high is not None and value > float(high):
        return [_broken(value, path, f"Member must have value less than or equal to {high}")]
    return []


SEPARATORS = " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""The characters of Unicode's categories Zs, Zl and Zp."""


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """The model's patterns are Java's; Python writes Unicode classes differently."""
    return re.compile(pattern.replace(r"\p{L}", r"\w").replace(r"\p{N}", "").replace(r"\p{Z}", SEPARATORS))


def _join(path: str, member: str) -> str:
    name = member[:1].lower() + member[1:]
    return f"{path}.{name}" if path else name


def _broken(value: Any, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{_text(value)}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(str(item) for item in value)}]"
    return str(value)
