"""The request that makes the volume, and the id that came of it."""

from hyperpod_operator.api.volume.memory import CreatedTag, Creation
from hyperpod_operator.core.engine.journal import PENDING, CallState
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.volume.claim import COMPLETED, CREATED
from hyperpod_operator.core.volume.decision import ClaimSnapshot
from hyperpod_operator.core.volume.guards import since
from hyperpod_operator.core.volume.identity import FAILED, deleted, ended, next_attempt, used
from hyperpod_operator.core.volume.pass_record import Accepted, PassRecord, Rejected
from hyperpod_operator.core.volume.plan import CreateVolume, DeleteVolume
from hyperpod_operator.core.volume.ports import NewVolume, Volume
from hyperpod_operator.core.volume.refusals import DEFINITE, token_is_burnt
from hyperpod_operator.core.volume.tags import ours

ENDED = frozenset({"error", "deleting", "deleted"})
"""States of a volume that will never be usable."""
REFUSED = "Rejected"
"""Outcome of a creation that AWS did not take: nothing was made."""


def intended_creation(snapshot: ClaimSnapshot, request: NewVolume) -> Creation:
    """The request before it is sent. Its time is that of the first try of this attempt."""
    old, attempt = snapshot.claim.status.remembered.creation, next_attempt(snapshot)
    failures = ended(snapshot)
    again = old is not None and old.attempt == attempt and old.outcome in PENDING
    return Creation(
        attempt=attempt,
        outcome=old.outcome if again and old else CallState.INTENDED,
        time=old.time if again and old else stamp(snapshot.now),
        failures=failures or None,
        availabilityZone=request.availability_zone or None,
        availabilityZoneId=request.availability_zone_id or None,
        size=request.size,
        volumeType=request.volume_type,
        iops=request.iops,
        throughput=request.throughput,
        snapshotId=request.snapshot_id or None,
        encrypted=request.encrypted,
        kmsKeyId=request.kms_key_id or None,
        volumeInitializationRate=request.volume_initialization_rate,
        tags=[CreatedTag(key=key, value=value) for key, value in request.tags.items()],
    )


def creation(pass_record: PassRecord) -> Creation | None:
    snapshot, old, volume = (
        pass_record.snapshot,
        pass_record.snapshot.claim.status.remembered.creation,
        pass_record.snapshot.volume,
    )
    result = pass_record.result
    if pass_record.blind:
        return old
    if old is None:
        return _remade(snapshot)
    if snapshot.claim.requested_anew and (old.failures or 0) >= snapshot.timings.create_failures:
        # Counted from here on, whatever becomes of the next call: a request is seen by one pass only.
        old = old.model_copy(update={"failures": None})
    if result is not None and isinstance(result.step, CreateVolume):
        return _created(pass_record, old)
    if isinstance(result, Accepted) and isinstance(result.step, DeleteVolume) and not used(old):
        return old.model_copy(update={"outcome": FAILED, "failures": (old.failures or 0) + 1})
    if volume is None or used(old):
        return old
    if volume.state in {"available", "in-use"}:
        return old.model_copy(update={"outcome": COMPLETED, "failures": None})
    if old.outcome in PENDING and old.outcome != CallState.ACCEPTED and volume.state == "creating":
        return old.model_copy(update={"outcome": CallState.ACCEPTED, "time": stamp(snapshot.now)})
    return old


def _remade(snapshot: ClaimSnapshot) -> Creation | None:
    """After the status was lost: a volume that carries our tag and is usable may hold data from here on, and so did one
    that AWS lacks and the claim's PersistentVolume names."""
    volume, now = snapshot.volume, stamp(snapshot.now)
    if volume is None and snapshot.settled_on:
        return Creation(attempt=next_attempt(snapshot), outcome=COMPLETED, time=now)
    if snapshot.claim.origin != CREATED or volume is None or not ours(snapshot):
        return None
    usable = volume.state in {"available", "in-use"}
    return Creation(attempt=next_attempt(snapshot), outcome=COMPLETED, time=now) if usable else None


# [assumption: create-volume-is-idempotent, failed-volumes-show-error]
def _created(pass_record: PassRecord, old: Creation) -> Creation:
    """`old` is what the intent stored. Only an answer that leaves no doubt ends an attempt."""
    result, now = pass_record.result, pass_record.snapshot.now
    if isinstance(result, Accepted):
        failed = isinstance(result.answer, Volume) and result.answer.state in ENDED
        ending = {"outcome": FAILED, "failures": (old.failures or 0) + 1} if failed else {"outcome": CallState.ACCEPTED}
        return old.model_copy(update={**ending, "time": stamp(now)})
    if not isinstance(result, Rejected):
        return old
    waited = since(old.time, now=now) >= pass_record.snapshot.timings.visibility
    if token_is_burnt(result.step, result.error):
        # The volume of this token failed, or it was asked for in other words by a record that is lost: then EC2 will
        # show it, however late.
        shown = since(old.time, now=now) >= pass_record.snapshot.timings.unseen
        burnt = {"outcome": FAILED, "failures": (old.failures or 0) + 1} if shown else {"outcome": CallState.UNANSWERED}
        return old.model_copy(update=burnt)
    if result.error.kind in DEFINITE and (old.outcome == CallState.INTENDED or waited):
        return old.model_copy(update={"outcome": REFUSED})
    return old.model_copy(update={"outcome": CallState.UNANSWERED})


def volume_id(pass_record: PassRecord) -> str | None:
    snapshot, result = pass_record.snapshot, pass_record.result
    if isinstance(result, Accepted) and isinstance(result.step, CreateVolume) and isinstance(result.answer, Volume):
        return result.answer.volume_id
    if isinstance(result, Accepted) and isinstance(result.step, DeleteVolume) and not snapshot.claim.deleting:
        return None
    found = snapshot.volume
    if found is not None and deleted(snapshot):
        return None
    return found.volume_id if found else (snapshot.claim.volume_id or snapshot.settled_on or None)
