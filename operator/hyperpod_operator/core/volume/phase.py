"""One word for `kubectl get`: what is going on. Made for people; no decision reads it."""

from hyperpod_operator.api.reasons import REASONS
from hyperpod_operator.core.engine.result import ResultSummary
from hyperpod_operator.core.volume.holding import Held, holding
from hyperpod_operator.core.volume.pass_record import PassRecord


def phase(pass_record: PassRecord, end: ResultSummary) -> str | None:
    """The reason tells while something is under way; at rest AWS's picture does."""
    claim, volume = pass_record.snapshot.claim, pass_record.snapshot.volume
    if pass_record.blind:
        return claim.status.phase
    if told := REASONS[end.reason].phase:
        return told
    if claim.deleting:
        return "Deleting"
    if volume is None:
        return "Pending"
    where = holding(pass_record.snapshot)
    attached = isinstance(where, Held) and where.state == "attached"
    return "Attached" if attached else "Available"
