"""Kopf, as we embed it, on the real API server: keys arrive, and nothing of it is ever seen on an object."""

import asyncio
import getpass
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from hyperpod_operator.api.names import CLUSTER_PLURAL
from hyperpod_operator.core.ports import Key
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.runtime import login
from hyperpod_operator.runtime.clock import SystemClock
from hyperpod_operator.runtime.queue import WorkQueue
from hyperpod_operator.runtime.watch import KOPF_FINALIZER, Watch
from hyperpod_testbed.control_plane import ControlPlane, ControlPlaneError

ROOT = Path(__file__).parents[2]
OTHERS = "example.com/other"
SECONDS = 60.0
"""How long a condition is awaited; far longer than anything takes."""


@pytest.fixture(scope="module", autouse=True)
def crds(control_plane: ControlPlane) -> None:
    control_plane.install_crds(ROOT / "crds")


@pytest.fixture
def queue() -> WorkQueue:
    return WorkQueue(random=lambda: 0.5)


@dataclass
class Running:
    """A watch and the task that runs it."""

    watch: Watch
    task: asyncio.Task[None]


Start = Callable[..., Awaitable[Running]]


@pytest.fixture
async def start(control_plane: ControlPlane, queue: WorkQueue, namespace: str) -> AsyncIterator[Start]:
    """Start a watch of the test's namespace and wait until its first list is done; stopped at the end."""
    async with AsyncExitStack() as stack:

        async def start(*, namespaces: tuple[str, ...] | None = None) -> Running:
            api = await ApiServer.connect(kubeconfig=str(control_plane.kubeconfig))
            stack.push_async_callback(api.close)
            watch = Watch(
                queues={CLUSTER_PLURAL: queue},
                credentials=api.credentials,
                clock=SystemClock(),
                namespaces=(namespace,) if namespaces is None else namespaces,
            )
            task = asyncio.create_task(watch.run())
            stack.push_async_callback(lambda: task)
            stack.callback(watch.stop)
            async with asyncio.timeout(SECONDS):
                listed = asyncio.create_task(watch.health.first_list.wait())
                await asyncio.wait([listed, task], return_when=asyncio.FIRST_COMPLETED)
                listed.cancel()
            return Running(watch, task)

        yield start


@pytest.fixture
def kubectl(control_plane: ControlPlane, namespace: str) -> Callable[..., Awaitable[str]]:
    """kubectl in the test's namespace, beside the event loop."""

    async def kubectl(*args: str, **more: Any) -> str:
        done = await asyncio.to_thread(lambda: control_plane.kubectl("-n", namespace, *args, **more))
        return done.stdout

    return kubectl


@pytest.fixture
def create(kubectl: Callable[..., Awaitable[str]], namespace: str) -> Callable[..., Awaitable[Key]]:
    example = (ROOT / "examples" / "minimal.yaml").read_text()

    async def create(name: str = "blue", *, finalizers: tuple[str, ...] = ()) -> Key:
        listed = f"\n  finalizers: {json.dumps(finalizers)}"
        await kubectl("create", "-f", "-", input=example.replace("\n  name: minimal", f"\n  name: {name}{listed}"))
        return Key(namespace, name)

    return create


Kubectl = Callable[..., Awaitable[str]]
Create = Callable[..., Awaitable[Key]]


async def next_key(queue: WorkQueue) -> Key:
    async with asyncio.timeout(SECONDS):
        key = await queue.get()
    queue.done(key)
    return key


async def test_what_exists_at_the_start_is_delivered(start: Start, queue: WorkQueue, create: Create) -> None:
    keys = {await create("blue"), await create("green")}
    await start()
    assert {await next_key(queue), await next_key(queue)} == keys


async def test_creations_edits_and_deletions_are_delivered(
    start: Start, queue: WorkQueue, create: Create, kubectl: Kubectl
) -> None:
    await start()
    key = await create()
    assert await next_key(queue) == key
    await kubectl("patch", "hpc", "blue", "--type=merge", "-p", '{"spec":{"management":{"paused":true}}}')
    assert await next_key(queue) == key
    await kubectl("delete", "hpc", "blue")
    assert await next_key(queue) == key


async def test_all_namespaces_are_watched_when_none_is_given(start: Start, queue: WorkQueue, create: Create) -> None:
    await start(namespaces=())
    key = await create()
    while await next_key(queue) != key:
        pass


async def test_several_namespaces_are_watched(start: Start, queue: WorkQueue, create: Create, namespace: str) -> None:
    watch = (await start(namespaces=("default", namespace))).watch
    assert watch.health.not_ready() is None
    key = await create()
    assert await next_key(queue) == key


