"""FSx: file systems."""

from hyperpod_testbed.simulator import pages
from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.names import partition
from hyperpod_testbed.simulator.prerequisites import interfaces, inventory, paging
from hyperpod_testbed.simulator.prerequisites.resources import FileSystem
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Region


def describe_file_systems(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeFileSystems: those that are named, or all."""
    found: list[FileSystem] = []
    for name in request.get("FileSystemIds") or []:
        one = inventory.find(sim, region, FileSystem, name)
        if one is None:
            raise AwsError("FileSystemNotFound", f"File system '{name}' does not exist.")
        found.append(one)
    found = found or inventory.listed(sim, region, FileSystem)
    chosen, token = paging.page(sim, found, request, operation="DescribeFileSystems")
    return pages.answer("FileSystems", [_file_system(sim, region, one) for one in chosen], token)


def _file_system(sim: Simulation, region: Region, one: FileSystem) -> JSON:
    own = {
        "LustreConfiguration": {
            "DeploymentType": "PERSISTENT_2",
            "PerUnitStorageThroughput": one.throughput,
            "MountName": one.mount_name,
            "DataCompressionType": "LZ4",
            "EfaEnabled": False,
        }
    }
    if one.type == "OPENZFS":
        own = {"OpenZFSConfiguration": {"DeploymentType": "SINGLE_AZ_HA_2", "ThroughputCapacity": one.throughput}}
    return {
        "OwnerId": sim.account.id,
        "CreationTime": one.created_at,
        "FileSystemId": one.id,
        "FileSystemType": one.type,
        "Lifecycle": one.lifecycle,
        "StorageCapacity": one.capacity,
        "StorageType": "SSD",
        "VpcId": one.vpc,
        "SubnetIds": list(one.subnets),
        "NetworkInterfaceIds": [interfaces.id_of(one.id)],
        "DNSName": f"{one.id}.fsx.{region.name}.amazonaws.com",
        "ResourceARN": f"arn:{partition(region.name)}:fsx:{region.name}:{sim.account.id}:file-system/{one.id}",
        **own,
    }
