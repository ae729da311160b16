"""What a gauge says of a plan that waits for an approval, the same for each kind that has plans."""

from collections.abc import Iterable
from typing import Any, Protocol

from hyperpod_operator.api.metrics.instrument import Samples, true
from hyperpod_operator.api.names import ConditionType
from hyperpod_operator.api.reasons import record


class HasConditions(Protocol):
    """The status of any kind."""

    @property
    def conditions(self) -> Iterable[Any] | None: ...


def approval_waiting(status: HasConditions) -> Samples:
    """1 while PlanApproved is False for a reason that asks for user action, 0 otherwise. What a person has paused waits
    for that person first."""
    waits = (
        one.type == ConditionType.PLAN_APPROVED
        and one.status == "False"
        and (found := record(one.reason)) is not None
        and found.stalled
        for one in status.conditions or ()
    )
    yield (), float(any(waits) and not true(status.conditions, ConditionType.PAUSED))
