"""What looks after HyperPodClusters, put together."""

from collections.abc import Callable

from hyperpod_operator.api.names import CLUSTER_PLURAL
from hyperpod_operator.app.parts import Parts, Room, quarantine_guard
from hyperpod_operator.controllers.cluster import ClusterController, ClusterSettings, Ports
from hyperpod_operator.controllers.fleet import Fleet
from hyperpod_operator.controllers.volume.holders import attached_claims
from hyperpod_operator.kube.nodes import NodeCache
from hyperpod_operator.kube.objects import CustomObjects
from hyperpod_operator.runtime.queue import WorkQueue
from hyperpod_operator.runtime.resync import Resync
from hyperpod_operator.runtime.workers import Workers


def cluster_room(
    parts: Parts,
    *,
    queue: WorkQueue,
    objects: CustomObjects,
    nodes: NodeCache | None,
    claims: CustomObjects | None,
    fleet: Fleet,
    asks: Callable[[str], bool],
) -> Room:
    """`nodes` is None where nobody looks after the health of Nodes, `claims` where nobody serves claims; for `asks`
    see ClusterController."""
    settings = parts.settings

    async def attached(cluster_arn: str) -> tuple[str, ...]:
        return await attached_claims(claims, cluster_arn=cluster_arn) if claims is not None else ()

    controller = ClusterController(
        ports=Ports(
            objects=objects,
            cloud=parts.cloud,
            events=parts.events,
            metrics=parts.metrics,
            clock=parts.clock,
            nodes=nodes,
            attached_claims=attached if claims is not None else None,
        ),
        settings=ClusterSettings(
            timings=settings.timings, allowed_regions=settings.allowed_regions, tenancy=settings.tenancy
        ),
        fleet=fleet,
        asks=asks,
    )
    workers = Workers(
        queue=queue,
        reconcile=parts.passes("cluster", controller.reconcile),
        metrics=parts.metrics,
        clock=parts.clock,
        random=parts.random,
        resync=settings.timings.resync,
        count=settings.workers,
        guard=quarantine_guard(parts, objects),
    )
    resync = Resync(objects=objects, queue=queue, random=parts.random, interval=settings.timings.resync)
    return Room(kind="cluster", plural=CLUSTER_PLURAL, queue=queue, workers=workers, resync=resync)
