"""Saying on an object that it is in quarantine, without the pass that stops the operator.

The object is read and its conditions are replaced as plain JSON: no model is built from what may be the cause.
"""

import logging
from typing import Any

from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.ports import (
    Clock,
    Event,
    Events,
    Key,
    KubernetesError,
    ObjectGone,
    Objects,
    StaleObject,
    StoredObject,
)

logger = logging.getLogger(__name__)

REPLACED = {ConditionType.READY: "False", ConditionType.STALLED: "True"}
"""What is said; Reconciling goes, for an object that waits for a person is not being worked on."""


class QuarantineMarks:
    """`runtime.workers.Mark` for one kind."""

    def __init__(self, *, objects: Objects, events: Events, clock: Clock) -> None:
        self._objects = objects
        self._events = events
        self._clock = clock

    async def __call__(self, key: Key, message: str) -> None:
        """Never raises: what cannot be written now is in the log, and is tried again when the object is looked at."""
        try:
            stored = await self._objects.read(key)
            if stored is None:
                return
            status = stored.body.get("status") or {}
            conditions = self._conditions(stored, status.get("conditions") or [], message)
            await self._objects.write_status(stored, {**status, "conditions": conditions})
        except (KubernetesError, ObjectGone, StaleObject) as error:
            logger.warning("The condition %s of %s could not be written: %s", Reason.QUARANTINED, key, error)
            return
        event = Event(type="Warning", reason=Reason.QUARANTINED, action="Quarantine", message=message)
        self._events.publish(about=stored, event=event)

    def _conditions(self, stored: StoredObject, before: list[dict[str, Any]], message: str) -> list[dict[str, Any]]:
        was = {one.get("type"): one for one in before}
        now = stamp(self._clock.now())
        made = []
        for kind, status in REPLACED.items():
            old = was.get(kind) or {}
            since = old.get("lastTransitionTime") if old.get("status") == status else None
            made.append(
                {
                    "type": str(kind),
                    "status": status,
                    "reason": str(Reason.QUARANTINED),
                    "message": message,
                    "observedGeneration": stored.generation,
                    "lastTransitionTime": since or now,
                }
            )
        kept = [one for one in before if one.get("type") not in {*REPLACED, ConditionType.RECONCILING}]
        return [*made, *kept]
