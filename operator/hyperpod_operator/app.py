"""The composition root: the only place that knows which part stands behind which port.

Order matters twice. Workers start before Kopf, because Kopf takes younger tasks for its own; and they are
drained before the watch stops, so that a call in flight ends, is recorded, and nothing starts after it.
"""

import asyncio
import logging
import random
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager

from hyperpod_operator.aws.cloud import AwsCloud, CloudSettings
from hyperpod_operator.aws.limiter import READS, WRITES, Pace
from hyperpod_operator.controllers.cluster import ClusterController, ClusterSettings, Ports
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.kube import preflight
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.events import EventRecorder
from hyperpod_operator.kube.objects import ClusterObjects
from hyperpod_operator.runtime.clock import SystemClock
from hyperpod_operator.runtime.heartbeat import Heartbeat
from hyperpod_operator.runtime.http import HttpServer
from hyperpod_operator.runtime.logs import catch_uncaught
from hyperpod_operator.runtime.metrics import LOOP_LAG, WATCH_AGE, PrometheusMetrics
from hyperpod_operator.runtime.queue import WorkQueue
from hyperpod_operator.runtime.resync import Resync
from hyperpod_operator.runtime.watch import Watch
from hyperpod_operator.runtime.workers import Workers
from hyperpod_operator.settings import Settings

logger = logging.getLogger(__name__)

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
    async with AsyncExitStack() as stack:
        api = await _connect(settings)
        stack.push_async_callback(api.close)
        cloud = _cloud(settings, metrics)
        stack.push_async_callback(asyncio.to_thread, cloud.close)
        await _check_kubernetes(api, settings)
        await _check_aws(cloud)
        await stack.enter_async_context(_serving(settings, api=api, cloud=cloud, metrics=metrics, stop=stop))
        await stop.wait()
        logger.info("Stopping: passes under way are finished, no new ones start.")
    logger.info("Stopped.")


@asynccontextmanager
async def _serving(
    settings: Settings, *, api: ApiServer, cloud: AwsCloud, metrics: PrometheusMetrics, stop: asyncio.Event
) -> AsyncIterator[None]:
    """Everything that runs while this process does its work, started and stopped in order."""
    clock = SystemClock()
    uniform = random.SystemRandom().random
    queue = WorkQueue(random=uniform)
    objects = ClusterObjects(api, namespaces=settings.namespaces)
    events = EventRecorder(api, clock=clock, dropped=metrics.events_dropped)
    controller = ClusterController(
        ports=Ports(objects=objects, cloud=cloud, events=events, metrics=metrics, clock=clock),
        settings=ClusterSettings(timings=settings.timings, allowed_regions=settings.allowed_regions),
    )
    workers = Workers(
        queue=queue,
        reconcile=controller.reconcile,
        metrics=metrics,
        clock=clock,
        random=uniform,
        resync=settings.timings.resync,
        count=settings.workers,
    )
    watch = Watch(queue=queue, credentials=api.credentials, clock=clock, namespaces=settings.namespaces)
    heartbeat = Heartbeat(clock=clock)
    resync = Resync(objects=objects, queue=queue, random=uniform, interval=settings.timings.resync)
    server = HttpServer(
        alive={"loop": heartbeat.fault, "workers": workers.fault, "watch": watch.pulse.fault},
        ready={"watch": watch.pulse.not_ready},
        metrics=metrics.text,
        host=settings.http_host,
        port=settings.http_port,
    )
    metrics.observe_queue(queue)
    metrics.observe(WATCH_AGE, watch.pulse.age)
    metrics.observe(LOOP_LAG, heartbeat.lag)
    await _listen(server, settings)
    events.start()
    workers.start()
    metrics.leading(True)
    background = [
        asyncio.create_task(_guarded(heartbeat.run(), stop), name="heartbeat"),
        asyncio.create_task(_guarded(resync.run(), stop), name="resync"),
    ]
    # Kopf installs signal handlers of its own in the main thread: ours go back right after its start.
    watching = asyncio.create_task(_guarded(watch.run(on_started=lambda: _on_signals(stop)), stop), name="watch")
    logger.info("Serving /healthz, /readyz and /metrics on port %d.", server.port)
    try:
        yield
    finally:
        await workers.drain(within=DRAIN)
        metrics.leading(False)
        watch.stop()
        for task in background:
            task.cancel()
        results = await asyncio.gather(watching, *background, return_exceptions=True)
        await events.stop()
        await server.stop()
        failures = [result for result in results if isinstance(result, Exception)]
        if failures:
            raise failures[0]


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


def _cloud(settings: Settings, metrics: PrometheusMetrics) -> AwsCloud:
    return AwsCloud(
        settings=CloudSettings(
            region=settings.region,
            threads=max(4, settings.workers),
            reads=Pace(rate=settings.aws_reads_per_second, burst=READS.burst),
            writes=Pace(rate=settings.aws_writes_per_second, burst=WRITES.burst),
        ),
        on_call=metrics.aws_call,
    )


async def _check_kubernetes(api: ApiServer, settings: Settings) -> None:
    problems = await preflight.check(api, namespaces=settings.namespaces)
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
