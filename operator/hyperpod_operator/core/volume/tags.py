"""The tags of the volume: whose it is, and which are missing or in excess. The tag claim-uid alone proves ownership."""

from collections.abc import Mapping

from hyperpod_operator.api import names
from hyperpod_operator.core.text import listed
from hyperpod_operator.core.volume.claim import CREATED, CSI_TAGS
from hyperpod_operator.core.volume.decision import ClaimSnapshot


# [assumption: volume-is-made-with-its-tags]
def ours(snapshot: ClaimSnapshot) -> bool:
    """Whether AWS shows this claim's uid on the volume, in the very answer that is being judged."""
    volume = snapshot.volume
    return volume is not None and volume.tags.get(names.TAG_CLAIM_UID) == snapshot.claim.uid


def other_claim(snapshot: ClaimSnapshot) -> str:
    """The other claim that the volume's tags name, for people; empty when there is none."""
    tags = snapshot.volume.tags if snapshot.volume else {}
    uid = tags.get(names.TAG_CLAIM_UID, "")
    if not uid or uid == snapshot.claim.uid:
        return ""
    return f"{tags.get(names.TAG_OWNER, 'an unknown claim')} (uid {uid})"


def copies(snapshot: ClaimSnapshot) -> str:
    """The other volumes with this claim's tag, as a sentence with a space before it; empty for none."""
    found = [volume.volume_id for volume in snapshot.copies]
    named = listed(found, most=5, separator=", ", rest=" ")
    return f" Also tagged for this claim, and left as it is: {named}." if found else ""


def missing(snapshot: ClaimSnapshot) -> Mapping[str, str]:
    """Tags that the volume should carry and does not, or with another value."""
    volume = snapshot.volume
    if volume is None:
        return {}
    wanted = snapshot.claim.tags(cluster_arn=snapshot.cluster_arn, eks_cluster_arn=snapshot.eks_cluster_arn)
    return {key: value for key, value in wanted.items() if volume.tags.get(key) != value}


def surplus(snapshot: ClaimSnapshot) -> tuple[str, ...]:
    """Tags that an earlier spec of this claim put on, and the present one does not ask for; and the one that says that
    the volume was released, which it is not any more."""
    volume = snapshot.volume
    applied = set(snapshot.claim.status.remembered.appliedTagKeys or []) - CSI_TAGS
    present = set(volume.tags) if volume else set()
    return tuple(sorted(present & {*applied, names.TAG_RELEASED} - set(snapshot.claim.user_tags)))


def to_strip(snapshot: ClaimSnapshot) -> tuple[str, ...]:
    """What comes off a volume that is released: all that says that somebody manages it.

    The EKS cluster's name stays beside the tag that says whose it was: a claim of that name that comes later finds it.
    So does the tag of an adopted volume: whoever takes it next deletes it only by consent.
    The CSI driver's tags stay on an adopted volume that had them before: without them it could not be used any more.
    """
    claim = snapshot.claim
    present = set(snapshot.volume.tags) if snapshot.volume else set()
    ours = CSI_TAGS if claim.origin == CREATED else CSI_TAGS & set(claim.status.remembered.appliedTagKeys or [])
    csi = ours if claim.mode == "CSI" else frozenset[str]()
    return tuple(sorted(present & {*names.VOLUME_TAGS, *csi} - {names.TAG_EKS_CLUSTER, names.TAG_ADOPTED}))
