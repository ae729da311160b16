"""What the simulated account has: clusters, their groups, instances, operations and events.

Plain data. Times are simulated seconds since the epoch. `spec` members hold what the caller sent, under the API's own
names, so that what comes back is what went in.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from hyperpod_testbed.simulator.ebs.state import RegionalEbs
from hyperpod_testbed.simulator.names import Zone, partition
from hyperpod_testbed.simulator.prerequisites.resources import Inventory

JSON = dict[str, Any]

DEFAULT_REGION = "us-west-2"
"""Where things happen when nobody says where."""


Recovery = Literal["reboot", "replace"]
"""What brings an unhealthy node back."""


EksProblem = Literal["missing", "creating", "authentication"]
"""What is wrong with an EKS cluster: not there, not ACTIVE, or an authentication mode without access entries."""


@dataclass(frozen=True)
class NodeFault:
    """What the health monitoring agent, or a deep health check, found on a node."""

    time: float
    type: str
    reason: str
    message: str
    condition: bool
    """Whether the agent tells it as a node condition, too."""
    persistent: bool = False
    """A reboot does not cure it."""
    recovered_at: float | None = None

    @property
    def active(self) -> bool:
        return self.recovered_at is None


@dataclass
class Instance:
    """One slot of a group and the EC2 instance in it, if there is one yet."""

    serial: int
    logical_id: str
    group: str
    type: str
    zone: Zone
    subnet: str
    image_version: str
    image_id: str | None
    requested_at: float
    instance_id: str | None = None
    launched_at: float | None = None
    updated_at: float | None = None
    address: str = ""
    status: str = "Pending"
    message: str = ""
    joined: bool = False
    """The node is in the EKS cluster."""
    replaced: bool = False
    """Another instance has its place, so it does not count while it ends."""
    node_due: bool = False
    """The instance is Running and its Node does not exist yet."""
    ready: bool = False
    """The node's kubelet says Ready."""
    checks: str | None = None
    """Label deep-health-check-status."""
    health: str = "Schedulable"
    """Label node-health-status."""
    tainted: bool = False
    """HyperPod's taint is on the node."""
    faults: tuple[NodeFault, ...] = ()
    """Oldest first; those that are over stay for a while, as in the annotation fault-details."""
    recovery: Recovery | None = None
    """What the node waits for."""
    recovery_due: bool = False
    """The recovery is on its way: HyperPod does it unless NodeRecovery is None by then."""
    check_fails: Recovery | None = None
    """The next deep health check finds something that asks for this."""
    check_demanded: bool = False
    """The deep health check that runs, or ran last, was asked for by a call."""
    registered: bool = True
    """The kubelet has a Node object: false after somebody deleted it, for as long as it takes to come back."""
    boots: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    taints: list[JSON] = field(default_factory=list)
    turn: int = 0
    """Goes up whenever another course begins: a step that was scheduled on the old one does nothing."""
    revision: int = 0
    """Goes up with every change of a member: what was derived from an older revision is out of date."""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        super().__setattr__("revision", self.__dict__.get("revision", 0) + 1)

    @property
    def leaving(self) -> bool:
        """Whether the instance is on its way out of its group, to its end or to another group."""
        return self.status in {"ShuttingDown", "DetachInProgress"}

    @property
    def unhealthy(self) -> bool:
        """Whether something was found on the node that is neither over nor being taken away with it."""
        return not self.leaving and (self.recovery is not None or any(fault.active for fault in self.faults))

    @property
    def counted(self) -> bool:
        """Whether CurrentCount counts it."""
        return self.joined and not self.leaving


@dataclass
class Group:
    """An instance group, or a restricted one."""

    name: str
    spec: JSON
    restricted: bool
    created_at: float
    image_version: str
    desired_image_version: str
    image_id: str | None = None
    desired_image_id: str | None = None
    status: str = "Creating"
    current: JSON = field(default_factory=dict)
    """KubernetesConfig, InstanceTypes and PatchSchedule as they are in force (`Current…` in the details)."""
    settled: tuple[int, int] | None = None
    """TargetCount and MinCount when the group was last InService."""
    min_turn: int = 0
    arriving: int = 0
    """Instances that are still detached from another group and will join this one."""
    software_status: str | None = None
    software_config: JSON | None = None
    software_running: bool = False
    """A software update that this group takes part in is not over."""
    patched: set[int] = field(default_factory=set)
    """Serials of the instances on the desired image of the software update that runs."""

    @property
    def target(self) -> int:
        return int(self.spec["InstanceCount"])

    @target.setter
    def target(self, count: int) -> None:
        self.spec["InstanceCount"] = count

    @property
    def minimum(self) -> int:
        return int(self.spec.get("MinInstanceCount") or 0)

    @property
    def types(self) -> list[str]:
        """Instance types in order of priority."""
        if "InstanceType" in self.spec:
            return [self.spec["InstanceType"]]
        return list(self.spec["InstanceRequirements"]["InstanceTypes"])


@dataclass
class Operation:
    """A long-running operation of the cluster, as ListClusterOperations shows it."""

    id: str
    type: str
    created_at: float
    status: str = "InProgress"
    scaling: list[JSON] = field(default_factory=list)
    checks: list[JSON] = field(default_factory=list)


