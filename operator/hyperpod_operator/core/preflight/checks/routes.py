"""Checks of where the subnets lead: the internet, Amazon S3, the other services, and names."""

from collections.abc import Collection, Iterator

from hyperpod_operator.core.preflight.checks.network import EKS_SOURCE, SOURCE, SUBNETS, found_subnets
from hyperpod_operator.core.preflight.facts import Endpoint, Route, RouteTable
from hyperpod_operator.core.preflight.model import Area, Check, Fact, Finding, Unread, fails, passes, unknown, warns
from hyperpod_operator.core.preflight.subject import ClusterSubject

ROUTES = "ec2:DescribeRouteTables"
EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})
NO_TABLE = Unread(why="EC2 shows no route table of the subnet, not even the main one of its VPC")
# [assumption: preflight-services-of-instances]
SERVICES = (
    "ec2",
    "ec2messages",
    "ecr.api",
    "ecr.dkr",
    "logs",
    "sagemaker.api",
    "sagemaker.runtime",
    "ssm",
    "ssmmessages",
    "sts",
)
"""What instances call in addition to S3 and EKS, by the end of the names of endpoint services."""


def subnets_private(subject: ClusterSubject) -> Iterator[Finding]:
    tables, endpoints = subject.facts.route_tables, subject.facts.endpoints
    for fact in (subject.facts.subnets, tables):
        if isinstance(fact, Unread):
            yield unknown(fact)
            return
    for group in subject.groups:
        for name, subnet in found_subnets(subject, group).items():
            table = _table(tables, name, subnet.vpc_id)
            if table is None:
                yield unknown(NO_TABLE, group=group.name)
                continue
            public = _internet(table)
            if public is None:
                yield passes(group=group.name)
                continue
            values = {"subnet": name, "destination": public.destination, "gateway": public.target}
            if not _is_ipv4(public):
                yield warns(group=group.name, how=" for IPv6", **values)
            elif isinstance(endpoints, Unread):
                yield warns(group=group.name, how="", **values)
            elif _serves_all(table, _of(endpoints, subnet.vpc_id)):
                yield warns(group=group.name, how=", and its VPC has endpoints for what instances call", **values)
            else:
                yield fails(group=group.name, **values)


def _table(tables: Fact[tuple[RouteTable, ...]], subnet: str, vpc: str) -> RouteTable | None:
    """The table that a subnet uses: its own, else the main one of its VPC."""
    if isinstance(tables, Unread):
        return None
    own = next((table for table in tables if subnet in table.subnets), None)
    return own or next((table for table in tables if table.main and table.vpc_id == vpc), None)


def _of(endpoints: Fact[frozenset[Endpoint]], vpc: str) -> list[Endpoint]:
    """The endpoints of a VPC."""
    return [] if isinstance(endpoints, Unread) else [one for one in endpoints if one.vpc_id == vpc]


def _serves_all(table: RouteTable, endpoints: Collection[Endpoint]) -> bool:
    """Whether instances reach all that they call by endpoints: they need no public address for these."""
    return _has_s3(table, endpoints) and not _missing(endpoints)


def _has_s3(table: RouteTable, endpoints: Collection[Endpoint]) -> bool:
    """Whether one of these endpoints is of S3, and reached from the table's subnets."""
    targets = {route.target for route in table.routes}
    return any(_serves(one, "s3") and (not one.gateway or one.name in targets) for one in endpoints)


def _missing(endpoints: Collection[Endpoint]) -> str:
    """The services that instances call and that none of these endpoints is of; empty for none."""
    return ", ".join(word for word in SERVICES if not any(_serves(one, word) for one in endpoints))


def _serves(endpoint: Endpoint, word: str) -> bool:
    return endpoint.service.endswith(f".{word}")


def _internet(table: RouteTable) -> Route | None:
    """The route by which a table sends what it does not know to an internet gateway, of IPv4 if there is one; None for
    a private subnet."""
    outward = [one for one in table.routes if one.destination in EVERYWHERE and one.target.startswith("igw-")]
    return max(outward, key=_is_ipv4, default=None)


def _is_ipv4(route: Route) -> bool:
    return ":" not in route.destination


def _leads_out(table: RouteTable) -> bool:
    """Whether it has a default route of IPv4: names of S3 and of most services have no IPv6 address unless a caller
    asks for dual-stack endpoints."""
    return any(route.destination in EVERYWHERE and _is_ipv4(route) for route in table.routes)


