"""The last call that was to change something in AWS, and the last step that was refused."""

from hyperpod_operator.api.status import LastAction
from hyperpod_operator.api.volume_status import Refusal
from hyperpod_operator.core.cluster.call_outcomes import ACCEPTED, REJECTED, STARTED, UNKNOWN
from hyperpod_operator.core.errors import CloudError
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.volume import declines
from hyperpod_operator.core.volume.ending import text
from hyperpod_operator.core.volume.guards import later, since
from hyperpod_operator.core.volume.plan import CloudStep, fingerprint, operation
from hyperpod_operator.core.volume.refusals import DEFINITE, kept_back, treatment
from hyperpod_operator.core.volume.story import Accepted, Declined, Refused, Story
from hyperpod_operator.core.volume.verdict import Act, Situation


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
    if isinstance(result, Declined):
        return _declined(situation, result) or old
    if isinstance(story.verdict, Act) and isinstance(story.verdict.step, CloudStep):
        return None
    if story.blind or old is None:
        return old
    if isinstance(result, Accepted) and old.fingerprint == fingerprint(result.step):
        return None
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


def _declined(situation: Situation, result: Declined) -> Refusal | None:
    """What the API server refuses for good; what passes leaves no record."""
    treated = declines.treatment(result.error)
    if not kept_back(treated):
        return None
    return Refusal(
        operation=operation(result.step),
        code=str(result.error.status),
        message=declines.text(result.error, step=result.step)[:2048],
        reason=treated.reason,
        stalled=treated.stalled or None,
        fingerprint=fingerprint(result.step),
        time=stamp(situation.now),
        retryAt=stamp(later(situation.now, treated.after or 0.0)),
    )
