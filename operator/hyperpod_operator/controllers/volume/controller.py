"""What is particular about a pass over an EBSVolumeClaim; `controllers/reconciler.py` has what all kinds share."""

import logging
from collections.abc import Mapping
from dataclasses import replace

from hyperpod_operator.api.kinds import VOLUME_CLAIM
from hyperpod_operator.api.names import INSTANCE_GROUP_NAME, Reason
from hyperpod_operator.api.volume.status import EBSVolumeClaimStatus
from hyperpod_operator.controllers.object_references import node_reference
from hyperpod_operator.controllers.reconciler import Reconciler
from hyperpod_operator.controllers.volume.act import act, last_look
from hyperpod_operator.controllers.volume.candidates import Candidates
from hyperpod_operator.controllers.volume.counts import Counts
from hyperpod_operator.controllers.volume.measure import measure_moves
from hyperpod_operator.controllers.volume.observe import Where, is_settled, observe, recounted, where
from hyperpod_operator.controllers.volume.parse import parse
from hyperpod_operator.controllers.volume.ports import VolumePorts
from hyperpod_operator.controllers.volume.watch_mapping import Watched, WatchMapping
from hyperpod_operator.core.confirm import Confirm
from hyperpod_operator.core.engine.decision import InSync, RemoveFinalizer, Report, Wait
from hyperpod_operator.core.errors import SLOW, CloudError
from hyperpod_operator.core.location import NOWHERE, Location, cluster_id, location_of
from hyperpod_operator.core.ports import Key, KubernetesError, StoredObject
from hyperpod_operator.core.tenancy import Named, Tenancy
from hyperpod_operator.core.volume.audit import audited
from hyperpod_operator.core.volume.claim import Claim
from hyperpod_operator.core.volume.clocks import with_moments_until
from hyperpod_operator.core.volume.concerns import decide
from hyperpod_operator.core.volume.decision import Act, ClaimSnapshot, Conclusion
from hyperpod_operator.core.volume.effective import asks_for_tags, call_names, region_names, spec_names
from hyperpod_operator.core.volume.events import on_node
from hyperpod_operator.core.volume.observed import Observed
from hyperpod_operator.core.volume.pass_record import PassRecord
from hyperpod_operator.core.volume.plan import Attach, CloudStep, CreateVolume, Step
from hyperpod_operator.core.volume.report import intent, report
from hyperpod_operator.core.volume.target import Resolved, resolve
from hyperpod_operator.core.volume.timings import VolumeTimings
from hyperpod_operator.core.volume.whereabouts import misplaced

logger = logging.getLogger(__name__)


