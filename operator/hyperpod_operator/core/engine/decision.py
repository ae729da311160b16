"""What a concern of any kind may answer besides its own actions."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.outcome import Outcome
from hyperpod_operator.core.ports import Event

StatusT = TypeVar("StatusT", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Do nothing now. `stalled` says that a person has to act; otherwise time or AWS will.

    `settling`: AWS may be at work with a call, so no concern makes another one meanwhile. `undone` are the
    concerns in the journal of calls that AWS took and that came to nothing; none where it is about something else.
    """

    reason: Reason
    message: str
    after: float
    stalled: bool = False
    settling: bool = False
    undone: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAgain:
    """The answer lacks what AWS showed before: it is not believed until a second look finds the same."""

    reason: Reason
    message: str
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InSync:
    """What the spec asks for is there."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveFinalizer:
    """Nothing is left to do for a deleted object (or by policy it stays in AWS): remove the finalizer."""

    reason: Reason
    message: str


@dataclass(frozen=True, kw_only=True)
class Report(Generic[StatusT]):
    """What a pass leaves behind: one status, the Events that say what changed, and how it ended."""

    status: StatusT
    events: tuple[Event, ...]
    outcome: Outcome
