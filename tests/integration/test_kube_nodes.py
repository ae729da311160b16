"""Nodes on the real API server: lists in chunks, what is told and when, streams that break, and who may read."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.unit.kube.nodes.scripted import HEALTH, LoopClock, node_body

from hyperpod_operator.core.health.change import NodeChange
from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.nodes.alarm import HealthAlarm
from hyperpod_operator.kube.nodes.decoding import NODES
from hyperpod_operator.kube.nodes.informer import NodeCache
from hyperpod_operator.kube.nodes.stream import NODE_SOURCE, PATH
from hyperpod_operator.kube.nodes.writes import NodeWriter
from hyperpod_operator.kube.watch.pages import SIZE, Reading
from hyperpod_testbed.control_plane import ControlPlane

SECONDS = 60.0
"""How long a condition is awaited; far longer than anything takes."""

Connect = Callable[..., Awaitable[ApiServer]]


class Follower:
    """A cache at work, and what it told."""

    def __init__(self, api: ApiServer) -> None:
        self.told: list[str] = []
        self._news = asyncio.Event()
        self.cache = NodeCache(api, clock=LoopClock(), random=lambda: 0.0, on_change=self._tell)

    def _tell(self, name: str) -> None:
        self.told.append(name)
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Asked again after each change that is told, and now and then."""
        async with asyncio.timeout(SECONDS):
            while not condition():
                self._news.clear()
                try:
                    async with asyncio.timeout(0.2):
                        await self._news.wait()
                except TimeoutError:
                    continue


@pytest.fixture(scope="module")
def control_plane() -> Iterator[ControlPlane]:
    """One without controllers: they write to Nodes as well, whenever they like."""
    with ControlPlane(components=frozenset({"etcd", "kube-apiserver"})) as plane:
        yield plane


@pytest.fixture
async def connect(control_plane: ControlPlane) -> AsyncIterator[Connect]:
    async with AsyncExitStack() as stack:

        async def connect(kubeconfig: Path = control_plane.kubeconfig) -> ApiServer:
            api = await ApiServer.connect(kubeconfig=str(kubeconfig))
            stack.push_async_callback(api.close)
            return api

        yield connect


@pytest.fixture
async def admin(connect: Connect) -> ApiServer:
    return await connect()


@pytest.fixture(autouse=True)
def no_nodes_left(control_plane: ControlPlane) -> Iterator[None]:
    """Nodes have no namespace that would go with them."""
    yield
    control_plane.kubectl("delete", "--raw=/api/v1/nodes")


@asynccontextmanager
async def at_work(follower: Follower) -> AsyncIterator[None]:
    task = asyncio.create_task(follower.cache.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def following(api: ApiServer) -> AsyncIterator[Follower]:
    """Synced at the start."""
    follower = Follower(api)
    async with at_work(follower):
        await follower.until(lambda: follower.cache.synced)
        yield follower


def manifest(number: int, **parts: Any) -> dict[str, Any]:
    body = node_body(number, **parts)
    kept = {key: body["metadata"][key] for key in ("name", "labels")}
    return {"apiVersion": "v1", "kind": "Node", "metadata": kept, "spec": body["spec"]}


def name(number: int) -> str:
    return str(node_body(number)["metadata"]["name"])


async def create(api: ApiServer, *numbers: int) -> None:
    at_once = asyncio.Semaphore(16)

    async def one(number: int) -> None:
        async with at_once:
            await api.create("/api/v1/nodes", manifest(number))

    await asyncio.gather(*(one(number) for number in numbers))


async def label(api: ApiServer, number: int, value: str) -> None:
    await api.merge_patch(f"/api/v1/nodes/{name(number)}", {"metadata": {"labels": {HEALTH: value}}})


def health(follower: Follower, number: int) -> str | None:
    node = follower.cache.get(name(number))
    return node.labels[HEALTH] if node else None


async def test_more_nodes_than_a_page_holds_are_all_listed(control_plane: ControlPlane, admin: ApiServer) -> None:
    await create(admin, *range(1200))
    control_plane.kubectl("create", "-f", "-", input=json.dumps(
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "of-somebody-else"}}))  # fmt: skip
    async with following(admin) as follower:
        assert len(follower.cache) == 1200
        assert sorted(follower.told) == sorted(name(number) for number in range(1200))
        assert follower.cache.age() < SECONDS


async def test_a_page_says_how_to_go_on_before_its_nodes_arrive(admin: ApiServer) -> None:
    await create(admin, *range(SIZE + 1))
    page = Reading(admin, path=PATH, query=NODE_SOURCE.query, noun="Nodes")
    try:
        token = await page.following()
        assert token == NODES.page(await page.content()).metadata.next != ""
    finally:
        await page.end()


async def test_the_alarm_rings_for_a_node_that_turns_unhealthy_and_for_no_other_write(admin: ApiServer) -> None:
    await create(admin, 1, 2)
    rung = asyncio.Event()
    alarm = HealthAlarm(admin, clock=LoopClock(), random=lambda: 0.0, ring=rung.set)
    task = asyncio.create_task(alarm.run())
    try:
        await label(admin, 1, "Unschedulable")
        await asyncio.wait_for(rung.wait(), SECONDS)
        await label(admin, 1, "Schedulable")
        await asyncio.sleep(1)  # both are told by now, and so is each write of the other Node below
        rung.clear()
        await admin.merge_patch(f"/api/v1/nodes/{name(2)}", {"metadata": {"labels": {"of": "somebody"}}})
        await label(admin, 2, "Schedulable")
        await asyncio.sleep(1)
        assert not rung.is_set()
        await label(admin, 2, "UnschedulablePendingReplacement")
        await asyncio.wait_for(rung.wait(), SECONDS)
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_change_of_a_label_and_a_deletion_are_told(control_plane: ControlPlane, admin: ApiServer) -> None:
    await create(admin, 1, 2)
    async with following(admin) as follower:
        follower.told.clear()
        await label(admin, 1, "Unschedulable")
        await follower.until(lambda: health(follower, 1) == "Unschedulable")
        control_plane.kubectl("delete", "node", name(2))
        await follower.until(lambda: follower.cache.get(name(2)) is None)
        await create(admin, 3)
        await follower.until(lambda: len(follower.cache) == 2)
        assert follower.told == [name(1), name(2), name(3)]


