"""Another installation that reconciles the same objects: said in the log and in an Event, while both lead."""

import logging
from collections.abc import Callable

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.names import Reason
from hyperpod_operator.app.definitions import definition_reference
from hyperpod_operator.core.ports import Event, Events
from hyperpod_operator.kube.leadership.neighbours import Neighbours
from hyperpod_operator.runtime.periodic import Periodic

logger = logging.getLogger(__name__)

FIRST = 5.0
INTERVAL = 300.0
"""Seconds between two looks: a Lease that was renewed in between is that of an operator that leads."""


def looking(neighbours: Neighbours, *, events: Events, random: Callable[[], float]) -> Periodic:
    """The looks of a leader. There is no object that this is about, so the Event is about a definition."""

    async def work() -> None:
        for neighbour in await neighbours.look():
            logger.warning("%s", neighbour)
            event = Event(type="Warning", reason=Reason.SERVED_TWICE, action="Look", message=str(neighbour))
            events.publish(about=definition_reference(CLUSTER.plural), event=event)

    return Periodic(name="look for other installations", work=work, first=FIRST, interval=INTERVAL, random=random)
