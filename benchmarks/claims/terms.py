"""What the person who starts the run can choose."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.environment import Environment


@dataclass(frozen=True, kw_only=True)
class Terms:
    quick: bool = False
    logs: Path | None = None
    """Directory in which every log is kept; None keeps none."""
    profiles: Path | None = None
    """Directory for a profile of every operator; the figures of such a run are worth nothing."""

    def environment(self, *, round_trip: float = 0.0, lists: bool = False) -> Environment:
        """An environment of its own: no claim finds what another one left."""
        return Environment(round_trip=round_trip, lists=lists, logs=self.logs, profiles=self.profiles)

    def seconds(self, full: float, *, quick: float) -> float:
        """How long to wait."""
        return quick if self.quick else full

    def said(self, unit: str) -> str:
        """The unit of a figure that `quick` makes less worth."""
        return f"{unit}, quick" if self.quick else unit
