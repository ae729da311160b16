"""The conditions of an EBSVolumeClaim after a pass: what its concerns found, and the summary of how the pass ended."""

from dataclasses import replace

from hyperpod_operator.api.common.conditions import Condition
from hyperpod_operator.api.kinds import VOLUME_CLAIM
from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.core.engine import finding
from hyperpod_operator.core.engine.conditions import Draft, Said, kept, of_reason, resolved, settle, summary, types
from hyperpod_operator.core.engine.memory import updated
from hyperpod_operator.core.engine.result import ResultSummary
from hyperpod_operator.core.volume.memory.calls import operations
from hyperpod_operator.core.volume.pass_record import PassRecord
from hyperpod_operator.core.volume.state import STATE

OF_REASONS = {ConditionType.CONFLICT: "True", ConditionType.PERMISSIONS_OK: "False"}
"""Conditions that a reason's record speaks of, and their status then."""


def conditions(pass_record: PassRecord, ending: ResultSummary) -> list[Condition]:
    """All conditions after this pass, in a fixed order, with transition times carried over."""
    claim = pass_record.snapshot.claim
    before = claim.status.conditions or []
    drafts = _summary(pass_record, ending)
    named = of_reason(ending, statuses=OF_REASONS)
    unseen: list[Draft] = []
    if not pass_record.blind:
        drafts += _over(resolved(_found(pass_record), ending), named)
    else:
        drafts += named if pass_record.unread is not None else []
        unseen = kept(before, made=drafts)
    return settle(
        table=VOLUME_CLAIM.table,
        drafts=[*drafts, *unseen],
        before=before,
        generation=claim.generation,
        now=pass_record.snapshot.now,
        unseen=types(unseen),
    )


def _found(pass_record: PassRecord) -> tuple[Said, ...]:
    """What the concerns find, with the journal as this pass leaves it: a call that AWS took is denied no more."""
    snapshot = pass_record.snapshot
    status = updated(snapshot.claim.status, {"operations": operations(pass_record)})
    return finding.judge(STATE, replace(snapshot, claim=replace(snapshot.claim, status=status))).conditions


def _over(drafts: list[Draft], named: list[Draft]) -> list[Draft]:
    """The drafts, and in place of what they say of the same conditions what the reason says."""
    spoken = {draft[0] for draft in named}
    return [*(draft for draft in drafts if draft[0] not in spoken), *named]


def _summary(pass_record: PassRecord, ending: ResultSummary) -> list[Draft]:
    reason, message = ending.reason, ending.message
    if ending.settled:
        return [(ConditionType.READY, "True", Reason.CLAIM_READY, message)]
    ready = "Unknown" if pass_record.unread else "False"
    return summary(ready=ready, reason=reason, message=message, stalled=ending.stalled)
