"""Policies about how pods see the volume: the node's label, the PersistentVolume, the PersistentVolumeClaim.

The label is what opens the door: it is set when AWS says attached, and only then.
"""

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.volume import manifest
from hyperpod_operator.core.volume.claim import ATTACHED_LABEL
from hyperpod_operator.core.volume.holding import Held, holding
from hyperpod_operator.core.volume.plan import LabelNode, PublishPV, PublishPVC, RemovePV
from hyperpod_operator.core.volume.verdict import Act, Hold, Situation, Verdict


def label(situation: Situation) -> Verdict | None:
    where, publish = holding(situation), situation.claim.publish
    if publish is None or publish.type != "LocalPV" or not isinstance(where, Held):
        return None
    node = situation.observed.node(where.instance_id)
    if node is None or not node.node_name:
        message = f"{where.instance_id} has not joined Kubernetes; its Node is labelled when it does. Nothing to do."
        return Hold(reason=Reason.NODE_NOT_RUNNING, message=message, after=situation.timings.watch)
    if node.node_name in situation.observed.labelled:
        return None
    step = LabelNode(node_name=node.node_name, key=situation.claim.label, value=ATTACHED_LABEL)
    return Act(step=step, reason=Reason.PUBLISHING, message=f"Labelling node {node.node_name}: it holds the volume.")


def persistent_volume(situation: Situation) -> Verdict | None:
    claim, publish, volume = situation.claim, situation.claim.publish, situation.volume
    if publish is None or volume is None:
        return None
    found = situation.observed.persistent_volume
    if found is None:
        step = PublishPV(manifest=manifest.persistent_volume(claim, volume, publish))
        message = f"Publishing PersistentVolume {claim.persistent_volume_name}."
        return Act(step=step, reason=Reason.PUBLISHING, message=message)
    if found.claim_uid != claim.uid:
        return _taken(situation, f"PersistentVolume {found.name}", remedy="Delete it; this goes on by itself.")
    if found.deleting:
        message = f"PersistentVolume {found.name} is being deleted; it is published again when it is gone."
        return Hold(reason=Reason.PUBLISHING, message=message, after=situation.timings.poll)
    if found.phase in {"Released", "Failed"} and not situation.observed.pods:
        message = f"PersistentVolume {found.name} is {found.phase}, its claim is gone: publishing it anew."
        return Act(step=RemovePV(name=found.name, uid=found.uid), reason=Reason.PUBLISHING, message=message)
    return None


def persistent_volume_claim(situation: Situation) -> Verdict | None:
    claim, publish, volume = situation.claim, situation.claim.publish, situation.volume
    if publish is None or volume is None or not claim.makes_persistent_volume_claim:
        return None
    found = situation.observed.persistent_volume_claim
    if found is None:
        step = PublishPVC(manifest=manifest.persistent_volume_claim(claim, volume, publish))
        message = f"Publishing PersistentVolumeClaim {claim.key.namespace}/{claim.persistent_volume_claim_name}."
        return Act(step=step, reason=Reason.PUBLISHING, message=message)
    if found.claim_uid != claim.uid:
        remedy = "Delete it, or use the one that is there: persistentVolumeClaim.create: false in another claim."
        return _taken(situation, f"PersistentVolumeClaim {found.name}", remedy=remedy)
    if found.deleting:
        message = f"PersistentVolumeClaim {found.name} is being deleted; it is made again when it is gone."
        return Hold(reason=Reason.PUBLISHING, message=message, after=situation.timings.poll)
    return None


def _taken(situation: Situation, what: str, *, remedy: str) -> Hold:
    message = f"{what} exists and was not made for this claim. {remedy}"
    return Hold(reason=Reason.NAME_TAKEN, message=message, after=situation.timings.watch, stalled=True)
