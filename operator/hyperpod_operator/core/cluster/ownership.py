"""Whose cluster is it? The answer comes from AWS tags alone, because a name proves nothing."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from hyperpod_operator.api.names import TAG_ADOPTED, TAG_EKS_CLUSTER, TAG_OWNER, TAG_OWNER_UID
from hyperpod_operator.core.cluster.resource import ADOPTED, Resource
from hyperpod_operator.core.engine.memory import updated
from hyperpod_operator.core.observed import Observed, ObservedCluster


class Ownership(StrEnum):
    """OURS may be changed and deleted; FORMER and UNOWNED may be adopted by policy; OTHER is never touched."""

    OURS = "Ours"
    UNOWNED = "Unowned"
    FORMER = "Former"
    """Tagged by an earlier object of the same namespace and name in the same EKS cluster (deleted, restored)."""
    OTHER = "Other"
    RECORDED = "Recorded"
    """Tags not read in this pass; an earlier pass proved that this very ARN is ours. Enough to look, not to act."""
    UNREAD = "Unread"
    """Tags not read, and nothing proved yet."""


def ownership(*, resource: Resource, observed: Observed) -> Ownership:
    """Judge by the tags; without them, by what an earlier pass recorded about this ARN."""
    cluster = observed.cluster
    if observed.tags is None:
        status = resource.status
        same = cluster is not None and status.clusterArn == cluster.arn
        return Ownership.RECORDED if same and status.origin and was_owner(resource) else Ownership.UNREAD
    return _by_tags(resource=resource, tags=observed.tags)


def was_owner(resource: Resource) -> bool:
    """Whether an earlier pass read this very object's uid on a cluster: the status of another object says nothing."""
    return bool(resource.uid) and resource.status.remembered.ownerUid == resource.uid


def with_own_records(resource: Resource, *, cluster: ObservedCluster | None, found: Ownership) -> Resource:
    """The resource without records of groups and tags that are about another cluster, or another object's.

    The first pass over a cluster that is not ours forgets them. Until then nothing is announced or planned by them.
    """
    if cluster is None or found in {Ownership.OURS, Ownership.RECORDED, Ownership.UNREAD}:
        return resource
    if resource.status.clusterArn == cluster.arn and was_owner(resource):
        return resource  # its tags were taken off, or are not shown
    return replace(resource, status=updated(resource.status, {"instanceGroups": None, "appliedTagKeys": None}))


def is_adopted(tags: Mapping[str, str]) -> bool:
    """Whether the tags say that the cluster was there before us: provable from AWS even when status was lost."""
    return TAG_ADOPTED in tags


def was_there_before(*, resource: Resource, observed: Observed) -> bool:
    """Whether the cluster was adopted, by its tag or by what an earlier pass recorded of this very ARN.

    Either is enough: others can take the tag off, a status can be lost, and a cluster that somebody else made must
    survive both.
    """
    return is_adopted(observed.tags or {}) or recorded_as_adopted(resource=resource, cluster=observed.cluster)


def recorded_as_adopted(*, resource: Resource, cluster: ObservedCluster | None) -> bool:
    """Whether an earlier pass recorded that this very ARN was adopted."""
    status = resource.status
    return cluster is not None and status.origin == ADOPTED and status.clusterArn == cluster.arn


def _by_tags(*, resource: Resource, tags: Mapping[str, str]) -> Ownership:
    ours = resource.ownership_tags
    if tags.get(TAG_OWNER_UID) == resource.uid and tags.get(TAG_EKS_CLUSTER) == ours[TAG_EKS_CLUSTER]:
        return Ownership.OURS
    if TAG_OWNER_UID not in tags and TAG_OWNER not in tags:
        return Ownership.UNOWNED
    same_name = tags.get(TAG_OWNER) == ours[TAG_OWNER] and tags.get(TAG_EKS_CLUSTER) == ours[TAG_EKS_CLUSTER]
    return Ownership.FORMER if same_name else Ownership.OTHER
