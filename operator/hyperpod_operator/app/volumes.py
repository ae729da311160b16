"""What looks after EBSVolumeClaims, put together."""

from hyperpod_operator.api.names import VOLUME_CLAIM_PLURAL
from hyperpod_operator.app.parts import Parts, Room, quarantine_guard, share
from hyperpod_operator.controllers.volume.controller import VolumeController
from hyperpod_operator.controllers.volume.orphans import Orphans
from hyperpod_operator.controllers.volume.ports import VolumePorts
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


class VolumeRoom:
    """`node_changed` is to be called with the name of each Node that came, changed or went."""

    def __init__(self, parts: Parts, *, claims: CustomObjects, clusters: CustomObjects, cache: NodeCache) -> None:
        settings = parts.settings
        queue = WorkQueue(random=parts.random, most_active=share(settings.workers))
        timings = volume_timings(settings.timings)
        self._queue = queue
        labels = KubeNodeLabels(parts.api)
        strays = StrayLabels(claims=claims, labels=labels, wake=queue.add, namespaces=settings.namespaces)
        self._controller = VolumeController(
            ports=VolumePorts(
                claims=claims,
                clusters=clusters,
                cloud=parts.cloud,
                views=ClusterViews(cloud=parts.cloud, monotonic=parts.clock.monotonic),
                nodes=cache,
                publications=KubePublications(parts.api),
                users=KubeUsers(parts.api, clock=parts.clock),
                leases=KubeVolumeLeases(parts.api, namespace=settings.lease.namespace or own_namespace()),
                labels=labels,
                strays=strays,
                events=parts.events,
                metrics=parts.metrics,
                clock=parts.clock,
            ),
            timings=timings,
            regions=frozenset({parts.cloud.region, *settings.allowed_regions}),
            tenancy=settings.tenancy,
        )
        workers = Workers(
            queue=queue,
            reconcile=parts.passes("volume", self._controller.reconcile),
            metrics=parts.metrics,
            clock=parts.clock,
            random=parts.random,
            resync=timings.resync,
            kind="volume",
            count=settings.workers,
            guard=quarantine_guard(parts, claims),
        )
        orphans = Orphans(
            claims=claims,
            cloud=parts.cloud,
            metrics=parts.metrics,
            regions={parts.cloud.region, *settings.allowed_regions},
            monotonic=parts.clock.monotonic,
            namespaces=settings.namespaces,
        )
        swept = SweptClaims(claims=orphans, strays=strays)
        resync = Resync(objects=swept, queue=queue, random=parts.random, interval=timings.resync)
        self.room = Room(kind="volume", plural=VOLUME_CLAIM_PLURAL, queue=queue, workers=workers, resync=resync)

    def node_changed(self, name: str) -> None:
        for key in self._controller.node_changed(name):
            self._queue.add(key)


def volume_timings(timings: Timings) -> VolumeTimings:
    """EC2 is quick where SageMaker takes minutes: the installation's pauses count where they are shorter than ours."""
    return VolumeTimings(
        resync=timings.resync,
        poll=min(PATIENT.poll, timings.poll),
        watch=min(PATIENT.watch, 4 * timings.poll),
        step=min(PATIENT.step, timings.settle),
        claiming=min(PATIENT.claiming, timings.settle),
        echo=min(PATIENT.echo, timings.echo),
        visibility=min(PATIENT.visibility, timings.visibility),
        confirm=min(PATIENT.confirm, timings.confirm),
        resend=min(PATIENT.resend, timings.visibility),
        unseen=min(PATIENT.unseen, 2 * timings.visibility),
        adoption_notice=timings.adoption_notice,
        settle=min(PATIENT.settle, timings.settle),
    )
