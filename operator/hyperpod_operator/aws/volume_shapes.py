"""EC2's shapes of volumes and snapshots as the frozen ones that decisions read, and requests the other way.

Only what decisions use is taken over. What EC2 leaves out stays unset: a missing member never becomes a zero.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hyperpod_operator.core.volume.ports import Attachment, AttachmentLimit, Change, Modification, NewVolume, Snapshot
from hyperpod_operator.core.volume.ports import Volume as VolumeRecord

Raw = Mapping[str, Any]


def volume(raw: Raw) -> VolumeRecord:
    """Volume of DescribeVolumes, and the answer of CreateVolume."""
    return VolumeRecord(
        volume_id=raw["VolumeId"],
        state=raw.get("State", ""),
        size=raw.get("Size", 0),
        volume_type=raw.get("VolumeType", ""),
        iops=raw.get("Iops"),
        throughput=raw.get("Throughput"),
        encrypted=bool(raw.get("Encrypted")),
        kms_key_id=raw.get("KmsKeyId", ""),
        multi_attach_enabled=bool(raw.get("MultiAttachEnabled")),
        availability_zone=raw.get("AvailabilityZone", ""),
        availability_zone_id=raw.get("AvailabilityZoneId", ""),
        snapshot_id=raw.get("SnapshotId", ""),
        create_time=_time(raw.get("CreateTime")),
        tags=_tags(raw),
        attachments=tuple(attachment(one) for one in raw.get("Attachments", ())),
    )


def attachment(raw: Raw) -> Attachment:
    """VolumeAttachment of DescribeVolumes."""
    return Attachment(
        state=raw.get("State", ""),
        instance_id=raw.get("InstanceId", ""),
        associated_resource=raw.get("AssociatedResource", ""),
        instance_owning_service=raw.get("InstanceOwningService", ""),
        device=raw.get("Device", ""),
        attach_time=_time(raw.get("AttachTime")),
        delete_on_termination=raw.get("DeleteOnTermination"),
    )


def node_attachment(raw: Raw) -> Attachment:
    """The answer of AttachClusterNodeVolume and DetachClusterNodeVolume."""
    return Attachment(
        state=raw.get("Status", ""),
        associated_resource=f"{raw['ClusterArn']}-{raw['NodeId']}",
        device=raw.get("DeviceName", ""),
        attach_time=_time(raw.get("AttachTime")),
    )


def modification(raw: Raw) -> Modification:
    """VolumeModification."""
    return Modification(
        volume_id=raw["VolumeId"],
        modification_state=raw.get("ModificationState", ""),
        progress=raw.get("Progress"),
        status_message=raw.get("StatusMessage", ""),
        start_time=_time(raw.get("StartTime")),
        end_time=_time(raw.get("EndTime")),
        target_size=raw.get("TargetSize"),
        target_volume_type=raw.get("TargetVolumeType", ""),
        target_iops=raw.get("TargetIops"),
        target_throughput=raw.get("TargetThroughput"),
    )


def snapshot(raw: Raw) -> Snapshot:
    """Snapshot of DescribeSnapshots, and the answer of CreateSnapshot."""
    return Snapshot(
        snapshot_id=raw["SnapshotId"],
        volume_id=raw.get("VolumeId", ""),
        state=raw.get("State", ""),
        progress=raw.get("Progress", ""),
        status_message=raw.get("StateMessage", ""),
        start_time=_time(raw.get("StartTime")),
        tags=_tags(raw),
    )


def attachment_limit(raw: Raw) -> AttachmentLimit | None:
    """EbsInfo of an instance type; None where EC2 tells no number."""
    info = raw.get("EbsInfo", {})
    if "MaximumEbsAttachments" not in info:
        return None
    return AttachmentLimit(maximum=info["MaximumEbsAttachments"], shared=info.get("AttachmentLimitType") != "dedicated")


def new_volume(request: NewVolume) -> dict[str, Any]:
    """The members of CreateVolume."""
    members = {
        "ClientToken": request.client_token,
        "VolumeType": request.volume_type,
        "Size": request.size,
        "Iops": request.iops,
        "Throughput": request.throughput,
        "SnapshotId": request.snapshot_id or None,
        "Encrypted": request.encrypted,
        "KmsKeyId": request.kms_key_id or None,
        "AvailabilityZone": request.availability_zone or None,
        "AvailabilityZoneId": request.availability_zone_id or None,
        "VolumeInitializationRate": request.volume_initialization_rate,
        "TagSpecifications": tag_specifications("volume", request.tags),
    }
    return _set(members)


def change(wanted: Change) -> dict[str, Any]:
    """The members of ModifyVolume, but for the volume."""
    return _set(
        {
            "Size": wanted.size,
            "VolumeType": wanted.volume_type,
            "Iops": wanted.iops,
            "Throughput": wanted.throughput,
        }
    )


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as EC2 takes them, in one order whoever wrote the map: an idempotent call is repeated as it was."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def tag_specifications(resource: str, tags: Mapping[str, str]) -> list[dict[str, Any]] | None:
    """The tags of something that is being created; None without any, because EC2 refuses an empty list."""
    return [{"ResourceType": resource, "Tags": tag_list(tags)}] if tags else None


def filters(**values: list[str]) -> list[dict[str, Any]]:
    """Filters by name, `_` for `-`."""
    return [{"Name": name.replace("_", "-"), "Values": listed} for name, listed in values.items()]


def tag_filter(key: str, *values: str) -> list[dict[str, Any]]:
    """The filter for one tag with one of these values. `*`, `?` and `\\` in them mean themselves."""
    escaped = ["".join(f"\\{letter}" if letter in "*?\\" else letter for letter in value) for value in values]
    return [{"Name": f"tag:{key}", "Values": escaped}]


def _tags(raw: Raw) -> dict[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in raw.get("Tags", ())}


def _set(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _time(moment: datetime | None) -> datetime | None:
    """botocore answers in the local zone."""
    return moment.astimezone(UTC) if moment else None
