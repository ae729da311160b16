"""Whether a volume goes with its claim, and the snapshot that is made of it before."""

from hyperpod_operator.api import names
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.errors import SLOW
from hyperpod_operator.core.text import sentence
from hyperpod_operator.core.volume import snapshots, tags
from hyperpod_operator.core.volume.adoption import is_adopted
from hyperpod_operator.core.volume.decision import ClaimSnapshot, Decision
from hyperpod_operator.core.volume.guards import act_once, since
from hyperpod_operator.core.volume.ports import Snapshot, Volume

BEFORE_DELETE = "BeforeDelete"
"""Value of the tag snapshot-purpose."""


def goes(snapshot: ClaimSnapshot) -> bool:
    """Whether the volume is to be deleted: by policy, and provably ours to delete."""
    claim = snapshot.claim
    volume = snapshot.volume
    if volume is None or claim.reclaim_policy == "Retain" or not tags.ours(snapshot):
        return False
    return claim.consents or not is_adopted(claim, volume)


def snapshot(snapshot: ClaimSnapshot) -> Decision | None:
    """One snapshot, found by its tags: CreateSnapshot has no token."""
    claim, volume = snapshot.claim, snapshot.volume
    if volume is None or volume.state in {"deleting", "error"} or not goes(snapshot) or not claim.snapshots_first:
        return None
    found = final_snapshot(snapshot)
    if found is None and (made := _not_listed(snapshot)):
        message = f"Snapshot {made} was made; {volume.volume_id} waits until AWS reports it as completed."
        return Wait(reason=Reason.SNAPSHOTTING, message=message, after=snapshot.timings.poll)
    if found is None and (bare := _untagged(snapshot, volume)):
        message = (
            f"Snapshot {bare} was made before {volume.volume_id} is deleted, and others took off the tags that prove "
            f"it: the volume stays. Set {names.TAG_CLAIM_UID}={claim.uid} and {names.TAG_SNAPSHOT_PURPOSE}="
            f"{BEFORE_DELETE} on the snapshot in EC2; or delete the snapshot, and the operator makes another one."
        )
        return Wait(reason=Reason.SNAPSHOT_FAILED, message=message, after=SLOW, stalled=True)
    if found is None:
        step = snapshots.request(claim, volume, purpose=BEFORE_DELETE, before="its volume is deleted")
        message = f"Creating a snapshot of {volume.volume_id} before it is deleted."
        return act_once(snapshot, step=step, reason=Reason.SNAPSHOTTING, message=message)
    if found.state == "completed":
        return None
    if found.state == "error":
        why = sentence(found.status_message or "no reason given")
        message = (
            f"Snapshot {found.snapshot_id} failed: {why} {volume.volume_id} stays. Delete that snapshot to retry, or "
            "set reclaimPolicy: Retain."
        )
        return Wait(reason=Reason.SNAPSHOT_FAILED, message=message, after=SLOW, stalled=True)
    message = (
        f"AWS is creating snapshot {found.snapshot_id} ({found.progress or found.state}); the volume waits for it."
    )
    return Wait(reason=Reason.SNAPSHOTTING, message=message, after=snapshot.timings.poll)


# [assumption: completed-snapshot-is-whole]
def final_snapshot(snapshot: ClaimSnapshot) -> Snapshot | None:
    """Of this volume and claim, made for its deletion: a completed one first, then one under way."""
    volume, uid = snapshot.volume, snapshot.claim.uid
    found = [
        item
        for item in snapshot.observed.snapshots or ()
        if volume is not None
        and item.volume_id == volume.volume_id
        and _of(item) == uid
        and item.tags.get(names.TAG_SNAPSHOT_PURPOSE) == BEFORE_DELETE
    ]
    order = {"completed": 0, "pending": 1}
    return min(found, key=lambda item: (order.get(item.state, 2), item.snapshot_id), default=None)


def _untagged(snapshot: ClaimSnapshot, volume: Volume) -> str:
    """A snapshot that status says was made for this, and that lost a tag without which it counts for nothing; empty for
    none. Each one more would lose it, too."""
    made = {one.snapshotId for one in snapshot.claim.status.snapshots or [] if one.purpose == BEFORE_DELETE}
    bare = [
        item.snapshot_id
        for item in snapshot.observed.snapshots or ()
        if item.snapshot_id in made and item.volume_id == volume.volume_id and _of(item) in {"", snapshot.claim.uid}
    ]
    return max(bare, default="")


def _of(item: Snapshot) -> str:
    return item.tags.get(names.TAG_CLAIM_UID, "")


def _not_listed(snapshot: ClaimSnapshot) -> str:
    """A snapshot that AWS took up lately and does not list yet, or not with its tags: status is reason to wait, and
    proves nothing more."""
    recorded, most = snapshot.claim.status.snapshots or [], snapshot.timings.unseen
    young = [
        one.snapshotId
        for one in recorded
        if one.purpose == BEFORE_DELETE and since(one.startTime, now=snapshot.now) < most
    ]
    listed = {item.snapshot_id for item in snapshot.observed.snapshots or () if _of(item)}
    return next((one for one in sorted(young) if one not in listed), "")
