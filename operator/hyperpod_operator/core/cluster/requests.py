"""The requests that close the gaps, in the spec's vocabulary.

Kept groups are always sent in full: AWS's documentation disagrees with itself on what leaving a group out of
UpdateCluster means (the scale-down page keeps it, troubleshooting material says that it is deleted), so we
never find out. Groups leave only by name through `instanceGroupsToDelete`.
"""

from collections.abc import Mapping, Set

from hyperpod_operator.api.cluster.resource import InstanceGroup, RestrictedInstanceGroup
from hyperpod_operator.core.cluster.changes import Changes, group_of
from hyperpod_operator.core.cluster.compare import overlay
from hyperpod_operator.core.cluster.diff import (
    FIXED_GROUP_MEMBERS,
    GOING,
    MUTABLE_CLUSTER_MEMBERS,
    SOFTWARE_MEMBERS,
)
from hyperpod_operator.core.cluster.plan import (
    CreateCluster,
    UpdateCluster,
    UpdateClusterSoftware,
    software_concern,
)
from hyperpod_operator.core.cluster.resource import Resource, desired
from hyperpod_operator.core.moments import parse_time
from hyperpod_operator.core.observed import Json, ObservedCluster, ObservedGroup
from hyperpod_operator.core.plan.digest import canonical


def create(resource: Resource) -> CreateCluster:
    """CreateCluster with all that the spec sets and our ownership tags."""
    request = wanted_members(resource)
    tags = {**resource.wanted_tags, **resource.ownership_tags}
    request["tags"] = [{"key": key, "value": value} for key, value in tags.items()]
    request["clusterName"] = resource.cluster_name
    return CreateCluster(request=request)


# [assumption: omitted-groups-either-way]
def update(
    *, resource: Resource, cluster: ObservedCluster, changes: Changes, untouched: Set[str] = frozenset()
) -> UpdateCluster:
    """UpdateCluster with the changed cluster-level members and every group that stays.

    `untouched` groups are repeated as AWS has them, whatever the spec asks for.
    """
    changed = {change.path.split(".", 1)[0] for change in changes.cluster}
    wanted = resource.spec.model_dump(mode="json", exclude_none=True, include=set(MUTABLE_CLUSTER_MEMBERS) & changed)
    request: dict[str, Json] = {
        name: overlay(wanted=value, observed=cluster.members.get(name), member=name) for name, value in wanted.items()
    }
    request["clusterName"] = cluster.name
    for member, restricted in (("instanceGroups", False), ("restrictedInstanceGroups", True)):
        request[member] = _groups(
            resource=resource, cluster=cluster, changes=changes, restricted=restricted, untouched=untouched
        )
    if changes.groups_removed:
        request["instanceGroupsToDelete"] = list(changes.groups_removed)
    ours = {group_of(change) for change in changes.groups_changed if change.path.endswith(".instanceCount")}
    leaving = set(changes.groups_removed)
    return UpdateCluster(
        request={name: value for name, value in request.items() if value != []},
        repeated=frozenset(group.name for group in cluster.groups if group.name not in ours | leaving),
    )


def with_counts(request: Mapping[str, Json], *, cluster: ObservedCluster, names: Set[str]) -> Mapping[str, Json]:
    """The request with AWS's present counts for these groups: somebody may have scaled them since the pass looked."""

    def fresh(group: Mapping[str, Json]) -> Mapping[str, Json]:
        found = cluster.group(group["instanceGroupName"])
        if found is None or found.name not in names:
            return group
        made = {**group, "instanceCount": found.target_count}
        if made.get("minInstanceCount", 0) > made["instanceCount"]:
            made["minInstanceCount"] = made["instanceCount"]
        return made

    lists = ("instanceGroups", "restrictedInstanceGroups")
    return {name: [fresh(group) for group in value] if name in lists else value for name, value in request.items()}


def replaced(cluster: ObservedCluster, *, counts: Set[str]) -> Json:
    """What an update puts in the place of what AWS has: everything that it repeats, but the counts of the groups
    `counts`, which are read again. Canonical: AWS lists sets in any order."""

    def members(group: ObservedGroup) -> Json:
        kept = {name: value for name, value in group.members.items() if name != "instanceCount"}
        return {**kept, "group": group.name, "instanceCount": None if group.name in counts else group.target_count}

    groups = [members(group) for group in cluster.groups if group.status != GOING]
    return canonical({"cluster": dict(cluster.members), "groups": groups}, member="")


def update_software(*, resource: Resource, cluster: ObservedCluster, changes: Changes) -> UpdateClusterSoftware:
    """UpdateClusterSoftware for the first changed group and all that can share its call.

    ImageId and DeploymentConfig belong to the whole call, so only groups that want the same of both go
    together; the others follow in later passes.
    """
    first = software_call(resource, changes.software[0][0])
    names = sorted({name for name, _ in changes.software if software_call(resource, name) == first})
    image_id, deployment = first
    request: dict[str, Json] = {
        "clusterName": cluster.name,
        "instanceGroups": [_software_group(resource, name) for name in names],
    }
    if image_id:
        request["imageId"] = image_id
    if deployment:
        request["deploymentConfig"] = deployment
    return UpdateClusterSoftware(request=request)


def desired_software(resource: Resource, action: UpdateClusterSoftware) -> Json:
    """What the spec asks for by the call: the same when AWS has done it for some of the groups."""
    call = software_call(resource, action.request["instanceGroups"][0]["instanceGroupName"])
    names = sorted(pinned(resource))
    return [call, [_software_group(resource, name) for name in names if software_call(resource, name) == call]]


