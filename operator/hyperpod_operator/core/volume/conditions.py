"""What a pass says of an EBSVolumeClaim, as drafts for the setter of conditions (`core.engine.conditions`).

Each part of Ready is judged from the snapshot itself, not from what the pass happened to do, so that a claim that is
stuck in one part still tells the truth about the others.
"""

from hyperpod_operator.api.conditions import Condition
from hyperpod_operator.api.kinds import VOLUME_CLAIM
from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.api.reasons import REASONS, record
from hyperpod_operator.core.engine.conditions import Draft, kept, settle, summary
from hyperpod_operator.core.engine.journal import rejected
from hyperpod_operator.core.engine.result import ResultSummary
from hyperpod_operator.core.text import counted
from hyperpod_operator.core.unknown import ignored_members
from hyperpod_operator.core.volume import modification
from hyperpod_operator.core.volume.decision import ClaimSnapshot
from hyperpod_operator.core.volume.device import device_path
from hyperpod_operator.core.volume.holding import Foreign, Held, holding
from hyperpod_operator.core.volume.pass_record import KubernetesRejected, PassRecord, Rejected
from hyperpod_operator.core.volume.target import Resolved, resolve


def conditions(pass_record: PassRecord, ending: ResultSummary) -> list[Condition]:
    """All conditions after this pass, in a fixed order, with transition times carried over."""
    claim = pass_record.snapshot.claim
    before = claim.status.conditions or []
    drafts = _summary(pass_record, ending)
    if not pass_record.blind:
        drafts += [draft for draft in _details(pass_record, ending) if draft is not None]
    else:
        drafts += kept(before, made=drafts)
    if _denied(ending.reason) and pass_record.unread is not None:
        drafts = [draft for draft in drafts if draft[0] is not ConditionType.PERMISSIONS_OK]
        drafts.append((ConditionType.PERMISSIONS_OK, "False", ending.reason, ending.message))
    return settle(
        table=VOLUME_CLAIM.table,
        drafts=drafts,
        before=before,
        generation=claim.generation,
        now=pass_record.snapshot.now,
    )


def _summary(pass_record: PassRecord, ending: ResultSummary) -> list[Draft]:
    reason, message = ending.reason, ending.message
    if ending.settled:
        return [(ConditionType.READY, "True", Reason.CLAIM_READY, message)]
    ready = "Unknown" if pass_record.unread else "False"
    return summary(ready=ready, reason=reason, message=message, stalled=ending.stalled)


def _details(pass_record: PassRecord, ending: ResultSummary) -> list[Draft | None]:
    snapshot = pass_record.snapshot
    direct = snapshot.claim.direct
    return [
        _volume_ready(snapshot, ending),
        _target_resolved(snapshot) if direct else None,
        _attached(snapshot, ending) if direct else None,
        _published(snapshot, ending),
        _modification(snapshot),
        _filesystem(snapshot),
        _in_use(snapshot),
        _conflict(ending),
        _permitted(pass_record, ending),
        _at_risk(snapshot),
    ]


def _volume_ready(snapshot: ClaimSnapshot, ending: ResultSummary) -> Draft:
    volume = snapshot.volume
    if volume is not None and volume.state in {"available", "in-use"}:
        text = f"{volume.volume_id} is {volume.state}."
        return (ConditionType.VOLUME_READY, "True", Reason.VOLUME_AVAILABLE, text)
    return (ConditionType.VOLUME_READY, "False", ending.reason, ending.message)


def _target_resolved(snapshot: ClaimSnapshot) -> Draft:
    resolution = resolve(snapshot)
    if isinstance(resolution, Resolved):
        where = holding(snapshot)
        there = isinstance(where, Held) and where.instance_id == resolution.node.instance_id
        if resolution.hold is None or there:
            name = resolution.node.node_name or resolution.node.instance_id
            return (ConditionType.TARGET_RESOLVED, "True", Reason.TARGET_CHOSEN, f"The volume belongs on {name}.")
    hold = resolution.hold
    if hold is None:
        raise AssertionError("a target without an obstacle was answered above")
    return (ConditionType.TARGET_RESOLVED, "False", hold.reason, hold.message)


def _attached(snapshot: ClaimSnapshot, ending: ResultSummary) -> Draft:
    where = holding(snapshot)
    kind = ConditionType.ATTACHED
    if isinstance(where, Held) and where.state in {"attached", "busy"}:
        resolution = resolve(snapshot)
        there = isinstance(resolution, Resolved) and resolution.node.instance_id == where.instance_id
        if there and not snapshot.claim.suspended and snapshot.observed.alive(where.instance_id):
            return (kind, "True", Reason.ATTACHED, f"AWS reports the volume as {where.state} to {where.instance_id}.")
    if isinstance(where, Foreign):
        return (kind, "False", Reason.ATTACHED_ELSEWHERE, f"The volume is attached to {where.who}.")
    return (kind, "False", ending.reason, ending.message)


