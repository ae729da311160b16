"""What the audit trail says of the step of a pass over a claim."""

from typing import assert_never

from hyperpod_operator.api.kinds import VOLUME_CLAIM
from hyperpod_operator.core.audit import AuditRecord
from hyperpod_operator.core.errors import ErrorKind
from hyperpod_operator.core.volume.decision import Act
from hyperpod_operator.core.volume.pass_record import Accepted, KubernetesRejected, PassRecord, Rejected
from hyperpod_operator.core.volume.plan import operation

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
        call=operation(decision.step),
        target=claim.status.volumeId or "",
        reason=decision.reason,
        message=decision.message,
        outcome=outcome,
        code=code,
        request_id=request_id,
    )


def _answer(result: Accepted | Rejected | KubernetesRejected) -> tuple[str, str, str]:
    """Outcome, code and request id."""
    match result:
        case Accepted():
            return "Accepted", "OK", ""
        case Rejected(error=error):
            outcome = "Unanswered" if error.kind in UNSURE else "Rejected"
            return outcome, error.ec2_code or error.code, error.request_id or ""
        case KubernetesRejected(error=failure):
            return "Rejected" if failure.status else "Unanswered", str(failure.status), ""
        case _:
            assert_never(result)
