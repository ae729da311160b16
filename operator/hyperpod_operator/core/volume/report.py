"""What a pass leaves behind: one status, the Events that tell what changed, and how the pass ended.

Status is a function of the stored status and the pass: equal input gives equal output, so a settled claim is never
written to.
"""

from hyperpod_operator.api.common.conditions import Condition
from hyperpod_operator.api.kinds import VOLUME_CLAIM
from hyperpod_operator.api.names import ConditionType
from hyperpod_operator.api.volume.status import (
    EBSVolumeClaimStatus,
    ObservedVolume,
)
from hyperpod_operator.core.engine.conditions import MESSAGE_MOST, initial, settle
from hyperpod_operator.core.engine.decision import LookAgain, Report
from hyperpod_operator.core.engine.journal import rejected
from hyperpod_operator.core.engine.memory import updated
from hyperpod_operator.core.engine.result import ResultSummary
from hyperpod_operator.core.errors import TREATMENTS
from hyperpod_operator.core.location import location_of
from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.core.text import shortened
from hyperpod_operator.core.volume import declines
from hyperpod_operator.core.volume.audit import history
from hyperpod_operator.core.volume.claim import CREATED, CSI_TAGS
from hyperpod_operator.core.volume.conditions import conditions
from hyperpod_operator.core.volume.decision import Act, ClaimSnapshot
from hyperpod_operator.core.volume.ending import ending
from hyperpod_operator.core.volume.events import events
from hyperpod_operator.core.volume.memory.attachment import attachment, intended_attachment, previous
from hyperpod_operator.core.volume.memory.calls import intended, operations
from hyperpod_operator.core.volume.memory.creation import REFUSED, creation, intended_creation, volume_id
from hyperpod_operator.core.volume.memory.missing import missing
from hyperpod_operator.core.volume.memory.modification import modification
from hyperpod_operator.core.volume.memory.ownership import adoption, ownership, tag_taken
from hyperpod_operator.core.volume.memory.snapshots import snapshots
from hyperpod_operator.core.volume.pass_record import Accepted, KubernetesRejected, PassRecord
from hyperpod_operator.core.volume.phase import phase
from hyperpod_operator.core.volume.plan import (
    Attach,
    CloudStep,
    CreateTags,
    CreateVolume,
    DeleteTags,
    PublishPV,
    RemovePV,
    RemovePVC,
)

PATIENCE = 3
"""Passes in a row that may fail to read a claim's world before its status says so."""
PODS_MOST = 20
POD_MOST = 256


def report(pass_record: PassRecord) -> Report[EBSVolumeClaimStatus]:
    """The report of a pass that ended, well or not. `pass_record.snapshot` carries what `intent` stored."""
    end = ending(pass_record)
    old = pass_record.snapshot.claim.status
    if _shrugged_off(pass_record):
        return Report(status=old, events=(), outcome=end.outcome)
    if _passes_on(pass_record):
        return Report(status=old, events=(), outcome=end.outcome)
    if isinstance(pass_record.decision, LookAgain) and old.conditions:
        conditions = _doubted(old.conditions, message=pass_record.decision.message)
        doubted = updated(old, {"missing": missing(pass_record), "conditions": conditions})
        return Report(status=doubted, events=(), outcome=end.outcome)
    new = _status(pass_record, end)
    return Report(status=new, events=events(pass_record, end, new), outcome=end.outcome)


def _doubted(conditions: list[Condition], *, message: str) -> list[Condition]:
    """As stored, but Ready says what AWS does not show now, where it had nothing else to say."""
    return [
        one.model_copy(update={"message": shortened(message, MESSAGE_MOST)})
        if one.type == ConditionType.READY and one.status == "True"
        else one
        for one in conditions
    ]


