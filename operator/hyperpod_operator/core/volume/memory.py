"""What a pass remembers for the next ones, all of it in status, so that a restart changes nothing.

Two records are written before a call and not after it (`report.intent`): the request that makes the volume, and
the node that an attach goes to. A lost answer then finds its question.
"""

from hyperpod_operator.api.status import LastAction
from hyperpod_operator.api.volume_status import (
    AttachmentStatus,
    Creation,
    ModificationStatus,
    PreviousAttachment,
    Refusal,
    RefusedInstance,
)
from hyperpod_operator.core.cluster.guards import ACCEPTED, PENDING, REJECTED, STARTED, UNKNOWN
from hyperpod_operator.core.errors import CloudError
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.volume.device import device_path
from hyperpod_operator.core.volume.ending import text
from hyperpod_operator.core.volume.guards import later, since
from hyperpod_operator.core.volume.holding import Free, Held, holding
from hyperpod_operator.core.volume.identity import COMPLETED, FAILED, next_attempt, used, vanished
from hyperpod_operator.core.volume.modification import budget, describe, wish
from hyperpod_operator.core.volume.plan import (
    Attach,
    CloudStep,
    CreateVolume,
    DeleteVolume,
    Detach,
    ModifyVolume,
    fingerprint,
    operation,
)
from hyperpod_operator.core.volume.ports import Attachment, Change, NewVolume, Volume
from hyperpod_operator.core.volume.refusals import DEFINITE, NO_ROOM, kept_back, token_is_burnt, treatment
from hyperpod_operator.core.volume.story import Accepted, Refused, Story
from hyperpod_operator.core.volume.verdict import Act, Situation

REFUSED = "Refused"
"""Outcome of a creation that AWS did not take: nothing was made."""
PREVIOUS_MOST = 5
REFUSED_MOST = 10


def intended_creation(situation: Situation, request: NewVolume) -> Creation:
    """The request before it is sent. Its time is that of the first try of this attempt."""
    old, attempt = situation.claim.status.creation, next_attempt(situation)
    failures = ((old.failures or 0) if old else 0) + vanished(situation)
    again = old is not None and old.attempt == attempt and old.outcome in PENDING
    return Creation(
        attempt=attempt,
        outcome=old.outcome if again and old else STARTED,
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
    )


def creation(story: Story) -> Creation | None:
    situation, old, volume = story.situation, story.situation.claim.status.creation, story.situation.volume
    result = story.result
    if old is None or story.unread is not None:
        return old
    if result is not None and isinstance(result.step, CreateVolume):
        return _created(story, old)
    if isinstance(result, Accepted) and isinstance(result.step, DeleteVolume) and not used(old):
        return old.model_copy(update={"outcome": FAILED, "failures": (old.failures or 0) + 1})
    if volume is None or used(old):
        return old
    if volume.state in {"available", "in-use"}:
        return old.model_copy(update={"outcome": COMPLETED, "failures": None})
    if old.outcome in PENDING and old.outcome != ACCEPTED and volume.state == "creating":
        return old.model_copy(update={"outcome": ACCEPTED, "time": stamp(situation.now)})
    return old


def _created(story: Story, old: Creation) -> Creation:
    """`old` is what the intent stored. Only an answer that leaves no doubt ends an attempt."""
    result, now = story.result, story.situation.now
    if isinstance(result, Accepted):
        return old.model_copy(update={"outcome": ACCEPTED, "time": stamp(now)})
    if not isinstance(result, Refused):
        return old
    waited = since(old.time, now=now) >= story.situation.timings.visibility
    if token_is_burnt(result.step, result.error):
        return old.model_copy(update={"outcome": FAILED if waited else UNKNOWN})
    if result.error.kind in DEFINITE and (old.outcome == STARTED or waited):
        return old.model_copy(update={"outcome": REFUSED})
    return old.model_copy(update={"outcome": UNKNOWN})


def volume_id(story: Story) -> str | None:
    situation, result = story.situation, story.result
    if isinstance(result, Accepted) and isinstance(result.step, CreateVolume) and isinstance(result.answer, Volume):
        return result.answer.volume_id
    if isinstance(result, Accepted) and isinstance(result.step, DeleteVolume) and not situation.claim.deleting:
        return None
    found = situation.volume
    if found is None and vanished(situation):
        return None
    return found.volume_id if found else (situation.claim.volume_id or None)


