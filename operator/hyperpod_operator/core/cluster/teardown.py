"""Policies for an object that is being deleted: the same pass, and the plan is the teardown.

The object is released only when AWS shows nothing of ours any more, or when policy or ownership say that what
is there stays. Nothing else lets go: a cluster that nobody watches keeps billing.
"""

from hyperpod_operator.api.names import ABANDON, OWNERSHIP_TAGS, Reason
from hyperpod_operator.core.cluster.diagnose import teardown_wedged
from hyperpod_operator.core.cluster.guards import age, guarded, untagged
from hyperpod_operator.core.cluster.living import present, region_refused
from hyperpod_operator.core.cluster.observed import Json, ObservedCluster
from hyperpod_operator.core.cluster.ownership import is_adopted
from hyperpod_operator.core.cluster.plan import DeleteCluster, DeleteTags, fingerprint
from hyperpod_operator.core.cluster.verdict import Situation, Verdict
from hyperpod_operator.core.engine.decision import Hold, Release
from hyperpod_operator.core.engine.journal import PENDING, CallState

NAMED = 3
"""Claims that a message names before it counts the rest."""


def never_served(situation: Situation) -> Verdict | None:
    """A region that is not served: nothing was ever made there, unless the installation changed since."""
    refused = region_refused(situation)
    last = situation.resource.status.last
    maybe = situation.resource.status.clusterArn or (last is not None and last.state in PENDING)
    if refused and not maybe:
        return Release(reason=Reason.RELEASED, message="Nothing was created in a Region that is not allowed.")
    return refused


# [assumption: reads-lag]
def sent(situation: Situation) -> Verdict | None:
    """DeleteCluster of this very cluster was accepted: whatever a late read still shows of it, nothing else is due.

    Its tags may be gone before DescribeCluster stops to show it, so they are not asked for.
    """
    cluster, last = situation.observed.cluster, situation.resource.status.last
    if cluster is None or last is None or last.state != CallState.ACCEPTED or situation.resource.requested_anew:
        return None
    if last.fingerprint != fingerprint(operation="DeleteCluster", wish=_wish(cluster)):
        return None
    if cluster.status == "Deleting":
        return under_way(situation)
    left = situation.timings.rest - age(last, now=situation.now)
    if left <= 0:
        return None
    message = f"DeleteCluster {cluster.name} was sent; the operator waits until AWS reports the cluster as Deleting."
    return Hold(reason=Reason.DELETING, message=message, after=min(left, situation.timings.poll))


def gone(situation: Situation) -> Verdict | None:
    if situation.observed.cluster:
        return None
    return Release(
        reason=Reason.DELETED, message=f"AWS has no cluster named {situation.resource.cluster_name} any more."
    )


def not_ours(situation: Situation) -> Verdict | None:
    if situation.owned:
        return None
    if untagged(situation):
        command = " ".join(f"Key={key},Value={value}" for key, value in situation.resource.ownership_tags.items())
        message = (
            f"{present(situation).arn} is recorded as owned and lacks its ownership tags: the operator neither "
            "deletes nor releases it. If this resource owns it, restore the tags (aws sagemaker add-tags "
            f"--resource-arn {present(situation).arn} --tags {command}); to keep it in AWS, set the annotation "
            f"{ABANDON}."
        )
        return Hold(
            reason=Reason.NOT_OWNED, message=message, after=situation.timings.deletion_confirmation, stalled=True
        )
    message = f"{present(situation).arn} does not have the ownership tags: the operator leaves it as it is."
    return Release(reason=Reason.RELEASED, message=message)


def paused(situation: Situation) -> Verdict | None:
    if not situation.resource.paused:
        return None
    message = (
        "Paused: the operator does not delete the cluster, and this resource stays. Set spec.management.paused to "
        "false to continue the deletion."
    )
    return Hold(reason=Reason.PAUSED, message=message, after=situation.timings.resync)