class VolumeController(Reconciler[Claim, EBSVolumeClaimStatus, PassRecord]):
    """Reconciles EBSVolumeClaims. Holds no truth: only whom a Node wakes, and how full nodes were lately.

    `regions` are those that a claim may name, the installation's own among them.
    """

    def __init__(
        self, *, ports: VolumePorts, timings: VolumeTimings, regions: frozenset[str], tenancy: Tenancy
    ) -> None:
        super().__init__(
            kind=VOLUME_CLAIM,
            status=EBSVolumeClaimStatus,
            objects=ports.claims,
            events=ports.events,
            metrics=ports.metrics,
            clock=ports.clock,
        )
        self._ports = ports
        self._tenancy = tenancy
        self._timings = timings
        self._regions = regions
        self._interests = WatchMapping()
        self._counts = Counts(monotonic=ports.clock.monotonic)
        self._candidates = Candidates(ports=ports, counts=self._counts)

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

    def forget(self, key: Key) -> None:
        self._interests.forget(key)
        self._counts.forget(key)

    def parse(self, stored: StoredObject) -> Claim:
        return parse(stored)

    async def look(self, stored: StoredObject, claim: Claim, failures: int) -> PassRecord:  # noqa: ARG002
        claim = replace(claim, status=with_moments_until(claim.status, now=self._ports.clock.now()))
        at = await where(ports=self._ports, claim=claim)
        refusal = self._refusal(claim, at.region)
        if refusal is not None:
            return PassRecord(snapshot=self._blank(claim), decision=_not_allowed(refusal))
        if at.region and at.region not in self._regions:
            hold = Wait(reason=Reason.REGION_NOT_ALLOWED, message=_refused(at.region), after=SLOW, stalled=True)
            return PassRecord(snapshot=self._blank(claim), decision=hold)
        here = await self._ports.cloud.location(region=at.region)
        if (elsewhere := misplaced(claim, here, clusters=at.records)) is not None:
            return PassRecord(snapshot=self._blank(claim), decision=elsewhere)
        try:
            snapshot, decision = await self._judged(claim, at, here)
        except (CloudError, KubernetesError) as error:
            return self._unread(claim, error, failures)
        if not snapshot.observed.looked:
            return PassRecord(snapshot=snapshot, decision=decision)
        self._note_interest(snapshot)
        if isinstance(decision, Act):
            self._note_choice(snapshot, decision)
            try:
                refusal = await self._refused_call(snapshot, decision.step)
            except CloudError as error:
                return self._unread(claim, error, failures)
            if refusal is not None:
                self._counts.forget(claim.key)
                return PassRecord(snapshot=snapshot, decision=_not_allowed(refusal))
            return await self._checked(snapshot, decision, failures)
        return PassRecord(snapshot=snapshot, decision=decision, failures=failures)

    async def _judged(self, claim: Claim, at: Where, here: Location) -> tuple[ClaimSnapshot, Conclusion]:
        """What others read a while ago is enough to leave a claim alone. It is not enough for anything else: a pod may
        have come to the volume since."""
        fresh = not is_settled(claim)
        found = await self._judged_by(claim, at, here, fresh=fresh)
        if fresh or isinstance(found[1], InSync):
            return found
        return await self._judged_by(claim, at, here, fresh=True)

    async def _judged_by(
        self, claim: Claim, at: Where, here: Location, *, fresh: bool
    ) -> tuple[ClaimSnapshot, Conclusion]:
        cloud = self._ports.cloud.volumes(region=at.region)
        observed = await observe(
            ports=self._ports, cloud=cloud, candidates=self._candidates, claim=claim, at=at, fresh=fresh
        )
        seen = observed.cluster
        if seen is not None and (elsewhere := misplaced(claim, location_of(seen.arn))) is not None:
            return self._blank(claim), elsewhere
        counted = recounted(observed, counts=self._counts, claim=claim)
        snapshot = self._situation(claim, counted, here=_proved(here, seen.arn if seen is not None else ""))
        return snapshot, decide(snapshot)

    async def _checked(self, snapshot: ClaimSnapshot, decision: Act, failures: int) -> PassRecord:
        """The record of a pass that acts, unless a check before the creation of a volume fails."""
        if self._ports.preflight is None:
            return PassRecord(snapshot=snapshot, decision=decision, failures=failures)
        checked, waits = await self._ports.preflight.check(snapshot, decision.step)
        if waits is not None:
            self._counts.forget(snapshot.claim.key)
        return PassRecord(snapshot=snapshot, decision=waits or decision, failures=failures, preflight=checked)

    def needs_finalizer(self, record: PassRecord) -> bool:
        return self.acts(record)

    def not_begun(self, record: PassRecord, error: KubernetesError) -> PassRecord:
        return self._unread(record.snapshot.claim, error, record.failures)

    def acts(self, record: PassRecord) -> bool:
        return isinstance(record.decision, Act)

    def intent(self, record: PassRecord) -> tuple[PassRecord, EBSVolumeClaimStatus | None]:
        snapshot = record.snapshot
        planned = intent(snapshot, _acting(record))
        if planned is None:
            return record, None
        if record.preflight is not None:
            planned = planned.model_copy(update={"preflight": record.preflight})
        return replace(record, snapshot=replace(snapshot, claim=replace(snapshot.claim, status=planned))), planned

    async def act(self, record: PassRecord, *, unedited: Confirm) -> PassRecord:
        cloud, step = self._ports.cloud.volumes(region=record.snapshot.observed.region), _acting(record).step
        confirm = last_look(record.snapshot, step, cloud=cloud, unedited=unedited)
        made = replace(record, result=await act(ports=self._ports, cloud=cloud, step=step, confirm=confirm))
        entry = audited(made)
        if entry is not None:
            self._ports.audit.record(entry)
        return made

    def releases(self, record: PassRecord) -> RemoveFinalizer | None:
        return record.decision if isinstance(record.decision, RemoveFinalizer) else None

    def report(self, record: PassRecord) -> Report[EBSVolumeClaimStatus]:
        return report(record)

    def recorded(
        self,
        stored: StoredObject,  # noqa: ARG002
        *,
        record: PassRecord | None,
        before: EBSVolumeClaimStatus,
        after: EBSVolumeClaimStatus,
    ) -> None:
        measure_moves(before, after, now=self._ports.clock.now(), metrics=self._ports.metrics)
        if record is not None:
            self._tell_node(record)

    def untouched(self, status: EBSVolumeClaimStatus) -> bool:
        return not (status.volumeId or status.operations or status.remembered.creation or status.persistentVolumeName)

    def left_behind(self, status: EBSVolumeClaimStatus) -> str:
        return (
            f"{status.volumeId or 'whatever was created for it'} stays as it is, with the operator's tags, and "
            "incurs cost. A PersistentVolume of this claim stays, too. Delete what you do not need."
        )

    def _refusal(self, claim: Claim, region: str, called: tuple[Named, ...] = ()) -> str | None:
        """Why the namespace may not have what the spec names, and `called` with it, in this Region.

        A deletion names nothing new: only what nothing proves to be the claim's own is asked about.
        """
        if claim.deleting and not called:
            return None
        here = () if claim.deleting else region_names(region, own_region=self._ports.cloud.region)
        spec = () if claim.deleting else spec_names(claim)
        return self._tenancy.refusal(namespace=claim.key.namespace, named=(*here, *spec, *called))

    async def _refused_call(self, snapshot: ClaimSnapshot, step: Step) -> str | None:
        """The same about the very call that is due. Raises CloudError."""
        if self._tenancy.tenants is None or not isinstance(step, CloudStep):
            return None
        region = snapshot.observed.region
        tags: Mapping[str, str] = {}
        if asks_for_tags(snapshot, step):
            tags = await self._ports.views.tags(region=region, arn=snapshot.cluster_arn)
        return self._refusal(snapshot.claim, region, call_names(snapshot, step, cluster_tags=tags))

    def _unread(self, claim: Claim, error: CloudError | KubernetesError, failures: int) -> PassRecord:
        logger.warning("A pass could not look, or not begin; it is repeated: %s", error)
        return PassRecord(snapshot=self._blank(claim), unread=error, failures=failures)

    def _note_choice(self, snapshot: ClaimSnapshot, act: Act) -> None:
        """A node that is chosen by this pass counts from now on, also where its volume is yet to be made."""
        resolution = resolve(snapshot)
        if isinstance(act.step, CreateVolume | Attach) and isinstance(resolution, Resolved):
            self._counts.chosen(
                region=snapshot.observed.region,
                key=snapshot.claim.key,
                instance_id=resolution.node.instance_id,
                volume_id=act.step.volume_id if isinstance(act.step, Attach) else "",
            )

    def _note_interest(self, snapshot: ClaimSnapshot) -> None:
        recorded = snapshot.claim.status.attachment
        instance = (recorded.instanceId if recorded else None) or ""
        interest = Watched(
            cluster=cluster_id(snapshot.cluster_arn),
            node_name=(recorded.nodeName if recorded else None) or "",
            waiting=snapshot.claim.direct and not _settled_on(snapshot, instance),
            group=snapshot.claim.group,
            label=snapshot.claim.label,
        )
        self._interests.note(snapshot.claim.key, interest)

    def _blank(self, claim: Claim) -> ClaimSnapshot:
        """Of a pass that did not look."""
        return self._situation(claim, Observed(cluster=None, looked=False))

    def _situation(self, claim: Claim, observed: Observed, *, here: Location = NOWHERE) -> ClaimSnapshot:
        now = self._ports.clock.now()
        return ClaimSnapshot(claim=claim, observed=observed, now=now, here=here, timings=self._timings)

    def _tell_node(self, pass_record: PassRecord) -> None:
        """Whoever looks at the Node sees which volumes came and went, and by whose order."""
        said = on_node(pass_record)
        node = self._ports.nodes.get(said[0]) if said is not None else None
        if said is not None and node is not None:
            self._ports.events.publish(about=node_reference(node), event=said[1])


def _settled_on(snapshot: ClaimSnapshot, instance_id: str) -> bool:
    """Whether the claim's node is there under a name and takes volumes, so that its own changes alone matter."""
    node = snapshot.observed.node(instance_id)
    there = node is not None and bool(node.node_name) and not node.drained_for
    stays = node is not None and snapshot.claim.group in {"", node.instance_group}
    return there and stays and snapshot.observed.alive(instance_id)


def _proved(here: Location, cluster_arn: str) -> Location:
    """With the account of a cluster that this pass saw: DescribeCluster finds those of its own account alone."""
    return here if here.account else replace(here, account=location_of(cluster_arn).account)


def _not_allowed(refusal: str) -> Wait:
    return Wait(reason=Reason.NOT_ALLOWED, message=refusal, after=SLOW, stalled=True)


def _refused(region: str) -> str:
    return (
        f"Region {region} is not served by this installation. Name a cluster in its own Region, or start the operator "
        f"with --allowed-region={region}."
    )


def _acting(record: PassRecord) -> Act:
    if not isinstance(record.decision, Act):
        raise AssertionError("asked only of a pass that acts")
    return record.decision
