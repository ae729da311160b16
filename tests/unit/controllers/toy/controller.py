"""The toy's controller: what is particular about its pass."""

from collections.abc import Callable
from dataclasses import replace

from tests.unit.controllers.toy.core import CONCERNS, ToyRecord, ToySnapshot
from tests.unit.controllers.toy.kind import TOY, ToySpec, ToyStatus

from hyperpod_operator.api.names import Reason
from hyperpod_operator.controllers.parse import parse_spec, parse_status, reconcile_requested_at
from hyperpod_operator.controllers.reconciler import Reconciler
from hyperpod_operator.core.confirm import Confirm
from hyperpod_operator.core.engine.call import PlannedCall
from hyperpod_operator.core.engine.conditions import settle, summary
from hyperpod_operator.core.engine.decision import RemoveFinalizer, Report
from hyperpod_operator.core.engine.finding import judge
from hyperpod_operator.core.engine.journal import CallState, called
from hyperpod_operator.core.engine.result import failed, waiting
from hyperpod_operator.core.errors import TREATMENTS, CloudError
from hyperpod_operator.core.outcome import Done
from hyperpod_operator.core.ports import Clock, Events, Key, KubernetesError, Metrics, Objects, StoredObject


class Shelf:
    """Where toys are: AWS for this kind."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}
        self.puts: list[tuple[str, int]] = []
        self.fault: Callable[[str], None] = lambda _: None

    async def read(self, name: str) -> int | None:
        self.fault("read")
        return self.sizes.get(name)

    async def put(self, name: str, size: int) -> None:
        self.fault("before")
        self.puts.append((name, size))
        self.sizes[name] = size
        self.fault("after")


class ToyController(Reconciler[ToySnapshot, ToyStatus, ToyRecord]):
    def __init__(self, *, objects: Objects, events: Events, metrics: Metrics, clock: Clock, shelf: Shelf) -> None:
        super().__init__(kind=TOY, status=ToyStatus, objects=objects, events=events, metrics=metrics, clock=clock)
        self._shelf, self._time = shelf, clock

    def parse(self, stored: StoredObject) -> ToySnapshot:
        return ToySnapshot(
            name=stored.key.name,
            deleting=stored.deleting,
            generation=stored.generation,
            spec=parse_spec(stored, ToySpec),
            status=parse_status(stored, ToyStatus).model_copy(
                update={"lastHandledReconcileAt": reconcile_requested_at(stored) or None}
            ),
            actual=None,
            now=self._time.now(),
        )

    async def look(self, stored: StoredObject, thing: ToySnapshot, failures: int) -> ToyRecord:
        try:
            snapshot = replace(thing, actual=await self._shelf.read(thing.name))
        except CloudError as error:
            return ToyRecord(snapshot=thing, read_error=error)
        if snapshot.deleting:
            return ToyRecord(
                snapshot=snapshot, release=RemoveFinalizer(reason=Reason.DELETED, message="The toy stays.")
            )
        return ToyRecord(snapshot=snapshot, decision=judge(CONCERNS, snapshot))

    def needs_finalizer(self, record: ToyRecord) -> bool:
        return self.acts(record)

    def not_begun(self, record: ToyRecord, error: KubernetesError) -> ToyRecord:
        raise error

    def acts(self, record: ToyRecord) -> bool:
        return record.decision is not None and record.decision.action is not None

    def intent(self, record: ToyRecord) -> tuple[ToyRecord, ToyStatus | None]:
        status = self._journaled(record, CallState.INTENDED)
        return replace(record, snapshot=replace(record.snapshot, status=status)), status

    async def act(self, record: ToyRecord, *, unedited: Confirm) -> ToyRecord:
        await unedited()
        try:
            await self._shelf.put(record.snapshot.name, int(_call(record).request["size"]))
        except CloudError as error:
            return replace(record, rejected=error)
        return record

    def releases(self, record: ToyRecord) -> RemoveFinalizer | None:
        return record.release

    def report(self, record: ToyRecord) -> Report[ToyStatus]:
        snapshot, status = record.snapshot, record.snapshot.status
        error = record.read_error or record.rejected
        if error is not None:
            end = failed(error.message, TREATMENTS[error.kind])
            drafts = summary(ready="False", reason=end.reason, message=end.message, stalled=end.stalled)
            outcome = end.outcome
        else:
            drafts = list(record.decision.conditions if record.decision else ())
            wake = record.decision.wake_after if record.decision else None
            again = 1.0 if self.acts(record) else wake
            outcome = waiting(reason=Reason.UPDATING, message="", after=again).outcome if again else Done()
        if self.acts(record):
            status = self._journaled(record, CallState.REJECTED if record.rejected else CallState.ACCEPTED)
        conditions = settle(
            table=TOY.table,
            drafts=drafts,
            before=status.conditions or [],
            generation=snapshot.generation,
            now=snapshot.now,
        )
        new = status.model_copy(
            update={"conditions": conditions, "observedGeneration": snapshot.generation, "size": snapshot.actual}
        )
        return Report(status=new, events=(), outcome=outcome)

    def untouched(self, status: ToyStatus) -> bool:
        return not status.operations

    def left_behind(self, status: ToyStatus) -> str:
        return "the toy stays."

    def forget(self, key: Key) -> None: ...

    def _journaled(self, record: ToyRecord, state: CallState) -> ToyStatus:
        call, status = _call(record), record.snapshot.status
        journal = called(
            status.operations,
            concern="Size",
            operation=call.operation,
            state=state,
            fingerprint=call.fingerprint,
            attempts=1,
            now=record.snapshot.now,
        )
        return status.model_copy(update={"operations": journal})


def _call(record: ToyRecord) -> PlannedCall:
    if record.decision is None or record.decision.action is None:
        raise AssertionError("asked only of a pass that acts")
    return record.decision.action
