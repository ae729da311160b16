"""What every room is built from."""

from collections.abc import Callable
from dataclasses import dataclass

from hyperpod_operator.app.traces import untraced
from hyperpod_operator.aws.cloud import AwsCloud
from hyperpod_operator.controllers.quarantine import QuarantineMarks
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
class Parts:
    """Made once. `random` returns a float in [0, 1)."""

    settings: Settings
    api: ApiServer
    cloud: AwsCloud
    events: EventRecorder
    metrics: PrometheusMetrics
    clock: SystemClock
    random: Callable[[], float]
    quarantine: Quarantine
    passes: Callable[[str, Reconcile], Reconcile] = untraced
    """What is put around the reconcile of a kind."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """One kind of object at work: its queue, its workers, and the net under its watch if Kopf has one for it."""

    kind: str
    plural: str
    queue: WorkQueue
    workers: Workers
    resync: Resync | None


def quarantine_guard(parts: Parts, objects: Objects) -> QuarantineGuard:
    """What the workers of a kind do about objects whose passes stop the event loop."""
    return QuarantineGuard(
        quarantine=parts.quarantine, mark=QuarantineMarks(objects=objects, events=parts.events, clock=parts.clock)
    )


def share(workers: int) -> int:
    """How many of the workers one namespace may use at once: three quarters, so that one is left for others."""
    return max(1, workers - workers // 4)
