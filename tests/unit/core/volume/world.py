"""A very small EC2, HyperPod and API server: they do what they are told, show it, and keep account of wrongs.

Every answer may be lost, before or after the call is carried out; the process may die after a call; volumes show up
late. Whatever AWS would refuse is refused here with AWS's code. What must never be asked is asserted at once.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tests.unit.core.volume.builders import ARN, NOW, UID, cluster, failure, node

from hyperpod_operator.api.names import LABEL_CLAIM_UID, TAG_CLAIM_UID
from hyperpod_operator.core.engine.decision import InSync, RemoveFinalizer
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.observed import GONE
from hyperpod_operator.core.outcome import Blocked, Failed, Gone, Requeue
from hyperpod_operator.core.volume.claim import Claim
from hyperpod_operator.core.volume.concerns import decide
from hyperpod_operator.core.volume.decision import Act, ClaimSnapshot, Decision
from hyperpod_operator.core.volume.device import associated_resource
from hyperpod_operator.core.volume.observed import Candidate, Lease, Observed, PersistentVolume
from hyperpod_operator.core.volume.observed import PersistentVolumeClaim as BoundClaim
from hyperpod_operator.core.volume.pass_record import Accepted, PassRecord, Rejected
from hyperpod_operator.core.volume.plan import (
    Attach,
    CloudStep,
    CreateSnapshot,
    CreateTags,
    CreateVolume,
    DeleteTags,
    DeleteVolume,
    Detach,
    DropLease,
    LabelNode,
    ModifyVolume,
    PublishPV,
    PublishPVC,
    RemovePV,
    RemovePVC,
    Step,
    TakeLease,
    UnlabelNode,
    operation,
)
from hyperpod_operator.core.volume.ports import Attachment, Modification, Snapshot, Volume
from hyperpod_operator.core.volume.report import intent, report

FATES = ("accepted", "lost after", "lost before", "killed after", "throttled", "no room")
DAY = timedelta(days=1)


@dataclass
class World:
    now: datetime = NOW
    volumes: dict[str, Volume] = field(default_factory=dict)
    visible_at: dict[str, datetime] = field(default_factory=dict)
    tokens: dict[str, tuple[Any, str]] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    """Volumes that the operator created."""
    by_operator: set[str] = field(default_factory=set)
    """Volumes whose present attachment the operator asked for."""
    modifications: dict[str, list[datetime]] = field(default_factory=dict)
    latest: dict[str, Modification] = field(default_factory=dict)
    snapshots: list[Snapshot] = field(default_factory=list)
    nodes: dict[str, Candidate] = field(default_factory=dict)
    cluster_status: str = "InService"
    pods: set[str] = field(default_factory=set)
    labelled: set[str] = field(default_factory=set)
    persistent_volume: PersistentVolume | None = None
    persistent_volume_claim: BoundClaim | None = None
    lease: str = ""
    fates: list[str] = field(default_factory=list)
    stale: dict[str, tuple[datetime, Volume]] = field(default_factory=dict)
    """Volumes whose attachment changed a moment ago: until when EC2 shows how they were."""
    lag: float = 0.0
    """Seconds before a new volume or snapshot, or a changed attachment, can be seen."""
    broken: int = 0
    """How many of the next volumes end in error."""
    calls: list[str] = field(default_factory=list)
    released: bool = False

    # What a pass sees.

    def observe(self, owner: Claim) -> Observed:
        self._settle()
        known = owner.volume_id
        shown = {key: self._shown(item) for key, item in self.volumes.items() if self.visible_at[key] <= self.now}
        tagged = tuple(item for item in shown.values() if item.tags.get(TAG_CLAIM_UID) == owner.uid)
        found = shown.get(known)
        chosen = found or (tagged[0] if tagged else None)
        return Observed(
            cluster=cluster(self.cluster_status),
            nodes=tuple(self.nodes.values()),
            volume=found,
            tagged=() if known else tagged,
            modification=self.latest.get(chosen.volume_id) if chosen else None,
            snapshots=tuple(item for item in self.snapshots if self.visible_at[item.snapshot_id] <= self.now),
            labelled=tuple(sorted(self.labelled)),
            pods=tuple(sorted(self.pods)),
            persistent_volume=self.persistent_volume,
            persistent_volume_claim=self.persistent_volume_claim,
            lease=Lease(holder=self.lease, holder_alive=True) if self.lease else None,
        )

    # One pass.

    def step(self, owner: Claim) -> tuple[Claim, Decision, float | None]:
        """One pass; the pause before the next one, None where only the resync or a person brings one."""
        snapshot = ClaimSnapshot(claim=owner, observed=self.observe(owner), now=self.now)
        decision = decide(snapshot)
        result = None
        if isinstance(decision, Act):
            planned = intent(snapshot, decision)
            if planned is not None:
                owner = stored(owner, planned)
                snapshot = replace(snapshot, claim=owner)
            result, killed = self._call(owner, decision.step)
            if killed:
                return owner, decision, 1.0
        made = report(PassRecord(snapshot=snapshot, decision=decision, result=result))
        if isinstance(decision, RemoveFinalizer):
            self.released = True
        owner = stored(owner, made.status)
        match made.outcome:
            case Requeue(after=after) | Blocked(after=after) | Failed(at_least=after):
                return owner, decision, max(after, 1.0)
            case Gone() | _:
                return owner, decision, None

    def run(self, owner: Claim, *, most: int = 300) -> tuple[Claim, Decision]:
        """Passes until one has nothing left to do."""
        for _ in range(most):
            owner, decision, pause = self.step(owner)
            if isinstance(decision, InSync | RemoveFinalizer) or pause is None:
                return owner, decision
            self.now += timedelta(seconds=pause)
        raise AssertionError(f"no end after {most} passes: {decision}; calls: {self.calls[-12:]}")

    def _call(self, owner: Claim, step: Step) -> tuple[Accepted | Rejected | None, bool]:
        if not isinstance(step, CloudStep):
            self._kubernetes(owner, step)
            return Accepted(step=step), False
        fate = self.fates.pop(0) if self.fates else "accepted"
        if fate == "throttled":
            return self._refused(step, ErrorKind.THROTTLED), False
        if fate == "no room" and isinstance(step, Attach):
            return self._refused(step, ErrorKind.INVALID, "AttachmentLimitExceeded"), False
        if fate == "lost before":
            return self._refused(step, ErrorKind.UNKNOWN_OUTCOME), False
        self.calls.append(operation(step))
        try:
            answer = self._carry_out(owner, step)
        except CloudError as error:
            return Rejected(step=step, error=error), False
        if fate == "lost after":
            return self._refused(step, ErrorKind.UNKNOWN_OUTCOME), False
        return Accepted(step=step, answer=answer), fate == "killed after"

    def _refused(self, step: CloudStep, kind: ErrorKind, ec2_code: str = "") -> Rejected:
        return Rejected(step=step, error=failure(kind, ec2_code=ec2_code, operation=operation(step)))

    # AWS.

    def _carry_out(self, owner: Claim, step: CloudStep) -> Any:
        match step:
            case CreateVolume():
                return self._create(owner, step)
            case ModifyVolume():
                return self._modify(step)
            case CreateTags(volume_id=volume_id, tags=tags):
                self._change(volume_id, tags={**self.volumes[volume_id].tags, **tags})
            case DeleteTags(volume_id=volume_id, keys=keys):
                kept = {key: value for key, value in self.volumes[volume_id].tags.items() if key not in keys}
                self._change(volume_id, tags=kept)
            case Attach():
                return self._attach(step)
            case Detach():
                return self._detach(owner, step)
            case CreateSnapshot():
                snapshot = Snapshot(
                    snapshot_id=f"snap-{len(self.snapshots):08x}",
                    volume_id=step.volume_id,
                    state="completed",
                    tags=step.tags,
                )
                self.snapshots.append(snapshot)
                self.visible_at[snapshot.snapshot_id] = self.now + timedelta(seconds=self.lag)
                return snapshot
            case DeleteVolume():
                self._delete(owner, step.volume_id)
        return None

    def _create(self, owner: Claim, step: CreateVolume) -> Volume:
        request = step.request
        if request.client_token in self.tokens:
            params, volume_id = self.tokens[request.client_token]
            if params != request or volume_id not in self.volumes:
                raise failure(ErrorKind.INVALID, ec2_code="IdempotentParameterMismatch")
            return self.volumes[volume_id]
        alive = [key for key in self.made if key in self.volumes and self.volumes[key].state != "error"]
        assert not alive, "a second volume for one claim"
        assert not owner.deleting, "a deleted claim makes a volume"
        volume_id = f"vol-{len(self.tokens) + 1:08x}"
        self.tokens[request.client_token] = (request, volume_id)
        state = "available"
        if self.broken:
            self.broken, state = self.broken - 1, "error"
        made = Volume(
            volume_id=volume_id,
            state=state,
            size=request.size or 1,
            volume_type=request.volume_type,
            iops=request.iops or 3000,
            throughput=request.throughput or 125,
            availability_zone=request.availability_zone,
            availability_zone_id="usw2-az2",
            create_time=self.now,
            tags=dict(request.tags),
        )
        self.volumes[volume_id] = made
        self.visible_at[volume_id] = self.now + timedelta(seconds=self.lag)
        self.made.append(volume_id)
        return replace(made, state="creating")

    def _modify(self, step: ModifyVolume) -> Modification:
        volume, change = self.volumes[step.volume_id], step.change
        started = [at for at in self.modifications.get(step.volume_id, []) if self.now - at < DAY]
        assert len(started) < 4, "a fifth modification within a day"
        assert self.latest.get(step.volume_id) is None or self.latest[step.volume_id].modification_state == "completed"
        assert change.size is None or change.size > volume.size, "a modification that changes nothing"
        self.modifications[step.volume_id] = [*started, self.now]
        self._change(
            step.volume_id,
            size=change.size or volume.size,
            volume_type=change.volume_type or volume.volume_type,
            iops=change.iops or volume.iops,
            throughput=change.throughput or volume.throughput,
        )
        made = Modification(volume_id=step.volume_id, modification_state="optimizing", start_time=self.now)
        self.latest[step.volume_id] = made
        return made

    def _attach(self, step: Attach) -> Attachment:
        volume, target = self.volumes[step.volume_id], self.nodes.get(step.instance_id)
        if volume.attachments and step.volume_id not in self.by_operator:
            raise failure(ErrorKind.INVALID, ec2_code="VolumeInUse")  # a stranger was faster
        assert not volume.attachments, "an attach to a volume that the operator has attached"
        assert self.cluster_status == "InService", "an attach to a cluster that is not InService"
        assert target is not None
        assert target.status == "Running", "an attach to a node that is not Running"
        assert target.availability_zone == volume.availability_zone, "an attach across zones"
        self.by_operator.add(step.volume_id)
        self._put(step.volume_id, step.instance_id)
        return Attachment(state="attaching")

    def _detach(self, owner: Claim, step: Detach) -> None:
        volume = self.volumes[step.volume_id]
        if not volume.attachments and self.now < self.stale[step.volume_id][0]:
            return  # a stranger was faster, and AWS does not show it yet
        assert volume.attachments, "a detach from nothing"
        assert step.volume_id in self.by_operator, "a foreign attachment was ended"
        found = associated_resource(volume.attachments[0].associated_resource)
        assert found is not None
        assert found.instance_id == step.instance_id
        assert self.cluster_status == "InService", "a detach while the cluster is not InService"
        held = self.pods and not owner.immediate and not (owner.deleting and owner.force_delete)
        assert not held, "a detach under a pod in use"
        assert not self.labelled, "a detach while the door is open"
        self._assert_asked_to_leave(owner, found.instance_id)
        self.free(step.volume_id)

    def _assert_asked_to_leave(self, owner: Claim, instance_id: str) -> None:
        """A living node, however ill, keeps its volume unless the spec says otherwise."""
        held, target = self.nodes[instance_id], owner.spec.attachment.target
        stays = target is None or target.instanceGroupName == held.instance_group or target.instanceId == instance_id
        gone = held.status in GONE
        assert gone or owner.suspended or owner.deleting or not stays, "the volume was moved off a living node"

    def _delete(self, owner: Claim, volume_id: str) -> None:
        if volume_id not in self.volumes:
            return
        volume = self.volumes[volume_id]
        assert volume_id in self.made, "a volume was deleted that is not ours"
        assert volume.tags.get(TAG_CLAIM_UID) == UID
        assert owner.deleting or volume.state == "error", "a living claim's volume was deleted"
        if volume.state != "error":
            assert owner.reclaim_policy != "Retain", "a retained volume was deleted"
            final = [item for item in self.snapshots if item.volume_id == volume_id]
            assert not owner.snapshots_first or final, "a volume was deleted before its snapshot"
            assert len(final) <= 1, "more than one snapshot"
        if volume.attachments:
            raise failure(ErrorKind.INVALID, ec2_code="VolumeInUse")
        del self.volumes[volume_id]

    def _shown(self, volume: Volume) -> Volume:
        until, was = self.stale.get(volume.volume_id, (NOW, volume))
        return replace(volume, state=was.state, attachments=was.attachments) if self.now < until else volume

    def _grow_stale(self, volume_id: str) -> None:
        self.stale[volume_id] = (self.now + timedelta(seconds=self.lag), self._shown(self.volumes[volume_id]))

    def _put(self, volume_id: str, instance_id: str) -> None:
        self._grow_stale(volume_id)
        attachment = Attachment(
            state="attached",
            associated_resource=f"{ARN}-{instance_id}",
            attach_time=self.now,
            delete_on_termination=False,
        )
        self._change(volume_id, state="in-use", attachments=(attachment,))

    def free(self, volume_id: str) -> None:
        self.by_operator.discard(volume_id)
        self._grow_stale(volume_id)
        self._change(volume_id, state="available", attachments=())

    def _change(self, volume_id: str, **members: Any) -> None:
        self.volumes[volume_id] = replace(self.volumes[volume_id], **members)

    def _settle(self) -> None:
        """Modifications end after five minutes."""
        for volume_id, item in self.latest.items():
            if item.start_time and self.now - item.start_time > timedelta(minutes=5):
                self.latest[volume_id] = replace(item, modification_state="completed")

    # Kubernetes.

    def _kubernetes(self, owner: Claim, step: Step) -> None:
        match step:
            case LabelNode(node_name=name):
                holders = {
                    found.instance_id
                    for volume in self.volumes.values()
                    for item in self._shown(volume).attachments
                    if (found := associated_resource(item.associated_resource))
                }
                assert name.removeprefix("hyperpod-") in holders, "a label on a node that does not hold the volume"
                self.labelled.add(name)
            case UnlabelNode(node_name=name):
                self.labelled.discard(name)
            case PublishPV(manifest=manifest):
                self.persistent_volume = PersistentVolume(
                    name=manifest.name,
                    uid="pv",
                    claim_uid=manifest.claim_uid,
                    capacity=100,
                    reserved_for=manifest.reserved_for,
                )
            case PublishPVC(manifest=manifest):
                metadata = manifest["metadata"]
                self.persistent_volume_claim = BoundClaim(
                    name=metadata["name"], uid="pvc", claim_uid=metadata["labels"][LABEL_CLAIM_UID]
                )
            case RemovePV():
                self.persistent_volume = None
            case RemovePVC():
                self.persistent_volume_claim = None
            case TakeLease(holder=holder, replaces=replaces):
                assert self.lease == replaces
                self.lease = holder
            case DropLease():
                self.lease = ""

    # Others.

    def holder(self) -> str:
        """The instance that a volume of the operator's is attached to, or nothing."""
        for volume_id in self.by_operator:
            for item in self.volumes[volume_id].attachments:
                found = associated_resource(item.associated_resource)
                return found.instance_id if found else ""
        return ""

    def lose(self, instance_id: str) -> None:
        """AWS ends the instance; the Node goes, and with it its labels and pods. The attachment stays for now."""
        self.nodes[instance_id] = replace(self.nodes[instance_id], status="ShuttingDown", ready=False)
        self.labelled.discard(f"hyperpod-{instance_id}")
        if self.holder() == instance_id:
            self.pods.clear()

    def let_go(self) -> None:
        """AWS releases what was attached to instances that are gone."""
        for volume_id, item in list(self.volumes.items()):
            for attachment in item.attachments:
                found = associated_resource(attachment.associated_resource)
                if found and self.nodes[found.instance_id].status in GONE:
                    self.free(volume_id)

    def launch(self, instance_id: str, group: str = "workers", **members: Any) -> None:
        self.nodes[instance_id] = node(instance_id, group, launched_at=self.now, **members)

    def attach_by_hand(self, volume_id: str, instance_id: str) -> None:
        self.by_operator.discard(volume_id)
        self._put(volume_id, instance_id)


def stored(owner: Claim, status: Any) -> Claim:
    """The claim as it is read back."""
    return replace(owner, status=type(owner.status).model_validate(status.model_dump(mode="json", exclude_none=True)))
