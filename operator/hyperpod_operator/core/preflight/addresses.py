"""What a spec points to outside of itself, in the form in which facts are keyed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hyperpod_operator.api.cluster.storage import InstanceStorageConfig
from hyperpod_operator.core.preflight.subject import ClusterSubject, Planned


def scripts_of(group: Planned) -> tuple[str, ...]:
    """Addresses of the group's lifecycle scripts, as s3://bucket/key."""
    config = getattr(group.spec, "lifeCycleConfig", None)
    if config is None or not (config.sourceS3Uri or "").startswith("s3://"):
        return ()
    folder = config.sourceS3Uri.rstrip("/")
    return tuple(
        f"{folder}/{name.removeprefix('./').lstrip('/')}" for name in (config.onCreate, config.onInitComplete) if name
    )


def bucket_of(address: str) -> str:
    return address.removeprefix("s3://").partition("/")[0]


def key_of(address: str) -> str:
    return address.removeprefix("s3://").partition("/")[2]


def keys_of(group: Planned) -> tuple[str, ...]:
    """KMS keys of the group's volumes, as the spec names them."""
    configs = [one.ebsVolumeConfig for one in group.spec.instanceStorageConfigs or [] if one.ebsVolumeConfig]
    return tuple(dict.fromkeys(one.volumeKmsKeyId for one in configs if one.volumeKmsKeyId))


def file_system_id(config: InstanceStorageConfig) -> str:
    """The id that an FSx DNS name begins with; empty for other storage, and for a file cache."""
    named = config.fsxLustreConfig or config.fsxOpenZfsConfig
    first = named.dnsName.partition(".")[0] if named else ""
    return first if first.startswith("fs-") else ""


def file_systems_of(group: Planned) -> tuple[str, ...]:
    found = (file_system_id(one) for one in group.spec.instanceStorageConfigs or [])
    return tuple(dict.fromkeys(one for one in found if one))


def wanted(subject: ClusterSubject) -> "Wanted":
    """Everything that facts are to be gathered about, without duplicates, in the order of the spec."""
    groups = subject.groups
    roles = [group.role for group in groups]
    if subject.karpenter and subject.spec.clusterRole:
        roles.append(subject.spec.clusterRole)
    return Wanted(
        subnets=_unique([*(name for group in groups for name in group.subnets), *_held_subnets(subject)]),
        security_groups=_unique(name for group in groups for name in group.security_groups),
        types=_unique(name for group in groups for name in group.types),
        roles=_unique(roles),
        scripts=_unique(address for group in groups for address in scripts_of(group)),
        keys=_unique(key for group in groups for key in keys_of(group)),
        plans=_unique(group.plan for group in groups if group.plan),
        file_systems=_unique(one for group in groups for one in file_systems_of(group)),
    )


def _held_subnets(subject: ClusterSubject) -> Iterator[str]:
    """Subnets of groups that the cluster has: where AWS lacked capacity is a matter of their zones."""
    if subject.has_history:
        yield from (name for group in subject.holds for name in group.subnets)


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Ids and addresses by kind."""

    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    types: tuple[str, ...]
    roles: tuple[str, ...]
    scripts: tuple[str, ...]
    keys: tuple[str, ...]
    plans: tuple[str, ...]
    file_systems: tuple[str, ...]
