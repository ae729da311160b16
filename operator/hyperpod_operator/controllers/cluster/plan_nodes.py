"""Looks at the nodes that a waiting plan concerns, so that whoever approves it sees what runs there.

Pods are read once for a plan, and again after an hour: nothing watches them, and nothing is held.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hyperpod_operator.api.names import INSTANCE_GROUP_NAME
from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.cluster.departures import Candidate, Departure, Handling, handling
from hyperpod_operator.core.cluster.evacuation import owner_of
from hyperpod_operator.core.cluster.node_choice import busy, choose
from hyperpod_operator.core.drain.pod import Pod
from hyperpod_operator.core.drain.ports import PodReader
from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.location import cluster_id
from hyperpod_operator.core.plan.nodes import Concerned, groups
from hyperpod_operator.core.ports import Key, Nodes

RENEWED = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class _Seen:
    digest: str
    at: datetime
    concerned: Mapping[str, Concerned]


class PlanNodes:
    """Remembers what it saw, and nothing that decides: a new process looks again."""

    def __init__(self, *, kind: str, pods: PodReader, nodes: Nodes) -> None:
        self._kind = kind
        self._pods = pods
        self._nodes = nodes
        self._seen: dict[Key, _Seen] = {}

    def forget(self, key: Key) -> None:
        self._seen.pop(key, None)

    async def concerned(self, snapshot: ClusterSnapshot) -> Mapping[str, Concerned]:
        """By group; empty for a plan that does not wait, and while Nodes are not known. Never raises."""
        plan, cluster, key = snapshot.plan, snapshot.observed.cluster, snapshot.resource.key
        if plan is None or cluster is None or not self._nodes.synced:
            return {}
        waits = bool(plan.gate.held) or snapshot.resource.paused
        counts = groups(plan.steps, all_groups=[group.name for group in cluster.groups]) if waits else {}
        if not counts:
            self.forget(key)
            return {}
        seen = self._seen.get(key)
        if seen is None or seen.digest != plan.gate.digest or snapshot.now - seen.at >= RENEWED:
            found = await self._look(snapshot, counts, cluster_id(cluster.arn))
            seen = self._seen[key] = _Seen(digest=plan.gate.digest, at=snapshot.now, concerned=found)
        return seen.concerned

    async def _look(
        self, snapshot: ClusterSnapshot, counts: Mapping[str, int | None], cluster: str
    ) -> Mapping[str, Concerned]:
        members: dict[str, list[Node]] = {name: [] for name in counts}
        for node in self._nodes.of_cluster(cluster):
            group = node.labels.get(INSTANCE_GROUP_NAME, "")
            if group in members:
                members[group].append(node)
        everyone = [node for several in members.values() for node in several]
        if not everyone:
            return {}
        read = await self._pods.fresh(nodes=frozenset(node.name for node in everyone))
        pods = busy(read.pods, nodes=everyone, now=snapshot.now)
        known = not read.problem
        return {
            name: _concerned(snapshot, name, several, counts[name], pods=pods, known=known, kind=self._kind)
            for name, several in members.items()
            if several
        }


def _concerned(
    snapshot: ClusterSnapshot,
    group: str,
    members: list[Node],
    count: int | None,
    *,
    pods: Mapping[str, tuple[Pod, ...]],
    known: bool,
    kind: str,
) -> Concerned:
    if count is not None and handling(snapshot.resource) is Handling.IGNORE:
        return Concerned()  # AWS chooses the nodes
    chosen = sorted(members, key=lambda node: node.name)
    if count is not None:
        listed = {one.instance_id: one.launched_at for one in snapshot.observed.nodes or ()}
        candidates = tuple(
            Candidate(
                instance_id=node.instance_id,
                node=node,
                launched_at=listed.get(node.instance_id) or node.created_at,
                unhealthy=node.ready is not True,
            )
            for node in chosen
        )
        departure = Departure(group=group, surplus=count, members=candidates)
        owner = owner_of(snapshot.resource, kind=kind)
        picked = choose(departure, pods=pods, known=known, owner=owner, now=snapshot.now).nodes
        chosen = [one.node for one in picked if one.node is not None]
    return Concerned(
        nodes=tuple(node.instance_id for node in chosen),
        pods=sum(len(pods.get(node.name, ())) for node in chosen) if known else None,
    )
