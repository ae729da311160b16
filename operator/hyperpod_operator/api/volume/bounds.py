"""The bounded building blocks of EBSVolumeClaim: EC2's and Kubernetes' names and forms, once each.

EC2's model gives its strings no bounds and its integers no ranges, and AWS raises the maxima of EBS now and then.
So sizes and rates have a floor and a ceiling far above today's limits: EC2 decides, and its answer is reported.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from hyperpod_operator.api.common.bounds import ATOMIC, MISTAKE, SET
from hyperpod_operator.api.common.rules import rule, worded
from hyperpod_operator.api.common.storage_bounds import KMS_KEY_WORDS
from hyperpod_operator.api.names import GROUP

ClusterArn = Annotated[
    str,
    Field(
        max_length=256,
        **worded(
            r"^arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:cluster/[a-z0-9]{12}$",
            "give the ARN of the HyperPod cluster, which ends in its id and not its name, or set clusterName: "
            "aws sagemaker describe-cluster --cluster-name NAME --query ClusterArn",
        ),
    ),
]
"""ClusterArn of AttachClusterNodeVolumeRequest."""
InstanceId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=256,
        **worded(
            r"^i-[a-f0-9]{8}([a-f0-9]{9})?$",
            "an instance has an id as i-0123456789abcdef0: give it alone, or set nodeName for the name of a Node",
        ),
    ),
]
"""ClusterNodeId."""
NodeLogicalId = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[a-zA-Z0-9]([a-zA-Z0-9\-]*)$")]
"""ClusterNodeLogicalId, bounded more loosely: it is only compared."""
VolumeId = Annotated[
    str,
    Field(
        max_length=256,
        **worded(
            r"^vol-[a-f0-9]{8}([a-f0-9]{9})?$",
            "give the id of the volume, as vol-0123456789abcdef0: aws ec2 describe-volumes",
        ),
    ),
]
"""VolumeId of AttachClusterNodeVolumeRequest."""
SnapshotId = Annotated[
    str,
    Field(
        max_length=MISTAKE,
        **worded(
            r"^snap-[a-f0-9]{8}([a-f0-9]{9})?$",
            "give the id of the snapshot, as snap-0123456789abcdef0: aws ec2 describe-snapshots --owner-ids self",
        ),
    ),
]
AvailabilityZone = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        **worded(
            r"^[a-z]{2,4}(-[a-z0-9]+)+$",
            "a zone has the name of its Region and a letter, in lower case: write it as us-west-2b, or set "
            "availabilityZoneId for an id as usw2-az2",
            rule(
                "!self.matches('^[a-z]+(-[a-z]+)+-[0-9]+$')",
                message="this is a Region and no zone of it: add the letter of the zone, as us-west-2b",
            ),
        ),
    ),
]
"""A zone's name, for example us-west-2b or us-west-2-lax-1a."""
AvailabilityZoneId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        **worded(
            r"^[a-z0-9]+(-[a-z0-9]+)+$",
            "give the id of a zone, as usw2-az2: aws ec2 describe-availability-zones",
            rule(
                "!self.matches('^[a-z]+(-[a-z]+)+-[0-9]+[a-z]$')",
                message="this is the name of a zone and not its id: set availabilityZone",
            ),
        ),
    ),
]
"""A zone's id, for example usw2-az2."""
KmsKey = Annotated[
    str,
    Field(min_length=1, max_length=2048, **worded(r"^[a-zA-Z0-9:/_-]+$", KMS_KEY_WORDS)),
]
"""Key id, alias or ARN."""

VolumeType = Literal["standard", "io1", "io2", "gp2", "sc1", "st1", "gp3"]
"""VolumeType."""
Size = Annotated[int, Field(ge=1, le=1_048_576)]
"""GiB."""
Iops = Annotated[int, Field(ge=1, le=10_000_000)]
Throughput = Annotated[int, Field(ge=1, le=1_000_000)]
"""MiB/s."""
InitializationRate = Annotated[int, Field(ge=1, le=100_000)]
"""MiB/s."""

_SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
_SUBDOMAIN_WORDS = (
    "names in Kubernetes have lower case letters, digits, inner dashes and dots, and no namespace: correct it"
)
ObjectName = Annotated[str, Field(min_length=1, max_length=253, **worded(_SUBDOMAIN, _SUBDOMAIN_WORDS))]
"""Name of a Kubernetes object (DNS subdomain)."""
NodeName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=253,
        **worded(
            _SUBDOMAIN,
            _SUBDOMAIN_WORDS,
            rule(
                "!self.matches('^i-[a-f0-9]{8,17}$')",
                message="this is the id of an instance and not the name of its Node: set instanceId",
            ),
        ),
    ),
]
"""Name of a Kubernetes Node; those of HyperPod are `hyperpod-` and an instance id."""
ClassName = Annotated[
    str,
    Field(
        max_length=253,
        **worded(
            r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)?$",
            "names in Kubernetes have lower case letters, digits, inner dashes and dots: give that of a StorageClass",
        ),
    ),
]
"""Name of a StorageClass; empty is a class of its own: none."""
MODIFICATIONS_A_DAY = 4
"""Modifications of a volume that AWS allows in 24 hours."""
PUBLISHED_CLASS = f"published.{GROUP}"
"""The class of PersistentVolumes and PersistentVolumeClaims that name none. No StorageClass of this name has to exist:
then no provisioner serves it, it is nobody's default, and only what names it binds to what we publish."""
Duration = Annotated[
    str,
    Field(
        min_length=2,
        max_length=MISTAKE,
        **worded(
            r"^[1-9][0-9]{0,5}(s|m|h)$",
            "a duration is one whole number from 1 on and one unit of s, m and h: write it as 90s or 10m",
        ),
    ),
]
"""For example 90s, 10m or 2h."""
FsType = Literal["ext4", "xfs"]
MOUNT_FLAGS = (
    *("ro", "rw", "nosuid", "nodev", "noexec"),
    *("noatime", "nodiratime", "relatime", "strictatime", "lazytime", "nolazytime"),
    *("sync", "dirsync", "discard", "nodiscard", "delalloc", "nodelalloc"),
    *("inode64", "largeio", "nolargeio", "swalloc", "wsync", "noquota", "nouuid"),
)
"""Mount options without a value that are safe on a node that others share: mount(8), ext4(5), xfs(5)."""
MOUNT_VALUES: Mapping[str, str] = MappingProxyType(
    {
        "commit": "[1-9][0-9]{0,2}",
        "data": "ordered",
        "errors": "remount-ro",
        "stripe": "[1-9][0-9]{0,4}",
        "inode_readahead_blks": "[1-9][0-9]{0,3}",
        "allocsize": "[1-9][0-9]{0,3}[km]",
        "logbufs": "[2-8]",
        "logbsize": "(32|64|128|256)k",
        "sunit": "[1-9][0-9]{0,4}",
        "swidth": "[1-9][0-9]{0,5}",
    }
)
"""Mount options with a value, and the pattern of the value. Everything else is refused: options that name a device
(logdev, rtdev, journal_path) or a security context, that panic the node (errors=panic), or that give rights back
(suid, dev, exec, defaults)."""
MOUNT_OPTION_PATTERN = f"^({'|'.join([*MOUNT_FLAGS, *(f'{name}={value}' for name, value in MOUNT_VALUES.items())])})$"
MountOption = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MISTAKE,
        **worded(
            MOUNT_OPTION_PATTERN,
            "each item is one mount option of those that docs/volumes.md lists: write noatime, for example",
        ),
    ),
]
MountOptions = Annotated[list[MountOption], Field(min_length=1, max_length=16, json_schema_extra=ATOMIC)]
AccessMode = Literal["ReadWriteOnce", "ReadOnlyMany", "ReadWriteOncePod"]
AccessModes = Annotated[list[AccessMode], Field(min_length=1, max_length=1, json_schema_extra=SET)]
"""One volume, one node: ReadWriteMany would promise what EBS does not keep."""
