"""What a pass over a cluster looks at: AWS, the cluster's Nodes, what runs on them, and the claims of its volumes.

What is remembered between passes is kept here. It is no truth: it only saves reads.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.controllers.cluster.causes import Causes
from hyperpod_operator.controllers.cluster.evacuation import DrainPorts, Evacuation
from hyperpod_operator.controllers.cluster.observe import FullSyncs, Proofs, observe, observe_tags
from hyperpod_operator.controllers.cluster.plan_nodes import PlanNodes
from hyperpod_operator.controllers.cluster.preflight import Gate
from hyperpod_operator.controllers.cluster_cache import Change, ClusterCache, Entry
from hyperpod_operator.controllers.own_cluster import OwnCluster
from hyperpod_operator.core.audit import Audit
from hyperpod_operator.core.cluster.concerns import decide, situate
from hyperpod_operator.core.cluster.decision import ClusterSnapshot, Conclusion, NeedTags
from hyperpod_operator.core.cluster.offsets import evidence_decides
from hyperpod_operator.core.cluster.ownership import Ownership
from hyperpod_operator.core.cluster.resource import Resource, with_autoscaler
from hyperpod_operator.core.cluster.teardown import gives_up
from hyperpod_operator.core.cluster.training_plans import plan_arns
from hyperpod_operator.core.cost.cluster import configurations, priced_types
from hyperpod_operator.core.cost.plan import planned_types
from hyperpod_operator.core.cost.price import PriceList
from hyperpod_operator.core.engine.decision import LookAgain
from hyperpod_operator.core.health.labels import needs_instance
from hyperpod_operator.core.health.rollup import rollup
from hyperpod_operator.core.location import cluster_id
from hyperpod_operator.core.observed import OperatedNode
from hyperpod_operator.core.ports import (
    Clock,
    Cloud,
    Clusters,
    Events,
    Key,
    Metrics,
    Nodes,
    Objects,
    StoredObject,
)
from hyperpod_operator.core.preflight.ports import TrainingPlans

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
    audit: Audit
    nodes: Nodes | None = None
    attached_claims: Callable[[str], Awaitable[tuple[str, ...]]] | None = None
    """Claims with volumes on the cluster of this ARN; None where no claims are served."""
    operated: Callable[[Key], Awaitable[tuple[OperatedNode, ...]]] | None = None
    """Nodes that operations on the cluster of this object moved or deleted; None where no operations are served."""
    drain: DrainPorts | None = None
    """What runs on nodes that are to end; None where nothing is waited for."""
    prices: PriceList | None = None
    """What instances cost; None where that is not read."""
    training_plans: TrainingPlans | None = None
    """When training plans end; None where that is not read."""
    preflight: Gate | None = None
    """Checks before calls that cost money; None where nothing is checked."""
    own_cluster: OwnCluster | None = None
    """Which EKS cluster this is; None where that is not read."""


class ClusterObserver:
    """Builds the snapshot of a pass. What it learns about Nodes goes into `cache`; `on_update` is called with what
    changed there."""

    def __init__(
        self, *, ports: Ports, cache: ClusterCache, on_update: Callable[[Change], None], full_sync: float
    ) -> None:
        self._ports = ports
        self._cache = cache
        self._on_update = on_update
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
        self._full_syncs = FullSyncs(period=full_sync, monotonic=ports.clock.monotonic)

    def forget(self, key: Key) -> None:
        self._full_syncs.forget(key)
        self._proofs.forget(key)
        self._cache.forget(key)
        if self._evacuation is not None:
            self._evacuation.forget(key)
        if self._plan_nodes is not None:
            self._plan_nodes.forget(key)

    async def observed(
        self, stored: StoredObject, snapshot: ClusterSnapshot, *, failures: int
    ) -> tuple[ClusterSnapshot, Conclusion]:
        """The snapshot of this pass, and what it asks for. What a pass that believes it has learnt goes into the cache.

        Tags are read where only they can tell. `failures` counts the passes in a row that failed. Raises CloudError.
        """
        full_sync = self._full_syncs.due(snapshot.resource.key)
        resource, clusters = snapshot.resource, self.clusters(snapshot)
        observed = await observe(
            clusters=clusters,
            resource=resource,
            causes=self._causes,
            proofs=self._proofs,
            full_sync=full_sync,
            list_nodes=self._needs_nodes(resource),
            failures=failures,
        )
        known = self._cache.get(resource.key)
        if known is not None:
            groups = {instance.instance_id: instance.group for instance in known.facts.instances.values()}
            observed = replace(observed, former_groups=groups)
        scaled = with_autoscaler(resource, cluster=observed.cluster)
        if self._ports.operated is not None and evidence_decides(scaled, observed):
            observed = replace(observed, operated=await self._ports.operated(resource.key))
        snapshot = await self._with_place(await self._with_claims(situate(snapshot, observed)))
        entry = self._entry(stored, snapshot)
        snapshot = await self._with_health(snapshot, entry or known)
        snapshot = await self._with_departures(snapshot, entry or known)
        snapshot = await self._with_facts(snapshot)
        decision = decide(snapshot)
        if isinstance(decision, NeedTags):
            observed = await observe_tags(clusters=clusters, observed=snapshot.observed)
            snapshot = await self._with_place(situate(snapshot, observed))
            entry = entry or self._entry(stored, snapshot)
            snapshot = await self._with_health(snapshot, entry or known)
            snapshot = await self._with_departures(snapshot, entry or known)
            snapshot = await self._with_facts(snapshot)
            decision = decide(snapshot)
        if self._plan_nodes is not None and snapshot.owned:
            snapshot = replace(snapshot, concerned=await self._plan_nodes.concerned(snapshot))
        if isinstance(decision, LookAgain):
            return snapshot, decision
        if full_sync:
            self._full_syncs.done(resource.key)
        self._proofs.learn(snapshot.resource, snapshot.observed)
        self._update_cache(snapshot, entry)
        return snapshot, decision

    def clusters(self, snapshot: ClusterSnapshot) -> Clusters:
        """SageMaker in the Region of the cluster."""
        return self._ports.cloud.clusters(region=snapshot.resource.spec.region or "")

    async def _with_place(self, snapshot: ClusterSnapshot) -> ClusterSnapshot:
        """Whether the earlier object of this name may live in another control plane, where it matters."""
        resource, own = snapshot.resource, self._ports.own_cluster
        if own is None or snapshot.ownership is not Ownership.FORMER or not resource.adopts:
            return snapshot
        elsewhere = await own.is_not(resource.eks_cluster_arn, region=resource.spec.region or "")
        return replace(snapshot, observed=replace(snapshot.observed, elsewhere=elsewhere))

    async def _with_facts(self, snapshot: ClusterSnapshot) -> ClusterSnapshot:
        """Prices and the ends of training plans; before the decision, whose answers another snapshot would not have."""
        return await self._with_training_plans(await self._with_prices(snapshot))

    async def _with_prices(self, snapshot: ClusterSnapshot) -> ClusterSnapshot:
        """What the cluster's instances cost, and those that its plan brings; no call while the prices are cached."""
        if self._ports.prices is None:
            return snapshot
        cluster = snapshot.observed.cluster
        types = priced_types(cluster) if cluster is not None else frozenset()
        if snapshot.plan is not None:
            types |= planned_types(snapshot.plan.calls, configurations(cluster))
        return replace(snapshot, prices=await self._ports.prices.prices(region=snapshot.here.region, types=types))

    async def _with_training_plans(self, snapshot: ClusterSnapshot) -> ClusterSnapshot:
        """When the training plans of the groups end; no call while that is cached."""
        arns = plan_arns(snapshot.observed.cluster) if snapshot.owned else ()
        if self._ports.training_plans is None or not arns:
            return snapshot
        found = await self._ports.training_plans.plans(region=snapshot.here.region, arns=arns)
        return replace(snapshot, training_plans=found)

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
        taken = snapshot.observed.tags is not None and not snapshot.owned
        if snapshot.observed.cluster is None or taken:
            # What tags do not prove to be ours any more is no reason to write to its Nodes.
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
        """Nodes that are to end, and what runs on them. Nodes of a cluster are touched only while its tags prove it;
        marks that name this object come off those of a cluster that stays, whatever its tags say."""
        cluster = snapshot.observed.cluster
        if self._evacuation is None or cluster is None:
            return snapshot
        proved = snapshot.ownership is Ownership.OURS or self._proofs.holds(snapshot.resource, cluster)
        if gives_up(snapshot) and (proved or not snapshot.owned):
            return await self._evacuation.release(snapshot)
        if not proved:
            return snapshot
        if self._evacuation.concerns(snapshot) and snapshot.observed.nodes is None:
            nodes = await self.clusters(snapshot).nodes(name=cluster.arn)
            snapshot = replace(snapshot, observed=replace(snapshot.observed, nodes=nodes))
        return await self._evacuation.evacuate(snapshot, facts=entry.facts if entry is not None else None)

    async def _with_claims(self, snapshot: ClusterSnapshot) -> ClusterSnapshot:
        """Who still has volumes on a cluster that is to be deleted."""
        cluster = snapshot.observed.cluster
        if not snapshot.resource.deleting or cluster is None or self._ports.attached_claims is None:
            return snapshot
        return replace(snapshot, attached_claims=await self._ports.attached_claims(cluster.arn))
