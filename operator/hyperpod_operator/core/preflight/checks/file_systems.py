"""Checks of the FSx file systems that instance groups mount: that they exist, are near, and are let through."""

import ipaddress
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from hyperpod_operator.api.cluster.storage import InstanceStorageConfig
from hyperpod_operator.core.preflight.addresses import file_system_id
from hyperpod_operator.core.preflight.facts import (
    NOT_GATHERED,
    Access,
    EksCluster,
    FileSystem,
    Rule,
    SecurityGroup,
)
from hyperpod_operator.core.preflight.model import (
    Area,
    Check,
    Fact,
    Finding,
    Unread,
    fails,
    passes,
    unheard,
    unknown,
    warns,
)
from hyperpod_operator.core.preflight.subject import ClusterSubject, Planned

SOURCE = "DOC: SageMaker developer guide, sagemaker-hyperpod-prerequisites, FSx for Lustre"
PEERED = "DOC: FSx for Lustre user guide, Mounting Amazon FSx file systems from on-premises or a peered Amazon VPC"
ACCESS = "DOC: FSx for Lustre and FSx for OpenZFS user guides, File system access control with Amazon VPC"
FSX, INTERFACES, GROUPS = "fsx:DescribeFileSystems", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups"
# [assumption: enums-grow]
WORKS = frozenset({"AVAILABLE", "UPDATING"})
# [assumption: enums-grow]
BROKEN = frozenset({"CREATING", "FAILED", "DELETING", "MISCONFIGURED", "MISCONFIGURED_UNAVAILABLE"})
"""Of FileSystemLifecycle in FSx's API model."""
Ports = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """TCP ports of a kind of file system: to mount it at all, and for everything else. `back` is whether it opens
    connections to its clients, too."""

    mount: Ports
    further: tuple[Ports, ...]
    back: bool


# [assumption: preflight-file-system-ports]
TRAFFIC: Mapping[str, Traffic] = {
    "LUSTRE": Traffic(mount=(988, 988), further=((1018, 1023),), back=True),
    "OPENZFS": Traffic(mount=(2049, 2049), further=((111, 111), (20001, 20003)), back=False),
}
"""By FileSystemType."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One end of the traffic: security groups, and the networks or addresses that it has."""

    groups: Mapping[str, SecurityGroup]
    networks: frozenset[str]

    @property
    def name(self) -> str:
        return ", ".join(sorted(self.groups)) or "none"


def _mounted(
    subject: ClusterSubject,
) -> Iterator[tuple[Planned, InstanceStorageConfig, str, Fact[FileSystem | None]]]:
    """Each file system of each group, by the id in its DNS name."""
    for group in subject.groups:
        for config in group.spec.instanceStorageConfigs or []:
            name = file_system_id(config)
            if name:
                yield group, config, name, subject.facts.file_systems.get(name, NOT_GATHERED)


def _region(config: InstanceStorageConfig) -> str:
    """The Region that a DNS name has, as in fs-….fsx.us-west-2.amazonaws.com; empty for another form."""
    named = config.fsxLustreConfig or config.fsxOpenZfsConfig
    parts = named.dnsName.split(".") if named else []
    return parts[2] if len(parts) > 3 and parts[1] == "fsx" else ""


def reachable(subject: ClusterSubject) -> Iterator[Finding]:
    cluster = subject.facts.eks
    vpc = cluster.vpc_id if isinstance(cluster, EksCluster) else ""
    for group, config, name, found in _mounted(subject):
        mount = config.fsxLustreConfig.mountName if config.fsxLustreConfig else ""
        if isinstance(found, Unread):
            yield unknown(found, group=group.name)
        elif found is None and (there := _region(config)) not in {"", subject.here.region}:
            yield unknown(Unread(why=f"the FSx file system {name} is in {there}, which is not read"), group=group.name)
        elif found is None:
            yield warns(group=group.name, name=name, problem="is none of this account and Region")
        elif found.lifecycle not in WORKS | BROKEN:
            yield unknown(unheard("the lifecycle of the file system:", found.lifecycle), group=group.name)
        elif found.lifecycle in BROKEN:
            yield fails(group=group.name, name=name, problem=f"is {found.lifecycle}")
        elif mount and found.mount_name and mount != found.mount_name:
            yield fails(group=group.name, name=name, problem=f"has the mountName {found.mount_name}, not {mount}")
        elif vpc and found.vpc_id != vpc:
            yield warns(group=group.name, name=name, problem=f"is in {found.vpc_id}, and the cluster in {vpc}")
        else:
            yield passes(group=group.name)


def zone(subject: ClusterSubject) -> Iterator[Finding]:
    known = subject.facts.subnets
    for group, config, name, found in _mounted(subject):
        if config.fsxLustreConfig is None or found is None:
            continue
        for fact in (known, found):
            if isinstance(fact, Unread):
                yield unknown(fact, group=group.name)
        if isinstance(known, Unread) or isinstance(found, Unread):
            continue
        zones = {known[one].zone for one in group.subnets if one in known}
        theirs = {known[one].zone for one in found.subnets if one in known}
        if not theirs and isinstance(found.access, Unread):
            yield unknown(found.access, group=group.name)
            continue
        if not theirs and isinstance(found.access, Access):
            theirs = set(found.access.zones)
        if not zones or not theirs:
            continue
        there, here = ", ".join(sorted(theirs)), ", ".join(sorted(zones))
        apart = not theirs & zones
        yield warns(group=group.name, name=name, theirs=there, zones=here) if apart else passes(group=group.name)