async def test_a_node_that_loses_the_label_is_let_go(admin: ApiServer) -> None:
    await create(admin, 1)
    async with following(admin) as follower:
        gone = {"metadata": {"labels": {"sagemaker.amazonaws.com/compute-type": None}}}
        await admin.merge_patch(f"/api/v1/nodes/{name(1)}", gone)
        await follower.until(lambda: len(follower.cache) == 0)


async def test_a_deletion_while_the_api_server_restarts_is_noticed(
    control_plane: ControlPlane, admin: ApiServer, connect: Connect
) -> None:
    await create(admin, 1, 2)
    async with following(await connect()) as follower:
        follower.told.clear()
        control_plane.kill("kube-apiserver")
        control_plane.start("kube-apiserver")
        control_plane.kubectl("delete", "node", name(1))
        await follower.until(lambda: len(follower.cache) == 1)
        await label(admin, 2, "Unschedulable")
        await follower.until(lambda: health(follower, 2) == "Unschedulable")
        assert follower.told == [name(1), name(2)]


async def test_a_deletion_behind_a_real_410_is_noticed(
    control_plane: ControlPlane, admin: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    await create(admin, 1, 2)
    async with following(admin) as follower:
        pass
    control_plane.kubectl("delete", "node", name(1))
    follower.told.clear()
    control_plane.kill("kube-apiserver")  # one that starts now begins with what there is, not with the first event
    control_plane.start("kube-apiserver")
    follower.cache._reflector._position = 1
    with caplog.at_level("INFO", logger="hyperpod_operator"):
        async with at_work(follower):
            await follower.until(lambda: len(follower.cache) == 1)
    assert follower.told == [name(1)]
    assert "too old resource version" in caplog.text


async def test_a_token_with_the_rights_follows_and_writes(
    control_plane: ControlPlane, namespace: str, admin: ApiServer, connect: Connect
) -> None:
    await create(admin, 1)
    control_plane.kubectl("create", "serviceaccount", "operator", "-n", namespace)
    control_plane.kubectl("create", "clusterrole", namespace, "--verb=get,list,watch,patch", "--resource=nodes")
    control_plane.kubectl(
        *("create", "clusterrolebinding", namespace, f"--clusterrole={namespace}"),
        f"--serviceaccount={namespace}:operator",
    )
    api = await connect(control_plane.service_account_kubeconfig(namespace, "operator"))
    async with following(api) as follower:
        node = await NodeWriter(api).read(name(1))
        assert node is not None
        await NodeWriter(api).change(node, NodeChange(labels={HEALTH: "Unschedulable"}))
        await follower.until(lambda: health(follower, 1) == "Unschedulable")


async def test_a_token_without_patch_is_told_so_when_it_writes(
    control_plane: ControlPlane, namespace: str, admin: ApiServer, connect: Connect
) -> None:
    await create(admin, 1)
    node = await NodeWriter(admin).read(name(1))
    assert node is not None
    control_plane.kubectl("create", "serviceaccount", "operator", "-n", namespace)
    writer = NodeWriter(await connect(control_plane.service_account_kubeconfig(namespace, "operator")))
    with pytest.raises(KubernetesError, match=r'cannot patch resource "nodes".*Grant this') as caught:
        await writer.change(node, NodeChange(labels={HEALTH: "Unschedulable"}))
    assert caught.value.status == 403


async def test_without_rights_it_says_which_and_goes_on_when_they_come(
    control_plane: ControlPlane, namespace: str, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    control_plane.kubectl("create", "serviceaccount", "operator", "-n", namespace)
    follower = Follower(await connect(control_plane.service_account_kubeconfig(namespace, "operator")))
    async with at_work(follower):
        await follower.until(lambda: bool(caplog.records))
        assert not follower.cache.synced
        assert 'cannot list resource "nodes"' in caplog.text
        assert "Grant this to the operator's service account" in caplog.text
        control_plane.kubectl("create", "clusterrole", namespace, "--verb=list,watch", "--resource=nodes")
        control_plane.kubectl(
            *("create", "clusterrolebinding", namespace, f"--clusterrole={namespace}"),
            f"--serviceaccount={namespace}:operator",
        )
        await follower.until(lambda: follower.cache.synced)


async def test_an_api_server_that_hangs_is_noticed_and_followed_again(
    control_plane: ControlPlane, admin: ApiServer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    await create(admin, 1)
    async with following(await connect()) as follower:
        pass
    follower.cache._reflector._stream._inactivity = 1.0
    async with at_work(follower):
        control_plane.pause("kube-apiserver")
        try:
            await follower.until(lambda: "silent for 1 s" in caplog.text)
        finally:
            control_plane.resume("kube-apiserver")
        await label(admin, 1, "Unschedulable")
        await follower.until(lambda: health(follower, 1) == "Unschedulable")
