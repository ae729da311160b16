"""Policies for a claim that is being deleted: close the door, detach, snapshot, then delete or let go.

Each step waits for the one before to be seen. A volume is deleted only if AWS shows our tag on it in this very
pass and we made it (or its owner consented); everything else is left as it is, without our tags.
"""

from hyperpod_operator.api import names
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.engine.decision import RemoveFinalizer, Wait
from hyperpod_operator.core.engine.journal import PENDING, age, entry_of
from hyperpod_operator.core.text import listed
from hyperpod_operator.core.volume import tags
from hyperpod_operator.core.volume.adoption import unproved
from hyperpod_operator.core.volume.attachment import (
    busy,
    closed,
    elsewhere,
    just_sent,
    lost_node,
    overdue,
    relabel,
)
from hyperpod_operator.core.volume.attachment import detach as detach_from
from hyperpod_operator.core.volume.claim import CREATED
from hyperpod_operator.core.volume.decision import Act, ClaimSnapshot, Decision
from hyperpod_operator.core.volume.guards import act_once, since
from hyperpod_operator.core.volume.holding import Foreign, Free, Held, holding, unanswered
from hyperpod_operator.core.volume.identity import slow_creation, too_long
from hyperpod_operator.core.volume.plan import (
    CreateTags,
    DeleteTags,
    DeleteVolume,
    DropLease,
    RemovePV,
    RemovePVC,
)
from hyperpod_operator.core.volume.ports import Volume
from hyperpod_operator.core.volume.reclaim import goes
from hyperpod_operator.core.volume.transit import detaching, on_the_way


def paused(snapshot: ClaimSnapshot) -> Decision | None:
    if not snapshot.claim.paused:
        return None
    message = (
        "Paused: the operator changes nothing, and this claim stays. Set spec.management.paused to false to continue."
    )
    return Wait(reason=Reason.PAUSED, message=message, after=snapshot.timings.resync)


def pods(snapshot: ClaimSnapshot) -> Decision | None:
    found = snapshot.observed.pods
    if not found or snapshot.claim.force_delete:
        return None
    where = holding(snapshot)
    lost = isinstance(where, Held) and not snapshot.observed.alive(where.instance_id)
    message = (
        f"Pods use the volume: {listed(found, most=3, separator=', ', rest=' ')}. "
        f"Delete them{' with --force, because AWS has terminated their node' if lost else ''}, or annotate this claim "
        f"with {names.FORCE_DELETE}={snapshot.claim.key.name} to continue regardless."
    )
    return Wait(reason=Reason.IN_USE, message=message, after=snapshot.timings.poll, stalled=overdue(snapshot))


def persistent_volume_claim(snapshot: ClaimSnapshot) -> Decision | None:
    found = snapshot.observed.persistent_volume_claim
    if found is None or found.claim_uid != snapshot.claim.uid:
        return None
    if found.deleting and snapshot.claim.force_delete:
        return None  # Kubernetes keeps it for the very pods that are to be disregarded; it goes when they end
    if found.deleting:
        message = f"PersistentVolumeClaim {found.name} is being deleted; a pod still uses it."
        return Wait(reason=Reason.UNPUBLISHING, message=message, after=snapshot.timings.poll)
    step = RemovePVC(namespace=snapshot.claim.key.namespace, name=found.name, uid=found.uid)
    return Act(step=step, reason=Reason.UNPUBLISHING, message=f"Deleting PersistentVolumeClaim {found.name}.")


def persistent_volume(snapshot: ClaimSnapshot) -> Decision | None:
    found = snapshot.observed.persistent_volume
    if found is None or found.claim_uid != snapshot.claim.uid:
        return None
    if found.deleting and snapshot.claim.force_delete:
        return None
    if found.deleting:
        message = (
            f"PersistentVolume {found.name} is being deleted; a PersistentVolumeClaim is bound to it: delete that one."
        )
        return Wait(reason=Reason.UNPUBLISHING, message=message, after=snapshot.timings.poll)
    step = RemovePV(name=found.name, uid=found.uid)
    return Act(step=step, reason=Reason.UNPUBLISHING, message=f"Deleting PersistentVolume {found.name}.")


