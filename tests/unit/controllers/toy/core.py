"""The toy's decisions: one concern and one call."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.unit.controllers.toy.kind import ToySpec, ToyStatus

from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.core.engine.call import Effect, PlannedCall
from hyperpod_operator.core.engine.conditions import summary
from hyperpod_operator.core.engine.decision import RemoveFinalizer
from hyperpod_operator.core.engine.finding import Concern, Decision, Finding
from hyperpod_operator.core.engine.journal import PENDING, entry_of
from hyperpod_operator.core.errors import CloudError
from hyperpod_operator.core.moments import parse_time

WINDOW = 60.0
"""Seconds in which a call that was sent is not sent again."""


@dataclass(frozen=True, kw_only=True)
class ToySnapshot:
    name: str
    deleting: bool
    generation: int
    spec: ToySpec
    status: ToyStatus
    actual: int | None
    now: datetime


@dataclass(frozen=True, kw_only=True)
class ToyRecord:
    snapshot: ToySnapshot
    decision: Decision[PlannedCall] | None = None
    release: RemoveFinalizer | None = None
    read_error: CloudError | None = None
    rejected: CloudError | None = None


def size(snapshot: ToySnapshot) -> Finding[PlannedCall]:
    """Is the toy as big as its spec says?"""
    if snapshot.actual == snapshot.spec.size:
        return Finding(conditions=((ConditionType.READY, "True", Reason.IN_SYNC, "The toy has its size."),))
    if snapshot.spec.suspend:
        said = "spec.suspend is set: the toy stays as it is."
        return Finding(conditions=tuple(summary(ready="False", reason=Reason.PAUSED, message=said, stalled=False)))
    growing = tuple(summary(ready="False", reason=Reason.UPDATING, message="The toy grows.", stalled=False))
    mark = f"{snapshot.name}-{snapshot.spec.size}"
    sent = entry_of(snapshot.status.operations, "Size")
    begun = parse_time(sent.time or "") if sent and sent.fingerprint == mark and sent.state in PENDING else None
    if begun is not None and (left := WINDOW - (snapshot.now - begun).total_seconds()) > 0:
        return Finding(conditions=growing, wake_after=left)
    call = PlannedCall(
        operation="PutToy", effect=Effect.CHANGES, fingerprint=mark, request={"size": snapshot.spec.size}
    )
    return Finding(action=call, conditions=growing)


CONCERNS: Sequence[Concern[ToySnapshot, PlannedCall]] = (
    Concern(
        name="Size",
        owns=frozenset({ConditionType.READY, ConditionType.RECONCILING, ConditionType.STALLED, ConditionType.PAUSED}),
        judge=size,
    ),
)
