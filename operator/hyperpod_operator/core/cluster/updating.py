"""Policies that close the gaps of a cluster that is ours and at rest: members and groups, software, tags.

Each makes one call, and none waits for another that AWS refused.
"""

from hyperpod_operator.api.names import Reason
from hyperpod_operator.api.status import RejectedGroup
from hyperpod_operator.core.cluster import requests
from hyperpod_operator.core.cluster.guards import guarded
from hyperpod_operator.core.cluster.living import listed, present
from hyperpod_operator.core.cluster.parts import left, rejected_parts, sendable
from hyperpod_operator.core.cluster.plan import AddTags, DeleteTags
from hyperpod_operator.core.cluster.verdict import Situation, Verdict
from hyperpod_operator.core.engine.decision import Hold
from hyperpod_operator.core.errors import SLOW


def update(situation: Situation) -> Verdict | None:
    """What was not refused; a group that was is left as AWS has it (see `parts`)."""
    if not situation.changes.needs_update:
        return None
    resource, chosen = situation.resource, sendable(situation)
    if not chosen:
        return None
    changes, untouched = situation.changes.only(chosen), situation.changed_parts.keys() - chosen
    return guarded(
        situation,
        action=requests.update(
            resource=resource, cluster=present(situation), changes=changes, untouched=frozenset(untouched)
        ),
        # A minimum that follows a count that is not ours is another wish when that count has grown.
        wish=[
            requests.wanted_members(resource),
            situation.changes.groups_removed,
            sorted(situation.changes.minimum_above_count),
            *([sorted(untouched)] if untouched else []),
            *([name, offset.value] for name, offset in sorted(situation.changes.offsets.items())),
        ],
        reason=Reason.UPDATING,
        message=f"UpdateCluster: {listed(changes.lines())}.",
    )


def groups_rejected(situation: Situation) -> Verdict | None:
    """All else was sent; these groups wait for a person."""
    entries = rejected_parts(situation)
    if not situation.changes.needs_update or not entries:
        return None
    words = list(dict.fromkeys(entry.message or "" for entry in entries))
    return Hold(
        reason=_reason(entries[0]),
        message=" ".join(words),
        after=max(1.0, min(SLOW, *(left(situation, entry) for entry in entries))),
        stalled=True,
    )


def _reason(entry: RejectedGroup) -> Reason:
    """A word that another version stored is read as the commonest one."""
    return Reason(entry.reason) if entry.reason in set(Reason) else Reason.SPEC_REJECTED


def update_software(situation: Situation) -> Verdict | None:
    """Another image for an existing group: replaces root volumes, so it is a call and a message of its own."""
    if not situation.changes.software:
        return None
    action = requests.update_software(
        resource=situation.resource, cluster=present(situation), changes=situation.changes
    )
    gaps = listed([str(change) for _, change in situation.changes.software])
    return guarded(
        situation,
        action=action,
        wish=action.request,
        reason=Reason.UPDATING_SOFTWARE,
        message=f"UpdateClusterSoftware: {gaps}.",
    )


# [assumption: fifty-tags]
def tags(situation: Situation) -> Verdict | None:
    """Off before on: an exchange of many tags must never hold more than AWS's 50 in between."""
    changes, arn = situation.changes, present(situation).arn
    if changes.tags_removed:
        return guarded(
            situation,
            action=DeleteTags(arn=arn, keys=changes.tags_removed),
            wish=changes.tags_removed,
            reason=Reason.UPDATING,
            message=f"DeleteTags: {', '.join(changes.tags_removed)}.",
        )
    if changes.tags_set:
        return guarded(
            situation,
            action=AddTags(arn=arn, tags=changes.tags_set),
            wish=sorted(changes.tags_set.items()),
            reason=Reason.UPDATING,
            message=f"AddTags: {', '.join(sorted(changes.tags_set))}.",
        )
    return None
