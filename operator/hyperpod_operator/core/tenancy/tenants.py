"""Whether a namespace may have what is named.

Without a list everything is allowed that IAM allows; storage classes, of which IAM knows nothing, are forbidden. With
one, a single entry whose namespaces match has to admit all that a resource names; what an entry leaves out it forbids.
Two entries never add up: a role of one and a script of another are a combination that nobody allowed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hyperpod_operator.core.tenancy.matters import Matter
from hyperpod_operator.core.tenancy.names import Named
from hyperpod_operator.core.tenancy.patterns import Patterns
from hyperpod_operator.core.text import listed

SHOWN = 3
"""Values that a message names."""
MOST_CHARACTERS = 96 * 1024
"""Characters of all different values that one resource may name: twice what a hundred groups need in which nothing
repeats. With it the check is linear in the object and in the list, and their product is bounded, too."""
LONGEST_VALUE = 200
"""Characters of a value in a message."""
S3 = "s3://"
CLOSED = frozenset({Matter.STORAGE_CLASSES})
"""Matters of Kubernetes alone: IAM bounds none of their values, so without a list they are forbidden."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One entry of the list. A matter that `lists` leaves out admits nothing, `*` admits everything."""

    namespaces: Patterns
    lists: Mapping[Matter, Patterns] = field(default_factory=dict)

    @classmethod
    def of(cls, namespaces: Iterable[str], lists: Mapping[Matter, Iterable[str]] | None = None) -> "Tenant":
        """Raises ValueError for a pattern that admits more than it seems to (see `pattern_fault`)."""
        found = {matter: tuple(texts) for matter, texts in (lists or {}).items()}
        for matter, texts in found.items():
            for text in texts:
                if fault := pattern_fault(matter, text):
                    raise ValueError(f"{matter}: {fault}")
        return cls(
            namespaces=Patterns(namespaces),
            lists={matter: Patterns(texts) for matter, texts in found.items()},
        )

    def admits(self, matter: Matter, value: str) -> bool:
        patterns = self.lists.get(matter)
        return patterns is not None and patterns.match(_comparable(matter, value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenancy:
    """The whole list; None is no list."""

    tenants: tuple[Tenant, ...] | None = None

    def refusal(self, *, namespace: str, named: Sequence[Named]) -> str | None:
        """Why a namespace may not have what is named, in words; None when it may."""
        if faulty := [one for one in named if one.fault and (one.matter is None or self.tenants is not None)]:
            return _faulty(faulty)
        if self.tenants is None:
            return _unlisted([one for one in named if one.matter in CLOSED])
        mine = [tenant for tenant in self.tenants if tenant.namespaces.match(namespace)]
        if not mine:
            return f"Namespace {namespace} is not in the operator's tenants list. Ask an administrator to add it."
        asked = [one for one in named if one.matter is not None]
        length = sum(map(len, {one.value for one in asked}))
        if length > MOST_CHARACTERS:
            return (
                f"The roles, keys, scripts and other names in this resource have {length} characters together, and at "
                f"most {MOST_CHARACTERS} are compared with the operator's tenants list. Name fewer or shorter ones. "
                "Until then nothing is changed in AWS."
            )
        refused = [_refused(tenant, asked) for tenant in mine]
        if not all(refused):
            return None
        fewest = min(refused, key=len)
        several = f" (none of its {len(mine)} entries admits all that is named)" if len(mine) > 1 else ""
        return (
            f"Namespace {namespace} may not use {_listed(fewest)}{several}. Name what an entry of the operator's "
            "tenants list allows, or ask an administrator to extend it. Until then the operator changes nothing in AWS."
        )


def pattern_fault(matter: Matter, text: str) -> str:
    """Why a pattern is refused at start; empty when it is good.

    `s3://team-a*` reads as one team's bucket and admits every bucket whose name begins so, and anybody can make one.
    """
    if matter is not Matter.SOURCE_S3_URIS or text == "*":
        return ""
    bucket, slash, _ = text.removeprefix(S3).partition("/")
    if not text.startswith(S3) or not bucket or not slash:
        return (
            f"the pattern {text} does not end the bucket's name: write s3://BUCKET/ and what follows, for example "
            "s3://BUCKET/*; a single * admits every bucket"
        )
    return ""


def _comparable(matter: Matter, value: str) -> str:
    """A bucket by itself is its root: `s3://bucket` is what `s3://bucket/*` admits."""
    whole_bucket = matter is Matter.SOURCE_S3_URIS and value.startswith(S3) and "/" not in value[len(S3) :]
    return f"{value}/" if whole_bucket else value


def _refused(tenant: Tenant, asked: Iterable[Named]) -> list[Named]:
    """Each distinct value is compared once: a large object repeats its values."""
    known: dict[tuple[Matter, str], bool] = {}
    refused = []
    for one in asked:
        if one.matter is None:
            continue
        about = (one.matter, one.value)
        if about not in known:
            known[about] = tenant.admits(*about)
        if not known[about]:
            refused.append(one)
    return refused


def _unlisted(refused: Sequence[Named]) -> str | None:
    if not refused:
        return None
    return (
        f"{_listed(refused)} needs the operator's tenants list: ask an administrator to allow it for the namespace "
        "there, or omit it. The operator changes nothing in AWS until then."
    )


def _faulty(faulty: Sequence[Named]) -> str:
    said = listed([f"{one.path} {_short(one.value)}: {one.fault}" for one in faulty], most=SHOWN, rest=" ")
    return f"{said}. Change these values; until then nothing is changed in AWS."


def _listed(refused: Sequence[Named]) -> str:
    return listed([f"{one.path} {_short(one.value)}" for one in refused], most=SHOWN, separator=", ", rest=" ")


def _short(value: str) -> str:
    return value if len(value) <= LONGEST_VALUE else f"{value[:LONGEST_VALUE]}…"
