"""What keeps a wanted call from being sent twice, or again without hope.

Every call to AWS passes here. Each guard looks at what earlier passes recorded in status, so a restart changes
nothing: EC2 shows its own effects late, and a repeated modification or snapshot costs something.
"""

from datetime import datetime, timedelta
from typing import assert_never

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.engine.journal import PENDING, CallState, age, entry_of, rejected
from hyperpod_operator.core.moments import parse_time
from hyperpod_operator.core.volume.decision import Act, ClaimSnapshot, Decision
from hyperpod_operator.core.volume.plan import (
    Attach,
    CloudStep,
    CreateSnapshot,
    CreateTags,
    CreateVolume,
    DeleteTags,
    DeleteVolume,
    Detach,
    ModifyVolume,
    Step,
    concern,
    fingerprint,
)
from hyperpod_operator.core.volume.timings import VolumeTimings


def since(text: str | None, *, now: datetime) -> float:
    """Seconds since a recorded moment; infinite without one."""
    moment = parse_time(text or "")
    return (now - moment).total_seconds() if moment else float("inf")


def later(moment: datetime, seconds: float) -> datetime:
    return moment + timedelta(seconds=seconds)


def soon(snapshot: ClaimSnapshot) -> float:
    """The pause while EC2 does what takes it seconds: a third of the time that it took so far. A volume is then seen
    attached little later than it is, and one that takes minutes is not asked about all the time."""
    last, timings = snapshot.claim.status.last, snapshot.timings
    begun = since(last.time if last else None, now=snapshot.now)
    return min(timings.poll, max(timings.step, begun / 3))


def _window(step: CloudStep, *, accepted: bool, timings: VolumeTimings) -> float:
    """How long this call is not sent again: what costs something if it is done twice waits until the slowest read would
    show it; what is idempotent only as long as reads usually lag."""
    match step:
        # [assumption: snapshot-has-no-token]
        case ModifyVolume() | CreateSnapshot():
            return timings.unseen
        case Attach():
            return timings.resend
        case CreateVolume():  # its token makes it idempotent
            return timings.resend if accepted else timings.visibility
        case Detach():
            return timings.resend if accepted else timings.propagation_window
        case CreateTags() | DeleteTags() | DeleteVolume():
            return timings.propagation_window
        case _:
            assert_never(step)


def act_once(snapshot: ClaimSnapshot, *, step: CloudStep, reason: Reason, message: str) -> Act | Wait:
    """The call, unless a record says that it was just sent or refused."""
    return (
        rejected_before(snapshot, step)
        or still_echoing(snapshot, step, reason)
        or Act(step=step, reason=reason, message=message)
    )


def held_back(snapshot: ClaimSnapshot, decision: Decision) -> Decision:
    """The decision, unless it is a step in Kubernetes that the API server refused and would refuse again."""
    if isinstance(decision, Act) and not isinstance(decision.step, CloudStep):
        return rejected_before(snapshot, decision.step) or decision
    return decision


def rejected_before(snapshot: ClaimSnapshot, step: Step) -> Wait | None:
    """Exactly this was refused a while ago: not again before its time, unless a person asks."""
    refusal = entry_of(snapshot.claim.status.operations, concern(step))
    if refusal is None or not rejected(refusal) or refusal.fingerprint != fingerprint(step):
        return None
    if snapshot.claim.edited or snapshot.claim.requested_anew:
        return None
    left = -since(refusal.retryAt, now=snapshot.now)
    if left <= 0:
        return None
    reason = Reason(refusal.reason) if refusal.reason in set(Reason) else Reason.SPEC_REJECTED
    return Wait(reason=reason, message=refusal.message or "", after=left, stalled=bool(refusal.stalled))


def still_echoing(snapshot: ClaimSnapshot, step: CloudStep, reason: Reason) -> Wait | None:
    """This very call was sent a moment ago and EC2 may not show it yet."""
    last, timings = entry_of(snapshot.claim.status.operations, concern(step)), snapshot.timings
    if last is None or last.fingerprint != fingerprint(step) or last.state not in PENDING:
        return None
    left = _window(step, accepted=last.state == CallState.ACCEPTED, timings=timings) - age(last, now=snapshot.now)
    if left <= 0:
        return None
    message = f"{last.operation} was sent; the operator waits until AWS shows its effect before it sends that again."
    return Wait(reason=reason, message=message, after=min(left, timings.poll))