async def test_kopf_leaves_nothing_on_an_object_and_takes_nothing_from_it(
    start: Start, queue: WorkQueue, create: Create, kubectl: Kubectl
) -> None:
    await start()
    await create(finalizers=(OTHERS,))
    await next_key(queue)
    before = json.loads(await kubectl("get", "hpc", "blue", "-o", "json"))
    await kubectl("patch", "hpc", "blue", "--type=merge", "-p", '{"spec":{"management":{"paused":true}}}')
    await next_key(queue)
    await asyncio.sleep(1)
    after = json.loads(await kubectl("get", "hpc", "blue", "-o", "json"))
    assert after["metadata"]["finalizers"] == [OTHERS]
    assert "annotations" not in after["metadata"]
    assert "status" not in after
    # One version per edit: nobody else wrote anything.
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1
    assert queue.depth == 0
    await kubectl("patch", "hpc", "blue", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')


async def test_no_object_can_have_the_finalizer_that_kopf_takes_off(create: Create) -> None:
    """Whoever may edit an object could make each replica write otherwise, whether it leads or not."""
    with pytest.raises(ControlPlaneError, match="Invalid value"):
        await create(finalizers=(KOPF_FINALIZER,))


async def test_the_watch_knows_that_it_is_alive(start: Start) -> None:
    watch = (await start()).watch
    assert watch.started.is_set()
    assert watch.health.first_list.is_set()
    assert watch.health.not_ready() is None
    assert watch.health.fault() is None
    assert watch.health.age() < 5


async def test_a_user_without_a_name_watches_too(
    start: Start, queue: WorkQueue, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nameless() -> str:
        raise OSError("No username set in the environment")

    monkeypatch.setattr(getpass, "getuser", nameless)
    await start()
    key = await create()
    assert await next_key(queue) == key


async def test_an_api_server_that_restarts_is_watched_again(
    start: Start, queue: WorkQueue, create: Create, control_plane: ControlPlane
) -> None:
    watch = (await start()).watch
    await asyncio.to_thread(control_plane.stop, "kube-apiserver")
    await asyncio.sleep(1)
    assert watch.health.age() >= 1
    # In this thread although it holds the loop up: the server dies with the thread that started it.
    control_plane.start("kube-apiserver")
    key = await create()
    async with asyncio.timeout(SECONDS):
        assert await queue.get() == key
    queue.done(key)
    assert watch.health.age() < 5


async def test_a_stop_is_quick_and_spares_the_tasks_of_others(start: Start, queue: WorkQueue, create: Create) -> None:
    running = await start()
    await create()
    await next_key(queue)
    younger = asyncio.create_task(asyncio.sleep(60), name="younger than Kopf")
    before = time.monotonic()
    running.watch.stop()
    await running.task
    assert time.monotonic() - before < 3
    assert not younger.done()
    younger.cancel()


async def test_a_token_that_stays_bad_ends_the_watch_in_words(
    control_plane: ControlPlane,
    queue: WorkQueue,
    namespace: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(login, "PAUSE", 0.2)
    monkeypatch.setattr(login, "GIVE_UP", 1.0)
    caplog.set_level(logging.WARNING)
    config = yaml.safe_load(control_plane.kubeconfig.read_text())
    config["users"] = [{"name": user["name"], "user": {"token": "bad"}} for user in config["users"]]
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    api = await ApiServer.connect(kubeconfig=str(path))
    watch = Watch(
        queues={CLUSTER_PLURAL: queue}, credentials=api.credentials, clock=SystemClock(), namespaces=(namespace,)
    )
    # Kopf asks for /api and /apis at once and awaits the first failure only; asyncio would complain of the second
    # at some later moment, in the middle of another test.
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    with pytest.raises(Exception, match=r"valid credentials|ended without being asked"):
        async with asyncio.timeout(SECONDS):
            await watch.run()
    await api.close()
    assert "rejected the operator's credentials" in caplog.text
    # One in each pause, and fewer where a busy machine makes a pause longer.
    assert 1 <= caplog.text.count("reads them again in") <= 6


async def test_a_rotated_token_is_picked_up_after_a_refusal(
    control_plane: ControlPlane, queue: WorkQueue, namespace: str, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "PAUSE", 0.2)
    good = await ApiServer.connect(kubeconfig=str(control_plane.kubeconfig))
    answers = [_bad(await good.credentials())]

    async def rotating() -> Any:
        return answers.pop() if answers else await good.credentials()

    watch = Watch(queues={CLUSTER_PLURAL: queue}, credentials=rotating, clock=SystemClock(), namespaces=(namespace,))
    task = asyncio.create_task(watch.run())
    key = await create()
    assert await next_key(queue) == key
    watch.stop()
    await task
    await good.close()


def _bad(found: Any) -> Any:
    return type(found)(server=found.server, ca_file=found.ca_file, authorization="Bearer bad")
