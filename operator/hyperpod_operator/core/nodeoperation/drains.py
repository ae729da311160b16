"""The drain of an operation's nodes, by `core.drain`: those whose drain began together are drained as one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hyperpod_operator.api.nodeoperation.status import OperationNodeStatus
from hyperpod_operator.core.drain.pod import Pod
from hyperpod_operator.core.drain.ports import PodsRead
from hyperpod_operator.core.drain.rules import DrainRules
from hyperpod_operator.core.drain.step import step
from hyperpod_operator.core.drain.turns import by_lot
from hyperpod_operator.core.health.node import Node, node_name
from hyperpod_operator.core.moments import parse_time
from hyperpod_operator.core.nodeoperation.states import State


@dataclass(frozen=True, kw_only=True)
class NodeDrain:
    """`waiting` are pods that are still there, with why; `timed_out`: they were not evicted in time; `blocked`: a
    PodDisruptionBudget keeps one of them from being evicted; `asks`: one of them can be evicted now."""

    waiting: tuple[str, ...] = ()
    why: str = ""
    timed_out: bool = False
    blocked: bool = False
    asks: bool = False

    @property
    def done(self) -> bool:
        return not self.waiting and not self.why


@dataclass(frozen=True, kw_only=True)
class Drains:
    """By id of the entry; `gangs` are to be evicted now."""

    nodes: Mapping[str, NodeDrain]
    gangs: tuple[tuple[Pod, ...], ...] = ()
    wake_after: float | None = None


def drains(
    *,
    entries: Sequence[OperationNodeStatus],
    nodes: Mapping[str, Node],
    nodes_known: bool,
    read: PodsRead,
    read_of: frozenset[str],
    rules: DrainRules,
    now: datetime,
) -> Drains:
    """What the drains of this pass look like. Pods that could not be read keep every node from being drained.

    `nodes` are by instance id; `read` has the pods of the Nodes `read_of`.
    """
    draining = [entry for entry in entries if entry.state == State.DRAINING]
    if not draining:
        return Drains(nodes={})
    if read.problem or not nodes_known:
        why = read.problem or "the Nodes of Kubernetes are not read yet"
        return Drains(nodes={entry.id: NodeDrain(why=why) for entry in draining})
    groups: dict[str, list[OperationNodeStatus]] = defaultdict(list)
    for entry in draining:
        groups[entry.startTime or ""].append(entry)
    found: dict[str, NodeDrain] = {}
    gangs: list[tuple[Pod, ...]] = []
    wakes: list[float] = []
    budgets = read.budgets
    for started, together in by_lot(groups.items(), key=lambda group: group[0], now=now):
        names = {node_name(entry.instanceId or ""): entry.id for entry in together}
        seen = [node for entry in together if (node := nodes.get(entry.instanceId or "")) is not None]
        tainted = {node_name(entry.instanceId or "") for entry in together if entry.remembered.marked}
        drain = step(
            pods=[pod for pod in read.pods if pod.node in names],
            rules=rules,
            started_at=parse_time(started) or now,
            now=now,
            budgets=budgets,
            unreachable=frozenset(node.name for node in seen if node.ready is None),
            unseen=frozenset(names.keys() - {node.name for node in seen} - tainted),
        )
        budgets = drain.budgets
        left: dict[str, list[str]] = defaultdict(list)
        whys: dict[str, str] = {}
        blocked = {one.pod.node for one in drain.waiting if one.blocked}
        for one in drain.waiting:
            left[one.pod.node].append(str(one.pod))
            whys.setdefault(one.pod.node, str(one))
        asked = {pod.node for pod in drain.evict}
        for pod in drain.evict:
            left[pod.node].append(str(pod))
        for name, identity in names.items():
            found[identity] = NodeDrain(
                waiting=tuple(left.get(name, ())),
                why=whys.get(name, ""),
                timed_out=drain.timed_out and name in left,
                blocked=name in blocked,
                asks=name in asked,
            )
        unread = {identity for name, identity in names.items() if name not in read_of}
        found |= dict.fromkeys(unread, NodeDrain(why="its pods to be read"))
        gangs += drain.gangs
        if drain.wake_after is not None:
            wakes.append(drain.wake_after)
    return Drains(nodes=found, gangs=tuple(gangs), wake_after=min(wakes, default=None))
