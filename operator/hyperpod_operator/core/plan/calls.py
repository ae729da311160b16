"""The complete list of calls that a cluster asks for, from its snapshot, in the order in which they are sent.

The list is the same whether anything is sent or not: a paused resource, one that only plans and one whose adoption is
announced have it, too. `steps` has a call for each part that may be approved by itself; the plan joins those that
travel together.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from hyperpod_operator.api.names import OWNERSHIP_TAGS, TAG_ADOPTED
from hyperpod_operator.core.cluster import requests
from hyperpod_operator.core.cluster.changes import group_of
from hyperpod_operator.core.cluster.compare import Change
from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.cluster.failed_creation import has_served, recreation_is_due
from hyperpod_operator.core.cluster.missing import is_held
from hyperpod_operator.core.cluster.ownership import Ownership, was_there_before
from hyperpod_operator.core.cluster.resource import Resource, desired
from hyperpod_operator.core.engine.call import Effect, PlannedCall, PlannedChange, fingerprint, worst
from hyperpod_operator.core.location import location_of
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.observed import Json, ObservedCluster, ObservedGroup
from hyperpod_operator.core.plan import effects, ending
from hyperpod_operator.core.plan.digest import Target

CLUSTER = "cluster"
"""The path of a cluster as a whole."""


def target(snapshot: ClusterSnapshot) -> Target:
    """The cluster by ARN and creation time; before there is one by name, Region and account, and one that makes room
    for the next by both.

    A HyperPod cluster is in the account and the Region of its EKS cluster, so that both are known without a call.
    """
    cluster, resource = snapshot.observed.cluster, snapshot.resource
    eks = location_of(resource.eks_cluster_arn)
    name = Target(owner=resource.uid, name=resource.cluster_name, region=eks.region, account=eks.account)
    if cluster is None:
        return name
    # An answer without the time is no other cluster: the time that was recorded of this ARN stands.
    recorded = resource.status.creationTime if resource.status.clusterArn == cluster.arn else None
    created = stamp(cluster.created_at) if cluster.created_at else recorded or ""
    makes_room = not resource.deleting and _never_served(snapshot, cluster) and recreation_is_due(snapshot)
    known = name if makes_room else Target(owner=resource.uid)
    return replace(known, cluster_arn=cluster.arn, creation_time=created)


def _never_served(snapshot: ClusterSnapshot, cluster: ObservedCluster) -> bool:
    """Whether it is what is left of a creation of ours that failed."""
    return cluster.status == "Failed" and snapshot.owned and not has_served(snapshot)


def steps(snapshot: ClusterSnapshot) -> tuple[PlannedCall, ...]:
    """Every call by the parts that may be approved and sent by themselves."""
    cluster, resource = snapshot.observed.cluster, snapshot.resource
    if resource.deleting:
        return tuple(_deletion(snapshot, cluster)) if cluster is not None else ()
    if cluster is None:
        # Others deleted it: whatever the policy, it comes back only when a person says so.
        return (replace(creation(snapshot), needs_approval=is_held(snapshot)),)
    if cluster.status == "Deleting":
        return ()
    if _never_served(snapshot, cluster):
        return (deletion(snapshot, cluster), creation(snapshot)) if recreation_is_due(snapshot) else ()
    if not snapshot.owned:
        adopts = snapshot.ownership in {Ownership.UNOWNED, Ownership.FORMER} and resource.adopts
        return (ownership(resource, cluster), *_changes(snapshot, cluster)) if adopts else ()
    return tuple(_changes(snapshot, cluster))


def creation(snapshot: ClusterSnapshot) -> PlannedCall:
    """CreateCluster."""
    resource = snapshot.resource
    wanted = {**requests.wanted_members(resource), "tags": dict(resource.wanted_tags)}
    nodes = sum(group.instanceCount for group in resource.groups.values())
    size = f"{_counted(nodes, 'node')} in {_counted(len(resource.groups), 'group')}"
    change = PlannedChange(
        path=CLUSTER,
        effect=Effect.ADDS,
        wanted=wanted,
        node_count=nodes,
        said=f"create {resource.cluster_name} with {size}",
    )
    return _call("CreateCluster", (change,))


def deletion(snapshot: ClusterSnapshot, cluster: ObservedCluster) -> PlannedCall:
    """DeleteCluster."""
    counts = {group.name: _own_count(snapshot.resource, group) for group in cluster.groups}
    change = PlannedChange(
        path=CLUSTER,
        effect=Effect.DESTROYS,
        observed=counts,
        context=ending.of_cluster(snapshot.resource),
        node_count=cluster.current_count,
        said=f"delete {cluster.name} with {_counted(cluster.current_count, 'node')} in "
        f"{_counted(len(cluster.groups), 'group')}{ending.words(snapshot.resource)}",
    )
    return _call("DeleteCluster", (change,))


NOT_YET = "the uid that the object gets"
"""Of a resource that is previewed before it is applied: only the API server knows its uid."""


def ownership(resource: Resource, cluster: ObservedCluster) -> PlannedCall:
    """AddTags with the ownership tags, by which the operator adopts a cluster. It waits for no approval."""
    tags = {**resource.ownership_tags, TAG_ADOPTED: "true"}
    changes = tuple(
        PlannedChange(path=f"tags[{key}]", effect=Effect.CHANGES, wanted=value or NOT_YET)
        for key, value in tags.items()
    )
    return _call("AddTags", changes, exempt=True, request={"arn": cluster.arn}, part="ownership")


def release(snapshot: ClusterSnapshot, cluster: ObservedCluster) -> PlannedCall:
    """DeleteTags with the ownership tags, by which the operator releases a cluster that stays. It waits for no
    approval."""
    tags = snapshot.observed.tags
    tags = snapshot.resource.ownership_tags if tags is None else tags
    changes = tuple(
        PlannedChange(path=f"tags[{key}]", effect=Effect.CHANGES, observed=tags[key])
        for key in OWNERSHIP_TAGS
        if key in tags
    )
    return _call("DeleteTags", changes, exempt=True, request={"arn": cluster.arn}, part="ownership")


def _deletion(snapshot: ClusterSnapshot, cluster: ObservedCluster) -> Iterator[PlannedCall]:
    if not snapshot.owned:
        return
    if stays(snapshot):
        yield release(snapshot, cluster)
    elif cluster.status != "Deleting":
        yield deletion(snapshot, cluster)


def stays(snapshot: ClusterSnapshot) -> bool:
    """Whether a deleted resource leaves its cluster in AWS, by policy. Without one an adopted cluster stays: by its
    tag, whatever status records, and by what status records, whoever took the tag off."""
    resource, tags = snapshot.resource, snapshot.observed.tags
    chosen = resource.spec.management.deletionPolicy if resource.spec.management else None
    if chosen is not None or tags is None:
        return resource.deletion_policy == "Retain"
    return was_there_before(resource=resource, observed=snapshot.observed)


def _changes(snapshot: ClusterSnapshot, cluster: ObservedCluster) -> Iterator[PlannedCall]:
    yield from _update(snapshot, cluster)
    yield from _software(snapshot, cluster)
    yield from _tags(snapshot)


def _update(snapshot: ClusterSnapshot, cluster: ObservedCluster) -> Iterator[PlannedCall]:
    """A step for the cluster's own members, and one for each group that is changed, added or removed."""
    changes, resource = snapshot.changes, snapshot.resource
    if changes.cluster:
        yield _call("UpdateCluster", tuple(_change(change, resource=resource) for change in changes.cluster))
    by_group: dict[str, list[Change]] = {}
    for change in changes.groups_changed:
        by_group.setdefault(group_of(change), []).append(change)
    for name in sorted(by_group):
        group = cluster.group(name)
        made = tuple(_change(change, group=group, resource=resource) for change in by_group[name])
        yield _call("UpdateCluster", made, part=name)
    for name in sorted(changes.groups_added):
        yield _call("UpdateCluster", (_added(resource, name),), part=name)
    for name in sorted(changes.groups_removed):
        yield _call("UpdateCluster", (_removed(resource, cluster, name),), part=name)


