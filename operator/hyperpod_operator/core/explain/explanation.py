"""The answer: a chain of causes, the one next step, and what is not known."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from hyperpod_operator.api.reasons import Actor


class Level(StrEnum):
    """Where in the chain a cause is, from the object down to AWS."""

    POD = "Pod"
    OPERATION = "Operation"
    CLUSTER = "Cluster"
    CLAIM = "Claim"
    OPERATOR = "Operator"
    RESOURCE = "Resource"
    CONDITION = "Condition"
    PLAN = "Plan"
    PREFLIGHT = "Preflight"
    CALL = "Call"
    GROUP = "Group"
    NODE = "Node"
    VOLUME = "Volume"
    EVENT = "Event"
    AWS = "AWS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One cause. `about` names what it is about, `reason` is a word of ours or AWS's, `says` the whole text."""

    level: Level
    about: str
    says: str
    reason: str = ""
    since: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The one thing that has to happen: by whom, what, and the commands to type for it."""

    actor: Actor
    what: str
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """`ready` is True, False or Unknown; `reason` the word that decided the step."""

    subject: str
    ready: str
    reason: str
    step: Step
    chain: tuple[Link, ...] = ()
    left_out: int = 0
    """Links that the bound left out."""
    unknown: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The same as plain JSON, members in camel case."""
        return {
            "subject": self.subject,
            "ready": self.ready,
            "reason": self.reason,
            "step": {
                "actor": str(self.step.actor),
                "what": self.step.what,
                "commands": list(self.step.commands),
            },
            "chain": [{**asdict(link), "level": str(link.level)} for link in self.chain],
            "leftOut": self.left_out,
            "unknown": list(self.unknown),
        }
