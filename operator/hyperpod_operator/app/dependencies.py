"""What each controller is built from, and what runs one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hyperpod_operator.api.kinds import Kind
from hyperpod_operator.app.traces import untraced
from hyperpod_operator.aws.cloud import AwsCloud
from hyperpod_operator.controllers.cluster_cache import Change, ClusterCache
from hyperpod_operator.controllers.own_cluster import OwnCluster
from hyperpod_operator.controllers.quarantine import QuarantineMarks
from hyperpod_operator.core.audit import Audit
from hyperpod_operator.core.ports import Objects
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.events.recorder import EventRecorder
from hyperpod_operator.kube.nodes.informer import NodeCache
from hyperpod_operator.kube.objects import CustomObjects
from hyperpod_operator.kube.pods.cache import PodCache
from hyperpod_operator.kube.workloads import KubeWorkloads
from hyperpod_operator.runtime.clock import SystemClock
from hyperpod_operator.runtime.metrics import PrometheusMetrics
from hyperpod_operator.runtime.periodic import Periodic
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
class Shared:
    """What the controllers of one process have in common. `objects` and `queues` are by the names of the served kinds.

    `cluster_updated` is called with what a pass over a cluster learnt about its Nodes.
    """

    dependencies: Dependencies
    nodes: NodeCache
    pods: PodCache
    clusters: ClusterCache
    objects: Mapping[str, CustomObjects]
    queues: Mapping[str, WorkQueue]
    cluster_updated: Callable[[Change], None]
    own_cluster: OwnCluster


@dataclass(frozen=True, kw_only=True)
class ControllerRuntime:
    """What runs one controller: queue, workers, and what comes again and again besides the passes.

    `plural` is what Kopf watches for it, empty for nothing. `node_changed` is called with the name of each Node that
    came, changed or went.
    """

    kind: str
    plural: str
    queue: WorkQueue
    workers: Workers
    periodic: tuple[Periodic, ...] = ()
    node_changed: Callable[[str], None] | None = None


def shared(
    dependencies: Dependencies, *, nodes: NodeCache, pods: PodCache, cluster_updated: Callable[[Change], None]
) -> Shared:
    """The objects and the queue of each kind that this installation serves, with the caches."""
    settings = dependencies.settings
    return Shared(
        dependencies=dependencies,
        nodes=nodes,
        pods=pods,
        clusters=ClusterCache(),
        own_cluster=OwnCluster(
            facts=lambda region: dependencies.cloud.facts(region=region), workloads=KubeWorkloads(dependencies.api)
        ),
        objects={
            kind.name: CustomObjects(dependencies.api, kind, namespaces=settings.namespaces) for kind in settings.kinds
        },
        queues={
            kind.name: WorkQueue(random=dependencies.random, most_active=share(settings.workers))
            for kind in settings.kinds
        },
        cluster_updated=cluster_updated,
    )


def kind_runtime(
    shared: Shared,
    kind: Kind,
    *,
    reconcile: Reconcile,
    resync: float,
    periodic: tuple[Periodic, ...] = (),
    node_changed: Callable[[str], None] | None = None,
) -> ControllerRuntime:
    """What runs the controller of a kind; `resync` is the time between two full syncs, in seconds."""
    dependencies, objects, queue = shared.dependencies, shared.objects[kind.name], shared.queues[kind.name]
    workers = Workers(
        queue=queue,
        reconcile=dependencies.passes(kind.word, reconcile),
        metrics=dependencies.metrics,
        clock=dependencies.clock,
        random=dependencies.random,
        resync=resync,
        kind=kind.word,
        count=dependencies.settings.workers,
        guard=quarantine_guard(dependencies, objects),
    )
    full_sync = Periodic(
        name=f"{kind.word} resync",
        work=Resync(objects=objects, queue=queue).once,
        first=resync,  # the watch has listed everything
        interval=resync,
        random=dependencies.random,
    )
    return ControllerRuntime(
        kind=kind.word,
        plural=kind.plural,
        queue=queue,
        workers=workers,
        periodic=(full_sync, *periodic),
        node_changed=node_changed,
    )


def quarantine_guard(dependencies: Dependencies, objects: Objects) -> QuarantineGuard:
    """What the workers of a kind do about objects whose passes stop the event loop."""
    return QuarantineGuard(
        quarantine=dependencies.quarantine,
        mark=QuarantineMarks(objects=objects, events=dependencies.events, clock=dependencies.clock),
    )


def share(workers: int) -> int:
    """How many of the workers one namespace may use at once: three quarters, so that one is left for others."""
    return max(1, workers - workers // 4)