def _change(change: Change, *, resource: Resource, group: ObservedGroup | None = None) -> PlannedChange:
    effect, count, context, said = effects.of_change(change), 0, None, ""
    if change.path.endswith(".instanceCount"):
        count = abs(change.wanted - change.observed)
        if effect is Effect.DESTROYS and (words := ending.words(resource)):
            context, said = ending.of_nodes(resource), f"{change.observed} -> {change.wanted}{words}"
    elif group is not None and effect.rank >= Effect.DISRUPTS.rank:
        count = group.current_count
    return PlannedChange(
        path=change.path,
        effect=effect,
        observed=change.observed,
        wanted=change.wanted,
        context=context,
        node_count=count,
        said=said,
    )


def _added(resource: Resource, name: str) -> PlannedChange:
    group = resource.groups[name]
    wanted = desired(group)
    types = (wanted.get("instanceRequirements") or {}).get("instanceTypes") or [wanted.get("instanceType")]
    return PlannedChange(
        path=_path(name, restricted=_restricted(resource, name)),
        effect=Effect.ADDS,
        wanted=wanted,
        node_count=group.instanceCount,
        said=f"add with {_counted(group.instanceCount, 'node')} ({types[0]})",
    )


def _removed(resource: Resource, cluster: ObservedCluster, name: str) -> PlannedChange:
    group = cluster.group(name)
    if group is None:
        raise AssertionError("only a group that AWS shows is removed")
    return PlannedChange(
        path=_path(name, restricted=group.restricted),
        effect=Effect.DESTROYS,
        observed={"instanceCount": _own_count(resource, group)},
        context=ending.of_nodes(resource),
        node_count=group.current_count,
        said=f"delete with {_counted(group.current_count, 'node')}{ending.words(resource)}",
    )


