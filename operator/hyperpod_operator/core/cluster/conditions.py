"""The conditions of a HyperPodCluster after a pass: what its concerns found, and the summary of how the pass ended."""

from hyperpod_operator.api.common.conditions import Condition
from hyperpod_operator.api.common.preflight import PreflightStatus
from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.api.reasons import REASONS, Severity
from hyperpod_operator.core.cluster.concerns import judge
from hyperpod_operator.core.cluster.pass_record import PassRecord
from hyperpod_operator.core.cluster.state import STATE, usable
from hyperpod_operator.core.engine import finding
from hyperpod_operator.core.engine.conditions import (
    SUMMARY,
    AsReady,
    Draft,
    Said,
    kept,
    of_reason,
    resolved,
    settle,
    summary,
    type_of,
    types,
)
from hyperpod_operator.core.engine.decision import LookAgain
from hyperpod_operator.core.engine.result import ResultSummary
from hyperpod_operator.core.preflight.gate import outdated
from hyperpod_operator.core.preflight.record import passed
from hyperpod_operator.core.unknown import ignored_members

OF_REASONS = {ConditionType.TEARDOWN_BLOCKED: "True"}
"""Conditions that a reason's record makes worth saying, and their status then."""


def conditions(pass_record: PassRecord, ending: ResultSummary) -> list[Condition]:
    """All conditions after this pass, in a fixed order, with transition times carried over."""
    resource = pass_record.snapshot.resource
    before = resource.status.conditions or []
    drafts = [*_summary(pass_record, ending), *_preflight(pass_record)]
    unseen: list[Draft] = []
    if pass_record.blind:
        unseen = kept(before, made=drafts)
    else:
        drafts += [*resolved(_found(pass_record), ending), *of_reason(ending, statuses=OF_REASONS)]
    return settle(
        table=CLUSTER.table,
        drafts=[*drafts, *unseen],
        before=before,
        generation=resource.generation,
        now=pass_record.snapshot.now,
        unseen=types(unseen),
    )


def _found(pass_record: PassRecord) -> list[Said]:
    """What the concerns found. After a call of this pass, nobody has seen yet whether AWS holds the spec."""
    snapshot, synced = pass_record.snapshot, ConditionType.SPEC_SYNCED
    state: list[Said] = list(finding.judge(STATE, snapshot).conditions)
    if pass_record.result is not None:
        open_again = AsReady(synced, also=ignored_members(snapshot.resource.unknown))
        state = [open_again if type_of(one) is synced else one for one in state]
    return [*state, *judge(snapshot).conditions]


def _summary(pass_record: PassRecord, ending: ResultSummary) -> list[Draft]:
    reason, message = ending.reason, ending.message
    if ending.settled:
        return [(ConditionType.READY, "True", Reason.CLUSTER_READY, message)]
    if isinstance(pass_record.decision, LookAgain) and (unmoved := _unmoved(pass_record, message)):
        return unmoved
    paused = REASONS[reason].severity is Severity.PAUSED
    ready = "Unknown" if pass_record.unread else "True" if paused and usable(pass_record.snapshot) else "False"
    return summary(ready=ready, reason=reason, message=message, stalled=ending.stalled)


def checked(pass_record: PassRecord) -> PreflightStatus | None:
    """`status.preflight` after the pass: what it checked, else what was recorded and is no history yet."""
    if pass_record.snapshot.resource.preflight == "Off":
        return None
    if pass_record.preflight is None and not pass_record.blind and outdated(pass_record.snapshot):
        return None
    return pass_record.preflight or pass_record.snapshot.resource.status.preflight


def _preflight(pass_record: PassRecord) -> list[Draft]:
    """What the checks before the last costly call said; nothing where none ran."""
    found = checked(pass_record)
    said = passed(found)
    if found is None or said is None:
        return []
    fine, message = said
    if found.call and not fine:
        message = f"Checks of {found.call} fail. {message}"
    reason = Reason.CHECKS_PASSED if fine else Reason.PREFLIGHT_FAILED
    return [(ConditionType.PREFLIGHT_PASSED, "True" if fine else "False", reason, message)]


def _unmoved(pass_record: PassRecord, message: str) -> list[Draft]:
    """What Ready said of this spec before an answer that is not believed yet, with a word about that answer."""
    resource, cluster = pass_record.snapshot.resource, pass_record.snapshot.observed.cluster
    before = [one for one in resource.status.conditions or [] if one.type in set(SUMMARY) and one.reason in set(Reason)]
    if cluster is None or resource.edited:
        return []
    return [(ConditionType(one.type), one.status, Reason(one.reason), message) for one in before]
