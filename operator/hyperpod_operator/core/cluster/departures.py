"""Nodes that are to end because a person lowered a count, removed a group or deleted the cluster: which ones, and when.

AWS ends random instances when a count is lowered. So the operator chooses: nodes that a person marked, then unhealthy
ones, then idle ones, then the newest. A chosen node is held: the taint and the annotation on its Node are the record of
the choice, so it survives a restart and is undone when the count is raised again.

Nodes are deleted by name, and their ids are stored before the call. While that may not be visible yet they count as
gone, so no other node takes their place; afterwards those that still run are the first to be chosen again. So one step
of a count never ends more nodes than it is about, whatever became of an answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hyperpod_operator.api.cluster.memory import DeletedNode
from hyperpod_operator.api.names import DELETE_NODE, INSTANCE_GROUP_NAME
from hyperpod_operator.core.cluster.changes import Changes, group_of
from hyperpod_operator.core.cluster.compare import Change
from hyperpod_operator.core.cluster.diff import GOING
from hyperpod_operator.core.cluster.resource import Resource
from hyperpod_operator.core.drain.ports import Evicted, PodsRead
from hyperpod_operator.core.health.node import Node, node_name
from hyperpod_operator.core.moments import parse_time
from hyperpod_operator.core.observed import GONE, Observed, ObservedCluster, ObservedNode
from hyperpod_operator.core.timings import Timings

DOUBT = 20.0
"""Seconds after which nodes are listed again where SageMaker and Kubernetes disagree about them."""


DENIALS = frozenset({"false", "no", "off", "0"})
"""How people write that a node is not marked; every other value, also none, marks it."""


class Handling(StrEnum):
    """`spec.management.disruption.runningWorkloads`."""

    WAIT = "Wait"
    DRAIN = "Drain"
    IGNORE = "Ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A node that may be chosen. `node` is its Kubernetes Node; None where none joined, or none is seen."""

    instance_id: str
    launched_at: datetime | None = None
    node: Node | None = None
    sent: bool = False
    """Whether an earlier call named it, and it runs all the same."""
    unhealthy: bool = False
    claims: tuple[str, ...] = ()
    """EBSVolumeClaims with a volume on it, which detach before it ends."""

    @property
    def name(self) -> str:
        """What people call it: its Node, or its instance while it has none."""
        return self.node.name if self.node is not None else self.instance_id

    @property
    def host(self) -> str:
        """The Node that its pods name, whether it is seen or not."""
        return node_name(self.instance_id)

    @property
    def marked(self) -> bool:
        """Whether a person asked for it to go first."""
        return self.node is not None and self.node.annotations.get(DELETE_NODE, "no").strip().casefold() not in DENIALS


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A group that loses `surplus` of these nodes, or (`whole`) all of them."""

    group: str
    surplus: int
    members: tuple[Candidate, ...]
    whole: bool = False
    settling: float = 0.0
    """Seconds until a call that named nodes must be visible; nothing else is done about the count until then."""
    stuck: bool = False
    """Whether AWS ended nodes that were named and did not lower the count: another one could come for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The nodes of one departure that go, and those among them that are ready for it."""

    departure: Departure
    nodes: tuple[Candidate, ...]
    drained: tuple[Candidate, ...] = ()
    """Those on which no pod runs, and to which none comes."""
    foreign: tuple[Candidate, ...] = ()
    """Nodes that another object drains: they are not touched."""

    @property
    def ready(self) -> tuple[Candidate, ...]:
        """Those that AWS may be asked to end: drained, and without a volume of a claim."""
        return tuple(one for one in self.drained if not one.claims)

    @property
    def detaching(self) -> tuple[Candidate, ...]:
        """Those that only volumes keep."""
        return tuple(one for one in self.drained if one.claims)

    @property
    def ends(self) -> bool:
        """Whether a group that ends as a whole waits for nothing: all of its nodes are ready."""
        return self.departure.whole and len(self.ready) == len(self.departure.members)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwritten:
    """A Node that does not show yet what it is to show, by name."""

    node: str
    why: str = ""
    """How the write was refused, without a full stop; empty where it was not tried yet."""
    denied: bool = False
    """Whether it needs user action: the operator lacks a right, or a policy refuses the write."""

    def __str__(self) -> str:
        return f"{self.node} ({self.why})" if self.why else self.node


@dataclass(frozen=True, slots=True, kw_only=True)
class Departures:
    """Everything about nodes that are to end, as one pass knows it."""

    chosen: tuple[Chosen, ...] = ()
    read: PodsRead = field(default_factory=PodsRead)
    evicted: tuple[Evicted, ...] = ()
    """How the evictions of this pass were answered."""
    refused: tuple[str, ...] = ()
    """Which PodDisruptionBudgets do not let all pods of a gang go at once, in words for a message."""
    timed_out: bool = False
    unsynced: bool = False
    """Whether the Nodes themselves are not known yet."""
    unmarked: tuple[Unwritten, ...] = ()
    """Nodes that are to end, whose marks the API server did not take in this pass."""
    held: tuple[Unwritten, ...] = ()
    """Nodes that are still held for an object that goes while its cluster stays."""
    held_up: bool = False
    """Whether something else keeps all nodes from ending: nothing is done about them meanwhile."""

    def of(self, group: str) -> Chosen | None:
        return next((one for one in self.chosen if one.departure.group == group), None)

    @property
    def groups(self) -> frozenset[str]:
        """Groups whose count or existence waits."""
        return frozenset(one.departure.group for one in self.chosen)

    @property
    def claims(self) -> frozenset[str]:
        """EBSVolumeClaims with a volume on a node that is to end."""
        return frozenset(name for one in self.chosen for each in one.nodes for name in each.claims)


def handling(resource: Resource) -> Handling:
    """What the spec asks for."""
    management = resource.spec.management
    chosen = management.disruption.runningWorkloads if management and management.disruption else None
    return Handling(chosen or Handling.WAIT)


def awaits_volumes(resource: Resource) -> bool:
    """Whether nodes end only when no EBSVolumeClaim has a volume on them."""
    management = resource.spec.management
    return not (resource.deleting and management is not None and management.attachedVolumes == "Orphan")


def departing(
    *, resource: Resource, observed: Observed, changes: Changes, ends: bool, unapproved: frozenset[str] = frozenset()
) -> Mapping[str, int]:
    """By group, how many nodes stay: groups whose count is lowered, removed groups, and all groups if the cluster
    `ends`. Nothing is done about groups whose change waits for an approval, or while the object is paused."""
    cluster = observed.cluster
    if cluster is None or cluster.status == GOING or resource.paused or handling(resource) is Handling.IGNORE:
        return {}
    if resource.deleting:
        return {group.name: 0 for group in cluster.groups} if ends else {}
    counts = {group_of(change): int(change.wanted) for change in changes.groups_changed if _lowers(change)}
    going = {**dict.fromkeys(changes.groups_removed, 0), **counts}
    return {name: stays for name, stays in going.items() if name not in unapproved}


def departures(
    *,
    resource: Resource,
    observed: Observed,
    changes: Changes,
    going: Mapping[str, int],
    nodes: Mapping[str, Node],
    unhealthy: frozenset[str],
    now: datetime,
    timings: Timings,
) -> tuple[Departure, ...]:
    """What is to end. `going` is what `departing` says; `nodes` and `unhealthy` are by instance id."""
    cluster = observed.cluster
    if cluster is None:
        return ()
    return tuple(
        found
        for group, stays in going.items()
        if (
            found := _departure(
                resource=resource,
                cluster=cluster,
                group=group,
                stays=stays,
                listed=[node for node in observed.nodes or () if node.group == group and node.instance_id],
                whole=resource.deleting or group in changes.groups_removed,
                nodes=nodes,
                unhealthy=unhealthy,
                now=now,
                timings=timings,
            )
        )
        is not None
    )


def _departure(
    *,
    resource: Resource,
    cluster: ObservedCluster,
    group: str,
    stays: int,
    listed: list[ObservedNode],
    whole: bool,
    nodes: Mapping[str, Node],
    unhealthy: frozenset[str],
    now: datetime,
    timings: Timings,
) -> Departure | None:
    window = timings.propagation_window
    record, observed = resource.recorded_groups.get(group), cluster.group(group)
    target = observed.target_count if observed is not None else 0
    sent = {one.instanceId: one for one in (record.remembered.deletedNodes if record else None) or ()}
    ages = {name: _age(one, now=now) for name, one in sent.items()}
    # [assumption: node-calls-may-change-targets]
    open_ = {name for name, one in sent.items() if one.targetCount is not None and one.targetCount <= target}
    known = {node.instance_id for node in listed}
    running = tuple(
        Candidate(
            instance_id=node.instance_id,
            launched_at=node.launched_at,
            node=nodes.get(node.instance_id),
            sent=node.instance_id in sent,
            unhealthy=node.instance_id in unhealthy,
        )
        for node in listed
        if node.status not in GONE
    )
    unlisted = tuple(
        Candidate(instance_id=name, node=node, unhealthy=name in unhealthy)
        for name, node in sorted(nodes.items())
        if node.labels.get(INSTANCE_GROUP_NAME) == group and node.ready and name not in known and name not in sent
    )
    if whole:
        members = (*running, *unlisted)
        return Departure(group=group, surplus=len(members), members=members, whole=True) if members else None
    members = tuple(one for one in running if ages.get(one.instance_id, window) >= window)
    # An instance that HyperPod replaces is listed beside its replacement: the count says how many nodes go.
    # [assumption: replaced-instance-is-listed]
    surplus = min(len(members), target) - stays
    if open_:
        # Until the count falls, what was named is named again if it runs, and nothing else.
        again = tuple(one for one in members if one.instance_id in open_)
        left = timings.rest - max(ages[name] for name in open_)
        return Departure(
            group=group,
            surplus=min(max(0, surplus), len(again)),
            members=again,
            settling=max(1.0, left),
            stuck=not again and left <= 0,
        )
    settling = max((window - age for age in ages.values() if age < window), default=0.0)
    # A list without nodes that Kubernetes has as Ready is not the truth yet: a lower count would end one of them.
    doubt = DOUBT if surplus <= 0 and unlisted else 0.0
    # With nothing to choose the count itself is sent: it ends no node that runs.
    if surplus <= 0 and max(settling, doubt) <= 0:
        return None
    return Departure(group=group, surplus=max(0, surplus), members=members, settling=max(settling, doubt))


def _age(one: DeletedNode, *, now: datetime) -> float:
    """Seconds since the node was named; one whose time cannot be read was named long ago."""
    at = parse_time(one.time or "")
    return (now - at).total_seconds() if at is not None else float("inf")


def _lowers(change: Change) -> bool:
    return change.path.endswith(".instanceCount") and bool(change.wanted < change.observed)
