"""What each controller is built from, and what runs one."""

from collections.abc import Callable
from dataclasses import dataclass

from hyperpod_operator.app.traces import untraced
from hyperpod_operator.aws.cloud import AwsCloud
from hyperpod_operator.controllers.quarantine import QuarantineMarks
from hyperpod_operator.core.audit import Audit
from hyperpod_operator.core.ports import Objects
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.events import EventRecorder
from hyperpod_operator.runtime.clock import SystemClock
from hyperpod_operator.runtime.metrics import PrometheusMetrics
from hyperpod_operator.runtime.quarantine import Quarantine
from hyperpod_operator.runtime.queue import WorkQueue
from hyperpod_operator.runtime.resync import Resync
from hyperpod_operator.runtime.workers import QuarantineGuard, Reconcile, Workers
from hyperpod_operator.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """Made once. `random` returns a float in [0, 1)."""

    settings: Settings
    api: ApiServer
    cloud: AwsCloud
    events: EventRecorder
    metrics: PrometheusMetrics
    clock: SystemClock
    random: Callable[[], float]
    quarantine: Quarantine
    audit: Audit
    passes: Callable[[str, Reconcile], Reconcile] = untraced
    """What is put around the reconcile of a kind."""


@dataclass(frozen=True, kw_only=True)
class ControllerRuntime:
    """What runs the controller of one kind: queue, workers and, where Kopf watches the kind, its full sync."""

    kind: str
    plural: str
    queue: WorkQueue
    workers: Workers
    resync: Resync | None


def quarantine_guard(dependencies: Dependencies, objects: Objects) -> QuarantineGuard:
    """What the workers of a kind do about objects whose passes stop the event loop."""
    return QuarantineGuard(
        quarantine=dependencies.quarantine,
        mark=QuarantineMarks(objects=objects, events=dependencies.events, clock=dependencies.clock),
    )


def share(workers: int) -> int:
    """How many of the workers one namespace may use at once: three quarters, so that one is left for others."""
    return max(1, workers - workers // 4)
