"""What a pass says of an EBSVolumeClaim, as drafts for the setter of conditions (`core.engine.conditions`).

Each part of Ready is judged from the situation itself, not from what the pass happened to do, so that a claim that is
stuck in one part still tells the truth about the others.
"""

from hyperpod_operator.api.conditions import Condition
from hyperpod_operator.api.kinds import VOLUME_CLAIM
from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.api.reasons import REASONS, record
from hyperpod_operator.core.engine.conditions import Draft, kept, settle, summary
from hyperpod_operator.core.engine.journal import rejected
from hyperpod_operator.core.engine.result import ResultSummary
from hyperpod_operator.core.unknown import ignored_members
from hyperpod_operator.core.volume import modification
from hyperpod_operator.core.volume.holding import Foreign, Held, holding
from hyperpod_operator.core.volume.story import Declined, Refused, Story
from hyperpod_operator.core.volume.target import Resolved, resolve
from hyperpod_operator.core.volume.verdict import Situation


def conditions(story: Story, ending: ResultSummary) -> list[Condition]:
    """All conditions after this pass, in a fixed order, with transition times carried over."""
    claim = story.situation.claim
    before = claim.status.conditions or []
    drafts = _summary(story, ending)
    if not story.blind:
        drafts += [draft for draft in _details(story, ending) if draft is not None]
    else:
        drafts += kept(before, made=drafts)
    if _denied(ending.reason) and story.unread is not None:
        drafts = [draft for draft in drafts if draft[0] is not ConditionType.PERMISSIONS_OK]
        drafts.append((ConditionType.PERMISSIONS_OK, "False", ending.reason, ending.message))
    return settle(
        table=VOLUME_CLAIM.table,
        drafts=drafts,
        before=before,
        generation=claim.generation,
        now=story.situation.now,
    )


def _summary(story: Story, ending: ResultSummary) -> list[Draft]:
    reason, message = ending.reason, ending.message
    if ending.settled:
        return [(ConditionType.READY, "True", Reason.CLAIM_READY, message)]
    ready = "Unknown" if story.unread else "False"
    return summary(ready=ready, reason=reason, message=message, stalled=ending.stalled)


def _details(story: Story, ending: ResultSummary) -> list[Draft | None]:
    situation = story.situation
    direct = situation.claim.direct
    return [
        _volume_ready(situation, ending),
        _target_resolved(situation) if direct else None,
        _attached(situation, ending) if direct else None,
        _published(situation, ending),
        _modification(situation),
        _filesystem(situation),
        _in_use(situation),
        _conflict(ending),
        _permitted(story, ending),
        _at_risk(situation),
    ]


def _volume_ready(situation: Situation, ending: ResultSummary) -> Draft:
    volume = situation.volume
    if volume is not None and volume.state in {"available", "in-use"}:
        text = f"{volume.volume_id} is {volume.state}."
        return (ConditionType.VOLUME_READY, "True", Reason.VOLUME_AVAILABLE, text)
    return (ConditionType.VOLUME_READY, "False", ending.reason, ending.message)


def _target_resolved(situation: Situation) -> Draft:
    resolution = resolve(situation)
    if isinstance(resolution, Resolved):
        where = holding(situation)
        there = isinstance(where, Held) and where.instance_id == resolution.node.instance_id
        if resolution.hold is None or there:
            name = resolution.node.node_name or resolution.node.instance_id
            return (ConditionType.TARGET_RESOLVED, "True", Reason.TARGET_CHOSEN, f"The volume belongs on {name}.")
    hold = resolution.hold
    if hold is None:
        raise AssertionError("a target without an obstacle was answered above")
    return (ConditionType.TARGET_RESOLVED, "False", hold.reason, hold.message)


def _attached(situation: Situation, ending: ResultSummary) -> Draft:
    where = holding(situation)
    kind = ConditionType.ATTACHED
    if isinstance(where, Held) and where.state in {"attached", "busy"}:
        resolution = resolve(situation)
        there = isinstance(resolution, Resolved) and resolution.node.instance_id == where.instance_id
        if there and not situation.claim.suspended and situation.observed.alive(where.instance_id):
            return (kind, "True", Reason.ATTACHED, f"AWS reports the volume as {where.state} to {where.instance_id}.")
    if isinstance(where, Foreign):
        return (kind, "False", Reason.ATTACHED_ELSEWHERE, f"The volume is attached to {where.who}.")
    return (kind, "False", ending.reason, ending.message)


