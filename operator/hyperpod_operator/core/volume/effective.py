"""What a pass over a claim names in AWS: the spec early, for a message, and the very call just before it is made.

Names that come from status or from another object prove nothing. A volume is the claim's own when EC2 shows the claim's
uid on it in this very pass; a cluster that the claim names by its object is the namespace's own when the cluster's
ownership tags say so. Everything else has to be on the list of the tenant, as if the spec had named it.
"""

from collections.abc import Mapping
from typing import assert_never

from hyperpod_operator.api.names import TAG_EKS_CLUSTER, TAG_OWNER
from hyperpod_operator.core.tenancy import Matter, Named
from hyperpod_operator.core.tenancy.names import names_of_claim
from hyperpod_operator.core.volume.claim import Claim
from hyperpod_operator.core.volume.decision import ClaimSnapshot
from hyperpod_operator.core.volume.plan import (
    Attach,
    CloudStep,
    CreateSnapshot,
    CreateTags,
    CreateVolume,
    DeleteTags,
    DeleteVolume,
    Detach,
    ModifyVolume,
)
from hyperpod_operator.core.volume.tags import ours


def spec_names(claim: Claim) -> tuple[Named, ...]:
    """What the spec names. Where it is carried out follows from its cluster: see `region_names`."""
    return names_of_claim(claim.spec.model_dump(mode="json", exclude_none=True))


def region_names(region: str, *, own_region: str) -> tuple[Named, ...]:
    """The Region of every call of the pass, wherever it comes from: an ARN, the cluster's object, status."""
    if region:
        return (Named("the Region of the cluster,", region, Matter.REGIONS),)
    return (Named("the operator's own Region", own_region, Matter.REGIONS),)


def call_names(snapshot: ClaimSnapshot, step: CloudStep, *, cluster_tags: Mapping[str, str]) -> tuple[Named, ...]:
    """What a call names that nothing proves to be the claim's own. `cluster_tags` are those of the cluster, read in
    this pass where they matter (`asks_for_tags`)."""
    match step:
        case CreateVolume(request=request):
            made = (
                ("the key of the volume,", request.kms_key_id, Matter.KMS_KEYS),
                ("the snapshot of the volume,", request.snapshot_id, Matter.VOLUMES),
            )
            return tuple(Named(path, value, matter) for path, value, matter in made if value)
        case Attach(cluster_arn=arn, volume_id=volume_id):
            return (*_volume(snapshot, volume_id), *_cluster(snapshot, arn, cluster_tags))
        case (
            Detach(volume_id=volume_id)
            | ModifyVolume(volume_id=volume_id)
            | CreateTags(volume_id=volume_id)
            | DeleteTags(volume_id=volume_id)
            | CreateSnapshot(volume_id=volume_id)
            | DeleteVolume(volume_id=volume_id)
        ):
            # Detaching the claim's own volume harms no cluster, whichever it is.
            return _volume(snapshot, volume_id)
        case _:
            assert_never(step)


def asks_for_tags(snapshot: ClaimSnapshot, step: CloudStep) -> bool:
    """Whether the tags of the cluster decide: the claim attaches to a cluster that its spec names by an object."""
    return isinstance(step, Attach) and snapshot.claim.spec.clusterRef.name is not None


def _volume(snapshot: ClaimSnapshot, volume_id: str) -> tuple[Named, ...]:
    volume = snapshot.volume
    if volume is not None and volume.volume_id == volume_id and ours(snapshot):
        return ()
    return (Named("the volume", volume_id, Matter.VOLUMES),)


def _cluster(snapshot: ClaimSnapshot, arn: str, tags: Mapping[str, str]) -> tuple[Named, ...]:
    claim = snapshot.claim
    if claim.spec.clusterRef.name is None and arn == snapshot.cluster_arn:
        return ()  # what the spec names by ARN or by name is held there, and AWS says which ARN that is
    eks = snapshot.observed.desired_eks_cluster
    if eks and tags.get(TAG_EKS_CLUSTER) == eks and tags.get(TAG_OWNER, "").partition("/")[0] == claim.key.namespace:
        return ()  # a namespace of this name on another EKS cluster is not this one
    return (Named("the cluster", arn, Matter.CLUSTERS),)
