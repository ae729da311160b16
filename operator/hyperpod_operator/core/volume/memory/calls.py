"""The journal of a claim's steps: what was intended, how it was answered, and until when a rejection stands."""

from hyperpod_operator.api.common.operations import OperationStatus
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.engine.journal import CallState, Rejection, called, cleared, entry_of, with_rejection
from hyperpod_operator.core.volume import declines
from hyperpod_operator.core.volume.decision import ClaimSnapshot
from hyperpod_operator.core.volume.ending import text
from hyperpod_operator.core.volume.guards import later, since
from hyperpod_operator.core.volume.pass_record import Accepted, KubernetesRejected, PassRecord, Rejected
from hyperpod_operator.core.volume.plan import CloudStep, Step, concern, fingerprint, operation
from hyperpod_operator.core.volume.refusals import DEFINITE, kept_back, treated

OPEN = frozenset({CallState.INTENDED, CallState.UNANSWERED})
"""States of a call that may have been carried out without our knowing."""


OF_THE_STATE = frozenset({Reason.CLUSTER_NOT_IN_SERVICE, Reason.ATTACHMENT_REFUSED})
"""Reasons of refusals that speak of the cluster's state."""
KUBERNETES = frozenset({"NodeLabel", "Publication", "Lease"})
"""Concerns of steps that the API server guards: only their rejections are recorded."""


def intended(snapshot: ClaimSnapshot, step: CloudStep) -> list[OperationStatus]:
    """Before the call. `attempts` counts on only while it is open whether the same call before was carried out."""
    last, mark = entry_of(snapshot.claim.status.operations, concern(step)), fingerprint(step)
    unresolved = last is not None and last.fingerprint == mark and last.state in OPEN
    attempts = (last.attempts or 0) + 1 if unresolved and last else 1
    return _called(snapshot, step, state=CallState.INTENDED, attempts=attempts)


def operations(pass_record: PassRecord) -> list[OperationStatus] | None:
    """The journal after this pass."""
    snapshot, result = pass_record.snapshot, pass_record.result
    if isinstance(result, Rejected):
        state = CallState.REJECTED if result.error.kind in DEFINITE else CallState.UNANSWERED
        means = treated(snapshot, result.step, result.error)
        retry_at = later(snapshot.now, means.after or 0.0) if kept_back(means) else None
        rejection = Rejection(
            reason=means.reason,
            code=result.error.ec2_code or result.error.code,
            message=text(result.error, means),
            stalled=means.stalled,
            retry_at=retry_at,
        )
        return _rejected(snapshot, result.step, state=state, rejection=rejection)
    if isinstance(result, KubernetesRejected):
        return _declined(snapshot, result)
    if isinstance(result, Accepted) and isinstance(result.step, CloudStep):
        made = _called(snapshot, result.step, state=CallState.ACCEPTED, attempts=_attempts(snapshot, result.step))
        return _standing(snapshot, made)
    kept = snapshot.claim.status.operations or []
    if isinstance(result, Accepted):
        kept = [one for one in kept if one.fingerprint != fingerprint(result.step)]
    return (list(kept) if pass_record.blind else _standing(snapshot, kept)) or None


def _declined(snapshot: ClaimSnapshot, result: KubernetesRejected) -> list[OperationStatus] | None:
    """What the API server rejects for good; what passes leaves no record."""
    means = declines.treatment(result.error)
    if not kept_back(means):
        return list(snapshot.claim.status.operations or []) or None
    rejection = Rejection(
        reason=means.reason,
        code=str(result.error.status),
        message=declines.text(result.error, step=result.step),
        stalled=means.stalled,
        retry_at=later(snapshot.now, means.after or 0.0),
    )
    *others, entry = _rejected(snapshot, result.step, state=CallState.REJECTED, rejection=rejection)
    return [entry, *others]  # the newest call to AWS stays last


def _rejected(snapshot: ClaimSnapshot, step: Step, *, state: CallState, rejection: Rejection) -> list[OperationStatus]:
    made = _called(snapshot, step, state=state, attempts=_attempts(snapshot, step))
    return with_rejection(made, concern=concern(step), rejection=rejection, now=snapshot.now)


def _standing(snapshot: ClaimSnapshot, kept: list[OperationStatus]) -> list[OperationStatus]:
    """The journal without the rejections whose time is over: the call is made again, or not wanted any more."""
    over = [
        one
        for one in kept
        if one.rejectedAt and (since(one.retryAt, now=snapshot.now) >= 0 or _explained(snapshot, one))
    ]
    return [
        cleared([one])[0] if one in over else one for one in kept if one not in over or one.concern not in KUBERNETES
    ]


def _explained(snapshot: ClaimSnapshot, one: OperationStatus) -> bool:
    """Whether AWS shows now why it refused: the call is sent again as soon as that has passed."""
    return one.reason in OF_THE_STATE and not snapshot.in_service


def _attempts(snapshot: ClaimSnapshot, step: Step) -> int:
    last = entry_of(snapshot.claim.status.operations, concern(step))
    same = last is not None and last.fingerprint == fingerprint(step)
    return (last.attempts or 1) if same and last else 1


def _called(snapshot: ClaimSnapshot, step: Step, *, state: CallState, attempts: int) -> list[OperationStatus]:
    return called(
        snapshot.claim.status.operations,
        concern=concern(step),
        operation=operation(step),
        state=state,
        fingerprint=fingerprint(step),
        attempts=attempts,
        now=snapshot.now,
    )
