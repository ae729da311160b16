"""The preview of one claim: the steps in AWS that follow from what AWS shows now, one after the other.

The operator makes one step a pass and then looks again. Here each step is taken for done, with the outcome that AWS
documents, and the same concerns judge what follows. Nodes, pods, Leases and published volumes in Kubernetes are not
read: the operator may wait for them.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

from hyperpod_operator.api.common.missing import Missing
from hyperpod_operator.api.names import Reason
from hyperpod_operator.api.volume.status import ModificationStatus
from hyperpod_operator.core.engine.call import PlannedCall, worst
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.engine.memory import updated
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.preview.model import BEING_DELETED, Preview, Sight
from hyperpod_operator.core.volume.changes import changes_of
from hyperpod_operator.core.volume.concerns import decide
from hyperpod_operator.core.volume.decision import Act, ClaimSnapshot
from hyperpod_operator.core.volume.missing import not_shown
from hyperpod_operator.core.volume.modification import NOTHING, change, pending_change
from hyperpod_operator.core.volume.observed import Lease
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
    TakeLease,
    UnlabelNode,
    fingerprint,
    operation,
)
from hyperpod_operator.core.volume.ports import NewVolume, Volume

A_DAY = timedelta(days=1)
STEPS_MOST = 8
"""Steps of one claim before it waits for something: create, Lease, tags, modify, attach, and some to spare."""
NEW = "the new volume"
"""Stands for the id of a volume that does not exist yet."""
BLOCKING = frozenset(
    {
        Reason.CLAIMED_BY_OTHER,
        Reason.CSI_OWNED,
        Reason.MULTI_ATTACH,
        Reason.NOT_OWNED,
        Reason.VOLUME_AMBIGUOUS,
        Reason.VOLUME_LOST,
    }
)
"""Reasons with which the operator does nothing about the volume until you act."""
KUBERNETES = "Nodes, pods, Leases and PersistentVolumes are not read; the operator may wait for them"


@dataclass(frozen=True, kw_only=True)
class _Steps:
    calls: tuple[PlannedCall, ...]
    then: Wait | None


def preview_claim(snapshot: ClaimSnapshot, *, sight: Sight) -> Preview:
    """`snapshot` has the spec of the manifest and what AWS shows of the cluster, its nodes and the volume."""
    steps, claim = _steps(snapshot), snapshot.claim
    then, calls = steps.then, steps.calls
    stuck = then is not None and not calls and then.reason in BLOCKING
    question = "what follows" if calls else "what the operator does"
    waits = () if then is None or stuck else (f"{question}: {then.message}",)
    return Preview(
        name=str(claim.key),
        cluster_name=claim.spec.clusterRef.name or claim.spec.clusterRef.clusterName or snapshot.cluster_arn,
        region=snapshot.here.region,
        exists=snapshot.volume is not None,
        calls=calls,
        blocked=then.message if then is not None and stuck else "",
        notes=(KUBERNETES, BEING_DELETED) if claim.deleting else (KUBERNETES,),
        unknown=(*sight.refused, *waits),
    )


def _steps(snapshot: ClaimSnapshot) -> _Steps:
    calls: list[PlannedCall] = []
    for _ in range(STEPS_MOST):
        snapshot = _joined(_later(snapshot))
        found = decide(snapshot)
        if isinstance(found, Wait):
            return _Steps(calls=tuple(calls), then=found)
        if not isinstance(found, Act):
            break
        if isinstance(found.step, CloudStep):
            calls.append(_call(snapshot, found.step))
        following = _after(snapshot, found)
        if following is None:
            break
        snapshot = following
    return _Steps(calls=tuple(calls), then=None)


def _later(snapshot: ClaimSnapshot) -> ClaimSnapshot:
    """As after the time that the operator takes over a second look for earlier volumes, and to collect edits."""
    status, before = snapshot.claim.status, stamp(snapshot.now - A_DAY)
    known: dict[str, object] = {}
    if status.observed is None and status.attachment is None and (what := not_shown(snapshot)):
        known["missing"] = Missing(what=what, since=before)
    if snapshot.volume is not None and change(snapshot) != NOTHING:
        collected = {"pendingChange": pending_change(snapshot), "pendingSince": before}
        known["modification"] = updated(status.modification or ModificationStatus(), collected)
    return replace(snapshot, claim=replace(snapshot.claim, status=updated(status, known)))


def _joined(snapshot: ClaimSnapshot) -> ClaimSnapshot:
    """With AWS's nodes taken for ready and in the volume's zone: Kubernetes alone knows both."""
    volume = snapshot.volume
    zone, zone_id = (volume.availability_zone, volume.availability_zone_id) if volume is not None else ("", "")
    nodes = tuple(
        replace(one, ready=True, availability_zone=zone, availability_zone_id=zone_id) if one.ready is None else one
        for one in snapshot.observed.nodes
    )
    return replace(snapshot, observed=replace(snapshot.observed, nodes=nodes))


def _call(snapshot: ClaimSnapshot, step: CloudStep) -> PlannedCall:
    changes = changes_of(snapshot, step)
    effect = worst(tuple(change.effect for change in changes))
    return PlannedCall(operation=operation(step), effect=effect, fingerprint=fingerprint(step), changes=changes)


def _after(snapshot: ClaimSnapshot, act: Act) -> ClaimSnapshot | None:
    """The snapshot when the step is done; None after a step that later ones depend on by more than AWS's answer."""
    volume, seen = snapshot.volume, snapshot.observed
    match act.step:
        case CreateVolume(request=request):
            return replace(snapshot, observed=replace(seen, tagged=(_made(request),)))
        case TakeLease(holder=holder):
            return replace(snapshot, observed=replace(seen, lease=Lease(holder=holder, holder_alive=True)))
        case CreateTags() | DeleteTags() | ModifyVolume():
            return None if volume is None else _with(snapshot, volume, _changed(volume, act.step))
        case (
            Attach()
            | Detach()
            | CreateSnapshot()
            | DeleteVolume()
            | LabelNode()
            | UnlabelNode()
            | PublishPV()
            | PublishPVC()
            | RemovePV()
            | RemovePVC()
            | DropLease()
        ):
            return None
        case _:
            assert_never(act.step)


