"""What was gathered about an object before it is explained, and what could not be read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from hyperpod_operator.core.moments import parse_time

Json = Mapping[str, Any]


class Found(StrEnum):
    """How the read of the object ended."""

    FOUND = "Found"
    MISSING = "Missing"
    """The API server has no such object."""
    FORBIDDEN = "Forbidden"
    """The user may not read it."""
    NOT_SERVED = "NotServed"
    """The API server does not know the kind: its CustomResourceDefinition is not installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The object that is asked about. `plural` is the resource's name in RBAC."""

    kind: str
    plural: str
    short: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.path}"

    @property
    def path(self) -> str:
        """namespace/name, or the name of what is in no namespace."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """The Lease of the operator's leader; None where none was found. `unknown` says why none could be read."""

    namespace: str = ""
    lease: Json | None = None
    unknown: str = ""

    @property
    def holder(self) -> str:
        return text(inside(self.lease, "spec", "holderIdentity"))

    @property
    def lease_name(self) -> str:
        return text(inside(self.lease, "metadata", "name"))

    def seconds_since_renewal(self, now: datetime) -> float | None:
        """None where the Lease does not say."""
        renewed = parse_time(text(inside(self.lease, "spec", "renewTime")))
        return (now - renewed).total_seconds() if renewed else None

    def stale(self, now: datetime) -> bool:
        """Whether no replica has renewed the Lease for as long as it counts."""
        since = self.seconds_since_renewal(now)
        lasts = inside(self.lease, "spec", "leaseDurationSeconds")
        return since is not None and since > (lasts if isinstance(lasts, int) else 15)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that the explanation may use. `unknown` has one line for each read that failed, with its reason."""

    now: datetime
    subject: Subject
    found: Found = Found.FOUND
    resource: Json | None = None
    operator: Operator = Operator()
    events: Sequence[Json] = ()
    claims: Sequence[Json] = ()
    """EBSVolumeClaims in the namespace, for a cluster that is being deleted and for a node operation."""
    no_namespace: bool = False
    """Whether the API server says that there is no such namespace; False where the user may not ask."""
    elsewhere: Sequence[str] = ()
    """Objects of the kind with a like name, as namespace/name, where this one is missing."""
    unknown: Sequence[str] = ()


def inside(value: Any, *path: str) -> Any:
    """The member at `path`; None where a part of it is absent or is no object."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def items(value: Any, *path: str) -> list[Json]:
    """The objects of the list at `path`; empty where there is none."""
    found = inside(value, *path) if path else value
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list | tuple) else []


def text(value: Any) -> str:
    """A string member; anything else is empty, except that numbers are written out."""
    if isinstance(value, bool) or value is None:
        return ""
    return str(value) if isinstance(value, str | int | float) else ""
