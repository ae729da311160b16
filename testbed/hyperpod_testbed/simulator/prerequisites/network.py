"""EC2's network: VPCs, subnets, route tables, security groups, endpoints."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from hyperpod_testbed.simulator.ebs import lists
from hyperpod_testbed.simulator.ebs.errors import require_wet
from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.prerequisites import inventory
from hyperpod_testbed.simulator.prerequisites import network_views as views
from hyperpod_testbed.simulator.prerequisites.resources import SecurityGroup, Subnet, Vpc
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Region

T = TypeVar("T")


def describe_vpcs(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeVpcs."""
    found = _named(sim, region, Vpc, request, member="VpcIds", filter_name="vpc-id", error=_no_vpc)
    return _answer(
        sim,
        request,
        [views.vpc(sim, region, one) for one in found],
        operation="DescribeVpcs",
        member="Vpcs",
        ids="VpcIds",
        fields={
            "vpc-id": _member("VpcId"),
            "cidr": _member("CidrBlock"),
            "cidr-block-association.cidr-block": lambda one: [
                item["CidrBlock"] for item in one["CidrBlockAssociationSet"]
            ],
            "state": _member("State"),
            "is-default": _member("IsDefault"),
            "owner-id": _member("OwnerId"),
        },
    )


def describe_vpc_attribute(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeVpcAttribute: DNS support and DNS hostnames."""
    found = inventory.find(sim, region, Vpc, request["VpcId"])
    if found is None:
        raise _no_vpc(request["VpcId"])
    require_wet(bool(request.get("DryRun")))
    values = {
        "enableDnsSupport": ("EnableDnsSupport", found.dns_support),
        "enableDnsHostnames": ("EnableDnsHostnames", found.dns_hostnames),
        "enableNetworkAddressUsageMetrics": ("EnableNetworkAddressUsageMetrics", False),
    }
    name, value = values[request["Attribute"]]
    return {"VpcId": found.id, name: {"Value": value}}


def describe_subnets(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeSubnets, with the addresses that HyperPod's instances have taken."""
    found = _named(sim, region, Subnet, request, member="SubnetIds", filter_name="subnet-id", error=_no_subnet)
    return _answer(
        sim,
        request,
        [views.subnet(sim, region, one) for one in found],
        operation="DescribeSubnets",
        member="Subnets",
        ids="SubnetIds",
        fields={
            "subnet-id": _member("SubnetId"),
            "vpc-id": _member("VpcId"),
            "availability-zone": _member("AvailabilityZone"),
            "availability-zone-id": _member("AvailabilityZoneId"),
            "available-ip-address-count": _member("AvailableIpAddressCount"),
            "cidr-block": _member("CidrBlock"),
            "cidr": _member("CidrBlock"),
            "state": _member("State"),
            "map-public-ip-on-launch": _member("MapPublicIpOnLaunch"),
            "owner-id": _member("OwnerId"),
        },
    )


def describe_route_tables(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeRouteTables: of each VPC the main one, and one for each way that its subnets lead out."""
    for name in lists.named(request, member="SubnetIds", filter_name="association.subnet-id"):
        inventory.subnet(sim, region, name)
    tables = [table for one in inventory.listed(sim, region, Vpc) for table in views.route_tables(sim, region, one)]
    ids = request.get("RouteTableIds") or []
    for wanted in ids:
        if wanted not in {table["RouteTableId"] for table in tables}:
            raise AwsError("InvalidRouteTableID.NotFound", f"The routeTable ID '{wanted}' does not exist")
    return _answer(
        sim,
        request,
        [table for table in tables if not ids or table["RouteTableId"] in ids],
        operation="DescribeRouteTables",
        member="RouteTables",
        ids="RouteTableIds",
        fields={
            "route-table-id": _member("RouteTableId"),
            "vpc-id": _member("VpcId"),
            "association.subnet-id": lambda one: [item.get("SubnetId") for item in one["Associations"]],
            "association.main": lambda one: [item["Main"] for item in one["Associations"]],
            "association.route-table-id": _member("RouteTableId"),
            "association.gateway-id": lambda _: None,
            "route.gateway-id": lambda one: [item.get("GatewayId") for item in one["Routes"]],
            "route.nat-gateway-id": lambda one: [item.get("NatGatewayId") for item in one["Routes"]],
            "route.destination-cidr-block": lambda one: [item.get("DestinationCidrBlock") for item in one["Routes"]],
            "owner-id": _member("OwnerId"),
        },
    )


def describe_security_groups(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeSecurityGroups."""
    for one in request.get("GroupIds") or []:
        if not one.startswith("sg-"):
            raise AwsError("InvalidGroupId.Malformed", f'Invalid id: "{one}" (expecting "sg-...")')
    found = _named(sim, region, SecurityGroup, request, member="GroupIds", filter_name="group-id", error=_no_group)
    for one in request.get("GroupNames") or []:
        # Names work in the default VPC only, which this account does not have.
        raise AwsError("InvalidGroup.NotFound", f"The security group '{one}' does not exist in default VPC 'none'")
    return _answer(
        sim,
        request,
        [views.security_group(sim, region, one) for one in found],
        operation="DescribeSecurityGroups",
        member="SecurityGroups",
        ids="GroupIds",
        fields={
            "group-id": _member("GroupId"),
            "group-name": _member("GroupName"),
            "vpc-id": _member("VpcId"),
            "owner-id": _member("OwnerId"),
            "description": _member("Description"),
            "ip-permission.group-id": lambda one: views.peers(one["IpPermissions"]),
            "egress.ip-permission.group-id": lambda one: views.peers(one["IpPermissionsEgress"]),
        },
    )


def describe_vpc_endpoints(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeVpcEndpoints: the gateway endpoint for S3 and the interface endpoints of each VPC."""
    every = [item for one in inventory.listed(sim, region, Vpc) for item in views.endpoints(sim, region, one)]
    ids = request.get("VpcEndpointIds") or []
    for wanted in ids:
        if wanted not in {one["VpcEndpointId"] for one in every}:
            raise AwsError("InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{wanted}' does not exist")
    return _answer(
        sim,
        request,
        [one for one in every if not ids or one["VpcEndpointId"] in ids],
        operation="DescribeVpcEndpoints",
        member="VpcEndpoints",
        ids="VpcEndpointIds",
        fields={
            "vpc-endpoint-id": _member("VpcEndpointId"),
            "vpc-endpoint-type": _member("VpcEndpointType"),
            "vpc-endpoint-state": _member("State"),
            "vpc-id": _member("VpcId"),
            "service-name": _member("ServiceName"),
        },
    )


def _named(
    sim: Simulation,
    region: Region,
    kind: type[T],
    request: JSON,
    *,
    member: str,
    filter_name: str,
    error: Callable[[str], AwsError],
) -> list[T]:
    """What a request names, or everything; an id without a resource is an error, as a filter it fits nothing."""
    for name in lists.named(request, member=member, filter_name=filter_name):
        inventory.find(sim, region, kind, name)
    found: list[T] = []
    for name in dict.fromkeys(request.get(member) or []):
        one = inventory.find(sim, region, kind, name)
        if one is None:
            raise error(name)
        found.append(one)
    return found or inventory.listed(sim, region, kind)


def _answer(
    sim: Simulation,
    request: JSON,
    items: list[JSON],
    *,
    operation: str,
    member: str,
    ids: str,
    fields: Mapping[str, Callable[[JSON], Any]],
) -> JSON:
    chosen = lists.matching(items, request, fields=fields, tags=lambda _: {})
    answer = lists.page(sim, chosen, request, operation=operation, ids=ids)
    require_wet(bool(request.get("DryRun")))
    return {member: answer.pop("items"), **answer}


def _member(name: str) -> Callable[[JSON], Any]:
    return lambda one: one[name]


def _no_vpc(name: str) -> AwsError:
    return AwsError("InvalidVpcID.NotFound", f"The vpc ID '{name}' does not exist")


def _no_subnet(name: str) -> AwsError:
    return AwsError("InvalidSubnetID.NotFound", f"The subnet ID '{name}' does not exist")


def _no_group(name: str) -> AwsError:
    return AwsError("InvalidGroup.NotFound", f"The security group '{name}' does not exist")
