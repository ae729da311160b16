"""HyperPod clusters as claims see them: described and listed once for all claims of a cluster.

Claims look often and clusters change seldom. A Node that comes or goes makes its cluster's view worthless, so that a
claim that waits for that very node sees it at once.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from hyperpod_operator.core.location import cluster_id
from hyperpod_operator.core.observed import ObservedCluster, ObservedNode
from hyperpod_operator.core.ports import Cloud

FORGOTTEN_AFTER = 1800.0
"""Seconds after which a cluster that no claim asks about is forgotten: two resyncs and more."""


@dataclass(frozen=True, kw_only=True)
class View:
    """One look. `cluster` is None when AWS says that there is none."""

    cluster: ObservedCluster | None
    nodes: tuple[ObservedNode, ...]
    seen_at: float

    @cached_property
    def groups(self) -> Mapping[str, str]:
        """The instance group of each instance, by its id: asked for at every change of a Node without its label."""
        return {node.instance_id: node.group for node in self.nodes}


class ClusterViews:
    """Belongs to one event loop. Raises CloudError."""

    def __init__(self, *, cloud: Cloud, monotonic: Callable[[], float]) -> None:
        self._cloud = cloud
        self._monotonic = monotonic
        self._views: dict[tuple[str, str], View] = {}
        self._looking: dict[tuple[str, str], asyncio.Lock] = {}
        self._asked_at: dict[tuple[str, str], float] = {}

    def __len__(self) -> int:
        return len(self._asked_at)

    async def get(self, *, region: str, name: str, age: float) -> View:
        """A view that is at most `age` seconds old; `name` is the cluster's name or ARN."""
        key, asked_at = (region, name), self._monotonic()
        self._asked_at[key] = asked_at
        self._forget_old(asked_at)
        async with self._looking.setdefault(key, asyncio.Lock()):
            held = self._views.get(key)
            if held is not None and held.seen_at >= asked_at - age:
                return held
            view = await self._look(region=region, name=name)
            self._views[key] = view
            return view

    def _forget_old(self, now: float) -> None:
        for key in [key for key, asked_at in self._asked_at.items() if now - asked_at > FORGOTTEN_AFTER]:
            if not self._looking[key].locked():
                del self._asked_at[key], self._looking[key]
                self._views.pop(key, None)

    async def tags(self, *, region: str, arn: str) -> Mapping[str, str]:
        """The tags of a cluster, read now: they prove whose it is."""
        return await self._cloud.clusters(region=region).tags(arn=arn)

    def group_of(self, cluster: str, instance_id: str) -> str:
        """The instance group of an instance of the cluster of this id, as last seen; empty while it is not known."""
        for view in self._views.values():
            if view.cluster is not None and cluster_id(view.cluster.arn) == cluster:
                return view.groups.get(instance_id, "")
        return ""

    def changed(self, cluster: str) -> None:
        """A Node of the cluster of this id came, changed or went: the next question is asked of AWS."""
        for key, view in list(self._views.items()):
            if view.cluster is not None and cluster_id(view.cluster.arn) == cluster:
                self._views[key] = replace(view, seen_at=float("-inf"))

    async def _look(self, *, region: str, name: str) -> View:
        clusters, started = self._cloud.clusters(region=region), self._monotonic()
        held = self._views.get((region, name))
        if held is not None and held.cluster is not None:
            was = held.cluster
            try:
                async with asyncio.TaskGroup() as both:
                    described = both.create_task(clusters.describe(name=name))
                    listed = both.create_task(clusters.nodes(name=was.arn, logical_ids=was.continuous))
            except ExceptionGroup as broken:
                raise broken.exceptions[0] from None
            same = described.result()
            if same is not None and (same.arn, same.continuous) == (was.arn, was.continuous):
                return View(cluster=same, nodes=listed.result(), seen_at=started)
        cluster = await clusters.describe(name=name)
        nodes = await clusters.nodes(name=cluster.arn, logical_ids=cluster.continuous) if cluster is not None else ()
        return View(cluster=cluster, nodes=nodes, seen_at=started)
