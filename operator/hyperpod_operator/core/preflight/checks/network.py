"""Checks of subnets, their addresses and their zones."""

from collections.abc import Iterator, Mapping

from hyperpod_operator.core.preflight.checks.security_groups import has_efa
from hyperpod_operator.core.preflight.facts import EksCluster, Subnet
from hyperpod_operator.core.preflight.model import Area, Check, Finding, Unread, fails, passes, unknown, warns
from hyperpod_operator.core.preflight.subject import ClusterSubject, Planned
from hyperpod_operator.core.preflight.tables import pods
from hyperpod_operator.core.text import counted

SOURCE = "DOC: SageMaker developer guide, sagemaker-hyperpod-prerequisites, Amazon VPC"
EKS_SOURCE = "DOC: SageMaker developer guide, sagemaker-hyperpod-eks-prerequisites"
SUBNETS = "ec2:DescribeSubnets"


def found_subnets(subject: ClusterSubject, group: Planned) -> Mapping[str, Subnet]:
    """The group's subnets that exist."""
    known = subject.facts.subnets
    return {} if isinstance(known, Unread) else {name: known[name] for name in group.subnets if name in known}


def subnets_exist(subject: ClusterSubject) -> Iterator[Finding]:
    known = subject.facts.subnets
    if isinstance(known, Unread):
        yield unknown(known)
        return
    for group in subject.groups:
        missing = [name for name in group.subnets if name not in known]
        yield fails(group=group.name, missing=", ".join(missing)) if missing else passes(group=group.name)


def subnets_in_vpc(subject: ClusterSubject) -> Iterator[Finding]:
    cluster, known = subject.facts.eks, subject.facts.subnets
    for fact in (cluster, known):
        if isinstance(fact, Unread):
            yield unknown(fact)
            return
    if not isinstance(cluster, EksCluster) or not cluster.vpc_id:
        return
    for group in subject.groups:
        for name, subnet in found_subnets(subject, group).items():
            if subnet.vpc_id != cluster.vpc_id:
                yield fails(group=group.name, subnet=name, theirs=subnet.vpc_id, ours=cluster.vpc_id)
            else:
                yield passes(group=group.name)


def addresses_free(subject: ClusterSubject) -> Iterator[Finding]:
    known = subject.facts.subnets
    if isinstance(known, Unread):
        yield unknown(known)
        return
    for group in subject.groups:
        found = found_subnets(subject, group)
        need = _addresses(subject, group)
        if not found or not group.count:
            continue
        if need is None:
            yield unknown(
                Unread(why=f"AWS does not publish how many pods {', '.join(group.types)} takes"), group=group.name
            )
            continue
        free = sum(subnet.free for subnet in found.values())
        values = {
            "free": _free(free),
            "coming": _coming(group.count),
            "who": "",
            "each": need,
            "all": need * group.count,
        }
        values["further"] = counted(
            group.count, "further instance with all its pods takes", "further instances with all their pods take"
        )
        sharing = _sharing(subject, group)
        together = sum(one.count for one in sharing)
        shared = {name: subnet.free for one in sharing for name, subnet in found_subnets(subject, one).items()}
        if free < group.count:
            yield fails(group=group.name, **values)
        elif (left := sum(shared.values())) < together:
            who = f" of groups {', '.join(one.name for one in sharing)} together"
            yield fails(group=group.name, **values | {"free": _free(left), "coming": _coming(together), "who": who})
        elif free < need * group.count:
            yield warns(group=group.name, **values)
        else:
            yield passes(group=group.name)


def _free(count: int) -> str:
    return counted(count, "free address", "free addresses")


def _coming(count: int) -> str:
    return counted(count, "instance that comes", "instances that come")


def _sharing(subject: ClusterSubject, group: Planned) -> list[Planned]:
    """The groups that get instances in subnets of this one, itself among them."""
    both = sorted((*subject.groups, *subject.beside), key=lambda one: one.name)
    return [one for one in both if set(one.subnets) & set(group.subnets)]


def _addresses(subject: ClusterSubject, group: Planned) -> int | None:
    """IPv4 addresses of one instance with all its pods, of the type that takes most. Pods of an IPv6 EKS cluster take
    none."""
    cluster = subject.facts.eks
    if isinstance(cluster, EksCluster) and cluster.ipv6:
        return max(map(pods.own_addresses, group.types), default=None)
    types = subject.facts.types
    facts = {} if isinstance(types, Unread) else types
    each = [
        pods.addresses(name, addresses_per_interface=fact.addresses_per_interface if fact else None)
        for name in group.types
        for fact in [facts.get(name.removeprefix("ml."))]
    ]
    known = [one for one in each if one is not None]
    return max(known) if len(known) == len(each) and known else None