def intent(snapshot: ClaimSnapshot, act: Act) -> EBSVolumeClaimStatus | None:
    """The status to store before this step; None where nothing has to be stored first.

    Every call to AWS is announced, so that one whose answer is lost is not sent again before AWS had time to show
    its effect. The making of a volume and the choice of a node are stored in full.
    """
    step, old = act.step, snapshot.claim.status
    if not isinstance(step, CloudStep):
        return None
    fields: dict[str, object] = {
        "operations": intended(snapshot, step),
        "region": snapshot.here.region or old.region,
    }
    if isinstance(step, CreateVolume):
        fields |= {
            "creation": intended_creation(snapshot, step.request),
            "volumeId": None,
            "appliedTagKeys": sorted(set(step.request.tags) & set(snapshot.claim.user_tags)) or None,
        }
    if isinstance(step, Attach):
        fields["attachment"] = intended_attachment(snapshot, step)
        moved = old.attachment is not None and old.attachment.instanceId != step.instance_id
        if moved:
            fields["previousAttachments"] = previous(snapshot, leaving=_why(snapshot))
    if not old.conditions:
        fields["observedGeneration"] = snapshot.claim.generation
        fields["conditions"] = settle(
            table=VOLUME_CLAIM.table,
            drafts=initial(reason=act.reason, message=act.message),
            before=[],
            generation=snapshot.claim.generation,
            now=snapshot.now,
        )
    return updated(old, fields)


def _why(snapshot: ClaimSnapshot) -> str:
    recorded = snapshot.claim.status.attachment
    if recorded is not None and recorded.remembered.target != snapshot.claim.target_text:
        return "the target of the spec changed"
    node = snapshot.observed.node(recorded.instanceId or "") if recorded is not None else None
    if node is None or not snapshot.observed.alive(node.instance_id):
        return "AWS has terminated the node"
    if node.drained_for:
        return "the node was drained"
    if snapshot.claim.group not in {"", node.instance_group}:
        return "the node is in another instance group"
    return "the node had no free attachment slot"


def _shrugged_off(pass_record: PassRecord) -> bool:
    """A read that failed for a moment says nothing about a claim that was looked at before."""
    claim = pass_record.snapshot.claim
    if not _passing(pass_record):
        return False
    return bool(claim.status.conditions) and not claim.edited and pass_record.failures < PATIENCE


def _passes_on(pass_record: PassRecord) -> bool:
    """A step in Kubernetes that was taken: the next pass follows at once, sees it, and reports about both.

    It needs no record, because the API server itself guards it and it is simply repeated.
    """
    result, claim = pass_record.result, pass_record.snapshot.claim
    published = claim.status.remembered.persistentVolumeClaimUid
    return (
        isinstance(result, Accepted)
        and not isinstance(result.step, CloudStep | RemovePV | RemovePVC)
        and not (isinstance(result.step, PublishPV) and published)  # an Event says so
        and bool(claim.status.conditions)
        and not any(map(rejected, claim.status.operations or ()))  # which this may have settled
    )


def _passing(pass_record: PassRecord) -> bool:
    """Whether the pass failed in a way that usually mends itself. A step that AWS did not take is always told."""
    failed = pass_record.result.error if isinstance(pass_record.result, KubernetesRejected) else pass_record.unread
    if failed is None:
        return False
    treated = declines.treatment(failed) if isinstance(failed, KubernetesError) else TREATMENTS[failed.kind]
    return not treated.stalled


def _status(pass_record: PassRecord, end: ResultSummary) -> EBSVolumeClaimStatus:
    snapshot, claim = pass_record.snapshot, pass_record.snapshot.claim
    old, volume = claim.status, snapshot.volume
    fields: dict[str, object] = {
        "observedGeneration": claim.generation,
        "conditions": conditions(pass_record, end),
        "operations": operations(pass_record),
        "history": history(pass_record),
        "creation": creation(pass_record),
        "attachment": attachment(pass_record),
        "modification": modification(pass_record),
        "phase": phase(pass_record, end),
        "preflight": pass_record.preflight or old.preflight,
    }
    if pass_record.unread is None:
        fields |= {"lastHandledReconcileAt": claim.reconcile_requested_at or old.lastHandledReconcileAt}
    if not pass_record.blind:
        fields |= {
            "region": _region(pass_record),
            "volumeId": volume_id(pass_record),
            "volumeArn": old.volumeArn if old.volumeId == volume_id(pass_record) and old.volumeArn else _arn(snapshot),
            "availabilityZone": (volume.availability_zone or None) if volume else old.availabilityZone,
            "availabilityZoneId": (volume.availability_zone_id or None) if volume else old.availabilityZoneId,
            "ownership": ownership(pass_record),
            "tagTaken": tag_taken(pass_record),
            "adoption": adoption(pass_record, end),
            "missing": missing(pass_record),
            "observed": _observed(pass_record),
            "snapshots": snapshots(pass_record),
            "persistentVolumeName": _persistent_volume_name(snapshot),
            "persistentVolumeClaimName": _persistent_volume_claim_name(snapshot),
            "persistentVolumeClaimUid": _persistent_volume_claim_uid(snapshot),
            "filesystemSize": _filesystem_size(snapshot),
            "inUseBy": sorted({pod[:POD_MOST] for pod in snapshot.observed.pods})[:PODS_MOST] or None,
            "appliedTagKeys": _applied_tag_keys(pass_record),
        }
    return updated(old, fields)


