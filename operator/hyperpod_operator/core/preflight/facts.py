"""What was read from AWS and Kubernetes before a call, frozen. A member that could not be read is Unread.

None, or an id that a mapping does not have, means that AWS says that there is no such thing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar

from hyperpod_operator.core.preflight.model import Fact, Unread

V = TypeVar("V")
TCP = frozenset({"tcp", "6"})
NOT_GATHERED = Unread(why="it was not read")
OTHER_CLUSTER = Unread(why="the operator runs in another EKS cluster than the one that the spec names")
INSTALLED_IN = ("kube-system", "aws-hyperpod", "gpu-operator", "calico-system")
"""Namespaces of what nodes need: EKS's own, that of the health monitoring agent, hard-wired in HyperPod's chart, that
of NVIDIA's GPU operator by its installation guide, and Calico's by its own (Calico, "Install on Amazon EKS")."""
KUBERNETES_UNREAD = Unread(why="the Kubernetes API of the EKS cluster was not read")


def nothing() -> Mapping[str, V]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class EksCluster:
    """eks:DescribeCluster. `authorities`: see `core.preflight.authorities`."""

    status: str
    version: str
    authentication_mode: str = ""
    vpc_id: str = ""
    ip_family: str = ""
    role_arn: str = ""
    authorities: frozenset[str] = frozenset()

    @property
    def ipv6(self) -> bool:
        """Whether pods get IPv6 addresses, and no others."""
        return self.ip_family == "ipv6"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addon:
    """eks:DescribeAddon. `issues` are the codes of health.issues."""

    name: str
    version: str
    status: str
    issues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    """ec2:DescribeSubnets. `free` is AvailableIpAddressCount (IPv4)."""

    vpc_id: str
    zone: str
    zone_id: str
    free: int
    ipv6: bool = False
    cidr: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route: where to, and through what (`igw-…`, `nat-…`, `vpce-…`, `local`)."""

    destination: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTable:
    """ec2:DescribeRouteTables."""

    vpc_id: str
    main: bool
    subnets: frozenset[str]
    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An available one of ec2:DescribeVpcEndpoints. `service` ends with AWS's word for it; `gateway`: of routes."""

    name: str
    vpc_id: str
    service: str
    gateway: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One permission of a security group. `protocol` is -1 for all traffic, `ports` None for all ports; `lists` are
    prefix lists."""

    egress: bool
    protocol: str
    groups: frozenset[str] = frozenset()
    cidrs: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    ports: tuple[int, int] | None = None

    def covers(self, port: int) -> bool:
        """Whether it is about a TCP port."""
        if self.protocol == "-1":
            return True
        return self.protocol in TCP and (self.ports is None or self.ports[0] <= port <= self.ports[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityGroup:
    """ec2:DescribeSecurityGroups."""

    name: str
    vpc_id: str
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeFacts:
    """ec2:DescribeInstanceTypes of the EC2 type. None: EC2 does not say."""

    efa: bool | None = None
    addresses_per_interface: int | None = None
    attachments: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement of an IAM policy, with single values made lists. `but`: its NotAction, all actions except these."""

    allow: bool
    actions: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    resources: tuple[str, ...] = ("*",)
    principals: tuple[str, ...] = ()
    conditional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """iam:GetRole and what it may do. `may` has the answer for each action of which it is certain, by IAM's simulation
    and the role's policies. `unproved` are actions that no policy allows on all resources at once, and that one may
    allow on those in question."""

    trusts: frozenset[str]
    attached: Fact[frozenset[str]] = NOT_GATHERED
    """Names of attached managed policies."""
    may: Fact[Mapping[str, bool]] = NOT_GATHERED
    unproved: frozenset[str] = frozenset()
    statements: Fact[tuple[Statement, ...]] = NOT_GATHERED
    """Of inline and attached policies, read only where IAM does not simulate, or does not find an action allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """s3:GetObject of a lifecycle script. `crlf`: its first line ends with CR LF. `crlf_within`: a later one does, or
    what follows the script in its file. `shebang`: its first line begins #!."""

    crlf: bool
    crlf_within: bool = False
    shebang: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class KmsKey:
    """kms:DescribeKey and kms:GetKeyPolicy. `grantees` are the principals to whom grants of the key give
    kms:CreateGrant (kms:ListGrants), read where its policy does not leave that to IAM."""

    arn: str
    state: str
    usage: str = "ENCRYPT_DECRYPT"
    symmetric: bool = True
    aws_managed: bool = False
    policy: Fact[tuple[Statement, ...]] = NOT_GATHERED
    grantees: Fact[frozenset[str]] = NOT_GATHERED


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """A reserved capacity of a training plan."""

    instance_type: str
    zone_id: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """sagemaker:DescribeTrainingPlan. `available` are instances that can be used now: of a plan that has not begun
    there are none. `total` are those that it reserves."""

    status: str
    start: datetime | None = None
    end: datetime | None = None
    available: int | None = None
    total: int | None = None
    targets: frozenset[str] = frozenset()
    capacities: tuple[Capacity, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """ec2:DescribeNetworkInterfaces of a file system, with the security groups that these have."""

    zones: frozenset[str]
    addresses: frozenset[str]
    groups: Mapping[str, SecurityGroup]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSystem:
    """fsx:DescribeFileSystems. `kind` is FileSystemType, `interfaces` are NetworkInterfaceIds."""

    lifecycle: str
    vpc_id: str
    kind: str = "LUSTRE"
    mount_name: str = ""
    subnets: frozenset[str] = frozenset()
    interfaces: tuple[str, ...] = ()
    access: Fact[Access] = NOT_GATHERED


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """A recent event of the cluster: AWS had no capacity. `group` is the instance group that it was for, which may be
    gone by now; `types` are those that the words of the event name."""

    at: datetime
    group: str
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What other HyperPod clusters of the account hold, from ListClusters and DescribeCluster.

    `complete` is false where there are more than were read: the counts are then the least that is used. `of_eks` is
    the name of another HyperPod cluster of the same EKS cluster.
    """

    instances: Mapping[str, int] = field(default_factory=nothing)
    """On-demand instances by type, without those of training plans."""
    spot: Mapping[str, int] = field(default_factory=nothing)
    """Spot instances by type."""
    total: int = 0
    clusters: int = 0
    complete: bool = True
    of_eks: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A DaemonSet of the EKS cluster. `image` is that of its first container, `everywhere` whether it runs on nodes of
    any kind: no selector and no required affinity keeps it from some."""

    namespace: str
    name: str
    image: str
    everywhere: bool = True

    @property
    def tag(self) -> str:
        """The image's tag, by which a version is told; empty where there is none, as with a digest alone."""
        name = self.image.partition("@")[0].rpartition("/")[2]
        return name.partition(":")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that the checks of a cluster may look at."""

    known_types: frozenset[str] = frozenset()
    """ClusterInstanceType of the API model that this version ships."""
    eks: Fact[EksCluster | None] = NOT_GATHERED
    addons: Fact[Mapping[str, Addon]] = NOT_GATHERED
    subnets: Fact[Mapping[str, Subnet]] = NOT_GATHERED
    route_tables: Fact[tuple[RouteTable, ...]] = NOT_GATHERED
    endpoints: Fact[frozenset[Endpoint]] = NOT_GATHERED
    """Those of the VPCs of the subnets."""
    dns: Fact[Mapping[str, frozenset[str]]] = NOT_GATHERED
    """By VPC, which of its DNS attributes are off."""
    security_groups: Fact[Mapping[str, SecurityGroup]] = NOT_GATHERED
    offerings: Fact[Mapping[str, frozenset[str]]] = NOT_GATHERED
    """Zone ids by instance type, without `ml.`."""
    types: Fact[Mapping[str, TypeFacts]] = NOT_GATHERED
    """By instance type, without `ml.`."""
    roles: Mapping[str, Fact[Role | None]] = field(default_factory=nothing)
    pass_role: Fact[Mapping[str, bool]] = NOT_GATHERED
    """By role ARN: whether the caller may pass it to SageMaker."""
    scripts: Mapping[str, Fact[Script | None]] = field(default_factory=nothing)
    """By address, as s3://bucket/key."""
    keys: Mapping[str, Fact[KmsKey | None]] = field(default_factory=nothing)
    quotas: Fact[Mapping[str, float]] = NOT_GATHERED
    """Of the service SageMaker, by name."""
    usage: Fact[Usage] = NOT_GATHERED
    shortages: Fact[tuple[Shortage, ...]] = NOT_GATHERED
    """Newest first."""
    plans: Mapping[str, Fact[TrainingPlan | None]] = field(default_factory=nothing)
    file_systems: Mapping[str, Fact[FileSystem | None]] = field(default_factory=nothing)
    """By the id that a DNS name begins with."""
    workloads: Fact[tuple[Workload, ...]] = KUBERNETES_UNREAD
    """DaemonSets of INSTALLED_IN."""
    calls: int = 0
    """Calls to AWS that gathering these took."""
