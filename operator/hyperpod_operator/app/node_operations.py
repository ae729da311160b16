"""What looks after HyperPodNodeOperations, put together."""

from collections.abc import Mapping

from hyperpod_operator.api.kinds import NODE_OPERATION
from hyperpod_operator.app.dependencies import ControllerRuntime, Dependencies, quarantine_guard, share
from hyperpod_operator.controllers.nodeoperation.controller import (
    NodeOperationController,
    OperationPorts,
    OperationSettings,
)
from hyperpod_operator.controllers.volume.attached_claims import claims_by_instance
from hyperpod_operator.core.drain.ports import Evictor, NodeMarks, PodReader
from hyperpod_operator.core.nodeoperation.timings import OperationTimings
from hyperpod_operator.core.ports import Objects
from hyperpod_operator.core.timings import Timings
from hyperpod_operator.kube.nodes import NodeCache
from hyperpod_operator.kube.objects import CustomObjects
from hyperpod_operator.runtime.queue import WorkQueue
from hyperpod_operator.runtime.resync import Resync
from hyperpod_operator.runtime.workers import Workers

PATIENT = OperationTimings()


class NodeOperationRuntime:
    """`node_changed` is to be called with the name of each Node that came, changed or went."""

    def __init__(
        self,
        dependencies: Dependencies,
        *,
        clusters: Objects,
        claims: Objects | None,
        nodes: NodeCache,
        pods: PodReader,
        evictor: Evictor,
        marks: NodeMarks,
    ) -> None:
        settings = dependencies.settings
        operations = CustomObjects(dependencies.api, NODE_OPERATION, namespaces=settings.namespaces)
        queue = WorkQueue(random=dependencies.random, most_active=share(settings.workers))
        self._queue = queue

        async def claims_on(cluster_arn: str) -> Mapping[str, tuple[str, ...]]:
            return await claims_by_instance(claims, cluster_arn=cluster_arn) if claims is not None else {}

        self._controller = NodeOperationController(
            ports=OperationPorts(
                operations=operations,
                clusters=clusters,
                cloud=dependencies.cloud,
                nodes=nodes,
                pods=pods,
                evictor=evictor,
                marks=marks,
                events=dependencies.events,
                metrics=dependencies.metrics,
                clock=dependencies.clock,
                audit=dependencies.audit,
                claims=claims_on if claims is not None else None,
                wake=queue.add,
            ),
            settings=OperationSettings(
                timings=operation_timings(settings.timings),
                allowed_regions=settings.allowed_regions,
                tenancy=settings.tenancy,
            ),
        )
        workers = Workers(
            queue=queue,
            reconcile=dependencies.passes(NODE_OPERATION.word, self._controller.reconcile),
            metrics=dependencies.metrics,
            clock=dependencies.clock,
            random=dependencies.random,
            resync=settings.timings.resync,
            kind=NODE_OPERATION.word,
            count=settings.workers,
            guard=quarantine_guard(dependencies, operations),
        )
        resync = Resync(objects=operations, queue=queue, random=dependencies.random, interval=settings.timings.resync)
        self.runtime = ControllerRuntime(
            kind=NODE_OPERATION.word, plural=NODE_OPERATION.plural, queue=queue, workers=workers, resync=resync
        )

    def node_changed(self, name: str) -> None:
        for key in self._controller.node_changed(name):
            self._queue.add_after(key, PATIENT.step)


def operation_timings(timings: Timings) -> OperationTimings:
    """The installation's pauses count where they are shorter than ours."""
    return OperationTimings(
        poll=min(PATIENT.poll, timings.poll),
        drain=min(PATIENT.drain, timings.poll),
        idle=min(PATIENT.idle, 3 * timings.poll),
        missing=min(PATIENT.missing, timings.propagation_window),
        retry=min(PATIENT.retry, 2 * timings.poll),
    )
