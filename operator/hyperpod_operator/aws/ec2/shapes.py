"""EC2's shapes of volumes and snapshots as the frozen ones that decisions read, and requests the other way.

Only what decisions use is taken over. What EC2 leaves out stays unset: a missing member never becomes a zero.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hyperpod_operator.aws.call.answers import (
    Member,
    check,
    flag,
    listed,
    moment,
    number,
    structure,
    text,
    unknown,
    utc,
)
from hyperpod_operator.core.errors import CloudError
from hyperpod_operator.core.volume.ports import Attachment, AttachmentLimit, Change, Modification, NewVolume, Snapshot
from hyperpod_operator.core.volume.ports import Volume as VolumeRecord

Raw = Mapping[str, Any]

NAMED = (
    listed("Volumes"),
    text("Volumes[].VolumeId"),
    listed("Volumes[].Tags", optional=True),
    text("Volumes[].Tags[].Key"),
    text("Volumes[].Tags[].Value", empty=True),
)
"""What a page of DescribeVolumes has to say before its volumes are looked at one by one: which they are, and whose. EC2
leaves out Tags of a volume without any."""
VOLUMES = (
    *NAMED,
    text("Volumes[].State"),
    number("Volumes[].Size"),
    text("Volumes[].VolumeType"),
    text("Volumes[].AvailabilityZone"),
    text("Volumes[].AvailabilityZoneId", optional=True),
    number("Volumes[].Iops", optional=True),
    number("Volumes[].Throughput", optional=True),
    flag("Volumes[].MultiAttachEnabled", optional=True),
    moment("Volumes[].CreateTime", optional=True),
    listed("Volumes[].Attachments", optional=True),
    text("Volumes[].Attachments[].State"),
    text("Volumes[].Attachments[].InstanceId", optional=True),
    text("Volumes[].Attachments[].AssociatedResource", optional=True),
    moment("Volumes[].Attachments[].AttachTime", optional=True),
    flag("Volumes[].Attachments[].DeleteOnTermination", optional=True),
)
"""What decisions rest on in DescribeVolumes. What EC2 may leave out is read by `volume`, together with the members that
then have to be there."""
ESSENTIAL = frozenset(
    {"Volumes[].VolumeId", "Volumes[].Tags[].Key", "Volumes[].Tags[].Value", "Volumes[].Attachments[].State"}
)
"""Members without which an answer about a volume, or one of its items, says nothing."""
PAGES: Mapping[str, tuple[Member, ...]] = {
    "DescribeVolumes": NAMED,
    "DescribeVolumesModifications": (
        listed("VolumesModifications"),
        text("VolumesModifications[].VolumeId"),
        text("VolumesModifications[].ModificationState"),
        moment("VolumesModifications[].StartTime"),
        number("VolumesModifications[].TargetSize", optional=True),
        text("VolumesModifications[].TargetVolumeType", optional=True),
        number("VolumesModifications[].TargetIops", optional=True),
        number("VolumesModifications[].TargetThroughput", optional=True),
        number("VolumesModifications[].Progress", optional=True),
        moment("VolumesModifications[].EndTime", optional=True),
    ),
    "DescribeSnapshots": (
        listed("Snapshots"),
        text("Snapshots[].SnapshotId"),
        text("Snapshots[].VolumeId"),
        text("Snapshots[].State"),
        moment("Snapshots[].StartTime", optional=True),
        listed("Snapshots[].Tags"),
        text("Snapshots[].Tags[].Key"),
        text("Snapshots[].Tags[].Value", empty=True),
    ),
    "DescribeInstanceTypes": (
        listed("InstanceTypes"),
        text("InstanceTypes[].InstanceType"),
        structure("InstanceTypes[].EbsInfo", optional=True),
        number("InstanceTypes[].EbsInfo.MaximumEbsAttachments", optional=True),
        text("InstanceTypes[].EbsInfo.AttachmentLimitType", optional=True),
    ),
}
"""The same for each page of what is listed. Snapshots are looked for by a tag, so each that is found has tags."""
SNAPSHOT_BY_ID = tuple(
    replace(one, optional=one.optional or one.path == "Snapshots[].Tags") for one in PAGES["DescribeSnapshots"]
)
"""The same of a snapshot that is asked for by its id: others may have taken all of its tags off."""
NEW_VOLUME = tuple(
    replace(one, path=one.path.replace("Volumes[]", "Volume"), optional=one.optional or one.path not in ESSENTIAL)
    for one in VOLUMES
    if one.path != "Volumes"
)
"""CreateVolume answers with less; what it does say has to be of the right type."""
NEW_MODIFICATION = (
    structure("VolumeModification"),
    text("VolumeModification.VolumeId"),
    text("VolumeModification.ModificationState", optional=True),
)
NEW_SNAPSHOT = (
    text("SnapshotId"),
    text("State", optional=True),
    moment("StartTime", optional=True),
    listed("Tags", optional=True),
    text("Tags[].Key"),
    text("Tags[].Value", empty=True),
)
# [assumption: gp3-has-iops-and-throughput, io-has-iops-and-multi-attach]
PERFORMANCE = {
    "gp2": ("Iops",),
    "gp3": ("Iops", "Throughput"),
    "io1": ("Iops", "MultiAttachEnabled"),
    "io2": ("Iops", "MultiAttachEnabled"),
}
"""Members that DescribeVolumes has for volumes of a type (EC2 API reference, Volume)."""


def volumes(raws: Sequence[Raw]) -> list[VolumeRecord | CloudError]:
    """The volumes of an answer of DescribeVolumes, in its order; an error for one of which it says half, or what cannot
    be. The others are not less known for that."""
    try:
        check({"Volumes": raws}, operation="DescribeVolumes", members=VOLUMES)
    except CloudError:
        return [_volume(raw, members=VOLUMES) for raw in raws]
    return [_volume(raw) for raw in raws]


def _volume(raw: Raw, *, members: Sequence[Member] = ()) -> VolumeRecord | CloudError:
    try:
        check({"Volumes": [raw]}, operation="DescribeVolumes", members=members)
        return volume(raw)
    except CloudError as error:
        return error


def volume(raw: Raw) -> VolumeRecord:
    """Volume of DescribeVolumes, checked by `VOLUMES` before. Raises CloudError where its members contradict each
    other or one that a volume of its type has is missing."""
    for member in PERFORMANCE.get(raw["VolumeType"], ()):
        if raw.get(member) is None:
            raise unknown(operation="DescribeVolumes", what=f"Volumes[].{member} is missing")
    attachments = raw.get("Attachments") or ()
    # [assumption: in-use-lists-attachments]
    if raw["State"] == "in-use" and not attachments:
        raise unknown(operation="DescribeVolumes", what="Volumes[].Attachments is missing, of a volume that is in-use")
    for one in attachments:
        if not one.get("InstanceId") and not one.get("AssociatedResource"):
            raise unknown(operation="DescribeVolumes", what="Volumes[].Attachments[].AssociatedResource is missing")
    return new_answer(raw)


def new_answer(raw: Raw) -> VolumeRecord:
    """The answer of CreateVolume, which has less."""
    return VolumeRecord(
        volume_id=raw["VolumeId"],
        state=raw.get("State") or "",
        size=raw.get("Size") or 0,
        volume_type=raw.get("VolumeType") or "",
        iops=raw.get("Iops"),
        throughput=raw.get("Throughput"),
        encrypted=bool(raw.get("Encrypted")),
        kms_key_id=raw.get("KmsKeyId", ""),
        multi_attach_enabled=bool(raw.get("MultiAttachEnabled")),
        availability_zone=raw.get("AvailabilityZone", ""),
        availability_zone_id=raw.get("AvailabilityZoneId", ""),
        snapshot_id=raw.get("SnapshotId", ""),
        create_time=utc(raw.get("CreateTime")),
        tags=tags(raw),
        attachments=tuple(attachment(one) for one in raw.get("Attachments") or ()),
    )


def attachment(raw: Raw) -> Attachment:
    """VolumeAttachment of DescribeVolumes."""
    return Attachment(
        state=raw.get("State", ""),
        instance_id=raw.get("InstanceId", ""),
        associated_resource=raw.get("AssociatedResource", ""),
        instance_owning_service=raw.get("InstanceOwningService", ""),
        device=raw.get("Device", ""),
        attach_time=utc(raw.get("AttachTime")),
        delete_on_termination=raw.get("DeleteOnTermination"),
    )


def node_attachment(raw: Raw, *, cluster_arn: str, instance_id: str) -> Attachment:
    """The answer of AttachClusterNodeVolume and DetachClusterNodeVolume: what the call asked for is what it is about,
    and DescribeVolumes has the truth."""
    return Attachment(
        state=_word(raw.get("Status")),
        associated_resource=f"{cluster_arn}-{instance_id}",
        device=_word(raw.get("DeviceName")),
        attach_time=utc(raw.get("AttachTime")),
    )


def modification(raw: Raw) -> Modification:
    """VolumeModification."""
    return Modification(
        volume_id=raw["VolumeId"],
        modification_state=raw.get("ModificationState", ""),
        progress=raw.get("Progress"),
        status_message=raw.get("StatusMessage", ""),
        start_time=utc(raw.get("StartTime")),
        end_time=utc(raw.get("EndTime")),
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
        start_time=utc(raw.get("StartTime")),
        tags=tags(raw),
    )


def attachment_limit(raw: Raw) -> AttachmentLimit | None:
    """EbsInfo of an instance type; None where EC2 tells no number."""
    info = raw.get("EbsInfo") or {}
    if (most := info.get("MaximumEbsAttachments")) is None:
        return None
    return AttachmentLimit(maximum=most, shared=info.get("AttachmentLimitType") != "dedicated")


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


def tag_list(wanted: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as EC2 takes them, in one order whoever wrote the map: an idempotent call is repeated as it was."""
    return [{"Key": key, "Value": value} for key, value in sorted(wanted.items())]


def tag_specifications(resource: str, wanted: Mapping[str, str]) -> list[dict[str, Any]] | None:
    """The tags of something that is being created; None without any, because EC2 refuses an empty list."""
    return [{"ResourceType": resource, "Tags": tag_list(wanted)}] if wanted else None


def filters(**values: list[str]) -> list[dict[str, Any]]:
    """Filters by name, `_` for `-`."""
    return [{"Name": name.replace("_", "-"), "Values": listed} for name, listed in values.items()]


def tag_filter(key: str, *values: str) -> list[dict[str, Any]]:
    """The filter for one tag with one of these values. `*`, `?` and `\\` in them mean themselves."""
    escaped = ["".join(f"\\{letter}" if letter in "*?\\" else letter for letter in value) for value in values]
    return [{"Name": f"tag:{key}", "Values": escaped}]


def tags(raw: Raw) -> dict[str, str]:
    """Tags of any resource."""
    return {tag["Key"]: tag.get("Value", "") for tag in raw.get("Tags") or ()}


def _set(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""
