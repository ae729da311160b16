"""Policies about there being a volume at all: take it, make it, wait for it, or report it lost.

A volume that was usable once and is gone is never made anew: an empty volume in the place of a full one is worse
than none. One that never became usable is cleared away and made again, a few times.
"""

import hashlib
from collections.abc import Mapping

from hyperpod_operator.api.names import ABANDON, TAG_CLAIM_UID, TAG_OWNER, Reason
from hyperpod_operator.api.volume.memory import Creation
from hyperpod_operator.api.volume.resource import CreateSource
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.engine.journal import PENDING, CallState
from hyperpod_operator.core.errors import SLOW
from hyperpod_operator.core.moments import parse_time, stamp
from hyperpod_operator.core.text import counted, listed
from hyperpod_operator.core.volume.claim import COMPLETED, CREATED, Claim
from hyperpod_operator.core.volume.decision import ClaimSnapshot, Decision
from hyperpod_operator.core.volume.guards import act_once, since, soon
from hyperpod_operator.core.volume.plan import CreateVolume, DeleteVolume
from hyperpod_operator.core.volume.ports import NewVolume, Volume
from hyperpod_operator.core.volume.tags import copies, ours
from hyperpod_operator.core.volume.target import Resolved, resolve

FAILED = "Failed"
"""Outcome of a creation whose volume ended in error."""
# [assumption: failed-volumes-show-error]
UNUSABLE_KEY = (
    "check the state and the policy of the KMS key of source.create, or of the account's default key for EBS "
    "encryption."
)
"""What to do about a volume that AWS took the request for, and dropped (Amazon EBS User Guide, "Amazon EventBridge
events for Amazon EBS", createVolume)."""
DEFAULT_TYPE = "gp3"
"""EC2's own default is gp2."""


def paused(snapshot: ClaimSnapshot) -> Decision | None:
    if not snapshot.claim.paused:
        return None
    message = (
        "Paused: the operator observes the volume and changes nothing. Set spec.management.paused to false to continue."
    )
    return Wait(reason=Reason.PAUSED, message=message, after=snapshot.timings.resync)


def ambiguous(snapshot: ClaimSnapshot) -> Decision | None:
    """Several volumes carry the claim's tag, and nothing tells which one it made: none of them is touched."""
    found = snapshot.ambiguous
    if not found:
        return None
    named = listed([_described(volume) for volume in found], most=5, separator=", ", rest=" ")
    mark = f"{TAG_CLAIM_UID}={snapshot.claim.uid}"
    message = (
        f"{counted(len(found), 'volume')} carry the tag {mark}: {named}. Neither the status nor a PersistentVolume "
        "says which one this claim made, so the operator neither attaches, changes, deletes nor releases one, and "
        "makes no other. Keep the tag on the volume of this claim, and remove it from the others: aws ec2 delete-tags "
        f"--resources VOLUME --tags Key={TAG_CLAIM_UID}"
    )
    return Wait(reason=Reason.VOLUME_AMBIGUOUS, message=message, after=snapshot.timings.watch, stalled=True)


def _described(volume: Volume) -> str:
    made = f", created {stamp(volume.create_time)}" if volume.create_time else ""
    return f"{volume.volume_id} ({volume.size} GiB, {volume.state}{made})"


def lost(snapshot: ClaimSnapshot) -> Decision | None:
    """The volume that the claim is about does not exist (any more)."""
    claim, volume = snapshot.claim, snapshot.volume
    if volume is not None and volume.state not in {"deleting", "deleted"}:
        return None
    if claim.origin != CREATED:
        message = (
            f"AWS has no volume {claim.volume_id} in this Region and account. Check source.volumeId; if the volume was "
            "deleted, delete this claim and restore a snapshot with another one."
        )
        return Wait(reason=Reason.VOLUME_LOST, message=message, after=SLOW, stalled=True)
    if not used(claim.status.remembered.creation) and not snapshot.settled_on:
        return None
    message = (
        f"AWS has no volume {snapshot.settled_on or claim.volume_id} any more: it was deleted outside of the operator. "
        "The operator does not create a new one, because it would be empty. Delete this claim, and restore a snapshot "
        "with another one (source.create)."
    )
    message += copies(snapshot)
    return Wait(reason=Reason.VOLUME_LOST, message=message, after=SLOW, stalled=True)


