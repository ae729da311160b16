"""Pods are read while they are needed, of the nodes that are needed, and nothing is held afterwards."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.unit.kube.nodes.scripted import LoopClock
from tests.unit.kube.pods.fake import MINE, OTHER, PodApi, owned_by, pod_body

from hyperpod_operator.core.drain.marks import Owner
from hyperpod_operator.core.drain.ports import PodsRead
from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.kube.pods.cache import FEW, LEASE, PodCache

pytestmark = pytest.mark.looptime

N1 = frozenset({"n1"})


@pytest.fixture
def api() -> PodApi:
    return PodApi()


@pytest.fixture
async def cache(api: PodApi) -> AsyncIterator[PodCache]:
    cache = PodCache(api, clock=LoopClock(), random=lambda: 1.0)
    yield cache
    await cache.stop()


async def names(cache: PodCache, nodes: frozenset[str] = N1, *, owner: Owner = MINE) -> list[str]:
    found = await cache.read(owner=owner, nodes=nodes, on_change=lambda: None)
    assert found.problem == ""
    return sorted(pod.name for pod in found.pods)


async def test_only_the_nodes_that_are_needed_are_read(api: PodApi, cache: PodCache) -> None:
    api.put(pod_body("a"))
    api.put(pod_body("b", node="n2"))
    assert await names(cache) == ["a"]
    assert len(cache) == 1
    assert api.lists == ["spec.nodeName=n1,status.phase!=Succeeded,status.phase!=Failed"]


@pytest.mark.parametrize(
    "metadata",
    [
        {"owner": owned_by("DaemonSet", "d", version="apps/v1")},
        {"annotations": {"kubernetes.io/config.mirror": "x"}},
    ],
)
async def test_pods_that_never_leave_are_not_held(api: PodApi, cache: PodCache, metadata: dict[str, Any]) -> None:
    api.put(pod_body("a", **metadata))
    assert await names(cache) == []


async def test_a_daemon_set_of_another_api_is_none(api: PodApi, cache: PodCache) -> None:
    api.put(pod_body("a", owner=owned_by("DaemonSet", "d", version="apps.kruise.io/v1alpha1")))
    assert await names(cache) == ["a"]


async def test_what_changes_later_is_known_and_announced(api: PodApi, cache: PodCache) -> None:
    changes: list[str] = []
    await cache.read(owner=MINE, nodes=N1, on_change=lambda: changes.append("x"))
    await asyncio.sleep(1)
    changes.clear()
    api.put(pod_body("a"))
    await asyncio.sleep(1)
    assert (await names(cache), changes) == (["a"], ["x"])


async def test_a_heartbeat_of_a_pod_is_no_change(api: PodApi, cache: PodCache) -> None:
    api.put(pod_body("a"))
    changes: list[str] = []
    await cache.read(owner=MINE, nodes=N1, on_change=lambda: changes.append("x"))
    await asyncio.sleep(1)
    changes.clear()
    api.put(pod_body("a"))
    await asyncio.sleep(1)
    assert changes == []


async def test_a_pod_that_went_is_gone(api: PodApi, cache: PodCache) -> None:
    api.put(pod_body("a"))
    assert await names(cache) == ["a"]
    await asyncio.sleep(1)
    api.remove("a")
    await asyncio.sleep(1)
    assert await names(cache) == []


async def test_a_second_need_of_the_same_node_reads_nothing_again(api: PodApi, cache: PodCache) -> None:
    await names(cache)
    await names(cache, owner=OTHER)
    await names(cache)
    assert len(api.lists) == 1


async def test_what_nothing_needs_is_not_watched(api: PodApi, cache: PodCache) -> None:
    api.put(pod_body("a"))
    await names(cache)
    await names(cache, owner=OTHER)
    cache.release(owner=MINE)
    assert (len(cache), cache.watches) == (1, 1)
    cache.release(owner=OTHER)
    await asyncio.sleep(1)
    assert (len(cache), cache.watches, api.watching) == (0, 0, 0)


async def test_needing_no_nodes_is_a_release(api: PodApi, cache: PodCache) -> None:
    await names(cache)
    assert await names(cache, frozenset()) == []
    assert cache.watches == 0


async def test_a_need_that_is_not_renewed_ends(api: PodApi, cache: PodCache) -> None:
    await names(cache)
    await asyncio.sleep(LEASE / 2)
    assert cache.watches == 1
    await asyncio.sleep(LEASE)
    assert cache.watches == 0


async def test_many_nodes_are_one_watch(api: PodApi, cache: PodCache) -> None:
    many = frozenset(f"n{number}" for number in range(FEW + 1))
    api.put(pod_body("a"))
    api.put(pod_body("b", node="elsewhere"))
    assert await names(cache, many) == ["a"]
    assert cache.watches == 1
    assert api.lists == ["spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed"]


async def test_one_watch_for_all_is_kept_until_clearly_fewer_nodes_are_needed(api: PodApi, cache: PodCache) -> None:
    many = [f"n{number}" for number in range(FEW + 1)]
    await names(cache, frozenset(many))
    await names(cache, frozenset(many[:FEW]))
    assert len(api.lists) == 1
    await names(cache, frozenset(many[:2]))
    assert cache.watches == 2


async def test_an_operator_that_may_not_read_pods_says_so_and_claims_nothing(api: PodApi, cache: PodCache) -> None:
    api.fails = KubernetesError(status=403, message="GET /api/v1/pods: HTTP 403: forbidden. Grant this.")
    found = await cache.read(owner=MINE, nodes=N1, on_change=lambda: None)
    assert found.denied
    assert found.problem.startswith("The operator may not read pods (GET")
    assert (await cache.fresh(nodes=N1)).denied


async def test_a_right_that_is_granted_later_is_used(api: PodApi, cache: PodCache) -> None:
    api.fails = KubernetesError(status=403, message="forbidden")
    assert (await cache.read(owner=MINE, nodes=N1, on_change=lambda: None)).denied
    api.fails = None
    await asyncio.sleep(60)
    assert await names(cache) == []


async def test_a_list_that_takes_long_is_not_waited_for(api: PodApi, cache: PodCache) -> None:
    api.hangs = True
    found = await cache.read(owner=MINE, nodes=N1, on_change=lambda: None)
    assert found == PodsRead(problem="The pods of the nodes are being listed")


async def test_a_read_that_is_cut_off_leaves_no_task(api: PodApi, cache: PodCache) -> None:
    api.hangs = True
    reading = asyncio.create_task(cache.read(owner=MINE, nodes=N1, on_change=lambda: None))
    await asyncio.sleep(1)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await asyncio.sleep(0)
    assert not [task for task in asyncio.all_tasks() if "first_try" in repr(task.get_coro())]


async def test_a_watch_that_is_dead_proves_nothing(api: PodApi, cache: PodCache) -> None:
    await names(cache)
    api.fails = KubernetesError(status=0, message="no answer")
    await asyncio.sleep(300)
    found = await cache.read(owner=MINE, nodes=N1, on_change=lambda: None)
    assert "may be old" in found.problem
    assert not found.denied


async def test_the_last_look_asks_the_api_server_itself(api: PodApi, cache: PodCache) -> None:
    api.put(pod_body("a"))
    api.put(pod_body("b", node="n2"))
    found = await cache.fresh(nodes=N1)
    assert [pod.name for pod in found.pods] == ["a"]
    assert cache.watches == 0


async def test_a_listener_that_fails_does_not_keep_news_from_others(api: PodApi, cache: PodCache) -> None:
    def fails() -> None:
        raise ValueError

    heard: list[str] = []
    await cache.read(owner=OTHER, nodes=N1, on_change=fails)
    await cache.read(owner=MINE, nodes=N1, on_change=lambda: heard.append("x"))
    await asyncio.sleep(1)
    heard.clear()
    api.put(pod_body("a"))
    await asyncio.sleep(1)
    assert heard == ["x"]
