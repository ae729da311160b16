"""How the pass ends: one reason, one message, one time for the next look."""

from typing import assert_never

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.engine.decision import InSync, LookAgain, RemoveFinalizer, Wait
from hyperpod_operator.core.engine.failure import failure_message
from hyperpod_operator.core.engine.result import ResultSummary, as_recorded, failed, waiting
from hyperpod_operator.core.errors import TREATMENTS, CloudError, Treatment
from hyperpod_operator.core.outcome import Done, Gone
from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.core.volume import declines
from hyperpod_operator.core.volume.decision import Act
from hyperpod_operator.core.volume.pass_record import Accepted, KubernetesRejected, PassRecord, Rejected
from hyperpod_operator.core.volume.plan import (
    CloudStep,
    CreateSnapshot,
    CreateTags,
    DeleteTags,
    LabelNode,
    ModifyVolume,
    Step,
    UnlabelNode,
)
from hyperpod_operator.core.volume.refusals import kept_back, treated
from hyperpod_operator.core.volume.timings import VolumeTimings


def ending(pass_record: PassRecord) -> ResultSummary:
    """The end of the pass; a reason whose record says so is Stalled, whoever gave it.

    A step that is made with such a reason is what the operator still can do by itself.
    """
    end = _ending(pass_record)
    return end if isinstance(pass_record.result, Accepted) else as_recorded(end)


def _ending(pass_record: PassRecord) -> ResultSummary:
    """Exactly one of: could not look, called and was refused, called, held, released, settled."""
    if isinstance(pass_record.unread, KubernetesError):
        return failed(declines.text(pass_record.unread, step=None), declines.treatment(pass_record.unread))
    if pass_record.unread is not None:
        means = TREATMENTS[pass_record.unread.kind]
        return failed(text(pass_record.unread, means), means)
    if isinstance(pass_record.result, KubernetesRejected):
        error = pass_record.result.error
        return failed(declines.text(error, step=pass_record.result.step), declines.treatment(error))
    if isinstance(pass_record.result, Rejected):
        means = treated(pass_record.snapshot, pass_record.result.step, pass_record.result.error)
        said = failed(text(pass_record.result.error, means), means)
        return _go_on(said, timings=pass_record.snapshot.timings) if _beside(pass_record, means) else said
    match pass_record.decision:
        case Act(step=step, reason=reason, message=message):
            after = _after(step, timings=pass_record.snapshot.timings)
            return waiting(reason=reason, message=message, after=after)
        case Wait(reason=reason, message=message, after=after, stalled=stalled):
            return waiting(reason=reason, message=message, after=after, stalled=stalled)
        case LookAgain(reason=reason, message=message, after=after):
            return waiting(reason=reason, message=message, after=after)
        case RemoveFinalizer(reason=reason, message=message):
            return ResultSummary(outcome=Gone(), reason=reason, message=message)
        case InSync(message=message):
            return ResultSummary(outcome=Done(), reason=Reason.CLAIM_READY, message=message, settled=True)
        case None:
            raise AssertionError("a pass that could read ends with a decision")
        case _:
            assert_never(pass_record.decision)


def _after(step: Step, *, timings: VolumeTimings) -> float:
    """What was written to the API server is seen by the next read; a Node's label comes with the watch, which wakes
    the claim sooner than this."""
    if isinstance(step, CreateTags | DeleteTags):
        return timings.claiming
    if isinstance(step, CloudStep | LabelNode | UnlabelNode):
        return timings.step
    return timings.brief


def _beside(pass_record: PassRecord, means: Treatment) -> bool:
    """Whether what was refused is kept back from now on and the rest does not depend on it: a volume that may not be
    modified or tagged is attached and published all the same."""
    if not isinstance(pass_record.result, Rejected) or not kept_back(means):
        return False
    apart = isinstance(pass_record.result.step, ModifyVolume | CreateSnapshot | CreateTags | DeleteTags)
    return apart and not pass_record.snapshot.claim.deleting


def _go_on(said: ResultSummary, *, timings: VolumeTimings) -> ResultSummary:
    return waiting(reason=said.reason, message=said.message, after=timings.brief, stalled=said.stalled)


def text(error: CloudError, means: Treatment) -> str:
    """AWS's words, then ours, under the code of EC2 where that is the one that refused."""
    return failure_message(error, code=error.ec2_code, means=means)
