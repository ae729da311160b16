"""Answers of AWS, checked for the members that decisions rest on before anything is read from them.

A member that is missing, null, empty or of another type is *unknown*: it never becomes a zero, an empty list or a
`KeyError` in a decision. The whole answer is then refused with an error that names the member and the call, and the
next look asks again. botocore checks requests against its model and never answers.

`check` holds an answer to a table of members, `check_model` to the types and required members of the API model.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from botocore.model import Shape

from hyperpod_operator.core.errors import CloudError, ErrorKind

CODE = "IncompleteAnswer"
"""`CloudError.code` of an answer that was refused here."""

SPELT = 4
"""Items of one character that a list has at least when it is a text that was taken apart."""

_NAMES: Mapping[type, str] = {str: "text", int: "a number", bool: "true or false", list: "a list", dict: "a structure"}

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "character": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (float, int),
    "double": (float, int),
    "boolean": (bool,),
    "timestamp": (datetime,),
    "list": (list,),
    "map": (dict,),
    "structure": (dict,),
}
"""botocore's types (Shape.type_name) as botocore's parsers answer them; others pass."""

# [assumption: pending-node-has-no-instance]
_BEFORE_LAUNCH: Mapping[str, frozenset[str]] = {
    "ClusterNodeSummary": frozenset({"InstanceId", "InstanceType", "LaunchTime"}),
}
"""Members that the model requires and that a node without an instance does not have (IncludeNodeLogicalIds)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of an answer: `path` as in `Volumes[].State`, `kind` its type in botocore's answers.

    `optional`: it may be left out, but what is there has to be of this type. `empty`: an empty text or list is a
    value, too.
    """

    path: str
    kind: type
    optional: bool = False
    empty: bool = False


def text(path: str, *, optional: bool = False, empty: bool = False) -> Member:
    return Member(path=path, kind=str, optional=optional, empty=empty)


def number(path: str, *, optional: bool = False) -> Member:
    return Member(path=path, kind=int, optional=optional)


def flag(path: str, *, optional: bool = False) -> Member:
    return Member(path=path, kind=bool, optional=optional)


def moment(path: str, *, optional: bool = False) -> Member:
    return Member(path=path, kind=datetime, optional=optional)


def listed(path: str, *, optional: bool = False) -> Member:
    """A list; an empty one is a value."""
    return Member(path=path, kind=list, optional=optional, empty=True)


def structure(path: str, *, optional: bool = False) -> Member:
    """A structure; an empty one is a value."""
    return Member(path=path, kind=dict, optional=optional, empty=True)


def check(answer: Any, *, operation: str, members: Iterable[Member], mutating: bool = False) -> None:
    """Raise CloudError where one of these members is unknown.

    The kind is MALFORMED for a read. An answer to a changing call that cannot be understood leaves open whether the
    call was carried out: UNKNOWN_OUTCOME.
    """
    for member in members:
        for value in _values(answer, member.path):
            if (wrong := _wrong(value, member)) is not None:
                raise unknown(operation=operation, what=f"{member.path} {wrong}", mutating=mutating)


# [assumption: enums-grow, required-members-present]
def check_model(answer: Any, *, shape: Shape, operation: str, mutating: bool = False) -> None:
    """Raise CloudError, as `check` does, where an answer is not what the API model says of it.

    `shape` is the operation's output. Members that the model does not know, and words of an enumeration that it does
    not know, pass: AWS adds to both.
    """
    if (wrong := _unlike(answer, shape)) is not None:
        path, what = wrong
        raise unknown(operation=operation, what=f"{path.lstrip('.') or 'everything'} {what}", mutating=mutating)


def unknown(*, operation: str, what: str, mutating: bool = False) -> CloudError:
    """The error about an answer that cannot be true or is not whole; `what` names the member and what is wrong."""
    return CloudError(
        kind=ErrorKind.UNKNOWN_OUTCOME if mutating else ErrorKind.MALFORMED,
        operation=operation,
        code=CODE,
        message=f"in the answer {what}",
    )


def utc(value: Any) -> datetime | None:
    """A time of an answer; None for anything else, and as it is where the calendar cannot move it to UTC.

    botocore answers in the local zone of `dateutil`, which is asked for the offset whenever two times are compared.
    """
    if not isinstance(value, datetime):
        return None
    try:
        return value.astimezone(UTC)
    except OverflowError:
        return value


class _Missing:
    """No such member."""


_MISSING = _Missing()


def _values(answer: Any, path: str) -> list[Any]:
    """What is found along a path: the member of each item of each list on the way.

    A list or structure on the way that is missing is a matter of its own entry in the table.
    """
    (*way, last), here, odd = _steps(path), [answer], list[Any]()
    for step in way if not last.through else [*way, last]:
        there: list[Any] = []
        for value in here:
            found = value.get(step.name) if isinstance(value, dict) else None
            if not isinstance(value, dict):
                odd.append(_MISSING)
            elif step.through:
                there += found if isinstance(found, list) else ()
            elif found is not None:
                there.append(found)
        here = there
    if not last.through:
        here = [value.get(last.name, _MISSING) if isinstance(value, dict) else _MISSING for value in here]
    return odd + here


@dataclass(frozen=True, slots=True)
class _Step:
    """One member on a path; `through` the items of the list that it is."""

    name: str
    through: bool


@lru_cache(maxsize=1000)
def _steps(path: str) -> tuple[_Step, ...]:
    return tuple(_Step(head.removesuffix("[]"), head.endswith("[]")) for head in path.split("."))


def _wrong(value: Any, member: Member) -> str | None:
    if isinstance(value, _Missing):
        return None if member.optional else "is missing"
    if value is None:
        return None if member.optional else "is null"
    if not isinstance(value, member.kind) or (member.kind is int and isinstance(value, bool)):
        return f"is not {_NAMES.get(member.kind, 'a time')}"
    if isinstance(value, str | list) and not value and not member.empty:
        return None if member.optional else "is empty"
    return None


def _spelt(value: list[Any], shape: Shape) -> bool:
    """Whether a text stood where a list of texts belongs: botocore's JSON parser then answers its characters.

    A list may have an item of one character, but the names, ids and types that AWS lists are longer than SPELT.
    """
    texts = shape.member.type_name == "string" and len(value) >= SPELT
    return texts and all(isinstance(one, str) and len(one) == 1 for one in value)


def _unlike(value: Any, shape: Shape) -> tuple[str, str] | None:
    """The first difference from the model: the path to it, and what is wrong.

    Paths have no indices, as in `.Volumes[].State`. They are put together on the way back: most answers have thousands
    of members and no difference.
    """
    types, wrong = _TYPES.get(shape.type_name), None
    if types is not None and (not isinstance(value, types) or (isinstance(value, bool) and bool not in types)):
        return "", f"is not a {shape.type_name}"
    if shape.type_name == "structure":
        required = shape.required_members
        for name, member in shape.members.items():
            if (has := value.get(name)) is not None:
                if (wrong := _unlike(has, member)) is not None:
                    return f".{name}{wrong[0]}", wrong[1]
            elif name in required and name not in _BEFORE_LAUNCH.get(shape.name, frozenset()):
                return f".{name}", "is missing"
    elif shape.type_name == "list" and _spelt(value, shape):
        return "", "is a text and not a list"
    elif shape.type_name == "list":
        wrong, below = _first(value, shape.member), "[]"
    elif shape.type_name == "map":
        wrong, below = _first(value.values(), shape.value), "{}"
    return (f"{below}{wrong[0]}", wrong[1]) if wrong is not None else None


def _first(values: Iterable[Any], shape: Shape) -> tuple[str, str] | None:
    return next((wrong for one in values if (wrong := _unlike(one, shape)) is not None), None)
