"""What looks after HyperPodClusters, put together."""

from collections.abc import Mapping

from hyperpod_operator.api.kinds import CLUSTER, NODE_OPERATION, VOLUME_CLAIM
from hyperpod_operator.app.dependencies import ControllerRuntime, Shared, kind_runtime
from hyperpod_operator.controllers.cluster.controller import ClusterController, ClusterSettings
from hyperpod_operator.controllers.cluster.evacuation import DrainPorts
from hyperpod_operator.controllers.cluster.observer import Ports
from hyperpod_operator.controllers.cluster.preflight import Gate
from hyperpod_operator.controllers.nodeoperation.operated import operated_nodes
from hyperpod_operator.controllers.volume.attached_claims import attached_claims, claims_by_instance
from hyperpod_operator.core.observed import OperatedNode
from hyperpod_operator.core.ports import Key
from hyperpod_operator.kube.nodes.marks import KubeNodeMarks
from hyperpod_operator.kube.pods.eviction import PodEvictor

PODS_DEBOUNCE = 2.0
"""Seconds between a change of a pod on a node that is to end and the pass that looks at it."""


def cluster_runtime(shared: Shared) -> ControllerRuntime:
    """The controller of HyperPodClusters."""
    dependencies, settings = shared.dependencies, shared.dependencies.settings
    objects, queue = shared.objects[CLUSTER.name], shared.queues[CLUSTER.name]
    claims = shared.objects.get(VOLUME_CLAIM.name)

    async def attached(cluster_arn: str) -> tuple[str, ...]:
        return await attached_claims(claims, cluster_arn=cluster_arn) if claims is not None else ()

    async def claims_on(cluster_arn: str) -> Mapping[str, tuple[str, ...]]:
        return await claims_by_instance(claims, cluster_arn=cluster_arn) if claims is not None else {}

    operations = shared.objects.get(NODE_OPERATION.name)

    async def operated(key: Key) -> tuple[OperatedNode, ...]:
        return await operated_nodes(operations, cluster=key) if operations is not None else ()

    controller = ClusterController(
        ports=Ports(
            objects=objects,
            cloud=dependencies.cloud,
            events=dependencies.events,
            metrics=dependencies.metrics,
            clock=dependencies.clock,
            nodes=shared.nodes if settings.node_health else None,
            audit=dependencies.audit,
            attached_claims=attached if claims is not None else None,
            operated=operated if operations is not None else None,
            drain=DrainPorts(
                pods=shared.pods,
                evictor=PodEvictor(dependencies.api),
                marks=KubeNodeMarks(dependencies.api, clock=dependencies.clock, audit=dependencies.audit),
                enqueue=lambda key: queue.add_after(key, PODS_DEBOUNCE),
                audit=dependencies.audit,
                claims=claims_on if claims is not None else None,
            ),
            prices=(settings.prices or dependencies.cloud.prices) if settings.cost else None,
            training_plans=dependencies.cloud.training_plans,
            own_cluster=shared.own_cluster,
            preflight=Gate(
                facts=shared.own_cluster.facts,
                workloads=shared.own_cluster.workloads,
                region=dependencies.cloud.region,
                mode=settings.preflight,
            ),
        ),
        settings=ClusterSettings(
            timings=settings.timings,
            allowed_regions=frozenset({dependencies.cloud.region, *settings.allowed_regions}) - {""},
            tenancy=settings.tenancy,
        ),
        cache=shared.clusters,
        on_update=shared.cluster_updated,
    )
    return kind_runtime(shared, CLUSTER, reconcile=controller.reconcile, resync=settings.timings.resync)