def node_label(snapshot: ClaimSnapshot) -> Decision | None:
    return relabel(snapshot)


def not_visible_yet(snapshot: ClaimSnapshot) -> Decision | None:
    """A volume may have been made that EC2 does not show yet: without waiting it would be left behind for ever. Each
    repetition of the call may be the one that makes it."""
    claim, creation = snapshot.claim, snapshot.claim.status.remembered.creation
    if snapshot.volume is not None or creation is None or creation.outcome not in PENDING:
        return None
    last = entry_of(claim.status.operations, "Volume")
    again = age(last, now=snapshot.now) if last is not None and last.operation == "CreateVolume" else float("inf")
    left = snapshot.timings.unseen - min(since(creation.time, now=snapshot.now), again)
    if left <= 0:
        return None
    message = (
        "CreateVolume was sent, and AWS may return its volume late. This claim stays until the operator has seen "
        f"it, for {snapshot.timings.unseen / 60:.0f} minutes at most."
    )
    return Wait(reason=Reason.AWAITING_VISIBILITY, message=message, after=min(left, snapshot.timings.poll))


def not_ours(snapshot: ClaimSnapshot) -> Decision | None:
    """Nothing there, or nothing that carries our tag: AWS is left alone. Where status says that it is ours and nothing
    shows who took the tag off, the claim stays: status proves nothing for a change, and is reason enough not to end."""
    volume = snapshot.volume
    gone = volume is None or volume.state == "deleted"
    if volume is not None and not gone:
        if tags.ours(snapshot):
            return None
        if _untagged(snapshot, volume):
            return unproved(snapshot, volume)
    return lease(snapshot) or _released(snapshot, gone=gone)


def _untagged(snapshot: ClaimSnapshot, volume: Volume) -> bool:
    """Whether the volume was this claim's, carries nobody's tag, and was not released by this claim."""
    recorded, claim = snapshot.claim.status.ownership, snapshot.claim
    had = claim.origin == CREATED or (recorded is not None and recorded.tag == claim.uid)
    released = volume.tags.get(names.TAG_RELEASED) == claim.owner
    return had and not released and not tags.other_claim(snapshot)


def csi(snapshot: ClaimSnapshot) -> Decision | None:
    """The CSI driver detaches by itself once nothing uses its PersistentVolume. In other modes it has the volume by
    what somebody else made: that data is not deleted under it."""
    volume, users = snapshot.volume, snapshot.observed.csi_users
    if volume is None or not goes(snapshot):
        return None
    named = listed(users, most=5, separator=", ", rest=" ")
    if snapshot.claim.mode != "CSI" and users:
        message = (
            f"{volume.volume_id} is in use by the EBS CSI driver ({named}). Delete these, or set reclaimPolicy: "
            "Retain; the operator then continues."
        )
        return Wait(reason=Reason.CSI_OWNED, message=message, after=snapshot.timings.watch, stalled=True)
    if snapshot.claim.mode != "CSI" or (volume.state == "available" and not users):
        return None
    by = f" ({named})" if users else ""
    message = f"The CSI driver still uses {volume.volume_id}{by}; waiting until it has detached it."
    return Wait(reason=Reason.DETACHING, message=message, after=snapshot.timings.poll)


def detach(snapshot: ClaimSnapshot) -> Decision | None:
    """What we attached comes off. What others attached stays, and keeps a volume from being deleted."""
    claim, where = snapshot.claim, holding(snapshot)
    if claim.mode == "CSI":
        return None
    if isinstance(where, Free):
        return just_sent(snapshot) or _may_come(snapshot)
    if isinstance(where, Foreign) or not where.ours:
        who = where.who if isinstance(where, Foreign) else where.instance_id
        return elsewhere(snapshot, who) if goes(snapshot) else None
    return _come_off(snapshot, where)


