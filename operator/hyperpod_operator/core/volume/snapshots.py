"""The request for a snapshot of a claim's volume, whatever it is made for."""

from hyperpod_operator.api import names
from hyperpod_operator.core.volume.claim import Claim
from hyperpod_operator.core.volume.plan import DESCRIPTION_MOST, CreateSnapshot
from hyperpod_operator.core.volume.ports import Volume


def request(claim: Claim, volume: Volume, *, purpose: str, before: str, instance_id: str = "") -> CreateSnapshot:
    """`purpose` is the value of the tag snapshot-purpose, `before` says in words what follows; `instance_id` is the
    instance that the snapshot is about, empty for none. The tags find it again: CreateSnapshot has no token. That of
    the EKS cluster is the volume's own, so that IAM can hold a snapshot to it as it holds the volume."""
    eks = volume.tags.get(names.TAG_EKS_CLUSTER)
    tags = {
        **claim.user_tags,
        **({names.TAG_EKS_CLUSTER: eks} if eks else {}),
        names.TAG_CLAIM_UID: claim.uid,
        names.TAG_OWNER: claim.owner,
        names.TAG_SNAPSHOT_PURPOSE: purpose,
    }
    return CreateSnapshot(
        volume_id=volume.volume_id,
        description=f"EBSVolumeClaim {claim.key}, before {before}"[:DESCRIPTION_MOST],
        tags=tags | {names.TAG_INSTANCE: instance_id} if instance_id else tags,
    )