def pinned(resource: Resource) -> frozenset[str]:
    """The groups whose software the spec names."""
    return frozenset(name for name, group in resource.groups.items() if SOFTWARE_MEMBERS & desired(group).keys())


def wanted_members(resource: Resource) -> dict[str, Json]:
    """The spec as the API's JSON, without what is ours (`management`, `region`)."""
    request: dict[str, Json] = resource.spec.model_dump(
        mode="json",
        exclude_none=True,
        exclude={"management", "region", "tags", "instanceGroups", "restrictedInstanceGroups", "clusterName"},
    )
    for member, groups in (
        ("instanceGroups", resource.spec.instanceGroups),
        ("restrictedInstanceGroups", resource.spec.restrictedInstanceGroups),
    ):
        if groups:
            request[member] = [desired(group) for group in groups]
    return request


def _groups(
    *, resource: Resource, cluster: ObservedCluster, changes: Changes, restricted: bool, untouched: Set[str]
) -> list[Json]:
    leaving = set(changes.groups_removed)
    kept = [
        _kept(spec=None if group.name in untouched else resource.groups.get(group.name), group=group, changes=changes)
        for group in cluster.groups
        if group.restricted == restricted and group.name not in leaving and group.status != GOING
    ]
    source = resource.spec.restrictedInstanceGroups if restricted else resource.spec.instanceGroups
    added = [desired(group) for group in source or [] if group.instanceGroupName in changes.groups_added]
    return [*kept, *added]


# [assumption: described-groups-can-be-sent-back, omitted-members-either-way]
def _kept(
    *, spec: InstanceGroup | RestrictedInstanceGroup | None, group: ObservedGroup, changes: Changes
) -> Mapping[str, Json]:
    wanted = desired(spec) if spec else {}
    merged: dict[str, Json] = dict(overlay(wanted=wanted, observed=group.members))
    for member in FIXED_GROUP_MEMBERS:
        # AWS wants them repeated unchanged. The spec may have them in another order, or a key by another name.
        if group.members.get(member) is not None:
            merged[member] = group.members[member]
    paths = {change.path for change in changes.groups_changed}
    if not any(path.endswith(f"[{group.name}].instanceCount") for path in paths):
        # An external owner's count, or one that is held: repeating AWS's own number changes nothing.
        merged["instanceCount"] = group.target_count
    elif spec is not None:
        offset = changes.offsets.get(group.name)
        merged["instanceCount"] = max(0, spec.instanceCount + (offset.value if offset else 0))
    # [assumption: minimum-not-above-count]
    if merged.get("minInstanceCount", 0) > merged["instanceCount"]:
        # AWS refuses a minimum above the count. It stands above one that the count's owner lowered, or is left over
        # from a spec that named one.
        merged["minInstanceCount"] = merged["instanceCount"]
    # [assumption: repeated-image-changes-nothing]
    for member in SOFTWARE_MEMBERS:
        # A pinned image is repeated as it is; an image that AWS chose must not become a pin by being repeated.
        if wanted.get(member) is not None and group.members.get(member) is not None:
            merged[member] = group.members[member]
        else:
            merged.pop(member, None)
    patching = merged.get("autoPatchConfig")
    patch = f"[{group.name}].autoPatchConfig"
    moved = any(path.endswith((patch, f"{patch}.patchSchedule")) or f"{patch}.patchSchedule." in path for path in paths)
    if isinstance(patching, Mapping) and not moved:
        # HyperPod plans NextPatchDate itself; sending a date of its own back would move it by hand. One that the spec
        # pins is repeated: AWS may take the structure for the whole of it and forget what is left out.
        merged["autoPatchConfig"] = {name: value for name, value in patching.items() if name != "patchSchedule"}
        if pinned := _pinned_date(wanted=wanted, observed=group.members):
            merged["autoPatchConfig"]["patchSchedule"] = {"nextPatchDate": pinned}
    return merged


# [assumption: patch-date-is-planned]
def _pinned_date(*, wanted: Mapping[str, Json], observed: Mapping[str, Json]) -> str | None:
    """The date that the spec asks for, if it is the very one that AWS holds."""
    asked, held = _patch_date(wanted), _patch_date(observed)
    same = parse_time(asked) is not None and parse_time(asked) == parse_time(held)
    return asked if same else None


def _patch_date(members: Mapping[str, Json]) -> str:
    return str(((members.get("autoPatchConfig") or {}).get("patchSchedule") or {}).get("nextPatchDate") or "")


def software_call(resource: Resource, name: str) -> tuple[str | None, Json]:
    """What the whole call that updates this group's software is about: its ImageId and its DeploymentConfig."""
    wanted = desired(resource.groups[name])
    scheduled = wanted.get("scheduledUpdateConfig") or {}
    return wanted.get("imageId"), scheduled.get("deploymentConfig")


def concern_of_software(resource: Resource, name: str) -> str:
    """The concern in the journal of the call that updates this group's software."""
    image_id, deployment = software_call(resource, name)
    return software_concern(image_id, deployment)


def _software_group(resource: Resource, name: str) -> Mapping[str, Json]:
    wanted = desired(resource.groups[name])
    group = {"instanceGroupName": name}
    if wanted.get("imageReleaseVersion"):
        group["imageReleaseVersion"] = wanted["imageReleaseVersion"]
    return group