def addressing(subject: ClusterSubject) -> Iterator[Finding]:
    cluster, known = subject.facts.eks, subject.facts.subnets
    for fact in (cluster, known):
        if isinstance(fact, Unread):
            yield unknown(fact)
            return
    if not isinstance(cluster, EksCluster) or not cluster.ipv6:
        return
    for group in subject.groups:
        for name, subnet in found_subnets(subject, group).items():
            yield passes(group=group.name) if subnet.ipv6 else fails(group=group.name, subnet=name)


def one_zone(subject: ClusterSubject) -> Iterator[Finding]:
    if isinstance(subject.facts.subnets, Unread):
        yield unknown(subject.facts.subnets)
        return
    for group in subject.groups:
        zones = sorted({subnet.zone for subnet in found_subnets(subject, group).values()})
        if not zones or not (has_efa(subject, group) or subject.karpenter):
            continue
        yield warns(group=group.name, zones=", ".join(zones)) if len(zones) > 1 else passes(group=group.name)


def offered(subject: ClusterSubject) -> Iterator[Finding]:
    offerings, known = subject.facts.offerings, subject.facts.subnets
    for fact in (offerings, known):
        if isinstance(fact, Unread):
            yield unknown(fact)
            return
    for group in subject.groups:
        zones = {subnet.zone_id for subnet in found_subnets(subject, group).values()}
        if not zones or isinstance(offerings, Unread):
            continue
        there = {name: offerings.get(name.removeprefix("ml."), frozenset()) for name in group.types}
        if any(places & zones for places in there.values()):
            yield passes(group=group.name)
            continue
        places = sorted(set().union(*there.values()))
        elsewhere = f"EC2 offers it in {', '.join(places)}" if places else "EC2 names no zone of this Region for it"
        yield warns(group=group.name, type=", ".join(group.types), zones=", ".join(sorted(zones)), elsewhere=elsewhere)


CHECKS = (
    Check(
        name="SubnetsExist",
        area=Area.NETWORK,
        what="The subnets exist",
        why="CreateCluster fails, or instances fail to launch one by one.",
        source=SOURCE,
        judge=subnets_exist,
        reads=(SUBNETS,),
        fail="EC2 has no subnet {missing} in this Region and account.",
        remedy="Correct the subnet ids of vpcConfig or overrideVpcConfig.",
    ),
    Check(
        name="SubnetsInVPC",
        area=Area.NETWORK,
        what="The subnets are in the VPC of the EKS cluster",
        why="Instances in another VPC do not reach the Kubernetes API and never join.",
        source=EKS_SOURCE,
        judge=subnets_in_vpc,
        reads=(SUBNETS, "eks:DescribeCluster"),
        fail="Subnet {subnet} is in {theirs}, and the EKS cluster in {ours}.",
        remedy="Name subnets of the EKS cluster's VPC.",
    ),
    Check(
        name="AddressesFree",
        area=Area.NETWORK,
        what="The subnets have free addresses for all instances and their pods",
        why="Instances fail to launch, or pods wait for an address, when a subnet is full; its CIDR cannot grow.",
        source=f"{EKS_SOURCE}, maximum number of pods",
        judge=addresses_free,
        reads=(SUBNETS, "ec2:DescribeInstanceTypes", "eks:DescribeCluster"),
        fail="The subnets have {free}, fewer than the {coming}{who}.",
        warn="The subnets have {free}; {further} up to {all} ({each} each).",
        remedy="Use larger or further subnets of the zone.",
    ),
    Check(
        name="AddressFamily",
        area=Area.NETWORK,
        what="The subnets of an IPv6 EKS cluster have IPv6 addresses",
        why="Pods of an IPv6 EKS cluster get IPv6 addresses only.",
        source=EKS_SOURCE,
        judge=addressing,
        reads=(SUBNETS, "eks:DescribeCluster"),
        fail="The EKS cluster uses IPv6, and subnet {subnet} has no IPv6 CIDR.",
        remedy="Associate an IPv6 CIDR with the subnet.",
    ),
    Check(
        name="OneZone",
        area=Area.NETWORK,
        what="Each group with EFA or Karpenter is in one zone",
        why="EFA does not cross zones, and HyperPod places a group in one of its zones that you do not choose.",
        source=SOURCE,
        judge=one_zone,
        reads=(SUBNETS,),
        warn="The subnets are in several zones: {zones}.",
        remedy="Give the group an overrideVpcConfig with subnets of one zone.",
    ),
    Check(
        name="TypeOfferedInZone",
        area=Area.NETWORK,
        what="EC2 offers the instance types in the zones of the subnets",
        why="There is no capacity where a type is not offered: launches fail for as long as they are tried.",
        source="DOC: Amazon EC2 API reference, DescribeInstanceTypeOfferings",
        judge=offered,
        reads=(SUBNETS, "ec2:DescribeInstanceTypeOfferings"),
        warn="EC2 does not offer {type} in {zones}; {elsewhere}.",
        remedy="Choose subnets of another zone, or another type.",
    ),
)