def _region(pass_record: PassRecord) -> str | None:
    """Where the volume is, or may have been made. Nothing else ties a claim to a place: one that found nothing in the
    wrong place goes on in the right one."""
    snapshot, old = pass_record.snapshot, pass_record.snapshot.claim.status
    if snapshot.volume is not None:
        return snapshot.here.region or old.region
    made = creation(pass_record)
    refused = made is None or made.outcome == REFUSED
    return None if snapshot.claim.origin == CREATED and refused else old.region


def _arn(snapshot: ClaimSnapshot) -> str | None:
    """The volume's ARN, in the partition, Region and account of the pass, or of the cluster; EC2 does not return it."""
    volume = snapshot.volume
    for at in (snapshot.here, location_of(snapshot.cluster_arn)):
        if volume is not None and at.partition and at.region and at.account:
            return f"arn:{at.partition}:ec2:{at.region}:{at.account}:volume/{volume.volume_id}"
    return None


def _observed(pass_record: PassRecord) -> ObservedVolume | None:
    volume = pass_record.snapshot.volume
    if volume is None:
        return pass_record.snapshot.claim.status.observed if missing(pass_record) else None
    return ObservedVolume(
        state=volume.state,
        size=volume.size,
        volumeType=volume.volume_type,
        iops=volume.iops,
        throughput=volume.throughput,
        encrypted=volume.encrypted,
        kmsKeyId=volume.kms_key_id or None,
        multiAttachEnabled=volume.multi_attach_enabled,
    )


def _persistent_volume_name(snapshot: ClaimSnapshot) -> str | None:
    found = snapshot.observed.persistent_volume
    return found.name if found and found.claim_uid == snapshot.claim.uid else None


def _persistent_volume_claim_name(snapshot: ClaimSnapshot) -> str | None:
    found = snapshot.observed.persistent_volume_claim
    return found.name if found else None


def _persistent_volume_claim_uid(snapshot: ClaimSnapshot) -> str | None:
    """Of the one that is bound, else of the one that was: what it wrote is still on the volume."""
    claim, found = snapshot.claim, snapshot.observed.persistent_volume
    held = found.reserved_for if found is not None and found.claim_uid == claim.uid else None
    return held.uid if held is not None and held.uid else claim.status.remembered.persistentVolumeClaimUid


def _filesystem_size(snapshot: ClaimSnapshot) -> int | None:
    """Of the PersistentVolume that is there, else of the one that was: the next one says what the file system has."""
    found, claim = snapshot.observed.persistent_volume, snapshot.claim
    there = found is not None and found.claim_uid == claim.uid
    return (found.capacity if there and found is not None else 0) or claim.status.remembered.filesystemSize


def _applied_tag_keys(pass_record: PassRecord) -> list[str] | None:
    """Keys beside our own that this claim put on the volume: only these are ever taken off again."""
    result, keys = pass_record.result, set(pass_record.snapshot.claim.status.remembered.appliedTagKeys or [])
    if isinstance(result, Accepted) and isinstance(result.step, CreateTags):
        keys |= set(result.step.tags) & {*pass_record.snapshot.claim.user_tags, *CSI_TAGS}
    if isinstance(result, Accepted) and isinstance(result.step, DeleteTags):
        keys -= set(result.step.keys)
    return sorted(keys) or None
