"""Volumes, attachments, modifications and snapshots as EC2 shows them."""

from collections.abc import Mapping

from hyperpod_testbed.simulator.ebs.state import Attachment, Modification, Snapshot, Volume
from hyperpod_testbed.simulator.names import partition
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Region


def tags(found: Mapping[str, str]) -> list[JSON] | None:
    """TagList; nothing at all when there are none."""
    return [{"Key": key, "Value": value} for key, value in found.items()] or None


def volume(sim: Simulation, region: Region, one: Volume) -> JSON:
    """Volume, as DescribeVolumes has it."""
    answer: JSON = {
        "VolumeId": one.id,
        "VolumeArn": f"arn:{partition(region.name)}:ec2:{region.name}:{sim.account.id}:volume/{one.id}",
        "OwnerId": sim.account.id,
        "State": one.status,
        "Size": one.size,
        "VolumeType": one.type,
        "Iops": one.iops,
        "Throughput": one.throughput,
        "Encrypted": one.encrypted,
        "KmsKeyId": one.kms_key,
        "MultiAttachEnabled": one.multi_attach,
        "AvailabilityZone": one.zone.name,
        "AvailabilityZoneId": one.zone.id,
        "SnapshotId": one.snapshot_id or "",
        "VolumeInitializationRate": one.initialization_rate,
        "CreateTime": one.created_at,
        "Tags": tags(one.tags),
        "Attachments": [attachment(one, item) for item in one.attachments],
    }
    return {name: value for name, value in answer.items() if value is not None}


def attachment(one: Volume, item: Attachment) -> JSON:
    """VolumeAttachment: to a resource that AWS manages it has neither InstanceId nor Device (API reference)."""
    answer: JSON = {
        "VolumeId": one.id,
        "State": item.status,
        "AttachTime": item.time,
        "DeleteOnTermination": item.delete_on_termination,
    }
    if item.resource:
        return answer | {"AssociatedResource": item.resource, "InstanceOwningService": item.service}
    return answer | {"InstanceId": item.instance_id, "Device": item.device}


def created(answer: JSON) -> JSON:
    """The answer of CreateVolume: as described, without attachments."""
    return {name: value for name, value in answer.items() if name != "Attachments"}


def modification(one: Volume, item: Modification) -> JSON:
    """VolumeModification."""
    progress = {"modifying": 0, "optimizing": 50, "completed": 100}.get(item.status, 0)
    answer: JSON = {
        "VolumeId": one.id,
        "ModificationState": item.status,
        "StatusMessage": item.message or None,
        "Progress": progress,
        "StartTime": item.start,
        "EndTime": item.end,
        **{f"Original{name}": value for name, value in item.original.items()},
        **{f"Target{name}": value for name, value in item.target.items()},
    }
    return {name: value for name, value in answer.items() if value is not None}


def snapshot(sim: Simulation, one: Snapshot) -> JSON:
    """Snapshot, as DescribeSnapshots has it."""
    answer: JSON = {
        "SnapshotId": one.id,
        "VolumeId": one.volume_id,
        "VolumeSize": one.size,
        "OwnerId": sim.account.id,
        "State": one.status,
        "StateMessage": one.message or None,
        "Progress": "100%" if one.status == "completed" else "0%",
        "StartTime": one.started_at,
        "CompletionTime": one.completed_at,
        "Description": one.description,
        "Encrypted": one.encrypted,
        "KmsKeyId": one.kms_key,
        "StorageTier": "standard",
        "Tags": tags(one.tags),
    }
    return {name: value for name, value in answer.items() if value is not None}


def newly_taken(answer: JSON) -> JSON:
    """The answer of CreateSnapshot: as described, without what only an end brings."""
    return {name: value for name, value in answer.items() if name not in {"CompletionTime", "StorageTier"}}
