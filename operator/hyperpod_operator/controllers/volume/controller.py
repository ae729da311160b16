"""One pass over one EBSVolumeClaim: observe, decide, act, report.

The order of writes is the same as for clusters: the finalizer before anything of ours is in AWS, what a call is meant
to do before the call, then one status with all that was learnt.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace

from hyperpod_operator.api.kinds import VOLUME_CLAIM
from hyperpod_operator.api.names import ABANDON, INSTANCE_GROUP_NAME, VOLUME_CLAIM_FINALIZER, ConditionType, Reason
from hyperpod_operator.api.volume_status import EBSVolumeClaimStatus
from hyperpod_operator.controllers.parse import InvalidSpecError
from hyperpod_operator.controllers.subjects import node_subject
from hyperpod_operator.controllers.volume.act import act
from hyperpod_operator.controllers.volume.counts import Counts
from hyperpod_operator.controllers.volume.interests import Interest, Interests
from hyperpod_operator.controllers.volume.measure import measure_moves
from hyperpod_operator.controllers.volume.observe import Where, observe, recounted, where
from hyperpod_operator.controllers.volume.parse import parse, parse_status
from hyperpod_operator.controllers.volume.ports import VolumePorts
from hyperpod_operator.core.engine.conditions import settle, summary
from hyperpod_operator.core.errors import SLOW, CloudError
from hyperpod_operator.core.health.facts import cluster_id
from hyperpod_operator.core.outcome import Again, Blocked, Failed, Gone, Outcome
from hyperpod_operator.core.ports import Event, Key, KubernetesError, ObjectGone, StaleObject, StoredObject
from hyperpod_operator.core.tenancy import Named, Tenancy
from hyperpod_operator.core.volume.claim import Claim
from hyperpod_operator.core.volume.effective import asks_for_tags, call_names, region_names, spec_names
from hyperpod_operator.core.volume.events import on_node
from hyperpod_operator.core.volume.observed import Observed
from hyperpod_operator.core.volume.plan import Attach, CloudStep, CreateVolume, Step
from hyperpod_operator.core.volume.policy import decide
from hyperpod_operator.core.volume.ports import VolumeCloud
from hyperpod_operator.core.volume.report import Report, intent, report
from hyperpod_operator.core.volume.story import Story
from hyperpod_operator.core.volume.target import Resolved, resolve
from hyperpod_operator.core.volume.timings import VolumeTimings
from hyperpod_operator.core.volume.verdict import Act, Hold, Release, Situation
from hyperpod_operator.core.volume.whereabouts import Place, misplaced, place_of

logger = logging.getLogger(__name__)

KUBERNETES_PAUSE = 5.0
"""Shortest pause in seconds after the API server failed."""


class VolumeController:
    """Reconciles EBSVolumeClaims. Holds no truth: only whom a Node wakes, and how full nodes were lately.

    `regions` are those that a claim may name, the installation's own among them.
    """

    def __init__(
        self, *, ports: VolumePorts, timings: VolumeTimings, regions: frozenset[str], tenancy: Tenancy
    ) -> None:
        self._ports = ports
        self._tenancy = tenancy
        self._timings = timings
        self._regions = regions
        self._interests = Interests()
        self._counts = Counts(monotonic=ports.clock.monotonic)

    def node_changed(self, name: str) -> tuple[Key, ...]:
        """A Node came, changed or went: the claims that have to be looked at."""
        node = self._ports.nodes.get(name)
        labels = self._interests.news(name, node)
        told = node.labels.get(INSTANCE_GROUP_NAME, "") if node else ""
        woken = self._interests.of(
            node_name=name,
            cluster=node.cluster_id if node else None,
            group=told or (self._ports.views.group_of(node.cluster_id, node.instance_id) if node else ""),
            labels=labels,
        )
        if labels is None:
            for cluster in {cluster for cluster, _ in woken}:
                self._ports.views.changed(cluster)
        return tuple(key for _, key in woken)

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
            self._interests.forget(key)
            self._counts.forget(key)
            self._ports.metrics.claim_gone(key=key)
        return outcome

    async def _pass(self, key: Key, failures: int) -> Outcome:
        stored = await self._ports.claims.read(key)
        if stored is None or (stored.deleting and VOLUME_CLAIM_FINALIZER not in stored.finalizers):
            return Gone()
        if stored.deleting and stored.annotations.get(ABANDON) == stored.key.name:
            return await self._abandon(stored)
        try:
            claim = parse(stored)
        except InvalidSpecError as error:
            return await self._invalid(stored, str(error))
        return await self._valid(stored, claim, failures)

    async def _valid(self, stored: StoredObject, claim: Claim, failures: int) -> Outcome:
        at = await where(ports=self._ports, claim=claim)
        refusal = self._refusal(claim, at.region)
        if refusal is not None:
            return await self._finish(stored, Story(situation=self._blank(claim), verdict=_not_allowed(refusal)))
        if at.region and at.region not in self._regions:
            hold = Hold(reason=Reason.REGION_NOT_ALLOWED, message=_refused(at.region), after=SLOW, stalled=True)
            return await self._finish(stored, Story(situation=self._blank(claim), verdict=hold))
        if (elsewhere := misplaced(claim, self._place(at))) is not None:
            return await self._finish(stored, Story(situation=self._blank(claim), verdict=elsewhere))
        cloud = self._ports.cloud.volumes(region=at.region)
        try:
            observed = await observe(ports=self._ports, cloud=cloud, counts=self._counts, claim=claim, at=at)
        except (CloudError, KubernetesError) as error:
            return await self._unread(stored, claim, error, failures)
        seen = observed.cluster
        if seen is not None and (elsewhere := misplaced(claim, place_of(seen.arn))) is not None:
            return await self._finish(stored, Story(situation=self._blank(claim), verdict=elsewhere))
        counted = recounted(observed, counts=self._counts, claim=claim)
        situation = self._situation(claim, counted, region=self._place(at).region)
        self._note_interest(situation)
        verdict = decide(situation)
        if isinstance(verdict, Act):
            self._note_choice(situation, verdict)
            try:
                refusal = await self._refused_call(situation, verdict.step)
            except CloudError as error:
                return await self._unread(stored, claim, error, failures)
            if refusal is not None:
                self._counts.forget(claim.key)
                return await self._finish(stored, Story(situation=situation, verdict=_not_allowed(refusal)))
            return await self._act(stored, situation, verdict, cloud, failures)
        return await self._finish(stored, Story(situation=situation, verdict=verdict))

    def _refusal(self, claim: Claim, region: str, called: tuple[Named, ...] = ()) -> str | None:
        """Why the namespace may not have what the spec names, and `called` with it, in this Region.

        A deletion names nothing new: only what nothing proves to be the claim's own is asked about.
        """
        if claim.deleting and not called:
            return None
        here = () if claim.deleting else region_names(region, own_region=self._ports.cloud.region)
        spec = () if claim.deleting else spec_names(claim)
        return self._tenancy.refusal(namespace=claim.key.namespace, named=(*here, *spec, *called))

    async def _refused_call(self, situation: Situation, step: Step) -> str | None:
        """The same about the very call that is due. Raises CloudError."""
        if self._tenancy.tenants is None or not isinstance(step, CloudStep):
            return None
        region = situation.observed.region
        tags: Mapping[str, str] = {}
        if asks_for_tags(situation, step):
            tags = await self._ports.views.tags(region=region, arn=situation.cluster_arn)
        return self._refusal(situation.claim, region, call_names(situation, step, cluster_tags=tags))

    async def _unread(
        self, stored: StoredObject, claim: Claim, error: CloudError | KubernetesError, failures: int
    ) -> Outcome:
        logger.warning("A pass could not look, or not begin; it is repeated: %s", error)
        return await self._finish(stored, Story(situation=self._blank(claim), unread=error, failures=failures))

    async def _act(
        self, stored: StoredObject, situation: Situation, verdict: Act, cloud: VolumeCloud, failures: int
    ) -> Outcome:
        if not stored.deleting:
            try:
                stored = await self._ports.claims.add_finalizer(stored, VOLUME_CLAIM_FINALIZER)
            except KubernetesError as error:
                return await self._unread(stored, situation.claim, error, failures)
        if (planned := intent(situation, verdict)) is not None:
            stored = await self._ports.claims.write_status(stored, _dump(planned))
            situation = replace(situation, claim=replace(situation.claim, status=planned))
        result = await act(ports=self._ports, cloud=cloud, step=verdict.step)
        story = Story(situation=situation, verdict=verdict, result=result, failures=failures)
        return await self._finish(stored, story)

    async def _finish(self, stored: StoredObject, story: Story) -> Outcome:
        if isinstance(story.verdict, Release):
            return await self._release(stored, story.verdict)
        outcome = await self._record(stored, report(story))
        self._tell_node(story)
        return outcome

    async def _record(self, stored: StoredObject, made: Report) -> Outcome:
        status = _dump(made.status)
        before = parse_status(stored)
        if status != stored.body.get("status"):
            stored = await self._ports.claims.write_status(stored, status)
        for event in made.events:
            self._tell(stored, event)
        self._measure(stored, before, made.status)
        return made.outcome

    async def _abandon(self, stored: StoredObject) -> Outcome:
        """The way out when AWS cannot be asked any more: a person's own word."""
        volume = parse_status(stored).volumeId or "whatever was created for it"
        message = (
            f"Released by the annotation {ABANDON} without asking AWS: {volume} stays as and where it is, with our "
            "tags, and is billed. A PersistentVolume of this claim stays, too. Delete by hand what is not wanted."
        )
        self._tell(stored, Event(type="Warning", reason=Reason.ABANDONED, action="Release", message=message))
        await self._ports.claims.remove_finalizer(stored, VOLUME_CLAIM_FINALIZER)
        return Gone()

    async def _release(self, stored: StoredObject, verdict: Release) -> Outcome:
        self._tell(stored, Event(type="Normal", reason=verdict.reason, action="Release", message=verdict.message))
        await self._ports.claims.remove_finalizer(stored, VOLUME_CLAIM_FINALIZER)
        return Gone()

    async def _invalid(self, stored: StoredObject, problems: str) -> Outcome:
        """The spec cannot be read: say so, touch nothing."""
        status = parse_status(stored)
        message = f"The spec cannot be read: {problems}. Correct these members; nothing is changed in AWS meanwhile."
        conditions = settle(
            table=VOLUME_CLAIM.table,
            drafts=summary(ready="False", reason=Reason.INVALID_SPEC, message=message, stalled=True),
            before=status.conditions or [],
            generation=stored.generation,
            now=self._ports.clock.now(),
        )
        known = any(
            condition.reason == Reason.INVALID_SPEC and condition.message == message
            for condition in status.conditions or []
        )
        event = Event(type="Warning", reason=Reason.INVALID_SPEC, action="Parse", message=message)
        new = status.model_copy(update={"observedGeneration": stored.generation, "conditions": conditions})
        outcome = Blocked(Reason.INVALID_SPEC, SLOW)
        return await self._record(stored, Report(status=new, events=() if known else (event,), outcome=outcome))

    def _note_choice(self, situation: Situation, act: Act) -> None:
        """A node that is chosen by this pass counts from now on, also where its volume is yet to be made."""
        resolution = resolve(situation)
        if isinstance(act.step, CreateVolume | Attach) and isinstance(resolution, Resolved):
            self._counts.chosen(
                region=situation.observed.region,
                key=situation.claim.key,
                instance_id=resolution.node.instance_id,
                volume_id=act.step.volume_id if isinstance(act.step, Attach) else "",
            )

    def _note_interest(self, situation: Situation) -> None:
        recorded, target = situation.claim.status.attachment, situation.claim.spec.attachment.target
        instance = (recorded.instanceId if recorded else None) or ""
        interest = Interest(
            cluster=cluster_id(situation.cluster_arn),
            node_name=(recorded.nodeName if recorded else None) or "",
            waiting=situation.claim.direct and not _settled_on(situation, instance),
            group=(target.instanceGroupName if target else None) or "",
            label=situation.claim.label,
        )
        self._interests.note(situation.claim.key, interest)

    def _place(self, at: Where) -> Place:
        """Where this pass asks AWS."""
        return Place(region=at.region or self._ports.cloud.region, account=self._ports.cloud.account)

    def _blank(self, claim: Claim) -> Situation:
        """Of a pass that did not look."""
        return self._situation(claim, Observed(cluster=None, looked=False))

    def _situation(self, claim: Claim, observed: Observed, *, region: str = "") -> Situation:
        now = self._ports.clock.now()
        return Situation(claim=claim, observed=observed, now=now, region=region, timings=self._timings)

    def _measure(self, stored: StoredObject, before: EBSVolumeClaimStatus, after: EBSVolumeClaimStatus) -> None:
        ready = any(one.type == ConditionType.READY and one.status == "True" for one in after.conditions or [])
        used = (after.modification.used24h or 0) if after.modification else 0
        self._ports.metrics.claim_state(
            key=stored.key,
            phase=after.phase or "Pending",
            ready=ready,
            modifications_left=max(0, self._timings.modifications - used),
        )
        measure_moves(before, after, now=self._ports.clock.now(), metrics=self._ports.metrics)

    def _tell_node(self, story: Story) -> None:
        """Whoever looks at the Node sees which volumes came and went, and by whose order."""
        said = on_node(story)
        node = self._ports.nodes.get(said[0]) if said is not None else None
        if said is not None and node is not None:
            self._ports.events.publish(about=node_subject(node), event=said[1])

    def _tell(self, stored: StoredObject, event: Event) -> None:
        self._ports.events.publish(about=stored, event=event)
        logger.info("%s", event.message, extra={"reason": str(event.reason), "action": event.action})


def _settled_on(situation: Situation, instance_id: str) -> bool:
    """Whether the claim's node is there under a name, so that its own changes alone matter."""
    node = situation.observed.node(instance_id)
    return node is not None and bool(node.node_name) and situation.observed.alive(instance_id)


def _not_allowed(refusal: str) -> Hold:
    return Hold(reason=Reason.NOT_ALLOWED, message=refusal, after=SLOW, stalled=True)


def _refused(region: str) -> str:
    return (
        f"Region {region} is not served by this installation. Name a cluster in its own Region, or start the operator "
        f"with --allowed-region={region}."
    )


def _dump(status: EBSVolumeClaimStatus) -> dict[str, object]:
    dumped: dict[str, object] = status.model_dump(mode="json", exclude_none=True)
    return dumped
