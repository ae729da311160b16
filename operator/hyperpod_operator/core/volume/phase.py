"""One word for `kubectl get`: what is going on. Made for people; no decision reads it."""

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.volume.ending import Ending
from hyperpod_operator.core.volume.holding import Held, holding
from hyperpod_operator.core.volume.story import Story

BY_REASON = {
    Reason.VOLUME_LOST: "Lost",
    Reason.VOLUME_FAILED: "Failed",
    Reason.CREATING_VOLUME: "Creating",
    Reason.ATTACHING: "Attaching",
    Reason.STUCK_ATTACHING: "Attaching",
    Reason.DETACHING: "Detaching",
    Reason.DETACH_BLOCKED: "Detaching",
    Reason.NODE_LOST: "Detaching",
    Reason.SNAPSHOTTING: "Snapshotting",
    Reason.SNAPSHOT_FAILED: "Failed",
    Reason.DELETING_VOLUME: "Deleting",
    Reason.RELEASING: "Released",
    Reason.RELEASED: "Released",
    Reason.DELETED: "Deleting",
    Reason.UNPUBLISHING: "Detaching",
}


def phase(story: Story, end: Ending) -> str | None:
    """The reason tells while something is under way; at rest AWS's picture does."""
    claim, volume = story.situation.claim, story.situation.volume
    if story.blind:
        return claim.status.phase
    if end.reason in BY_REASON:
        return BY_REASON[end.reason]
    if claim.deleting:
        return "Deleting"
    if volume is None:
        return "Pending"
    if end.reason is Reason.MODIFYING:
        return "Modifying"
    where = holding(story.situation)
    attached = isinstance(where, Held) and where.state == "attached"
    return "Attached" if attached else "Available"
