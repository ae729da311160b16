"""Policies about whose the volume is: one claim, one attacher, one volume.

Inside a cluster a Lease decides, because creating one is atomic. Across clusters there are only EC2's tags (see
`adoption`): they are written, looked at again a moment later, and whoever finds another claim's name there steps back.
"""

from hyperpod_operator.api import names
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.errors import SLOW
from hyperpod_operator.core.volume import tags
from hyperpod_operator.core.volume.attachment import elsewhere
from hyperpod_operator.core.volume.decision import Act, ClaimSnapshot, Decision
from hyperpod_operator.core.volume.guards import act_once
from hyperpod_operator.core.volume.holding import Foreign, holding
from hyperpod_operator.core.volume.plan import CreateTags, DeleteTags, TakeLease
from hyperpod_operator.core.volume.ports import Volume

CSI_TAGS = (names.TAG_CSI_CLUSTER, names.TAG_CSI_CREATED_FOR)
PV = "PersistentVolume "
"""How a PersistentVolume is named among `Observed.csi_users`; VolumeAttachments may be those of our own."""


def held_by_other(snapshot: ClaimSnapshot) -> Decision | None:
    """Another claim of this cluster has the volume's Lease; or the tags name it, and this one would take the volume
    from it: the Leases of another installation are in another namespace."""
    claim, volume, observed = snapshot.claim, snapshot.volume, snapshot.observed
    if volume is None:
        return None
    tagged = f"remove the tags {names.TAG_CLAIM_UID} and {names.TAG_OWNER} from the volume"
    for held, record, way in (
        (observed.lease, f"The Lease {volume.volume_id} in the operator's namespace says", "delete the Lease"),
        (observed.tagged_for, f"The tags of {volume.volume_id} say", tagged),
    ):
        if held is None or held.holder == claim.holder or not held.holder_alive:
            continue
        message = (
            f"{volume.volume_id} belongs to the claim {held.holder}. Delete this claim, or set reclaimPolicy: Retain "
            "on that one, so that the volume stays, and delete it; this claim then continues."
            if held.holder_readable
            else f"{record} that the claim {held.holder} has the volume, and the operator may not read that "
            f"namespace. If that claim no longer exists, {way}; this claim then continues."
        )
        return Wait(reason=Reason.CLAIMED_BY_OTHER, message=message, after=snapshot.timings.watch, stalled=True)
    return None


def attached_to_others(snapshot: ClaimSnapshot) -> Decision | None:
    """Attached to what is not of this claim's cluster: never tagged, changed or deleted, in whatever mode. In mode CSI
    the driver attaches the claim's own volume where its pods run."""
    where = holding(snapshot)
    if not isinstance(where, Foreign) or (snapshot.claim.mode == "CSI" and tags.ours(snapshot)):
        return None
    return elsewhere(snapshot, where.who)


def held_by_csi(snapshot: ClaimSnapshot) -> Decision | None:
    """Direct and the CSI driver would detach each other's attachments for ever; and what a PersistentVolumeClaim of
    somebody else was given by the driver is not published a second time."""
    claim, volume = snapshot.claim, snapshot.volume
    if volume is None:
        return None
    if (there := _of_another_cluster(snapshot, volume)) is not None:
        return there
    users = snapshot.observed.csi_users if claim.mode != "CSI" else _published_by_others(snapshot)
    watched = CSI_TAGS if claim.mode != "CSI" else (names.TAG_CSI_CREATED_FOR,)
    marks = [] if claim.forced else [key for key in watched if key in volume.tags]
    if not users and not marks:
        return None
    found = ", ".join([*users[:5], *(f"the tag {key}" for key in marks)])
    instead = ", or use attachment.mode: CSI in a new claim" if claim.mode != "CSI" else ""
    message = (
        f"{volume.volume_id} is managed by the EBS CSI driver ({found}). Remove these{instead}; "
        "management.adoptionPolicy: Force overrides a left-over tag."
    )
    return Wait(reason=Reason.CSI_OWNED, message=message, after=snapshot.timings.watch, stalled=True)


