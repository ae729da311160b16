"""The EBSVolumeClaim resource: one EBS volume, its life, where it is attached and how pods see it.

Members that mirror EC2's CreateVolume and ModifyVolume have their names with the first letter lowered. Unset
means that nobody manages the member, which matters for a volume that was there before.
"""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from hyperpod_operator.api.common.bounds import ClusterName, TagKey, TagValue, keyed
from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.common.rules import rules, unchangeable
from hyperpod_operator.api.names import API_VERSION, VOLUME_CLAIM_KIND
from hyperpod_operator.api.volume.attachment import Target, VolumeAttachmentSpec
from hyperpod_operator.api.volume.bounds import (
    AvailabilityZone,
    AvailabilityZoneId,
    ClusterArn,
    InitializationRate,
    Iops,
    KmsKey,
    ObjectName,
    Size,
    SnapshotId,
    Throughput,
    VolumeId,
    VolumeType,
)
from hyperpod_operator.api.volume.management import SnapshotPolicy, VolumeManagement
from hyperpod_operator.api.volume.publish import Publish, PublishedClaim
from hyperpod_operator.api.volume.rules import (
    ANOTHER,
    CLAIM_RULES,
    CLUSTER_REF_RULES,
    CREATE_RULES,
    SOURCE_RULES,
    TAG_RULES,
    VOLUME_RULES,
)
from hyperpod_operator.api.volume.status import EBSVolumeClaimStatus

__all__ = [
    "ClusterRef",
    "CreateSource",
    "EBSVolumeClaim",
    "EBSVolumeClaimSpec",
    "EBSVolumeClaimStatus",
    "Publish",
    "PublishedClaim",
    "SnapshotPolicy",
    "Source",
    "Target",
    "VolumeAttachmentSpec",
    "VolumeManagement",
    "VolumeMembers",
    "VolumeTag",
]


class ClusterRef(Model):
    """The HyperPod cluster whose nodes the volume goes to."""

    model_config = ConfigDict(json_schema_extra=rules(*CLUSTER_REF_RULES))

    name: ObjectName | None = Field(
        default=None, description="Name of a HyperPodCluster object in the namespace of this object."
    )
    clusterArn: ClusterArn | None = Field(default=None, description="ARN of the HyperPod cluster.")
    clusterName: ClusterName | None = Field(
        default=None, description="Name of the HyperPod cluster in SageMaker, in the operator's own Region."
    )


class CreateSource(Model):
    """Members of CreateVolume that count at creation only; those that can change are under `volume`."""

    model_config = ConfigDict(json_schema_extra=rules(*CREATE_RULES))

    snapshotId: SnapshotId | None = Field(
        default=None, description="Snapshot to load the volume from; without volume.size it also gives the size."
    )
    availabilityZone: AvailabilityZone | None = Field(
        default=None, description="Zone by name, for example us-west-2b. Unset, the zone of the target's node."
    )
    availabilityZoneId: AvailabilityZoneId | None = Field(
        default=None, description="Zone by id, for example usw2-az2, instead of the name."
    )
    encrypted: bool | None = Field(
        default=None, description="true: encrypt the volume. Unset leaves it to the account's default."
    )
    kmsKeyId: KmsKey | None = Field(default=None, description="KMS key: id, alias or ARN. Needs encrypted: true.")
    volumeInitializationRate: InitializationRate | None = Field(
        default=None, description="MiB/s at which the snapshot's blocks are loaded; AWS takes 100 to 300."
    )


class Source(Model):
    """Where the volume comes from."""

    model_config = ConfigDict(json_schema_extra=rules(*SOURCE_RULES))

    volumeId: VolumeId | None = Field(default=None, description="An existing volume, which the operator adopts.")
    create: CreateSource | None = Field(default=None, description="A new volume; may be empty.")


class VolumeTag(Model):
    """API member Tag of EC2."""

    model_config = ConfigDict(json_schema_extra=rules(*TAG_RULES))

    key: TagKey = Field(description="Tag key, 1 to 128 characters.")
    value: TagValue = Field(description="Tag value, up to 256 characters; may be empty.")


class VolumeMembers(Model):
    """Members of CreateVolume that ModifyVolume can change, and the tags."""

    model_config = ConfigDict(json_schema_extra=rules(*VOLUME_RULES))

    size: Size | None = Field(
        default=None, description="GiB. It only grows; AWS allows four modifications of a volume in 24 hours."
    )
    volumeType: VolumeType | None = Field(
        default=None, description="Type of the volume. Unset means gp3 for a new volume."
    )
    iops: Iops | None = Field(
        default=None,
        description="IOPS, for gp3, and for io1 and io2, which require it. EC2 decides which values are possible.",
    )
    throughput: Throughput | None = Field(
        default=None, description="MiB/s, for gp3. EC2 decides which values are possible."
    )
    tags: Annotated[list[VolumeTag], Field(max_length=40, json_schema_extra=keyed("key"))] | None = Field(
        default=None,
        description="AWS tags of the volume, identified by key; up to 40, because AWS takes 50 and the operator adds "
        "its own. The operator does not change tags that others set.",
    )


class EBSVolumeClaimSpec(Model):
    """The desired state. An unset field is unmanaged and never counts as drift."""

    model_config = ConfigDict(json_schema_extra=rules(*CLAIM_RULES))

    clusterRef: Annotated[
        ClusterRef,
        Field(
            json_schema_extra=unchangeable(
                message=f"clusterRef cannot change, the volume stays with its cluster: {ANOTHER} for another cluster"
            )
        ),
    ] = Field(description="The HyperPod cluster; exactly one of its members. Cannot change.")
    source: Annotated[
        Source,
        Field(
            json_schema_extra=unchangeable(
                message=f"source cannot change, a claim is one volume for life: {ANOTHER} for another volume"
            )
        ),
    ] = Field(description="Where the volume comes from; exactly one of its members. Cannot change.")
    volume: VolumeMembers | None = Field(
        default=None, description="Desired properties of the volume; can change. Unset fields are unmanaged."
    )
    attachment: VolumeAttachmentSpec = Field(description="Who attaches the volume, and where.")
    publish: Publish | None = Field(
        default=None, description="How pods use the volume. Unset means not at all. Cannot change once it is set."
    )
    management: VolumeManagement | None = Field(
        default=None, description="How the operator treats the volume. Not sent to AWS."
    )


class EBSVolumeClaim(Model):
    """The resource as it is stored."""

    apiVersion: str = Field(default=API_VERSION, description="API group and version of the object.", max_length=253)
    kind: str = Field(default=VOLUME_CLAIM_KIND, description="Kind of the object.", max_length=63)
    metadata: dict[str, Any] = Field(description="Standard object metadata.")
    spec: EBSVolumeClaimSpec = Field(description="Desired state of the volume. See status for the actual state.")
    status: EBSVolumeClaimStatus | None = Field(
        default=None, description="State that the operator last observed. Written by the operator only."
    )
