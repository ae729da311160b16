"""EC2 for preflight: subnets, routes, endpoints, security groups, and what EC2 says of instance types.

Ids go into filters: named by id, one that does not exist would spoil the answer about all others.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hyperpod_operator.aws.facts.reader import Ask, Reader, items
from hyperpod_operator.core.preflight.facts import Route, RouteTable, Rule, SecurityGroup, Subnet, TypeFacts
from hyperpod_operator.core.preflight.model import Fact, Unread
from hyperpod_operator.core.preflight.volume import SnapshotFacts

HOUR = 3600.0
TARGETS = (
    "GatewayId",
    "NatGatewayId",
    "TransitGatewayId",
    "NetworkInterfaceId",
    "VpcPeeringConnectionId",
    "EgressOnlyInternetGatewayId",
    "InstanceId",
    "LocalGatewayId",
)


def _filters(**values: Iterable[str]) -> list[dict[str, Any]]:
    return [{"Name": name.replace("_", "-"), "Values": sorted(found)} for name, found in values.items()]


def _ask(operation: str, *, keep: float = 30.0, **parameters: Any) -> Ask:
    return Ask(service="ec2", operation=operation, action=f"ec2:{operation}", parameters=parameters, keep=keep)


async def subnets(reader: Reader, ids: Sequence[str]) -> Fact[Mapping[str, Subnet]]:
    """ec2:DescribeSubnets."""
    pages = await reader.ask(_ask("DescribeSubnets", Filters=_filters(subnet_id=ids)))
    if isinstance(pages, Unread):
        return pages
    return {
        one["SubnetId"]: Subnet(
            vpc_id=one.get("VpcId", ""),
            zone=one.get("AvailabilityZone", ""),
            zone_id=one.get("AvailabilityZoneId", ""),
            free=one.get("AvailableIpAddressCount", 0),
            ipv6=any(
                (found.get("Ipv6CidrBlockState") or {}).get("State", "associated") == "associated"
                for found in one.get("Ipv6CidrBlockAssociationSet") or []
            ),
        )
        for one in items(pages, "Subnets")
        if one.get("SubnetId") and "AvailableIpAddressCount" in one
    }


async def route_tables(reader: Reader, vpcs: Sequence[str]) -> Fact[tuple[RouteTable, ...]]:
    """ec2:DescribeRouteTables of the VPCs."""
    pages = await reader.ask(_ask("DescribeRouteTables", Filters=_filters(vpc_id=vpcs)))
    return pages if isinstance(pages, Unread) else tuple(_table(one) for one in items(pages, "RouteTables"))


def _table(one: Mapping[str, Any]) -> RouteTable:
    associations = one.get("Associations") or []
    return RouteTable(
        vpc_id=one.get("VpcId", ""),
        main=any(found.get("Main") for found in associations),
        subnets=frozenset(found["SubnetId"] for found in associations if found.get("SubnetId")),
        routes=tuple(
            Route(
                destination=route.get("DestinationCidrBlock")
                or route.get("DestinationIpv6CidrBlock")
                or route.get("DestinationPrefixListId")
                or "",
                target=next((route[name] for name in TARGETS if route.get(name)), ""),
            )
            for route in one.get("Routes") or []
            if route.get("State", "active") == "active"
        ),
    )


async def endpoints(reader: Reader, vpcs: Sequence[str]) -> Fact[frozenset[str]]:
    """ec2:DescribeVpcEndpoints of the VPCs: the names of their services."""
    pages = await reader.ask(_ask("DescribeVpcEndpoints", Filters=_filters(vpc_id=vpcs)))
    if isinstance(pages, Unread):
        return pages
    return frozenset(str(one.get("ServiceName", "")) for one in items(pages, "VpcEndpoints"))


async def security_groups(reader: Reader, ids: Sequence[str]) -> Fact[Mapping[str, SecurityGroup]]:
    """ec2:DescribeSecurityGroups."""
    pages = await reader.ask(_ask("DescribeSecurityGroups", Filters=_filters(group_id=ids)))
    if isinstance(pages, Unread):
        return pages
    return {
        one["GroupId"]: SecurityGroup(
            name=one.get("GroupName", ""),
            vpc_id=one.get("VpcId", ""),
            rules=(
                *(_rule(found, egress=False) for found in one.get("IpPermissions") or []),
                *(_rule(found, egress=True) for found in one.get("IpPermissionsEgress") or []),
            ),
        )
        for one in items(pages, "SecurityGroups")
        if one.get("GroupId")
    }


def _rule(one: Mapping[str, Any], *, egress: bool) -> Rule:
    ranges = [found.get("CidrIp") for found in one.get("IpRanges") or []]
    ranges += [found.get("CidrIpv6") for found in one.get("Ipv6Ranges") or []]
    return Rule(
        egress=egress,
        protocol=str(one.get("IpProtocol", "")),
        groups=frozenset(str(found["GroupId"]) for found in one.get("UserIdGroupPairs") or [] if found.get("GroupId")),
        cidrs=frozenset(str(found) for found in ranges if found),
    )


async def offerings(reader: Reader, types: Sequence[str]) -> Fact[Mapping[str, frozenset[str]]]:
    """ec2:DescribeInstanceTypeOfferings: ids of zones by type. `types` are EC2's names."""
    asked = _ask(
        "DescribeInstanceTypeOfferings",
        keep=HOUR,
        LocationType="availability-zone-id",
        Filters=_filters(instance_type=types),
    )
    pages = await reader.ask(asked)
    if isinstance(pages, Unread):
        return pages
    found: dict[str, set[str]] = {}
    for one in items(pages, "InstanceTypeOfferings"):
        found.setdefault(str(one.get("InstanceType", "")), set()).add(str(one.get("Location", "")))
    return {name: frozenset(zones) for name, zones in found.items()}


