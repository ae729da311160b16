"""What the audit trail says of the step of a pass over a claim."""

from typing import assert_never

from hyperpod_operator.api.common.plan import HISTORY_MOST, HistoryEntry
from hyperpod_operator.api.kinds import VOLUME_CLAIM
from hyperpod_operator.core.audit import AuditRecord, Requester, kubernetes_answer, lines
from hyperpod_operator.core.engine.call import Effect, worst
from hyperpod_operator.core.errors import ErrorKind
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.ports import Key, KubernetesError
from hyperpod_operator.core.volume.changes import changes_of
from hyperpod_operator.core.volume.decision import Act
from hyperpod_operator.core.volume.declines import subject
from hyperpod_operator.core.volume.pass_record import Accepted, KubernetesRejected, PassRecord, Rejected
from hyperpod_operator.core.volume.plan import (
    Attach,
    CloudStep,
    CreateSnapshot,
    CreateTags,
    CreateVolume,
    DeleteTags,
    DeleteVolume,
    Detach,
    DropLease,
    KubernetesStep,
    LabelNode,
    ModifyVolume,
    PublishPV,
    PublishPVC,
    RemovePV,
    RemovePVC,
    Step,
    TakeLease,
    UnlabelNode,
    concern,
    operation,
)
from hyperpod_operator.core.volume.ports import Volume

SUMMARY_MOST = 256
UNSURE = frozenset({ErrorKind.UNKNOWN_OUTCOME, ErrorKind.TRANSIENT})
"""Failures after which AWS may have carried the step out."""
STRAY = "StrayLabel"
"""Why the label of a volume comes off a Node that does not hold it."""


def audited(pass_record: PassRecord) -> AuditRecord | None:
    """The record of this pass's step; None for a pass that made none."""
    decision, result, claim = pass_record.decision, pass_record.result, pass_record.snapshot.claim
    if not isinstance(decision, Act) or result is None:
        return None
    step = decision.step
    effect, changes = _what(pass_record, step)
    outcome, code, error, request_id = _answer(result)
    return AuditRecord(
        kind=VOLUME_CLAIM.name,
        key=claim.key,
        uid=claim.uid,
        by=Requester(generation=claim.generation, requested_by=claim.requested_by),
        call=operation(step),
        effect=effect,
        target=_made(result) or _target(step),
        changes=changes,
        concern=concern(step),
        reason=decision.reason,
        message=decision.message,
        outcome=outcome,
        code=code,
        request_id=request_id,
        error=error,
    )


def stray_removed(node: str, label: str, *, failed: KubernetesError | None = None) -> AuditRecord:
    """The record of a label that comes off a Node for no claim: the operator itself asks for it."""
    outcome, code, error = kubernetes_answer(failed)
    step = UnlabelNode(node_name=node, key=label)
    return AuditRecord(
        kind="Node",
        key=Key("", node),
        call=operation(step),
        effect=Effect.CHANGES,
        target=_target(step),
        changes=(f"labels[{label}]: removed",),
        concern=concern(step),
        reason=STRAY,
        message="No EBSVolumeClaim has a volume on this Node by that label.",
        outcome=outcome,
        code=code,
        error=error,
    )


def history(pass_record: PassRecord) -> list[HistoryEntry] | None:
    """`status.history` after the pass: calls to AWS. The same one that ends the same way again is no new entry."""
    old, entry = list(pass_record.snapshot.claim.status.history or []), audited(pass_record)
    decision = pass_record.decision
    if entry is None or not isinstance(decision, Act) or not isinstance(decision.step, CloudStep):
        return old or None
    new = HistoryEntry(
        time=stamp(pass_record.snapshot.now),
        call=entry.call,
        effect=entry.effect,
        summary=entry.message[:SUMMARY_MOST],
        outcome=entry.outcome,
        code=entry.code[:128],
    )
    again = bool(old) and entry.outcome != "Accepted" and old[-1].model_copy(update={"time": new.time}) == new
    return old if again else [*old, new][-HISTORY_MOST:]


def _answer(result: Accepted | Rejected | KubernetesRejected) -> tuple[str, str, str, str]:
    """Outcome, code, error and request id."""
    match result:
        case Accepted(request_id=request_id):
            return "Accepted", "OK", "", request_id
        case Rejected(error=error):
            outcome = "Unanswered" if error.kind in UNSURE else "Rejected"
            return outcome, error.ec2_code or error.code, error.message, error.request_id or ""
        case KubernetesRejected(error=failure):
            return *kubernetes_answer(failure), ""
        case _:
            assert_never(result)


def _made(result: Accepted | Rejected | KubernetesRejected) -> str:
    """The volume that a call created."""
    volume = result.answer if isinstance(result, Accepted) else None
    return volume.volume_id if isinstance(volume, Volume) else ""


def _target(step: Step) -> str:
    """What the step is about; empty for a volume that does not exist yet."""
    match step:
        case CreateVolume():
            return ""
        case (
            ModifyVolume(volume_id=name)
            | CreateTags(volume_id=name)
            | DeleteTags(volume_id=name)
            | Attach(volume_id=name)
            | Detach(volume_id=name)
            | CreateSnapshot(volume_id=name)
            | DeleteVolume(volume_id=name)
        ):
            return name
        case TakeLease(volume_id=name) | DropLease(volume_id=name):
            return f"Lease of {name}"
        case LabelNode() | UnlabelNode() | PublishPV() | RemovePV() | PublishPVC() | RemovePVC():
            return subject(step)
        case _:
            assert_never(step)


def _what(pass_record: PassRecord, step: Step) -> tuple[Effect, tuple[str, ...]]:
    """The effect of a step, and what it changes, one line each."""
    if isinstance(step, CloudStep):
        changes = changes_of(pass_record.snapshot, step)
        return worst(tuple(change.effect for change in changes)), lines(changes)
    return _in_kubernetes(step)


def _in_kubernetes(step: KubernetesStep) -> tuple[Effect, tuple[str, ...]]:
    match step:
        case LabelNode(key=key, value=value):
            return Effect.CHANGES, (f"labels[{key}]: {value}",)
        case UnlabelNode(key=key):
            return Effect.CHANGES, (f"labels[{key}]: removed",)
        case PublishPV() | PublishPVC():
            return Effect.ADDS, ("create",)
        case RemovePV() | RemovePVC():
            return Effect.DISRUPTS, ("delete",)
        case TakeLease(holder=holder, replaces=replaces):
            return Effect.CHANGES, (f"holder: {replaces or 'none'} -> {holder}",)
        case DropLease(holder=holder):
            return Effect.CHANGES, (f"holder: {holder} -> none",)
        case _:
            assert_never(step)
