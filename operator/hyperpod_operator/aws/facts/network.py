"""EC2 for preflight: VPCs, subnets, routes, endpoints, security groups, interfaces, and what instance types are.

Ids go into filters: named by id, one that does not exist would spoil the answer about all others.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hyperpod_operator.aws.facts.reader import Ask, Pages, Reader, items
from hyperpod_operator.core.preflight.facts import Endpoint, Route, RouteTable, Rule, SecurityGroup, Subnet, TypeFacts
from hyperpod_operator.core.preflight.model import Fact, Unread
from hyperpod_operator.core.preflight.volume import SnapshotFacts, Stored

HOUR = 3600.0
AVAILABLE = "available"
MOST_VPCS = 2
"""VPCs whose attributes are read: a cluster is in the one of its EKS cluster, or it is wrong already."""
VOLUMES_OF_PAGE = 500
"""The most that EC2 gives (API model, DescribeVolumes.MaxResults)."""
VOLUME_PAGES = 10
DNS_ATTRIBUTES = {"enableDnsSupport": "EnableDnsSupport", "enableDnsHostnames": "EnableDnsHostnames"}
"""By attribute, the member that has it in the answer."""
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
            vpc_id=one["VpcId"],
            zone=one["AvailabilityZone"],
            zone_id=one["AvailabilityZoneId"],
            free=one["AvailableIpAddressCount"],
            cidr=one.get("CidrBlock", ""),
            ipv6=any(
                (found.get("Ipv6CidrBlockState") or {}).get("State", "associated") == "associated"
                for found in one.get("Ipv6CidrBlockAssociationSet") or []
            ),
        )
        for one in items(pages, "Subnets")
    }


async def route_tables(reader: Reader, vpcs: Sequence[str]) -> Fact[tuple[RouteTable, ...]]:
    """ec2:DescribeRouteTables of the VPCs."""
    pages = await reader.ask(_ask("DescribeRouteTables", Filters=_filters(vpc_id=vpcs)))
    return pages if isinstance(pages, Unread) else tuple(_table(one) for one in items(pages, "RouteTables"))


def _table(one: Mapping[str, Any]) -> RouteTable:
    associations = one["Associations"]
    return RouteTable(
        vpc_id=one["VpcId"],
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
            for route in one["Routes"]
            if route.get("State", "active") == "active"
        ),
    )


async def endpoints(reader: Reader, vpcs: Sequence[str]) -> Fact[frozenset[Endpoint]]:
    """ec2:DescribeVpcEndpoints of the VPCs: those that are available, whatever case EC2 writes that in."""
    pages = await reader.ask(_ask("DescribeVpcEndpoints", Filters=_filters(vpc_id=vpcs)))
    if isinstance(pages, Unread):
        return pages
    return frozenset(
        Endpoint(
            name=one.get("VpcEndpointId", ""),
            vpc_id=one.get("VpcId", ""),
            service=one["ServiceName"],
            gateway=one.get("VpcEndpointType") == "Gateway",
        )
        for one in items(pages, "VpcEndpoints")
        if str(one.get("State", AVAILABLE)).casefold() == AVAILABLE
    )


async def security_groups(reader: Reader, ids: Sequence[str]) -> Fact[Mapping[str, SecurityGroup]]:
    """ec2:DescribeSecurityGroups."""
    pages = await reader.ask(_ask("DescribeSecurityGroups", Filters=_filters(group_id=ids)))
    if isinstance(pages, Unread):
        return pages
    return {
        one["GroupId"]: SecurityGroup(
            name=one.get("GroupName", ""),
            vpc_id=one["VpcId"],
            rules=(
                *(_rule(found, egress=False) for found in one["IpPermissions"]),
                *(_rule(found, egress=True) for found in one["IpPermissionsEgress"]),
            ),
        )
        for one in items(pages, "SecurityGroups")
    }


def _rule(one: Mapping[str, Any], *, egress: bool) -> Rule:
    ranges = [found.get("CidrIp") for found in one["IpRanges"]]
    ranges += [found.get("CidrIpv6") for found in one.get("Ipv6Ranges") or []]
    return Rule(
        egress=egress,
        protocol=one["IpProtocol"],
        groups=frozenset(str(found["GroupId"]) for found in one["UserIdGroupPairs"]),
        cidrs=frozenset(str(found) for found in ranges if found),
        lists=frozenset(
            str(found["PrefixListId"]) for found in one.get("PrefixListIds") or [] if found.get("PrefixListId")
        ),
        ports=(one["FromPort"], one["ToPort"]) if "FromPort" in one and "ToPort" in one else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """ec2:DescribeNetworkInterfaces. `address` is IPv4."""

    zone: str
    address: str
    groups: frozenset[str]


async def interfaces(reader: Reader, ids: Sequence[str]) -> Fact[Mapping[str, Interface]]:
    """ec2:DescribeNetworkInterfaces."""
    pages = await reader.ask(_ask("DescribeNetworkInterfaces", Filters=_filters(network_interface_id=ids)))
    if isinstance(pages, Unread):
        return pages
    return {
        str(one["NetworkInterfaceId"]): Interface(
            zone=one.get("AvailabilityZone", ""),
            address=one.get("PrivateIpAddress", ""),
            groups=frozenset(str(found["GroupId"]) for found in one["Groups"]),
        )
        for one in items(pages, "NetworkInterfaces")
    }


async def dns(reader: Reader, vpcs: Sequence[str]) -> Fact[Mapping[str, frozenset[str]]]:
    """ec2:DescribeVpcAttribute of each DNS attribute: by VPC, those that are off."""
    asked = [(vpc, name) for vpc in vpcs[:MOST_VPCS] for name in DNS_ATTRIBUTES]
    read = await asyncio.gather(
        *(reader.ask(_ask("DescribeVpcAttribute", VpcId=vpc, Attribute=name)) for vpc, name in asked)
    )
    off: dict[str, frozenset[str]] = {vpc: frozenset() for vpc in vpcs[:MOST_VPCS]}
    for (vpc, name), pages in zip(asked, read, strict=True):
        if isinstance(pages, Unread):
            return pages
        value = ((pages or [{}])[0].get(DNS_ATTRIBUTES[name]) or {}).get("Value")
        if value is None:
            return Unread(why=f"the answer of ec2:DescribeVpcAttribute has no {name}")
        if not value:
            off[vpc] |= {name}
    return off


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
        found.setdefault(str(one["InstanceType"]), set()).add(str(one["Location"]))
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
    }


async def zones(reader: Reader) -> Fact[frozenset[str]]:
    """ec2:DescribeAvailabilityZones: names and ids."""
    pages = await reader.ask(_ask("DescribeAvailabilityZones", keep=HOUR))
    if isinstance(pages, Unread):
        return pages
    found = items(pages, "AvailabilityZones")
    return frozenset(str(one[name]) for one in found for name in ("ZoneName", "ZoneId"))


async def stored(reader: Reader, volume_type: str) -> Fact[Stored]:
    """ec2:DescribeVolumes of a type: what the account holds of it in this Region, page by page and summed up."""
    asked = Ask(
        service="ec2",
        operation="DescribeVolumes",
        action="ec2:DescribeVolumes",
        parameters={"Filters": _filters(volume_type=[volume_type]), "MaxResults": VOLUMES_OF_PAGE},
        keep=60.0,
        pages=VOLUME_PAGES,
        whole=False,
        reduced=_summed,
    )
    pages = await reader.ask(asked)
    if isinstance(pages, Unread):
        return pages
    return Stored(size=pages[0]["Size"], complete=pages[0]["Complete"]) if pages else Stored(size=0)


def _summed(pages: Pages) -> Pages:
    """Thousands of volumes as one page: their size, and whether there are more than were read."""
    size = sum(one["Size"] for one in items(pages, "Volumes"))
    return [{"Size": size, "Complete": not pages[-1].get("NextToken")}]


async def snapshot(reader: Reader, name: str) -> Fact[SnapshotFacts | None]:
    """ec2:DescribeSnapshots of one snapshot."""
    pages = await reader.ask(_ask("DescribeSnapshots", Filters=_filters(snapshot_id=[name])))
    if isinstance(pages, Unread):
        return pages
    found = [one for one in items(pages, "Snapshots") if one["SnapshotId"] == name]
    if not found:
        return None
    return SnapshotFacts(state=found[0]["State"], size=found[0]["VolumeSize"])
