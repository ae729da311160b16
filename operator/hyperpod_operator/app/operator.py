"""The composition root: the only place that knows which part stands behind which port.

A replica that stands by lists and watches as the leader does, so that it begins to work with the lease and without a
list. Order matters three times. The first pass comes after the first lists, which it would hold up; the workers are
drained before the watch stops, so that a call in flight ends, is recorded, and nothing starts after it; and the lease
is given up after the last write.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

from hyperpod_operator.api.metrics.aws import AWS_LIMIT
from hyperpod_operator.api.metrics.kubernetes import NODE_WATCH_AGE, WATCH_AGE
from hyperpod_operator.api.metrics.load import LOOP_LAG, QUARANTINED, TASKS
from hyperpod_operator.api.metrics.nodes import NODES_HELD, NODES_LEFT_OUT
from hyperpod_operator.app.definitions import announce
from hyperpod_operator.app.dependencies import ControllerRuntime, Dependencies, shared
from hyperpod_operator.app.kinds import CONTROLLERS, Controllers
from hyperpod_operator.app.neighbours import looking
from hyperpod_operator.app.nodes import NodeRuntime
from hyperpod_operator.app.serving import Serving
from hyperpod_operator.app.tasks import ended, on_signals, stopping_on_exit
from hyperpod_operator.app.traces import untraced
from hyperpod_operator.aws.cloud import AwsCloud
from hyperpod_operator.controllers.cluster_cache import Change
from hyperpod_operator.core.lease import LeaseSettings
from hyperpod_operator.core.preflight.modes import OFF
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.events.recorder import EventRecorder
from hyperpod_operator.kube.leadership.neighbours import Neighbours
from hyperpod_operator.kube.nodes.alarm import HealthAlarm
from hyperpod_operator.kube.nodes.informer import NodeCache
from hyperpod_operator.kube.pods.cache import PodCache
from hyperpod_operator.kube.skew import Skew
from hyperpod_operator.runtime.audit import AuditTrail
from hyperpod_operator.runtime.clock import SystemClock
from hyperpod_operator.runtime.heartbeat import Heartbeat
from hyperpod_operator.runtime.memory import EVERY, give_back
from hyperpod_operator.runtime.metrics import PrometheusMetrics
from hyperpod_operator.runtime.periodic import Periodic
from hyperpod_operator.runtime.quarantine import Quarantine
from hyperpod_operator.runtime.watch import Watch
from hyperpod_operator.runtime.workers import Reconcile
from hyperpod_operator.settings import Settings

logger = logging.getLogger(__name__)

FIRST_LISTS = 15.0
"""Seconds that the first pass waits for the first lists of all kinds and of Nodes. Without them nothing goes wrong,
only later: what is not listed is not looked at, and what asks for Nodes waits for them."""
WARM_UP = 0.5
"""Seconds after the first lists until clients for checks are made. They take the processor for a tenth of a second,
and the first passes come first: a Node may lack its taint."""
DRAIN = 20.0
"""Seconds that passes under way get at a stop; below the pod's grace period of 30 s."""


