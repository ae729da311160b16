"""What the resources of a namespace may name: the operator's role is mighty, and whoever writes a resource borrows it.

Without a list everything is allowed that IAM allows. With one, each value that AWS would act on in the operator's name
has to match a pattern of some tenant whose namespaces match; `*` stands for any characters. This is what keeps a
namespace from running its scripts as another team's role (the confused deputy).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

MATTERS: Mapping[str, str] = MappingProxyType(
    {
        "executionRole": "execution_roles",
        "clusterRole": "execution_roles",
        "kmsKeyId": "kms_keys",
        "volumeKmsKeyId": "kms_keys",
        "sourceS3Uri": "source_s3_uris",
        "region": "regions",
        "clusterRef.clusterArn": "clusters",
        "clusterRef.clusterName": "clusters",
        "source.volumeId": "volumes",
        "create.snapshotId": "volumes",
    }
)
"""Which patterns of a tenant a member is held to, by the end of its path in a spec."""
NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """Patterns; None leaves a matter open, an empty tuple forbids every value.

    `clusters` is about HyperPod clusters that a claim names by ARN or by name; one that it names by its object is of
    its own namespace. `volumes` is about volumes and snapshots that were there before.
    """

    namespaces: tuple[str, ...]
    execution_roles: tuple[str, ...] | None = None
    kms_keys: tuple[str, ...] | None = None
    source_s3_uris: tuple[str, ...] | None = None
    regions: tuple[str, ...] | None = None
    clusters: tuple[str, ...] | None = None
    volumes: tuple[str, ...] | None = None

    def admits(self, matter: str, value: str) -> bool:
        """`matter` is one of the values of MATTERS."""
        return _matches(getattr(self, matter), value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenancy:
    """The whole list; None is no list."""

    tenants: tuple[Tenant, ...] | None = None

    def refusal(self, *, namespace: str, spec: Mapping[str, Any]) -> str | None:
        """Why a spec of this namespace may not be served, in words; None when it may."""
        if self.tenants is None:
            return None
        mine = [tenant for tenant in self.tenants if _matches(tenant.namespaces, namespace)]
        if not mine:
            return (
                f"Namespace {namespace} is not served: no tenant of this installation names it. Have an administrator "
                "add it to the operator's list of tenants."
            )
        refused = [
            f"{path} {value}"
            for path, matter, value in values(spec)
            if not any(tenant.admits(matter, value) for tenant in mine)
        ]
        if not refused:
            return None
        more = f" and {len(refused) - NAMED} more" if len(refused) > NAMED else ""
        return (
            f"Namespace {namespace} may not use {', '.join(refused[:NAMED])}{more}. Name what its tenant allows, or "
            "have an administrator add it to the operator's list of tenants. Nothing is changed in AWS meanwhile."
        )


def values(spec: Any, path: str = "spec") -> Iterator[tuple[str, str, str]]:
    """Path, matter and value of everything in a spec that a tenant's patterns are about."""
    if isinstance(spec, Mapping):
        for member, value in spec.items():
            yield from values(value, f"{path}.{member}")
    elif isinstance(spec, list | tuple):
        for item in spec:
            yield from values(item, f"{path}[{_name(item)}]")
    elif isinstance(spec, str):
        for suffix, matter in MATTERS.items():
            if path.endswith(f".{suffix}"):
                yield path, matter, spec


def _name(item: Any) -> str:
    return str(item.get("instanceGroupName", "")) if isinstance(item, Mapping) else ""


def _matches(patterns: tuple[str, ...] | None, value: str) -> bool:
    if patterns is None:
        return True
    return any(re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), value, re.DOTALL) for pattern in patterns)
