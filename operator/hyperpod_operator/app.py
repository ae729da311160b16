"""The composition root: the only place that knows which part stands behind which port.

Order matters three times. Workers start before Kopf, because Kopf takes younger tasks for its own; they are
drained before the watch stops, so that a call in flight ends, is recorded, and nothing starts after it; and the
lease is given up after the last write.
"""

import asyncio
import logging
import os
import random
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace

from hyperpod_operator.aws.cloud import AwsCloud, CloudSettings
from hyperpod_operator.aws.limiter import READS, WRITES, Pace
from hyperpod_operator.controllers.cluster import ClusterController, ClusterSettings, Ports
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.lease import LeaseSettings
from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.kube import preflight
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.configuration import own_namespace
from hyperpod_operator.kube.events import EventRecorder
from hyperpod_operator.kube.leader import Election
from hyperpod_operator.kube.objects import ClusterObjects
from hyperpod_operator.kube.tenure import Tenure
from hyperpod_operator.runtime.clock import SystemClock
from hyperpod_operator.runtime.heartbeat import Heartbeat
from hyperpod_operator.runtime.http import HttpServer
from hyperpod_operator.runtime.instruments import LOOP_LAG, WATCH_AGE
from hyperpod_operator.runtime.logs import catch_uncaught
from hyperpod_operator.runtime.metrics import PrometheusMetrics
from hyperpod_operator.runtime.queue import WorkQueue
from hyperpod_operator.runtime.resync import Resync
from hyperpod_operator.runtime.watch import Watch
from hyperpod_operator.runtime.workers import Workers
from hyperpod_operator.settings import Settings

logger = logging.getLogger(__name__)

LEADERSHIP_LOST = 1
"""Exit code of a process that must not write any more."""
DRAIN = 20.0
"""Seconds that passes under way get at a stop; below the pod's grace period of 30 s."""


class StartError(Exception):
    """The operator cannot do its work here; the message lists what is missing and the commands that fix it."""


async def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. Raises StartError within seconds when something is missing."""
    catch_uncaught(asyncio.get_running_loop())
    stop = asyncio.Event()
    _on_signals(stop)
    metrics = PrometheusMetrics()
    clock = SystemClock()
    tenure = Tenure(clock=clock, on_lost=_end_process)
    lease = _lease(settings)
    async with AsyncExitStack() as stack:
        api = await _connect(settings)
        stack.push_async_callback(api.close)
        cloud = _cloud(settings, metrics, before_write=tenure.require if lease else _nothing)
        stack.push_async_callback(asyncio.to_thread, cloud.close)
        await _check_kubernetes(api, settings, lease)
        await _check_aws(cloud)
        await _warm_up(cloud)
        operator = Operator(settings, api=api, cloud=cloud, metrics=metrics, clock=clock)
        if lease is None:
            await stack.enter_async_context(operator.standing_by(stop))
        else:
            api.guard_writes(tenure.require)
            election = Election(api, lease=lease, clock=clock, tenure=tenure)
            await stack.enter_async_context(operator.standing_by(stop, not_ready=election.not_ready))
            await stack.enter_async_context(_elected(election, stop, may_release=lambda: operator.finished))
        if not stop.is_set():
            await stack.enter_async_context(operator.working(stop))
            await stop.wait()
        logger.info("Stopping: passes under way are finished, no new ones start.")
    logger.info("Stopped.")


class Operator:
    """The parts of this process, put together once, and started in two steps: standing by, and working."""

    def __init__(
        self, settings: Settings, *, api: ApiServer, cloud: AwsCloud, metrics: PrometheusMetrics, clock: SystemClock
    ) -> None:
        uniform = random.SystemRandom().random
        self._settings = settings
        self._metrics = metrics
        self._queue = WorkQueue(random=uniform)
        objects = ClusterObjects(api, namespaces=settings.namespaces)
        self._events = EventRecorder(api, clock=clock, dropped=metrics.events_dropped)
        controller = ClusterController(
            ports=Ports(objects=objects, cloud=cloud, events=self._events, metrics=metrics, clock=clock),
            settings=ClusterSettings(timings=settings.timings, allowed_regions=settings.allowed_regions),
        )
        self._workers = Workers(
            queue=self._queue,
            reconcile=controller.reconcile,
            metrics=metrics,
            clock=clock,
            random=uniform,
            resync=settings.timings.resync,
            count=settings.workers,
        )
        self._watch = Watch(queue=self._queue, credentials=api.credentials, clock=clock, namespaces=settings.namespaces)
        self._heartbeat = Heartbeat(clock=clock)
        self._resync = Resync(objects=objects, queue=self._queue, random=uniform, interval=settings.timings.resync)
        self._leading = False
        self.finished = True
        """Whether every pass ended by itself when the work was stopped."""
        metrics.observe_queue(self._queue, kind="cluster")
        metrics.observe(WATCH_AGE, self._watch.pulse.age)
        metrics.observe(LOOP_LAG, self._heartbeat.lag)

    @asynccontextmanager
    async def standing_by(
        self, stop: asyncio.Event, *, not_ready: Callable[[], str | None] = lambda: None
    ) -> AsyncIterator[None]:
        """What runs in every replica: the probes and the metrics. `not_ready` speaks for one that does not work."""
        server = HttpServer(
            alive={"loop": self._heartbeat.fault, "workers": self._workers.fault, "watch": self._watch.pulse.fault},
            ready={"watch": lambda: self._watch.pulse.not_ready() if self._leading else None, "lease": not_ready},
            metrics=self._metrics.text,
            host=self._settings.http_host,
            port=self._settings.http_port,
        )
        await _listen(server, self._settings)
        heartbeat = asyncio.create_task(_guarded(self._heartbeat.run(), stop), name="heartbeat")
        logger.info("Serving /healthz, /readyz and /metrics on port %d.", server.port)
        try:
            yield
        finally:
            heartbeat.cancel()
            await _ended(heartbeat)
            await server.stop()

    @asynccontextmanager
    async def working(self, stop: asyncio.Event) -> AsyncIterator[None]:
        """What runs in the one replica that leads, started and stopped in order."""
        self._events.start()
        self._workers.start()
        self._leading = True
        self._metrics.leading(True)
        resync = asyncio.create_task(_guarded(self._resync.run(), stop), name="resync")
        # Kopf installs signal handlers of its own in the main thread: ours go back right after its start.
        watching = asyncio.create_task(
            _guarded(self._watch.run(on_started=lambda: _on_signals(stop)), stop), name="watch"
        )
        try:
            yield
        finally:
            self.finished = await self._workers.drain(within=DRAIN)
            self._watch.stop()
            resync.cancel()
            await _ended(watching, resync)
            await self._events.stop()
            self._leading = False
            self._metrics.leading(False)


@asynccontextmanager
async def _elected(election: Election, stop: asyncio.Event, *, may_release: Callable[[], bool]) -> AsyncIterator[None]:
    """Wait until this replica leads, or is told to stop; renew while it works; give the lease up at the end.

    Unless `may_release` says no: a call that was cut off may still be on its way, so the next leader has to wait
    until the lease is over.
    """
    renewing = asyncio.create_task(_guarded(election.run(), stop), name="election")
    try:
        await _first(election.elected, stop)
        yield
    finally:
        renewing.cancel()
        await _ended(renewing)
        if may_release():
            await election.release()


async def _first(*events: asyncio.Event) -> None:
    """Until one of them is set."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def _ended(*tasks: asyncio.Task[None]) -> None:
    """Wait for the end of parts that were asked to end; raises what the first one failed with."""
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result


