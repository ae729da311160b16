"""The health of a cluster's nodes in few lines: counts, the worst few by name, and where two worlds disagree.

Kubernetes knows Nodes, SageMaker knows instances; a node that only one of them knows is somebody's trouble.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hyperpod_operator.api.names import FAULT_REASONS, FAULT_TYPES, TAINTED_AT
from hyperpod_operator.core.health.facts import RUNNING, ClusterFacts
from hyperpod_operator.core.health.mass_failure import MassFailure, mass_failure
from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.health.state import GRACE, UNHEALTHY, State, group, state
from hyperpod_operator.core.health.taint import because
from hyperpod_operator.core.moments import parse_time
from hyperpod_operator.core.text import listed

WORST = 10
NAMED = 5
"""Nodes and instances that a sentence names before it counts the rest."""

_ORDER = (
    State.PENDING_REPLACEMENT,
    State.PENDING_REBOOT,
    State.UNKNOWN,
    State.UNSCHEDULABLE,
    State.NOT_REPORTED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SickNode:
    name: str
    instance_id: str
    group: str
    state: State
    why: str
    fault_type: str = ""
    fault_reason: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupHealth:
    nodes: int
    schedulable: int
    unhealthy: int = 0
    never_joined: int = 0
    instance_gone: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """All of a cluster's nodes. `worst` is bounded; names in messages are, too."""

    states: Mapping[State, int] = field(default_factory=dict)
    groups: Mapping[str, GroupHealth] = field(default_factory=dict)
    worst: tuple[SickNode, ...] = ()
    never_joined: tuple[str, ...] = ()
    """Instances that SageMaker calls Running, for longer than the grace, and that no Node stands for."""
    instance_gone: tuple[str, ...] = ()
    """Nodes whose instance SageMaker does not know."""
    mass_failure: MassFailure | None = None

    def __bool__(self) -> bool:
        """Whether there is anything to tell about."""
        return bool(self.states or self.never_joined)

    @property
    def nodes(self) -> int:
        return sum(self.states.values())

    @property
    def schedulable(self) -> int:
        return self.states.get(State.SCHEDULABLE, 0)

    @property
    def checking(self) -> int:
        return self.states.get(State.CHECKING, 0)

    @property
    def unhealthy(self) -> int:
        return sum(self.states.get(kind, 0) for kind in UNHEALTHY)


def rollup(
    nodes: Iterable[Node], facts: ClusterFacts, *, running_since: Mapping[str, datetime], now: datetime
) -> Health:
    """`running_since` is when each instance was first seen Running, by id: its Node joins some minutes later.

    An instance can be launched long before it runs (deep health checks take hours), so its LaunchTime tells nothing.
    """
    held = tuple(node for node in nodes if not node.deleting)
    judged = [(node, state(node, facts, now=now)) for node in held]
    joined = {node.instance_id for node in held}
    missing = tuple(
        sorted(
            instance.instance_id
            for instance in facts.instances.values()
            if instance.status == RUNNING
            and instance.instance_id not in joined
            and _old_enough(running_since.get(instance.instance_id), now=now)
        )
    )
    gone = tuple(
        sorted(
            node.name
            for node in held
            if facts.instances and node.instance_id not in facts.instances and not _leaves(node, facts)
        )
    )
    sick = [_sick(node, kind, facts, now=now) for node, kind in judged if kind in _ORDER]
    turned = [node.since or now for node in sick if node.state in UNHEALTHY]
    return Health(
        states=dict(Counter(kind for _, kind in judged)),
        groups=_groups(judged, facts, missing=missing, gone=gone),
        worst=tuple(sorted(sick, key=_severity)[:WORST]),
        never_joined=missing,
        instance_gone=gone,
        mass_failure=mass_failure(turned, nodes=len(held), now=now),
    )


def named(names: tuple[str, ...]) -> str:
    """A few names, and how many more there are."""
    return listed(names, most=NAMED, separator=", ", rest=" ")


def _severity(sick: SickNode) -> tuple[int, str]:
    return _ORDER.index(sick.state), sick.name


def _sick(node: Node, kind: State, facts: ClusterFacts, *, now: datetime) -> SickNode:  # noqa: ARG001 - one shape
    fault = node.faults[0] if node.faults else None
    tainted = parse_time(node.annotations.get(TAINTED_AT, ""))
    return SickNode(
        name=node.name,
        instance_id=node.instance_id,
        group=group(node, facts),
        state=kind,
        why=because(node, facts),
        fault_type=node.labels.get(FAULT_TYPES) or (fault.type if fault else ""),
        fault_reason=node.labels.get(FAULT_REASONS) or (fault.reason if fault else ""),
        since=(fault.since if fault else None) or tainted,
    )


def _groups(
    judged: list[tuple[Node, State]], facts: ClusterFacts, *, missing: tuple[str, ...], gone: tuple[str, ...]
) -> Mapping[str, GroupHealth]:
    total, well, sick = Counter[str](), Counter[str](), Counter[str]()
    lost = Counter(facts.instances[instance].group for instance in missing)
    orphaned, without = Counter[str](), frozenset(gone)
    for node, kind in judged:
        name = group(node, facts)
        total[name] += 1
        well[name] += kind is State.SCHEDULABLE
        sick[name] += kind in UNHEALTHY
        orphaned[name] += node.name in without
    return {
        name: GroupHealth(
            nodes=total[name],
            schedulable=well[name],
            unhealthy=sick[name],
            never_joined=lost[name],
            instance_gone=orphaned[name],
        )
        for name in sorted({*total, *lost})
        if name
    }


def _leaves(node: Node, facts: ClusterFacts) -> bool:
    """Whether the node's group is being removed, or is gone: then its Node is on its way out, and no contradiction."""
    name = group(node, facts)
    found = facts.groups.get(name)
    return bool(name) and (found is None or found.leaving)


def _old_enough(since: datetime | None, *, now: datetime) -> bool:
    return since is not None and now - since > timedelta(seconds=GRACE)
