"""A cluster that exists and is not known to be ours: left alone, or adopted by policy after an announcement."""

from collections.abc import Mapping

from hyperpod_operator.api.names import ABANDON, TAG_ADOPTED, TAG_EKS_CLUSTER, TAG_OWNER, TAG_OWNER_UID, Reason
from hyperpod_operator.core.cluster.decision import Act, ClusterSnapshot, Decision
from hyperpod_operator.core.cluster.diff import GOING
from hyperpod_operator.core.cluster.existing import afterwards, busy, fixed_members_differ, present
from hyperpod_operator.core.cluster.guards import restoring, untagged
from hyperpod_operator.core.cluster.left_alone import left_alone
from hyperpod_operator.core.cluster.missing import asked_to_delete
from hyperpod_operator.core.cluster.ownership import Ownership, was_owner
from hyperpod_operator.core.cluster.plan import AddTags
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.cluster.sent_tags import pending
from hyperpod_operator.core.cluster.tag_room import tags_do_not_fit
from hyperpod_operator.core.engine.call import fingerprint
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.errors import SLOW
from hyperpod_operator.core.moments import parse_time
from hyperpod_operator.core.text import listed


def not_ours(snapshot: ClusterSnapshot) -> Decision | None:
    """A cluster of this name that we did not make: adopt it by policy, or leave it alone."""
    if snapshot.owned:
        return None
    if (lost := _lost_tags(snapshot)) is not None:
        return lost
    if snapshot.ownership is Ownership.FORMER and was_owner(snapshot.resource):
        return _taken(snapshot)
    if present(snapshot).status == GOING:
        return _makes_room(snapshot)
    adoptable = snapshot.ownership in {Ownership.UNOWNED, Ownership.FORMER}
    if not adoptable or not snapshot.resource.adopts:
        return _refuse_ownership(snapshot, adoptable=adoptable)
    if snapshot.observed.elsewhere:
        return _of_another_control_plane(snapshot)
    if snapshot.resource.paused:
        message = (
            "Paused: the operator does not adopt the existing cluster. Set spec.management.paused to false to adopt it."
        )
        return Wait(reason=Reason.PAUSED, message=message, after=snapshot.timings.resync)
    return (
        busy(snapshot)
        or fixed_members_differ(snapshot)
        or adoption_not_shown(snapshot)
        or tags_do_not_fit(snapshot, {**snapshot.resource.ownership_tags, TAG_ADOPTED: "true"})
        or _adopt(snapshot)
    )


def _held(message: str) -> Wait:
    """Not ours: nothing is changed until a person acts."""
    return Wait(reason=Reason.NOT_OWNED, message=message, after=SLOW, stalled=True)


def _lost_tags(snapshot: ClusterSnapshot) -> Wait | None:
    """It is this object's by all that was seen of it, and tags that prove it are gone: nobody took it over."""
    resource, cluster = snapshot.resource, present(snapshot)
    adopted = snapshot.ownership is Ownership.UNOWNED and resource.adopts
    if adopted or cluster.status == GOING or not was_owner(resource) or not untagged(snapshot):
        return None
    message = (
        f"{cluster.arn} has lost its ownership tags, which the operator did not remove: it "
        f"neither changes nor deletes the cluster. To continue, restore the tags: {restoring(snapshot, cluster)}"
    )
    return _held(message)


def _makes_room(snapshot: ClusterSnapshot) -> Wait:
    """AWS deletes it: there is nothing to adopt, and nothing for a person to do; the name will be free."""
    cluster, resource = present(snapshot), snapshot.resource
    what = (
        f"A cluster named {cluster.name} exists ({cluster.arn}) and {_whose(resource, snapshot.observed.tags or {})}; "
        "AWS is deleting it."
    )
    if resource.paused:
        message = f"Paused: {what} Set spec.management.paused to false to have this one created when that is gone."
        return Wait(reason=Reason.PAUSED, message=message, after=snapshot.timings.resync)
    known = resource.status.clusterStatus and not asked_to_delete(resource)
    then = afterwards(resource) if known else "When it is gone, the operator continues with the creation of this one."
    return Wait(reason=Reason.DELETING, message=f"{what} {then}", after=snapshot.timings.poll)


def _refuse_ownership(snapshot: ClusterSnapshot, *, adoptable: bool) -> Wait:
    cluster = present(snapshot)
    whose = _whose(snapshot.resource, snapshot.observed.tags or {})
    way = (
        "set spec.management.adoptionPolicy to IfUnowned to adopt it, or delete this resource and create one with "
        "another name"
        if adoptable
        else "delete this resource and create one with another name. To take over the cluster, have its owner release "
        "it first: delete that resource with spec.management.deletionPolicy: Retain; without it the cluster is deleted "
        "too. If that resource is gone, docs/adoption.md has the way"
    )
    message = (
        f"A cluster named {cluster.name} exists ({cluster.arn}) and {whose}: the operator neither changes nor "
        f"deletes it, even if you delete this resource. To continue, {way}."
    )
    return _held(message)


