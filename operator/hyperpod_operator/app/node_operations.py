"""What looks after HyperPodNodeOperations, put together."""

from collections.abc import Mapping

from hyperpod_operator.api.kinds import CLUSTER, NODE_OPERATION, VOLUME_CLAIM
from hyperpod_operator.app.dependencies import ControllerRuntime, Shared, kind_runtime
from hyperpod_operator.controllers.nodeoperation.controller import NodeOperationController, OperationSettings
from hyperpod_operator.controllers.nodeoperation.ports import OperationPorts
from hyperpod_operator.controllers.stray_marks import StrayMarks
from hyperpod_operator.controllers.volume.attached_claims import claims_by_instance
from hyperpod_operator.core.nodeoperation.timings import OperationTimings
from hyperpod_operator.core.timings import Timings
from hyperpod_operator.kube.nodes.labels import KubeNodeLabels
from hyperpod_operator.kube.nodes.marks import KubeNodeMarks
from hyperpod_operator.kube.nodes.writes import NodeWriter
from hyperpod_operator.kube.pods.eviction import PodEvictor
from hyperpod_operator.runtime.periodic import AFTER_THE_FIRST_PASSES, Periodic

PATIENT = OperationTimings()


def node_operation_runtime(shared: Shared) -> ControllerRuntime:
    """The controller of HyperPodNodeOperations."""
    dependencies, settings = shared.dependencies, shared.dependencies.settings
    claims, queue = shared.objects.get(VOLUME_CLAIM.name), shared.queues[NODE_OPERATION.name]
    marks = KubeNodeMarks(dependencies.api, clock=dependencies.clock, audit=dependencies.audit)
    strays = StrayMarks(nodes=shared.nodes, marks=marks, objects=shared.objects)

    async def claims_on(cluster_arn: str) -> Mapping[str, tuple[str, ...]]:
        return await claims_by_instance(claims, cluster_arn=cluster_arn) if claims is not None else {}

    controller = NodeOperationController(
        ports=OperationPorts(
            operations=shared.objects[NODE_OPERATION.name],
            clusters=shared.objects[CLUSTER.name],
            cloud=dependencies.cloud,
            nodes=shared.nodes,
            stored_nodes=NodeWriter(dependencies.api),
            labels=KubeNodeLabels(dependencies.api, held=shared.nodes),
            pods=shared.pods,
            evictor=PodEvictor(dependencies.api),
            marks=marks,
            events=dependencies.events,
            metrics=dependencies.metrics,
            clock=dependencies.clock,
            audit=dependencies.audit,
            claims=claims_on if claims is not None else None,
            wake=queue.add_after,
        ),
        settings=OperationSettings(
            timings=operation_timings(settings.timings),
            allowed_regions=frozenset({dependencies.cloud.region, *settings.allowed_regions}) - {""},
            tenancy=settings.tenancy,
        ),
    )

    def node_changed(name: str) -> None:
        for key, after in controller.node_changed(name).items():
            queue.add_after(key, after)

    return kind_runtime(
        shared,
        NODE_OPERATION,
        reconcile=controller.reconcile,
        resync=settings.timings.resync,
        periodic=(
            Periodic(
                name="sweep of drained nodes",
                work=strays.sweep,
                first=min(settings.timings.resync, AFTER_THE_FIRST_PASSES),
                interval=settings.timings.resync,
                random=dependencies.random,
            ),
        ),
        node_changed=node_changed,
    )


def operation_timings(timings: Timings) -> OperationTimings:
    """The installation's pauses count where they are shorter than ours."""
    return OperationTimings(
        poll=min(PATIENT.poll, timings.poll),
        drain=min(PATIENT.drain, timings.poll),
        binding=min(PATIENT.binding, timings.poll),
        idle=min(PATIENT.idle, 3 * timings.poll),
        missing=min(PATIENT.missing, timings.propagation_window),
        retry=min(PATIENT.retry, 2 * timings.poll),
    )
