"""The journal of a claim's steps: what was intended, how it was answered, and until when a rejection stands."""

from hyperpod_operator.api.operations import OperationStatus
from hyperpod_operator.core.engine.journal import CallState, Rejection, called, cleared, entry_of, with_rejection
from hyperpod_operator.core.volume import declines
from hyperpod_operator.core.volume.ending import text
from hyperpod_operator.core.volume.guards import later, since
from hyperpod_operator.core.volume.plan import CloudStep, Step, concern, fingerprint, operation
from hyperpod_operator.core.volume.refusals import DEFINITE, kept_back, treatment
from hyperpod_operator.core.volume.story import Accepted, Declined, Refused, Story
from hyperpod_operator.core.volume.verdict import Situation

OPEN = frozenset({CallState.INTENDED, CallState.UNANSWERED})
"""States of a call that may have been carried out without our knowing."""


KUBERNETES = frozenset({"NodeLabel", "Publication", "Lease"})
"""Concerns of steps that the API server guards: only their rejections are recorded."""


def intended(situation: Situation, step: CloudStep) -> list[OperationStatus]:
    """Before the call. `attempts` counts on only while it is open whether the same call before was carried out."""
    last, mark = entry_of(situation.claim.status.operations, concern(step)), fingerprint(step)
    unresolved = last is not None and last.fingerprint == mark and last.state in OPEN
    attempts = (last.attempts or 0) + 1 if unresolved and last else 1
    return _called(situation, step, state=CallState.INTENDED, attempts=attempts)


def operations(story: Story) -> list[OperationStatus] | None:
    """The journal after this pass."""
    situation, result = story.situation, story.result
    if isinstance(result, Refused):
        state = CallState.REJECTED if result.error.kind in DEFINITE else CallState.UNANSWERED
        treated = treatment(result.step, result.error, by_group=situation.claim.by_group)
        retry_at = later(situation.now, treated.after or 0.0) if kept_back(treated) else None
        rejection = Rejection(
            reason=treated.reason,
            code=result.error.ec2_code or result.error.code,
            message=text(result.error, treated),
            stalled=treated.stalled,
            retry_at=retry_at,
        )
        return _rejected(situation, result.step, state=state, rejection=rejection)
    if isinstance(result, Declined):
        return _declined(situation, result)
    if isinstance(result, Accepted) and isinstance(result.step, CloudStep):
        made = _called(situation, result.step, state=CallState.ACCEPTED, attempts=_attempts(situation, result.step))
        return _standing(situation, made)
    kept = situation.claim.status.operations or []
    if isinstance(result, Accepted):
        kept = [one for one in kept if one.fingerprint != fingerprint(result.step)]
    return (list(kept) if story.blind else _standing(situation, kept)) or None


def _declined(situation: Situation, result: Declined) -> list[OperationStatus] | None:
    """What the API server rejects for good; what passes leaves no record."""
    treated = declines.treatment(result.error)
    if not kept_back(treated):
        return list(situation.claim.status.operations or []) or None
    rejection = Rejection(
        reason=treated.reason,
        code=str(result.error.status),
        message=declines.text(result.error, step=result.step),
        stalled=treated.stalled,
        retry_at=later(situation.now, treated.after or 0.0),
    )
    *others, entry = _rejected(situation, result.step, state=CallState.REJECTED, rejection=rejection)
    return [entry, *others]  # the newest call to AWS stays last


def _rejected(situation: Situation, step: Step, *, state: CallState, rejection: Rejection) -> list[OperationStatus]:
    made = _called(situation, step, state=state, attempts=_attempts(situation, step))
    return with_rejection(made, concern=concern(step), rejection=rejection, now=situation.now)


def _standing(situation: Situation, kept: list[OperationStatus]) -> list[OperationStatus]:
    """The journal without the rejections whose time is over: the call is made again, or not wanted any more."""
    over = [one for one in kept if one.rejectedAt and since(one.retryAt, now=situation.now) >= 0]
    return [
        cleared([one])[0] if one in over else one for one in kept if one not in over or one.concern not in KUBERNETES
    ]


def _attempts(situation: Situation, step: Step) -> int:
    last = entry_of(situation.claim.status.operations, concern(step))
    same = last is not None and last.fingerprint == fingerprint(step)
    return (last.attempts or 1) if same and last else 1


def _called(situation: Situation, step: Step, *, state: CallState, attempts: int) -> list[OperationStatus]:
    return called(
        situation.claim.status.operations,
        concern=concern(step),
        operation=operation(step),
        state=state,
        fingerprint=fingerprint(step),
        attempts=attempts,
        now=situation.now,
    )
