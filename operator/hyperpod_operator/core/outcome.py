"""How a pass ends: the words for "again later".

The queue turns an outcome into the time of the next pass and nothing else; what a person sees was already
decided by the report.
"""

from dataclasses import dataclass

from hyperpod_operator.api.names import Reason


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing is left to do; look again at the resync."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The object does not exist any more (or is none of our business): forget its key."""


@dataclass(frozen=True, slots=True)
class Requeue:
    """Something is under way that needs no person; look again in `after` seconds."""

    reason: Reason
    after: float


@dataclass(frozen=True, slots=True)
class Blocked:
    """A person has to act; a new generation wakes the key, and `after` seconds at the latest do."""

    reason: Reason
    after: float


@dataclass(frozen=True, slots=True)
class Failed:
    """The pass broke; look again with exponential backoff and jitter, never sooner than `at_least` seconds."""

    reason: Reason
    at_least: float


@dataclass(frozen=True, slots=True)
class Again:
    """The object changed under the pass; look again at once."""


Outcome = Done | Gone | Requeue | Blocked | Failed | Again
