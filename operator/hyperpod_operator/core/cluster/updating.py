"""Policies that close the gaps of a cluster that is ours and at rest: members and groups, software, tags.

Each makes one call, and none waits for another that AWS refused.
"""

from dataclasses import replace

from hyperpod_operator.api.cluster.status import RejectedGroup
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster import requests
from hyperpod_operator.core.cluster.decision import ClusterSnapshot, Decision
from hyperpod_operator.core.cluster.existing import present
from hyperpod_operator.core.cluster.guards import act_once
from hyperpod_operator.core.cluster.parts import left, rejected_parts, sendable
from hyperpod_operator.core.cluster.plan import AddTags, DeleteTags
from hyperpod_operator.core.cluster.tag_room import tags_do_not_fit
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.errors import SLOW
from hyperpod_operator.core.text import listed


def update(snapshot: ClusterSnapshot) -> Decision | None:
    """What was not refused; a group that was is left as AWS has it (see `parts`)."""
    if not snapshot.changes.needs_update:
        return None
    resource, chosen = snapshot.resource, sendable(snapshot)
    if not chosen:
        return None
    changes, untouched = snapshot.changes.only(chosen), snapshot.changed_parts.keys() - chosen
    return act_once(
        snapshot,
        action=requests.update(
            resource=resource, cluster=present(snapshot), changes=changes, untouched=frozenset(untouched)
        ),
        # A minimum that follows a count that is not ours is another wish when that count has grown.
        desired=[
            requests.wanted_members(resource),
            snapshot.changes.groups_removed,
            sorted(snapshot.changes.minimum_above_count),
            *([sorted(untouched)] if untouched else []),
            *([name, offset.value] for name, offset in sorted(snapshot.changes.offsets.items())),
        ],
        reason=Reason.UPDATING,
        message=f"UpdateCluster: {listed(changes.lines())}.",
    )


def groups_rejected(snapshot: ClusterSnapshot) -> Decision | None:
    """All else was sent; these groups wait for a person."""
    entries = rejected_parts(snapshot)
    if not snapshot.changes.needs_update or not entries:
        return None
    words = list(dict.fromkeys(entry.message or "" for entry in entries))
    return Wait(
        reason=_reason(entries[0]),
        message=" ".join(words),
        after=max(1.0, min(SLOW, *(left(snapshot, entry) for entry in entries))),
        stalled=True,
    )


def _reason(entry: RejectedGroup) -> Reason:
    """A word that another version stored is read as the commonest one."""
    return Reason(entry.reason) if entry.reason in set(Reason) else Reason.SPEC_REJECTED


def update_software(snapshot: ClusterSnapshot) -> Decision | None:
    """Another image for an existing group: replaces root volumes, so it is a call and a message of its own."""
    waiting = snapshot.unapproved("UpdateClusterSoftware")
    due = tuple((name, change) for name, change in snapshot.changes.software if name not in waiting)
    if not due:
        return None
    action = requests.update_software(
        resource=snapshot.resource, cluster=present(snapshot), changes=replace(snapshot.changes, software=due)
    )
    carried = {group["instanceGroupName"] for group in action.request["instanceGroups"]}
    gaps = listed([str(change) for name, change in due if name in carried])
    return act_once(
        snapshot,
        action=action,
        desired=action.request,
        reason=Reason.UPDATING_SOFTWARE,
        message=f"UpdateClusterSoftware: {gaps}.",
    )


# [assumption: fifty-tags]
def tags(snapshot: ClusterSnapshot) -> Decision | None:
    """Off before on: an exchange of many tags must never hold more than AWS's 50 in between."""
    changes, arn = snapshot.changes, present(snapshot).arn
    if changes.tags_removed and not snapshot.unapproved("DeleteTags"):
        return act_once(
            snapshot,
            action=DeleteTags(arn=arn, keys=changes.tags_removed),
            desired=changes.tags_removed,
            reason=Reason.UPDATING,
            message=f"DeleteTags: {', '.join(changes.tags_removed)}.",
        )
    if changes.tags_set and not snapshot.unapproved("AddTags"):
        return tags_do_not_fit(snapshot, changes.tags_set) or act_once(
            snapshot,
            action=AddTags(arn=arn, tags=changes.tags_set),
            desired=sorted(changes.tags_set.items()),
            reason=Reason.UPDATING,
            message=f"AddTags: {', '.join(sorted(changes.tags_set))}.",
        )
    return None