def _published(situation: Situation, ending: ResultSummary) -> Draft:
    claim, observed, kind = situation.claim, situation.observed, ConditionType.PUBLISHED
    if claim.publish is None:
        return (kind, "False", Reason.NOT_PUBLISHED, "spec.publish asks for no PersistentVolume.")
    volume = observed.persistent_volume
    made = volume is not None and volume.claim_uid == claim.uid and not volume.deleting
    bound = observed.persistent_volume_claim
    asked = not claim.makes_persistent_volume_claim or (bound is not None and bound.claim_uid == claim.uid)
    open_door = claim.publish.type != "LocalPV" or bool(observed.labelled)
    if made and asked and open_door:
        return (kind, "True", Reason.PUBLISHED, f"PersistentVolume {claim.persistent_volume_name} is in place.")
    return (kind, "False", ending.reason, ending.message)


def _modification(situation: Situation) -> Draft:
    kind = ConditionType.MODIFICATION_COMPLETE
    if situation.volume is None:
        return (kind, "Unknown", Reason.CREATING_VOLUME, "There is no volume to compare with the spec.")
    held = modification.unfinished(situation)
    if held is not None:
        return (kind, "False", held.reason, held.message)
    latest = situation.observed.modification
    if latest is not None and latest.modification_state in modification.UNDER_WAY:
        progress = f" ({latest.progress} %)" if latest.progress is not None else ""
        text = f"The volume is usable; AWS is still optimizing it{progress}. Nothing to do."
        return (kind, "False", Reason.MODIFYING, text)
    ignored = ignored_members(situation.claim.unknown)
    return (kind, "True", Reason.IN_SYNC, f"The volume matches the spec.{ignored}")


def _filesystem(situation: Situation) -> Draft | None:
    volume, published = situation.volume, situation.observed.persistent_volume
    publish = situation.claim.publish
    if volume is None or published is None or publish is None or (publish.volumeMode or "Filesystem") == "Block":
        return None
    kind = ConditionType.FILESYSTEM_RESIZE_PENDING
    if not published.capacity or published.capacity >= volume.size:
        return (kind, "False", Reason.FILESYSTEM_FITS, f"The file system last filled {volume.size} GiB.")
    grow = "xfs_growfs MOUNTPOINT" if publish.fsType == "xfs" else "resize2fs DEVICE"
    text = (
        f"The volume grew to {volume.size} GiB and its file system may still have {published.capacity}. Run {grow} on "
        f"the node, then set the capacity of PersistentVolume {published.name} to {volume.size}Gi."
    )
    return (kind, "True", Reason.GROW_FILESYSTEM, text)


def _in_use(situation: Situation) -> Draft:
    pods = situation.observed.pods
    if not pods:
        return (ConditionType.IN_USE, "False", Reason.UNUSED, "No pod uses the volume.")
    return (ConditionType.IN_USE, "True", Reason.USED_BY_PODS, f"{len(pods)} pods use the volume; see inUseBy.")


def _conflict(ending: ResultSummary) -> Draft:
    if REASONS[ending.reason].condition is ConditionType.CONFLICT:
        return (ConditionType.CONFLICT, "True", ending.reason, ending.message)
    return (ConditionType.CONFLICT, "False", Reason.NO_CONFLICT, "Nothing else uses the volume.")


def _permitted(story: Story, ending: ResultSummary) -> Draft | None:
    kind = ConditionType.PERMISSIONS_OK
    if _denied(ending.reason):
        return (kind, "False", ending.reason, ending.message)
    for entry in story.situation.claim.status.operations or ():
        said = record(entry.reason or "") if rejected(entry) else None
        if said is not None and _denied(said.word) and not _called(story):
            return (kind, "False", said.word, entry.message or "")
    return (kind, "True", Reason.PERMITTED, "AWS has denied no call for lack of permission.")


def _denied(reason: Reason) -> bool:
    return REASONS[reason].condition is ConditionType.PERMISSIONS_OK


def _called(story: Story) -> bool:
    return story.result is not None and not isinstance(story.result, Refused | Declined)


def _at_risk(situation: Situation) -> Draft | None:
    where = holding(situation)
    if not situation.claim.direct or not isinstance(where, Held):
        return None
    # [assumption: delete-on-termination-may-be-set]
    if where.attachment.delete_on_termination:
        text = (
            f"AWS deletes the volume together with {where.instance_id} (DeleteOnTermination). Create a snapshot, and "
            "detach the volume before AWS terminates the node."
        )
        return (ConditionType.DATA_AT_RISK, "True", Reason.DELETE_ON_TERMINATION, text)
    return (ConditionType.DATA_AT_RISK, "False", Reason.KEPT_ON_TERMINATION, "The volume outlives its node.")