def intended_attachment(situation: Situation, step: Attach) -> AttachmentStatus:
    """The chosen node before the attach to it: only what is recorded here counts as ours later."""
    old = situation.claim.status.attachment
    same = old is not None and old.instanceId == step.instance_id
    return AttachmentStatus(
        clusterArn=step.cluster_arn,
        target=situation.claim.target_text,
        instanceGroupName=step.instance_group or None,
        instanceId=step.instance_id,
        nodeLogicalId=step.logical_id or None,
        nodeName=step.node_name or None,
        devicePath=device_path(step.volume_id),
        state="attaching",
        attachTime=stamp(situation.now),
        attempts=old.attempts if same and old else None,
        refused=old.refused if old else None,
    )


def previous(situation: Situation, *, leaving: str) -> list[PreviousAttachment] | None:
    """Newest first; a node that the volume returns to is listed again only when it leaves once more."""
    old, status = situation.claim.status.attachment, situation.claim.status
    kept = list(status.previousAttachments or [])
    if old is None or not old.instanceId:
        return kept or None
    entry = PreviousAttachment(
        instanceId=old.instanceId,
        nodeName=old.nodeName,
        attachTime=old.attachTime,
        until=stamp(situation.now),
        why=leaving[:1024],
    )
    return [entry, *kept][:PREVIOUS_MOST]


def attachment(story: Story) -> AttachmentStatus | None:
    """What is known of the chosen node after this pass."""
    situation, old = story.situation, story.situation.claim.status.attachment
    if story.unread is not None or old is None or not situation.claim.direct:
        return old
    where, result = holding(situation), story.result
    fields: dict[str, object] = {}
    if isinstance(where, Held) and where.instance_id == old.instanceId:
        fields |= _seen(where)
    elif isinstance(where, Free) and not (result is not None and isinstance(result.step, Attach)):
        pending = old.state == "attaching" and since(old.attachTime, now=situation.now) < situation.timings.echo
        fields |= {} if pending else {"state": "detached", "deviceName": None, "deleteOnTermination": None}
        fields |= {"detachTime": None}
    lost = bool(old.instanceId) and not situation.observed.alive(old.instanceId or "")
    fields["lostTime"] = (old.lostTime or stamp(situation.now)) if lost else None
    if isinstance(where, Held):
        fields["detachTime"] = (old.detachTime or stamp(situation.now)) if _leaving(story) else None
    fields |= _after(story, old)
    return old.model_copy(update=fields)


def _seen(where: Held) -> dict[str, object]:
    seen: dict[str, object] = {"state": where.state, "deleteOnTermination": where.attachment.delete_on_termination}
    if where.attachment.device:
        seen["deviceName"] = where.attachment.device
    if where.state == "attached":
        seen["attempts"] = None
    return seen


def _leaving(story: Story) -> bool:
    """Whether the pass wants the volume off its node: since when is what `detachTimeout` is about."""
    reasons = {"InUse", "DetachBlocked", "Detaching"}
    verdict = story.verdict
    return str(getattr(verdict, "reason", "")) in reasons


def _after(story: Story, old: AttachmentStatus) -> dict[str, object]:
    """What the call itself taught."""
    situation, result = story.situation, story.result
    if isinstance(result, Accepted) and isinstance(result.step, Attach) and isinstance(result.answer, Attachment):
        device = {"deviceName": result.answer.device} if result.answer.device else {}
        return {"state": result.answer.state or "attaching", **device}
    if isinstance(result, Accepted) and isinstance(result.step, Detach):
        stuck = old.state == "attaching"
        return {"attempts": (old.attempts or 0) + 1} if stuck else {}
    if not isinstance(result, Refused) or not isinstance(result.step, Attach):
        return {}
    taught = _not_taken(story, result)
    if result.error.ec2_code == NO_ROOM:
        entry = RefusedInstance(instanceId=result.step.instance_id, code=NO_ROOM, time=stamp(situation.now))
        rest = [item for item in old.refused or [] if item.instanceId != entry.instanceId]
        return {**taught, "state": "detached", "refused": [entry, *rest][:REFUSED_MOST]}
    return taught


