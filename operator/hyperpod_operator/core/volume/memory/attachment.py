"""The chosen node, the nodes before it, and what the calls about them taught."""

from hyperpod_operator.api.volume.memory import AttachmentMemory, RefusedInstance
from hyperpod_operator.api.volume.status import AttachmentStatus, PreviousAttachment
from hyperpod_operator.core.engine.memory import updated
from hyperpod_operator.core.moments import parse_time, stamp
from hyperpod_operator.core.volume.attachment import leaving, since_attach
from hyperpod_operator.core.volume.decision import ClaimSnapshot
from hyperpod_operator.core.volume.device import device_path
from hyperpod_operator.core.volume.holding import SLACK, Free, Held, holding
from hyperpod_operator.core.volume.missing import look_again
from hyperpod_operator.core.volume.pass_record import Accepted, PassRecord, Rejected
from hyperpod_operator.core.volume.plan import Attach, Detach
from hyperpod_operator.core.volume.ports import Attachment
from hyperpod_operator.core.volume.refusals import DEFINITE, NO_ROOM, OF_THE_NODE
from hyperpod_operator.core.volume.target import REFUSED_MOST, Resolved, resolve

PREVIOUS_MOST = 5


def intended_attachment(snapshot: ClaimSnapshot, step: Attach) -> AttachmentStatus:
    """The chosen node before the attach to it: only what is recorded here counts as ours later."""
    old = snapshot.claim.status.attachment
    same = old is not None and old.instanceId == step.instance_id
    return AttachmentStatus(
        clusterArn=step.cluster_arn,
        instanceGroupName=step.instance_group or None,
        instanceId=step.instance_id,
        nodeLogicalId=step.logical_id or None,
        nodeName=step.node_name or None,
        devicePath=device_path(step.volume_id),
        state="attaching",
        attachTime=stamp(snapshot.now),
        memory=AttachmentMemory(
            target=snapshot.claim.target_text,
            calls=((old.remembered.calls or 1) if same and old and old.state == "attaching" else 0) + 1,
            attempts=old.remembered.attempts if same and old else None,
            refused=old.remembered.refused if old else None,
            followTime=old.remembered.followTime if same and old else _gone_since(snapshot, old),
        ),
    )


def _gone_since(snapshot: ClaimSnapshot, old: AttachmentStatus | None) -> str | None:
    """When the former node was lost, or one before it that the volume never came back from; None if it was left."""
    if old is None:
        return None
    if old.remembered.followTime or old.remembered.lostTime:
        return old.remembered.followTime or old.remembered.lostTime
    gone = bool(old.instanceId) and not snapshot.observed.alive(old.instanceId or "")
    return stamp(snapshot.now) if gone else None


def previous(snapshot: ClaimSnapshot, *, leaving: str) -> list[PreviousAttachment] | None:
    """Newest first; a node that the volume returns to is listed again only when it leaves once more."""
    old, status = snapshot.claim.status.attachment, snapshot.claim.status
    kept = list(status.previousAttachments or [])
    if old is None or not old.instanceId or not old.attachTime:
        return kept or None  # a node that refused the volume never held it
    entry = PreviousAttachment(
        instanceId=old.instanceId,
        nodeName=old.nodeName,
        attachTime=old.attachTime,
        until=stamp(snapshot.now),
        why=leaving[:1024],
    )
    return [entry, *kept][:PREVIOUS_MOST]


