"""HyperPod clusters as claims see them: described and listed once for all claims of a cluster.

Claims look often and clusters change seldom. A Node that comes or goes makes its cluster's view worthless, so that a
claim that waits for that very node sees it at once.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from hyperpod_operator.core.cluster.observed import ObservedCluster, ObservedNode
from hyperpod_operator.core.health.facts import cluster_id
from hyperpod_operator.core.ports import Cloud


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One look. `cluster` is None when AWS says that there is none."""

    cluster: ObservedCluster | None
    nodes: tuple[ObservedNode, ...]
    seen_at: float


class ClusterViews:
    """Belongs to one event loop. Raises CloudError."""

    def __init__(self, *, cloud: Cloud, monotonic: Callable[[], float]) -> None:
        self._cloud = cloud
        self._monotonic = monotonic
        self._views: dict[tuple[str, str], View] = {}
        self._looking: dict[tuple[str, str], asyncio.Lock] = {}

    async def get(self, *, region: str, name: str, age: float) -> View:
        """A view that is at most `age` seconds old; `name` is the cluster's name or ARN."""
        key, asked_at = (region, name), self._monotonic()
        async with self._looking.setdefault(key, asyncio.Lock()):
            held = self._views.get(key)
            if held is not None and held.seen_at >= asked_at - age:
                return held
            view = await self._look(region=region, name=name)
            self._views[key] = view
            return view

    def changed(self, cluster: str) -> None:
        """A Node of the cluster of this id came, changed or went: the next question is asked of AWS."""
        for key, view in list(self._views.items()):
            if view.cluster is not None and cluster_id(view.cluster.arn) == cluster:
                del self._views[key]

    async def _look(self, *, region: str, name: str) -> View:
        clusters, started = self._cloud.clusters(region=region), self._monotonic()
        cluster = await clusters.describe(name=name)
        nodes = await clusters.nodes(name=cluster.arn, logical_ids=cluster.continuous) if cluster is not None else ()
        return View(cluster=cluster, nodes=nodes, seen_at=started)