def retained(situation: Situation) -> Verdict | None:
    """The cluster stays: take our tags off, and the next pass lets go."""
    cluster = present(situation)
    if not _stays(situation):
        return None
    keys = tuple(key for key in OWNERSHIP_TAGS if key in (situation.observed.tags or {}))
    return guarded(
        situation,
        action=DeleteTags(arn=cluster.arn, keys=keys),
        wish=["retain", cluster.arn],
        reason=Reason.RELEASED,
        message=f"Deletion policy Retain: {cluster.arn} stays; removing the ownership tags.",
        urgent=True,
    )


def _stays(situation: Situation) -> bool:
    """By policy. Without one an adopted cluster stays: its tag proves that, whatever status remembers."""
    resource = situation.resource
    chosen = resource.spec.management.deletionPolicy if resource.spec.management else None
    tags = situation.observed.tags
    if chosen is not None or tags is None:
        return resource.deletion_policy == "Retain"
    return is_adopted(tags)


def under_way(situation: Situation) -> Verdict | None:
    cluster = present(situation)
    if cluster.status != "Deleting":
        return None
    wedge = teardown_wedged(situation.observed)
    if not wedge:
        left = "" if situation.observed.nodes is None else f" {len(situation.observed.nodes)} nodes are left."
        message = f"AWS is deleting the cluster.{left}"
        return Hold(reason=Reason.DELETING, message=message, after=situation.timings.poll)
    roles = ", ".join(sorted(_roles(cluster))) or "the groups' execution roles"
    message = (
        f"AWS cannot delete the nodes: {wedge} Restore the execution role ({roles}) with "
        "ec2:DeleteNetworkInterface and ec2:DeleteNetworkInterfacePermission; AWS then continues the deletion."
    )
    return Hold(reason=Reason.TEARDOWN_BLOCKED, message=message, after=situation.timings.poll, stalled=True)


def busy(situation: Situation) -> Verdict | None:
    """DeleteCluster is refused while AWS changes the cluster, except with continuous provisioning."""
    cluster = present(situation)
    if cluster.status in {"InService", "Failed"} or cluster.continuous:
        return None
    # [assumption: creating-cannot-be-deleted]
    message = (
        f"The cluster is {cluster.status}; AWS accepts the deletion only after that. The operator waits, then "
        "deletes it."
    )
    return Hold(reason=Reason.DELETING, message=message, after=situation.timings.poll)


def volumes_attached(situation: Situation) -> Verdict | None:
    """A volume cannot be detached from a cluster that is being deleted: the claims let go first."""
    claims = situation.attached_claims
    management = situation.resource.spec.management
    if not claims or (management is not None and management.attachedVolumes == "Orphan"):
        return None
    more = f" and {len(claims) - NAMED} more" if len(claims) > NAMED else ""
    message = (
        f"EBSVolumeClaims have volumes on nodes of this cluster: {', '.join(claims[:NAMED])}{more}. Deletion "
        "continues once these claims have detached their volumes: delete them, or set their spec.attachment.suspend "
        "to true. With spec.management.attachedVolumes: Orphan it does not wait, and the volumes stay, unattached."
    )
    return Hold(reason=Reason.VOLUMES_ATTACHED, message=message, after=situation.timings.poll, stalled=True)


def delete(situation: Situation) -> Verdict | None:
    cluster = present(situation)
    return guarded(
        situation,
        action=DeleteCluster(arn=cluster.arn),
        wish=_wish(cluster),
        reason=Reason.DELETING,
        message=f"DeleteCluster {cluster.name} ({cluster.arn}).",
        urgent=True,
    )


def _wish(cluster: ObservedCluster) -> Json:
    return ["delete", cluster.arn]


def _roles(cluster: ObservedCluster) -> set[str]:
    return {str(group.members["executionRole"]) for group in cluster.groups if group.members.get("executionRole")}
