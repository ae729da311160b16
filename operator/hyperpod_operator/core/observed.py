"""What AWS says, frozen: the input of every decision about a cluster.

Groups and the cluster keep AWS's *desired* configuration in the spec's own vocabulary (the API's member
names with the first letter lowered), as plain JSON: comparing it with a spec is then a walk over two trees,
and a value that a newer AWS invents is data, never a parse error.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

Json = Any
"""A JSON value: None, bool, int, float, str, list or dict of such."""

EMPTY: Mapping[str, Json] = MappingProxyType({})

UNREAD = "not known to this version"
"""What stands for the value of a member that the API model of this version does not have: nobody may take it for an
empty one."""

# [assumption: ended-instance-is-gone]
GONE = frozenset({"ShuttingDown", "NotFound"})
"""Statuses of an instance that AWS ends or has ended (API member ClusterInstanceStatus)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedGroup:
    """One entry of DescribeCluster's InstanceGroups or RestrictedInstanceGroups.

    `members` holds the group as it would be written in a spec: TargetCount as `instanceCount`, MinCount as
    `minInstanceCount`, and the Desired* side of every Current*/Desired* pair. `current_*` hold the other side.
    """

    name: str
    restricted: bool
    status: str
    current_count: int
    target_count: int
    members: Mapping[str, Json]
    software_update_status: str = ""
    current_labels: Mapping[str, str] | None = None
    training_plan_status: str = ""
    image_version_status: str = ""
    """Whether a newer release of HyperPod's image is there: UpToDate, UpdateAvailable and so on."""
    current_image_id: str = ""
    current_image_release_version: str = ""
    """What runs now; `members` has what is desired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedCluster:
    """DescribeCluster. `members` holds the cluster-level members in the spec's vocabulary, groups excluded."""

    arn: str
    name: str
    status: str
    failure_message: str = ""
    created_at: datetime | None = None
    members: Mapping[str, Json] = field(default_factory=lambda: EMPTY)
    groups: tuple[ObservedGroup, ...] = ()
    auto_scaling_status: str = ""
    auto_scaling_message: str = ""

    def group(self, name: str) -> ObservedGroup | None:
        """The group of that name, of either kind."""
        return next((group for group in self.groups if group.name == name), None)

    @property
    def continuous(self) -> bool:
        """Whether NodeProvisioningMode is Continuous (it cannot be switched off again)."""
        return bool(self.members.get("nodeProvisioningMode") == "Continuous")

    @property
    def recovers(self) -> bool:
        """Whether HyperPod repairs sick nodes by itself; AWS's word, and unset means that it does."""
        return self.members.get("nodeRecovery") != "None"

    @property
    def current_count(self) -> int:
        return sum(group.current_count for group in self.groups)

    @property
    def target_count(self) -> int:
        return sum(group.target_count for group in self.groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCluster:
    """One entry of ListClusters."""

    name: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EksUse:
    """Which HyperPod cluster an EKS cluster has, by ListClusters and DescribeCluster; `name` is empty if none shows.

    `unread` is why that could not be read: the operation and the code of AWS's refusal. `unlooked` is the number of
    clusters that were listed and not described.
    """

    name: str = ""
    status: str = ""
    unread: str = ""
    unlooked: int = 0

    @property
    def going(self) -> bool:
        """Whether its deletion is under way: then the EKS cluster becomes free by itself."""
        return self.status == "Deleting"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedNode:
    """One entry of ListClusterNodes. `message` is InstanceStatus.Message."""

    instance_id: str
    group: str
    instance_type: str
    status: str
    message: str = ""
    logical_id: str = ""
    launched_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedEvent:
    """One entry of ListClusterEvents. `level` is EventLevel: Info, Warn or Error."""

    event_id: str
    at: datetime
    level: str
    description: str
    group: str = ""
    instance_id: str = ""
    cause: str = ""
    """FailureMessage of its details (DescribeClusterEvent), where this pass knows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatedNode:
    """A node that a HyperPodNodeOperation asked AWS to move or delete. `call` is the operation of the API, `group` the
    group that the node left, empty where that is one of another cluster."""

    instance_id: str
    group: str
    call: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Everything that one pass read from AWS. `tags` and `nodes` are None where this pass did not ask."""

    cluster: ObservedCluster | None
    tags: Mapping[str, str] | None = None
    nodes: tuple[ObservedNode, ...] | None = None
    former_groups: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    """The group of each instance when nodes were listed before this pass, by id; empty after a restart."""
    events: tuple[ObservedEvent, ...] = ()
    operated: tuple[OperatedNode, ...] = ()
    """Nodes of this cluster, or that joined it, by node operations; read where a count is not what it should be."""
    causes_denied: bool = False
    """Whether AWS refuses the details of events, which hold the causes."""
    elsewhere: bool = False
    """Whether the EKS cluster is another one than that whose API is served; read where this object would take the
    cluster from an earlier one of its name."""
