"""The same moment of a resource's life, looked at again and again, each time as if it were the first."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hyperpod_operator.core.outcome import Gone, Outcome
from hyperpod_testbed.simulator import Fault, Simulator


class Replayed(Protocol):
    """What a rig offers to be replayed."""

    simulator: Simulator

    def keep(self) -> Callable[[], None]:
        """Note all that Kubernetes holds; the result puts it back."""

    def restart(self) -> None: ...

    async def once(self) -> Outcome: ...

    def calls(self) -> Sequence[Any]: ...

    def steps(self) -> Sequence[str]:
        """Steps in Kubernetes so far, but for the writes of the resource itself."""

    @property
    def held(self) -> bool:
        """Whether the resource exists and has the operator's finalizer."""

    @property
    def status(self) -> Mapping[str, Any]: ...

    async def clients(self) -> Sequence[Any]:
        """The boto3 clients that the operator calls AWS with."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one pass did. `calls` were meant to change AWS."""

    calls: list[tuple[str, Any]]
    steps: list[str]
    status: dict[str, Any]
    released: bool


class Replay:
    """The moment in which it is made. `again` puts the objects back and starts the operator anew."""

    def __init__(self, rig: Replayed) -> None:
        self._rig = rig
        self._restore = rig.keep()
        self.status = dict(rig.status)
        """The status before each look."""

    def refuse(self, operations: Sequence[str]) -> None:
        """From here on AWS refuses these calls: a look changes nothing for the next one."""
        for operation in operations:
            self._rig.simulator.faults.add(
                Fault(operation=operation, kind="error", code="AccessDeniedException", message="not now")
            )

    def again(self) -> None:
        self._restore()
        self._rig.restart()

    async def look(self) -> Look:
        had = self._rig.held
        rig, calls, steps = self._rig, len(self._rig.calls()), Counter(self._rig.steps())
        outcome = await rig.once()
        return Look(
            calls=[(call.operation, call.parameters) for call in rig.calls()[calls:]],
            steps=sorted((Counter(rig.steps()) - steps).elements()),
            status=dict(rig.status),
            released=isinstance(outcome, Gone) or (had and not rig.held),
        )
