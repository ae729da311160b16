"""Whose turn it is, by the conditions of an object: the column ACTOR and `kubectl hyperpod explain` say the same."""

from collections.abc import Iterable
from dataclasses import dataclass

from hyperpod_operator.api.names import ConditionType
from hyperpod_operator.api.reasons import SECTIONS, Actor, ReasonRecord, Section, record

SUMMARY = (ConditionType.READY, ConditionType.RECONCILING, ConditionType.STALLED)
BAD_WHEN_TRUE = (
    ConditionType.CONFLICT,
    ConditionType.FAILED,
    ConditionType.DATA_AT_RISK,
    ConditionType.FILESYSTEM_RESIZE_PENDING,
    ConditionType.TEARDOWN_BLOCKED,
)
NEITHER = (ConditionType.COMPLETE, ConditionType.IN_USE, ConditionType.PAUSED)
"""Neither status of these says that something is not as it should be."""
STEADY = frozenset(str(one.word) for section in (Section.STEADY, Section.CLAIM_STEADY) for one in SECTIONS[section])
"""Reasons that explain nothing, whatever the status of their condition: a claim that asks for no PersistentVolume."""


@dataclass(frozen=True, slots=True)
class Stated:
    """Type, status and reason of a condition."""

    type: str
    status: str
    reason: str

    @property
    def disagrees(self) -> bool:
        """Whether it says, besides the summary, that something is not as it should be."""
        if self.type in SUMMARY or self.type in NEITHER or self.reason in STEADY:
            return False
        return self.status == ("True" if self.type in BAD_WHEN_TRUE else "False")


@dataclass(frozen=True, slots=True)
class Turn:
    """`by` is the reason that decides; None where this release does not know the summary's."""

    actor: Actor
    by: ReasonRecord | None


def turn(stated: Iterable[Stated], *, deleted: bool) -> Turn:
    """You when the object is Stalled; else whom the summary's reason names; where that asks nothing of you, you if
    another condition does. `deleted`: the object is being deleted, so that only the summary counts."""
    found = {one.type: one for one in stated}
    stalled = ConditionType.STALLED in found and found[ConditionType.STALLED].status == "True"
    ready = found.get(ConditionType.READY)
    summary = record(ready.reason) if ready is not None else None
    if summary is None or stalled:
        return Turn(Actor.YOU if stalled else Actor.NOBODY, summary)
    if deleted or summary.actor is Actor.YOU:
        return Turn(summary.actor, summary)
    others = (record(one.reason) for one in found.values() if one.disagrees or one.type == ConditionType.SPEC_SYNCED)
    asking = next((one for one in others if one is not None and one.actor is Actor.YOU), summary)
    return Turn(asking.actor, asking)
