"""VPCs, subnets, route tables, security groups and endpoints in EC2's shapes."""

import hashlib
from typing import Any

from hyperpod_testbed.simulator.names import partition
from hyperpod_testbed.simulator.prerequisites import addresses, inventory
from hyperpod_testbed.simulator.prerequisites.resources import SecurityGroup, Subnet, Vpc
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import JSON, Region

ANYWHERE = "0.0.0.0/0"
FILE_SYSTEM_PORTS = ((988, 988), (1018, 1023), (111, 111), (2049, 2049), (20001, 20003))
"""Of FSx for Lustre and FSx for OpenZFS (their user guides, access control with Amazon VPC)."""


def vpc(sim: Simulation, region: Region, one: Vpc) -> JSON:
    """A VPC as DescribeVpcs shows it."""
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


def subnet(sim: Simulation, region: Region, one: Subnet) -> JSON:
    """A subnet with the addresses that are free."""
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


def route_tables(sim: Simulation, region: Region, one: Vpc) -> list[JSON]:
    """The route tables of a VPC: the main one, and one for each way that its subnets lead out."""
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


def security_group(sim: Simulation, region: Region, one: SecurityGroup) -> JSON:
    """A security group with its rules both ways."""
    itself = _permission(UserIdGroupPairs=[{"GroupId": one.id, "UserId": sim.account.id}])
    https = _permission(protocol="tcp", ports=(443, 443), IpRanges=[{"CidrIp": ANYWHERE}])
    egress = [_permission(IpRanges=[{"CidrIp": ANYWHERE}])] if one.open_egress else [https]
    systems = [
        _permission(protocol="tcp", ports=ports, IpRanges=[{"CidrIp": cidr} for cidr in _blocks(sim, region, one.vpc)])
        for ports in (FILE_SYSTEM_PORTS if one.file_systems else ())
    ]
    return {
        "GroupId": one.id,
        "GroupName": one.name,
        "Description": "HyperPod nodes",
        "VpcId": one.vpc,
        "OwnerId": sim.account.id,
        "SecurityGroupArn": f"arn:{partition(region.name)}:ec2:{region.name}:{sim.account.id}:security-group/{one.id}",
        "IpPermissions": [*([itself] if one.self_ingress else []), *systems],
        "IpPermissionsEgress": [*([itself] if one.self_egress else []), *egress, *systems],
        "Tags": [],
    }


def _blocks(sim: Simulation, region: Region, vpc: str) -> list[str]:
    found = inventory.find(sim, region, Vpc, vpc)
    return addresses.cidrs(sim, region, found) if found else []


def _permission(*, protocol: str = "-1", ports: tuple[int, int] | None = None, **members: Any) -> JSON:
    between = {} if ports is None else {"FromPort": ports[0], "ToPort": ports[1]}
    nothing: JSON = {"UserIdGroupPairs": [], "IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": []}
    return {"IpProtocol": protocol, **between, **nothing, **members}


def peers(permissions: list[JSON]) -> list[str]:
    """The security groups that rules name."""
    return [pair["GroupId"] for one in permissions for pair in one["UserIdGroupPairs"]]


def endpoints(sim: Simulation, region: Region, vpc: Vpc) -> list[JSON]:
    """The endpoints of a VPC."""
    tables = [
        table["RouteTableId"]
        for table in route_tables(sim, region, vpc)
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