def _end_process(why: str) -> None:
    """At once, without any farewell: whatever else this process would do could be a write of a second leader."""
    logger.critical(
        "Leadership is lost: %s. This process ends now and is started anew; another replica may lead meanwhile. If "
        "this repeats, look at the API server's latency and at this pod's CPU limit.",
        why,
    )
    logging.shutdown()
    os._exit(LEADERSHIP_LOST)


def _lease(settings: Settings) -> LeaseSettings | None:
    """The lease to ask for; None without leader election."""
    if not settings.leader_election:
        return None
    return replace(settings.lease, namespace=settings.lease.namespace or own_namespace())


def _nothing() -> None:
    """Without leader election nothing holds a write back."""


async def _guarded(work: Coroutine[None, None, None], stop: asyncio.Event) -> None:
    """Any end of a part that should run for ever ends the process: a half-running operator is worse than none."""
    try:
        await work
    finally:
        stop.set()


async def _connect(settings: Settings) -> ApiServer:
    try:
        return await ApiServer.connect(kubeconfig=settings.kubeconfig or None, context=settings.context or None)
    except KubernetesError as error:
        raise StartError(str(error)) from error


def _cloud(settings: Settings, metrics: PrometheusMetrics, *, before_write: Callable[[], None]) -> AwsCloud:
    return AwsCloud(
        settings=CloudSettings(
            region=settings.region,
            threads=max(4, settings.workers),
            reads=Pace(rate=settings.aws_reads_per_second, burst=READS.burst),
            writes=Pace(rate=settings.aws_writes_per_second, burst=WRITES.burst),
            before_write=before_write,
        ),
        on_call=metrics.aws_call,
    )


async def _check_kubernetes(api: ApiServer, settings: Settings, lease: LeaseSettings | None) -> None:
    problems = await preflight.check(api, namespaces=settings.namespaces, lease=lease)
    if problems:
        raise StartError("\n".join(str(problem) for problem in problems))


async def _check_aws(cloud: AwsCloud) -> None:
    """Bad credentials end the start; an STS that cannot be reached does not, for SageMaker may be."""
    try:
        identity = await cloud.identity()
    except CloudError as error:
        if error.kind is ErrorKind.CREDENTIALS:
            raise StartError(
                f"AWS credentials or region are missing or not accepted: {error.message} ({error.code}). On EKS give "
                "the service account a role (Pod Identity or IRSA); elsewhere set AWS_PROFILE or AWS_ACCESS_KEY_ID "
                "and AWS_SECRET_ACCESS_KEY, and AWS_REGION or --region."
            ) from error
        logger.warning(
            "AWS STS did not tell who the operator is (%s: %s). Going on; resources will show if SageMaker answers.",
            error.code,
            error.message,
        )
        return
    logger.info("Working as %s in account %s, region %s.", identity.arn, identity.account, cloud.region)


async def _warm_up(cloud: AwsCloud) -> None:
    """The first object need not wait for the service model. A region that cannot be reached shows on the resources."""
    with suppress(CloudError):
        await cloud.warm_up()


async def _listen(server: HttpServer, settings: Settings) -> None:
    try:
        await server.start()
    except OSError as error:
        raise StartError(
            f"Port {settings.http_port} on {settings.http_host} cannot be used: {error.strerror}. Choose another one "
            "with --http-port (0 takes a free one)."
        ) from error


def _on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    handler: Callable[[], None] = stop.set
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, handler)
