"""How a pass ends, in one reason, one message and one time for the next pass; the same for every kind."""

from dataclasses import dataclass, replace

from hyperpod_operator.api.names import Reason
from hyperpod_operator.api.reasons import REASONS
from hyperpod_operator.core.errors import Treatment
from hyperpod_operator.core.outcome import Blocked, Failed, Outcome, Requeue


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultSummary:
    """`settled` is the only way to Ready=True; `stalled` says that a person has to act."""

    outcome: Outcome
    reason: Reason
    message: str
    stalled: bool = False
    settled: bool = False


def waiting(*, reason: Reason, message: str, after: float, stalled: bool = False) -> ResultSummary:
    """Nothing is done now; the next pass comes in `after` seconds."""
    outcome: Outcome = Blocked(reason, after) if stalled else Requeue(reason, after)
    return ResultSummary(outcome=outcome, reason=reason, message=message, stalled=stalled)


def failed(message: str, treatment: Treatment) -> ResultSummary:
    """A call, or a read, failed: its kind of failure says who acts and when it is tried again."""
    if treatment.after is not None:
        return waiting(reason=treatment.reason, message=message, after=treatment.after, stalled=treatment.stalled)
    outcome = Failed(treatment.reason, treatment.at_least)
    return ResultSummary(outcome=outcome, reason=treatment.reason, message=message, stalled=treatment.stalled)


def as_recorded(end: ResultSummary) -> ResultSummary:
    """The same end, Stalled where the record of its reason says that a person has to act, whoever gave the reason."""
    if end.stalled or not REASONS[end.reason].stalled:
        return end
    outcome = Blocked(end.reason, end.outcome.after) if isinstance(end.outcome, Requeue) else end.outcome
    return replace(end, outcome=outcome, stalled=True)
