"""The status of an EBSVolumeClaim: what the operator last saw, and what must survive a restart of it.

As with clusters, words that AWS may add to are bounded text: a status that cannot be read or written would stop
a claim that is perfectly well. `phase` is for people; no decision reads it.
"""

from typing import Annotated

from pydantic import Field

from hyperpod_operator.api.bounds import ATOMIC, SET, Timestamp, keyed
from hyperpod_operator.api.conditions import Condition
from hyperpod_operator.api.model import Model
from hyperpod_operator.api.operations import Operations, OperationStatus
from hyperpod_operator.api.plan import HISTORY_MOST, HistoryEntry
from hyperpod_operator.api.preflight import PreflightStatus
from hyperpod_operator.api.status import Adoption, Arn, Count, Fingerprint, Line, Word

Path = Annotated[str, Field(max_length=256)]


class Ownership(Model):
    """Why the claim owns the volume."""

    mode: Word | None = Field(
        default=None, description="Created: the operator created the volume. Adopted: it existed before."
    )
    tag: Word | None = Field(
        default=None, description="Value of the tag hyperpod-operator.dev/claim-uid on the volume."
    )


class CreatedTag(Model):
    """A tag of the request that makes the volume."""

    key: Annotated[str, Field(max_length=128)] = Field(description="Tag key.")
    value: Annotated[str, Field(max_length=256)] = Field(description="Tag value.")


class Creation(Model):
    """The request that makes the volume, written before it is sent: a repetition is word for word the same."""

    attempt: Count | None = Field(default=None, description="Suffix of the token of the last CreateVolume.")
    outcome: Word | None = Field(
        default=None,
        description="Intended: sent, and the answer may be lost. Unanswered: no answer arrived. Accepted: AWS took it. "
        "Rejected: AWS did not. Completed: the volume was seen usable.",
    )
    time: Timestamp | None = Field(default=None, description="When it was last sent, as RFC 3339.")
    failures: Count | None = Field(default=None, description="How many volumes in a row ended in error or vanished.")
    availabilityZone: Word | None = Field(default=None, description="Zone by name.")
    availabilityZoneId: Word | None = Field(default=None, description="Zone by id.")
    size: Count | None = Field(default=None, description="GiB.")
    volumeType: Word | None = Field(default=None, description="Type.")
    iops: Count | None = Field(default=None, description="IOPS.")
    throughput: Count | None = Field(default=None, description="MiB/s.")
    snapshotId: Word | None = Field(default=None, description="Snapshot that the volume is loaded from.")
    encrypted: bool | None = Field(default=None, description="Whether encryption was asked for.")
    kmsKeyId: Arn | None = Field(default=None, description="Key.")
    volumeInitializationRate: Count | None = Field(default=None, description="MiB/s.")
    tags: Annotated[list[CreatedTag], Field(max_length=50, json_schema_extra=ATOMIC)] | None = Field(
        default=None, description="Tags of the request."
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


class RefusedInstance(Model):
    """A node that recently had no free slot for the volume."""

    instanceId: Word = Field(description="EC2 instance id.")
    code: Word | None = Field(default=None, description="EC2's error code.")
    time: Timestamp | None = Field(default=None, description="When, as RFC 3339.")


class NotShown(Model):
    """What AWS showed before and does not show now: looked for again before that is believed."""

    what: Line | None = Field(default=None, description="What is missing.")
    since: Timestamp | None = Field(default=None, description="When it was first missing, as RFC 3339.")


class AttachmentStatus(Model):
    """The node that was chosen, written before the first attach to it."""

    clusterArn: Arn | None = Field(default=None, description="ARN of the HyperPod cluster.")
    target: Annotated[str, Field(max_length=2048)] | None = Field(
        default=None, description="The target of the spec that chose the node."
    )
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
    calls: Count | None = Field(
        default=None, description="How many attach calls AWS may have accepted without returning the attachment yet."
    )
    attempts: Count | None = Field(default=None, description="How often attaching to this node got stuck.")
    deleteOnTermination: bool | None = Field(
        default=None, description="Whether AWS deletes the volume together with the node."
    )
    lostTime: Timestamp | None = Field(default=None, description="When AWS first reported the node as gone.")
    followTime: Timestamp | None = Field(
        default=None,
        description="When AWS first reported the previous node as gone; set until the volume is attached to this one.",
    )
    detachTime: Timestamp | None = Field(
        default=None, description="When the operator first needed to detach the volume, as RFC 3339."
    )
    refused: Annotated[list[RefusedInstance], Field(max_length=10, json_schema_extra=keyed("instanceId"))] | None = (
        Field(default=None, description="Nodes that had no free slot; the operator retries them later.")
    )


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
    pendingChange: Fingerprint | None = Field(
        default=None, description="Hash of a desired change that the operator has not made yet."
    )
    pendingSince: Timestamp | None = Field(default=None, description="When the operator first saw that change.")
    startTimes: Annotated[list[Timestamp], Field(max_length=8, json_schema_extra=ATOMIC)] | None = Field(
        default=None, description="When the modifications of the last 24 hours began."
    )
    used24h: Count | None = Field(default=None, description="Modifications in the last 24 hours; AWS allows four.")
    nextAllowedTime: Timestamp | None = Field(default=None, description="When the next one is possible.")


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
    creation: Creation | None = Field(default=None, description="The request that makes the volume.")
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
    notShown: NotShown | None = Field(
        default=None, description="Set while AWS does not return something that it returned before."
    )
    persistentVolumeName: Annotated[str, Field(max_length=253)] | None = Field(
        default=None, description="Name of the PersistentVolume."
    )
    persistentVolumeClaimName: Annotated[str, Field(max_length=253)] | None = Field(
        default=None, description="Name of the PersistentVolumeClaim."
    )
    persistentVolumeClaimUid: Word | None = Field(
        default=None, description="uid of the last bound PersistentVolumeClaim, whose data is on the volume."
    )
    inUseBy: Annotated[list[Path], Field(max_length=20, json_schema_extra=SET)] | None = Field(
        default=None, description="Pods that use the volume, namespace/name, up to 20."
    )
    appliedTagKeys: Annotated[list[Word], Field(max_length=50, json_schema_extra=SET)] | None = Field(
        default=None, description="Tag keys that this claim set on the volume: the operator removes only these."
    )
    operations: Operations | None = Field(
        default=None,
        description="The journal: the last call of each concern, written before it is sent, the newest last.",
    )
    history: Annotated[list[HistoryEntry], Field(max_length=HISTORY_MOST, json_schema_extra=ATOMIC)] | None = Field(
        default=None, description="The last 20 calls that were to change something in AWS, the newest last."
    )
    conditions: Annotated[list[Condition], Field(max_length=16, json_schema_extra=keyed("type"))] | None = Field(
        default=None, description="Conditions; Ready is the summary."
    )

    @property
    def last(self) -> OperationStatus | None:
        """The newest call of all."""
        return self.operations[-1] if self.operations else None
