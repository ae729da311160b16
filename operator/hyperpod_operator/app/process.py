"""The process of the operator, put together.

`run` is the process; `operator.py` holds the parts that work, `election.py` decides whether they may.
"""

import asyncio
import gc
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path

from hyperpod_operator.app.definitions import compare
from hyperpod_operator.app.election import elected, end_process
from hyperpod_operator.app.kinds import CONTROLLERS, Controllers
from hyperpod_operator.app.operator import Operator
from hyperpod_operator.app.remedies import words
from hyperpod_operator.app.start import StartError, check_aws, check_kubernetes, check_regions, say_endpoints
from hyperpod_operator.app.tasks import on_signals
from hyperpod_operator.app.traces import tracing, untraced
from hyperpod_operator.aws.call.caller import OnCall, Purpose
from hyperpod_operator.aws.call.limiter import READS, WRITES, RateLimit
from hyperpod_operator.aws.cloud import AwsCloud, CloudSettings
from hyperpod_operator.core.errors import CloudError
from hyperpod_operator.core.lease import LeaseSettings
from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.configuration import own_namespace
from hyperpod_operator.kube.leadership.guard import LeadershipGuard
from hyperpod_operator.kube.leadership.leader import Election
from hyperpod_operator.runtime.clock import SystemClock
from hyperpod_operator.runtime.crash_marks import CrashMarks
from hyperpod_operator.runtime.logs import catch_uncaught, whose
from hyperpod_operator.runtime.memory import keep_large_apart
from hyperpod_operator.runtime.metrics import PrometheusMetrics
from hyperpod_operator.runtime.quarantine import Quarantine
from hyperpod_operator.settings import Settings

__all__ = ["StartError", "run"]

logger = logging.getLogger(__name__)

YOUNG = 10_000
"""Objects made, less those that went, from one collection of garbage to the next."""


async def run(settings: Settings, *, controllers: Controllers = CONTROLLERS) -> None:
    """Run until SIGTERM or SIGINT. Raises StartError within seconds when something is missing."""
    keep_large_apart()
    catch_uncaught(asyncio.get_running_loop())
    stop = asyncio.Event()
    on_signals(stop)
    metrics = PrometheusMetrics(settings.known)
    clock = SystemClock()
    quarantine = Quarantine(marks=_crash_marks(settings))

    def lost(why: str) -> None:
        quarantine.forgive()
        end_process(why)

    guard = LeadershipGuard(clock=clock, on_lost=lost)
    lease = _lease(settings)
    traces = tracing(settings.otlp_endpoint)
    async with AsyncExitStack() as stack:
        if traces is not None:
            stack.push_async_callback(asyncio.to_thread, traces.close)
        api = await _connect(settings)
        stack.push_async_callback(api.close)
        on_call: OnCall = metrics.aws_call
        if traces is not None:
            api.watch_writes(traces.api_write)
            on_call = _both(metrics.aws_call, traces.aws_call)
        try:
            cloud = _cloud(settings, on_call=on_call, before_write=guard.require if lease else _nothing)
        except CloudError as error:
            raise StartError(words(error)) from error
        stack.push_async_callback(asyncio.to_thread, cloud.close)
        check_regions(cloud, settings)
        say_endpoints(cloud)
        await check_kubernetes(api, settings, lease)
        await check_aws(cloud)
        await _warm_up(cloud)
        _settle_memory()
        passes = traces.passes if traces is not None else untraced
        skews = await compare(api, kinds=settings.kinds, metrics=metrics)
        operator = Operator(
            settings,
            api=api,
            cloud=cloud,
            metrics=metrics,
            clock=clock,
            quarantine=quarantine,
            passes=passes,
            skews=skews,
            lease=lease,
            controllers=controllers,
        )
        if lease is None:
            await stack.enter_async_context(operator.standing_by(stop))
            await stack.enter_async_context(operator.following(stop))
        else:
            api.guard_writes(guard.require)
            election = Election(api, lease=lease, clock=clock, guard=guard)
            await stack.enter_async_context(operator.standing_by(stop, not_ready=election.not_ready))
            await stack.enter_async_context(operator.following(stop))
            await stack.enter_async_context(elected(election, stop, may_release=lambda: operator.finished))
        if not stop.is_set():
            await stack.enter_async_context(operator.working(stop))
            await stop.wait()
        logger.info("Stopping: passes under way are finished, no new ones start.")
    logger.info("Stopped.")


def _settle_memory() -> None:
    """Leave out of garbage collections what stays for good: modules and AWS's models, two hundred thousand objects.

    Searched again and again, they would now and then hold every pass up for a tenth of a second. Collected before, so
    that no garbage stays for good, and after, so that the next collection is not put off until as much is new.

    Passes make little garbage that refers to itself, and thousands of objects that go by themselves: collections that
    come for every few hundred objects find them alive and search them in vain.
    """
    gc.collect()
    gc.freeze()
    gc.collect()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])


def _crash_marks(settings: Settings) -> CrashMarks | None:
    """What the process before this one left behind; None where nothing is to outlive a process."""
    if not settings.state_dir:
        return None
    try:
        return CrashMarks(Path(settings.state_dir))
    except OSError as error:
        raise StartError(
            f"The directory {settings.state_dir} cannot be used: {error.strerror}. Name one that exists and may be "
            "written with --state-dir, or leave the flag out."
        ) from error


def _lease(settings: Settings) -> LeaseSettings | None:
    """The lease to ask for; None without leader election."""
    if not settings.leader_election:
        return None
    where = settings.lease.namespace or own_namespace()
    return replace(settings.lease, namespace=where, serves=settings.namespaces)


def _nothing() -> None:
    """Without leader election nothing holds a write back."""


async def _connect(settings: Settings) -> ApiServer:
    try:
        return await ApiServer.connect(kubeconfig=settings.kubeconfig or None, context=settings.context or None)
    except KubernetesError as error:
        raise StartError(str(error)) from error


def _both(first: OnCall, second: OnCall) -> OnCall:
    def told(*, operation: str, code: str, seconds: float, purpose: Purpose) -> None:
        first(operation=operation, code=code, seconds=seconds, purpose=purpose)
        second(operation=operation, code=code, seconds=seconds, purpose=purpose)

    return told


def _cloud(settings: Settings, *, on_call: OnCall, before_write: Callable[[], None]) -> AwsCloud:
    return AwsCloud(
        settings=CloudSettings(
            region=settings.region,
            threads=max(4, settings.workers),
            reads=RateLimit(rate=settings.aws_reads_per_second, burst=READS.burst),
            writes=RateLimit(rate=settings.aws_writes_per_second, burst=WRITES.burst),
            before_write=before_write,
            whose=whose,
        ),
        on_call=on_call,
    )


async def _warm_up(cloud: AwsCloud) -> None:
    """The first object need not wait for the service model. A region that cannot be reached shows on the resources."""
    with suppress(CloudError):
        await cloud.warm_up()
