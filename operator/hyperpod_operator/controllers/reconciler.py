"""The one reconciler: a pass over an object of any kind.

    read ─► parse ─► look (observe and judge) ─► finalizer ─► intent ─► act ─► report ─► record

The order of writes makes a kill at any point harmless: the finalizer goes on before anything of ours is in AWS, the
intent of a call is written before the call, then one status has all that was learned. An edit that comes before the
intent ends the pass: what was decided is not what is asked for any more. What is particular about a kind
is the class that derives from `Reconciler`; nothing that matters lives in memory.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Generic, TypeVar, final

from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.kinds import Kind
from hyperpod_operator.api.names import ABANDON, Reason
from hyperpod_operator.controllers.parse import (
    HalfReadError,
    InvalidSpecError,
    parse_status,
    reconcile_requested_at,
    status_is_readable,
)
from hyperpod_operator.core.confirm import Confirm
from hyperpod_operator.core.engine.conditions import settle, summary
from hyperpod_operator.core.engine.decision import RemoveFinalizer, Report
from hyperpod_operator.core.engine.headline import ACTOR, headline
from hyperpod_operator.core.engine.refused_status import refused_status
from hyperpod_operator.core.errors import SLOW, CloudError
from hyperpod_operator.core.outcome import Again, Blocked, Failed, Gone, Outcome
from hyperpod_operator.core.ports import (
    Clock,
    Event,
    Events,
    Key,
    KubernetesError,
    Metrics,
    ObjectGone,
    Objects,
    StaleObject,
    StoredObject,
)

logger = logging.getLogger(__name__)

KUBERNETES_PAUSE = 5.0
"""Shortest pause in seconds after the API server failed."""


class Unconfirmed(StaleObject):
    """A call was not sent, because it is not what is asked for any more, or not about what was seen. `stored` is the
    object as it is now, where it was read again."""

    def __init__(self, why: str, *, stored: StoredObject | None = None) -> None:
        super().__init__(why)
        self.stored = stored


@contextmanager
def before_the_call() -> Iterator[None]:
    """What AWS or the API server does not answer in here leaves nothing open: the call was not sent."""
    try:
        yield
    except (CloudError, KubernetesError) as error:
        raise Unconfirmed(f"What the call is about could not be read again: {error}") from error


ThingT = TypeVar("ThingT")
"""The parsed object."""
StatusT = TypeVar("StatusT", bound=Model)
RecordT = TypeVar("RecordT")
"""Everything that one pass saw, decided and did."""


class Reconciler(ABC, Generic[ThingT, StatusT, RecordT]):
    """A pass, with the steps that a kind fills in. Belongs to one event loop."""

    def __init__(
        self, *, kind: Kind, status: type[StatusT], objects: Objects, events: Events, metrics: Metrics, clock: Clock
    ) -> None:
        self._kind = kind
        self._status_model = status
        self._objects = objects
        self._events = events
        self._metrics = metrics
        self._clock = clock

    @abstractmethod
    def parse(self, stored: StoredObject) -> ThingT:
        """The object as decisions see it. Raises InvalidSpecError."""

    @abstractmethod
    async def look(self, stored: StoredObject, thing: ThingT, failures: int) -> RecordT:
        """Observe the world and judge it. Failures to read are part of the record; `failures` counts them in a row."""

    @abstractmethod
    def needs_finalizer(self, record: RecordT) -> bool:
        """Whether something of ours is, or is about to be, in AWS."""

    @abstractmethod
    def not_begun(self, record: RecordT, error: KubernetesError) -> RecordT:
        """The record of a pass whose finalizer could not be written; raises `error` where that is not reported."""

    @abstractmethod
    def acts(self, record: RecordT) -> bool:
        """Whether the decision is to change something."""

    @abstractmethod
    def intent(self, record: RecordT) -> tuple[RecordT, StatusT | None]:
        """The status to store before the call, None where nothing has to be, and the record that goes on from it."""

    @abstractmethod
    async def act(self, record: RecordT, *, unedited: Confirm) -> RecordT:
        """Make the one change that was decided. Failures are part of the record.

        `unedited` is to be asked when a call to AWS has its turn, just before it is sent: it raises where a person asks
        for something else by then.
        """

    @abstractmethod
    def releases(self, record: RecordT) -> RemoveFinalizer | None:
        """Why the finalizer may go, if it may."""

    @abstractmethod
    def report(self, record: RecordT) -> Report[StatusT]:
        """What the pass leaves behind."""

    def recorded(self, stored: StoredObject, *, record: RecordT | None, before: StatusT, after: StatusT) -> None:
        """The status was written: count what the pass did. `record` is None for a spec that cannot be read."""

    @abstractmethod
    def untouched(self, status: StatusT) -> bool:
        """Whether nothing was ever made in AWS or Kubernetes for an object with this status."""

    @abstractmethod
    def left_behind(self, status: StatusT) -> str:
        """What stays in AWS when a person releases the object by annotation, for people to read."""

    @abstractmethod
    def forget(self, key: Key) -> None:
        """The object is gone: drop what is remembered of it."""

    @final
    async def reconcile(self, key: Key, failures: int) -> Outcome:
        """One pass. `failures` is how many passes over this object failed in a row before this one."""
        outcome: Outcome
        try:
            outcome = await self._pass(key, failures)
        except StaleObject:
            outcome = Again()
        except ObjectGone:
            outcome = Gone()
        except KubernetesError as error:
            logger.warning("The API server failed during a pass; the operator repeats the pass: %s", error)
            outcome = Failed(Reason.INTERNAL_ERROR, KUBERNETES_PAUSE)
        if isinstance(outcome, Gone):
            self.forget(key)
            self._metrics.object_gone(kind=self._kind.word, key=key)
        return outcome

    async def _pass(self, key: Key, failures: int) -> Outcome:
        stored = await self._objects.read(key)
        if stored is None or (stored.deleting and self._kind.finalizer not in stored.finalizers):
            return Gone()
        if stored.deleting and stored.annotations.get(ABANDON) == stored.key.name:
            return await self._abandon(stored)
        try:
            thing = self.parse(stored)
        except HalfReadError as error:
            return self._unreadable(stored, f"A part of the status cannot be read that says what was done: {error}")
        except InvalidSpecError as error:
            return await self._invalid(stored, str(error))
        record = await self.look(stored, thing, failures)
        if self.needs_finalizer(record) and not stored.deleting:
            try:
                held = await self._objects.add_finalizer(stored, self._kind.finalizer)
            except KubernetesError as error:
                return await self._finish(stored, self.not_begun(record, error))
            if held.is_edited(stored):
                raise StaleObject(f"{stored.key} was edited since it was read.")
            stored = held
        if self.acts(record):
            before = stored
            record, planned = self.intent(record)
            if planned is not None:
                intended = _dump(planned, deleted=stored.deleting)
                stored = await self._store(stored, intended, unedited=True)
            try:
                record = await self.act(record, unedited=partial(self._unedited, stored))
            except Unconfirmed as changed:
                if planned is not None:
                    await self._withdraw(changed.stored or stored, parse_status(before, self._status_model))
                raise
        return await self._finish(stored, record)

    async def _unedited(self, stored: StoredObject) -> None:
        try:
            now = await self._objects.read(stored.key)
        except KubernetesError as error:
            raise Unconfirmed(f"{stored.key} cannot be read again before its call: {error}") from error
        if now is None or now.uid != stored.uid:
            raise ObjectGone(str(stored.key))
        if now.body.get("status") != stored.body.get("status"):
            # Another installation took the object up, or a backup came back: what it recorded counts.
            raise StaleObject(f"The status of {stored.key} was written by another client before the call had its turn.")
        if now.is_edited(stored):
            raise Unconfirmed(f"{stored.key} was edited before the call had its turn.", stored=now)

    async def _finish(self, stored: StoredObject, record: RecordT) -> Outcome:
        release = self.releases(record)
        if release is not None:
            return await self._release(stored, release)
        return await self._record(stored, self.report(record), record)

    async def _record(self, stored: StoredObject, made: Report[StatusT], record: RecordT | None) -> Outcome:
        status = _dump(made.status, deleted=stored.deleting)
        before = parse_status(stored, self._status_model)
        if status != stored.body.get("status"):
            stored = await self._store(stored, status)
        for event in made.events:
            self._announce(stored, event)
        self._metrics.object_state(kind=self._kind.word, key=stored.key, status=made.status)
        self.recorded(stored, record=record, before=before, after=made.status)
        return made.outcome

    async def _store(self, stored: StoredObject, status: dict[str, Any], *, unedited: bool = False) -> StoredObject:
        try:
            return await self._objects.write_status(stored, status, unedited=unedited)
        except KubernetesError as error:
            if (event := refused_status(error)) is not None:
                self._announce(stored, event)
            raise

    async def _withdraw(self, stored: StoredObject, status: StatusT) -> None:
        """Store the status of before an intent whose call was provably not sent: no later pass waits for its effect."""
        await self._objects.write_status(stored, _dump(status, deleted=stored.deleting))

    async def _abandon(self, stored: StoredObject) -> Outcome:
        """The way out when AWS cannot be asked any more (the account or the role is gone): a person's own word."""
        left = self.left_behind(parse_status(stored, self._status_model))
        message = f"Released by the annotation {ABANDON} without asking AWS: {left}"
        event = Event(type="Warning", reason=Reason.ABANDONED, action="Release", message=message)
        return await self._let_go(stored, event)

    async def _release(self, stored: StoredObject, release: RemoveFinalizer) -> Outcome:
        event = Event(type="Normal", reason=release.reason, action="Release", message=release.message)
        return await self._let_go(stored, event)

    async def _let_go(self, stored: StoredObject, event: Event) -> Outcome:
        await self._objects.remove_finalizer(stored, self._kind.finalizer)
        self._announce(stored, event)
        return Gone()

    async def _invalid(self, stored: StoredObject, problems: str) -> Outcome:
        """The spec cannot be read: say so, touch nothing. A deletion with nothing in AWS is let through."""
        if not status_is_readable(stored, self._status_model):
            return self._unreadable(stored, f"Neither the spec nor the status can be read: {problems}")
        status = parse_status(stored, self._status_model)
        if stored.deleting and self.untouched(status):
            nothing = "Nothing was created for this invalid spec."
            return await self._release(stored, RemoveFinalizer(reason=Reason.RELEASED, message=nothing))
        message = (
            f"The spec cannot be parsed: {problems}. Correct these fields; the operator changes nothing in AWS "
            "meanwhile."
        )
        before = list(getattr(status, "conditions", None) or [])
        conditions = settle(
            table=self._kind.table,
            drafts=summary(ready="False", reason=Reason.INVALID_SPEC, message=message, stalled=True),
            before=before,
            generation=stored.generation,
            now=self._clock.now(),
        )
        handled = reconcile_requested_at(stored) or getattr(status, "lastHandledReconcileAt", None)
        new = status.model_copy(
            update={
                "observedGeneration": stored.generation,
                "conditions": conditions,
                "lastHandledReconcileAt": handled,
            }
        )
        said = any((one.reason, one.message) == (Reason.INVALID_SPEC, message) for one in before)
        event = Event(type="Warning", reason=Reason.INVALID_SPEC, action="Parse", message=message)
        outcome = Blocked(Reason.INVALID_SPEC, SLOW)
        return await self._record(stored, Report(status=new, events=() if said else (event,), outcome=outcome), None)

    def _unreadable(self, stored: StoredObject, problem: str) -> Outcome:
        """The status stays as it is, for whoever can read it: what the operator did, or what is in AWS, is told
        nowhere else."""
        message = (
            f"{problem}. The operator changes nothing and does not release the object: the status may name what is in "
            "AWS. Correct these fields, or install the version of the operator that wrote the status. To release the "
            f"object, set the annotation {ABANDON} to its name."
        )
        self._announce(stored, Event(type="Warning", reason=Reason.INVALID_SPEC, action="Parse", message=message))
        return Blocked(Reason.INVALID_SPEC, SLOW)

    def _announce(self, stored: StoredObject, event: Event) -> None:
        self._events.publish(about=stored, event=event)
        logger.info("%s", event.message, extra={"reason": str(event.reason), "action": event.action})


def _dump(status: Model, *, deleted: bool) -> dict[str, Any]:
    """The status as it is stored, with what a row of `kubectl get` shows of it, for kinds that have such members."""
    dumped: dict[str, Any] = status.model_dump(mode="json", exclude_none=True)
    shown = ACTOR in type(status).model_fields
    return {**dumped, **headline(getattr(status, "conditions", None) or [], deleted=deleted)} if shown else dumped
