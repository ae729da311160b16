"""EC2's network: VPCs, subnets, route tables, security groups, endpoints."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from hyperpod_testbed.simulator.ebs import lists
from hyperpod_testbed.simulator.ebs.errors import require_wet
from hyperpod_testbed.simulator.errors import AwsError
from hyperpod_testbed.simulator.names import partition
from hyperpod_testbed.simulator.prerequisites import addresses, inventory
from hyperpod_testbed.simulator.prerequisites.resources import SecurityGroup, Subnet, Vpc
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Region

T = TypeVar("T")
ANYWHERE = "0.0.0.0/0"


def describe_vpcs(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeVpcs."""
    found = _named(sim, region, Vpc, request, member="VpcIds", filter_name="vpc-id", error=_no_vpc)
    return _answer(
        sim,
        request,
        [_vpc(sim, region, one) for one in found],
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
        [_subnet(sim, region, one) for one in found],
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
    tables = [table for one in inventory.listed(sim, region, Vpc) for table in _route_tables(sim, region, one)]
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
        [_security_group(sim, region, one) for one in found],
        operation="DescribeSecurityGroups",
        member="SecurityGroups",
        ids="GroupIds",
        fields={
            "group-id": _member("GroupId"),
            "group-name": _member("GroupName"),
            "vpc-id": _member("VpcId"),
            "owner-id": _member("OwnerId"),
            "description": _member("Description"),
            "ip-permission.group-id": lambda one: _peers(one["IpPermissions"]),
            "egress.ip-permission.group-id": lambda one: _peers(one["IpPermissionsEgress"]),
        },
    )


def describe_vpc_endpoints(sim: Simulation, region: Region, request: JSON) -> JSON:
    """DescribeVpcEndpoints: the gateway endpoint for S3 and the interface endpoints of each VPC."""
    every = [item for one in inventory.listed(sim, region, Vpc) for item in _endpoints(sim, region, one)]
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


def _vpc(sim: Simulation, region: Region, one: Vpc) -> JSON:
    found = {
        "VpcId": one.id,
        "OwnerId": sim.account.id,
        "State": "available",
        "IsDefault": False,
        "InstanceTenancy": "default",
        "DhcpOptionsId": "dopt-0123456789abcdef0",
        "CidrBlock": one.cidrs[0],
        "CidrBlockAssociationSet": [
            {
                "AssociationId": _id("vpc-cidr-assoc", one.id, cidr),
                "CidrBlock": cidr,
                "CidrBlockState": {"State": "associated"},
            }
            for cidr in addresses.cidrs(sim, region, one)
        ],
        "Tags": [],
    }
    if one.ipv6_cidr:
        found["Ipv6CidrBlockAssociationSet"] = [
            {
                "AssociationId": _id("vpc-cidr-assoc", one.id, one.ipv6_cidr),
                "Ipv6CidrBlock": one.ipv6_cidr,
                "Ipv6CidrBlockState": {"State": "associated"},
                "NetworkBorderGroup": region.name,
                "Ipv6Pool": "Amazon",
            }
        ]
    return found


def _subnet(sim: Simulation, region: Region, one: Subnet) -> JSON:
    place = addresses.zone_of(sim, region, one.id)
    ipv6 = []
    if one.ipv6_cidr:
        ipv6 = [
            {
                "AssociationId": _id("subnet-cidr-assoc", one.id),
                "Ipv6CidrBlock": one.ipv6_cidr,
                "Ipv6CidrBlockState": {"State": "associated"},
            }
        ]
    return {
        "SubnetId": one.id,
        "SubnetArn": f"arn:{partition(region.name)}:ec2:{region.name}:{sim.account.id}:subnet/{one.id}",
        "VpcId": one.vpc,
        "OwnerId": sim.account.id,
        "State": "available",
        "AvailabilityZone": place.name,
        "AvailabilityZoneId": place.id,
        "CidrBlock": one.cidr,
        "AvailableIpAddressCount": addresses.free(region, one),
        "DefaultForAz": False,
        "MapPublicIpOnLaunch": one.route == "internet",
        "AssignIpv6AddressOnCreation": bool(one.ipv6_cidr),
        "Ipv6CidrBlockAssociationSet": ipv6,
        "Ipv6Native": False,
        "EnableDns64": False,
        "Tags": [],
    }


def _route_tables(sim: Simulation, region: Region, one: Vpc) -> list[JSON]:
    subnets = [item for item in inventory.listed(sim, region, Subnet) if item.vpc == one.id]
    ways = ("main", *dict.fromkeys(item.route for item in subnets if item.route != "main"))
    return [_route_table(sim, region, one, way, [item for item in subnets if item.route == way]) for way in ways]


