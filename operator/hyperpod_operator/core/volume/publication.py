"""Policies about how pods see the volume: the node's label, the PersistentVolume, the PersistentVolumeClaim.

The label is what opens the door: it is set when AWS says attached, and only then.
"""

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.errors import SLOW
from hyperpod_operator.core.text import listed
from hyperpod_operator.core.volume import manifest
from hyperpod_operator.core.volume.claim import ATTACHED_LABEL, Claim
from hyperpod_operator.core.volume.decision import Act, ClaimSnapshot, Decision
from hyperpod_operator.core.volume.holding import Held, holding
from hyperpod_operator.core.volume.observed import ClaimReference, PersistentVolume, PersistentVolumeClaim
from hyperpod_operator.core.volume.plan import LabelNode, PublishPV, PublishPVC, RemovePV, RemovePVC


def label(snapshot: ClaimSnapshot) -> Decision | None:
    where, publish = holding(snapshot), snapshot.claim.publish
    if publish is None or publish.type != "LocalPV" or not isinstance(where, Held):
        return None
    node = snapshot.observed.node(where.instance_id)
    if node is None or not node.node_name:
        message = (
            f"{where.instance_id} has not joined Kubernetes; the operator labels its Node when it does. Nothing to do."
        )
        return Wait(reason=Reason.NODE_NOT_RUNNING, message=message, after=snapshot.timings.watch)
    if node.node_name in snapshot.observed.labelled:
        return None
    step = LabelNode(node_name=node.node_name, key=snapshot.claim.label, value=ATTACHED_LABEL)
    return Act(step=step, reason=Reason.PUBLISHING, message=f"Labelling node {node.node_name}: it has the volume.")


def persistent_volume(snapshot: ClaimSnapshot) -> Decision | None:
    claim, publish, volume = snapshot.claim, snapshot.claim.publish, snapshot.volume
    if publish is None or volume is None:
        return None
    reserved_for, found = claim.reserved_for, snapshot.observed.persistent_volume
    if reserved_for is None:
        message = (
            "spec.publish names no PersistentVolumeClaim, so any of them could bind the volume; the operator "
            "publishes nothing. Create another EBSVolumeClaim with publish.persistentVolumeClaim.name."
        )
        return Wait(reason=Reason.INVALID_SPEC, message=message, after=SLOW, stalled=True)
    if found is None:
        hostname = _hostname(snapshot) if claim.one_node else ""
        made = manifest.persistent_volume(claim, volume, publish, reserved_for=reserved_for, hostname=hostname)
        message = f"Publishing PersistentVolume {made.name} for PersistentVolumeClaim {reserved_for}.{_data_of(claim)}"
        return Act(step=PublishPV(manifest=made), reason=Reason.PUBLISHING, message=message)
    if found.claim_uid != claim.uid:
        return _taken(snapshot, f"PersistentVolume {found.name}", remedy="Delete it; the operator then continues.")
    if policy := spared(snapshot):
        return policy
    if found.volume_id not in {"", volume.volume_id}:
        message = (
            f"PersistentVolume {found.name} names {found.volume_id}, and the volume of this claim is "
            f"{volume.volume_id}. Delete it and the PersistentVolumeClaim that is bound to it if the data of "
            f"{volume.volume_id} may be read there; the operator then publishes it again."
        )
        return Wait(reason=Reason.NAME_TAKEN, message=message, after=snapshot.timings.watch, stalled=True)
    if found.deleting:
        message = f"PersistentVolume {found.name} is being deleted; the operator publishes it again when it is gone."
        return Wait(reason=Reason.PUBLISHING, message=message, after=snapshot.timings.poll)
    return _offered(snapshot, found, reserved_for) or _misplaced(snapshot, found)


def spared(snapshot: ClaimSnapshot) -> Wait | None:
    """A reclaim policy that somebody edited: the claim alone decides whether the volume is deleted, so nothing goes by
    which the CSI driver would do that.

    Source: sig-storage-lib-external-provisioner, controller/controller.go, shouldDelete: whatever is Released and has
    this policy, who ever made it; the driver's IAM policy allows it by the tags of mode CSI.
    """
    found = snapshot.observed.persistent_volume
    if found is None or not found.deletes or found.claim_uid != snapshot.claim.uid:
        return None
    policy = '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'
    message = (
        f"PersistentVolume {found.name} has the reclaim policy Delete, by which the EBS CSI driver deletes the volume "
        "when its PersistentVolumeClaim is gone. The operator deletes neither of the two. Set it to Retain: kubectl "
        f"patch pv {found.name} -p '{policy}'"
    )
    return Wait(reason=Reason.RECLAIM_POLICY_EDITED, message=message, after=snapshot.timings.watch, stalled=True)


def _offered(snapshot: ClaimSnapshot, found: PersistentVolume, reserved_for: ClaimReference) -> Decision | None:
    """Whom the PersistentVolume lets in: the one PersistentVolumeClaim of the spec, whatever its uid, and no other."""
    held = found.reserved_for
    if held is None:
        message = (
            f"PersistentVolume {found.name} is reserved for no PersistentVolumeClaim, so any of them could bind it: "
            f"publishing it again, for {reserved_for}."
        )
        return Act(step=RemovePV(name=found.name, uid=found.uid), reason=Reason.PUBLISHING, message=message)
    if not held.same_name(reserved_for):
        message = (
            f"PersistentVolume {found.name} is reserved for PersistentVolumeClaim {held} and not for {reserved_for}. "
            f"The volume may hold data of {held}, so the operator does not publish it again. Delete the "
            "PersistentVolume if that data may be read here; the operator publishes it again when it is gone."
        )
        return Wait(reason=Reason.BOUND_TO_OTHER, message=message, after=snapshot.timings.watch, stalled=True)
    if found.phase not in {"Released", "Failed"}:
        return None
    former = f" (uid {held.uid})" if held.uid else ""
    gone = f"PersistentVolume {found.name} is {found.phase}: PersistentVolumeClaim {held}{former} is gone."
    if pods := snapshot.observed.pods:
        named = listed(pods, most=3, separator=", ", rest=" ")
        message = f"{gone} Pods may still use the volume: {named}. The operator publishes it again when they end."
        return Wait(reason=Reason.PUBLISHING, message=message, after=snapshot.timings.poll)
    message = f"{gone} Publishing it again, with its data, for a PersistentVolumeClaim of that name in that namespace."
    return Act(step=RemovePV(name=found.name, uid=found.uid), reason=Reason.PUBLISHING, message=message)