def _published(snapshot: ClaimSnapshot, ending: ResultSummary) -> Draft:
    claim, observed, kind = snapshot.claim, snapshot.observed, ConditionType.PUBLISHED
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


def _modification(snapshot: ClaimSnapshot) -> Draft:
    kind = ConditionType.MODIFICATION_COMPLETE
    if snapshot.volume is None:
        return (kind, "Unknown", Reason.CREATING_VOLUME, "There is no volume to compare with the spec.")
    held = modification.unfinished(snapshot)
    if held is not None:
        return (kind, "False", held.reason, held.message)
    latest = snapshot.observed.modification
    if latest is not None and latest.modification_state in modification.UNDER_WAY:
        progress = f" ({latest.progress} %)" if latest.progress is not None else ""
        text = f"The volume is usable; AWS is still optimizing it{progress}. Nothing to do."
        return (kind, "False", Reason.MODIFYING, text)
    ignored = ignored_members(snapshot.claim.unknown)
    return (kind, "True", Reason.IN_SYNC, f"The volume matches the spec.{ignored}")


def _filesystem(snapshot: ClaimSnapshot) -> Draft | None:
    volume, published = snapshot.volume, snapshot.observed.persistent_volume
    publish = snapshot.claim.publish
    if volume is None or published is None or publish is None or (publish.volumeMode or "Filesystem") == "Block":
        return None
    kind = ConditionType.FILESYSTEM_RESIZE_PENDING
    if not published.capacity or published.capacity >= volume.size:
        return (kind, "False", Reason.FILESYSTEM_FITS, f"The file system last filled {volume.size} GiB.")
    device = device_path(volume.volume_id)
    grow = f"xfs_growfs $(findmnt -nfo TARGET {device})" if publish.fsType == "xfs" else f"resize2fs {device}"
    capacity = f'{{"spec":{{"capacity":{{"storage":"{volume.size}Gi"}}}}}}'
    attachment = snapshot.claim.status.attachment
    where = f"node {attachment.nodeName}" if attachment is not None and attachment.nodeName else "its node"
    text = (
        f"The volume grew to {volume.size} GiB and its file system may still have {published.capacity}. Run `{grow}` "
        f"on {where}, then `kubectl patch pv {published.name} -p '{capacity}'`."
    )
    return (kind, "True", Reason.GROW_FILESYSTEM, text)


def _in_use(snapshot: ClaimSnapshot) -> Draft:
    pods = snapshot.observed.pods
    if not pods:
        return (ConditionType.IN_USE, "False", Reason.UNUSED, "No pod uses the volume.")
    return (
        ConditionType.IN_USE,
        "True",
        Reason.USED_BY_PODS,
        f"{counted(len(pods), 'pod uses', 'pods use')} the volume; see inUseBy.",
    )


def _conflict(ending: ResultSummary) -> Draft:
    if REASONS[ending.reason].condition is ConditionType.CONFLICT:
        return (ConditionType.CONFLICT, "True", ending.reason, ending.message)
    return (ConditionType.CONFLICT, "False", Reason.NO_CONFLICT, "Nothing else uses the volume.")


def _permitted(pass_record: PassRecord, ending: ResultSummary) -> Draft | None:
    kind = ConditionType.PERMISSIONS_OK
    if _denied(ending.reason):
        return (kind, "False", ending.reason, ending.message)
    for entry in pass_record.snapshot.claim.status.operations or ():
        said = record(entry.reason or "") if rejected(entry) else None
        if said is not None and _denied(said.word) and not _called(pass_record):
            return (kind, "False", said.word, entry.message or "")
    return (kind, "True", Reason.PERMITTED, "AWS has denied no call for lack of permission.")


def _denied(reason: Reason) -> bool:
    return REASONS[reason].condition is ConditionType.PERMISSIONS_OK


def _called(pass_record: PassRecord) -> bool:
    return pass_record.result is not None and not isinstance(pass_record.result, Rejected | KubernetesRejected)


def _at_risk(snapshot: ClaimSnapshot) -> Draft | None:
    where = holding(snapshot)
    if not snapshot.claim.direct or not isinstance(where, Held):
        return None
    # [assumption: delete-on-termination-may-be-set]
    if where.attachment.delete_on_termination:
        text = (
            f"AWS deletes the volume together with {where.instance_id} (DeleteOnTermination). Create a snapshot, and "
            "detach the volume before AWS terminates the node."
        )
        return (ConditionType.DATA_AT_RISK, "True", Reason.DELETE_ON_TERMINATION, text)
    return (ConditionType.DATA_AT_RISK, "False", Reason.KEPT_ON_TERMINATION, "The volume outlives its node.")
