"""EC2's network interfaces: those of FSx file systems and of HyperPod's instances, in the customer's subnets."""

import ipaddress
from collections.abc import Iterator
from typing import Any

from hyperpod_testbed.simulator.ebs import lists
from hyperpod_testbed.simulator.ebs.errors import require_wet
from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.prerequisites import addresses, inventory
from hyperpod_testbed.simulator.prerequisites.resources import FileSystem, SecurityGroup, Subnet
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Region

FIRST = 10
"""The place in its subnet of a file system's address: the first are AWS's."""


def id_of(file_system: str) -> str:
    """The interface of a file system."""
    return f"eni-{file_system.removeprefix('fs-')}"


def describe_network_interfaces(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeNetworkInterfaces."""
    instances = list(_of_instances(sim, region))
    for name in lists.named(request, member="NetworkInterfaceIds", filter_name="network-interface-id"):
        if name not in {one["NetworkInterfaceId"] for one in instances}:
            inventory.find(sim, region, FileSystem, f"fs-{name.removeprefix('eni-')}")
    every = [*_of_file_systems(sim, region), *instances]
    ids = request.get("NetworkInterfaceIds") or []
    for wanted in ids:
        if wanted not in {one["NetworkInterfaceId"] for one in every}:
            raise AwsError("InvalidNetworkInterfaceID.NotFound", f"The networkInterface ID '{wanted}' does not exist")
    chosen = lists.matching(
        [one for one in every if not ids or one["NetworkInterfaceId"] in ids],
        request,
        fields={
            "network-interface-id": _member("NetworkInterfaceId"),
            "vpc-id": _member("VpcId"),
            "subnet-id": _member("SubnetId"),
            "availability-zone": _member("AvailabilityZone"),
            "status": _member("Status"),
            "owner-id": _member("OwnerId"),
            "requester-managed": _member("RequesterManaged"),
            "description": _member("Description"),
            "group-id": lambda one: [group["GroupId"] for group in one["Groups"]],
            "addresses.private-ip-address": _member("PrivateIpAddress"),
        },
        tags=lambda _: {},
    )
    answer = lists.page(sim, chosen, request, operation="DescribeNetworkInterfaces", ids="NetworkInterfaceIds")
    require_wet(bool(request.get("DryRun")))
    return {"NetworkInterfaces": answer.pop("items"), **answer}


def _of_file_systems(sim: Simulation, region: Region) -> Iterator[JSON]:
    for one in inventory.listed(sim, region, FileSystem):
        subnet = inventory.subnet(sim, region, one.subnets[0]) if one.subnets else None
        if subnet is not None:
            yield _interface(
                sim,
                region,
                subnet,
                id=id_of(one.id),
                groups=one.security_groups,
                address=str(ipaddress.ip_network(subnet.cidr)[FIRST]),
                description=f"Interface for {one.id}",
            )


def _of_instances(sim: Simulation, region: Region) -> Iterator[JSON]:
    """HyperPod's instances are of another account, and their interfaces are in this one."""
    for cluster in region.clusters.values():
        for instance in cluster.instances.values():
            subnet = inventory.subnet(sim, region, instance.subnet) if instance.instance_id else None
            if subnet is None or not instance.address or instance.group not in cluster.groups:
                continue
            network = cluster.groups[instance.group].spec.get("OverrideVpcConfig") or cluster.spec["VpcConfig"]
            yield _interface(
                sim,
                region,
                subnet,
                id=f"eni-{(instance.instance_id or '').removeprefix('i-')}",
                groups=tuple(network["SecurityGroupIds"]),
                address=instance.address,
                description=f"[DO NOT DELETE] ENI managed by SageMaker for cluster {cluster.id}",
            )


def _interface(
    sim: Simulation,
    region: Region,
    subnet: Subnet,
    *,
    id: str,
    groups: tuple[str, ...],
    address: str,
    description: str,
) -> JSON:
    place = addresses.zone_of(sim, region, subnet.id)
    found = [inventory.find(sim, region, SecurityGroup, name) for name in groups]
    return {
        "NetworkInterfaceId": id,
        "Description": description,
        "InterfaceType": "interface",
        "Status": "in-use",
        "OwnerId": sim.account.id,
        "RequesterManaged": True,
        "SubnetId": subnet.id,
        "VpcId": subnet.vpc,
        "AvailabilityZone": place.name,
        "PrivateIpAddress": address,
        "Groups": [{"GroupId": one.id, "GroupName": one.name} for one in found if one is not None],
        "SourceDestCheck": True,
        "TagSet": [],
    }


def _member(name: str) -> Any:
    return lambda one: one[name]
