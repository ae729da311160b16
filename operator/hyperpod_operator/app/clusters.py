"""What looks after HyperPodClusters, put together."""

from collections.abc import Callable

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.app.dependencies import ControllerRuntime, Dependencies, quarantine_guard
from hyperpod_operator.controllers.cluster import ClusterController, ClusterSettings, Ports
from hyperpod_operator.controllers.cluster_cache import Change, ClusterCache
from hyperpod_operator.controllers.evacuation import DrainPorts
from hyperpod_operator.controllers.preflight import Gate
from hyperpod_operator.controllers.volume.attached_claims import attached_claims
from hyperpod_operator.kube.node_marks import KubeNodeMarks
from hyperpod_operator.kube.nodes import NodeCache
from hyperpod_operator.kube.objects import CustomObjects
from hyperpod_operator.kube.pods.cache import PodCache
from hyperpod_operator.kube.pods.eviction import PodEvictor
from hyperpod_operator.kube.workloads import KubeWorkloads
from hyperpod_operator.runtime.queue import WorkQueue
from hyperpod_operator.runtime.resync import Resync
from hyperpod_operator.runtime.workers import Workers

PODS_DEBOUNCE = 2.0
"""Seconds between a change of a pod on a node that is to end and the pass that looks at it."""


def cluster_runtime(
    dependencies: Dependencies,
    *,
    queue: WorkQueue,
    objects: CustomObjects,
    nodes: NodeCache | None,
    claims: CustomObjects | None,
    cache: ClusterCache,
    pods: PodCache,
    on_update: Callable[[Change], None],
) -> ControllerRuntime:
    """`nodes` is None without node health, `claims` is None without claims; for `on_update` see ClusterController."""
    settings = dependencies.settings

    async def attached(cluster_arn: str) -> tuple[str, ...]:
        return await attached_claims(claims, cluster_arn=cluster_arn) if claims is not None else ()

    controller = ClusterController(
        ports=Ports(
            objects=objects,
            cloud=dependencies.cloud,
            events=dependencies.events,
            metrics=dependencies.metrics,
            clock=dependencies.clock,
            nodes=nodes,
            audit=dependencies.audit,
            attached_claims=attached if claims is not None else None,
            drain=DrainPorts(
                pods=pods,
                evictor=PodEvictor(dependencies.api),
                marks=KubeNodeMarks(dependencies.api, clock=dependencies.clock, audit=dependencies.audit),
                enqueue=lambda key: queue.add_after(key, PODS_DEBOUNCE),
                audit=dependencies.audit,
            ),
            preflight=Gate(
                facts=lambda region: dependencies.cloud.facts(region=region),
                workloads=KubeWorkloads(dependencies.api),
                mode=settings.preflight,
            ),
        ),
        settings=ClusterSettings(
            timings=settings.timings, allowed_regions=settings.allowed_regions, tenancy=settings.tenancy
        ),
        cache=cache,
        on_update=on_update,
    )
    workers = Workers(
        queue=queue,
        reconcile=dependencies.passes(CLUSTER.word, controller.reconcile),
        metrics=dependencies.metrics,
        clock=dependencies.clock,
        random=dependencies.random,
        resync=settings.timings.resync,
        count=settings.workers,
        guard=quarantine_guard(dependencies, objects),
    )
    resync = Resync(objects=objects, queue=queue, random=dependencies.random, interval=settings.timings.resync)
    return ControllerRuntime(kind=CLUSTER.word, plural=CLUSTER.plural, queue=queue, workers=workers, resync=resync)
