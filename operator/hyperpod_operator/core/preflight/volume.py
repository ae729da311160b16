"""The checks of an EBSVolumeClaim whose volume is about to be made. Rules of EC2, as of November 2026.

EC2 raises its maxima now and then, and some Regions lag: what exceeds a maximum warns, what breaks a ratio fails.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hyperpod_operator.api.volume.resource import CreateSource, EBSVolumeClaimSpec, VolumeMembers
from hyperpod_operator.core.preflight.checks.storage import granted_key, usable_key
from hyperpod_operator.core.preflight.facts import NOT_GATHERED, KmsKey
from hyperpod_operator.core.preflight.model import (
    Fact,
    Finding,
    Result,
    Unread,
    fails,
    passes,
    unknown,
    warns,
)
from hyperpod_operator.core.text import counted

# [assumption: preflight-quota-names]
QUOTA_NAMES: Mapping[str, str] = {
    "gp2": "Storage for General Purpose SSD (gp2) volumes, in TiB",
    "gp3": "Storage for General Purpose SSD (gp3) volumes, in TiB",
    "io1": "Storage for Provisioned IOPS SSD (io1) volumes, in TiB",
    "io2": "Storage for Provisioned IOPS SSD (io2) volumes, in TiB",
    "st1": "Storage for Throughput Optimized HDD (st1) volumes, in TiB",
    "sc1": "Storage for Cold HDD (sc1) volumes, in TiB",
    "standard": "Storage for Magnetic (standard) volumes, in TiB",
}
"""Quotas of the service ebs by volume type (Amazon EBS endpoints and quotas, AWS general reference)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Ranges of a volume type: GiB, IOPS and IOPS for each GiB."""

    sizes: tuple[int, int]
    iops: tuple[int, int] | None = None
    ratio: int = 0


# [assumption: preflight-volume-limits]
LIMITS: Mapping[str, Limits] = {
    "gp3": Limits((1, 65_536), (3_000, 80_000), 500),
    "io2": Limits((4, 65_536), (100, 256_000), 1_000),
    "io1": Limits((4, 16_384), (100, 64_000), 50),
    "gp2": Limits((1, 16_384)),
    "st1": Limits((125, 16_384)),
    "sc1": Limits((125, 16_384)),
    "standard": Limits((1, 1_024)),
}
"""Amazon EBS user guide, volume types; ratios as in the AWS EBS CSI driver (pkg/cloud/cloud.go)."""
# [assumption: preflight-volume-limits]
FREE_IOPS = 3_000
"""IOPS that every gp3 volume has: the ratio bounds those beyond."""
# [assumption: preflight-volume-limits]
THROUGHPUT = (125, 2_000)
"""MiB/s of a gp3 volume."""
# [assumption: preflight-volume-limits]
IOPS_PER_MIB = 4
"""IOPS that a MiB/s of throughput needs (0.25 MiB/s for each)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotFacts:
    """ec2:DescribeSnapshots. `size` is in GiB."""

    state: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What the account's volumes of the claim's type hold in this Region, in GiB: the least of it if not `complete`."""

    size: int
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """Volumes that the instance type of the target takes, and the most that its nodes hold less than that."""

    limit: int
    free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeFacts:
    """What was read for a claim. `zones` are names and ids of the zones of the Region, `target_zones` of the target."""

    zones: Fact[frozenset[str]] = NOT_GATHERED
    target_zones: Fact[frozenset[str]] = NOT_GATHERED
    key: Fact[KmsKey | None] = NOT_GATHERED
    caller: Fact[str] = NOT_GATHERED
    """ARN of the role or user that creates the volume."""
    snapshot: Fact[SnapshotFacts | None] = NOT_GATHERED
    quotas: Fact[Mapping[str, float]] = NOT_GATHERED
    stored: Fact[Stored] = NOT_GATHERED
    slots: Fact[Slots] | None = None
    """None where the target's nodes are not known; the operator waits for a free one before it creates a volume."""
    calls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSubject:
    spec: EBSVolumeClaimSpec
    facts: VolumeFacts

    @property
    def source(self) -> CreateSource | None:
        """How the volume is made; None for one that exists."""
        return self.spec.source.create

    @property
    def volume(self) -> VolumeMembers:
        return self.spec.volume or VolumeMembers()

    @property
    def type(self) -> str:
        return self.volume.volumeType or "gp3"

    @property
    def size(self) -> int | None:
        """GiB; a snapshot's where the spec leaves it out, None where nobody says."""
        snapshot = self.facts.snapshot
        return self.volume.size or (snapshot.size if isinstance(snapshot, SnapshotFacts) else None)


def zone(subject: ClaimSubject) -> Iterator[Finding]:
    source = subject.source
    named = (source.availabilityZone or source.availabilityZoneId) if source else None
    if not named:
        return
    known, target = subject.facts.zones, subject.facts.target_zones
    if isinstance(known, Unread):
        yield unknown(known)
        return
    if named not in known:
        yield fails(zone=named, problem="is no zone of this Region")
    elif not isinstance(target, Unread) and target and named not in target:
        yield fails(zone=named, problem=f"has no node of the target, which is in {', '.join(sorted(target))}")
    else:
        yield passes()


