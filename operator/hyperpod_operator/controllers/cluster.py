"""One pass over one HyperPodCluster: observe, decide, act, report.

The order of writes is what makes a kill at any point harmless: the finalizer before the first call, the intent
before CreateCluster, the call, then one status with all that was learnt.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.names import ABANDON, CLUSTER_FINALIZER, Reason
from hyperpod_operator.api.status import HyperPodClusterStatus, PreflightStatus
from hyperpod_operator.controllers.act import act
from hyperpod_operator.controllers.causes import Causes
from hyperpod_operator.controllers.eks_use import used_by
from hyperpod_operator.controllers.fleet import Fleet
from hyperpod_operator.controllers.observe import FullSyncs, Proofs, observe, observe_tags
from hyperpod_operator.controllers.parse import InvalidSpecError, parse, parse_status, reconcile_requested_at
from hyperpod_operator.controllers.preflight import Gate
from hyperpod_operator.core.cluster.diff import Changes
from hyperpod_operator.core.cluster.effective import call_names, spec_names
from hyperpod_operator.core.cluster.living import not_allowed, region_refused
from hyperpod_operator.core.cluster.observed import Observed
from hyperpod_operator.core.cluster.ownership import Ownership
from hyperpod_operator.core.cluster.placement import misplaced
from hyperpod_operator.core.cluster.plan import CreateCluster, UpdateCluster
from hyperpod_operator.core.cluster.policy import decide, situate
from hyperpod_operator.core.cluster.report import Report, intent, report
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.cluster.story import Refused, Story
from hyperpod_operator.core.cluster.verdict import Act, LookAgain, NeedTags, Release, Situation, Verdict
from hyperpod_operator.core.engine.conditions import settle, summary
from hyperpod_operator.core.errors import SLOW, CloudError, ErrorKind
from hyperpod_operator.core.health.facts import cluster_id
from hyperpod_operator.core.health.rollup import Health, rollup
from hyperpod_operator.core.outcome import Again, Blocked, Failed, Gone, Outcome
from hyperpod_operator.core.ports import (
    Clock,
    Cloud,
    Clusters,
    Event,
    Events,
    Gauges,
    Key,
    KubernetesError,
    Metrics,
    Nodes,
    ObjectGone,
    Objects,
    StaleObject,
    StoredObject,
)
from hyperpod_operator.core.preflight.gate import rest
from hyperpod_operator.core.tenancy import Named, Tenancy
from hyperpod_operator.core.timings import Timings

logger = logging.getLogger(__name__)

MANY_NODES = 200
"""Nodes from which on they are summed up beside the event loop."""
KUBERNETES_PAUSE = 5.0
"""Shortest pause in seconds after the API server failed."""


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
    preflight: Gate | None = None
    """Checks before calls that cost money; None where nothing is checked."""


@dataclass(frozen=True, kw_only=True)
class ClusterSettings:
    timings: Timings = field(default_factory=Timings)
    allowed_regions: frozenset[str] = frozenset()
    tenancy: Tenancy = field(default_factory=Tenancy)


class ClusterController:
    """Reconciles HyperPodClusters. Holds no truth: what it remembers only saves reads.

    What a pass learns goes into `fleet`. `needs_nodes` says whether a Node of the cluster of this id needs what
    SageMaker knows about its instance.
    """

    def __init__(
        self,
        *,
        ports: Ports,
        settings: ClusterSettings,
        fleet: Fleet | None = None,
        needs_nodes: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._fleet = fleet or Fleet()
        self._needs_nodes = needs_nodes
        self._ports = ports
        self._settings = settings
        self._causes = Causes(monotonic=ports.clock.monotonic)
        self._proofs = Proofs()
        self._full_syncs = FullSyncs(period=settings.timings.full_sync, monotonic=ports.clock.monotonic)

    async def reconcile(self, key: Key, failures: int) -> Outcome:
        """One pass. `failures` is how many passes over this object failed in a row before this one."""
        outcome: Outcome
        try:
            outcome = await self._pass(key, failures)
        except StaleObject:
            outcome = Again()
        except ObjectGone:
            outcome = Gone()
        except KubernetesError as error:
            logger.warning("The API server failed during a pass; nothing is lost, the pass is repeated: %s", error)
            outcome = Failed(Reason.INTERNAL_ERROR, KUBERNETES_PAUSE)
        if isinstance(outcome, Gone):
            self._full_syncs.forget(key)
            self._proofs.forget(key)
            self._fleet.forget(key)
        return outcome

    async def _pass(self, key: Key, failures: int) -> Outcome:
        stored = await self._ports.objects.read(key)
        if stored is None or (stored.deleting and CLUSTER_FINALIZER not in stored.finalizers):
            return Gone()
        if stored.deleting and stored.annotations.get(ABANDON) == stored.key.name:
            return await self._abandon(stored)
        try:
            resource = parse(stored)
        except InvalidSpecError as error:
            return await self._invalid(stored, str(error))
        return await self._valid(stored, resource, failures)

    async def _valid(self, stored: StoredObject, resource: Resource, failures: int) -> Outcome:
        situation = self._blank(resource)
        if region_refused(situation) or not_allowed(situation):
            return await self._finish(stored, Story(situation=situation, verdict=decide(situation), looked=False))
        here = await self._ports.cloud.location(region=resource.spec.region or "")
        situation = replace(situation, here=here)
        if wrong := misplaced(situation):
            return await self._finish(stored, Story(situation=situation, verdict=wrong, looked=False))
        clusters = self._ports.cloud.clusters(region=resource.spec.region or "")
        full_sync = self._full_syncs.due(resource.key)
        try:
            asked = self._needs_nodes(cluster_id(resource.status.clusterArn or ""))
            observed = await observe(
                clusters=clusters,
                resource=resource,
                causes=self._causes,
                proofs=self._proofs,
                full_sync=full_sync,
                list_nodes=asked,
            )
            known = self._fleet.get(resource.key)
            if known is not None:
                groups = {instance.instance_id: instance.group for instance in known.facts.instances.values()}
                observed = replace(observed, former_groups=groups)
            situation = await self._with_claims(situate(situation, observed))
            verdict = decide(situation)
            if isinstance(verdict, NeedTags):
                observed = await observe_tags(clusters=clusters, observed=situation.observed)
                situation = situate(situation, observed)
                verdict = decide(situation)
        except CloudError as error:
            return await self._finish(stored, Story(situation=situation, unread=error, failures=failures))
        if isinstance(verdict, LookAgain):
            return await self._finish(stored, Story(situation=situation, verdict=verdict))
        if full_sync:
            self._full_syncs.done(resource.key)
        self._proofs.learn(situation.resource, situation.observed)
        self._learn(stored, situation)
        if isinstance(verdict, Act):
            refusal = self._refusal(situation.resource, call_names(situation, verdict.action))
            if refusal is not None:
                held = not_allowed(replace(situation, refusal=refusal))
                return await self._finish(stored, Story(situation=situation, verdict=held))
        checked = None
        if isinstance(verdict, Act) and self._ports.preflight is not None:
            checked, waits = await self._ports.preflight.check(situation, verdict.action)
            if waits is not None:
                others = rest(situation, verdict.action)
                verdict = decide(others) if others is not None else waits
                if others is None or not isinstance(verdict, Act):
                    return await self._finish(stored, Story(situation=situation, verdict=waits, preflight=checked))
                situation = others
        stored = await self._hold_on(stored, situation, verdict)
        if isinstance(verdict, Act):
            return await self._act(stored, situation, verdict, clusters, checked)
        return await self._finish(stored, Story(situation=situation, verdict=verdict))

    async def _with_claims(self, situation: Situation) -> Situation:
        """Who still has volumes on a cluster that is to be deleted."""
        cluster = situation.observed.cluster
        if not situation.resource.deleting or cluster is None or self._ports.attached_claims is None:
            return situation
        return replace(situation, attached_claims=await self._ports.attached_claims(cluster.arn))

    def _learn(self, stored: StoredObject, situation: Situation) -> None:
        """Pass on what concerns the Nodes of a cluster that is ours."""
        cluster, resource = situation.observed.cluster, situation.resource
        if cluster is None:
            self._fleet.forget(stored.key)
        elif situation.ownership in {Ownership.OURS, Ownership.RECORDED}:
            self._fleet.learn(
                stored=stored,
                cluster=cluster,
                nodes=situation.observed.nodes,
                now=situation.now,
                enforce=not (resource.spec.management and resource.spec.management.nodeHealth == "Observe"),
            )

    async def _health(self, key: Key) -> Health | None:
        """The health of the cluster's Nodes, unless it is not known yet."""
        nodes, member = self._ports.nodes, self._fleet.get(key)
        if nodes is None or member is None or not nodes.synced:
            return None
        held = nodes.of_cluster(member.facts.cluster_id)
        now = self._ports.clock.now()
        if len(held) < MANY_NODES:
            return rollup(held, member.facts, running_since=member.running_since, now=now)
        # Thousands take a third of a second, in which no sick node could be tainted.
        return await asyncio.to_thread(rollup, held, member.facts, running_since=member.running_since, now=now)

    async def _hold_on(self, stored: StoredObject, situation: Situation, verdict: Verdict) -> StoredObject:
        """Our finalizer goes on before anything of ours is in AWS, and back on if somebody took it off."""
        ours = situation.observed.cluster is not None and situation.ownership in {Ownership.OURS, Ownership.RECORDED}
        if stored.deleting or not (ours or isinstance(verdict, Act)):
            return stored
        return await self._ports.objects.add_finalizer(stored, CLUSTER_FINALIZER)

    async def _act(
        self,
        stored: StoredObject,
        situation: Situation,
        verdict: Act,
        clusters: Clusters,
        checked: PreflightStatus | None,
    ) -> Outcome:
        adds_groups = isinstance(verdict.action, UpdateCluster) and situation.changes.groups_added
        if isinstance(verdict.action, CreateCluster) or adds_groups:
            planned = intent(Story(situation=situation, verdict=verdict), verdict)
            stored = await self._ports.objects.write_status(stored, _dump(planned))
        result = await act(clusters=clusters, verdict=verdict)
        if isinstance(result, Refused) and result.error.kind is ErrorKind.EKS_IN_USE:
            use = await used_by(clusters=clusters, eks_cluster_arn=situation.resource.eks_cluster_arn)
            result = replace(result, eks_use=use)
        return await self._finish(stored, Story(situation=situation, verdict=verdict, result=result, preflight=checked))

    async def _finish(self, stored: StoredObject, story: Story) -> Outcome:
        watched = self._ports.nodes is not None
        made = report(replace(story, health=await self._health(stored.key), health_stands=watched))
        if isinstance(story.verdict, Release):
            return await self._release(stored, story.verdict)
        return await self._record(stored, made)

    async def _record(self, stored: StoredObject, made: Report) -> Outcome:
        status = _dump(made.status)
        if status != stored.body.get("status"):
            stored = await self._ports.objects.write_status(stored, status)
        for event in made.events:
            self._tell(stored, event)
        self._ports.metrics.object_state(key=stored.key, gauges=_gauges(made.status))
        return made.outcome

    async def _abandon(self, stored: StoredObject) -> Outcome:
        """The way out when AWS cannot be asked any more (the account or the role is gone): a person's own word."""
        arn = parse_status(stored).clusterArn or "whatever was created for it"
        message = (
            f"Released by the annotation {ABANDON} without asking AWS: {arn} stays as it is, with our tags, and is "
            "billed. Delete it with `aws sagemaker delete-cluster` if it is not wanted."
        )
        self._tell(stored, Event(type="Warning", reason=Reason.ABANDONED, action="Release", message=message))
        await self._ports.objects.remove_finalizer(stored, CLUSTER_FINALIZER)
        return Gone()

    async def _release(self, stored: StoredObject, verdict: Release) -> Outcome:
        self._tell(stored, Event(type="Normal", reason=verdict.reason, action="Release", message=verdict.message))
        await self._ports.objects.remove_finalizer(stored, CLUSTER_FINALIZER)
        return Gone()

    async def _invalid(self, stored: StoredObject, problems: str) -> Outcome:
        """The spec cannot be read: say so, touch nothing. A deletion with nothing in AWS is let through."""
        status = parse_status(stored)
        if stored.deleting and not status.clusterArn and not status.lastAction:
            return await self._release(
                stored, Release(reason=Reason.RELEASED, message="Nothing was created for this invalid spec.")
            )
        message = f"The spec cannot be read: {problems}. Correct these members; nothing is changed in AWS meanwhile."
        conditions = settle(
            table=CLUSTER.table,
            drafts=summary(ready="False", reason=Reason.INVALID_SPEC, message=message, stalled=True),
            before=status.conditions or [],
            generation=stored.generation,
            now=self._ports.clock.now(),
        )
        asked = reconcile_requested_at(stored) or status.lastHandledReconcileAt
        new = status.model_copy(
            update={
                "observedGeneration": stored.generation,
                "conditions": conditions,
                "lastHandledReconcileAt": asked,
            }
        )
        event = Event(type="Warning", reason=Reason.INVALID_SPEC, action="Parse", message=message)
        known = any(
            condition.reason == Reason.INVALID_SPEC and condition.message == message
            for condition in status.conditions or []
        )
        outcome = Blocked(Reason.INVALID_SPEC, SLOW)
        return await self._record(stored, Report(status=new, events=() if known else (event,), outcome=outcome))

    def _blank(self, resource: Resource) -> Situation:
        """The situation before anything was read."""
        return Situation(
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

    def _tell(self, stored: StoredObject, event: Event) -> None:
        self._ports.events.publish(about=stored, event=event)
        logger.info(
            "%s",
            event.message,
            extra={"reason": str(event.reason), "action": event.action},
        )


def _dump(status: HyperPodClusterStatus) -> dict[str, object]:
    dumped: dict[str, object] = status.model_dump(mode="json", exclude_none=True)
    return dumped


def _gauges(status: HyperPodClusterStatus) -> Gauges:
    nodes, health = status.nodes, status.nodeHealth
    return Gauges(
        conditions={condition.type: condition.status for condition in status.conditions or []},
        target_nodes=(nodes.target or 0) if nodes else 0,
        current_nodes=(nodes.current or 0) if nodes else 0,
        node_health=health.model_dump(exclude={"worst"}) if health else {},
    )
