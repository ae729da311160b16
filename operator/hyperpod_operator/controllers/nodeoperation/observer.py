"""Read what one pass over an operation needs, in the order in which it becomes known: cluster, Nodes, claims, pods."""

import asyncio
import logging
from dataclasses import replace

from hyperpod_operator.controllers.nodeoperation.holdings import Holdings
from hyperpod_operator.controllers.nodeoperation.observe import Clusters, apart, paused
from hyperpod_operator.controllers.nodeoperation.ports import OperationPorts
from hyperpod_operator.core.drain.marks import held_by
from hyperpod_operator.core.drain.pod import occupants
from hyperpod_operator.core.drain.ports import PodsRead
from hyperpod_operator.core.errors import TREATMENTS, CloudError
from hyperpod_operator.core.health.node import Node, node_name
from hyperpod_operator.core.location import cluster_id
from hyperpod_operator.core.nodeoperation.fitness import without_group
from hyperpod_operator.core.nodeoperation.machine import advance, may_choose
from hyperpod_operator.core.nodeoperation.plan import Call
from hyperpod_operator.core.nodeoperation.proof import drained
from hyperpod_operator.core.nodeoperation.selection import candidates, needs_pods, select
from hyperpod_operator.core.nodeoperation.snapshot import Obstacle, Snapshot
from hyperpod_operator.core.nodeoperation.states import ASKED, State
from hyperpod_operator.core.nodeoperation.timings import OperationTimings
from hyperpod_operator.core.ports import Key

logger = logging.getLogger(__name__)