def let_through(subject: ClusterSubject) -> Iterator[Finding]:
    known, subnets = subject.facts.security_groups, subject.facts.subnets
    for group, _, name, found in _mounted(subject):
        if found is None:
            continue
        access = found if isinstance(found, Unread) else found.access
        for fact in (access, known, subnets):
            if isinstance(fact, Unread):
                yield unknown(fact, group=group.name)
                break
        if isinstance(access, Unread) or isinstance(known, Unread) or isinstance(subnets, Unread):
            continue
        traffic = TRAFFIC.get(found.kind) if isinstance(found, FileSystem) else None
        ours = Side(
            groups={one: known[one] for one in group.security_groups if one in known},
            networks=frozenset(subnets[one].cidr for one in group.subnets if one in subnets),
        )
        if traffic is None or not ours.groups or not access.groups:
            continue  # groups that do not exist are another check's
        theirs = Side(groups=access.groups, networks=access.addresses)
        if problem := _blocked(ours, theirs, traffic.mount):
            yield fails(group=group.name, name=name, problem=problem)
        elif problem := _blocked_further(ours, theirs, traffic):
            yield warns(group=group.name, name=name, problem=problem)
        else:
            yield passes(group=group.name)


def _blocked_further(ours: Side, theirs: Side, traffic: Traffic) -> str:
    """The first of the other ways that is closed, in words; empty where all are open."""
    ways = [(ours, theirs, ports) for ports in traffic.further]
    if traffic.back:
        ways += [(theirs, ours, ports) for ports in (traffic.mount, *traffic.further)]
    return next((problem for way in ways if (problem := _blocked(*way))), "")


def _blocked(sender: Side, receiver: Side, ports: Ports) -> str:
    """What keeps TCP from one side to the other, in words; empty where the groups let it through."""
    said = f"TCP {ports[0]}" if ports[0] == ports[1] else f"TCP {ports[0]} to {ports[1]}"
    if not _open(sender.groups.values(), to=receiver, ports=ports, egress=True):
        return f"no rule of the security groups {sender.name} lets {said} out to {receiver.name}"
    if not _open(receiver.groups.values(), to=sender, ports=ports, egress=False):
        return f"no rule of the security groups {receiver.name} lets {said} in from {sender.name}"
    return ""


def _open(groups: Collection[SecurityGroup], *, to: Side, ports: Ports, egress: bool) -> bool:
    """Whether rules of these groups, which add up, let each of the ports through."""
    rules = [rule for group in groups for rule in group.rules if rule.egress is egress and _meets(rule, to)]
    return all(any(rule.covers(port) for rule in rules) for port in range(ports[0], ports[1] + 1))


def _meets(rule: Rule, side: Side) -> bool:
    """Whether a rule is about this side. What cannot be evaluated (a prefix list, a network that is not known) counts
    as a rule that is: a check must not fail over it."""
    if rule.groups & set(side.groups) or rule.lists:
        return True
    return any(not side.networks or any(_overlap(cidr, one) for one in side.networks) for cidr in rule.cidrs)


def _overlap(cidr: str, network: str) -> bool:
    try:
        one, other = ipaddress.ip_network(cidr, strict=False), ipaddress.ip_network(network, strict=False)
    except ValueError:
        return True
    return one.version == other.version and one.overlaps(other)


CHECKS = (
    Check(
        name="FileSystemReachable",
        area=Area.STORAGE,
        what="The FSx file systems are available and in the VPC of the cluster",
        why="Instances that cannot mount a file system fail. Those of another VPC reach it only through a peering "
        "connection or a transit gateway.",
        source=f"{SOURCE}; {PEERED}",
        judge=reachable,
        reads=(FSX,),
        fail="FSx file system {name} {problem}.",
        warn="FSx file system {name} {problem}.",
        remedy="Correct dnsName and mountName; connect the two VPCs, or use a file system of the cluster's VPC. One of "
        "another account or Region is not checked.",
    ),
    Check(
        name="FileSystemZone",
        area=Area.STORAGE,
        what="FSx for Lustre file systems are in the zone of their groups",
        why="Traffic between zones is slower and is billed.",
        source=SOURCE,
        judge=zone,
        reads=(FSX, "ec2:DescribeSubnets", INTERFACES),
        warn="FSx file system {name} is in {theirs}, and the group in {zones}.",
        remedy="Place the group in the zone of the file system with overrideVpcConfig.",
    ),
    Check(
        name="FileSystemAccess",
        area=Area.STORAGE,
        what="The security groups let the instances and the FSx file systems reach each other",
        why="A file system that does not answer keeps the mount waiting until the instance fails.",
        source=ACCESS,
        judge=let_through,
        reads=(FSX, INTERFACES, GROUPS, "ec2:DescribeSubnets"),
        fail="FSx file system {name} cannot be mounted: {problem}.",
        warn="FSx file system {name} can be mounted and does not work in full: {problem}.",
        remedy="Allow TCP 988 and 1018 to 1023 both ways (FSx for Lustre), or TCP 111, 2049 and 20001 to 20003 towards "
        "the file system (FSx for OpenZFS), between the two security groups.",
    ),
)
