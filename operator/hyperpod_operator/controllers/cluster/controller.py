"""What is particular about a pass over a HyperPodCluster; `reconciler.py` has what all kinds share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from hyperpod_operator.api.cluster.status import HyperPodClusterStatus
from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.controllers.approval import confirmed
from hyperpod_operator.controllers.cluster.act import act
from hyperpod_operator.controllers.cluster.eks_use import used_by
from hyperpod_operator.controllers.cluster.observe import observe_tags
from hyperpod_operator.controllers.cluster.observer import ClusterObserver, Ports
from hyperpod_operator.controllers.cluster.resource import resource_of
from hyperpod_operator.controllers.cluster_cache import Change, ClusterCache
from hyperpod_operator.controllers.parse import InvalidSpecError
from hyperpod_operator.controllers.reconciler import Reconciler, Unconfirmed
from hyperpod_operator.core.cluster.audit import audited
from hyperpod_operator.core.cluster.busy_words import told_apart
from hyperpod_operator.core.cluster.changes import Changes
from hyperpod_operator.core.cluster.clocks import with_moments_until
from hyperpod_operator.core.cluster.concerns import decide
from hyperpod_operator.core.cluster.decision import Act, ClusterSnapshot
from hyperpod_operator.core.cluster.effective import call_names, spec_names
from hyperpod_operator.core.cluster.existing import not_allowed, region_refused
from hyperpod_operator.core.cluster.guards import rests_on_tags
from hyperpod_operator.core.cluster.ownership import Ownership, ownership
from hyperpod_operator.core.cluster.pass_record import PassRecord, Rejected
from hyperpod_operator.core.cluster.placement import misplaced
from hyperpod_operator.core.cluster.report import intent, report
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.confirm import Confirm
from hyperpod_operator.core.engine.decision import LookAgain, RemoveFinalizer, Report, Wait
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.observed import Observed
from hyperpod_operator.core.plan.record import before_call
from hyperpod_operator.core.ports import Key, KubernetesError, ObjectGone, StoredObject
from hyperpod_operator.core.preflight.gate import rest
from hyperpod_operator.core.tenancy import Named, Tenancy
from hyperpod_operator.core.timings import Timings


@dataclass(frozen=True, kw_only=True)
class ClusterSettings:
    timings: Timings = field(default_factory=Timings)
    allowed_regions: frozenset[str] = frozenset()
    tenancy: Tenancy = field(default_factory=Tenancy)


class ClusterController(Reconciler[Resource, HyperPodClusterStatus, PassRecord]):
    """Reconciles HyperPodClusters. Holds no truth: what it remembers only saves reads.

    What a pass learns about Nodes goes into `cache`; `on_update` is called with what changed there.
    """

    def __init__(
        self,
        *,
        ports: Ports,
        settings: ClusterSettings,
        cache: ClusterCache | None = None,
        on_update: Callable[[Change], None] = lambda _: None,
    ) -> None:
        super().__init__(
            kind=CLUSTER,
            status=HyperPodClusterStatus,
            objects=ports.objects,
            events=ports.events,
            metrics=ports.metrics,
            clock=ports.clock,
        )
        self._ports = ports
        self._settings = settings
        self._observer = ClusterObserver(
            ports=ports, cache=cache or ClusterCache(), on_update=on_update, full_sync=settings.timings.full_sync
        )

    def forget(self, key: Key) -> None:
        self._observer.forget(key)

    def parse(self, stored: StoredObject) -> Resource:
        return resource_of(stored)

    async def look(self, stored: StoredObject, resource: Resource, failures: int) -> PassRecord:
        snapshot = self._blank(resource)
        if region_refused(snapshot) or not_allowed(snapshot):
            return PassRecord(snapshot=snapshot, decision=decide(snapshot), looked=False)
        here = await self._ports.cloud.location(region=resource.spec.region or "")
        snapshot = replace(snapshot, here=here)
        if wrong := misplaced(snapshot):
            return PassRecord(snapshot=snapshot, decision=wrong, looked=False)
        try:
            snapshot, decision = await self._observer.observed(stored, snapshot, failures=failures)
        except CloudError as error:
            return PassRecord(snapshot=snapshot, unread=error, failures=failures)
        if isinstance(decision, Act):
            refusal = self._refusal(snapshot.resource, call_names(snapshot, decision.action))
            if refusal is not None:
                return PassRecord(snapshot=snapshot, decision=not_allowed(replace(snapshot, refusal=refusal)))
        if isinstance(decision, Act) and self._ports.preflight is not None:
            checked, waits = await self._ports.preflight.check(snapshot, decision.action)
            if waits is None:
                return PassRecord(snapshot=snapshot, decision=decision, preflight=checked)
            others = rest(snapshot, decision.action)
            decision = decide(others) if others is not None else waits
            if others is None or not isinstance(decision, Act):
                return PassRecord(snapshot=snapshot, decision=waits, preflight=checked)
            return PassRecord(snapshot=others, decision=decision, preflight=checked)
        if isinstance(decision, Wait) and self._ports.preflight is not None:
            return PassRecord(
                snapshot=snapshot, decision=decision, preflight=await self._ports.preflight.foresee(snapshot)
            )
        return PassRecord(snapshot=snapshot, decision=decision)

    def needs_finalizer(self, record: PassRecord) -> bool:
        ours = record.snapshot.observed.cluster is not None and record.snapshot.owned
        believed = record.looked and record.unread is None and not isinstance(record.decision, LookAgain)
        return believed and (ours or self.acts(record))

    def not_begun(self, record: PassRecord, error: KubernetesError) -> PassRecord:  # noqa: ARG002 - a pass that is repeated
        raise error

    def acts(self, record: PassRecord) -> bool:
        return isinstance(record.decision, Act)

    def intent(self, record: PassRecord) -> tuple[PassRecord, HyperPodClusterStatus | None]:
        act = record.decision
        if not isinstance(act, Act):
            raise AssertionError("asked only of a pass that acts")
        return record, intent(record, act)

    async def act(self, record: PassRecord, *, unedited: Confirm) -> PassRecord:
        if not isinstance(record.decision, Act):
            raise AssertionError("asked only of a pass that acts")
        clusters = self._observer.clusters(record.snapshot)
        confirm = self._confirm(record.snapshot, record.decision) or unedited
        if rests_on_tags(record.decision):
            confirm = self._proving(record.snapshot, confirm)
        seen = record.snapshot.observed.cluster
        result = await act(clusters=clusters, decision=record.decision, seen=seen, confirm=confirm)
        if isinstance(result, Rejected) and result.error.kind is ErrorKind.EKS_IN_USE:
            use = await used_by(clusters=clusters, eks_cluster_arn=record.snapshot.resource.eks_cluster_arn)
            result = replace(result, eks_use=use)
        made = told_apart(replace(record, result=result))
        entry = audited(made)
        if entry is not None:
            self._ports.audit.record(entry)
        return made

    def _confirm(self, snapshot: ClusterSnapshot, decision: Act) -> Callable[[], Awaitable[None]] | None:
        """What is asked when the turn of an approved call has come: whether it is still what was approved."""
        if before_call(snapshot, decision) is None:
            return None

        async def confirm() -> None:
            stored = await self._ports.objects.read(snapshot.resource.key)
            cluster = await self._observer.clusters(snapshot).describe(name=snapshot.resource.cluster_name)
            if stored is None:
                raise ObjectGone(str(snapshot.resource.key))
            try:
                resource = self.parse(stored)
            except InvalidSpecError as error:
                raise Unconfirmed(f"The spec cannot be read any more: {error}", stored=stored) from error
            if not confirmed(snapshot, decision, resource=resource, cluster=cluster):
                raise Unconfirmed("The call is not what was approved any more.", stored=stored)

        return confirm

    def _proving(self, snapshot: ClusterSnapshot, confirm: Confirm) -> Confirm:
        """The same, and that the tags of the cluster say of its owner what they said when this was decided."""

        async def proved() -> None:
            await confirm()
            seen = await observe_tags(clusters=self._observer.clusters(snapshot), observed=snapshot.observed)
            if ownership(resource=snapshot.resource, observed=seen) is not snapshot.ownership:
                raise Unconfirmed(f"The tags of the cluster of {snapshot.resource.key} name another owner by now.")

        return proved

    def releases(self, record: PassRecord) -> RemoveFinalizer | None:
        return record.decision if isinstance(record.decision, RemoveFinalizer) else None

    def report(self, record: PassRecord) -> Report[HyperPodClusterStatus]:
        return report(record)

    def untouched(self, status: HyperPodClusterStatus) -> bool:
        return not status.clusterArn and not status.operations

    def left_behind(self, status: HyperPodClusterStatus) -> str:
        left = status.clusterArn or "whatever was created for it"
        return (
            f"{left} stays as it is, with the ownership tags, and incurs cost. Delete it with `aws sagemaker "
            "delete-cluster` if you do not need it."
        )

    def _blank(self, resource: Resource) -> ClusterSnapshot:
        """The snapshot before anything was read."""
        now = self._ports.clock.now()
        resource = replace(resource, status=with_moments_until(resource.status, now=now))
        return ClusterSnapshot(
            resource=resource,
            observed=Observed(cluster=None),
            changes=Changes(),
            ownership=Ownership.UNREAD,
            now=now,
            timings=self._settings.timings,
            allowed_regions=self._settings.allowed_regions,
            refusal=self._refusal(resource),
        )

    def _refusal(self, resource: Resource, called: tuple[Named, ...] = ()) -> str | None:
        """Why the namespace may not have what the spec names, and `called` with it. A deletion names nothing new."""
        if resource.deleting and not called:
            return None
        spec = () if resource.deleting else spec_names(resource, own_region=self._ports.cloud.region)
        return self._settings.tenancy.refusal(namespace=resource.key.namespace, named=(*spec, *called))
