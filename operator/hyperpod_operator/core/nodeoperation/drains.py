"""The drain of an operation's nodes, by `core.drain`: those whose drain began together are drained as one."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from hyperpod_operator.core.drain.pod import Pod
from hyperpod_operator.core.drain.rules import OnTimeout
from hyperpod_operator.core.drain.step import step
from hyperpod_operator.core.moments import parse_time
from hyperpod_operator.core.nodeoperation.snapshot import Entry, Snapshot
from hyperpod_operator.core.nodeoperation.states import State


@dataclass(frozen=True, kw_only=True)
class NodeDrain:
    """`waiting` are pods that are still there, with why; `timed_out`: they were not evicted in time."""

    waiting: tuple[str, ...] = ()
    why: str = ""
    timed_out: bool = False

    @property
    def done(self) -> bool:
        return not self.waiting and not self.why


@dataclass(frozen=True, kw_only=True)
class Drains:
    """By id of the entry; `gangs` are to be evicted now."""

    nodes: Mapping[str, NodeDrain]
    gangs: tuple[tuple[Pod, ...], ...] = ()
    wake_after: float | None = None


def drains(snapshot: Snapshot) -> Drains:
    """What the drains of this pass look like. Pods that could not be read keep every node from being drained."""
    draining = [entry for entry in snapshot.entries if entry.state == State.DRAINING]
    if not draining:
        return Drains(nodes={})
    read = snapshot.pods
    if read.problem or not snapshot.nodes_known:
        why = read.problem or "the Nodes of Kubernetes are not read yet"
        return Drains(nodes={entry.id: NodeDrain(why=why) for entry in draining})
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in draining:
        groups[entry.startTime or ""].append(entry)
    nodes: dict[str, NodeDrain] = {}
    gangs: list[tuple[Pod, ...]] = []
    wakes: list[float] = []
    for started, entries in groups.items():
        names = {entry.name: entry.id for entry in entries if entry.name}
        unreachable = frozenset(
            entry.name
            for entry in entries
            if entry.name and ((node := snapshot.node(entry)) is None or node.ready is None)
        )
        found = step(
            pods=[pod for pod in read.pods if pod.node in names],
            rules=snapshot.operation.drain,
            started_at=parse_time(started) or snapshot.now,
            now=snapshot.now,
            budgets=read.budgets,
            unreachable=unreachable,
        )
        left: dict[str, list[str]] = defaultdict(list)
        whys: dict[str, str] = {}
        for one in found.waiting:
            left[one.pod.node].append(str(one.pod))
            whys.setdefault(one.pod.node, str(one))
        for pod in found.evict:
            left[pod.node].append(str(pod))
        for name, identity in names.items():
            nodes[identity] = NodeDrain(
                waiting=tuple(left.get(name, ())), why=whys.get(name, ""), timed_out=found.timed_out
            )
        nodes |= {entry.id: NodeDrain() for entry in entries if not entry.name}
        unread = {entry.id for entry in entries if entry.name and entry.name not in snapshot.pods_of}
        nodes |= dict.fromkeys(unread, NodeDrain(why="its pods to be read"))
        gangs += found.gangs
        if found.wake_after is not None:
            wakes.append(found.wake_after)
    return Drains(nodes=nodes, gangs=tuple(gangs), wake_after=min(wakes, default=None))


def may_force(snapshot: Snapshot) -> bool:
    return snapshot.operation.drain.on_timeout is OnTimeout.FORCE