def _software(snapshot: ClusterSnapshot, cluster: ObservedCluster) -> Iterator[PlannedCall]:
    """A step for each group. Those that share image and deployment have one fingerprint: one call carries them."""
    found: dict[str, list[Change]] = {}
    for name, change in snapshot.changes.software:
        found.setdefault(name, []).append(change)
    shared: dict[str, list[str]] = {}
    for name in found:
        mark = fingerprint(
            operation="UpdateClusterSoftware", desired=list(requests.software_call(snapshot.resource, name))
        )
        shared.setdefault(mark, []).append(name)
    for mark, names in shared.items():
        for name in sorted(names):
            group = cluster.group(name)
            _, deployment = requests.software_call(snapshot.resource, name)
            changes = tuple(
                PlannedChange(
                    path=change.path,
                    effect=effects.of_change(change),
                    observed=change.observed,
                    wanted=change.wanted,
                    context=deployment,
                    node_count=group.current_count if group else 0,
                )
                for change in found[name]
            )
            yield replace(_call("UpdateClusterSoftware", changes, part=name), fingerprint=mark)


def _tags(snapshot: ClusterSnapshot) -> Iterator[PlannedCall]:
    """Off before on, as they are sent."""
    changes, tags = snapshot.changes, snapshot.observed.tags or {}
    if changes.tags_removed:
        gone = tuple(
            PlannedChange(path=f"tags[{key}]", effect=Effect.CHANGES, observed=tags.get(key, ""))
            for key in sorted(changes.tags_removed)
        )
        yield _call("DeleteTags", gone)
    if changes.tags_set:
        made = tuple(
            PlannedChange(path=f"tags[{key}]", effect=Effect.CHANGES, observed=tags.get(key), wanted=value)
            for key, value in sorted(changes.tags_set.items())
        )
        yield _call("AddTags", made)


def _call(
    operation: str,
    changes: tuple[PlannedChange, ...],
    *,
    part: str = "",
    exempt: bool = False,
    request: Mapping[str, Json] | None = None,
) -> PlannedCall:
    return PlannedCall(
        operation=operation,
        effect=worst(tuple(change.effect for change in changes)),
        fingerprint=fingerprint(operation=operation, desired=[part, [(c.path, c.observed, c.wanted) for c in changes]]),
        request=request or {},
        changes=changes,
        part=part,
        exempt=exempt,
    )


def _own_count(resource: Resource, group: ObservedGroup) -> int | None:
    """The group's count, unless another owner moves it: then it is no part of what is approved."""
    return None if resource.counts_are_external(group.name) else group.target_count


def _path(name: str, *, restricted: bool) -> str:
    return f"{'restrictedInstanceGroups' if restricted else 'instanceGroups'}[{name}]"


def _restricted(resource: Resource, name: str) -> bool:
    return any(group.instanceGroupName == name for group in resource.spec.restrictedInstanceGroups or [])


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
