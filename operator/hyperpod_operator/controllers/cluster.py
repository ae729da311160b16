"""What is particular about a pass over a HyperPodCluster; `reconciler.py` has what all kinds share."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from hyperpod_operator.api.cluster import HyperPodClusterSpec
from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.members import unknown_members
from hyperpod_operator.api.names import ConditionType
from hyperpod_operator.api.reasons import record
from hyperpod_operator.api.status import HyperPodClusterStatus
from hyperpod_operator.controllers.act import act
from hyperpod_operator.controllers.approval import Unconfirmed, approvers, confirmed
from hyperpod_operator.controllers.causes import Causes
from hyperpod_operator.controllers.cluster_cache import Change, ClusterCache, Entry
from hyperpod_operator.controllers.eks_use import used_by
from hyperpod_operator.controllers.evacuation import DrainPorts, Evacuation
from hyperpod_operator.controllers.observe import FullSyncs, Proofs, observe, observe_tags
from hyperpod_operator.controllers.parse import parse_spec, parse_status, reconcile_requested_at
from hyperpod_operator.controllers.plan_nodes import PlanNodes
from hyperpod_operator.controllers.preflight import Gate
from hyperpod_operator.controllers.reconciler import Reconciler
from hyperpod_operator.core.audit import Audit
from hyperpod_operator.core.cluster.audit import audited
from hyperpod_operator.core.cluster.concerns import decide, situate
from hyperpod_operator.core.cluster.decision import Act, ClusterSnapshot, Conclusion, NeedTags
from hyperpod_operator.core.cluster.diff import Changes
from hyperpod_operator.core.cluster.effective import call_names, spec_names
from hyperpod_operator.core.cluster.existing import not_allowed, region_refused
from hyperpod_operator.core.cluster.ownership import Ownership
from hyperpod_operator.core.cluster.pass_record import PassRecord, Rejected
from hyperpod_operator.core.cluster.placement import misplaced
from hyperpod_operator.core.cluster.report import intent, report
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.cost.cluster import configurations, hourly, priced_types
from hyperpod_operator.core.cost.plan import planned_types
from hyperpod_operator.core.cost.price import PriceList
from hyperpod_operator.core.engine.decision import LookAgain, RemoveFinalizer, Report
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.health.facts import cluster_id
from hyperpod_operator.core.health.labels import needs_instance
from hyperpod_operator.core.health.rollup import rollup
from hyperpod_operator.core.observed import Observed
from hyperpod_operator.core.plan.record import before_call
from hyperpod_operator.core.ports import (
    Clock,
    Cloud,
    Clusters,
    Events,
    Gauges,
    Key,
    KubernetesError,
    Metrics,
    Nodes,
    ObjectGone,
    Objects,
    StoredObject,
)
from hyperpod_operator.core.preflight.gate import rest
from hyperpod_operator.core.tenancy import Named, Tenancy
from hyperpod_operator.core.timings import Timings

MANY_NODES = 200
"""Nodes from which on they are summed up beside the event loop."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """What a pass needs of the world. `nodes` is None where Kubernetes' Nodes are not watched."""

    objects: Objects
    cloud: Cloud
    events: Events
    metrics: Metrics
    clock: Clock
    nodes: Nodes | None = None
    attached_claims: Callable[[str], Awaitable[tuple[str, ...]]] | None = None
    """Claims with volumes on the cluster of this ARN; None where no claims are served."""
    drain: DrainPorts | None = None
    """What runs on nodes that are to end; None where nothing is waited for."""
    audit: Audit | None = None
    """Where each changing call is recorded; None: nowhere."""
    prices: PriceList | None = None
    """What instances cost; None where that is not read."""
    preflight: Gate | None = None
    """Checks before calls that cost money; None where nothing is checked."""


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
            clock=ports.clock,
        )
        self._cache = cache or ClusterCache()
        self._on_update = on_update
        self._ports = ports
        self._settings = settings
        self._causes = Causes(monotonic=ports.clock.monotonic)
        self._proofs = Proofs()
        self._evacuation = (
            Evacuation(kind=CLUSTER.name, ports=ports.drain, nodes=ports.nodes) if ports.drain is not None else None
        )
        self._plan_nodes = (
            PlanNodes(kind=CLUSTER.name, pods=ports.drain.pods, nodes=ports.nodes)
            if ports.drain is not None and ports.nodes is not None
            else None
        )
        self._full_syncs = FullSyncs(period=settings.timings.full_sync, monotonic=ports.clock.monotonic)

    def forget(self, key: Key) -> None:
        self._full_syncs.forget(key)
        self._proofs.forget(key)
        self._cache.forget(key)
        if self._evacuation is not None:
            self._evacuation.forget(key)
        if self._plan_nodes is not None:
            self._plan_nodes.forget(key)

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
        full_sync = self._full_syncs.due(resource.key)
        try:
            snapshot, decision, entry = await self._observed(stored, snapshot, full_sync=full_sync)
        except CloudError as error:
            return PassRecord(snapshot=snapshot, unread=error, failures=failures)
        if isinstance(decision, LookAgain):
            return PassRecord(snapshot=snapshot, decision=decision)
        if full_sync:
            self._full_syncs.done(resource.key)
        self._proofs.learn(snapshot.resource, snapshot.observed)
        self._update_cache(snapshot, entry)
        snapshot = await self._with_prices(snapshot)
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
        return PassRecord(snapshot=snapshot, decision=decision)

    async def _with_prices(self, snapshot: ClusterSnapshot) -> ClusterSnapshot:
        """What the cluster's instances cost, and those that its plan brings; no call while the prices are cached."""
        if self._ports.prices is None:
            return snapshot
        cluster = snapshot.observed.cluster
        types = priced_types(cluster) if cluster is not None else frozenset()
        if snapshot.plan is not None:
            types |= planned_types(snapshot.plan.calls, configurations(cluster))
        return replace(snapshot, prices=await self._ports.prices.prices(region=snapshot.here.region, types=types))

    async def _observed(
        self, stored: StoredObject, snapshot: ClusterSnapshot, *, full_sync: bool
    ) -> tuple[ClusterSnapshot, Conclusion, Entry | None]:
        """The snapshot of this pass, what it asks for, and what the cache is to hold of a cluster that is ours.

        Tags are read where only they can tell. Raises CloudError.
        """
        resource, clusters = snapshot.resource, self._clusters(snapshot)
        observed = await observe(
            clusters=clusters,
            resource=resource,
            causes=self._causes,
            proofs=self._proofs,
            full_sync=full_sync,
            list_nodes=self._needs_nodes(resource),
        )
        known = self._cache.get(resource.key)
        if known is not None:
            groups = {instance.instance_id: instance.group for instance in known.facts.instances.values()}
            observed = replace(observed, former_groups=groups)
        snapshot = await self._with_claims(situate(snapshot, observed))
        entry = self._entry(stored, snapshot)
        snapshot = await self._with_health(snapshot, entry or known)
        snapshot = await self._with_departures(snapshot, entry or known)
        decision = decide(snapshot)
        if isinstance(decision, NeedTags):
            observed = await observe_tags(clusters=clusters, observed=snapshot.observed)
            snapshot = situate(snapshot, observed)
            entry = entry or self._entry(stored, snapshot)
            snapshot = await self._with_health(snapshot, entry or known)
            snapshot = await self._with_departures(snapshot, entry or known)
            decision = decide(snapshot)
        if self._plan_nodes is not None and snapshot.owned:
            snapshot = replace(snapshot, concerned=await self._plan_nodes.concerned(snapshot))
        return snapshot, decision, entry

    def _entry(self, stored: StoredObject, snapshot: ClusterSnapshot) -> Entry | None:
        """What concerns the Nodes of a cluster that is ours, from this pass and the ones before."""
        cluster, management = snapshot.observed.cluster, snapshot.resource.spec.management
        if cluster is None or not snapshot.owned:
            return None
        return self._cache.merged(
            stored=stored,
            cluster=cluster,
            nodes=snapshot.observed.nodes,
            now=snapshot.now,
            enforce=not (management and management.nodeHealth == "Observe"),
        )

    def _update_cache(self, snapshot: ClusterSnapshot, entry: Entry | None) -> None:
        if snapshot.observed.cluster is None:
            self._cache.forget(snapshot.resource.key)
        elif snapshot.owned and entry is not None:
            change = self._cache.update(entry)
            if change is not None:
                self._on_update(change)

    def _needs_nodes(self, resource: Resource) -> bool:
        """Whether a Node of the cluster needs what SageMaker reports about its instance."""
        known, nodes = cluster_id(resource.status.clusterArn or ""), self._ports.nodes
        if nodes is None or not known:
            return False
        entry = self._cache.of(known)
        return any(needs_instance(node, entry.facts if entry else None) for node in nodes.of_cluster(known))

    def _clusters(self, snapshot: ClusterSnapshot) -> Clusters:
        return self._ports.cloud.clusters(region=snapshot.resource.spec.region or "")

    async def _with_health(self, snapshot: ClusterSnapshot, entry: Entry | None) -> ClusterSnapshot:
        """The health of the cluster's Nodes, as far as it is known; it is rolled up once a pass."""
        nodes = self._ports.nodes
        if nodes is None:
            return snapshot
        watched = replace(snapshot, health_watched=True)
        if snapshot.health is not None or entry is None or not nodes.synced:
            return watched
        held, now = nodes.of_cluster(entry.facts.cluster_id), snapshot.now
        if len(held) < MANY_NODES:
            return replace(watched, health=rollup(held, entry.facts, running_since=entry.running_since, now=now))
        # Thousands take a third of a second, in which no unhealthy node could be tainted.
        health = await asyncio.to_thread(rollup, held, entry.facts, running_since=entry.running_since, now=now)
        return replace(watched, health=health)

    async def _with_departures(self, snapshot: ClusterSnapshot, entry: Entry | None) -> ClusterSnapshot:
        """Nodes that are to end, and what runs on them. Nodes of a cluster are touched only while its tags prove it."""
        cluster = snapshot.observed.cluster
        if self._evacuation is None or cluster is None:
            return snapshot
        proved = snapshot.ownership is Ownership.OURS or self._proofs.holds(snapshot.resource, cluster)
        if not proved or snapshot.resource.paused:
            return snapshot
        if self._evacuation.concerns(snapshot) and snapshot.observed.nodes is None:
            nodes = await self._clusters(snapshot).nodes(name=cluster.arn)
            snapshot = replace(snapshot, observed=replace(snapshot.observed, nodes=nodes))
        return await self._evacuation.evacuate(snapshot, facts=entry.facts if entry is not None else None)

    async def _with_claims(self, snapshot: ClusterSnapshot) -> ClusterSnapshot:
        """Who still has volumes on a cluster that is to be deleted."""
        cluster = snapshot.observed.cluster
        if not snapshot.resource.deleting or cluster is None or self._ports.attached_claims is None:
            return snapshot
        return replace(snapshot, attached_claims=await self._ports.attached_claims(cluster.arn))

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

    async def act(self, record: PassRecord) -> PassRecord:
        if not isinstance(record.decision, Act):
            raise AssertionError("asked only of a pass that acts")
        clusters = self._clusters(record.snapshot)
        confirm = self._confirm(record.snapshot, record.decision)
        try:
            result = await act(clusters=clusters, decision=record.decision, confirm=confirm)
        except Unconfirmed as changed:
            await self.withdraw(changed.stored, record.snapshot.resource.status)
            raise
        if isinstance(result, Rejected) and result.error.kind is ErrorKind.EKS_IN_USE:
            use = await used_by(clusters=clusters, eks_cluster_arn=record.snapshot.resource.eks_cluster_arn)
            result = replace(result, eks_use=use)
        made = replace(record, result=result)
        entry = audited(made)
        if entry is not None and self._ports.audit is not None:
            self._ports.audit.record(entry)
        return made

    def _confirm(self, snapshot: ClusterSnapshot, decision: Act) -> Callable[[], Awaitable[None]] | None:
        """What is asked when the turn of an approved call has come: whether it is still what was approved."""
        if before_call(snapshot, decision) is None:
            return None

        async def confirm() -> None:
            stored = await self._ports.objects.read(snapshot.resource.key)
            cluster = await self._clusters(snapshot).describe(name=snapshot.resource.cluster_name)
            resource = self.parse(stored) if stored is not None else None
            if stored is None or resource is None:
                raise ObjectGone(str(snapshot.resource.key))
            if not confirmed(snapshot, decision, resource=resource, cluster=cluster):
                raise Unconfirmed(stored)

        return confirm

    def releases(self, record: PassRecord) -> RemoveFinalizer | None:
        return record.decision if isinstance(record.decision, RemoveFinalizer) else None

    def report(self, record: PassRecord) -> Report[HyperPodClusterStatus]:
        return report(record)

    def recorded(
        self,
        stored: StoredObject,
        *,
        record: PassRecord | None,  # noqa: ARG002
        before: HyperPodClusterStatus,  # noqa: ARG002
        after: HyperPodClusterStatus,
    ) -> None:
        self._ports.metrics.object_state(key=stored.key, gauges=_gauges(after))

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
        return ClusterSnapshot(
            resource=resource,
            observed=Observed(cluster=None),
            changes=Changes(),
            ownership=Ownership.UNREAD,
            now=self._ports.clock.now(),
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


def _gauges(status: HyperPodClusterStatus) -> Gauges:
    nodes, health = status.nodes, status.nodeHealth
    return Gauges(
        conditions={condition.type: condition.status for condition in status.conditions or []},
        target_nodes=(nodes.target or 0) if nodes else 0,
        current_nodes=(nodes.current or 0) if nodes else 0,
        node_health=health.model_dump(exclude={"worst"}) if health else {},
        cost=hourly(status.cost),
        approval_waits=any(
            condition.type == ConditionType.PLAN_APPROVED
            and condition.status == "False"
            and (found := record(condition.reason)) is not None
            and found.stalled
            for condition in status.conditions or []
        ),
    )


def resource_of(stored: StoredObject) -> Resource:
    """A stored object, parsed. Raises InvalidSpecError."""
    return Resource(
        key=stored.key,
        uid=stored.uid,
        generation=stored.generation,
        deleting=stored.deleting,
        reconcile_requested_at=reconcile_requested_at(stored),
        spec=parse_spec(stored, HyperPodClusterSpec),
        status=parse_status(stored, HyperPodClusterStatus),
        unknown=unknown_members(HyperPodClusterSpec, stored.body.get("spec")),
        **approvers(stored),
    )