def not_visible_yet(snapshot: ClaimSnapshot) -> Decision | None:
    """CreateVolume was accepted a moment ago and EC2 does not show the volume yet, or it is on its way out."""
    claim, volume = snapshot.claim, snapshot.volume
    unused = claim.origin == CREATED and not used(claim.status.remembered.creation)
    if unused and volume is not None and volume.state == "deleting":
        message = f"{volume.volume_id} failed, and AWS is deleting it before the operator creates the volume again."
        return Wait(reason=Reason.CREATING_VOLUME, message=message, after=snapshot.timings.poll)
    creation = claim.status.remembered.creation
    if volume is not None or creation is None or creation.outcome != CallState.ACCEPTED:
        return None
    left = snapshot.timings.resend - since(creation.time, now=snapshot.now)
    if left <= 0:
        return None
    young = snapshot.timings.resend - left < snapshot.timings.visibility
    message = (
        f"AWS made {claim.volume_id} and does not return it yet. The operator looks for it, and after "
        f"{snapshot.timings.resend / 60:.0f} minutes requests the same volume again with the same token. "
        f"{'Nothing to do.' if young else f'AWS may have dropped it: {UNUSABLE_KEY}'}"
    )
    return Wait(reason=Reason.CREATING_VOLUME, message=message, after=min(left, snapshot.timings.poll))


def create(snapshot: ClaimSnapshot) -> Decision | None:
    claim, volume = snapshot.claim, snapshot.volume
    source = claim.spec.source.create
    if (volume is not None and volume.state != "deleted") or source is None:
        return None
    failures = ended(snapshot)
    if failures >= snapshot.timings.create_failures and not claim.requested_anew:
        return _given_up(failures)
    request = _request(snapshot, source)
    if isinstance(request, Wait):
        return request
    where = request.availability_zone or request.availability_zone_id
    size = f"{request.size} GiB" if request.size else f"of {request.snapshot_id}"
    message = f"Creating a volume ({request.volume_type}, {size}) in {where}."
    return act_once(snapshot, step=CreateVolume(request=request), reason=Reason.CREATING_VOLUME, message=message)


def failed(snapshot: ClaimSnapshot) -> Decision | None:
    """State error: at birth it is cleared away, later it is a loss of data that a person has to see.

    Without a record of its birth it may have been in use: who lost that record must not lose the volume, too.
    """
    claim, volume = snapshot.claim, snapshot.volume
    if volume is None or volume.state != "error":
        return None
    unused = claim.status.remembered.creation is not None and not used(claim.status.remembered.creation)
    if claim.origin == CREATED and unused and ours(snapshot):
        message = f"{volume.volume_id} failed while AWS created it (often because of an unusable KMS key)."
        step = DeleteVolume(volume_id=volume.volume_id)
        return act_once(snapshot, step=step, reason=Reason.CREATING_VOLUME, message=f"{message} Deleting it.")
    message = (
        f"{volume.volume_id} is in state error: AWS lost data of it. Delete this claim, and restore a snapshot with "
        "another one (source.create)."
    )
    return Wait(reason=Reason.VOLUME_FAILED, message=message, after=SLOW, stalled=True)


def creating(snapshot: ClaimSnapshot) -> Decision | None:
    volume = snapshot.volume
    if volume is None or volume.state != "creating":
        return None
    message = f"AWS is creating {volume.volume_id}."
    return slow_creation(snapshot) or Wait(reason=Reason.CREATING_VOLUME, message=message, after=soon(snapshot))


def slow_creation(snapshot: ClaimSnapshot) -> Wait | None:
    made, volume = snapshot.claim.status.remembered.creation, snapshot.volume
    if volume is None or volume.state != "creating":
        return None
    begun = volume.create_time if made is None else None  # by others, or before the status was lost
    if made is not None and made.outcome in PENDING:
        begun = parse_time(made.time or "")
    late = begun is not None and (snapshot.now - begun).total_seconds() >= snapshot.timings.unseen
    return too_long(snapshot, Reason.CREATING_VOLUME, f"creating {volume.volume_id}") if late else None


def too_long(snapshot: ClaimSnapshot, reason: Reason, what: str) -> Wait:
    """AWS has been at it for far longer than the seconds that it takes."""
    message = (
        f"AWS has been {what} for more than {snapshot.timings.unseen / 60:.0f} minutes. Check the AWS Health "
        "Dashboard, and ask AWS Support if that lasts. To release this claim without waiting, delete it with the "
        f"annotation {ABANDON}={snapshot.claim.key.name}; the operator then leaves the volume to AWS."
    )
    return Wait(reason=reason, message=message, after=snapshot.timings.watch, stalled=True)


def used(creation: Creation | None) -> bool:
    """Whether the volume was seen usable once, so that it may hold data."""
    return creation is not None and creation.outcome == COMPLETED


def deleted(snapshot: ClaimSnapshot) -> bool:
    """Whether AWS shows the volume of an attempt that was not usable yet as deleted: that attempt has failed.

    A volume that no read shows is another matter: EC2 may show it later, so it is asked for by the same token.
    """
    creation, volume = snapshot.claim.status.remembered.creation, snapshot.volume
    seen = volume is not None and volume.state == "deleted"
    return seen and creation is not None and creation.outcome in PENDING


