"""What looks after the Nodes of HyperPod, put together."""

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.app.dependencies import ControllerRuntime, Shared
from hyperpod_operator.aws.call.limiter import Limiter, RateLimit
from hyperpod_operator.controllers.nodes import Enqueue, NodeController, NodePorts
from hyperpod_operator.core.health.mass_failure import Lane
from hyperpod_operator.kube.nodes.informer import NodeCache
from hyperpod_operator.kube.nodes.writes import NodeWriter
from hyperpod_operator.runtime.queue import WorkQueue
from hyperpod_operator.runtime.workers import Workers

RESYNC = 3600.0
"""Seconds between reconciles of a Node that once needed a write; the watch delivers everything sooner."""


class NodeRuntime:
    """A queue of its own, so that five thousand Nodes never delay a cluster."""

    def __init__(self, shared: Shared, *, cache: NodeCache) -> None:
        dependencies, settings = shared.dependencies, shared.dependencies.settings
        clusters = shared.queues[CLUSTER.name]
        queue = WorkQueue(random=dependencies.random, lanes=len(Lane))
        limit = RateLimit(rate=settings.node_writes_per_second, burst=max(1, int(settings.node_writes_per_second)))
        self.controller = NodeController(
            ports=NodePorts(
                nodes=cache,
                writes=NodeWriter(dependencies.api),
                events=dependencies.events,
                metrics=dependencies.metrics,
                clock=dependencies.clock,
                audit=dependencies.audit,
                budget=Limiter(limit, monotonic=dependencies.clock.monotonic).wait,
            ),
            clusters=shared.clusters,
            enqueue=Enqueue(
                # Where another client undoes each change, neither of them may keep the API server busy.
                now=lambda key, lane: queue.request(key, lane=lane),
                later=queue.add_after,
                gone=queue.forget,
                cluster=lambda key: clusters.add_after(key, settings.timings.debounce),
            ),
        )
        workers = Workers(
            queue=queue,
            reconcile=dependencies.passes("node", self.controller.reconcile),
            metrics=dependencies.metrics,
            clock=dependencies.clock,
            random=dependencies.random,
            resync=RESYNC,
            kind="node",
            count=settings.workers,
        )
        self.runtime = ControllerRuntime(
            kind="node", plural="", queue=queue, workers=workers, node_changed=self.controller.changed
        )
