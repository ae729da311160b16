"""A source from a cluster as AWS shows it (DescribeCluster, ListTags)."""

from collections.abc import Mapping
from typing import Any

from hyperpod_operator.api.names import TAG_OWNER
from hyperpod_operator.core.export.model import LeftOut, Note, Source, brief
from hyperpod_operator.core.location import location_of
from hyperpod_operator.core.observed import Json, ObservedCluster, ObservedGroup

OWNED = (
    "HyperPodCluster {owner} owns it. Name the cluster to export it all the same, for example when that object does "
    "not exist any more"
)
GONE = "Deleting"
AT_REST = "InService"


def source(cluster: ObservedCluster, *, tags: Mapping[str, str] | None) -> Source | LeftOut:
    """`tags` is None where they could not be read."""
    place = location_of(cluster.arn)
    label = f"{cluster.arn} ({cluster.name})"
    if cluster.status == GONE:
        return LeftOut(label=label, reason="AWS is deleting it")
    notes: list[Note] = []
    if cluster.status != AT_REST:
        text = f"The cluster is {cluster.status}: export it again when it is {AT_REST}, or compare with a plan."
        notes.append(Note(path="", text=text))
    groups = [group for group in cluster.groups if group.status != GONE]
    going = [group.name for group in cluster.groups if group.status == GONE]
    if going:
        notes.append(Note(path="spec.instanceGroups", text=f"left out, AWS is deleting them: {', '.join(going)}"))
    if tags is None:
        notes.append(Note(path="spec.tags", text="left out: they could not be read (sagemaker:ListTags)"))
    members: dict[str, Any] = {
        "clusterName": cluster.name,
        **cluster.members,
        "instanceGroups": [_members(group) for group in groups if not group.restricted],
        "restrictedInstanceGroups": [_members(group) for group in groups if group.restricted],
        # As a list: two tags that are called Key and Value are no tag of their own. AWS lists them in no order.
        "tags": [{"key": name, "value": value} for name, value in sorted((tags or {}).items())],
    }
    if _is_scaled(cluster):
        text = "as AWS has it now: with autoScaling the operator leaves the counts of groups to the autoscaler"
        notes.append(Note(path="spec.instanceGroups[].instanceCount", text=text))
    return Source(
        label=label,
        members=members,
        name=cluster.name,
        region=place.region,
        account=place.account,
        notes=tuple(notes),
        shown=True,
    )


def unless_owned(found: Source) -> Source | LeftOut:
    """The source; LeftOut where the tags name an owner: an installation manages the cluster already."""
    owner = next((tag["value"] for tag in found.members["tags"] if tag["key"] == TAG_OWNER), "")
    return LeftOut(label=found.label, reason=OWNED.format(owner=brief(owner)), owned=True) if owner else found


def _members(group: ObservedGroup) -> Mapping[str, Json]:
    return {"instanceGroupName": group.name, **group.members}


def _is_scaled(cluster: ObservedCluster) -> bool:
    return (cluster.members.get("autoScaling") or {}).get("mode") == "Enable"
