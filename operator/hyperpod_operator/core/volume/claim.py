"""The EBSVolumeClaim as a pass sees it: the user's wish and what earlier passes recorded."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from hyperpod_operator.api import names
from hyperpod_operator.api.volume.bounds import PUBLISHED_CLASS
from hyperpod_operator.api.volume.resource import EBSVolumeClaimSpec, Publish, VolumeMembers
from hyperpod_operator.api.volume.status import EBSVolumeClaimStatus
from hyperpod_operator.core.owner_tag import owner_tag
from hyperpod_operator.core.ports import Key
from hyperpod_operator.core.volume.observed import ClaimReference

CREATED = "Created"
"""Origin of a volume that the operator made for this claim."""
ADOPTED = "Adopted"
"""Origin of a volume that was there before."""

COMPLETED = "Completed"
"""Outcome of a creation whose volume was seen usable."""

ATTACHED_LABEL = names.ATTACHED_LABEL
"""Value of the node label while the volume is attached."""
TAG_VALUE_MOST = 255
"""Characters of a tag's value; EC2 API reference, CreateTags."""
TARGET_MOST = 1024
"""Characters of a target in status and in messages."""
CSI_TAGS = frozenset({names.TAG_CSI_CLUSTER, names.TAG_CSI_CLUSTER_NAME})
"""Tags by which mode CSI lets the driver use the volume; they may have been there before."""

_UNITS = {"s": 1, "m": 60, "h": 3600}
_DURATION = re.compile(r"([0-9]+)([smh])")


