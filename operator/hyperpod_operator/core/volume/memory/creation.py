"""The request that makes the volume, and the id that came of it."""

from hyperpod_operator.api.volume_status import CreatedTag, Creation
from hyperpod_operator.core.engine.journal import PENDING, CallState
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.volume.claim import CREATED
from hyperpod_operator.core.volume.guards import since
from hyperpod_operator.core.volume.identity import COMPLETED, FAILED, deleted, ended, next_attempt, used
from hyperpod_operator.core.volume.plan import CreateVolume, DeleteVolume
from hyperpod_operator.core.volume.ports import NewVolume, Volume
from hyperpod_operator.core.volume.refusals import DEFINITE, token_is_burnt
from hyperpod_operator.core.volume.story import Accepted, Refused, Story
from hyperpod_operator.core.volume.tags import ours
from hyperpod_operator.core.volume.verdict import Situation

ENDED = frozenset({"error", "deleting", "deleted"})
"""States of a volume that will never be usable."""
REFUSED = "Rejected"
"""Outcome of a creation that AWS did not take: nothing was made."""


def intended_creation(situation: Situation, request: NewVolume) -> Creation:
    """The request before it is sent. Its time is that of the first try of this attempt."""
    old, attempt = situation.claim.status.creation, next_attempt(situation)
    failures = ended(situation)
    again = old is not None and old.attempt == attempt and old.outcome in PENDING
    return Creation(
        attempt=attempt,
        outcome=old.outcome if again and old else CallState.INTENDED,
        time=old.time if again and old else stamp(situation.now),
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


def creation(story: Story) -> Creation | None:
    situation, old, volume = story.situation, story.situation.claim.status.creation, story.situation.volume
    result = story.result
    if story.blind:
        return old
    if old is None:
        return _remade(situation)
    if result is not None and isinstance(result.step, CreateVolume):
        return _created(story, old)
    if isinstance(result, Accepted) and isinstance(result.step, DeleteVolume) and not used(old):
        return old.model_copy(update={"outcome": FAILED, "failures": (old.failures or 0) + 1})
    if volume is None or used(old):
        return old
    if volume.state in {"available", "in-use"}:
        return old.model_copy(update={"outcome": COMPLETED, "failures": None})
    if old.outcome in PENDING and old.outcome != CallState.ACCEPTED and volume.state == "creating":
        return old.model_copy(update={"outcome": CallState.ACCEPTED, "time": stamp(situation.now)})
    return old


def _remade(situation: Situation) -> Creation | None:
    """After the status was lost: a volume that carries our tag and is usable may hold data from here on."""
    volume, now = situation.volume, stamp(situation.now)
    if situation.claim.origin != CREATED or volume is None or not ours(situation):
        return None
    usable = volume.state in {"available", "in-use"}
    return Creation(attempt=next_attempt(situation), outcome=COMPLETED, time=now) if usable else None


def _created(story: Story, old: Creation) -> Creation:
    """`old` is what the intent stored. Only an answer that leaves no doubt ends an attempt."""
    result, now = story.result, story.situation.now
    if isinstance(result, Accepted):
        failed = isinstance(result.answer, Volume) and result.answer.state in ENDED
        ending = {"outcome": FAILED, "failures": (old.failures or 0) + 1} if failed else {"outcome": CallState.ACCEPTED}
        return old.model_copy(update={**ending, "time": stamp(now)})
    if not isinstance(result, Refused):
        return old
    waited = since(old.time, now=now) >= story.situation.timings.visibility
    if token_is_burnt(result.step, result.error):
        # The volume of this token failed, or it was asked for in other words by a record that is lost: then EC2 will
        # show it, however late.
        shown = since(old.time, now=now) >= story.situation.timings.unseen
        burnt = {"outcome": FAILED, "failures": (old.failures or 0) + 1} if shown else {"outcome": CallState.UNANSWERED}
        return old.model_copy(update=burnt)
    if result.error.kind in DEFINITE and (old.outcome == CallState.INTENDED or waited):
        return old.model_copy(update={"outcome": REFUSED})
    return old.model_copy(update={"outcome": CallState.UNANSWERED})


def volume_id(story: Story) -> str | None:
    situation, result = story.situation, story.result
    if isinstance(result, Accepted) and isinstance(result.step, CreateVolume) and isinstance(result.answer, Volume):
        return result.answer.volume_id
    if isinstance(result, Accepted) and isinstance(result.step, DeleteVolume) and not situation.claim.deleting:
        return None
    found = situation.volume
    if found is not None and deleted(situation):
        return None
    return found.volume_id if found else (situation.claim.volume_id or None)
