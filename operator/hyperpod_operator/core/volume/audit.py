"""What the audit trail says of the step of a pass over a claim."""

from typing import assert_never

from hyperpod_operator.api.kinds import VOLUME_CLAIM
from hyperpod_operator.api.plan import HISTORY_MOST, HistoryEntry
from hyperpod_operator.core.audit import AuditRecord
from hyperpod_operator.core.errors import ErrorKind
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.volume.decision import Act
from hyperpod_operator.core.volume.pass_record import Accepted, KubernetesRejected, PassRecord, Rejected
from hyperpod_operator.core.volume.plan import CloudStep, operation

SUMMARY_MOST = 256
UNSURE = frozenset({ErrorKind.UNKNOWN_OUTCOME, ErrorKind.TRANSIENT})
"""Failures after which AWS may have carried the step out."""


def audited(pass_record: PassRecord) -> AuditRecord | None:
    """The record of this pass's step; None for a pass that made none."""
    decision, result, claim = pass_record.decision, pass_record.result, pass_record.snapshot.claim
    if not isinstance(decision, Act) or result is None:
        return None
    outcome, code, request_id = _answer(result)
    return AuditRecord(
        kind=VOLUME_CLAIM.name,
        key=claim.key,
        uid=claim.uid,
        generation=claim.generation,
        requested_by=claim.requested_by,
        call=operation(decision.step),
        target=claim.status.volumeId or "",
        reason=decision.reason,
        message=decision.message,
        outcome=outcome,
        code=code,
        request_id=request_id,
    )


def history(pass_record: PassRecord) -> list[HistoryEntry] | None:
    """`status.history` after the pass: calls to AWS. The same one that ends the same way again is no new entry."""
    old, entry = list(pass_record.snapshot.claim.status.history or []), audited(pass_record)
    decision = pass_record.decision
    if entry is None or not isinstance(decision, Act) or not isinstance(decision.step, CloudStep):
        return old or None
    new = HistoryEntry(
        time=stamp(pass_record.snapshot.now),
        call=entry.call,
        summary=entry.message[:SUMMARY_MOST],
        outcome=entry.outcome,
        code=entry.code[:128],
    )
    again = bool(old) and entry.outcome != "Accepted" and old[-1].model_copy(update={"time": new.time}) == new
    return old if again else [*old, new][-HISTORY_MOST:]


def _answer(result: Accepted | Rejected | KubernetesRejected) -> tuple[str, str, str]:
    """Outcome, code and request id."""
    match result:
        case Accepted(request_id=request_id):
            return "Accepted", "OK", request_id
        case Rejected(error=error):
            outcome = "Unanswered" if error.kind in UNSURE else "Rejected"
            return outcome, error.ec2_code or error.code, error.request_id or ""
        case KubernetesRejected(error=failure):
            return "Rejected" if failure.status else "Unanswered", str(failure.status), ""
        case _:
            assert_never(result)