class OperationObserver:
    """Fills in the snapshot of a pass. `held` is what other operations hold."""

    def __init__(
        self, *, ports: OperationPorts, clusters: Clusters, holdings: Holdings, timings: OperationTimings
    ) -> None:
        self._ports = ports
        self._clusters = clusters
        self._holdings = holdings
        self._timings = timings

    async def followed(self, snapshot: Snapshot) -> Snapshot:
        """Of an operation that is over: its nodes as AWS shows them, as far as AWS can be read. Nothing else of it
        depends on AWS any more."""
        try:
            seen = await self.observed(snapshot, over=True)
        except CloudError as error:
            logger.info("AWS cannot be read for the nodes of %s: %s", snapshot.operation.key, error)
            seen = snapshot
        return replace(snapshot, entries=advance(await self.with_nodes(seen)).entries)

    async def observed(self, snapshot: Snapshot, *, over: bool = False) -> Snapshot:
        """With what AWS shows of the cluster, and of the one that moved nodes join. `over`: also of one that its object
        is about to delete. Raises CloudError."""
        operation = snapshot.operation
        namespace, started = operation.key.namespace, bool(snapshot.entries) and not snapshot.foreseen
        known = operation.status.clusterArn or ""
        found = await self._clusters.look(
            Key(namespace, operation.spec.clusterRef.name), started=started, known=known, over=over
        )
        if isinstance(found, Obstacle):
            return await self._kept_off(snapshot, found)
        target = found
        if operation.spec.move is not None and operation.target_cluster != operation.spec.clusterRef.name:
            key = Key(namespace, operation.target_cluster)
            other = await self._clusters.look(key, started=started, over=over)
            if isinstance(other, Obstacle):
                return await self._kept_off(snapshot, other)
            if obstacle := apart(found, other):
                return await self._kept_off(snapshot, obstacle)
            target = other
        obstacle = paused(found, target) or without_group(operation.spec.move, target)
        stopped = found.paused or target.paused
        return replace(snapshot, cluster=found, target=target, obstacle=obstacle, paused=stopped)

    async def unread(self, snapshot: Snapshot, error: CloudError) -> Snapshot:
        """The same where AWS cannot be read."""
        stalled = TREATMENTS[error.kind].stalled
        return replace(snapshot, unreadable=stalled, paused=await self._paused(snapshot))

    async def _kept_off(self, snapshot: Snapshot, obstacle: Obstacle) -> Snapshot:
        return replace(snapshot, obstacle=obstacle, paused=await self._paused(snapshot))

    async def _paused(self, snapshot: Snapshot) -> bool:
        operation = snapshot.operation
        names = {operation.spec.clusterRef.name, operation.target_cluster}
        return await self._clusters.paused(Key(operation.key.namespace, name) for name in sorted(names))

    async def unchanged(self, snapshot: Snapshot) -> None:
        """Raises Unconfirmed where a cluster of the operation is not what it was when the pass looked at it."""
        operation = snapshot.operation
        seen = {operation.spec.clusterRef.name: snapshot.cluster, operation.target_cluster: snapshot.target}
        for name, cluster in seen.items():
            if cluster is not None:
                await self._clusters.unchanged(Key(operation.key.namespace, name), cluster)

    async def with_nodes(self, snapshot: Snapshot) -> Snapshot:
        arns = {one.arn for one in (snapshot.cluster, snapshot.target) if one is not None}
        arns |= {snapshot.operation.status.clusterArn or ""} - {""}
        clusters = frozenset(map(cluster_id, arns))
        if clusters:
            found = [node for one in clusters for node in self._ports.nodes.of_cluster(one)]
            found += await self._unseen(snapshot, clusters, seen=frozenset(node.name for node in found))
        else:
            # Status was lost, or never written: a process may have ended between the first mark and it.
            ours = str(snapshot.operation.owner)
            found = [node for node in self._ports.nodes.all() if held_by(node) == ours]
        return replace(snapshot, nodes={node.instance_id: node for node in found}, nodes_known=self._ports.nodes.synced)

    async def _unseen(self, snapshot: Snapshot, clusters: frozenset[str], *, seen: frozenset[str]) -> list[Node]:
        """Nodes of which the watch shows nothing, and on which AWS may act. One that only lost HyperPod's label is
        there: its taint must not come off as if it had left."""
        names = [
            entry.name
            for entry in snapshot.entries
            if entry.name
            and entry.name not in seen
            and entry.remembered.marked
            and (entry.state in ASKED or entry.remembered.leftToAwsSince)
        ]
        found = await asyncio.gather(*map(self._ports.stored_nodes.read, names))
        return [node for node in found if node is not None and node.cluster_id in clusters]

    async def with_claims(self, snapshot: Snapshot) -> Snapshot:
        operation, cluster = snapshot.operation, snapshot.cluster
        if (
            self._ports.claims is None
            or cluster is None
            or not (operation.waits_for_volumes or operation.refuses_volumes)
        ):
            return snapshot
        return replace(snapshot, claims=await self._ports.claims(cluster.arn))

    async def chosen(self, snapshot: Snapshot) -> Snapshot:
        """With an entry for each node. They are chosen once, when the operation may begin; those that would be chosen
        until then are for its plan, so that it can be approved before."""
        if (snapshot.entries and not snapshot.foreseen) or not may_choose(snapshot):
            return snapshot
        waits = snapshot.waits_to_begin
        if waits and snapshot.operation.dry:
            return snapshot
        snapshot = replace(
            snapshot,
            # Nothing begins with an earlier choice, also where none succeeds in this pass.
            entries=snapshot.entries if waits else (),
            foreseen=waits,
            held=self._holdings.others(snapshot.operation.key),
        )
        selector = snapshot.operation.spec.nodes.selector
        if selector is not None and selector.matchLabels:
            # Kubernetes decides which nodes a selector selects: by labels that are not held.
            found = await self._ports.labels.selected(selector=selector.matchLabels)
            snapshot = replace(snapshot, selected=found)
        if needs_pods(snapshot):
            names = frozenset(node_name(one.instance_id) for one in candidates(snapshot))
            read = await self._pods(snapshot, names, rules=False)
            if read.problem:
                return snapshot
            snapshot = replace(snapshot, pods=read)
        return replace(snapshot, entries=select(snapshot))

    async def occupied_since(self, snapshot: Snapshot, action: Call) -> bool:
        """Whether the API server itself has pods on these nodes that the decision did not know, or does not say."""
        entries = [snapshot.by_id[one] for one in action.entries]
        if any(entry.state != State.DRAINING for entry in entries):
            return False
        names = frozenset(node_name(entry.instanceId or "") for entry in entries)
        read = await self._ports.pods.fresh(nodes=names)
        known = {pod.uid for pod in snapshot.pods.pods}
        return bool(read.problem) or any(pod.uid not in known for pod in occupants(read.pods))

    async def with_pods(self, snapshot: Snapshot) -> Snapshot:
        names = drained(snapshot)
        if not names or snapshot.operation.deleting:
            self._ports.pods.release(owner=snapshot.operation.owner)
            return snapshot
        return replace(snapshot, pods=await self._pods(snapshot, names, rules=True), pods_of=names)

    async def _pods(self, snapshot: Snapshot, names: frozenset[str], *, rules: bool) -> PodsRead:
        operation, after = snapshot.operation, self._timings.news(len(names))
        return await self._ports.pods.read(
            owner=operation.owner,
            nodes=names,
            on_change=lambda: self._ports.wake(operation.key, after),
            rules=operation.drain if rules else None,
        )
