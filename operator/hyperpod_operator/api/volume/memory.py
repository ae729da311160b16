"""The memory of an EBSVolumeClaim: what a pass notes in status for the passes after it; see `cluster/memory.py`."""

from typing import Annotated

from pydantic import Field

from hyperpod_operator.api.common.bounds import ATOMIC, SET, Timestamp, keyed
from hyperpod_operator.api.common.missing import Missing
from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.common.words import Arn, Count, Fingerprint, Word


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


class RefusedInstance(Model):
    """A node that recently had no free slot for the volume."""

    instanceId: Word = Field(description="EC2 instance id.")
    code: Word | None = Field(default=None, description="EC2's error code.")
    time: Timestamp | None = Field(default=None, description="When, as RFC 3339.")


class AttachmentMemory(Model):
    """What the operator notes about the chosen node."""

    target: Annotated[str, Field(max_length=2048)] | None = Field(
        default=None, description="The target of the spec that chose the node."
    )
    calls: Count | None = Field(
        default=None, description="How many attach calls AWS may have accepted without returning the attachment yet."
    )
    attempts: Count | None = Field(default=None, description="How often attaching to this node got stuck.")
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


class ModificationMemory(Model):
    """What the operator notes about modifications."""

    pendingChange: Fingerprint | None = Field(
        default=None, description="Hash of a desired change that the operator has not made yet."
    )
    pendingSince: Timestamp | None = Field(default=None, description="When the operator first saw that change.")
    startTimes: Annotated[list[Timestamp], Field(max_length=8, json_schema_extra=ATOMIC)] | None = Field(
        default=None, description="When the modifications of the last 24 hours began."
    )


class ClaimMemory(Model):
    """What the operator notes about the claim for its later passes; AWS returns none of it."""

    creation: Creation | None = Field(default=None, description="The request that makes the volume.")
    missing: Missing | None = Field(
        default=None, description="Set while AWS does not return something that it returned before."
    )
    persistentVolumeClaimUid: Word | None = Field(
        default=None, description="uid of the last bound PersistentVolumeClaim, whose data is on the volume."
    )
    filesystemSize: Count | None = Field(
        default=None, description="Capacity of the last PersistentVolume in GiB, which its file system may have still."
    )
    appliedTagKeys: Annotated[list[Word], Field(max_length=50, json_schema_extra=SET)] | None = Field(
        default=None, description="Tag keys that this claim set on the volume: the operator removes only these."
    )
    tagTaken: bool | None = Field(
        default=None,
        description="True while the volume carries another claim's tag after it carried this claim's: this claim does "
        "not take it back.",
    )
