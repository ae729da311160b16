"""Hears at once of a Node that turns unhealthy, while the watch of all Nodes is left to gather.

Kubelets write to their Nodes all the time, a hundred a second in a large fleet, and each write that is read by itself
costs more in wake-ups than in work. Which of them is urgent the API server knows: an object that comes to satisfy the
selector of a watch arrives there as one that was added. What this watch brings is not used: it says when the watch of
all Nodes has something to tell. While it is down, an unhealthy Node is seen a tenth of a second later.

Source: "Efficient detection of changes", kubernetes.io: a watch from resourceVersion 0 begins with what is there.
"""

from collections.abc import Callable

import msgspec

from hyperpod_operator.api.names import NODE_HEALTH_STATUS
from hyperpod_operator.core.health.state import State
from hyperpod_operator.core.ports import Clock
from hyperpod_operator.core.watching import INACTIVITY
from hyperpod_operator.kube.nodes.stream import PATH, SELECTOR
from hyperpod_operator.kube.watch.decoding import METADATA, Decoding, WatchEvent
from hyperpod_operator.kube.watch.object_stream import Source, Streams
from hyperpod_operator.kube.watch.reflector import Reflector

UNHEALTHY = f"{SELECTOR},{NODE_HEALTH_STATUS},{NODE_HEALTH_STATUS} notin ({State.SCHEDULABLE})"


class _Metadata(msgspec.Struct, gc=False, rename={"resource_version": "resourceVersion"}):
    resource_version: str = ""


class _Object(msgspec.Struct, gc=False):
    """A Node of which nothing but its position in the history is read."""

    metadata: _Metadata


_SOURCE: Source[_Object] = Source(
    path=PATH,
    query={"labelSelector": UNHEALTHY},
    decoding=Decoding(_Object, noun="unhealthy Nodes"),
    listed=False,
    watched_as=METADATA,
)


class HealthAlarm:
    """Calls `ring` as a Node of HyperPod turns unhealthy or well again, and at each write to one that is unhealthy."""

    def __init__(
        self,
        api: Streams,
        *,
        clock: Clock,
        random: Callable[[], float],
        ring: Callable[[], None],
        inactivity: float = INACTIVITY,
    ) -> None:
        self._ring = ring
        self._reflector = Reflector(api, source=_SOURCE, store=self, clock=clock, random=random, inactivity=inactivity)

    async def run(self) -> None:
        """Without end; cancel it to stop."""
        await self._reflector.run()

    def begin(self) -> None:
        """Of `Store`."""

    def add(self, found: _Object) -> None:
        """Of `Store`."""

    def complete(self) -> None:
        """Of `Store`."""

    def apply(self, events: list[WatchEvent[_Object]]) -> None:
        """Of `Store`."""
        if events:
            self._ring()
