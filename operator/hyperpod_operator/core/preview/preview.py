"""The preview of one cluster: the planned calls, and what of them cannot be known.

The operator decides by the spec, by what AWS shows, by the cluster's tags, and by what the status of the object
remembers. Whoever previews may lack access to some of these. What then stays open is listed and never guessed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from hyperpod_operator.api.names import TAG_EKS_CLUSTER, TAG_OWNER, TAG_OWNER_UID, Reason
from hyperpod_operator.core.cluster.changes import group_of
from hyperpod_operator.core.cluster.concerns import decide, situate
from hyperpod_operator.core.cluster.decision import ClusterSnapshot, Conclusion
from hyperpod_operator.core.cluster.existing import fixed_members_differ
from hyperpod_operator.core.cluster.failed_creation import has_served
from hyperpod_operator.core.cluster.left_alone import left_alone
from hyperpod_operator.core.cluster.ownership import Ownership, was_there_before
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.engine.call import PlannedCall
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.observed import Observed
from hyperpod_operator.core.plan.gate import ChangePolicy
from hyperpod_operator.core.plan.model import Plan
from hyperpod_operator.core.plan.plan import plan_of
from hyperpod_operator.core.preview.model import BEING_DELETED, Preview, Sight

BLOCKING = frozenset(
    {
        Reason.CLUSTER_FAILED,
        Reason.CREATE_FAILED,
        Reason.IMMUTABLE_DIFFERS,
        Reason.NOT_OWNED,
        Reason.REGION_NOT_ALLOWED,
        Reason.TOO_MANY_TAGS,
        Reason.WRONG_ACCOUNT_OR_REGION,
    }
)
"""Reasons with which the operator carries out nothing of a manifest until a person acts."""
SAID = frozenset({Reason.PAUSED, Reason.PLAN_ONLY, Reason.WAITING_FOR_APPROVAL, Reason.PLAN_STALE})
"""Reasons of waits that a note of its own is about, in fewer words."""
AT_REST, FAILED = "InService", "Failed"
OWN_TAGS = frozenset({TAG_OWNER, TAG_OWNER_UID, TAG_EKS_CLUSTER})


def preview(snapshot: ClusterSnapshot, observed: Observed, *, sight: Sight) -> Preview:
    """`snapshot` has the resource with the spec of the manifest and the place; `observed` is what AWS shows."""
    resource = snapshot.resource if sight.memory else as_owner(snapshot.resource, observed.tags)
    seen = situate(replace(snapshot, resource=resource), observed)
    decision = decide(seen)
    blocked = decision.message if isinstance(decision, Wait) and decision.reason in BLOCKING else ""
    fixed = None if blocked or resource.deleting else fixed_members_differ(seen)
    if isinstance(fixed, Wait):
        blocked = fixed.message  # a cluster that is busy now, or paused, changes nothing about it
    if blocked and not sight.memory and _may_have_served(seen):
        blocked = ""  # whether it ever was in service decides, and the status alone says that
    if observed.cluster is not None and observed.tags is None:
        # What differs is a fact, whoever may change it.
        seen = replace(seen, ownership=Ownership.RECORDED)
    plan = plan_of(seen)
    calls = () if blocked else plan.calls
    return Preview(
        name=str(resource.key),
        cluster_name=resource.cluster_name,
        region=seen.here.region,
        exists=observed.cluster is not None,
        calls=calls,
        waiting=frozenset(plan.waiting if calls else ()),
        blocked=blocked,
        notes=() if blocked else tuple(_notes(seen, plan, decision)),
        unknown=() if blocked else (*sight.refused, *(() if sight.memory else _not_remembered(seen))),
        unchanged=tuple(_unchanged(seen, calls)),
    )


def as_owner(resource: Resource, tags: Mapping[str, str] | None) -> Resource:
    """The resource with the uid that the tags give to the object of its namespace, name and EKS cluster.

    The uid of an object is in the API server alone. Tags that name the object are taken for those of this one.
    """
    ours = resource.ownership_tags
    named = tags is not None and all(tags.get(key) == ours[key] for key in (TAG_OWNER, TAG_EKS_CLUSTER))
    return replace(resource, uid=tags.get(TAG_OWNER_UID, "")) if named and tags is not None else resource


def _may_have_served(seen: ClusterSnapshot) -> bool:
    """Whether AWS alone does not tell if a Failed cluster is more than the remains of a creation."""
    cluster = seen.observed.cluster
    return cluster is not None and cluster.status == FAILED and not has_served(seen)


def _notes(seen: ClusterSnapshot, plan: Plan, decision: Conclusion) -> Iterator[str]:
    cluster = seen.observed.cluster
    if seen.resource.deleting:
        yield BEING_DELETED
    if cluster is not None and cluster.status != AT_REST:
        after = f": {decision.message}" if isinstance(decision, Wait) and decision.reason not in SAID else ""
        yield f"AWS reports the cluster as {cluster.status}{after}"
    elif isinstance(decision, Wait) and decision.stalled and plan.calls and decision.reason not in SAID:
        yield f"The operator waits: {decision.message}"
    if seen.resource.paused:
        yield "spec.management.paused is true: the operator sends nothing"
    elif waiting := len(plan.waiting):
        if plan.policy is ChangePolicy.PLAN_ONLY:
            yield "spec.management.changePolicy is PlanOnly: the operator sends none of these calls but ownership tags"
        else:
            yield f"spec.management.changePolicy is {plan.policy}: {waiting} of these calls wait for an approval"
    yield from (f"Left as it is: {words}" for words in left_alone(seen))
    for name in seen.changes.protected_groups:
        yield f"Left as it is: group {name} is not in the spec any more, and is protected from deletion"


def _not_remembered(seen: ClusterSnapshot) -> Iterator[str]:
    """What depends on the status of an object that could not be read."""
    cluster, tags = seen.observed.cluster, seen.observed.tags or {}
    if cluster is None:
        if not seen.resource.recreates_deleted:
            yield (
                "whether there was a cluster before: if others deleted it in AWS, the operator creates it only after "
                "an approval (spec.management.onExternalDelete); the status of the object says that"
            )
        return
    if not seen.owned:
        return
    if _may_have_served(seen):
        yield (
            "what the operator does about the Failed cluster: that depends on whether it ever was in service; the "
            "status of the object says that"
        )
    for change in seen.changes.scaled_outside:
        yield (
            f"instanceCount of group {group_of(change)}: the operator lowers it from {change.observed} to "
            f"{change.wanted} if an earlier spec asked for more; the status of the object says that"
        )
    adopted = was_there_before(resource=seen.resource, observed=seen.observed)
    for name in () if adopted else seen.changes.unknown_groups:
        yield f"group {name}: the operator deletes it if it created it; the status of the object says that"
    others = sorted(key for key in tags if key not in seen.resource.wanted_tags and not _is_own(key))
    if others:
        yield f"tags {', '.join(others)}: the operator removes those that an earlier spec set; the status says which"


def _is_own(key: str) -> bool:
    return key in OWN_TAGS or key.partition("/")[0] == TAG_OWNER.partition("/")[0] or key.lower().startswith("aws:")


def _unchanged(seen: ClusterSnapshot, calls: tuple[PlannedCall, ...]) -> Iterator[str]:
    """Groups of the spec that AWS has and that no call changes."""
    touched = {change.path.partition(".")[0].partition("[")[2].rstrip("]") for call in calls for change in call.changes}
    for group in sorted(seen.observed.cluster.groups if seen.observed.cluster else (), key=lambda one: one.name):
        if group.name in seen.resource.groups and group.name not in touched:
            yield f"{group.name}: {group.current_count}/{group.target_count} nodes"
