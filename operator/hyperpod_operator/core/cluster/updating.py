"""Policies that close the gaps of a cluster that is ours and at rest: members and groups, software, tags.

Each makes one call, and none waits for another that AWS refused.
"""

from collections.abc import Set
from dataclasses import replace

from hyperpod_operator.api.cluster.status import RejectedGroup
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster import requests
from hyperpod_operator.core.cluster.compare import Change
from hyperpod_operator.core.cluster.decision import Act, ClusterSnapshot, Decision
from hyperpod_operator.core.cluster.existing import present
from hyperpod_operator.core.cluster.guards import SOFTWARE_WENT_BACK, act_once, shown_back
from hyperpod_operator.core.cluster.parts import left, rejected_parts, sendable
from hyperpod_operator.core.cluster.plan import SOFTWARE, AddTags, DeleteTags
from hyperpod_operator.core.cluster.tag_room import tags_do_not_fit
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.engine.journal import CallState, age, entry_of
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

    Groups that need calls of their own go one after another. One that AWS rolled back keeps no other from being made.
    """
    waiting = snapshot.unapproved("UpdateClusterSoftware")
    due = tuple((name, change) for name, change in snapshot.changes.software if name not in waiting)
    answers: list[Decision] = []
    while due:
        answer, due = _update_software(snapshot, due)
        answers.append(answer)
    last = entry_of(snapshot.resource.status.operations, SOFTWARE)
    acts = [one for one in answers if isinstance(one, Act)]
    others = [one for one in acts if last is None or one.fingerprint != last.fingerprint]
    at_work = [one for one in answers if isinstance(one, Wait) and one.settling]
    return next(iter([*at_work, *others, *acts, *answers]), None)


Open = tuple[tuple[str, Change], ...]


def _update_software(snapshot: ClusterSnapshot, due: Open) -> tuple[Decision, Open]:
    """The call for the first group and all that can share it, or why it waits, and the groups that need others."""
    resource, changes = snapshot.resource, replace(snapshot.changes, software=due)
    action = requests.update_software(resource=resource, cluster=present(snapshot), changes=changes)
    carried = {group["instanceGroupName"] for group in action.request["instanceGroups"]}
    gaps = listed([str(change) for name, change in due if name in carried])
    answer = act_once(
        snapshot,
        action=action,
        desired=requests.desired_software(resource, action),
        reason=Reason.UPDATING_SOFTWARE,
        message=f"UpdateClusterSoftware: {gaps}.",
    )
    left = tuple((name, change) for name, change in due if name not in carried)
    return _after_another(snapshot, answer, carried) or answer, left


# [assumption: software-update-words]
def _after_another(snapshot: ClusterSnapshot, answer: Decision, carried: Set[str]) -> Wait | None:
    """Groups that went back are not tried again right after another call that AWS rolled back: each try restarts nodes.

    The journal has the last call alone, so two that fail would follow each other without a pause.
    """
    resource = snapshot.resource
    last = entry_of(resource.status.operations, SOFTWARE)
    if last is None or not isinstance(answer, Act) or answer.fingerprint == last.fingerprint:
        return None
    groups = [group for group in present(snapshot).groups if group.name in carried]
    failed = sorted(group.name for group in groups if group.software_update_status in SOFTWARE_WENT_BACK)
    now_back = last.state == CallState.ACCEPTED and shown_back(snapshot, last, beside=carried)
    if (
        not failed
        or resource.edited
        or resource.requested_anew
        or not (now_back or last.state == CallState.ROLLED_BACK)
    ):
        return None
    pause = snapshot.timings.rollback_backoff
    left = pause if now_back else pause - age(last, now=snapshot.now)
    if left <= 0:
        return None
    message = (
        f"AWS rolled back the software of {listed(failed, separator=', ', rest=' ')}, and that of other groups after "
        f"it. The operator retries after {pause / 60:.0f} min; an edit of the spec or the annotation "
        "hyperpod-operator.dev/reconcile-requested-at ends the wait."
    )
    undone = last.concern or ""
    return Wait(reason=Reason.UPDATE_ROLLED_BACK, message=message, after=left, stalled=True, undone=undone)


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
