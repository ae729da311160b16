"""etcd is restored from a backup while the operator watches: the API server's history is shorter than what was seen."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from tests.unit.kube.nodes.scripted import node_body

from hyperpod_operator.api.names import CLUSTER_PLURAL
from hyperpod_operator.core.ports import Key
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.nodes.informer import NodeCache
from hyperpod_operator.runtime.clock import SystemClock
from hyperpod_operator.runtime.queue import WorkQueue
from hyperpod_operator.runtime.watch import Watch
from hyperpod_testbed.control_plane import ControlPlane

ROOT = Path(__file__).parents[2]
COMPONENTS = ("etcd", "kube-apiserver")
EXAMPLE = yaml.safe_load((ROOT / "examples" / "minimal.yaml").read_text())
WRITES = 500
"""To either object: more than the API server makes by itself while the test runs, so its history stays behind."""
WITHIN = 120.0
"""Seconds: a silence of 70, a list, and a machine that is busy."""

pytestmark = [pytest.mark.control_plane, pytest.mark.long, pytest.mark.timeout(280)]


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with ControlPlane(components=frozenset(COMPONENTS)) as made:
        made.install_crds(ROOT / "crds")
        yield made


def exchange_data(plane: ControlPlane, *, source: Path, target: Path) -> None:
    for component in reversed(COMPONENTS):
        plane.stop(component)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    for component in COMPONENTS:
        plane.start(component)


async def create(plane: ControlPlane, name: str, *, number: int) -> str:
    """A cluster of this name, and a Node, whose name is returned."""
    plane.api.create({**EXAMPLE, "metadata": {"name": name}}, namespace="default")
    body = node_body(number)
    metadata = {part: body["metadata"][part] for part in ("name", "labels")}
    plane.api.create({"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": body["spec"]})
    return str(metadata["name"])


async def until(done: Callable[[], bool], *, seconds: float) -> None:
    for _ in range(int(seconds / 0.1)):
        if done():
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"it did not come within {seconds:g} s")


@pytest.mark.fault(12)
async def test_what_happens_after_a_backup_was_restored_is_noticed(plane: ControlPlane, tmp_path: Path) -> None:
    data, backup = plane.directory / "etcd", tmp_path / "backup"
    exchange_data(plane, source=data, target=backup)
    api = await ApiServer.connect(kubeconfig=str(plane.kubeconfig))
    queue = WorkQueue(random=lambda: 0.5)
    watch = Watch(queues={CLUSTER_PLURAL: queue}, credentials=api.credentials, clock=SystemClock())
    cache = NodeCache(api, clock=SystemClock(), random=lambda: 0.5, on_change=lambda _: None)
    tasks = [asyncio.create_task(watch.run()), asyncio.create_task(cache.run())]
    try:
        async with asyncio.timeout(30):
            await watch.health.first_list.wait()
            await cache.first_list()
        lost = await create(plane, "lost", number=1)
        for number in range(WRITES):
            patch = {"metadata": {"labels": {"number": str(number)}}}
            plane.api.merge("HyperPodCluster", "lost", patch)
            plane.api.merge("Node", lost, patch)
        await until(lambda: Key("default", "lost") in queue.known() and cache.get(lost) is not None, seconds=30.0)
        await asyncio.sleep(1.0)
        exchange_data(plane, source=backup, target=data)
        found = await create(plane, "found", number=2)
        await until(lambda: cache.get(found) is not None, seconds=WITHIN)
        await until(lambda: Key("default", "found") in queue.known(), seconds=WITHIN)
        assert cache.get(lost) is None
    finally:
        watch.stop()
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await api.close()
