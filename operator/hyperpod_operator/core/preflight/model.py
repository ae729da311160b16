"""The vocabulary of preflight: what a fact is, what a check says of it, and what all checks together say."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias, TypeVar, assert_never

NOTHING: Mapping[str, str] = MappingProxyType({})


class Result(StrEnum):
    """What a check says. Only FAIL can hold a call back."""

    PASS = "Pass"  # noqa: S105 - a word of results, no password
    WARN = "Warn"
    FAIL = "Fail"
    UNKNOWN = "Unknown"


class Area(StrEnum):
    """What a check is about; also the heading of its section in docs/preflight.md."""

    SPEC = "Spec"
    EKS = "EKS"
    NETWORK = "Network"
    ROLES = "Roles"
    SCRIPTS = "Scripts"
    STORAGE = "Storage"
    CAPACITY = "Capacity"
    KUBERNETES = "Kubernetes"
    VOLUME = "Volume"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A fact that could not be read. `action` is the right that is missing, empty when the cause is another one."""

    why: str
    action: str = ""

    def __str__(self) -> str:
        return f"the caller may not call {self.action}; grant it to have this checked" if self.action else self.why


# [assumption: enums-grow]
def unheard(what: str, value: str) -> Unread:
    """A word of AWS that this version does not know: neither good nor bad follows from it."""
    return Unread(why=f"this version of the operator does not know {what} {value or 'without a name'}")


T = TypeVar("T")
Fact: TypeAlias = T | Unread
"""A value that was read, or why it was not. None as a value means that AWS says that there is no such thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found in one place. `group` is an instance group, empty for the whole cluster."""

    result: Result
    group: str = ""
    values: Mapping[str, str] = field(default_factory=lambda: NOTHING)


def passes(*, group: str = "") -> Finding:
    return Finding(result=Result.PASS, group=group) if group else _PASSES


_PASSES = Finding(result=Result.PASS)
"""What most checks find: it has no values, so it is the same for all of them."""


def warns(*, group: str = "", **values: object) -> Finding:
    return _finding(Result.WARN, group, values)


def fails(*, group: str = "", **values: object) -> Finding:
    return _finding(Result.FAIL, group, values)


def unknown(unread: Unread, *, group: str = "") -> Finding:
    return _finding(Result.UNKNOWN, group, {"why": unread})


def _finding(result: Result, group: str, values: Mapping[str, object]) -> Finding:
    return Finding(result=result, group=group, values={name: str(value) for name, value in values.items()})


Subject = TypeVar("Subject")
Judge = Callable[[Subject], Iterable[Finding]]
"""What a check asks of a subject and its facts. No finding: the check does not apply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A row of the table. Templates name the values of their findings, as `{subnet}`."""

    name: str
    area: Area
    what: str
    """What is checked, as a statement that is true when it passes."""
    why: str
    """What happens otherwise."""
    source: str
    remedy: str
    judge: Callable[..., Iterable[Finding]]
    reads: tuple[str, ...] = ()
    """IAM actions without which it is Unknown; none for a check of the spec alone."""
    fail: str = ""
    warn: str = ""

    def template(self, result: Result) -> str:
        """The message of a result, before its values."""
        match result:
            case Result.PASS:
                return f"{self.what}."
            case Result.UNKNOWN:
                return "Not checked: {why}."
            case Result.WARN:
                return self.warn
            case Result.FAIL:
                return self.fail
            case _:
                assert_never(result)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What one check says in the end. `groups` are the instance groups that fail; empty for the whole cluster."""

    name: str
    area: Area
    result: Result
    message: str
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """All checks that apply, in the order of the table."""

    checks: tuple[Checked, ...]

    def of(self, result: Result) -> tuple[Checked, ...]:
        return tuple(check for check in self.checks if check.result is result)

    @property
    def failed(self) -> tuple[Checked, ...]:
        return self.of(Result.FAIL)

    @property
    def summary(self) -> str:
        """The failures in words, or the counts."""
        if self.failed:
            return " ".join(check.message for check in self.failed)
        counts = ", ".join(f"{len(self.of(result))} {word}" for result, word in _WORDS if self.of(result))
        return f"Preflight: {counts or 'nothing to check'}."


_WORDS = (
    (Result.PASS, "passed"),
    (Result.WARN, "with warnings"),
    (Result.UNKNOWN, "could not be checked"),
)