class Operator:
    """The parts of this process, put together once, and started in steps: standing by, following, and working."""

    def __init__(
        self,
        settings: Settings,
        *,
        api: ApiServer,
        cloud: AwsCloud,
        metrics: PrometheusMetrics,
        clock: SystemClock,
        quarantine: Quarantine,
        passes: Callable[[str, Reconcile], Reconcile] = untraced,
        skews: tuple[Skew, ...] = (),
        lease: LeaseSettings | None = None,
        controllers: Controllers = CONTROLLERS,
    ) -> None:
        self._settings = settings
        self._skews = skews
        self._controllers = controllers
        self._api = api
        self._cloud = cloud
        self._metrics = metrics
        self._events = EventRecorder(api, clock=clock, dropped=metrics.events_dropped)
        dependencies = Dependencies(
            settings=settings,
            api=api,
            cloud=cloud,
            events=self._events,
            metrics=metrics,
            clock=clock,
            random=random.SystemRandom().random,
            quarantine=quarantine,
            audit=AuditTrail(now=clock.now, file=Path(settings.audit_file) if settings.audit_file else None),
            passes=passes,
        )
        self._quarantine = quarantine
        self._cache = NodeCache(api, clock=clock, random=dependencies.random, on_change=self._node_changed)
        self._alarm = HealthAlarm(api, clock=clock, random=dependencies.random, ring=self._cache.hurry)
        self._pods = PodCache(api, clock=clock, random=dependencies.random)
        self._runtimes = tuple(self._build(dependencies))
        self._watch = Watch(
            queues={runtime.plural: runtime.queue for runtime in self._runtimes if runtime.plural},
            credentials=api.credentials,
            clock=clock,
            namespaces=settings.namespaces,
        )
        self._heartbeat = Heartbeat(clock=clock)
        self._memory = Periodic(
            name="return of free memory",
            work=give_back,
            first=EVERY,
            interval=EVERY,
            random=dependencies.random,
        )
        self._periodic = tuple(periodic for runtime in self._runtimes for periodic in runtime.periodic)
        if lease is not None:
            neighbours = Neighbours(api, lease=lease)
            self._periodic += (looking(neighbours, events=self._events, random=dependencies.random),)
        self._listed = asyncio.Event()
        self.finished = True
        """Whether every pass ended by itself when the work was stopped."""
        self._measure()

    def _build(self, dependencies: Dependencies) -> Iterator[ControllerRuntime]:
        """The controllers that this installation runs: of Nodes, and of each kind that it serves."""
        settings, nodes = dependencies.settings, None

        def cluster_updated(change: Change) -> None:
            if nodes is not None:
                nodes.controller.cluster_updated(change)

        common = shared(dependencies, nodes=self._cache, pods=self._pods, cluster_updated=cluster_updated)
        if settings.node_health:
            nodes = NodeRuntime(common, cache=self._cache)
            yield nodes.runtime
        for kind in settings.kinds:
            yield self._controllers[kind.name](common)

    @property
    def _follows_nodes(self) -> bool:
        return any(runtime.node_changed is not None for runtime in self._runtimes)

    def _node_changed(self, name: str) -> None:
        for runtime in self._runtimes:
            if runtime.node_changed is not None:
                runtime.node_changed(name)

    def _measure(self) -> None:
        metrics = self._metrics
        for runtime in self._runtimes:
            metrics.observe_queue(runtime.queue, kind=runtime.kind)
            metrics.set_function(QUARANTINED, partial(self._in_quarantine, runtime.kind), runtime.kind)
        if self._follows_nodes:
            metrics.set_function(NODES_HELD, lambda: len(self._cache))
            metrics.set_function(NODES_LEFT_OUT, lambda: self._cache.left_out)
            metrics.set_function(NODE_WATCH_AGE, self._cache.age)
        metrics.set_function(AWS_LIMIT, lambda: self._settings.aws_reads_per_second, "reads")
        metrics.set_function(AWS_LIMIT, lambda: self._settings.aws_writes_per_second, "writes")
        metrics.set_function(WATCH_AGE, self._watch.health.age)
        metrics.set_function(LOOP_LAG, self._heartbeat.lag)
        metrics.set_function(TASKS, lambda: len(asyncio.all_tasks()))

    def _in_quarantine(self, kind: str) -> float:
        return len(self._quarantine.objects(kind))

    @asynccontextmanager
    async def standing_by(
        self, stop: asyncio.Event, *, not_ready: Callable[[], str | None] = lambda: None
    ) -> AsyncIterator[None]:
        """What runs in every replica: the probes, the metrics, and what keeps the process small.

        `not_ready` says why this replica could not lead if it had to.
        """
        serving = Serving(
            self._settings,
            loop=self._heartbeat.fault,
            alive={
                **{f"{runtime.kind} workers": runtime.workers.fault for runtime in self._runtimes},
                "watch": self._watch.health.fault,
            },
            ready={
                "watch": self._watch.health.not_ready,
                "lease": not_ready,
                # Whoever follows them has the right to, which the start has checked.
                **({"nodes": self._cache.not_ready} if self._follows_nodes else {}),
            },
            metrics=self._metrics,
            api=self._api,
        )
        tasks = (
            asyncio.create_task(stopping_on_exit(self._heartbeat.run(), stop), name="heartbeat"),
            asyncio.create_task(stopping_on_exit(self._memory.run(), stop), name=self._memory.name),
        )
        try:
            async with serving.running():
                yield
        finally:
            for task in tasks:
                task.cancel()
            await ended(*tasks)

    @asynccontextmanager
    async def following(self, stop: asyncio.Event) -> AsyncIterator[None]:
        """What runs in every replica, too: lists and watches of all that the leader looks at.

        What they find is held until this replica works.
        """
        self._watch.hold()
        tasks = [asyncio.create_task(self._first_lists(), name="first lists")]
        if self._follows_nodes:
            tasks.append(asyncio.create_task(stopping_on_exit(self._cache.run(), stop), name="nodes"))
            tasks.append(asyncio.create_task(stopping_on_exit(self._alarm.run(), stop), name="node health alarm"))
        # Kopf installs signal handlers of its own in the main thread: ours go back right after its start.
        watching = asyncio.create_task(
            stopping_on_exit(self._watch.run(on_started=lambda: on_signals(stop)), stop), name="watch"
        )
        try:
            yield
        finally:
            self._watch.stop()
            for task in tasks:
                task.cancel()
            await ended(watching, *tasks)

    @asynccontextmanager
    async def working(self, stop: asyncio.Event) -> AsyncIterator[None]:
        """What runs besides in the one replica that leads, started and stopped in order."""
        self._events.start()
        announce(self._skews, self._events)
        may_begin = asyncio.Event()
        for runtime in self._runtimes:
            runtime.workers.start(after=may_begin)
        self._watch.deliver()
        self._metrics.leading(True)
        tasks = [
            asyncio.create_task(self._begin(may_begin), name="first passes"),
            *(
                asyncio.create_task(stopping_on_exit(periodic.run(), stop), name=periodic.name)
                for periodic in self._periodic
            ),
        ]
        try:
            yield
        finally:
            drained = await asyncio.gather(*(runtime.workers.drain(within=DRAIN) for runtime in self._runtimes))
            self.finished = all(drained)
            await self._pods.stop()
            for task in tasks:
                task.cancel()
            await ended(*tasks)
            await self._events.stop()
            self._metrics.leading(False)

    async def _begin(self, may_begin: asyncio.Event) -> None:
        """Let passes begin once all that they may ask for is there, or has taken too long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LISTS):
                await self._listed.wait()
        may_begin.set()

    async def _first_lists(self) -> None:
        """Say when all that a pass may ask for is there. Then make more clients."""
        await self._watch.health.first_list.wait()
        if self._follows_nodes:
            await self._cache.first_list()
        self._listed.set()
        await asyncio.sleep(WARM_UP)
        settings = self._settings
        # The first passes need none of them, and the first CreateCluster would wait for each of them.
        await self._cloud.warm_up_checks(
            preflight=settings.preflight != OFF, prices=settings.cost and settings.prices is None
        )