def attachment(pass_record: PassRecord) -> AttachmentStatus | None:
    """What is known of the chosen node after this pass."""
    snapshot, old = pass_record.snapshot, pass_record.snapshot.claim.status.attachment
    if pass_record.blind or old is None or not snapshot.claim.direct:
        return old
    where, result = holding(snapshot), pass_record.result
    fields: dict[str, object] = {}
    if isinstance(where, Held) and where.instance_id == old.instanceId:
        fields |= _seen(where, old)
    elif isinstance(where, Free) and not (result is not None and isinstance(result.step, Attach)):
        pending = old.state == "attaching" and since_attach(snapshot) < snapshot.timings.resend
        gone = {"state": "detached", "deviceName": None, "deleteOnTermination": None, "calls": None}
        fields |= {"detachTime": None, **({} if pending or look_again(snapshot) else gone)}
    lost = bool(old.instanceId) and not snapshot.observed.alive(old.instanceId or "")
    fields["lostTime"] = (old.remembered.lostTime or stamp(snapshot.now)) if lost else None
    if not old.nodeName and (node := snapshot.observed.node(old.instanceId or "")) is not None:
        fields["nodeName"] = node.node_name or None
    if isinstance(chosen := resolve(snapshot), Resolved) and chosen.node.instance_id == old.instanceId:
        # Also of an edited target: when the node is lost, followNode is asked, and not the target once more.
        fields["target"] = snapshot.claim.target_text
    if isinstance(where, Held):
        goes = leaving(snapshot) or where.state == "detaching"  # by a call of others, too
        fields["detachTime"] = (old.remembered.detachTime or stamp(snapshot.now)) if goes else None
    fields |= _after(pass_record, old)
    return updated(old, fields)


def _seen(where: Held, old: AttachmentStatus) -> dict[str, object]:
    """What EC2 shows. Of a call that AWS carried out long after it was sent, the time of that: later passes know the
    attachment by it."""
    seen: dict[str, object] = {"state": where.state, "deleteOnTermination": where.attachment.delete_on_termination}
    if where.attachment.device:
        seen["deviceName"] = where.attachment.device
    began, called = where.attachment.attach_time, parse_time(old.attachTime or "")
    if where.ours and began is not None and called is not None and began > called + SLACK:
        seen["attachTime"] = stamp(began)
    if where.state == "attached":
        seen |= {"attempts": None, "followTime": None, "calls": None}
    return seen


def _after(pass_record: PassRecord, old: AttachmentStatus) -> dict[str, object]:
    """What the call itself taught."""
    snapshot, result = pass_record.snapshot, pass_record.result
    if isinstance(result, Accepted) and isinstance(result.step, Attach) and isinstance(result.answer, Attachment):
        # Whatever state the answer names: EC2 may not show it for minutes, and until then the attachment is looked for.
        return {"state": "attaching", **({"deviceName": result.answer.device} if result.answer.device else {})}
    if isinstance(result, Accepted) and isinstance(result.step, Detach):
        stuck = old.state == "attaching"
        return {"attempts": (old.remembered.attempts or 0) + 1} if stuck else {}
    if not isinstance(result, Rejected) or not isinstance(result.step, Attach):
        return {}
    taught = _not_taken(pass_record, result)
    code = result.error.ec2_code
    if code == NO_ROOM or (code in OF_THE_NODE and snapshot.claim.by_group):
        entry = RefusedInstance(instanceId=result.step.instance_id, code=code, time=stamp(snapshot.now))
        rest = [item for item in old.remembered.refused or [] if item.instanceId != entry.instanceId]
        gone = {"state": "detached"} if taught else {}
        return {**taught, **gone, "refused": [entry, *rest][:REFUSED_MOST]}
    return taught


# [assumption: attachment-shows-late, attach-again-is-harmless]
def _not_taken(pass_record: PassRecord, refused: Rejected) -> dict[str, object]:
    """A refused first attach made nothing: what AWS may show on that node later is somebody else's.

    After one that AWS took, or may have taken, a refusal (VolumeInUse) may be about our own attachment, which EC2 does
    not show yet: the record stands, and the look goes on.
    """
    recorded = pass_record.snapshot.claim.status.attachment
    first = recorded is None or (recorded.remembered.calls or 1) <= 1
    if refused.error.kind not in DEFINITE or not first:
        return {}
    return {"state": "detached", "attachTime": None, "calls": None}