def _misplaced(snapshot: ClaimSnapshot, found: PersistentVolume) -> Decision | None:
    """A PersistentVolume that names a host cannot change: after a move to another one it is published again."""
    now, claim = _hostname(snapshot), snapshot.observed.persistent_volume_claim
    if not found.hostname or not now or found.hostname == now:
        return None
    moved = f"PersistentVolume {found.name} names host {found.hostname}, and the volume is on {now}"
    if snapshot.observed.pods:
        message = f"{moved}. Pods still use it; the operator publishes it again when they end."
        return Wait(reason=Reason.IN_USE, message=message, after=snapshot.timings.poll)
    if claim is None or found.phase not in {"Bound", "Pending"}:
        message = f"{moved}: publishing it again. The data stays on the volume."
        return Act(step=RemovePV(name=found.name, uid=found.uid), reason=Reason.PUBLISHING, message=message)
    if claim.claim_uid != snapshot.claim.uid:
        message = (
            f"{moved}. Delete PersistentVolumeClaim {claim.name} and create it again; the data stays on the volume, "
            "and the operator publishes it again."
        )
        return Wait(reason=Reason.PUBLISHING, message=message, after=snapshot.timings.watch, stalled=True)
    if claim.deleting:
        message = f"{moved}. Waiting until PersistentVolumeClaim {claim.name} is gone."
        return Wait(reason=Reason.PUBLISHING, message=message, after=snapshot.timings.poll)
    step = RemovePVC(namespace=snapshot.claim.key.namespace, name=claim.name, uid=claim.uid)
    message = (
        f"{moved}: deleting PersistentVolumeClaim {claim.name} to publish both again. The data stays on the volume."
    )
    return Act(step=step, reason=Reason.PUBLISHING, message=message)


def _hostname(snapshot: ClaimSnapshot) -> str:
    """Of the node that has the volume; empty where it has none, or its Node does not say."""
    where = holding(snapshot)
    node = snapshot.observed.node(where.instance_id) if isinstance(where, Held) else None
    return node.hostname if node is not None else ""


def _data_of(claim: Claim) -> str:
    former = claim.status.remembered.persistentVolumeClaimUid
    return f" It has the data of an earlier PersistentVolumeClaim of that name (uid {former})." if former else ""


def persistent_volume_claim(snapshot: ClaimSnapshot) -> Decision | None:
    claim, publish, volume = snapshot.claim, snapshot.claim.publish, snapshot.volume
    if publish is None or volume is None:
        return None
    found = snapshot.observed.persistent_volume_claim
    if not claim.makes_persistent_volume_claim:
        return _bound_elsewhere(snapshot, found) if found is not None else None
    if found is None:
        offered = snapshot.observed.persistent_volume
        size = min((offered.capacity if offered is not None else 0) or volume.size, volume.size)
        step = PublishPVC(manifest=manifest.persistent_volume_claim(claim, publish, size=size))
        message = f"Publishing PersistentVolumeClaim {claim.key.namespace}/{claim.persistent_volume_claim_name}."
        return Act(step=step, reason=Reason.PUBLISHING, message=message)
    if found.claim_uid != claim.uid:
        remedy = (
            "Create another EBSVolumeClaim that names another PersistentVolumeClaim, or this one with create: false if "
            "it is bound to no volume. Delete it only if its data is not needed, which can go with it."
        )
        return _taken(snapshot, f"PersistentVolumeClaim {found.name}", remedy=remedy)
    if found.deleting:
        message = f"PersistentVolumeClaim {found.name} is being deleted; the operator creates it again when it is gone."
        return Wait(reason=Reason.PUBLISHING, message=message, after=snapshot.timings.poll)
    return None


def _bound_elsewhere(snapshot: ClaimSnapshot, found: PersistentVolumeClaim) -> Wait | None:
    """A user's own PersistentVolumeClaim of the name that has another volume: its pods write there."""
    ours = snapshot.claim.persistent_volume_name
    if found.volume_name in {"", ours}:
        return None
    message = (
        f"PersistentVolumeClaim {found.name} is bound to PersistentVolume {found.volume_name} and not to {ours}, so "
        "its pods do not use this volume. Name another PersistentVolumeClaim in another EBSVolumeClaim; or delete it, "
        "only if its data is not needed, which can go with it, and create it again with storageClassName "
        f"{snapshot.claim.storage_class}."
    )
    return Wait(reason=Reason.NAME_TAKEN, message=message, after=snapshot.timings.watch, stalled=True)


def _taken(snapshot: ClaimSnapshot, what: str, *, remedy: str) -> Wait:
    message = f"{what} exists and was not created for this claim. {remedy}"
    return Wait(reason=Reason.NAME_TAKEN, message=message, after=snapshot.timings.watch, stalled=True)
