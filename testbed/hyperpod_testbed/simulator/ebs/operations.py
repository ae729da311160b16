"""The operations of EC2 about volumes and zones, by the name on the wire."""

from collections.abc import Mapping

from hyperpod_testbed.simulator.ebs import modifications, places, snapshots, tags, volumes
from hyperpod_testbed.simulator.operations import Handler

OPERATIONS: Mapping[str, Handler] = {
    "DescribeVolumes": Handler(volumes.describe_volumes),
    "CreateVolume": Handler(volumes.create_volume, mutating=True),
    "DeleteVolume": Handler(volumes.delete_volume, mutating=True),
    "ModifyVolume": Handler(modifications.modify_volume, mutating=True),
    "DescribeVolumesModifications": Handler(modifications.describe_modifications),
    "CreateTags": Handler(tags.create_tags, mutating=True),
    "DeleteTags": Handler(tags.delete_tags, mutating=True),
    "DescribeTags": Handler(tags.describe_tags),
    "CreateSnapshot": Handler(snapshots.create_snapshot, mutating=True),
    "DescribeSnapshots": Handler(snapshots.describe_snapshots),
    "DeleteSnapshot": Handler(snapshots.delete_snapshot, mutating=True),
    "DescribeAvailabilityZones": Handler(places.describe_zones),
}
