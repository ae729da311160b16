"""Saying on an object that it is in quarantine, without the pass that stops the operator.

The object is read and the conditions that sum it up are replaced; everything else stays the plain JSON that it is: no
model is built from what may be the cause.
"""

import logging
from typing import Any

from hyperpod_operator.api.common.conditions import Condition
from hyperpod_operator.api.names import Reason
from hyperpod_operator.api.reasons import Actor
from hyperpod_operator.core.engine.conditions import SUMMARY, settle, summary
from hyperpod_operator.core.engine.headline import short
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
            # Another pass writes the headline of a kind that has one; a quarantined object may not get a pass for long.
            shown = {"actor": str(Actor.YOU), "shortMessage": short(message)} if "actor" in status else {}
            await self._objects.write_status(stored, {**status, **shown, "conditions": conditions})
        except (KubernetesError, ObjectGone, StaleObject) as error:
            logger.warning("The condition %s of %s could not be written: %s", Reason.QUARANTINED, key, error)
            return
        event = Event(type="Warning", reason=Reason.QUARANTINED, action="Quarantine", message=message)
        self._events.publish(about=stored, event=event)

    def _conditions(self, stored: StoredObject, before: list[dict[str, Any]], message: str) -> list[dict[str, Any]]:
        drafts = summary(ready="False", reason=Reason.QUARANTINED, message=message, stalled=True)
        made = settle(
            table=SUMMARY,
            drafts=drafts,
            before=[
                Condition.model_construct(
                    type=one["type"],
                    status=str(one.get("status")),
                    reason="",
                    message="",
                    lastTransitionTime=one.get("lastTransitionTime") or "",
                )
                for one in before
                if one.get("type") in set(SUMMARY)
            ],
            generation=stored.generation,
            now=self._clock.now(),
        )
        kept = [one for one in before if one.get("type") not in set(SUMMARY)]
        return [*(one.model_dump(mode="json", exclude_none=True) for one in made), *kept]