def _of_another_control_plane(snapshot: ClusterSnapshot) -> Wait:
    """An object of this name that lives elsewhere, and a copy of it from a backup here: by its policy Delete the end of
    the copy would delete the cluster."""
    cluster, tags = present(snapshot), snapshot.observed.tags or {}
    message = (
        f"{cluster.arn} {_whose(snapshot.resource, tags)}. This operator serves the API of another EKS cluster than "
        f"{snapshot.resource.eks_cluster_arn}, so that object may exist there, and this one be a copy of it from a "
        "backup: the operator neither changes nor deletes the cluster. If it is a copy, delete this one. If that "
        f"object is gone, remove the tags {TAG_OWNER_UID} and {TAG_OWNER} from the cluster; this one then adopts it."
    )
    return _held(message)


def _taken(snapshot: ClusterSnapshot) -> Wait:
    """It was ours, and another object of this name has it now: a newer one, or one of another installation. Two that
    adopt would take it from each other without end."""
    cluster, tags = present(snapshot), snapshot.observed.tags or {}
    message = (
        f"Another HyperPodCluster {snapshot.resource.key} (uid {tags.get(TAG_OWNER_UID) or 'unknown'}) took "
        f"{cluster.arn} over, in another control plane or from a backup. The operator neither changes nor deletes the "
        "cluster for this object and does not take it back. Delete one of the two objects. To have this one own the "
        f"cluster, delete the other one with the annotation {ABANDON}, then delete this one and apply it again with "
        "spec.management.adoptionPolicy: IfUnowned."
    )
    return _held(message)


def _whose(resource: Resource, tags: Mapping[str, str]) -> str:
    """The owner that the tags name, told apart from this very object and from earlier ones of its name."""
    owner, eks, uid = tags.get(TAG_OWNER), tags.get(TAG_EKS_CLUSTER, ""), tags.get(TAG_OWNER_UID)
    if owner is None and uid is None:
        return "carries no ownership tags"
    here, same_eks = resource.ownership_tags, eks == resource.ownership_tags[TAG_EKS_CLUSTER]
    if uid == resource.uid:
        return f"was made by this object for {eks or 'an EKS cluster that its tags do not name'}"
    if owner == here[TAG_OWNER] and same_eks:
        return f"belongs to an earlier object of this name in this namespace (uid {uid or 'unknown'})"
    where = f"on {eks or 'another EKS cluster'}" if not same_eks else "of this EKS cluster"
    return f"belongs to {owner or f'the object with uid {uid}'} {where}"


def adoption_not_shown(snapshot: ClusterSnapshot) -> Wait | None:
    """AWS accepted our ownership tags a moment ago: announcing and adding them again would change nothing."""
    sent = pending(snapshot.resource, now=snapshot.now)
    if not any(tag.key == TAG_OWNER_UID and tag.value == snapshot.resource.uid for tag in sent):
        return None
    message = (
        "AWS accepted the ownership tags and does not return them yet. The operator waits for them, for at most 10 min."
    )
    return Wait(reason=Reason.SETTLING, message=message, after=snapshot.timings.poll)


def _adopt(snapshot: ClusterSnapshot) -> Decision:
    """Say first, wait, then take over; what is announced is what will be changed afterwards."""
    cluster, resource = present(snapshot), snapshot.resource
    mark = fingerprint(operation="Adopt", desired=[cluster.arn, snapshot.changes.lines()])
    announced = resource.status.adoption
    since = parse_time(announced.announcedAt or "") if announced and announced.fingerprint == mark else None
    waited = (snapshot.now - since).total_seconds() if since else 0.0
    left = snapshot.timings.adoption_notice - waited
    if since and left <= 0:
        tags = {**resource.ownership_tags, TAG_ADOPTED: "true"}
        return Act(
            action=AddTags(arn=cluster.arn, tags=tags),
            fingerprint=mark,
            reason=Reason.ADOPTED,
            message=f"Adopting {cluster.arn}: setting the ownership tags.",
        )
    gaps, kept = snapshot.changes.lines(), left_alone(snapshot)
    message = (
        f"Adopting {cluster.arn} in {snapshot.timings.adoption_notice:.0f} s. "
        + (f"Changes: {listed(gaps)}." if gaps else "Only its tags change.")
        + (f" Left as they are: {listed(kept)}." if kept else "")
        + " Set spec.management.paused to true to prevent it."
    )
    return Wait(reason=Reason.ADOPTION_ANNOUNCED, message=message, after=max(left, 1.0))
