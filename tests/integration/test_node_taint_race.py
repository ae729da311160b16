"""Three writers race on one Node's taints: no foreign taint is lost, and ours is right in the end."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from tests.unit.controllers.rig import Recorder
from tests.unit.kube.nodes.scripted import HEALTH, node_body

from hyperpod_operator.controllers.cluster_cache import ClusterCache, Entry
from hyperpod_operator.controllers.nodes import Enqueue, NodeController, NodePorts
from hyperpod_operator.core.health.facts import ClusterFacts
from hyperpod_operator.core.health.mass_failure import Lane
from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.health.taint import TAINT
from hyperpod_operator.core.outcome import Again
from hyperpod_operator.core.ports import Key, StaleObject, StoredObject
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.nodes.informer import NodeCache
from hyperpod_operator.kube.nodes.writes import NodeWriter
from hyperpod_operator.runtime.clock import SystemClock
from hyperpod_testbed.control_plane import ControlPlane

NAME = "hyperpod-i-00000000000000001"
PATH = f"/api/v1/nodes/{NAME}"
ROUNDS = 1000
"""Changes by all foreign writers together."""


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """Without controllers: they write to Nodes as well."""
    with ControlPlane(components=frozenset({"etcd", "kube-apiserver"})) as made:
        yield made


class Stranger:
    """Puts a taint of its own on and takes it off again, as kubectl does: read, change, replace."""

    def __init__(self, api: ApiServer, key: str) -> None:
        self._api, self.taint, self.on = api, {"key": key, "value": "x", "effect": "NoSchedule"}, False

    async def turn(self) -> None:
        while True:
            node = await self._api.get(PATH)
            taints = [one for one in node["spec"].get("taints", []) if one["key"] != self.taint["key"]]
            node["spec"]["taints"] = taints if self.on else [*taints, self.taint]
            with suppress(StaleObject):
                await self._api.replace(PATH, node)
                self.on = not self.on
                return


async def label(api: ApiServer, value: str) -> None:
    await api.merge_patch(PATH, {"metadata": {"labels": {HEALTH: value}}})


def controller(api: ApiServer, cache: NodeCache, wake: asyncio.Event) -> NodeController:
    async def budget() -> None:
        """No limit here: the race is what is tried."""

    clusters = ClusterCache()
    found = NodeController(
        ports=NodePorts(
            nodes=cache,
            writes=NodeWriter(api),
            events=Recorder(),
            metrics=Recorder(),
            clock=SystemClock(),
            budget=budget,
            audit=Recorder(),
        ),
        clusters=clusters,
        enqueue=Enqueue(
            now=lambda _key, _lane: wake.set(),
            later=lambda _key, _seconds: None,
            gone=lambda _key: None,
            cluster=lambda _key: None,
        ),
    )
    assert Lane.TAINT < Lane.LABEL
    return learn(found, clusters)


def learn(found: NodeController, clusters: ClusterCache) -> NodeController:
    cluster = node_body()["spec"]["providerID"].split("hyperpod-")[-1].partition("-")[0]
    key = Key("team", "research")
    stored = StoredObject(
        key=key,
        uid="u",
        resource_version="1",
        generation=1,
        deleting=False,
        finalizers=(),
        annotations={},
        body={"kind": "HyperPodCluster"},
    )
    clusters.update(Entry(stored=stored, facts=ClusterFacts(cluster_id=cluster, name="research")))
    return found


async def until(node: Any, done: Any) -> Node:
    for _ in range(400):
        found: Node = await node()
        if done(found):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"it did not come: {found}")


def tainted(node: Node) -> bool:
    return any((one.key, one.value, one.effect) == (TAINT.key, TAINT.value, TAINT.effect) for one in node.taints)


@pytest.mark.fault(22)
@pytest.mark.slow
@pytest.mark.control_plane
async def test_no_foreign_taint_is_lost_and_ours_is_right_in_the_end(plane: ControlPlane) -> None:
    api = await ApiServer.connect(kubeconfig=str(plane.kubeconfig))
    body = node_body()
    await api.create(
        "/api/v1/nodes", {"metadata": {k: body["metadata"][k] for k in ("name", "labels")}, "spec": body["spec"]}
    )
    wake = asyncio.Event()
    made: list[NodeController] = []
    cache = NodeCache(
        api, clock=SystemClock(), random=lambda: 0.5, on_change=lambda name: made[0].changed(name) if made else None
    )
    made.append(controller(api, cache, wake))

    async def work() -> None:
        while True:
            await wake.wait()
            wake.clear()
            while isinstance(await made[0].reconcile(Key("", NAME), 0), Again):
                pass

    async def read() -> Node:
        found = await NodeWriter(api).read(NAME)
        assert found is not None
        return found

    strangers = [Stranger(api, "example.com/one"), Stranger(api, "example.com/two")]

    async def play(stranger: Stranger) -> None:
        for _ in range(2 * ROUNDS // 5):
            await stranger.turn()

    async def agent() -> None:
        for number in range(ROUNDS // 5):
            await label(api, "Unschedulable" if number % 2 else "Schedulable")
            await asyncio.sleep(0.01)

    tasks = [asyncio.create_task(cache.run()), asyncio.create_task(work())]
    try:
        await asyncio.gather(*(play(one) for one in strangers), agent())
        for value, wanted in (("UnschedulablePendingReboot", True), ("Schedulable", False), ("Unschedulable", True)):
            await label(api, value)
            node = await until(read, lambda found, wanted=wanted: tainted(found) == wanted)
            foreign = {taint.key for taint in node.taints if taint.key.startswith("example.com/")}
            assert foreign == {one.taint["key"] for one in strangers if one.on}
        assert not tasks[1].done()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await api.close()
