"""Where a pass looks, and where what it is about lies.

An operator that was started with another Region or another account sees none of its clusters. It must not take that
for their end: it would create them again, or release an object whose nodes run on.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

ARN = re.compile(r"arn:(?P<partition>[^:]*):(?P<service>[^:]*):(?P<region>[^:]*):(?P<account>[^:]*):")

CLUSTER_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:[0-9]{12}:cluster/(?P<cluster_id>[a-z0-9]{12})")
"""The pattern of ClusterArn in SageMaker's API model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Partition, Region and account; an empty member is unknown, or the service has none (IAM has no Region)."""

    partition: str = ""
    region: str = ""
    account: str = ""

    def differences(self, other: "Location") -> tuple[str, ...]:
        """Names of the members that both know and that are not the same."""
        if self is NOWHERE or self == other:
            return ()
        names = ("partition", "region", "account")
        pairs = ((name, getattr(self, name), getattr(other, name)) for name in names)
        return tuple(name for name, mine, theirs in pairs if mine and theirs and mine != theirs)

    def __str__(self) -> str:
        return ", ".join(
            f"{word} {value}"
            for word, value in (("partition", self.partition), ("Region", self.region), ("account", self.account))
            if value
        )


NOWHERE = Location()
"""Nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Something that is recorded of an object, or that its spec names: where it stands, its text, and what of its place
    has to be that of the pass."""

    where: str
    text: str
    binds: Location


def location_of(arn: str | None) -> Location:
    """What an ARN says; NOWHERE for anything else."""
    found = ARN.match(arn or "")
    return Location(**{name: found[name] for name in ("partition", "region", "account")}) if found else NOWHERE


def cluster_id(arn: str) -> str:
    """The twelve characters that SageMaker knows a cluster by, and that its nodes carry in their providerID; empty when
    this is not a cluster's ARN."""
    found = CLUSTER_ARN.fullmatch(arn)
    return found["cluster_id"] if found else ""


def recorded(where: str, arn: str | None, *, region: bool = True, account: bool = True) -> Record:
    """An ARN, whose Region and account bind unless they may be others."""
    binds = location_of(arn)
    binds = binds if region else replace(binds, region="")
    return Record(where=where, text=arn or "", binds=binds if account else replace(binds, account=""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """A record of another place, and what is another there, in words."""

    record: Record
    what: str


def elsewhere(records: Iterable[Record], here: Location) -> Elsewhere | None:
    """The first record that is about another place than the one where a pass looks."""
    for record in records:
        if differs := record.binds.differences(here):
            what = " and ".join("Region" if name == "region" else name for name in differs)
            return Elsewhere(record=record, what=what)
    return None


def records_of_cluster(name: str, body: Mapping[str, Any]) -> tuple[Record, ...]:
    """What a HyperPodCluster object says of the place of its cluster, for objects that refer to it."""
    spec, status = body.get("spec") or {}, body.get("status") or {}
    return (
        recorded(f"status.clusterArn of HyperPodCluster {name}", str(status.get("clusterArn") or "")),
        recorded(f"EKS cluster of HyperPodCluster {name}", eks_cluster_of(spec)),
    )


def eks_cluster_of(members: Mapping[str, Any]) -> str:
    """ARN of the EKS cluster in a spec or in AWS's description of a cluster, in the names of the spec."""
    eks = (members.get("orchestrator") or {}).get("eks") or {}
    return str(eks.get("clusterArn") or "")