@dataclass
class Event:
    """An event of a Continuous cluster."""

    id: str
    time: float
    resource: str
    level: str
    description: str
    group: str | None = None
    instance_id: str | None = None
    operation: str | None = None
    metadata: JSON = field(default_factory=dict)


@dataclass(frozen=True)
class Former:
    """A cluster before an update."""

    status: str
    spec: JSON
    groups: dict[str, Group]


@dataclass
class Cluster:
    """A HyperPod cluster."""

    id: str
    name: str
    region: str
    account: str
    spec: JSON
    created_at: float
    groups: dict[str, Group] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    status: str = "Creating"
    failure: str = ""
    patched: bool = True
    """Whether UpdateClusterSoftware ran since the node-level calls exist; new clusters need none."""
    instances: dict[int, Instance] = field(default_factory=dict)
    by_id: dict[str, Instance] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    tokens: dict[str, tuple[float, JSON, list[Instance]]] = field(default_factory=dict)
    move_tokens: dict[str, tuple[float, JSON, JSON]] = field(default_factory=dict)
    """ClientToken of MoveClusterNodes → when, with which parameters, and what was answered."""
    former: Former | None = None
    """What the update that runs would go back to."""
    stage: str = ""
    """Of an update that is all or nothing: `waiting`, `growing`, then `shrinking`."""
    doomed: set[str] = field(default_factory=set)
    """Groups that an update deletes once everything else succeeded."""
    turn: int = 0
    last_serial: int = 0
    review_due: bool = False

    @property
    def eks_arn(self) -> str | None:
        """The EKS cluster that orchestrates it."""
        eks = (self.spec.get("Orchestrator") or {}).get("Eks")
        return str(eks["ClusterArn"]) if eks else None

    @property
    def arn(self) -> str:
        return f"arn:{partition(self.region)}:sagemaker:{self.region}:{self.account}:cluster/{self.id}"

    @property
    def continuous(self) -> bool:
        return self.spec.get("NodeProvisioningMode") == "Continuous"

    def members(self, group: str) -> list[Instance]:
        """The instances of a group, oldest first."""
        return [instance for instance in self.instances.values() if instance.group == group]

    def staying(self, group: str) -> list[Instance]:
        """The instances of a group that are not on their way out."""
        return [instance for instance in self.members(group) if not instance.leaving]


@dataclass
class Region:
    """One region of the account."""

    name: str
    clusters: dict[str, Cluster] = field(default_factory=dict)
    roles: dict[str, tuple[float, int]] = field(default_factory=dict)
    """Execution role → time and number of its first uses, for IAM propagation."""
    ebs: RegionalEbs = field(default_factory=RegionalEbs)
    inventory: Inventory = field(default_factory=Inventory)
    """Subnets, EKS clusters, keys and what else HyperPod clusters need."""
    eks_freed: dict[str, float] = field(default_factory=dict)
    """EKS cluster ARN → when its HyperPod cluster was gone."""

    def find(self, name_or_arn: str) -> Cluster | None:
        """A cluster by name or ARN."""
        if not name_or_arn.startswith("arn:"):
            return self.clusters.get(name_or_arn)
        return next((one for one in self.clusters.values() if one.arn == name_or_arn), None)


@dataclass
class Conditions:
    """The weather: what the account cannot do at present. World events change it."""

    capacity: dict[tuple[str, str], int] = field(default_factory=dict)
    """(cluster, group) → how many instances can exist."""
    lifecycle_failures: dict[tuple[str, str], str] = field(default_factory=dict)
    """(cluster, group) → message of the lifecycle script that fails."""
    creation_failures: dict[str, str] = field(default_factory=dict)
    """Cluster name → why its creation fails."""
    check_failures: dict[tuple[str, str], list[Recovery]] = field(default_factory=dict)
    """(cluster, group) → what the next failures of deep health checks ask for, one node each."""
    missing_taints: set[tuple[str, str]] = field(default_factory=set)
    """(cluster, group) on whose nodes HyperPod does not set its taint."""
    patch_failures: dict[tuple[str, str], int] = field(default_factory=dict)
    """By cluster and group: how many tries of a software update still fail."""
    """(cluster, group) whose next software update fails and rolls back."""
    image_versions: list[str] = field(default_factory=lambda: ["1.0.0"])
    """Releases of the HyperPod image, oldest first."""


@dataclass
class Account:
    """Everything of the account, by region."""

    id: str
    regions: dict[str, Region] = field(default_factory=dict)
    inventory: Inventory = field(default_factory=Inventory)
    """Roles, policies, buckets: what an account has once."""

    def region(self, name: str) -> Region:
        """The region, made when first used."""
        return self.regions.setdefault(name, Region(name))

    def clusters(self) -> Iterator[Cluster]:
        """The clusters of all regions."""
        for region in self.regions.values():
            yield from region.clusters.values()

    def place(self, instance_id: str) -> tuple[Cluster, Instance] | None:
        """An instance by its id, and the cluster that has it."""
        for cluster in self.clusters():
            if instance_id in cluster.by_id:
                return cluster, cluster.by_id[instance_id]
        return None
