"""The kinds of resources around a HyperPod cluster. Plain data; times are simulated seconds since the epoch.

Each is complete and right as it is made: tests change members by name, as a person changes the real thing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal


@dataclass(frozen=True)
class Vpc:
    """A VPC."""

    id: str
    cidrs: tuple[str, ...] = ("10.0.0.0/16",)
    ipv6_cidr: str | None = None
    dns_support: bool = True
    dns_hostnames: bool = True
    s3_endpoint: bool = True
    """Private route tables have a gateway endpoint for S3."""
    interface_endpoints: tuple[str, ...] = ()
    """Services with an interface endpoint, such as `ecr.api`."""


@dataclass(frozen=True)
class Subnet:
    """A subnet."""

    id: str
    vpc: str
    zone: str
    """Name of its availability zone."""
    cidr: str
    ipv6_cidr: str | None = None
    route: Literal["nat", "internet", "none", "main"] = "nat"
    """Where 0.0.0.0/0 leads in its route table; `main`: it is in no route table, so the VPC's main one holds, which
    leads nowhere."""
    free: int | None = None
    """Free addresses but for those that HyperPod takes; None: all that the CIDR has."""


@dataclass(frozen=True)
class SecurityGroup:
    """A security group."""

    id: str
    vpc: str
    name: str = "hyperpod"
    self_ingress: bool = True
    """All traffic from itself, which EFA needs."""
    self_egress: bool = True
    """All traffic to itself."""
    open_egress: bool = False
    """All traffic to 0.0.0.0/0 instead of HTTPS alone."""
    file_systems: bool = True
    """TCP of FSx for Lustre and OpenZFS within the VPC, both ways."""


@dataclass(frozen=True)
class EksCluster:
    """An EKS cluster."""

    arn: str
    name: str
    vpc: str
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    role: str
    created_at: float
    version: str = "1.33"
    status: Literal["CREATING", "ACTIVE", "DELETING", "FAILED", "UPDATING", "PENDING"] = "ACTIVE"
    authentication_mode: Literal["API", "API_AND_CONFIG_MAP", "CONFIG_MAP"] = "API_AND_CONFIG_MAP"
    ip_family: Literal["ipv4", "ipv6"] = "ipv4"
    public_endpoint: bool = True
    private_endpoint: bool = True
    cni: str | None = "v1.20.4-eksbuild.1"
    """Version of the add-on vpc-cni; None: it is no add-on of EKS."""
    cni_status: str = "ACTIVE"
    addons: Mapping[str, str] = field(default_factory=dict)
    """The other add-ons and their versions."""
    access_entries: Mapping[str, str] = field(default_factory=dict)
    """Principal → type, besides those that HyperPod made."""


@dataclass(frozen=True)
class Role:
    """An IAM role."""

    arn: str
    name: str
    path: str = "/"
    services: tuple[str, ...] = ()
    """Service principals that may assume it."""
    managed: tuple[str, ...] = ()
    """ARNs of the attached policies."""
    inline: Mapping[str, Any] = field(default_factory=dict)
    """Name → document of the policies in the role itself."""
    boundary: str | None = None
    """ARN of the policy that is its permissions boundary."""


@dataclass(frozen=True)
class Policy:
    """A managed policy, of AWS or of the account."""

    arn: str
    name: str
    document: Mapping[str, Any] = field(default_factory=dict)
    version: str = "v1"


@dataclass(frozen=True)
class Key:
    """A KMS key."""

    id: str
    arn: str
    state: Literal["Enabled", "Disabled", "PendingDeletion", "PendingImport", "Unavailable"] = "Enabled"
    manager: Literal["CUSTOMER", "AWS"] = "CUSTOMER"
    spec: str = "SYMMETRIC_DEFAULT"
    usage: str = "ENCRYPT_DECRYPT"
    multi_region: bool = False
    policy: Mapping[str, Any] = field(default_factory=dict)
    grants: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Operations by grantee principal."""
    usable: bool = True
    """EBS can use it; what is created with one that it cannot use fails afterwards."""


@dataclass(frozen=True)
class Bucket:
    """An S3 bucket."""

    name: str
    region: str


@dataclass(frozen=True)
class StoredObject:
    """An object in S3: `s3://bucket/key`."""

    uri: str
    content: str = '#!/bin/bash\nset -euo pipefail\necho "on create"\n'

    @property
    def key(self) -> str:
        return self.uri.split("/", 3)[3]


@dataclass(frozen=True)
class FileSystem:
    """An FSx file system."""

    id: str
    vpc: str
    subnets: tuple[str, ...]
    created_at: float
    security_groups: tuple[str, ...] = ()
    """Of its network interfaces."""
    type: Literal["LUSTRE", "OPENZFS"] = "LUSTRE"
    lifecycle: str = "AVAILABLE"
    mount_name: str = "abcdefgh"
    capacity: int = 2400
    throughput: int = 250


@dataclass(frozen=True)
class TrainingPlan:
    """A training plan of SageMaker."""

    name: str
    arn: str
    instance_type: str
    start: float
    end: float
    status: Literal["Pending", "Active", "Scheduled", "Expired", "Failed"] = "Active"
    zone: str | None = None
    """Name of its availability zone; None: that of whoever uses it, or else of the examples' subnet."""
    instances: int = 64
    targets: tuple[str, ...] = ("hyperpod-cluster",)


@dataclass(frozen=True)
class Offering:
    """An instance type, `ml.` included in its name: where EC2 offers it, and what HyperPod takes for an hour."""

    name: str
    zones: tuple[str, ...]
    hourly: str | None
    """Price on demand in USD; None: the price list does not have it."""


KINDS: Mapping[str, type] = MappingProxyType(
    {
        "vpc": Vpc,
        "subnet": Subnet,
        "security_group": SecurityGroup,
        "eks_cluster": EksCluster,
        "role": Role,
        "policy": Policy,
        "key": Key,
        "bucket": Bucket,
        "object": StoredObject,
        "file_system": FileSystem,
        "training_plan": TrainingPlan,
        "offering": Offering,
    }
)
GLOBAL = frozenset({"role", "policy", "bucket", "object"})
"""Kinds that an account has once, not in every Region."""


@dataclass
class Inventory:
    """Which resources there are, and what was changed about them."""

    made: dict[tuple[str, str], Any] = field(default_factory=dict)
    """(kind, name) → the resource as it was made, in the order in which they were first named."""
    changed: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """(kind, name) → members that were set since."""
    removed: set[tuple[str, str]] = field(default_factory=set)
    decided: dict[tuple[str, str, str], tuple[object, bool]] = field(default_factory=dict)
    """(role, action, resource) → the options under which it was asked, and whether it is allowed; thousands of launches
    ask the same."""