def volume_label(uid: str) -> str:
    """Key of the node label of the EBSVolumeClaim with this uid."""
    return names.LABEL_VOLUME_PREFIX + uid.replace("-", "")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One EBSVolumeClaim, parsed. `status` is what is stored, so it is what survived a restart."""

    key: Key
    uid: str
    generation: int
    deleting: bool
    reconcile_requested_at: str
    force_delete: bool
    """Whether the annotation force-delete carries the object's name."""
    spec: EBSVolumeClaimSpec
    status: EBSVolumeClaimStatus
    unknown: tuple[str, ...] = ()
    """Paths of members of the stored spec that this version does not know; the first few."""
    requested_by: str = ""
    """The field manager that wrote the spec."""

    @property
    def mode(self) -> str:
        return self.spec.attachment.mode or "Direct"

    @property
    def direct(self) -> bool:
        return self.mode == "Direct"

    @property
    def origin(self) -> str:
        """Fixed by the spec, whose source cannot change: no lost status can turn an adopted volume into ours."""
        return CREATED if self.spec.source.create is not None else ADOPTED

    @property
    def volume_id(self) -> str:
        """The volume's id as far as it is known."""
        return self.spec.source.volumeId or self.status.volumeId or ""

    @property
    def requested(self) -> bool:
        """Whether this very object asked for its volume: a restored status has the request of an earlier object."""
        made = self.status.remembered.creation
        uids = {tag.value for tag in (made.tags if made else None) or [] if tag.key == names.TAG_CLAIM_UID}
        return made is not None and uids <= {self.uid}

    @property
    def settled_on(self) -> str:
        """The volume of a claim that makes one, once it was seen usable: from then on the claim is about no other one,
        whatever tags a copy of it has. Empty before."""
        made = self.status.remembered.creation
        usable = made is not None and made.outcome == COMPLETED and self.requested
        return self.volume_id if usable and self.origin == CREATED else ""

    @property
    def members(self) -> VolumeMembers:
        return self.spec.volume or VolumeMembers()

    @property
    def paused(self) -> bool:
        return bool(self.spec.management and self.spec.management.paused)

    @property
    def suspended(self) -> bool:
        return bool(self.spec.attachment.suspend)

    @property
    def adoption_policy(self) -> str:
        return (self.spec.management and self.spec.management.adoptionPolicy) or "Never"

    @property
    def adopts(self) -> bool:
        """Whether the spec lets the claim take a volume that was there before it."""
        return self.adoption_policy != "Never"

    @property
    def forced(self) -> bool:
        return self.adoption_policy == "Force"

    @property
    def reclaim_policy(self) -> str:
        return (self.spec.management and self.spec.management.reclaimPolicy) or "Retain"

    @property
    def consents(self) -> bool:
        """Whether the spec lets a volume be deleted that the operator did not make."""
        return self.spec.management is not None and self.spec.management.deletionProtection is False

    @property
    def snapshots_first(self) -> bool:
        policy = self.spec.management.snapshotPolicy if self.spec.management else None
        return self.reclaim_policy == "Snapshot" or bool(policy and policy.beforeDelete)

    @property
    def snapshots_before_replacement(self) -> bool:
        policy = self.spec.management.snapshotPolicy if self.spec.management else None
        return bool(self.direct and policy and policy.beforeReplacement)

    @property
    def immediate(self) -> bool:
        return self.spec.attachment.detachPolicy == "Immediate"

    @property
    def detach_timeout(self) -> float | None:
        found = _DURATION.fullmatch(self.spec.attachment.detachTimeout or "")
        return float(int(found[1]) * _UNITS[found[2]]) if found else None

    @property
    def group(self) -> str:
        """The instance group that the target names; empty where it names none."""
        target = self.spec.attachment.target
        return (target.instanceGroupName if target is not None else None) or ""

    @property
    def by_group(self) -> bool:
        return bool(self.group)

    @property
    def follows(self) -> bool:
        """Whether the volume goes to another node when AWS has ended its own."""
        return (self.spec.attachment.followNode or ("Replacement" if self.by_group else "Never")) == "Replacement"

    @cached_property
    def target_text(self) -> str:
        """The target as text: a record of another target is no ground to stay."""
        target = self.spec.attachment.target
        if target is None:
            return ""
        said = target.model_dump(mode="json", exclude_none=True)
        selector = said.pop("nodeSelector", {})
        text = ",".join(
            [f"{name}={value}" for name, value in sorted(said.items())]
            + [f"{key}={value}" for key, value in sorted(selector.items())]
        )
        if len(text) <= TARGET_MOST:
            return text
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        return f"{text[: TARGET_MOST - 32]}… (sha256 {digest})"

    @property
    def requested_anew(self) -> bool:
        """Whether a person asked for a reconcile since the last pass that finished."""
        return bool(self.reconcile_requested_at) and self.reconcile_requested_at != self.status.lastHandledReconcileAt

    @property
    def edited(self) -> bool:
        """Whether the spec changed since status was last written."""
        return self.status.observedGeneration != self.generation

    @property
    def holder(self) -> str:
        """How this claim is named in a Lease and in tags that people read."""
        return f"{self.key}/{self.uid}"

    @property
    def owner(self) -> str:
        """How tags name this claim once its uid is gone, and for people: `namespace/name`, within what EC2 takes."""
        return owner_tag(self.key, most=TAG_VALUE_MOST)

    @property
    def label(self) -> str:
        """The node label that the PersistentVolume selects; from the uid, so that no two claims share one."""
        return volume_label(self.uid)

    @property
    def publish(self) -> Publish | None:
        """What to publish; None for nothing."""
        wanted = self.spec.publish
        return wanted if wanted is not None and wanted.type != "None" else None

    @property
    def persistent_volume_name(self) -> str:
        return names.PERSISTENT_VOLUME_PREFIX + self.uid

    @property
    def persistent_volume_claim_name(self) -> str:
        wanted = self.publish.persistentVolumeClaim if self.publish else None
        return wanted.name if wanted else ""

    @property
    def reserved_for(self) -> ClaimReference | None:
        """The PersistentVolumeClaim, always of this namespace, that alone may bind what is published."""
        name = self.persistent_volume_claim_name
        return ClaimReference(namespace=self.key.namespace, name=name) if name else None

    @property
    def storage_class(self) -> str:
        """Class of PersistentVolume and PersistentVolumeClaim."""
        named = self.publish.storageClassName if self.publish else None
        return PUBLISHED_CLASS if named is None else named

    @property
    def one_node(self) -> bool:
        """Whether the volume stays with the node that it is on until the spec names another one."""
        return not self.follows

    @property
    def makes_persistent_volume_claim(self) -> bool:
        wanted = self.publish.persistentVolumeClaim if self.publish else None
        return bool(wanted and wanted.create)

    @cached_property
    def user_tags(self) -> Mapping[str, str]:
        return {tag.key: tag.value for tag in self.members.tags or []}

    def tags(self, *, cluster_arn: str, eks_cluster_arn: str) -> Mapping[str, str]:
        """Every tag that the volume should carry, the user's included. ARNs may be unknown and then stay out."""
        ours = {
            names.TAG_CLAIM_UID: self.uid,
            names.TAG_OWNER: self.owner,
            names.TAG_EKS_CLUSTER: eks_cluster_arn,
            names.TAG_CLUSTER: cluster_arn,
            names.TAG_ADOPTED: "true" if self.origin == ADOPTED else "",
            names.TAG_CSI_CLUSTER: "true" if self.mode == "CSI" else "",
            names.TAG_CSI_CLUSTER_NAME: eks_cluster_arn.rpartition("/")[2] if self.mode == "CSI" else "",
        }
        said = {key: value[:TAG_VALUE_MOST] for key, value in ours.items() if value}
        return {**self.user_tags, **said}