def key(subject: ClaimSubject) -> Iterator[Finding]:
    named = subject.source.kmsKeyId if subject.source else None
    if named:
        yield usable_key("", named, subject.facts.key)


def key_policy(subject: ClaimSubject) -> Iterator[Finding]:
    named, found = subject.source.kmsKeyId if subject.source else None, subject.facts.key
    if not named or found is None:
        return
    if isinstance(found, KmsKey) and found.aws_managed:
        yield passes()
        return
    caller = subject.facts.caller
    known = frozenset[str]() if isinstance(caller, Unread) else frozenset({caller})
    for one in granted_key("", found.arn if isinstance(found, KmsKey) else named, found, known):
        # A policy that reaches nobody known may name the very role that could not be read.
        yield unknown(caller) if isinstance(caller, Unread) and one.result in {Result.FAIL, Result.WARN} else one


def snapshot(subject: ClaimSubject) -> Iterator[Finding]:
    named = subject.source.snapshotId if subject.source else None
    if not named:
        return
    found, size = subject.facts.snapshot, subject.volume.size
    if isinstance(found, Unread):
        yield unknown(found)
    elif found is None:
        yield fails(snapshot=named, problem="does not exist in this Region")
    elif found.state in {"error", "recoverable", "recovering"}:
        yield fails(snapshot=named, problem=f"is {found.state}")
    elif size is not None and size < found.size:
        yield fails(snapshot=named, problem=f"has {found.size} GiB, and volume.size is {size}")
    else:
        yield passes()


def size(subject: ClaimSubject) -> Iterator[Finding]:
    wanted = subject.size
    if subject.source is None or wanted is None:
        return
    least, most = LIMITS[subject.type].sizes
    if wanted < least:
        yield fails(size=wanted, type=subject.type, least=least)
    else:
        yield warns(size=wanted, type=subject.type, most=most) if wanted > most else passes()


def iops(subject: ClaimSubject) -> Iterator[Finding]:
    limits, wanted = LIMITS[subject.type], subject.volume.iops
    if subject.source is None or wanted is None or limits.iops is None:
        return
    least, most = limits.iops
    free = FREE_IOPS if subject.type == "gp3" else 0
    ratio = max(free, limits.ratio * subject.size) if subject.size else None
    if ratio is not None and wanted > ratio:
        yield fails(iops=wanted, problem=f"{subject.size} GiB of {subject.type} take {ratio} at most")
    elif wanted < least:
        yield fails(iops=wanted, problem=f"{subject.type} has {least} at least")
    elif wanted > most:
        yield warns(iops=wanted, problem=f"{subject.type} takes {most} at most, as far as this version knows")
    else:
        yield passes()


def throughput(subject: ClaimSubject) -> Iterator[Finding]:
    wanted = subject.volume.throughput
    if subject.source is None or wanted is None or subject.type != "gp3":
        return
    least, most = THROUGHPUT
    needed = wanted * IOPS_PER_MIB
    if wanted < least:
        yield fails(throughput=wanted, problem=f"gp3 has {least} MiB/s at least")
    elif needed > (subject.volume.iops or FREE_IOPS):
        yield fails(throughput=wanted, problem=f"it needs {needed} IOPS, 4 for each MiB/s")
    elif wanted > most:
        yield warns(throughput=wanted, problem=f"gp3 takes {most} MiB/s at most, as far as this version knows")
    else:
        yield passes()


def quota(subject: ClaimSubject) -> Iterator[Finding]:
    wanted = subject.size
    if subject.source is None or wanted is None:
        return
    listed = subject.facts.quotas
    if isinstance(listed, Unread):
        yield unknown(listed)
        return
    name, held = QUOTA_NAMES[subject.type], subject.facts.stored
    limit = listed.get(name)
    if limit is None:
        yield unknown(Unread(why=f"Service Quotas does not list “{name}”"))
    elif wanted > limit * 1024:
        yield fails(size=wanted, limit=_tib(limit), type=subject.type)
    elif isinstance(held, Unread):
        yield unknown(held)
    elif held.size + wanted > limit * 1024:
        # What other volumes hold may become free; what this one asks for does not.
        yield warns(size=wanted, limit=_tib(limit), type=subject.type, held=held.size)
    elif held.complete:
        yield passes()
    else:
        yield unknown(Unread(why=f"the account has more volumes of type {subject.type} than are read"))


def _tib(amount: float) -> str:
    return f"{amount:g}"


def slots(subject: ClaimSubject) -> Iterator[Finding]:
    found = subject.facts.slots
    if found is None:
        return
    if isinstance(found, Unread):
        yield unknown(found)
    else:
        yield passes() if found.free > 0 else warns(held=counted(found.limit, "volume"))
