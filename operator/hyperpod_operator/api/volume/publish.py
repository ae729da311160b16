"""`spec.publish` of an EBSVolumeClaim: how pods use the volume."""

from typing import Literal

from pydantic import ConfigDict, Field

from hyperpod_operator.api.common.model import Model
from hyperpod_operator.api.common.rules import rules
from hyperpod_operator.api.volume.bounds import (
    PUBLISHED_CLASS,
    AccessModes,
    ClassName,
    FsType,
    MountOptions,
    ObjectName,
)
from hyperpod_operator.api.volume.rules import PUBLISH_RULES


class PublishedClaim(Model):
    """The PersistentVolumeClaim that is bound to the PersistentVolume."""

    name: ObjectName = Field(description="Name of the PersistentVolumeClaim, in the namespace of this object.")
    create: bool | None = Field(
        default=None,
        description="true: the operator creates it, and removes it when you delete this object. Unset means false: the "
        "PersistentVolume waits for a PersistentVolumeClaim of this name.",
    )


class Publish(Model):
    """The PersistentVolume."""

    model_config = ConfigDict(json_schema_extra=rules(*PUBLISH_RULES))

    type: Literal["None", "LocalPV", "CSI"] = Field(
        description="LocalPV: a local PersistentVolume on the node that has the volume (mode Direct). CSI: a static "
        "PersistentVolume of ebs.csi.aws.com (mode CSI). None: none."
    )
    volumeMode: Literal["Filesystem", "Block"] | None = Field(
        default=None, description="Filesystem: formatted when empty, and mounted. Block: raw. Unset means Filesystem."
    )
    fsType: FsType | None = Field(default=None, description="File system of a volume that has none. Unset means ext4.")
    storageClassName: ClassName | None = Field(
        default=None,
        description=f"Class of PersistentVolume and PersistentVolumeClaim. Unset means {PUBLISHED_CLASS}, which no "
        "provisioner serves. Another one needs storageClasses in the operator's tenants list.",
    )
    accessModes: AccessModes | None = Field(
        default=None, description="Exactly one access mode. Unset means ReadWriteOnce."
    )
    persistentVolumeClaim: PublishedClaim | None = Field(
        default=None,
        description="The PersistentVolumeClaim of this namespace that the PersistentVolume is reserved for. Required "
        "with types LocalPV and CSI.",
    )
    mountOptions: MountOptions | None = Field(
        default=None,
        description="Mount options, one per item, for example noatime or commit=30. Only options that are harmless to "
        "the node are accepted; docs/volumes.md lists them.",
    )
