"""How the pass ends: one reason, one message, one time for the next look."""

from typing import assert_never

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.engine.decision import Hold, LookAgain, Release, Settled
from hyperpod_operator.core.engine.result import ResultSummary, as_recorded, failed, waiting
from hyperpod_operator.core.errors import TREATMENTS, CloudError, Treatment
from hyperpod_operator.core.outcome import Done, Gone
from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.core.volume import declines
from hyperpod_operator.core.volume.modification import pending_change
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
from hyperpod_operator.core.volume.refusals import kept_back, treatment
from hyperpod_operator.core.volume.story import Accepted, Declined, Refused, Story
from hyperpod_operator.core.volume.timings import VolumeTimings
from hyperpod_operator.core.volume.verdict import Act


def ending(story: Story) -> ResultSummary:
    """The end of the pass; a reason whose record says so is Stalled, whoever gave it.

    A step that is made with such a reason is what the operator still can do by itself.
    """
    end = _ending(story)
    return end if isinstance(story.result, Accepted) else as_recorded(end)


def _ending(story: Story) -> ResultSummary:
    """Exactly one of: could not look, called and was refused, called, held, released, settled."""
    if isinstance(story.unread, KubernetesError):
        return failed(declines.text(story.unread, step=None), declines.treatment(story.unread))
    if story.unread is not None:
        treated = TREATMENTS[story.unread.kind]
        return failed(text(story.unread, treated), treated)
    if isinstance(story.result, Declined):
        error = story.result.error
        return failed(declines.text(error, step=story.result.step), declines.treatment(error))
    if isinstance(story.result, Refused):
        by_group = story.situation.claim.by_group
        treated = treatment(story.result.step, story.result.error, by_group=by_group)
        said = failed(text(story.result.error, treated), treated)
        return _go_on(said, timings=story.situation.timings) if _beside(story, treated) else said
    match story.verdict:
        case Act(step=step, reason=reason, message=message):
            after = _after(step, timings=story.situation.timings)
            return waiting(reason=reason, message=message, after=after)
        case Hold(reason=reason, message=message, after=after, stalled=stalled):
            return waiting(reason=reason, message=message, after=_sooner(story, after), stalled=stalled)
        case LookAgain(reason=reason, message=message, after=after):
            return waiting(reason=reason, message=message, after=after)
        case Release(reason=reason, message=message):
            return ResultSummary(outcome=Gone(), reason=reason, message=message)
        case Settled(message=message):
            return ResultSummary(outcome=Done(), reason=Reason.CLAIM_READY, message=message, settled=True)
        case None:
            raise AssertionError("a pass that could read ends with a decision")
        case _:
            assert_never(story.verdict)


def _sooner(story: Story, after: float) -> float:
    """Whatever else is waited for: an edit of the volume is sent when its collecting ends."""
    situation = story.situation
    recorded = situation.claim.status.modification
    fresh = pending_change(situation)
    if not fresh or situation.claim.deleting or (recorded is not None and recorded.pendingChange == fresh):
        return after
    return min(after, situation.timings.debounce)


def _after(step: Step, *, timings: VolumeTimings) -> float:
    """What was written to the API server is seen by the next read; a Node's label comes with the watch, which wakes
    the claim sooner than this."""
    if isinstance(step, CreateTags | DeleteTags):
        return timings.claiming
    if isinstance(step, CloudStep | LabelNode | UnlabelNode):
        return timings.step
    return timings.brief


def _beside(story: Story, treated: Treatment) -> bool:
    """Whether what was refused is kept back from now on and the rest does not depend on it: a volume that may not be
    modified is attached and published all the same."""
    if not isinstance(story.result, Refused) or not kept_back(treated):
        return False
    return isinstance(story.result.step, ModifyVolume | CreateSnapshot) and not story.situation.claim.deleting


def _go_on(said: ResultSummary, *, timings: VolumeTimings) -> ResultSummary:
    return waiting(reason=said.reason, message=said.message, after=timings.brief, stalled=said.stalled)


def text(error: CloudError, treated: Treatment) -> str:
    """AWS's words, then ours. The request id stays out: it would make every pass a status write."""
    code = error.ec2_code or error.code
    return f"{error.operation} failed ({code}): {error.message.rstrip('. ')}. {treated.remedy}"
