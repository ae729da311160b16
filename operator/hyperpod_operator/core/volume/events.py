"""Which Events a pass leaves: the step that was made, each new reason that needs attention, and a word to the
Node."""

from typing import assert_never

from hyperpod_operator.api.kinds import VOLUME_CLAIM
from hyperpod_operator.api.names import FORCE_DELETE, Reason
from hyperpod_operator.api.volume.status import EBSVolumeClaimStatus
from hyperpod_operator.core.engine.events import first_of_each_reason, of_conditions, repeats
from hyperpod_operator.core.engine.result import ResultSummary
from hyperpod_operator.core.ports import Event
from hyperpod_operator.core.text import listed
from hyperpod_operator.core.volume import declines
from hyperpod_operator.core.volume.decision import Act
from hyperpod_operator.core.volume.pass_record import Accepted, KubernetesRejected, PassRecord, Rejected
from hyperpod_operator.core.volume.plan import Attach, Detach, concern, fingerprint, operation
from hyperpod_operator.core.volume.refusals import treated


def events(pass_record: PassRecord, end: ResultSummary, new: EBSVolumeClaimStatus) -> tuple[Event, ...]:
    made: list[Event] = []
    if isinstance(pass_record.decision, Act) and pass_record.result is not None:
        if not _repeats(pass_record, pass_record.result):
            made.append(_step_event(pass_record, pass_record.decision, pass_record.result))
        made += _overridden(pass_record)
    before = pass_record.snapshot.claim.status.conditions or []
    made += of_conditions(VOLUME_CLAIM, before=before, after=new.conditions or [], stalled=end.stalled)
    return first_of_each_reason(made)


def on_node(pass_record: PassRecord) -> tuple[str, Event] | None:
    """The name of the Node whose volume comes or goes by this pass, and what its Event says."""
    act, result = pass_record.decision, pass_record.result
    if not isinstance(act, Act) or not isinstance(result, Accepted) or not isinstance(result.step, Attach | Detach):
        return None
    node = pass_record.snapshot.observed.node(result.step.instance_id)
    if node is None or not node.node_name:
        return None
    message = f"EBSVolumeClaim {pass_record.snapshot.claim.key}: {act.message}"
    return node.node_name, Event(type="Normal", reason=act.reason, action=operation(act.step), message=message)


def _overridden(pass_record: PassRecord) -> list[Event]:
    """The trace that the annotation force-delete leaves when it disregards pods."""
    claim, pods = pass_record.snapshot.claim, pass_record.snapshot.observed.pods
    detaches = pass_record.result is not None and isinstance(pass_record.result.step, Detach)
    if not detaches or not claim.deleting or not claim.force_delete or not pods:
        return []
    named = listed(pods, most=3, separator=", ", rest=" ")
    message = (
        f"The annotation {FORCE_DELETE} continues this deletion although pods use the volume: {named}. "
        "Detaching while pods still use the volume; unflushed data will be lost. Delete these pods."
    )
    return [Event(type="Warning", reason=Reason.IN_USE, action="ForceDelete", message=message)]


def _repeats(pass_record: PassRecord, result: Accepted | Rejected | KubernetesRejected) -> bool:
    """Whether AWS or the API server rejects the same step for the same reason as before."""
    status = pass_record.snapshot.claim.status
    match result:
        case Accepted():
            return False
        case KubernetesRejected():
            reason = declines.treatment(result.error).reason
        case Rejected():
            reason = treated(pass_record.snapshot, result.step, result.error).reason
        case _:
            assert_never(result)
    return repeats(
        status.operations,
        concern=concern(result.step),
        fingerprint=fingerprint(result.step),
        reason=reason,
        conditions=status.conditions or [],
    )


def _step_event(pass_record: PassRecord, act: Act, result: Accepted | Rejected | KubernetesRejected) -> Event:
    if isinstance(result, Accepted):
        return Event(type="Normal", reason=act.reason, action=operation(act.step), message=act.message)
    if isinstance(result, KubernetesRejected):
        reason, said = declines.treatment(result.error).reason, declines.text(result.error, step=result.step)
        return Event(type="Warning", reason=reason, action=operation(act.step), message=said)
    error = result.error
    reason = treated(pass_record.snapshot, result.step, error).reason
    code = error.ec2_code or error.code
    message = f"{error.operation} failed ({code}): {error.message}"
    reference = f"request {error.request_id}" if error.request_id else ""
    return Event(type="Warning", reason=reason, action=operation(act.step), message=message, reference=reference)
