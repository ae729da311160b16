"""What one pass does about pods on nodes that are to end: it reads them, marks the nodes, and evicts if it is to.

The decisions are in `core.cluster.departures` and `core.cluster.scale_in`; here they are carried out, before the pass
decides about AWS. Each step is guarded by the API server and harmless to repeat, so none of them needs a record.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from hyperpod_operator.controllers.cluster.node_marks import write_each
from hyperpod_operator.core.audit import Audit
from hyperpod_operator.core.cluster.audit import drain_requester
from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.cluster.departures import (
    Chosen,
    Departure,
    Departures,
    Handling,
    Unwritten,
    awaits_volumes,
    departing,
    departures,
    handling,
)
from hyperpod_operator.core.cluster.diff import GOING
from hyperpod_operator.core.cluster.evacuation import (
    ending_in_aws,
    evictions,
    held_up,
    marks,
    owner_of,
    rules,
    still_held,
    superfluous,
    turn,
)
from hyperpod_operator.core.cluster.node_choice import (
    busy,
    choose,
    needed,
    to_prove,
    with_claims,
    without,
    without_guesses,
)
from hyperpod_operator.core.cluster.protection import protected
from hyperpod_operator.core.cluster.scale_in import held_back
from hyperpod_operator.core.cluster.still_marked import left_marked
from hyperpod_operator.core.drain.audit import evicted as record_of_eviction
from hyperpod_operator.core.drain.marks import Owner
from hyperpod_operator.core.drain.pod import Pod
from hyperpod_operator.core.drain.ports import Evicted, Evictor, NodeMarks, PodReader, PodsRead
from hyperpod_operator.core.drain.turns import gangs_in_turn
from hyperpod_operator.core.drain.volumes import ClaimsOnNodes
from hyperpod_operator.core.health.facts import FAILING, ClusterFacts
from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.health.state import UNHEALTHY, state
from hyperpod_operator.core.location import cluster_id
from hyperpod_operator.core.plan.calls import stays
from hyperpod_operator.core.ports import Key, KubernetesError, Nodes
from hyperpod_operator.core.text import listed

EVICTED_AT_ONCE = 20
"""Gangs that one pass evicts."""


@dataclass(frozen=True, kw_only=True)
class DrainPorts:
    """`enqueue` asks for a pass over the object of this key."""

    pods: PodReader
    evictor: Evictor
    marks: NodeMarks
    enqueue: Callable[[Key], None]
    audit: Audit
    claims: ClaimsOnNodes | None = None
    """None where the installation manages no volumes."""


class Evacuation:
    """Holds no truth: which nodes are chosen is on the Nodes themselves. `nodes` is None where none are watched."""

    def __init__(self, *, kind: str, ports: DrainPorts, nodes: Nodes | None) -> None:
        self._kind = kind
        self._ports = ports
        self._nodes = nodes
        self._owners: dict[Key, Owner] = {}
        """Who needs pods now, so that an object that is gone needs none."""
        self._tries: dict[Key, int] = {}
        """Passes in a row in which the API server kept marks that were to come off: they pace the next try."""

    def forget(self, key: Key) -> None:
        self._tries.pop(key, None)
        self._release_pods(key)

    def _release_pods(self, key: Key) -> None:
        owner = self._owners.pop(key, None)
        if owner is not None:
            self._ports.pods.release(owner=owner)

    def concerns(self, snapshot: ClusterSnapshot) -> bool:
        """Whether nodes are to end."""
        return bool(self._departing(snapshot))

    async def evacuate(self, snapshot: ClusterSnapshot, *, facts: ClusterFacts | None) -> ClusterSnapshot:
        """The snapshot with what is known of nodes that are to end; their counts wait. Never raises."""
        if snapshot.departures is not None:  # a second look of the same pass, at newer tags
            return held_back(snapshot, snapshot.departures)
        if snapshot.still_marked is not None:
            return snapshot
        cluster, ends = snapshot.observed.cluster, self._departing(snapshot)
        owner = replace(
            owner_of(snapshot.resource, kind=self._kind), by=drain_requester(snapshot), why=_why(snapshot, ends)
        )
        if cluster is None:
            return snapshot
        if cluster.status == GOING:
            # Its nodes end with their taints: a pod that came now would be lost.
            self._release_pods(snapshot.resource.key)
            return snapshot
        if self._nodes is None or not self._nodes.synced:
            if not ends:
                return snapshot
            denied = "The operator does not watch Nodes (--no-node-health, nodeHealth.enabled: false)"
            read = PodsRead(problem=denied, denied=True) if self._nodes is None else PodsRead()
            return held_back(snapshot, _unread(ends, read=read, unsynced=self._nodes is not None))
        nodes = {node.instance_id: node for node in self._nodes.of_cluster(cluster_id(cluster.arn))}
        found = Departures()
        if ends:
            found = await self._found(snapshot, nodes=nodes, facts=facts, owner=owner)
        found = await self._mark(snapshot, found, owner=owner)
        snapshot = await self._unmark_others(snapshot, found, nodes=nodes, owner=owner)
        if not found.chosen:
            self._release_pods(snapshot.resource.key)
            return snapshot
        drain = evictions(snapshot, found)
        answers: list[Evicted] = []
        for gang in gangs_in_turn(drain.gangs, most=EVICTED_AT_ONCE, now=snapshot.now):
            answers += await self._ports.evictor.evict(gang)
        for one in answers:
            entry = record_of_eviction(one, owner=owner)
            if entry is not None:
                self._ports.audit.record(entry)
        refused = tuple(dict.fromkeys(one.why for one in drain.waiting if one.blocked))
        found = replace(found, evicted=tuple(answers), refused=refused, timed_out=drain.timed_out)
        return held_back(snapshot, found)

    async def release(self, snapshot: ClusterSnapshot) -> ClusterSnapshot:
        """For a cluster that is left to others, because its object goes or is not its owner any more: the marks of the
        object come off all Nodes. The snapshot says which Nodes are still held. Never raises."""
        self._release_pods(snapshot.resource.key)
        cluster = snapshot.observed.cluster
        if cluster is None or cluster.status == GOING or self._nodes is None:
            return replace(snapshot, departures=None)
        if not self._nodes.synced:
            return replace(snapshot, departures=Departures(unsynced=True))
        owner = replace(
            owner_of(snapshot.resource, kind=self._kind),
            by=drain_requester(snapshot),
            why="The cluster stays, and its object goes."
            if snapshot.resource.deleting
            else "The cluster belongs to another object.",
        )
        nodes = self._nodes.of_cluster(cluster_id(cluster.arn))
        ending = ending_in_aws(snapshot, nodes=nodes)
        names = turn(superfluous(Departures(), nodes=nodes, owner=owner, ending=ending), now=snapshot.now)
        failed = await self._unmark(names, owner=owner)
        held = still_held(nodes, owner=owner, released=names, failed=failed, ending=ending)
        return replace(snapshot, departures=Departures(held=held) if held else None)

    async def _found(
        self, snapshot: ClusterSnapshot, *, nodes: Mapping[str, Node], facts: ClusterFacts | None, owner: Owner
    ) -> Departures:
        """Which nodes are to end, what runs on them, and which are ready by a fresh answer of the API server."""
        going = departures(
            resource=snapshot.resource,
            observed=snapshot.observed,
            changes=snapshot.changes,
            going=self._departing(snapshot),
            nodes=nodes,
            unhealthy=_unhealthy(nodes, facts, snapshot=snapshot),
            now=snapshot.now,
            timings=snapshot.timings,
        )
        if held_up(snapshot):
            self._release_pods(snapshot.resource.key)
            return Departures(chosen=tuple(Chosen(departure=one, nodes=()) for one in going), held_up=True)
        names, key = needed(going, owner=owner), snapshot.resource.key
        self._owners[key] = owner
        read = await self._ports.pods.read(
            owner=owner,
            nodes=names,
            on_change=lambda: self._ports.enqueue(key),
            rules=rules(snapshot.resource) if handling(snapshot.resource) is Handling.DRAIN else None,
        )
        claims: Mapping[str, tuple[str, ...]] = {}

        def looked(pods: Iterable[Pod]) -> tuple[Chosen, ...]:
            keeping = busy(pods, nodes=nodes.values(), now=snapshot.now)
            found = (choose(one, pods=keeping, known=not read.problem, owner=owner, now=snapshot.now) for one in going)
            return tuple(with_claims(one, claims) for one in found)

        chosen = looked(read.pods)
        if read.problem:
            return Departures(chosen=tuple(without_guesses(one, owner=owner) for one in chosen), read=read)
        # Claims are listed once pods have left a node; a deletion says at once which claims it has asked.
        if snapshot.resource.deleting or any(one.drained for one in chosen):
            try:
                claims = await self._claims(snapshot)
            except KubernetesError as error:
                problem = f"EBSVolumeClaims cannot be read: {error}"
                return Departures(chosen=chosen, read=PodsRead(problem=problem))
            chosen = looked(read.pods)
        together = snapshot.resource.deleting
        asked = to_prove(chosen, together=together)
        if not asked:
            return Departures(chosen=chosen, read=read)
        fresh = await self._ports.pods.fresh(nodes=asked)
        if fresh.problem:
            return Departures(chosen=chosen, read=fresh)
        pods = tuple({pod.uid: pod for pod in (*read.pods, *fresh.pods)}.values())
        chosen = looked(pods)
        unasked = to_prove(chosen, together=together) - asked
        return Departures(chosen=tuple(without(one, unasked) for one in chosen), read=replace(read, pods=pods))

    async def _claims(self, snapshot: ClusterSnapshot) -> Mapping[str, tuple[str, ...]]:
        """The claims whose volumes leave first, by instance id. Raises KubernetesError."""
        cluster = snapshot.observed.cluster
        if self._ports.claims is None or cluster is None or not awaits_volumes(snapshot.resource):
            return {}
        return await self._ports.claims(cluster.arn)

    async def _mark(self, snapshot: ClusterSnapshot, found: Departures, *, owner: Owner) -> Departures:
        """Keep new pods off the nodes that go, once what runs there can be known. With the Nodes whose marks were not
        taken."""
        wanted = () if found.read.denied else marks(snapshot, found, owner=owner)
        writer = self._ports.marks
        unmarked = await write_each((name, partial(writer.mark, node=name, marks=mark)) for name, mark in wanted)
        return replace(found, unmarked=unmarked)

    async def _unmark_others(
        self, snapshot: ClusterSnapshot, found: Departures, *, nodes: Mapping[str, Node], owner: Owner
    ) -> ClusterSnapshot:
        """Undo it on all nodes that do not go. With those on which it is not undone yet."""
        key, ending = snapshot.resource.key, ending_in_aws(snapshot, nodes=nodes.values())
        names = superfluous(found, nodes=nodes.values(), owner=owner, ending=ending)
        tried = turn(names, now=snapshot.now)
        failed = await self._unmark(tried, owner=owner)
        left = left_marked(names, tried=tried, failed=failed, tries=self._tries.pop(key, 0))
        if left is not None:
            self._tries[key] = left.tries
        return replace(snapshot, still_marked=left)

    async def _unmark(self, names: Iterable[str], *, owner: Owner) -> tuple[Unwritten, ...]:
        """The Nodes on which it failed."""
        return await write_each((name, partial(self._ports.marks.unmark, node=name, owner=owner)) for name in names)

    def _departing(self, snapshot: ClusterSnapshot) -> Mapping[str, int]:
        return departing(
            resource=snapshot.resource,
            observed=snapshot.observed,
            changes=snapshot.changes,
            ends=_cluster_ends(snapshot),
            unapproved=snapshot.unapproved("UpdateCluster"),
        )


def _cluster_ends(snapshot: ClusterSnapshot) -> bool:
    waits = snapshot.plan is not None and bool(snapshot.plan.gate.held)
    return snapshot.resource.deleting and not stays(snapshot) and not waits and protected(snapshot) is None


def _unread(groups: Mapping[str, int], *, read: PodsRead, unsynced: bool = False) -> Departures:
    """These groups wait, and of their nodes nothing is known: what is marked stays marked."""
    chosen = tuple(Chosen(departure=Departure(group=name, surplus=0, members=()), nodes=()) for name in groups)
    return Departures(chosen=chosen, read=read, unsynced=unsynced)


def _why(snapshot: ClusterSnapshot, ends: Mapping[str, int]) -> str:
    """Why Nodes are marked and pods evicted, for the audit trail."""
    if not ends:
        return "The cluster is paused." if snapshot.resource.paused else "No node is to end any more."
    if _cluster_ends(snapshot):
        return "The cluster is to be deleted."
    return f"Nodes are to end in {listed(sorted(ends), most=5, separator=', ', rest=' ')}."


def _unhealthy(nodes: Mapping[str, Node], facts: ClusterFacts | None, *, snapshot: ClusterSnapshot) -> frozenset[str]:
    failing = {node.instance_id for node in snapshot.observed.nodes or () if node.status in FAILING}
    if facts is None:
        return frozenset(failing)
    sick = {name for name, node in nodes.items() if state(node, facts, now=snapshot.now) in UNHEALTHY}
    return frozenset(failing | sick)
