"""The status of an EBSVolumeClaim: what the operator last saw, and what must survive a restart of it.

As with clusters, words that AWS may add to are bounded text: a status that cannot be read or written would stop
a claim that is perfectly well. `phase` is for people; no decision reads it.
"""

from typing import Annotated

from pydantic import Field

from hyperpod_operator.api.common.adoption import Adoption
from hyperpod_operator.api.common.bounds import ATOMIC, SET, Timestamp, keyed
from hyperpod_operator.api.common.conditions import Condition
from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.common.operations import Operations, OperationStatus
from hyperpod_operator.api.common.plan import HISTORY_MOST, HistoryEntry
from hyperpod_operator.api.common.preflight import PreflightStatus
from hyperpod_operator.api.common.words import Arn, Count, Line, Word
from hyperpod_operator.api.volume.memory import AttachmentMemory, ClaimMemory, ModificationMemory

Path = Annotated[str, Field(max_length=256)]


class Ownership(Model):
    """Why the claim owns the volume."""

    mode: Word | None = Field(
        default=None, description="Created: the operator created the volume. Adopted: it existed before."
    )
    tag: Word | None = Field(
        default=None, description="Value of the tag hyperpod-operator.dev/claim-uid on the volume."
    )


class ObservedVolume(Model):
    """State of the volume in EC2."""

    state: Word | None = Field(default=None, description="creating, available, in-use, deleting, deleted or error.")
    size: Count | None = Field(default=None, description="GiB.")
    volumeType: Word | None = Field(default=None, description="Type, for example gp3.")
    iops: Count | None = Field(default=None, description="IOPS.")
    throughput: Count | None = Field(default=None, description="MiB/s.")
    encrypted: bool | None = Field(default=None, description="Whether the volume is encrypted.")
    kmsKeyId: Arn | None = Field(default=None, description="Key of an encrypted volume.")
    multiAttachEnabled: bool | None = Field(default=None, description="Whether Multi-Attach is on.")


class AttachmentStatus(Model):
    """The node that was chosen, written before the first attach to it."""

    clusterArn: Arn | None = Field(default=None, description="ARN of the HyperPod cluster.")
    instanceGroupName: Word | None = Field(default=None, description="Instance group of the node.")
    instanceId: Word | None = Field(default=None, description="EC2 instance id of the node.")
    nodeLogicalId: Word | None = Field(default=None, description="NodeLogicalId of the node.")
    nodeName: Annotated[str, Field(max_length=253)] | None = Field(
        default=None, description="Name of the Kubernetes Node."
    )
    deviceName: Word | None = Field(default=None, description="DeviceName from AWS; use devicePath instead.")
    devicePath: Path | None = Field(default=None, description="Path of the device on the node, the same on every node.")
    state: Word | None = Field(
        default=None, description="State of the attachment: attaching, attached, detaching, detached or busy."
    )
    attachTime: Timestamp | None = Field(
        default=None,
        description="When the operator last sent the attach call, or when AWS carried it out if later, as RFC 3339.",
    )
    deleteOnTermination: bool | None = Field(
        default=None, description="Whether AWS deletes the volume together with the node."
    )
    memory: AttachmentMemory | None = Field(
        default=None, description="What the operator notes about the attachment for its later passes."
    )

    @property
    def remembered(self) -> AttachmentMemory:
        """The memory; empty where there is none."""
        return self.memory or AttachmentMemory()


class PreviousAttachment(Model):
    """A node that held the volume before."""

    instanceId: Word | None = Field(default=None, description="EC2 instance id.")
    nodeName: Annotated[str, Field(max_length=253)] | None = Field(default=None, description="Name of the Node.")
    attachTime: Timestamp | None = Field(
        default=None,
        description="When the operator last sent the attach call, or when AWS carried it out if later, as RFC 3339.",
    )
    until: Timestamp | None = Field(default=None, description="When the attachment ended, as RFC 3339.")
    why: Line | None = Field(default=None, description="Why the attachment ended.")


class ModificationStatus(Model):
    """The last change of size, type, IOPS or throughput, and how many of the four per day are left."""

    modificationState: Word | None = Field(
        default=None, description="modifying, optimizing, completed or failed; see EC2's ModifyVolume."
    )
    progress: Count | None = Field(default=None, description="Percent.")
    startTime: Timestamp | None = Field(default=None, description="When it began, as RFC 3339.")
    target: Line | None = Field(default=None, description="The target of the modification.")
    used24h: Count | None = Field(default=None, description="Modifications in the last 24 hours; AWS allows four.")
    nextAllowedTime: Timestamp | None = Field(default=None, description="When the next one is possible.")
    memory: ModificationMemory | None = Field(
        default=None, description="What the operator notes about modifications for its later passes."
    )

    @property
    def remembered(self) -> ModificationMemory:
        """The memory; empty where there is none."""
        return self.memory or ModificationMemory()


