"""What looks after EBSVolumeClaims, put together."""

from hyperpod_operator.api.kinds import VOLUME_CLAIM
from hyperpod_operator.app.dependencies import ControllerRuntime, Dependencies, quarantine_guard, share
from hyperpod_operator.controllers.volume.controller import VolumeController
from hyperpod_operator.controllers.volume.orphans import Orphans
from hyperpod_operator.controllers.volume.ports import VolumePorts
from hyperpod_operator.controllers.volume.preflight import ClaimGate
from hyperpod_operator.controllers.volume.strays import StrayLabels, SweptClaims
from hyperpod_operator.controllers.volume.views import ClusterViews
from hyperpod_operator.core.timings import Timings
from hyperpod_operator.core.volume.timings import VolumeTimings
from hyperpod_operator.kube.configuration import own_namespace
from hyperpod_operator.kube.node_labels import KubeNodeLabels
from hyperpod_operator.kube.nodes import NodeCache
from hyperpod_operator.kube.objects import CustomObjects
from hyperpod_operator.kube.publications import KubePublications
from hyperpod_operator.kube.volume_leases import KubeVolumeLeases
from hyperpod_operator.kube.volume_users import KubeUsers
from hyperpod_operator.runtime.queue import WorkQueue
from hyperpod_operator.runtime.resync import Resync
from hyperpod_operator.runtime.workers import Workers

PATIENT = VolumeTimings()


class VolumeRuntime:
    """`node_changed` is to be called with the name of each Node that came, changed or went."""

    def __init__(
        self, dependencies: Dependencies, *, claims: CustomObjects, clusters: CustomObjects, cache: NodeCache
    ) -> None:
        settings = dependencies.settings
        queue = WorkQueue(random=dependencies.random, most_active=share(settings.workers))
        timings = volume_timings(settings.timings)
        self._queue = queue
        labels = KubeNodeLabels(dependencies.api)
        strays = StrayLabels(claims=claims, labels=labels, wake=queue.add, namespaces=settings.namespaces)
        self._controller = VolumeController(
            ports=VolumePorts(
                claims=claims,
                clusters=clusters,
                cloud=dependencies.cloud,
                views=ClusterViews(cloud=dependencies.cloud, monotonic=dependencies.clock.monotonic),
                nodes=cache,
                publications=KubePublications(dependencies.api),
                users=KubeUsers(dependencies.api, clock=dependencies.clock),
                leases=KubeVolumeLeases(dependencies.api, namespace=settings.lease.namespace or own_namespace()),
                labels=labels,
                strays=strays,
                events=dependencies.events,
                metrics=dependencies.metrics,
                clock=dependencies.clock,
                audit=dependencies.audit,
                preflight=ClaimGate(
                    facts=lambda region: dependencies.cloud.facts(region=region), mode=settings.preflight
                ),
            ),
            timings=timings,
            regions=frozenset({dependencies.cloud.region, *settings.allowed_regions}),
            tenancy=settings.tenancy,
        )
        workers = Workers(
            queue=queue,
            reconcile=dependencies.passes(VOLUME_CLAIM.word, self._controller.reconcile),
            metrics=dependencies.metrics,
            clock=dependencies.clock,
            random=dependencies.random,
            resync=timings.resync,
            kind=VOLUME_CLAIM.word,
            count=settings.workers,
            guard=quarantine_guard(dependencies, claims),
        )
        orphans = Orphans(
            claims=claims,
            cloud=dependencies.cloud,
            metrics=dependencies.metrics,
            regions={dependencies.cloud.region, *settings.allowed_regions},
            monotonic=dependencies.clock.monotonic,
            namespaces=settings.namespaces,
        )
        swept = SweptClaims(claims=orphans, strays=strays)
        resync = Resync(objects=swept, queue=queue, random=dependencies.random, interval=timings.resync)
        self.runtime = ControllerRuntime(
            kind=VOLUME_CLAIM.word, plural=VOLUME_CLAIM.plural, queue=queue, workers=workers, resync=resync
        )

    def node_changed(self, name: str) -> None:
        for key in self._controller.node_changed(name):
            self._queue.add(key)


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
