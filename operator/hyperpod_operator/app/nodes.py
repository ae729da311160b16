"""What looks after the Nodes of HyperPod, put together."""

from collections.abc import Callable

from hyperpod_operator.app.parts import Parts, Room
from hyperpod_operator.aws.limiter import Limiter, Pace
from hyperpod_operator.controllers.fleet import Fleet
from hyperpod_operator.controllers.nodes import NodeController, NodePorts, Wakes
from hyperpod_operator.core.health.storm import Lane
from hyperpod_operator.core.ports import Key
from hyperpod_operator.kube.node_writes import NodeWriter
from hyperpod_operator.kube.nodes import NodeCache
from hyperpod_operator.runtime.queue import WorkQueue
from hyperpod_operator.runtime.workers import Workers

RESYNC = 3600.0
"""Seconds between two looks at a Node that once wanted a write; its watch tells of everything sooner."""


class NodeRoom:
    """A queue of its own, so that five thousand Nodes never stand before a cluster."""

    def __init__(self, parts: Parts, *, cache: NodeCache, fleet: Fleet, look_at: Callable[[Key], None]) -> None:
        settings = parts.settings
        queue = WorkQueue(random=parts.random, lanes=len(Lane))
        pace = Pace(rate=settings.node_writes_per_second, burst=max(1, int(settings.node_writes_per_second)))
        self.controller = NodeController(
            ports=NodePorts(
                nodes=cache,
                writes=NodeWriter(parts.api),
                events=parts.events,
                metrics=parts.metrics,
                clock=parts.clock,
                budget=Limiter(pace, monotonic=parts.clock.monotonic).wait,
            ),
            fleet=fleet,
            wakes=Wakes(now=lambda key, lane: queue.add(key, lane=lane), later=queue.add_after, cluster=look_at),
        )
        fleet.on_learnt = self.controller.learnt
        workers = Workers(
            queue=queue,
            reconcile=parts.passes("node", self.controller.reconcile),
            metrics=parts.metrics,
            clock=parts.clock,
            random=parts.random,
            resync=RESYNC,
            kind="node",
            count=settings.workers,
        )
        self.room = Room(kind="node", plural="", queue=queue, workers=workers, resync=None)