class SnapshotStatus(Model):
    """A snapshot that the operator made."""

    snapshotId: Word = Field(description="Id of the snapshot.")
    state: Word | None = Field(default=None, description="pending, completed, error, recoverable or recovering.")
    purpose: Word | None = Field(default=None, description="BeforeDelete or BeforeReplacement.")
    instanceId: Word | None = Field(default=None, description="The node that was about to be replaced.")
    startTime: Timestamp | None = Field(default=None, description="When it was begun, as RFC 3339.")


class EBSVolumeClaimStatus(Model):
    """`status` of an EBSVolumeClaim."""

    actor: Word | None = Field(
        default=None,
        description="Who has to act before the object moves on: You, AWS, or - for no one.",
    )
    shortMessage: Annotated[str, Field(max_length=100)] | None = Field(
        default=None, description="The message of the condition Ready in at most 100 characters."
    )
    observedGeneration: Count | None = Field(
        default=None, description="The metadata.generation that this status is about."
    )
    lastHandledReconcileAt: Annotated[str, Field(max_length=1024)] | None = Field(
        default=None,
        description="The last value of the annotation hyperpod-operator.dev/reconcile-requested-at that was acted on.",
    )
    phase: Word | None = Field(
        default=None,
        description="For display only: Pending, Creating, Available, Attaching, Attached, Modifying, Detaching, "
        "Snapshotting, Deleting, Released, Failed or Lost.",
    )
    region: Word | None = Field(default=None, description="Region of the volume, once there is one.")
    volumeId: Word | None = Field(default=None, description="Id of the volume.")
    volumeArn: Arn | None = Field(default=None, description="ARN of the volume.")
    availabilityZone: Word | None = Field(default=None, description="Zone of the volume by name.")
    availabilityZoneId: Word | None = Field(default=None, description="Zone of the volume by id.")
    ownership: Ownership | None = Field(default=None, description="Why the claim owns the volume.")
    observed: ObservedVolume | None = Field(default=None, description="State of the volume in EC2.")
    attachment: AttachmentStatus | None = Field(default=None, description="The node that was chosen.")
    previousAttachments: Annotated[list[PreviousAttachment], Field(max_length=5, json_schema_extra=ATOMIC)] | None = (
        Field(default=None, description="The last five nodes that the volume was attached to, newest first.")
    )
    modification: ModificationStatus | None = Field(default=None, description="The last change of the volume.")
    snapshots: Annotated[list[SnapshotStatus], Field(max_length=20, json_schema_extra=keyed("snapshotId"))] | None = (
        Field(default=None, description="Snapshots that the operator made.")
    )
    preflight: PreflightStatus | None = Field(default=None, description="The checks before the volume is created.")
    adoption: Adoption | None = Field(default=None, description="Changes announced before an adoption.")
    persistentVolumeName: Annotated[str, Field(max_length=253)] | None = Field(
        default=None, description="Name of the PersistentVolume."
    )
    persistentVolumeClaimName: Annotated[str, Field(max_length=253)] | None = Field(
        default=None, description="Name of the PersistentVolumeClaim."
    )
    inUseBy: Annotated[list[Path], Field(max_length=20, json_schema_extra=SET)] | None = Field(
        default=None, description="Pods that use the volume, namespace/name, up to 20."
    )
    operations: Operations | None = Field(
        default=None,
        description="The journal: the last call of each concern, written before it is sent, the newest last.",
    )
    history: Annotated[list[HistoryEntry], Field(max_length=HISTORY_MOST, json_schema_extra=ATOMIC)] | None = Field(
        default=None, description="The last 20 calls that were to change something in AWS, the newest last."
    )
    memory: ClaimMemory | None = Field(
        default=None, description="What the operator notes for its later passes and AWS does not return."
    )
    conditions: Annotated[list[Condition], Field(max_length=16, json_schema_extra=keyed("type"))] | None = Field(
        default=None, description="Conditions; Ready is the summary."
    )

    @property
    def remembered(self) -> ClaimMemory:
        """The memory; empty where there is none."""
        return self.memory or ClaimMemory()

    @property
    def last(self) -> OperationStatus | None:
        """The newest call of all."""
        return self.operations[-1] if self.operations else None
