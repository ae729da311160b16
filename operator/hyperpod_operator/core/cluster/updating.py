"""Policies that close the gaps of a cluster that is ours and at rest: members and groups, software, tags.

Each makes one call, and none waits for another that AWS refused.
"""

from dataclasses import replace

from hyperpod_operator.api.cluster.status import RejectedGroup
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster import requests
from hyperpod_operator.core.cluster.changes import Changes
from hyperpod_operator.core.cluster.compare import Change
from hyperpod_operator.core.cluster.decision import Act, ClusterSnapshot, Decision
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
    """Another image for existing groups: replaces root volumes, so it is a call and a message of its own.

    Groups that need calls of their own go one after another, first those that were not called for longest. One that AWS
    rolled back keeps no other from being made.
    """
    answers = _software_answers(snapshot)
    at_work = next((one for one in answers if isinstance(one, Wait) and one.settling), None)
    made = [entry.fingerprint for entry in snapshot.resource.status.operations or ()]
    acts = [one for one in answers if isinstance(one, Act)]
    acts.sort(key=lambda one: made.index(one.fingerprint) if one.fingerprint in made else -1)
    return at_work or next(iter(acts), None)


def software_held(snapshot: ClusterSnapshot) -> Wait | None:
    """Calls about software that are not made again yet, whatever is made of the others."""
    waits = [one for one in _software_answers(snapshot) if isinstance(one, Wait) and not one.settling]
    if not waits:
        return None
    return replace(
        waits[0],
        message=" ".join(dict.fromkeys(one.message for one in waits)),
        after=min(one.after for one in waits),
        undone=frozenset().union(*(one.undone for one in waits)),
    )


Open = tuple[tuple[str, Change], ...]


def _software_answers(snapshot: ClusterSnapshot) -> tuple[Decision, ...]:
    """Of each call that the groups need: the call, or why it waits."""
    waiting = snapshot.unapproved("UpdateClusterSoftware")
    due = tuple((name, change) for name, change in snapshot.changes.software if name not in waiting)
    answers: list[Decision] = []
    while due:
        answer, due = _update_software(snapshot, due)
        answers.append(answer)
    return tuple(answers)


def _update_software(snapshot: ClusterSnapshot, due: Open) -> tuple[Decision, Open]:
    """The call for the first group and all that can share it, or why it waits, and the groups that need others."""
    resource, changes = snapshot.resource, replace(snapshot.changes, software=due)
    action = requests.update_software(resource=resource, cluster=present(snapshot), changes=changes)
    carried = {group["instanceGroupName"] for group in action.request["instanceGroups"]}
    own = Changes(software=tuple((name, change) for name, change in due if name in carried))
    answer = act_once(
        replace(snapshot, changes=own),
        action=action,
        desired=requests.desired_software(resource, action),
        reason=Reason.UPDATING_SOFTWARE,
        message=f"UpdateClusterSoftware: {listed(own.lines())}.",
    )
    return answer, tuple((name, change) for name, change in due if name not in carried)


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
