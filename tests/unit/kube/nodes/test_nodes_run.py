"""Lists and watches in peace: what is held afterwards, and what is told."""

import asyncio
from typing import Any

import pytest
from tests.unit.kube.nodes.scripted import (
    HEALTH,
    Running,
    ScriptedApi,
    Warnings,
    labelled,
    line,
    node_body,
    page,
    refused,
)

from hyperpod_operator.kube.nodes.informer import NodeCache

pytestmark = pytest.mark.looptime

NAME = "hyperpod-i-00000000000000001"
OTHER = "hyperpod-i-00000000000000002"


async def test_the_first_list_tells_of_every_node_and_then_is_synced(
    scripted: ScriptedApi, cache: NodeCache, told: list[str], running: Running
) -> None:
    scripted.lists = [(page(node_body(1), position=5, following="more"),), (3.0, page(node_body(2), position=5))]
    async with running(2):
        assert (cache.synced, told, len(cache)) == (False, [], 0)
        await asyncio.sleep(2)
        assert (cache.synced, told, len(cache)) == (True, [NAME, OTHER], 2)
    assert [query.get("continue") for _, query in scripted.asked] == [None, "more", None]
    assert scripted.asked[0][1]["limit"] == "250"
    assert (
        scripted.asked[2][1] | {"watch": "true", "resourceVersion": "5", "allowWatchBookmarks": "true"}
        == scripted.asked[2][1]
    )
    assert {query["labelSelector"] for _, query in scripted.asked} == {"sagemaker.amazonaws.com/compute-type=hyperpod"}


async def test_a_page_in_pieces_is_one_page(scripted: ScriptedApi, cache: NodeCache, running: Running) -> None:
    whole = page(node_body(1), node_body(2))
    scripted.lists = [(whole[:100], 1.0, whole[100:])]
    async with running(2):
        assert len(cache) == 2


async def test_changes_that_arrive_together_are_told_once_per_node(
    scripted: ScriptedApi, cache: NodeCache, told: list[str], running: Running
) -> None:
    scripted.lists = [(page(node_body(1)),)]
    batch = [line("MODIFIED", labelled(health, version=2 + turn)) for turn, health in enumerate(("Unschedulable", "X"))]
    scripted.watches = [(1.0, b"".join([*batch, line("ADDED", node_body(2, version=4))]), 1e9)]
    async with running(0.5):
        told.clear()
        await asyncio.sleep(1)
        assert told == [NAME, OTHER]
        node = cache.get(NAME)
        assert node is not None
        assert (node.labels[HEALTH], node.resource_version) == ("X", "3")


async def test_a_line_in_pieces_waits_for_its_end(scripted: ScriptedApi, told: list[str], running: Running) -> None:
    whole = line("ADDED", node_body(1, version=2))
    scripted.lists = [(page(),)]
    scripted.watches = [(whole[:50], 5.0, whole[50:-1], 5.0, b"\n", 1e9)]
    async with running(9):
        assert told == []
        await asyncio.sleep(2)
        assert told == [NAME]


async def test_a_heartbeat_tells_nothing_and_its_version_is_kept(
    scripted: ScriptedApi, cache: NodeCache, told: list[str], running: Running
) -> None:
    beat = node_body(1, version=2)
    beat["status"]["conditions"][0]["lastHeartbeatTime"] = "2026-01-02T03:09:05Z"
    beat["metadata"]["annotations"] = {"example.com/other": "new"}
    scripted.lists = [(page(node_body(1)),)]
    scripted.watches = [(1.0, line("MODIFIED", beat), 1e9)]
    async with running(0.5):
        told.clear()
        await asyncio.sleep(1)
        node = cache.get(NAME)
        assert node is not None
        assert (told, node.resource_version) == ([], "2")


@pytest.mark.parametrize("version", [3, 5])
async def test_what_was_seen_already_tells_nothing(
    scripted: ScriptedApi, cache: NodeCache, told: list[str], running: Running, version: int
) -> None:
    scripted.lists = [(page(node_body(1, version=5), position=5),)]
    stale = line("MODIFIED", labelled("Unschedulable", version=version)) + line(
        "DELETED", node_body(1, version=version)
    )
    scripted.watches = [(1.0, stale, 1e9)]
    async with running(0.5):
        told.clear()
        await asyncio.sleep(1)
        assert told == []
        assert cache.get(NAME) is not None


