"""What differs between the spec and AWS, sorted by what may be done about it.

Nothing here decides *whether* to act; it only says which call could close which gap, and which gaps are held
open because closing them could destroy something that the operator does not own.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from hyperpod_operator.api.cluster.memory import CountOffset
from hyperpod_operator.api.names import OWNERSHIP_TAGS, TAG_ADOPTED, TAG_OWNER_UID
from hyperpod_operator.core.cluster.changes import Changes
from hyperpod_operator.core.cluster.compare import Change, covers, drift
from hyperpod_operator.core.cluster.offsets import applied_count, offsets, wanted_count
from hyperpod_operator.core.cluster.ownership import recorded_as_adopted, was_there_before
from hyperpod_operator.core.cluster.resource import CREATED, Resource, desired
from hyperpod_operator.core.cluster.sent_tags import expected
from hyperpod_operator.core.observed import Json, Observed, ObservedCluster, ObservedGroup
from hyperpod_operator.core.text import counted

FIXED_CLUSTER_MEMBERS = ("vpcConfig", "orchestrator")
"""Create-only: UpdateCluster has no VpcConfig, and the EKS cluster cannot be exchanged."""

MUTABLE_CLUSTER_MEMBERS = (
    "nodeRecovery",
    "nodeProvisioningMode",
    "clusterRole",
    "autoScaling",
    "tieredStorageConfig",
    "restrictedInstanceGroupsConfig",
)

# [assumption: some-group-members-are-fixed]
FIXED_GROUP_MEMBERS = frozenset(
    {
        "instanceType",
        "executionRole",
        "threadsPerCore",
        "overrideVpcConfig",
        "instanceStorageConfigs",
        "trainingPlanArn",
        "capacityRequirements",
    }
)
"""Members that UpdateCluster wants repeated unchanged or cannot change on an existing group
(SageMaker developer guide, "Updating a HyperPod cluster")."""

# [assumption: default-image-has-other-names]
DEFAULT_IMAGE = "default"
"""ImageId for HyperPod's own image. AWS may echo it as the image that it stands for, which must not look like
drift: the call that would close it replaces root volumes."""

GOING = "Deleting"
"""Status of a group on its way out (API member InstanceGroupStatus)."""

SOFTWARE_MEMBERS = frozenset({"imageId", "imageReleaseVersion"})
"""Changed on an existing group by UpdateClusterSoftware, not by UpdateCluster."""


def diff(*, resource: Resource, observed: Observed, now: datetime) -> Changes:
    """Compare; an absent cluster has no changes, because creating it is a decision of its own."""
    cluster = observed.cluster
    if cluster is None:
        return Changes()
    # A group that is going is no longer there to be changed; one of the same name is added when it is gone.
    staying = [group for group in cluster.groups if group.name in resource.groups and group.status != GOING]
    carried = offsets(resource=resource, observed=observed, now=now)
    counts = [_count(resource=resource, group=group, offset=carried.get(group.name)) for group in staying]
    kept = [
        (group, _reachable(desired(resource.groups[group.name]), group=group, count=change))
        for group, (change, _) in zip(staying, counts, strict=True)
    ]
    extra, unknown = _extra_groups(resource=resource, observed=observed, cluster=cluster)
    protected = tuple(name for name in extra if resource.protected or name in resource.protected_groups)
    removed = tuple(name for name in extra if name not in protected)
    tags_set, tags_removed = _tags(resource=resource, observed=observed, now=now)
    return Changes(
        cluster=tuple(_cluster_drift(resource, cluster, members=MUTABLE_CLUSTER_MEMBERS, now=now)),
        groups_changed=(
            *(change for change, _ in counts if change),
            *(change for group, wanted in kept for change in _group_drift(group, wanted, now=now)),
        ),
        groups_added=tuple(name for name in resource.groups if cluster.group(name) is None),
        groups_removed=removed,
        software=tuple(item for group, wanted in kept for item in _software_drift(group, wanted, now=now)),
        tags_set=tags_set,
        tags_removed=tags_removed,
        fixed=(
            *_cluster_drift(resource, cluster, members=FIXED_CLUSTER_MEMBERS, now=now),
            *(change for group, wanted in kept for change in _fixed_drift(group, wanted, now=now)),
            *_other_kind(resource, staying),
        ),
        protected_groups=protected,
        unknown_groups=unknown,
        scaled_outside=tuple(held for _, held in counts if held),
        offsets=carried,
        minimum_above_count=_above_count(resource=resource, groups=staying),
    )


def _cluster_drift(
    resource: Resource, cluster: ObservedCluster, *, members: tuple[str, ...], now: datetime
) -> Iterator[Change]:
    wanted = resource.spec.model_dump(mode="json", exclude_none=True, include=set(members))
    yield from drift(wanted=wanted, observed=cluster.members, path="", now=now)


def _other_kind(resource: Resource, groups: list[ObservedGroup]) -> Iterator[Change]:
    """A name that the spec moved between the two kinds of groups: AWS has no such move."""
    restricted = {group.instanceGroupName for group in resource.spec.restrictedInstanceGroups or []}
    for group in groups:
        if group.restricted != (group.name in restricted):
            wanted = "restrictedInstanceGroups" if group.name in restricted else "instanceGroups"
            yield Change(_where(group), _where(group).split("[", 1)[0], wanted)


def _where(group: ObservedGroup) -> str:
    kind = "restrictedInstanceGroups" if group.restricted else "instanceGroups"
    return f"{kind}[{group.name}]"


def _group_drift(group: ObservedGroup, wanted: Mapping[str, Json], *, now: datetime) -> Iterator[Change]:
    skipped = FIXED_GROUP_MEMBERS | SOFTWARE_MEMBERS | {"instanceGroupName", "instanceCount"}
    mutable = {name: value for name, value in wanted.items() if name not in skipped}
    yield from drift(wanted=mutable, observed=group.members, path=_where(group), now=now)


def _fixed_drift(group: ObservedGroup, wanted: Mapping[str, Json], *, now: datetime) -> Iterator[Change]:
    fixed = {name: value for name, value in wanted.items() if name in FIXED_GROUP_MEMBERS}
    yield from drift(wanted=fixed, observed=group.members, path=_where(group), now=now)


def _software_drift(group: ObservedGroup, wanted: Mapping[str, Json], *, now: datetime) -> Iterator[tuple[str, Change]]:
    for member in sorted(SOFTWARE_MEMBERS):
        want, have = wanted.get(member), group.members.get(member)
        if want == DEFAULT_IMAGE:
            continue
        if not covers(wanted=want, observed=have, member=member, now=now):
            yield group.name, Change(f"{_where(group)}.{member}", have, want)


# [assumption: scale-in-picks-nodes]
def _count(
    *, resource: Resource, group: ObservedGroup, offset: CountOffset | None
) -> tuple[Change | None, Change | None]:
    """The count's change to make, or the one that is held.

    Scaling out only adds what the spec asks for. Scaling in ends nodes, and AWS picks them at random, so it
    needs a person's word: the spec's count must be lower than the one that AWS last held of it. A count that
    others raised is reported and left, also where a person raised the spec's count meanwhile, and by less.
    While an offset is carried nobody has edited the count.
    """
    wanted = wanted_count(resource=resource, name=group.name, offset=offset)
    if resource.counts_are_external(group.name) or wanted == group.target_count:
        return None, None
    change = Change(f"{_where(group)}.instanceCount", group.target_count, wanted)
    if wanted > group.target_count:
        return change, None
    applied = applied_count(resource.recorded_groups.get(group.name))
    lowered = offset is None and applied is not None and applied > wanted
    return (change, None) if lowered else (None, change)


def _reachable(wanted: Mapping[str, Json], *, group: ObservedGroup, count: Change | None) -> Mapping[str, Json]:
    """The wanted members with a minimum that AWS takes.

    AWS refuses a MinInstanceCount above InstanceCount. Where the count is not the spec's (its owner scaled the group
    in), the spec's minimum cannot be had until the count has grown: whatever AWS holds up to it is no drift.
    """
    minimum = wanted.get("minInstanceCount")
    sent = count.wanted if count else group.target_count
    if minimum is None or minimum <= sent:
        return wanted
    held = group.members.get("minInstanceCount")
    return {**wanted, "minInstanceCount": held if (held or 0) <= minimum else sent}


def _above_count(*, resource: Resource, groups: list[ObservedGroup]) -> Mapping[str, str]:
    wanted = {group.name: desired(resource.groups[group.name]).get("minInstanceCount", 0) for group in groups}
    return {
        group.name: f"minInstanceCount {wanted[group.name]} of group {group.name} is above the "
        f"{counted(group.target_count, 'instance')} that the owner of its count requests; it applies again when "
        f"the group has {wanted[group.name]}. "
        "Lower minInstanceCount if the group may stay this small."
        for group in groups
        if wanted[group.name] > group.target_count and resource.counts_are_external(group.name)
    }


def _extra_groups(
    *, resource: Resource, observed: Observed, cluster: ObservedCluster
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Groups that the spec does not name: those that we created go, all others stay.

    Who created a group is on record in status alone, because AWS tags clusters and not groups. A record is enough in a
    cluster that we created, which its owner may delete as a whole. In an adopted cluster, where groups of others are
    the rule, it is not: a false one would end their nodes.
    """
    adopted = was_there_before(resource=resource, observed=observed)
    removed: list[str] = []
    unknown: list[str] = []
    for group in cluster.groups:
        if group.name in resource.groups or group.status == GOING:
            continue
        record = resource.recorded_groups.get(group.name)
        ours = record is not None and record.remembered.origin == CREATED and not adopted
        (removed if ours else unknown).append(group.name)
    return tuple(removed), tuple(unknown)


def _tags(*, resource: Resource, observed: Observed, now: datetime) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Tags to set, and tags that an earlier spec had set and this one does not name any more.

    The tag that proves an adoption is put back: without it a lost status would make the cluster one of ours.
    """
    shown = observed.tags
    if shown is None:
        return {}, ()
    tags = expected(resource=resource, tags=shown, now=now)
    changed = {key: value for key, value in resource.wanted_tags.items() if tags.get(key) != value}
    owned = tags.get(TAG_OWNER_UID) == resource.uid
    if owned and TAG_ADOPTED not in tags and recorded_as_adopted(resource=resource, cluster=observed.cluster):
        changed[TAG_ADOPTED] = "true"
    ours_once = resource.status.remembered.appliedTagKeys or []
    dropped = tuple(
        key for key in ours_once if key in tags and key not in resource.wanted_tags and key not in OWNERSHIP_TAGS
    )
    return changed, dropped
