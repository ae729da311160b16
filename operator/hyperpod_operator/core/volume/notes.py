"""Which Events a pass leaves: the step that was made, and each reason that is new."""

from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.api.volume_status import EBSVolumeClaimStatus
from hyperpod_operator.core.ports import Note
from hyperpod_operator.core.volume import declines
from hyperpod_operator.core.volume.ending import Ending
from hyperpod_operator.core.volume.plan import operation
from hyperpod_operator.core.volume.refusals import treatment
from hyperpod_operator.core.volume.story import Accepted, Declined, Refused, Story
from hyperpod_operator.core.volume.verdict import Act

SILENT = frozenset({ConditionType.RECONCILING, ConditionType.STALLED, ConditionType.IN_USE})
"""The first two say what Ready says; pods that come and go are no news."""
WORRYING = frozenset({Reason.NODE_LOST, Reason.DETACH_BLOCKED, Reason.RATE_LIMITED, Reason.UNKNOWN_OUTCOME})
BAD_WHEN_TRUE = frozenset({ConditionType.CONFLICT, ConditionType.DATA_AT_RISK, ConditionType.FILESYSTEM_RESIZE_PENDING})


def notes(story: Story, end: Ending, new: EBSVolumeClaimStatus) -> tuple[Note, ...]:
    made: list[Note] = []
    if isinstance(story.verdict, Act) and story.result is not None:
        made.append(_step_note(story, story.verdict, story.result))
    before = {condition.type: condition for condition in story.situation.claim.status.conditions or []}
    for condition in new.conditions or []:
        was = before.get(condition.type)
        changed = was is None or (was.status, was.reason) != (condition.status, condition.reason)
        if condition.type in SILENT or not changed:
            continue
        bad = condition.type in BAD_WHEN_TRUE and condition.status == "True"
        if condition.type != ConditionType.READY and not bad:
            continue  # the parts explain Ready; alone, only dangers are news
        warning = bad or (end.stalled and condition.status != "True") or condition.reason in WORRYING
        message = f"{condition.type} is {condition.status}: {condition.message}"
        made.append(
            Note(type="Warning" if warning else "Normal", reason=condition.reason, action="Observe", message=message)
        )
    first = {note.reason: note for note in reversed(made)}
    return tuple(note for note in made if first[note.reason] is note)


def _step_note(story: Story, act: Act, result: Accepted | Refused | Declined) -> Note:
    if isinstance(result, Accepted):
        return Note(type="Normal", reason=act.reason, action=operation(act.step), message=act.message)
    if isinstance(result, Declined):
        reason, said = declines.treatment(result.error).reason, declines.text(result.error, step=result.step)
        return Note(type="Warning", reason=reason, action=operation(act.step), message=said)
    error = result.error
    request = f" (request {error.request_id})" if error.request_id else ""
    reason = treatment(result.step, error, by_group=story.situation.claim.by_group).reason
    code = error.ec2_code or error.code
    message = f"{error.operation} failed ({code}): {error.message}{request}"
    return Note(type="Warning", reason=reason, action=operation(act.step), message=message)