async def instance_types(reader: Reader, types: Sequence[str]) -> Fact[Mapping[str, TypeFacts]]:
    """ec2:DescribeInstanceTypes, by filter: HyperPod has types that EC2 does not list."""
    pages = await reader.ask(_ask("DescribeInstanceTypes", keep=HOUR, Filters=_filters(instance_type=types)))
    if isinstance(pages, Unread):
        return pages
    return {
        str(one["InstanceType"]): TypeFacts(
            efa=(one.get("NetworkInfo") or {}).get("EfaSupported"),
            addresses_per_interface=(one.get("NetworkInfo") or {}).get("Ipv4AddressesPerInterface"),
            attachments=(one.get("EbsInfo") or {}).get("MaximumEbsAttachments"),
        )
        for one in items(pages, "InstanceTypes")
        if one.get("InstanceType")
    }


async def zones(reader: Reader) -> Fact[frozenset[str]]:
    """ec2:DescribeAvailabilityZones: names and ids."""
    pages = await reader.ask(_ask("DescribeAvailabilityZones", keep=HOUR))
    if isinstance(pages, Unread):
        return pages
    found = items(pages, "AvailabilityZones")
    return frozenset(str(one[name]) for one in found for name in ("ZoneName", "ZoneId") if one.get(name))


async def snapshot(reader: Reader, name: str) -> Fact[SnapshotFacts | None]:
    """ec2:DescribeSnapshots of one snapshot."""
    pages = await reader.ask(_ask("DescribeSnapshots", Filters=_filters(snapshot_id=[name])))
    if isinstance(pages, Unread):
        return pages
    found = [one for one in items(pages, "Snapshots") if one.get("SnapshotId") == name]
    if not found:
        return None
    if not found[0].get("State") or not found[0].get("VolumeSize"):
        return Unread(why="the answer of ec2:DescribeSnapshots has no state or size")
    return SnapshotFacts(state=found[0]["State"], size=found[0]["VolumeSize"])
