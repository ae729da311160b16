"""Everything that one pass over an operation saw, decided and did."""

from dataclasses import dataclass

from hyperpod_operator.core.engine.decision import RemoveFinalizer
from hyperpod_operator.core.engine.finding import Decision
from hyperpod_operator.core.engine.journal import CallState
from hyperpod_operator.core.errors import CloudError
from hyperpod_operator.core.nodeoperation.plan import Action
from hyperpod_operator.core.nodeoperation.snapshot import Entry, Snapshot


@dataclass(frozen=True, kw_only=True)
class PassRecord:
    """`before` are the entries as they were stored; `snapshot` has them as they are after what the pass did."""

    snapshot: Snapshot
    before: tuple[Entry, ...] = ()
    decision: Decision[Action] | None = None
    release: RemoveFinalizer | None = None
    read_error: CloudError | None = None
    called: CallState | None = None
    """How far the call of this pass got; None in a pass without one."""
    error: CloudError | None = None
    """Why it was not accepted."""
    refusals: int = 0
    """Passes in a row, with this one, in which the API server let none of the marks come off."""
    request_id: str = ""
    """AWS's id of the accepted call."""

    @property
    def action(self) -> Action | None:
        return self.decision.action if self.decision is not None else None