# [assumption: no-answer-leaves-outcome-open]
def _may_come(snapshot: ClaimSnapshot) -> Wait | None:
    """An attach without an answer may still be carried out: of a claim that is gone, nobody would detach it."""
    lost = unanswered(snapshot)
    left = snapshot.timings.unseen - age(lost, now=snapshot.now)
    if lost is None or left <= 0:
        return None
    message = (
        "AttachClusterNodeVolume was sent and not answered, and AWS may still carry it out. This claim stays for "
        f"{snapshot.timings.unseen / 60:.0f} minutes after the call, to detach the volume then. Nothing to do."
    )
    return Wait(reason=Reason.ATTACHING, message=message, after=min(left, snapshot.timings.poll))


def _come_off(snapshot: ClaimSnapshot, where: Held) -> Decision:
    if where.state == "detaching":
        return detaching(snapshot, where)
    if lost := lost_node(snapshot):
        return lost
    if where.state == "attaching" and (transit := on_the_way(snapshot)):
        return transit
    return (
        pods(snapshot)
        or closed(snapshot)
        or busy(snapshot, where)
        or detach_from(snapshot, where, reason=Reason.DETACHING, why="the claim is deleted")
    )


def delete(snapshot: ClaimSnapshot) -> Decision | None:
    volume = snapshot.volume
    if volume is None or not goes(snapshot):
        return None
    if volume.state == "deleting":
        message = f"AWS is deleting {volume.volume_id}."
        last = entry_of(snapshot.claim.status.operations, "Volume")
        if last is not None and age(last, now=snapshot.now) >= snapshot.timings.unseen:
            return too_long(snapshot, Reason.DELETING_VOLUME, f"deleting {volume.volume_id}")
        return Wait(reason=Reason.DELETING_VOLUME, message=message, after=snapshot.timings.poll)
    if slow := slow_creation(snapshot):
        return slow
    if volume.state not in {"available", "error"}:
        message = f"{volume.volume_id} is {volume.state}; the operator deletes it when AWS reports it as available."
        return Wait(reason=Reason.DELETING_VOLUME, message=message, after=snapshot.timings.poll)
    step = DeleteVolume(volume_id=volume.volume_id)
    return act_once(snapshot, step=step, reason=Reason.DELETING_VOLUME, message=f"Deleting {volume.volume_id}.")


def retain(snapshot: ClaimSnapshot) -> Decision | None:
    """The volume stays: first a tag that says whose it was, then ours come off, and the next pass lets go."""
    volume, claim = snapshot.volume, snapshot.claim
    if volume is None:
        return None
    if volume.tags.get(names.TAG_RELEASED) != claim.owner:
        mark = CreateTags(volume_id=volume.volume_id, tags={names.TAG_RELEASED: claim.owner})
        return act_once(
            snapshot, step=mark, reason=Reason.RELEASING, message=f"Releasing {volume.volume_id}; it stays."
        )
    step = DeleteTags(volume_id=volume.volume_id, keys=tags.to_strip(snapshot))
    message = f"Releasing {volume.volume_id}: it stays; removing the operator's tags."
    return act_once(snapshot, step=step, reason=Reason.RELEASING, message=message)


def lease(snapshot: ClaimSnapshot) -> Decision | None:
    held, volume_id = snapshot.observed.lease, snapshot.claim.volume_id
    if held is None or held.holder != snapshot.claim.holder or not volume_id:
        return None
    step = DropLease(volume_id=volume_id, holder=snapshot.claim.holder)
    return Act(step=step, reason=Reason.RELEASING, message=f"Giving the lease of {volume_id} back.")


def _released(snapshot: ClaimSnapshot, *, gone: bool) -> RemoveFinalizer:
    claim = snapshot.claim
    if gone:
        message = f"AWS has no volume {claim.volume_id} any more." if claim.volume_id else "No volume was created."
        return RemoveFinalizer(reason=Reason.DELETED, message=f"{message}{tags.copies(snapshot)}")
    return RemoveFinalizer(
        reason=Reason.RELEASED, message=f"{claim.volume_id} stays in AWS, without this claim's tags."
    )
