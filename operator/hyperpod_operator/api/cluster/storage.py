"""What is mounted on the nodes of a group, and the FSx for Lustre that HyperPod makes for restricted groups."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from hyperpod_operator.api.common.bounds import ATOMIC
from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.common.rules import rule, rules
from hyperpod_operator.api.common.storage_bounds import (
    FsxDnsName,
    FsxMountName,
    FsxMountPath,
    FsxSizeInGiB,
    FsxThroughput,
    KmsKeyId,
    VolumeSizeInGB,
)


class EbsVolumeConfig(Model):
    """API member ClusterEbsVolumeConfig."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!(has(self.rootVolume) && self.rootVolume) || (has(self.volumeKmsKeyId) && !has(self.volumeSizeInGB))",
                message="rootVolume: true encrypts the root volume with your key: set volumeKmsKeyId and leave out "
                "volumeSizeInGB, which AWS determines",
            ),
            rule(
                "(has(self.rootVolume) && self.rootVolume) || has(self.volumeSizeInGB)",
                message="set volumeSizeInGB, the size of the secondary volume (or rootVolume: true with volumeKmsKeyId "
                "for the root volume)",
                reason="FieldValueRequired",
                path=".volumeSizeInGB",
            ),
        )
    )

    volumeSizeInGB: VolumeSizeInGB | None = Field(
        default=None,
        description="Size in GB, 1 to 16384, of an additional EBS volume for each instance, mounted at /opt/sagemaker. "
        "Required unless rootVolume is true; then it must be left out.",
    )
    volumeKmsKeyId: KmsKeyId | None = Field(
        default=None,
        description="Id, alias or ARN of the KMS key that encrypts the volume. Unset uses a key that AWS owns. The "
        "execution role needs kms:CreateGrant on it.",
    )
    rootVolume: bool | None = Field(
        default=None,
        description="true: this entry is about the root volume, which is then encrypted with volumeKmsKeyId. Unset or "
        "false: it is about an additional volume.",
    )


class FsxLustreConfig(Model):
    """API member ClusterFsxLustreConfig."""

    dnsName: FsxDnsName = Field(
        description="DNS name of the file system, for example fs-0123456789abcdef0.fsx.us-west-2.amazonaws.com."
    )
    mountName: FsxMountName = Field(
        description="Mount name of the file system (LustreConfiguration.MountName of DescribeFileSystems)."
    )
    mountPath: FsxMountPath | None = Field(
        default=None, description="Local path on the instances. Unset leaves the choice to AWS."
    )


class FsxOpenZfsConfig(Model):
    """API member ClusterFsxOpenZfsConfig."""

    dnsName: FsxDnsName = Field(
        description="DNS name of the file system, for example fs-0123456789abcdef0.fsx.us-west-2.amazonaws.com."
    )
    mountPath: FsxMountPath | None = Field(
        default=None, description="Local path on the instances. Unset leaves the choice to AWS."
    )


class InstanceStorageConfig(Model):
    """API member ClusterInstanceStorageConfig: a union of which exactly one member is set."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "[has(self.ebsVolumeConfig), has(self.fsxLustreConfig), has(self.fsxOpenZfsConfig)]"
                ".filter(x, x).size() == 1",
                message="set exactly one of ebsVolumeConfig, fsxLustreConfig and fsxOpenZfsConfig; write one list "
                "entry for each storage",
            )
        )
    )

    ebsVolumeConfig: EbsVolumeConfig | None = Field(
        default=None,
        description="An additional EBS volume for each instance, mounted at /opt/sagemaker, or the key of the root "
        "volume. Exactly one of the three members of an entry is set.",
    )
    fsxLustreConfig: FsxLustreConfig | None = Field(
        default=None, description="An existing Amazon FSx for Lustre file system to mount on each instance."
    )
    fsxOpenZfsConfig: FsxOpenZfsConfig | None = Field(
        default=None, description="An existing Amazon FSx for OpenZFS file system to mount on each instance."
    )


InstanceStorageConfigs = Annotated[list[InstanceStorageConfig], Field(max_length=4, json_schema_extra=ATOMIC)]
"""API member ClusterInstanceStorageConfigs. Entries have no name, so the list is replaced as a whole."""


class EnvironmentFsxLustre(Model):
    """API member FSxLustreConfig: a file system that HyperPod makes and manages for restricted groups."""

    sizeInGiB: FsxSizeInGiB = Field(
        description="Capacity in GiB, 1200 to 100800. FSx itself offers 1200, 2400 and multiples of 2400. Billed to "
        "your account."
    )
    perUnitStorageThroughput: FsxThroughput = Field(
        description="Throughput in MB/s per TiB, 125 to 1000. FSx itself offers 125, 250, 500 and 1000."
    )


class EnvironmentConfig(Model):
    """API member EnvironmentConfig."""

    fSxLustreConfig: EnvironmentFsxLustre | None = Field(
        default=None,
        description="The service-managed FSx for Lustre file system of this restricted group (checkpoints and model "
        "state). Scaling the group to 0 keeps it; removing the group deletes it.",
    )


class SharedEnvironmentConfig(Model):
    """API member ClusterSharedEnvironmentConfig."""

    fSxLustreDeletionPolicy: Literal["DeleteIfNotUsed", "Keep"] = Field(
        description="DeleteIfNotUsed: HyperPod deletes the shared file system when no restricted group uses it. Keep: "
        "it stays, and stays billed."
    )
    fSxLustreConfig: EnvironmentFsxLustre = Field(
        description="The service-managed FSx for Lustre file system that all restricted groups share."
    )


class RestrictedInstanceGroupsConfig(Model):
    """API member ClusterRestrictedInstanceGroupsConfig."""

    sharedEnvironmentConfig: SharedEnvironmentConfig = Field(
        description="What the restricted instance groups of the cluster have in common."
    )