# [assumption: failed-volumes-show-error]
def ended(snapshot: ClaimSnapshot) -> int:
    """How many volumes in a row ended before they were usable, with the one that this pass sees."""
    creation = snapshot.claim.status.remembered.creation
    return ((creation.failures or 0) if creation else 0) + int(deleted(snapshot))


def next_attempt(snapshot: ClaimSnapshot) -> int:
    """Suffix of the token: a new one only where the last led to a volume that failed, which burns the token.

    A refused call made nothing, so its token serves again.
    """
    status = snapshot.claim.status
    last = (status.remembered.creation.attempt if status.remembered.creation else None) or 0
    outcome = status.remembered.creation.outcome if status.remembered.creation else None
    return last + 1 if last == 0 or outcome == FAILED or deleted(snapshot) else last


def _open(snapshot: ClaimSnapshot) -> bool:
    """Whether the last request may still lead to a volume: then exactly that request is repeated."""
    creation = snapshot.claim.status.remembered.creation
    if creation is None or creation.outcome not in PENDING or not snapshot.claim.requested:
        return False
    return not deleted(snapshot)


# [assumption: create-volume-is-idempotent]
def token(*, uid: str, attempt: int) -> str:
    """64 characters, the longest that EC2 takes; a failed attempt's token stays burnt for hours."""
    return hashlib.sha256(f"{uid}/{attempt}".encode()).hexdigest()


def _request(snapshot: ClaimSnapshot, source: CreateSource) -> NewVolume | Wait:
    """The recorded request, word for word, while it may have been taken; else one made of the spec."""
    claim, creation = snapshot.claim, snapshot.claim.status.remembered.creation
    attempt = next_attempt(snapshot)
    key = token(uid=claim.uid, attempt=attempt)
    if creation is not None and _open(snapshot):
        return NewVolume(
            client_token=key,
            tags={tag.key: tag.value for tag in creation.tags or []} or _proof(claim),
            volume_type=creation.volumeType or DEFAULT_TYPE,
            size=creation.size,
            iops=creation.iops,
            throughput=creation.throughput,
            snapshot_id=creation.snapshotId or "",
            encrypted=creation.encrypted,
            kms_key_id=creation.kmsKeyId or "",
            availability_zone=creation.availabilityZone or "",
            availability_zone_id=creation.availabilityZoneId or "",
            volume_initialization_rate=creation.volumeInitializationRate,
        )
    zone, zone_id = source.availabilityZone or "", source.availabilityZoneId or ""
    if not zone and not zone_id:
        resolution = resolve(snapshot)
        if not isinstance(resolution, Resolved):
            return resolution.hold
        zone = resolution.node.availability_zone
        zone_id = "" if zone else resolution.node.availability_zone_id
        if not zone and not zone_id:
            message = (
                f"The zone of {resolution.node.instance_id} is not known yet (its Kubernetes Node has not joined). "
                "Nothing to do, or set source.create.availabilityZone in a new claim."
            )
            return Wait(reason=Reason.NODE_NOT_RUNNING, message=message, after=snapshot.timings.watch)
    members = claim.members
    return NewVolume(
        client_token=key,
        # All of them, so that no call has to follow; what is not known yet follows all the same.
        tags=_sorted(claim.tags(cluster_arn=snapshot.cluster_arn, eks_cluster_arn=snapshot.eks_cluster_arn)),
        volume_type=members.volumeType or DEFAULT_TYPE,
        size=members.size,
        iops=members.iops,
        throughput=members.throughput,
        snapshot_id=source.snapshotId or "",
        encrypted=source.encrypted,
        kms_key_id=source.kmsKeyId or "",
        availability_zone=zone,
        availability_zone_id=zone_id,
        volume_initialization_rate=source.volumeInitializationRate,
    )


def _proof(claim: Claim) -> dict[str, str]:
    """What a release before this one, which recorded no tags, put into the request."""
    return {TAG_CLAIM_UID: claim.uid, TAG_OWNER: str(claim.key)}


def _sorted(tags: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(tags.items()))


def _given_up(failures: int) -> Wait:
    message = (
        f"{counted(failures, 'volume')} in a row failed while AWS created them, usually because of a KMS key "
        "that does not "
        "exist or is unusable. Correct source.create in another claim, or fix the key and set the annotation "
        "hyperpod-operator.dev/reconcile-requested-at."
    )
    return Wait(reason=Reason.VOLUME_FAILED, message=message, after=SLOW, stalled=True)
