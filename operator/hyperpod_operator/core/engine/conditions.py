"""The one setter of conditions, for every kind: drafts in, metav1 conditions out.

Conditions follow kstatus: `Ready` always, `Reconciling` or `Stalled` only while true and never both, so that
`kubectl wait`, Flux, Argo CD and Helm read all kinds alike. A kind says what is true (drafts) and in which order it is
shown (its table in `api.kinds`); transition times, bounds and plain text are settled here and nowhere else.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hyperpod_operator.api.common.conditions import Condition
from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.api.reasons import REASONS, Severity
from hyperpod_operator.core.engine.result import ResultSummary
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.text import plain, shortened

MESSAGE_MOST = 2048
"""Longest condition message; metav1.Condition admits 32 KiB, a screen does not. A longer one loses its middle, because
it ends with what to do."""

Draft = tuple[ConditionType, str, Reason, str]
"""Type, status, reason, message: what a pass says before history decides the transition time."""


@dataclass(frozen=True, slots=True)
class AsReady:
    """A condition that is False for the reason of Ready: what holds up the object holds up this part of it.

    `also` is said after the message of Ready.
    """

    type: ConditionType
    also: str = ""


Said = Draft | AsReady
"""What a concern says of a condition that it owns."""

SUMMARY = (ConditionType.READY, ConditionType.RECONCILING, ConditionType.STALLED)
"""What kstatus reads; begins the table of each kind."""


def settle(
    *,
    table: Sequence[ConditionType],
    drafts: Iterable[Draft],
    before: Sequence[Condition],
    generation: int,
    now: datetime,
    unseen: Container[ConditionType] = (),
) -> list[Condition]:
    """The drafts as conditions in the order of `table`, which names every type that the kind may set.

    The transition time moves only when the status does (metav1.Condition's rule). `unseen` are types about which this
    pass learned nothing: what they say is of the generation that they have, so that nobody who waits for one after an
    edit takes it for the answer. Raises ValueError for a type that is not in the table.
    """
    old = {condition.type: condition for condition in before}
    return [
        Condition(
            type=kind,
            status=status,
            reason=reason,
            message=shortened(plain(message), MESSAGE_MOST),
            observedGeneration=old[kind].observedGeneration if kind in unseen and kind in old else generation,
            lastTransitionTime=_since(old.get(kind), status=status, now=now),
        )
        for kind, status, reason, message in sorted(drafts, key=lambda draft: table.index(draft[0]))
    ]


def summary(*, ready: str, reason: Reason, message: str, stalled: bool) -> list[Draft]:
    """Ready, and beside it the condition that says who acts next: nobody where a person wants the object so."""
    said = (ConditionType.READY, ready, reason, message)
    severity = REASONS[reason].severity
    if severity is Severity.AT_REST:
        return [said]
    if severity is Severity.PAUSED:
        return [said, (ConditionType.PAUSED, "True", reason, message)]
    follow = ConditionType.STALLED if stalled else ConditionType.RECONCILING
    return [said, (follow, "True", reason, message)]


def type_of(said: Said) -> ConditionType:
    """The condition that is spoken of."""
    return said.type if isinstance(said, AsReady) else said[0]


def resolved(said: Iterable[Said], end: ResultSummary | None = None) -> list[Draft]:
    """What concerns said, as drafts, now that it is known how the pass ended.

    `end` may be left out for a kind none of whose concerns follows Ready; raises ValueError if one does.
    """
    return [_as_ready(one, end) if isinstance(one, AsReady) else one for one in said]


def _as_ready(said: AsReady, end: ResultSummary | None) -> Draft:
    if end is None:
        raise ValueError(f"{said.type} is to follow Ready, and nothing says how the pass ended")
    return (said.type, "False", end.reason, end.message + said.also)


def of_reason(end: ResultSummary, *, statuses: Mapping[ConditionType, str]) -> list[Draft]:
    """The condition that the record of the pass's reason speaks of, with its status, if it is one of these."""
    spoken = REASONS[end.reason].condition
    if spoken is None or spoken not in statuses:
        return []
    return [(spoken, statuses[spoken], end.reason, end.message)]


def initial(*, reason: Reason, message: str) -> list[Draft]:
    """The conditions before anything is known: without them kstatus takes a new object for finished."""
    return summary(ready="Unknown", reason=reason, message=message, stalled=False)


def kept(before: Sequence[Condition], *, made: Iterable[Draft]) -> list[Draft]:
    """What an earlier pass said of everything that `made` does not speak of, for a pass that learned nothing about it.

    Reconciling and Stalled are never carried over, nor is a type or a reason that this release does not know.
    """
    spoken = {draft[0] for draft in made} | {ConditionType.RECONCILING, ConditionType.STALLED}
    known, reasons = set(ConditionType) - spoken, set(Reason)
    return [
        (ConditionType(old.type), old.status, Reason(old.reason), old.message)
        for old in before
        if old.type in known and old.reason in reasons
    ]


def types(drafts: Iterable[Draft]) -> frozenset[ConditionType]:
    """What these drafts speak of."""
    return frozenset(draft[0] for draft in drafts)


def _since(was: Condition | None, *, status: str, now: datetime) -> str:
    carried = was.lastTransitionTime if was is not None and was.status == status else ""
    return carried or stamp(now)