def s3_reachable(subject: ClusterSubject) -> Iterator[Finding]:
    tables, endpoints = subject.facts.route_tables, subject.facts.endpoints
    for fact in (subject.facts.subnets, tables, endpoints):
        if isinstance(fact, Unread):
            yield unknown(fact)
            return
    for group in subject.groups:
        for name, subnet in found_subnets(subject, group).items():
            table = _table(tables, name, subnet.vpc_id)
            if table is None:
                yield unknown(NO_TABLE, group=group.name)
                continue
            reached = _leads_out(table) or _has_s3(table, _of(endpoints, subnet.vpc_id))
            yield passes(group=group.name) if reached else warns(group=group.name, subnet=name)


def services_reachable(subject: ClusterSubject) -> Iterator[Finding]:
    tables, endpoints = subject.facts.route_tables, subject.facts.endpoints
    for fact in (subject.facts.subnets, tables, endpoints):
        if isinstance(fact, Unread):
            yield unknown(fact)
            return
    for group in subject.groups:
        for name, subnet in found_subnets(subject, group).items():
            table = _table(tables, name, subnet.vpc_id)
            if table is None:
                yield unknown(NO_TABLE, group=group.name)
                continue
            if _leads_out(table):
                yield passes(group=group.name)
                continue
            mine = _of(endpoints, subnet.vpc_id)
            missing = _missing(mine)
            yield warns(group=group.name, subnet=name, missing=missing) if missing else passes(group=group.name)


def names_resolved(subject: ClusterSubject) -> Iterator[Finding]:
    found = subject.facts.dns
    if isinstance(found, Unread):
        yield unknown(found)
        return
    for vpc, off in found.items():
        yield warns(vpc=vpc, names=" and ".join(sorted(off))) if off else passes()


CHECKS = (
    Check(
        name="SubnetsPrivate",
        area=Area.NETWORK,
        what="The subnets are private",
        why="AWS asks for private subnets: instances get no public IPv4 address, so that they reach nothing through an "
        "internet gateway.",
        source=EKS_SOURCE,
        judge=subnets_private,
        reads=(SUBNETS, ROUTES, "ec2:DescribeVpcEndpoints"),
        fail="Subnet {subnet} is public: its route table sends {destination} to {gateway}.",
        warn="Subnet {subnet} is public{how}: its route table sends {destination} to {gateway}.",
        remedy="Name private subnets, with a NAT gateway or VPC endpoints; for IPv6 with an egress-only gateway.",
    ),
    Check(
        name="S3Reachable",
        area=Area.NETWORK,
        what="The subnets reach Amazon S3",
        why="Lifecycle scripts come from S3: without a path instances fail after their time is up.",
        source=SOURCE,
        judge=s3_reachable,
        reads=(SUBNETS, ROUTES, "ec2:DescribeVpcEndpoints"),
        warn="Subnet {subnet} has neither a default route of IPv4 nor an endpoint for S3.",
        remedy="Add a gateway endpoint for S3 to its route table, or a NAT gateway.",
    ),
    Check(
        name="ServicesReachable",
        area=Area.NETWORK,
        what="Subnets without a default route have endpoints for the services that instances call",
        why="Instances that reach neither ECR nor Systems Manager, for example, fail when they start or never join.",
        source=f"{SOURCE}, VPC without internet access",
        judge=services_reachable,
        reads=(SUBNETS, ROUTES, "ec2:DescribeVpcEndpoints"),
        warn="Subnet {subnet} has no default route of IPv4, and its VPC has no endpoint for {missing}.",
        remedy="Add interface endpoints for these services, or a NAT gateway.",
    ),
    Check(
        name="VPCNames",
        area=Area.NETWORK,
        what="The VPC has DNS support and DNS hostnames",
        why="Without them instances do not find private endpoints, that of the Kubernetes API among them.",
        source="SRC: hyperpod-cluster-debugger (awslabs); DOC: Amazon EKS user guide, VPC requirements",
        judge=names_resolved,
        reads=(SUBNETS, "ec2:DescribeVpcAttribute"),
        warn="VPC {vpc} has {names} off.",
        remedy="Switch both on: aws ec2 modify-vpc-attribute --enable-dns-support (and --enable-dns-hostnames).",
    ),
)