async def test_a_late_change_does_not_bring_a_deleted_node_back(
    scripted: ScriptedApi, cache: NodeCache, told: list[str], running: Running
) -> None:
    scripted.lists = [(page(node_body(1)),)]
    scripted.watches = [
        (line("DELETED", node_body(1, version=9)), 1.0, line("MODIFIED", labelled("X", version=8)), 1e9)
    ]
    async with running(2):
        assert told == [NAME, NAME]
        assert cache.get(NAME) is None


async def test_a_node_made_again_under_its_name_is_a_change(
    scripted: ScriptedApi, cache: NodeCache, told: list[str], running: Running
) -> None:
    again = node_body(1, version=3, metadata={"uid": "another"})
    scripted.lists = [(page(node_body(1)),)]
    scripted.watches = [(1.0, line("DELETED", node_body(1, version=2)) + line("ADDED", again), 1e9)]
    async with running(0.5):
        told.clear()
        await asyncio.sleep(1)
        assert told == [NAME]
        node = cache.get(NAME)
        assert node is not None
        assert node.uid == "another"


async def test_foreign_nodes_are_counted_and_told_once(
    scripted: ScriptedApi, cache: NodeCache, told: list[str], running: Running, warnings: Warnings
) -> None:
    foreign: Any = {"spec": {"providerID": "aws:///us-west-2a/i-00000000000000001"}}
    listed = page(node_body(1, **foreign), node_body(2))
    scripted.lists = [(listed,), (listed,)]
    scripted.watches = [(line("MODIFIED", node_body(1, version=2, **foreign)), 10.0, refused(410)),
                   (5.0, line("DELETED", node_body(1, version=3, **foreign)), 1e9)]  # fmt: skip
    async with running(12):
        assert (cache.left_out, len(cache), told) == (1, 1, [OTHER])
        await asyncio.sleep(5)
        assert (cache.left_out, told) == (0, [OTHER])
    (warning,) = warnings()
    assert NAME in warning
    assert "remove the label" in warning


@pytest.mark.parametrize("listed", [True, False], ids=["in the list", "by the watch"])
async def test_a_second_node_with_the_providerid_of_another_changes_nothing(
    scripted: ScriptedApi, cache: NodeCache, told: list[str], running: Running, listed: bool
) -> None:
    first, second = node_body(1), node_body(1, version=2, metadata={"name": "plain", "uid": "uid-plain"})
    gone = {**second, "metadata": {**second["metadata"], "resourceVersion": "3"}}
    scripted.lists = [(page(first, second) if listed else page(first),)]
    came = b"" if listed else line("ADDED", second)
    scripted.watches = [(1.0, came + line("MODIFIED", second), 1.0, line("DELETED", gone), 1e9)]
    async with running(5):
        node = cache.get(NAME)
        assert node is not None
        assert cache.of_cluster(node.cluster_id) == (node,)
        assert cache.get("plain") is None
        assert told == [NAME]


async def test_a_node_that_gets_its_provider_id_later_joins_then(
    scripted: ScriptedApi, cache: NodeCache, told: list[str], running: Running
) -> None:
    scripted.lists = [(page(node_body(1, spec={"providerID": ""})),)]
    scripted.watches = [(line("MODIFIED", node_body(1, version=2)), 1e9)]
    async with running(1):
        assert (cache.left_out, told) == (0, [NAME])


async def test_a_listener_that_fails_keeps_no_name_from_the_others(
    scripted: ScriptedApi, running: Running, cache: NodeCache, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def listen(name: str) -> None:
        told.append(name)
        raise RuntimeError("a fault of the listener's")

    monkeypatch.setattr(cache, "_on_change", listen)
    scripted.lists = [(page(node_body(1), node_body(2)),)]
    async with running(1):
        assert told == [NAME, OTHER]
        assert scripted.kinds == ["list", "watch"]


async def test_a_foreign_node_that_a_list_does_not_have_any_more_is_not_counted(
    scripted: ScriptedApi, cache: NodeCache, running: Running
) -> None:
    scripted.lists = [(page(node_body(1, spec={"providerID": ""})),), (page(),)]
    scripted.watches = [(10.0, refused(410))]
    async with running(5):
        assert cache.left_out == 1
        await asyncio.sleep(10)
        assert cache.left_out == 0