def _changed(volume: Volume, step: CreateTags | DeleteTags | ModifyVolume) -> Volume:
    match step:
        case CreateTags(tags=tags):
            return replace(volume, tags={**volume.tags, **tags})
        case DeleteTags(keys=keys):
            return replace(volume, tags={key: value for key, value in volume.tags.items() if key not in keys})
        case ModifyVolume(change=asked):
            return replace(
                volume,
                size=asked.size or volume.size,
                volume_type=asked.volume_type or volume.volume_type,
                iops=asked.iops or volume.iops,
                throughput=asked.throughput or volume.throughput,
            )
        case _:
            assert_never(step)


def _with(snapshot: ClaimSnapshot, before: Volume, after: Volume) -> ClaimSnapshot:
    """The snapshot with the volume as it is then, wherever it was found."""
    seen = snapshot.observed
    return replace(
        snapshot,
        observed=replace(
            seen,
            volume=after if seen.volume is before else seen.volume,
            tagged=tuple(after if one is before else one for one in seen.tagged),
            former=tuple(after if one is before else one for one in seen.former) if seen.former is not None else None,
        ),
    )


def _made(request: NewVolume) -> Volume:
    return Volume(
        volume_id=NEW,
        state="available",
        size=request.size or 0,
        volume_type=request.volume_type,
        iops=request.iops,
        throughput=request.throughput,
        encrypted=bool(request.encrypted),
        kms_key_id=request.kms_key_id,
        availability_zone=request.availability_zone,
        availability_zone_id=request.availability_zone_id,
        snapshot_id=request.snapshot_id,
        tags=dict(request.tags),
    )