def _of_another_cluster(snapshot: ClaimSnapshot, volume: Volume) -> Wait | None:
    """A volume that the driver of another EKS cluster may attach at any time: no policy takes it.

    Sources: aws-ebs-csi-driver, docs/AmazonEBSCSIDriverPolicyV2.json: cluster-name is the driver's EKS cluster;
    docs/tagging.md: what it makes is tagged as owned by the cluster of its option k8s-tag-cluster-id.
    """
    ours = snapshot.eks_cluster_arn.rpartition("/")[2]
    others = {key: name for key, name in _csi_clusters(volume).items() if name != ours}
    if not others or tags.ours(snapshot):
        return None
    tag, name = min(others.items())
    said = f"{volume.volume_id} is of the EBS CSI driver of the EKS cluster {name} ({tag})."
    why = (
        "The operator adopts no volume of another EKS cluster. If nothing there uses it any more, remove the tag; this "
        "claim then continues."
        if ours
        else "AWS shows no HyperPod cluster of this claim, so the operator does not know whether that is its own."
    )
    return Wait(reason=Reason.CSI_OWNED, message=f"{said} {why}", after=snapshot.timings.watch, stalled=True)


def _csi_clusters(volume: Volume) -> dict[str, str]:
    """Names of the clusters whose driver the volume's tags name, by tag."""
    found = {key: value for key, value in volume.tags.items() if key == names.TAG_CSI_CLUSTER_NAME and value}
    owned = (key for key, value in volume.tags.items() if key.startswith(names.OF_CLUSTER) and value == "owned")
    return found | {key: key.removeprefix(names.OF_CLUSTER) for key in owned}


def _published_by_others(snapshot: ClaimSnapshot) -> tuple[str, ...]:
    """Mode CSI: PersistentVolumes of others beside the one that we publish. Who publishes nothing makes one by hand."""
    if snapshot.claim.publish is None:
        return ()
    return tuple(user for user in snapshot.observed.csi_users if user.startswith(PV))


# [assumption: multi-attach-is-not-used]
def multi_attach(snapshot: ClaimSnapshot) -> Decision | None:
    volume = snapshot.volume
    if volume is None or not volume.multi_attach_enabled or not snapshot.claim.direct:
        return None
    message = (
        f"{volume.volume_id} has Multi-Attach enabled, which mode Direct does not support: the operator could not "
        "distinguish its attachment from others. Disable Multi-Attach, or use attachment.mode: None in "
        "a new claim."
    )
    return Wait(reason=Reason.MULTI_ATTACH, message=message, after=SLOW, stalled=True)


def lease(snapshot: ClaimSnapshot) -> Decision | None:
    claim, volume, lease = snapshot.claim, snapshot.volume, snapshot.observed.lease
    if volume is None or (lease is not None and lease.holder == claim.holder):
        return None
    replaces = lease.holder if lease is not None else ""
    step = TakeLease(volume_id=volume.volume_id, holder=claim.holder, replaces=replaces)
    return Act(step=step, reason=Reason.CLAIMING, message=f"Claiming {volume.volume_id} in this cluster.")


def tag(snapshot: ClaimSnapshot) -> Decision | None:
    volume = snapshot.volume
    if volume is None:
        return None
    if not tags.ours(snapshot):
        return None  # `adoption.take` answers before, and a deleted claim tags nothing
    if absent := tags.missing(snapshot):
        message = f"Setting the tags {', '.join(sorted(absent))} on {volume.volume_id}."
        step = CreateTags(volume_id=volume.volume_id, tags=dict(sorted(absent.items())))
        return act_once(snapshot, step=step, reason=Reason.CLAIMING, message=message)
    if surplus := tags.surplus(snapshot):
        message = f"Removing the tags {', '.join(surplus)} from {volume.volume_id}, which no longer apply."
        delete = DeleteTags(volume_id=volume.volume_id, keys=surplus)
        return act_once(snapshot, step=delete, reason=Reason.CLAIMING, message=message)
    return None
