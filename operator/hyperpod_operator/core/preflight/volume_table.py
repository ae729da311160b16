"""The table of all checks of an EBSVolumeClaim, in the order in which they are shown."""

from hyperpod_operator.core.preflight import volume
from hyperpod_operator.core.preflight.model import Area, Check

FIXED = " In a claim that exists source cannot change: delete it and apply it again."
EBS = "DOC: Amazon EBS user guide, volume types; MODEL: CreateVolume"

# [assumption: preflight-checks-hold]
CLAIM: tuple[Check, ...] = (
    Check(
        name="VolumeZone",
        area=Area.VOLUME,
        what="The zone exists and has nodes of the target",
        why="A volume attaches to nodes of its own zone only, and cannot move.",
        source=EBS,
        judge=volume.zone,
        reads=("ec2:DescribeAvailabilityZones",),
        fail="Zone {zone} {problem}.",
        remedy="Name the zone of the nodes, or leave the zone out: the operator then takes that of the target. If "
        f"nodes are to come in the zone, wait for them.{FIXED}",
    ),
    Check(
        name="VolumeKMSKey",
        area=Area.VOLUME,
        what="The KMS key exists and is enabled",
        why="EC2 makes the volume, and then deletes it without an error to the caller.",
        source="DOC: Amazon EBS user guide, encryption",
        judge=volume.key,
        reads=("kms:DescribeKey",),
        fail="KMS key {key} {problem}.",
        remedy=f"Enable the key, or name an enabled symmetric one of this Region.{FIXED}",
    ),
    Check(
        name="VolumeKMSKeyPolicy",
        area=Area.VOLUME,
        what="The policy or a grant of the KMS key lets the operator's role use it",
        why="EC2 makes the volume, and then deletes it without an error to the caller.",
        source="DOC: Amazon EBS user guide, encryption requirements, permissions for IAM users (kms:CreateGrant)",
        judge=volume.key_policy,
        reads=("kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListGrants"),
        fail="The policy of KMS key {key} allows kms:CreateGrant neither to the operator's role nor through IAM, and "
        "no grant of it does.",
        warn="The policy of KMS key {key} allows kms:CreateGrant to the operator's role under conditions at most.",
        remedy="Allow the operator's role in the key's policy, or let the policy leave it to IAM (principal "
        "arn:aws:iam::ACCOUNT:root).",
    ),
    Check(
        name="VolumeSnapshot",
        area=Area.VOLUME,
        what="The snapshot exists, is usable and is not larger than the volume",
        why="CreateVolume is refused.",
        source="MODEL: CreateVolume.Size",
        judge=volume.snapshot,
        reads=("ec2:DescribeSnapshots",),
        fail="Snapshot {snapshot} {problem}.",
        remedy="Correct source.create.snapshotId; where the snapshot is larger than the volume, raise volume.size."
        f"{FIXED}",
    ),
    Check(
        name="VolumeSize",
        area=Area.VOLUME,
        what="The volume type takes this size",
        why="CreateVolume is refused.",
        source=EBS,
        judge=volume.size,
        fail="A {type} volume has {least} GiB at least, and volume.size is {size}.",
        warn="A {type} volume takes {most} GiB, as far as this version knows, and volume.size is {size}.",
        remedy="Change volume.size or volume.volumeType.",
    ),
    Check(
        name="VolumeIOPS",
        area=Area.VOLUME,
        what="The volume type takes these IOPS at this size",
        why="CreateVolume is refused.",
        source=EBS,
        judge=volume.iops,
        fail="volume.iops is {iops}: {problem}.",
        warn="volume.iops is {iops}: {problem}.",
        remedy="Correct volume.iops; where it is too much for the size, you can raise volume.size instead.",
    ),
    Check(
        name="VolumeThroughput",
        area=Area.VOLUME,
        what="The volume type takes this throughput at these IOPS",
        why="CreateVolume is refused.",
        source=EBS,
        judge=volume.throughput,
        fail="volume.throughput is {throughput}: {problem}.",
        warn="volume.throughput is {throughput}: {problem}.",
        remedy="Correct volume.throughput; where it is too much for the IOPS, you can raise volume.iops instead.",
    ),
    Check(
        name="VolumeQuota",
        area=Area.VOLUME,
        what="The volume and those that the account has are within the storage quota of their type",
        why="CreateVolume fails with VolumeLimitExceeded.",
        source="DOC: AWS general reference, Amazon EBS endpoints and quotas",
        judge=volume.quota,
        reads=(
            "servicequotas:ListServiceQuotas",
            "servicequotas:ListAWSDefaultServiceQuotas",
            "ec2:DescribeVolumes",
        ),
        fail="The volume has {size} GiB, and the account may have {limit} TiB of {type} in all.",
        warn="The volume has {size} GiB, the account's volumes of type {type} in this Region have {held} GiB, and they "
        "may have {limit} TiB in all.",
        remedy="Ask Service Quotas (Amazon EBS) for more, delete unused volumes, or lower volume.size.",
    ),
    Check(
        name="AttachmentSlots",
        area=Area.VOLUME,
        what="A node of the target takes another volume",
        why="Instances take a limited number of volumes; one more waits until another is detached.",
        source="DOC: Amazon EC2 user guide, volume limits; MODEL: EbsInfo.MaximumEbsAttachments",
        judge=volume.slots,
        reads=("ec2:DescribeInstanceTypes",),
        warn="Every node of the target holds {held}, as many as its instance type takes.",
        remedy="Use another group or instance type, or detach a volume.",
    ),
)
"""In the order in which they are shown."""