def _not_taken(story: Story, refused: Refused) -> dict[str, object]:
    """A refused first attach made nothing: what AWS may show on that node later is somebody else's.

    After a lost answer the same refusal (VolumeInUse) may be about our own attachment, so the record stands.
    """
    last = story.situation.claim.status.lastAction
    first = last is None or (last.attempts or 1) <= 1
    if refused.error.kind not in DEFINITE or not first:
        return {}
    return {"state": "detached", "attachTime": None}


def modification(story: Story) -> ModificationStatus | None:
    situation, result = story.situation, story.result
    old = situation.claim.status.modification
    if story.unread is not None or situation.volume is None:
        return old
    latest, spent = situation.observed.modification, budget(situation)
    started = [stamp(moment) for moment in spent.started]
    open_wish = wish(situation) or None
    made = ModificationStatus(
        modificationState=latest.modification_state if latest else None,
        progress=latest.progress if latest else None,
        startTime=stamp(latest.start_time) if latest and latest.start_time else None,
        target=_target(latest) if latest else None,
        wish=open_wish,
        wishTime=None,
        startTimes=started or None,
        used24h=len(started),
        nextAllowedTime=stamp(spent.next_at) if spent.next_at else None,
    )
    if open_wish:
        same = old is not None and old.wish == open_wish and old.wishTime
        made = made.model_copy(update={"wishTime": old.wishTime if same and old else stamp(situation.now)})
    certain = not (isinstance(result, Refused) and result.error.kind in DEFINITE)
    if result is not None and isinstance(result.step, ModifyVolume) and certain:
        spent_now = [*started, stamp(situation.now)]
        made = made.model_copy(update={"startTimes": spent_now, "used24h": len(spent_now)})
    empty = latest is None and not open_wish and not made.startTimes
    return None if empty else made


def _target(latest: object) -> str | None:
    change = Change(
        size=getattr(latest, "target_size", None),
        volume_type=getattr(latest, "target_volume_type", "") or None,
        iops=getattr(latest, "target_iops", None),
        throughput=getattr(latest, "target_throughput", None),
    )
    return describe(change) or None


def intended_action(situation: Situation, step: CloudStep) -> LastAction:
    """Before the call. `attempts` counts on only while it is open whether the same call before was carried out."""
    last, mark = situation.claim.status.lastAction, fingerprint(step)
    unresolved = last is not None and last.fingerprint == mark and last.outcome in {STARTED, UNKNOWN}
    attempts = (last.attempts or 0) + 1 if unresolved and last else 1
    return _action(situation, step, outcome=STARTED, attempts=attempts)


def last_action(story: Story) -> LastAction | None:
    result, last = story.result, story.situation.claim.status.lastAction
    if result is None or not isinstance(result.step, CloudStep):
        return last
    outcome = ACCEPTED
    if isinstance(result, Refused):
        outcome = REJECTED if result.error.kind in DEFINITE else UNKNOWN
    announced = last is not None and last.fingerprint == fingerprint(result.step)
    attempts = (last.attempts or 1) if announced and last else 1
    return _action(story.situation, result.step, outcome=outcome, attempts=attempts)


def _action(situation: Situation, step: CloudStep, *, outcome: str, attempts: int) -> LastAction:
    return LastAction(
        operation=operation(step),
        outcome=outcome,
        time=stamp(situation.now),
        attempts=attempts,
        fingerprint=fingerprint(step),
    )


def last_error(story: Story) -> Refusal | None:
    """The refusal of this pass, or an earlier one while the call that it is about is still wanted."""
    situation, result = story.situation, story.result
    old = situation.claim.status.lastError
    if isinstance(result, Refused):
        return _refusal(situation, result.step, result.error)
    if isinstance(story.verdict, Act) and isinstance(story.verdict.step, CloudStep):
        return None
    if story.unread is not None or old is None:
        return old
    return old if since(old.retryAt, now=situation.now) < 0 else None


def _refusal(situation: Situation, step: CloudStep, error: CloudError) -> Refusal | None:
    treated = treatment(step, error, by_group=situation.claim.by_group)
    retry_at = stamp(later(situation.now, treated.after or 0.0)) if kept_back(treated) else None
    return Refusal(
        operation=operation(step),
        code=(error.ec2_code or error.code)[:128],
        message=text(error, treated)[:2048],
        reason=treated.reason,
        stalled=treated.stalled or None,
        fingerprint=fingerprint(step),
        time=stamp(situation.now),
        retryAt=retry_at,
    )
