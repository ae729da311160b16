"""The controller of Nodes with its queue: how often one Node is written to."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.unit.controllers.rig import Recorder
from tests.unit.core.health import HEALTH, facts, instance, node
from tests.unit.kube.test_leader import LoopClock

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.names import TAINTED_AT
from hyperpod_operator.app.dependencies import Shared
from hyperpod_operator.app.nodes import NodeRuntime
from hyperpod_operator.app.traces import untraced
from hyperpod_operator.controllers.cluster_cache import ClusterCache, Entry
from hyperpod_operator.core.health.node import INSTANCE_TYPE, Node
from hyperpod_operator.core.health.taint import TAINT
from hyperpod_operator.core.ports import Key, StoredObject
from hyperpod_operator.kube.nodes.informer import NodeCache
from hyperpod_operator.runtime.queue import WorkQueue
from hyperpod_operator.settings import Settings

pytestmark = pytest.mark.looptime


class Undone:
    """Nodes whose every change somebody undoes at once."""

    def __init__(self, one: Node) -> None:
        self.one = one
        self.written: list[float] = []
        self.runtime = NodeRuntime(cast(Shared, self._shared()), cache=cast(NodeCache, self))

    def get(self, name: str) -> Any:
        return self.one if name == self.one.name else None

    def of_cluster(self, cluster_id: str) -> tuple[Any, ...]:
        return (self.one,)

    async def json_patch(self, path: str, operations: Sequence[object], *, accept: str) -> dict[str, Any]:
        self.written.append(asyncio.get_running_loop().time())
        self.see(self.one)
        return {}

    def see(self, one: Node) -> None:
        """The watch tells of this state of the Node."""
        self.one = one
        self.runtime.controller.changed(one.name)

    def _shared(self) -> SimpleNamespace:
        clusters = ClusterCache()
        stored = StoredObject(
            key=Key("team", "research"),
            uid="u",
            resource_version="1",
            generation=1,
            deleting=False,
            finalizers=(),
            annotations={},
            body={"kind": "HyperPodCluster"},
        )
        clusters.update(Entry(stored=stored, facts=facts(instance()), listed=True))
        told = Recorder()
        dependencies = SimpleNamespace(
            settings=Settings(),
            api=self,
            events=told,
            metrics=told,
            audit=told,
            clock=LoopClock(),
            random=lambda: 0.5,
            passes=untraced,
        )
        queues = {CLUSTER.name: WorkQueue(random=lambda: 0.5)}
        return SimpleNamespace(dependencies=dependencies, clusters=clusters, queues=queues)


async def written(undone: Undone, *, seconds: float) -> list[float]:
    """When writes left, from the moment at which the watch tells of the Node."""
    listed = asyncio.Event()
    listed.set()
    undone.runtime.runtime.workers.start(after=listed)
    began = asyncio.get_running_loop().time()
    undone.see(undone.one)
    await asyncio.sleep(seconds)
    await undone.runtime.runtime.workers.drain(within=1.0)
    return [at - began for at in undone.written]


async def test_a_taint_that_another_client_removes_again_and_again_costs_a_write_in_ten_seconds() -> None:
    found = await written(Undone(node(labels={HEALTH: "Unschedulable"})), seconds=600)
    assert 60 <= len(found) <= 65


async def test_a_health_label_that_flaps_costs_a_few_writes_in_ten_seconds() -> None:
    undone = Undone(node(labels={HEALTH: "Schedulable"}))

    async def flap() -> None:
        while True:
            for label, taints, annotations in (("Unschedulable", (), {}), ("Schedulable", (TAINT,), {TAINTED_AT: "x"})):
                undone.see(node(labels={HEALTH: label}, taints=taints, annotations=annotations))
                await asyncio.sleep(0.5)

    flapping = asyncio.create_task(flap())
    found = await written(undone, seconds=600)
    flapping.cancel()
    assert 60 <= len(found) <= 130


async def test_labels_that_another_client_changes_back_delay_no_taint() -> None:
    undone = Undone(node(labels={HEALTH: "Schedulable", INSTANCE_TYPE: "p5.48xlarge"}))

    async def fall_ill() -> None:
        await asyncio.sleep(100.5)
        undone.written.clear()
        undone.see(node(labels={HEALTH: "Unschedulable", INSTANCE_TYPE: "p5.48xlarge"}))

    falling = asyncio.create_task(fall_ill())
    found = await written(undone, seconds=101)
    await falling
    assert found[0] == pytest.approx(100.5, abs=0.1)
