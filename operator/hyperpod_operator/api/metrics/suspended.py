"""What a gauge says of an object that is as it is because a person wants it so, the same for each kind."""

from hyperpod_operator.api.metrics.approvals import HasConditions
from hyperpod_operator.api.metrics.instrument import Samples, true
from hyperpod_operator.api.names import ConditionType
from hyperpod_operator.api.reasons import Severity, record


def suspended(status: HasConditions) -> Samples:
    """1 where the health script of Argo CD answers Suspended (`tools/argocd`), 0 otherwise."""
    yield (), float(_paused(status) or _only_unapproved(status) or _at_rest(status))


def _paused(status: HasConditions) -> bool:
    return true(status.conditions, ConditionType.PAUSED)


def _only_unapproved(status: HasConditions) -> bool:
    """Stalled, and by nothing but the approval."""
    found = {(one.type, one.status): one.reason for one in status.conditions or ()}
    stalled = found.get((ConditionType.STALLED, "True"))
    return stalled is not None and stalled == found.get((ConditionType.PLAN_APPROVED, "False"))


def _at_rest(status: HasConditions) -> bool:
    """Neither work nor a fault, and Ready says that the spec asks for this."""
    if any(true(status.conditions, one) for one in (ConditionType.STALLED, ConditionType.RECONCILING)):
        return False
    reasons = (record(one.reason) for one in status.conditions or () if one.type == ConditionType.READY)
    return any(one is not None and one.severity is Severity.AT_REST for one in reasons)
