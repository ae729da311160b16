"""Everything that one pass over an operation knows, frozen."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from hyperpod_operator.api.names import NODE_HEALTH_STATUS, TAG_EKS_CLUSTER, TAG_OWNER_UID, Reason
from hyperpod_operator.api.nodeoperation.status import OperationNodeStatus
from hyperpod_operator.core.drain.marks import held_by, holder_of, is_draining
from hyperpod_operator.core.drain.pod import occupants
from hyperpod_operator.core.drain.ports import PodsRead
from hyperpod_operator.core.drain.rules import OnTimeout
from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.moments import parse_time, stamp
from hyperpod_operator.core.nodeoperation.drains import Drains, drains
from hyperpod_operator.core.nodeoperation.gate import Planned, planned
from hyperpod_operator.core.nodeoperation.operation import Operation
from hyperpod_operator.core.nodeoperation.states import IN_FLIGHT, State
from hyperpod_operator.core.nodeoperation.timings import OperationTimings
from hyperpod_operator.core.nodes.batch import NodeCall
from hyperpod_operator.core.observed import GONE, ObservedCluster, ObservedNode
from hyperpod_operator.core.plan.digest import Target
from hyperpod_operator.core.plan.gate import STRICTNESS, ChangePolicy, Open

Entry = OperationNodeStatus
"""What is stored about one node."""
NOT_COUNTED = frozenset({State.DRAINING, State.SENT})
"""States of nodes that leave their group and that AWS's count of it still has."""
UNHEALTHY = "Unschedulable"
REPAIRING = f"{UNHEALTHY}Pending"
"""Begins the values of node-health-status that announce a repair by HyperPod: …PendingReboot, …PendingReplacement."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A HyperPodCluster, and what AWS shows of its cluster in this pass."""

    observed: ObservedCluster
    instances: Mapping[str, ObservedNode]
    """Nodes with an instance, by its id."""
    tags: Mapping[str, str]
    uid: str
    eks_cluster_arn: str
    generation: int = 0
    region: str = ""
    """The Region that the object names; empty for the installation's own."""
    change_policy: str = "Auto"
    """`spec.management.changePolicy` of the object."""
    paused: bool = False
    """`spec.management.paused` of the object."""
    filled_by_need: frozenset[str] = frozenset()
    """Groups that Karpenter scales: an instance that ends there is followed by another one only if pods need it."""

    @property
    def arn(self) -> str:
        return self.observed.arn

    @property
    def owned(self) -> bool:
        """Whether the tags name this very HyperPodCluster object: a name, or a status, proves nothing."""
        return (
            self.tags.get(TAG_OWNER_UID) == self.uid
            and bool(self.uid)
            and self.tags.get(TAG_EKS_CLUSTER) == self.eks_cluster_arn[:256]
        )

    def lacks(self, group: str) -> bool:
        return self.observed.group(group) is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Why the operation cannot use its cluster. `final`: it never can; otherwise it waits."""

    reason: Reason
    message: str
    final: bool = False
    stalled: bool = False


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """`entries` are the nodes as this pass sees them, `nodes` the Kubernetes Nodes of the cluster by instance id."""

    operation: Operation
    entries: tuple[Entry, ...]
    now: datetime
    timings: OperationTimings = field(default_factory=OperationTimings)
    foreseen: bool = False
    """Whether the nodes are chosen again when the operation may begin: until then nothing becomes of them."""
    cluster: Cluster | None = None
    target: Cluster | None = None
    """The cluster that moved nodes join; the same one unless the spec names another."""
    obstacle: Obstacle | None = None
    unreadable: bool = False
    """Whether AWS cannot be read until a person acts."""
    paused: bool = False
    """Whether `spec.management.paused` of a cluster of the operation is set, by its object alone."""
    nodes: Mapping[str, Node] = field(default_factory=dict)
    nodes_known: bool = True
    """Whether Kubernetes' Nodes were listed: before that, an absent Node proves nothing."""
    pods: PodsRead = field(default_factory=PodsRead)
    pods_of: frozenset[str] = frozenset()
    """The Nodes whose pods were read: about others nothing is known."""
    claims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """EBSVolumeClaims with a volume on the instance of this id."""
    selected: frozenset[str] = frozenset()
    """Names of the Nodes that have the labels of the selector."""
    held: Mapping[str, str] = field(default_factory=dict)
    """Instances that other operations hold, and which one."""
    blocked: frozenset[str] = frozenset()
    """Entries with a pod whose eviction the API server did not allow in this pass."""
    remarked_at: datetime | None = None
    """When Nodes were last marked that have been marked before, and do not show it."""
    refused: frozenset[str] = frozenset()
    """Names of Nodes that were not changed in this pass: the API server refused it, or another object holds them."""

    @cached_property
    def by_id(self) -> Mapping[str, Entry]:
        return {entry.id: entry for entry in self.entries}

    @cached_property
    def occupied(self) -> Counter[str]:
        """How many pods keep a Node from being idle, by its name."""
        return Counter(pod.node for pod in occupants(self.pods.pods))

    @cached_property
    def newcomers(self) -> Mapping[str, Sequence[ObservedNode]]:
        """By group, the instances that may have come in the place of a node: no node of the operation, none that ends,
        and none that has another node's place already. The first one to be launched comes first."""
        former = {name for entry in self.entries for name in (entry.instanceId, entry.replacedBy) if name}
        found: dict[str, list[ObservedNode]] = {}
        for one in self.cluster.instances.values() if self.cluster is not None else ():
            if one.instance_id not in former and one.status not in GONE:
                found.setdefault(one.group, []).append(one)
        for several in found.values():
            several.sort(key=lambda one: (one.launched_at is None, one.launched_at or self.now, one.instance_id))
        return found

    @cached_property
    def logical_ids(self) -> frozenset[str]:
        """Of the operation's nodes: an instance that has one of them has the place of that node."""
        return frozenset(entry.nodeLogicalId for entry in self.entries if entry.nodeLogicalId)

    @cached_property
    def drains(self) -> Drains:
        """The drains of the nodes that are Draining. Several concerns ask; it is looked at once a pass."""
        return drains(
            entries=self.entries,
            nodes=self.nodes,
            nodes_known=self.nodes_known,
            read=self.pods,
            read_of=self.pods_of,
            rules=self.operation.drain,
            now=self.now,
        )

    @property
    def change_policy(self) -> ChangePolicy:
        """The stricter one of the clusters that the operation touches."""
        found = [ChangePolicy(one.change_policy) for one in (self.cluster, self.target) if one is not None]
        return max(found, key=STRICTNESS.index, default=ChangePolicy.AUTO)

    @cached_property
    def planned(self) -> Planned | None:
        """What is to be approved; None where no node is chosen yet, or nothing is ever done."""
        if self.cluster is None or not self.entries or self.operation.dry:
            return None
        created, shown = self.cluster.observed.created_at, self.operation.status.plan
        # An answer without the time is no other cluster: the time that was recorded of this ARN stands.
        same = shown is not None and shown.target is not None and shown.target.clusterArn == self.cluster.arn
        recorded = shown.target.creationTime if same and shown is not None and shown.target is not None else None
        target = Target(cluster_arn=self.cluster.arn, creation_time=stamp(created) if created else recorded or "")
        joined = self.target.arn if self.target is not None and self.target.arn != self.cluster.arn else ""
        return planned(
            operation=self.operation, entries=self.entries, target=target, joined=joined, policy=self.change_policy
        )

    @property
    def halted(self) -> str:
        """Why no node may go on before AWS is asked about it, in a word; empty where nodes may."""
        if self.operation.suspended:
            return "Suspended"
        if self.paused:
            return "Paused"
        if self.is_cut_off:
            return "The operation could not use its cluster"
        move = self.operation.spec.move
        if move is not None and self.target is not None and self.target.lacks(move.instanceGroupName):
            return f"Group {move.instanceGroupName} went"
        return ""

    @property
    def waits_to_begin(self) -> bool:
        """Whether the spec does not let nodes begin now."""
        return self.operation.suspended or self.start_ahead is not None

    @property
    def start_ahead(self) -> datetime | None:
        """`spec.notBefore`, until it has come."""
        start = self.operation.not_before
        return start if start is not None and self.now < start else None

    @property
    def is_held(self) -> bool:
        """Whether the operation waits for an approval."""
        return self.planned is not None and not isinstance(self.planned.gate, Open)

    @property
    def is_withheld(self) -> bool:
        """Whether people keep the operation from acting: its time stands still. A missing approval is not known of a
        cluster that this pass has not read."""
        return self.operation.suspended or self.paused or self.is_held

    @cached_property
    def cut_off_since(self) -> datetime | None:
        """Since when the operation cannot use its cluster while nodes drain, and a person has to act. What passes by
        itself neither begins nor ends that time."""
        if not any(entry.state == State.DRAINING for entry in self.entries):
            return None
        known = parse_time(self.operation.status.remembered.cutOffSince or "")
        if self.unreadable or (self.obstacle is not None and self.obstacle.stalled):
            return known or self.now
        return known if self.cluster is None and self.obstacle is None else None

    @property
    def is_cut_off(self) -> bool:
        """Whether that lasts so long that nodes are kept drained for nothing."""
        since = self.cut_off_since
        return since is not None and (self.now - since).total_seconds() >= self.timings.cut_off

    @property
    def may_force(self) -> bool:
        return self.operation.drain.on_timeout is OnTimeout.FORCE

    @property
    def is_late(self) -> bool:
        """Whether activeDeadlineSeconds is over."""
        return self.deadline is not None and self.now >= self.deadline

    @property
    def deadline(self) -> datetime | None:
        """Until when the operation may go on; None before its start, and while people keep it from acting."""
        return None if self.is_withheld else self.operation.deadline

    def instance(self, entry: Entry) -> ObservedNode | None:
        """The node in AWS; None where AWS lists none of this id."""
        return self.cluster.instances.get(entry.instanceId or "") if self.cluster else None

    def is_ending(self, entry: Entry) -> bool:
        """Whether AWS ends the instance, for whatever reason: there is nothing to ask of it any more."""
        instance = self.instance(entry)
        return instance is not None and instance.status in GONE

    # [assumption: moves-keep-the-minimum]
    @cached_property
    def spare(self) -> Mapping[str, int]:
        """How many further nodes a move may take from each group that has a minInstanceCount."""
        if self.operation.call is not NodeCall.MOVE or self.cluster is None:
            return {}
        leaving = Counter(
            instance.group
            for entry in self.entries
            if entry.state in NOT_COUNTED and (instance := self.instance(entry)) is not None
        )
        groups = self.cluster.observed.groups
        minima = {one.name: one.members.get("minInstanceCount") or 0 for one in groups}
        return {one.name: one.target_count - minima[one.name] - leaving[one.name] for one in groups if minima[one.name]}

    def node(self, entry: Entry) -> Node | None:
        return self.nodes.get(entry.instanceId or "")

    def holder(self, entry: Entry) -> str:
        """Who else holds the node; empty if nobody does."""
        node, ours = self.node(entry), str(self.operation.owner)
        marked = holder_of(node) if node is not None else ""
        if marked and marked != ours:
            return marked
        if not marked and node is not None and is_draining(node):
            return "another client (the draining taint on the Node is its own)"
        return self.held.get(entry.instanceId or "", "")

    def volumes_on(self, entry: Entry) -> tuple[str, ...]:
        """namespace/name of the claims that the node waits for before AWS is asked."""
        return self.claims.get(entry.instanceId or "", ()) if self.operation.waits_for_volumes else ()

    def has_unasked_claims(self, entry: Entry) -> bool:
        """Whether the node waits for volumes that a person has to detach: without a Node no claim is asked to."""
        return bool(self.volumes_on(entry)) and self.nodes_known and self.node(entry) is None

    @property
    def left_to_aws(self) -> tuple[Entry, ...]:
        """Nodes on which the operation has ended, and which keep their marks until AWS is done with them."""
        return tuple(entry for entry in self.entries if entry.remembered.leftToAwsSince)

    @property
    def left_marked(self) -> tuple[str, ...]:
        """Nodes that have our marks and are not held: a process ended between a mark and the status."""
        ours = str(self.operation.owner)
        holds = {entry.name for entry in self.entries if entry.state in IN_FLIGHT or entry.remembered.leftToAwsSince}
        return tuple(
            sorted(node.name for node in self.nodes.values() if held_by(node) == ours and node.name not in holds)
        )


def is_under_repair(node: Node | None) -> bool:
    """Whether HyperPod announces that it reboots or replaces the node."""
    return node is not None and node.labels.get(NODE_HEALTH_STATUS, "").startswith(REPAIRING)


def is_usable(node: Node | None) -> bool:
    """Whether the Node is Ready and HyperPod does not keep pods off it."""
    return (
        node is not None
        and node.ready is True
        and not node.deleting
        and not node.labels.get(NODE_HEALTH_STATUS, "").startswith(UNHEALTHY)
        and not any(taint.key == NODE_HEALTH_STATUS for taint in node.taints)
    )
