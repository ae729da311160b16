"""Where instances are and what they take of their subnets."""

import ipaddress

from hyperpod_testbed.simulator.instance_types import instance_type
from hyperpod_testbed.simulator.names import Zone, zone, zones
from hyperpod_testbed.simulator.prerequisites import inventory
from hyperpod_testbed.simulator.prerequisites.resources import Subnet, Vpc
from hyperpod_testbed.simulator.simulation import Simulation
from hyperpod_testbed.simulator.state import Region

RESERVED = 5
"""Addresses of each subnet that AWS keeps (VPC user guide)."""
MOST = 100
"""No instance takes more addresses."""


def zone_of(sim: Simulation, region: Region, name: str) -> Zone:
    """The zone of a subnet; of one that is gone, the zone it had."""
    found = inventory.subnet(sim, region, name)
    known = {one.name: one for one in zones(region.name)}
    return known[found.zone] if found and found.zone in known else zone(region.name, name)


def cidrs(sim: Simulation, region: Region, vpc: Vpc) -> list[str]:
    """The CIDR blocks of a VPC: its own, and those of subnets that lie in none of them."""
    found = list(vpc.cidrs)
    for subnet in inventory.listed(sim, region, Subnet):
        wanted = ipaddress.ip_network(subnet.cidr)
        known = (ipaddress.ip_network(one) for one in found)
        if subnet.vpc == vpc.id and not any(wanted.subnet_of(one) for one in known):  # type: ignore[arg-type]
            found.append(subnet.cidr)
    return found


def free(region: Region, subnet: Subnet) -> int:
    """Addresses that nobody has: what the subnet offers, less those of HyperPod's instances in it."""
    size = ipaddress.ip_network(subnet.cidr).num_addresses - RESERVED
    offered = size if subnet.free is None else subnet.free
    return max(0, offered - taken(region, subnet.id))


def suffice(region: Region, subnet: Subnet, *, wanted: int) -> bool:
    """Whether a subnet has so many free addresses; where it has plenty, nobody counts."""
    size = ipaddress.ip_network(subnet.cidr).num_addresses - RESERVED
    instances = sum(len(cluster.instances) for cluster in region.clusters.values())
    plenty = (size if subnet.free is None else subnet.free) >= MOST * (instances + 1)
    return plenty or free(region, subnet) >= wanted


def taken(region: Region, name: str) -> int:
    """Addresses that HyperPod's instances have in a subnet: each takes all of its type's as soon as it has an id."""
    return sum(
        instance_type(instance.type).addresses
        for cluster in region.clusters.values()
        for instance in cluster.instances.values()
        if instance.subnet == name and instance.instance_id
    )
