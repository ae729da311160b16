"""What looks after EBSVolumeClaims, put together."""

from hyperpod_operator.api.kinds import CLUSTER, VOLUME_CLAIM
from hyperpod_operator.app.dependencies import ControllerRuntime, Shared, kind_runtime
from hyperpod_operator.controllers.volume.controller import VolumeController
from hyperpod_operator.controllers.volume.orphans import INTERVAL, OrphanController
from hyperpod_operator.controllers.volume.ports import VolumePorts
from hyperpod_operator.controllers.volume.preflight import ClaimGate
from hyperpod_operator.controllers.volume.strays import StrayLabels
from hyperpod_operator.controllers.volume.views import ClusterViews
from hyperpod_operator.core.timings import Timings
from hyperpod_operator.core.volume.timings import VolumeTimings
from hyperpod_operator.kube.configuration import own_namespace
from hyperpod_operator.kube.nodes.labels import KubeNodeLabels
from hyperpod_operator.kube.storage.leases import KubeVolumeLeases
from hyperpod_operator.kube.storage.publications import KubePublications
from hyperpod_operator.kube.storage.users import KubeUsers
from hyperpod_operator.runtime.periodic import AFTER_THE_FIRST_PASSES, Periodic
from hyperpod_operator.runtime.wakes import Wakes

PATIENT = VolumeTimings()


def volume_runtime(shared: Shared) -> ControllerRuntime:
    """The controller of EBSVolumeClaims, and what looks at all of their volumes and Nodes now and then."""
    dependencies, settings = shared.dependencies, shared.dependencies.settings
    claims, queue = shared.objects[VOLUME_CLAIM.name], shared.queues[VOLUME_CLAIM.name]
    timings, labels = volume_timings(settings.timings), KubeNodeLabels(dependencies.api, held=shared.nodes)
    regions = frozenset({dependencies.cloud.region, *settings.allowed_regions})
    strays = StrayLabels(
        claims=claims, labels=labels, wake=queue.add, audit=dependencies.audit, namespaces=settings.namespaces
    )
    orphans = OrphanController(
        claims=claims,
        cloud=dependencies.cloud,
        metrics=dependencies.metrics,
        regions=regions,
        namespaces=settings.namespaces,
    )
    controller = VolumeController(
        ports=VolumePorts(
            claims=claims,
            clusters=shared.objects[CLUSTER.name],
            cloud=dependencies.cloud,
            views=ClusterViews(cloud=dependencies.cloud, monotonic=dependencies.clock.monotonic),
            nodes=shared.nodes,
            publications=KubePublications(dependencies.api),
            users=KubeUsers(dependencies.api, clock=dependencies.clock),
            leases=KubeVolumeLeases(dependencies.api, namespace=settings.lease.namespace or own_namespace()),
            labels=labels,
            strays=strays,
            events=dependencies.events,
            metrics=dependencies.metrics,
            clock=dependencies.clock,
            audit=dependencies.audit,
            preflight=ClaimGate(facts=lambda region: dependencies.cloud.facts(region=region), mode=settings.preflight),
            own_cluster=shared.own_cluster,
        ),
        timings=timings,
        regions=regions,
        tenancy=settings.tenancy,
    )

    wakes, monotonic = Wakes(), dependencies.clock.monotonic

    def node_changed(name: str) -> None:
        for key in controller.node_changed(name):
            queue.add_after(key, wakes.after(key, now=monotonic()))

    return kind_runtime(
        shared,
        VOLUME_CLAIM,
        reconcile=controller.reconcile,
        resync=timings.resync,
        periodic=(
            Periodic(
                name="sweep of node labels",
                work=strays.sweep,
                first=min(timings.resync, AFTER_THE_FIRST_PASSES),
                interval=timings.resync,
                random=dependencies.random,
            ),
            Periodic(
                name="count of orphaned volumes",
                work=orphans.reconcile,
                first=AFTER_THE_FIRST_PASSES,
                interval=INTERVAL,
                random=dependencies.random,
            ),
        ),
        node_changed=node_changed,
    )


def volume_timings(timings: Timings) -> VolumeTimings:
    """EC2 is quick where SageMaker takes minutes: the installation's pauses count where they are shorter than ours."""
    return VolumeTimings(
        resync=timings.resync,
        poll=min(PATIENT.poll, timings.poll),
        watch=min(PATIENT.watch, 4 * timings.poll),
        step=min(PATIENT.step, timings.debounce),
        claiming=min(PATIENT.claiming, timings.debounce),
        propagation_window=min(PATIENT.propagation_window, timings.propagation_window),
        visibility=min(PATIENT.visibility, timings.visibility),
        deletion_confirmation=min(PATIENT.deletion_confirmation, timings.deletion_confirmation),
        resend=min(PATIENT.resend, timings.visibility),
        unseen=min(PATIENT.unseen, 2 * timings.visibility),
        adoption_notice=timings.adoption_notice,
        debounce=min(PATIENT.debounce, timings.debounce),
    )