def _route_table(sim: Simulation, region: Region, vpc: Vpc, way: str, subnets: list[Subnet]) -> JSON:
    table = _id("rtb", vpc.id, way)
    blocks = addresses.cidrs(sim, region, vpc)
    routes: list[JSON] = [_route(DestinationCidrBlock=cidr, GatewayId="local") for cidr in blocks]
    for route in routes:
        route["Origin"] = "CreateRouteTable"
    if vpc.ipv6_cidr:
        routes.append(_route(DestinationIpv6CidrBlock=vpc.ipv6_cidr, GatewayId="local"))
    if way == "internet":
        routes.append(_route(DestinationCidrBlock=ANYWHERE, GatewayId=_id("igw", vpc.id)))
    if way == "nat":
        routes.append(_route(DestinationCidrBlock=ANYWHERE, NatGatewayId=_id("nat", vpc.id)))
        if vpc.ipv6_cidr:
            routes.append(_route(DestinationIpv6CidrBlock="::/0", EgressOnlyInternetGatewayId=_id("eigw", vpc.id)))
    if vpc.s3_endpoint and way != "main":
        routes.append(_route(DestinationPrefixListId="pl-68a54001", GatewayId=_id("vpce", vpc.id, "s3")))
    associations = [
        {
            "RouteTableAssociationId": _id("rtbassoc", table, item.id),
            "RouteTableId": table,
            "SubnetId": item.id,
            "Main": False,
            "AssociationState": {"State": "associated"},
        }
        for item in subnets
        if way != "main"
    ]
    if way == "main":
        associations = [
            {
                "RouteTableAssociationId": _id("rtbassoc", table),
                "RouteTableId": table,
                "Main": True,
                "AssociationState": {"State": "associated"},
            }
        ]
    return {
        "RouteTableId": table,
        "VpcId": vpc.id,
        "OwnerId": sim.account.id,
        "Associations": associations,
        "Routes": routes,
        "PropagatingVgws": [],
        "Tags": [],
    }


def _route(**members: str) -> JSON:
    return {**members, "State": "active", "Origin": "CreateRoute"}


def _security_group(sim: Simulation, region: Region, one: SecurityGroup) -> JSON:
    itself = _permission(UserIdGroupPairs=[{"GroupId": one.id, "UserId": sim.account.id}])
    https = _permission(protocol="tcp", port=443, IpRanges=[{"CidrIp": ANYWHERE}])
    egress = [_permission(IpRanges=[{"CidrIp": ANYWHERE}])] if one.open_egress else [https]
    return {
        "GroupId": one.id,
        "GroupName": one.name,
        "Description": "HyperPod nodes",
        "VpcId": one.vpc,
        "OwnerId": sim.account.id,
        "SecurityGroupArn": f"arn:{partition(region.name)}:ec2:{region.name}:{sim.account.id}:security-group/{one.id}",
        "IpPermissions": [itself] if one.self_ingress else [],
        "IpPermissionsEgress": [*([itself] if one.self_egress else []), *egress],
        "Tags": [],
    }


def _permission(*, protocol: str = "-1", port: int | None = None, **members: Any) -> JSON:
    ports = {} if port is None else {"FromPort": port, "ToPort": port}
    nothing: JSON = {"UserIdGroupPairs": [], "IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": []}
    return {"IpProtocol": protocol, **ports, **nothing, **members}


def _peers(permissions: list[JSON]) -> list[str]:
    return [pair["GroupId"] for one in permissions for pair in one["UserIdGroupPairs"]]


def _endpoints(sim: Simulation, region: Region, vpc: Vpc) -> list[JSON]:
    tables = [
        table["RouteTableId"]
        for table in _route_tables(sim, region, vpc)
        if not any(one["Main"] for one in table["Associations"])
    ]
    subnets = [one.id for one in inventory.listed(sim, region, Subnet) if one.vpc == vpc.id and one.route == "nat"]
    groups = [one for one in inventory.listed(sim, region, SecurityGroup) if one.vpc == vpc.id]
    found = []
    if vpc.s3_endpoint:
        found.append(_endpoint(sim, region, vpc, "s3", VpcEndpointType="Gateway", RouteTableIds=tables))
    found += [
        _endpoint(
            sim,
            region,
            vpc,
            name,
            VpcEndpointType="Interface",
            SubnetIds=subnets,
            Groups=[{"GroupId": one.id, "GroupName": one.name} for one in groups[:1]],
            PrivateDnsEnabled=True,
        )
        for name in vpc.interface_endpoints
    ]
    return found


def _endpoint(sim: Simulation, region: Region, vpc: Vpc, name: str, **members: Any) -> JSON:
    return {
        "VpcEndpointId": _id("vpce", vpc.id, name),
        "VpcId": vpc.id,
        "ServiceName": f"com.amazonaws.{region.name}.{name}",
        "State": "Available",
        "OwnerId": sim.account.id,
        "CreationTimestamp": sim.now - 30 * 86400.0,
        "Tags": [],
        **members,
    }


def _id(prefix: str, *parts: str) -> str:
    return f"{prefix}-{hashlib.sha256('/'.join(parts).encode()).hexdigest()[:17]}"
