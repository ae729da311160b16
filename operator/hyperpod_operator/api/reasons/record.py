"""A reason as a record: its word, how bad it is, what a claim's phase says with it, what it means, and what to do."""

from dataclasses import dataclass
from enum import StrEnum

from hyperpod_operator.api.names import ConditionType, Reason


class Severity(StrEnum):
    """What a reason asks of people, whoever gives it."""

    NORMAL = "Normal"
    """Nothing, unless the pass that gives it says otherwise."""
    WARNING = "Warning"
    """Nobody has to act, and a person wants to know: its Event is a Warning."""
    STALLED = "Stalled"
    """A person has to act: a pass that gives it always ends with `Stalled`."""
    PAUSED = "Paused"
    """Nothing: a person paused the object."""
    AT_REST = "AtRest"
    """Nothing: the object is not ready, because a person wants it so."""


class Actor(StrEnum):
    """Who has to act before the object moves on."""

    YOU = "You"
    AWS = "AWS"
    NOBODY = "-"
    """Nobody: the operator continues by itself, or nothing is left to do."""


class Section(StrEnum):
    """Where docs/conditions.md lists a reason: the headings of that page."""

    STEADY = "Steady"
    WAITING = "Waiting"
    BLOCKED = "Blocked"
    HELD = "Reported and left alone"
    SHORT = "Groups below their target"
    HEALTH = "Health of the nodes"
    FAILED = "Failed"
    EVENTS = "In Events only"
    CLAIM_STEADY = "EBSVolumeClaim: steady"
    CLAIM_WAITING = "EBSVolumeClaim: waiting for AWS, Kubernetes or pods"
    CLAIM_ACTION = "EBSVolumeClaim: blocked"
    OPERATION = "HyperPodNodeOperation"
    OPERATION_ACTION = "HyperPodNodeOperation: blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonRecord:
    """`condition` is the one condition that this reason speaks of besides the summary; `phase` what a kind with a phase
    shows while it is the reason. `actor` is who has to act, unless the pass that gives it ends Stalled: then you do."""

    word: Reason
    meaning: str
    remedy: str
    severity: Severity = Severity.NORMAL
    phase: str = ""
    condition: ConditionType | None = None
    actor: Actor = Actor.NOBODY

    @property
    def worrying(self) -> bool:
        return self.severity is Severity.WARNING

    @property
    def stalled(self) -> bool:
        return self.severity is Severity.STALLED


def reason(
    word: Reason,
    meaning: str,
    remedy: str,
    *,
    severity: Severity = Severity.NORMAL,
    phase: str = "",
    condition: ConditionType | None = None,
    actor: Actor | None = None,
) -> ReasonRecord:
    """A record. Without `actor`, you act on what is Stalled or Paused, and nobody on anything else."""
    asks = severity in (Severity.STALLED, Severity.PAUSED)
    return ReasonRecord(
        word=word,
        meaning=meaning,
        remedy=remedy,
        severity=severity,
        phase=phase,
        condition=condition,
        actor=actor or (Actor.YOU if asks else Actor.NOBODY),
    )
