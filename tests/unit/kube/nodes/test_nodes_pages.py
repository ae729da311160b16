"""The pages of a list: when each is asked for, what counts of it, and that nothing is left of one that was given up."""

import asyncio
import gc
import json

import pytest
from tests.unit.kube.nodes.scripted import Part, Running, ScriptedApi, Warnings, node_body, page

from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.kube.nodes.informer import NodeCache
from hyperpod_operator.kube.watch.pages import HEAD

pytestmark = pytest.mark.looptime


def slow(content: bytes, *, seconds: float) -> tuple[Part, ...]:
    """A page whose head is there at once and whose rest takes so long."""
    return (content[:200], seconds, content[200:])


def tokens(scripted: ScriptedApi) -> list[tuple[float, str | None]]:
    """When which page was asked for."""
    return [(at, query.get("continue")) for at, query in scripted.asked if "limit" in query]


async def test_the_next_page_is_asked_for_while_one_still_arrives(
    scripted: ScriptedApi, cache: NodeCache, told: list[str], running: Running
) -> None:
    scripted.lists = [slow(page(node_body(1), following="b"), seconds=5.0), (4.0, page(node_body(2)))]
    async with running(5.1):
        assert tokens(scripted) == [(0.0, None), (0.0, "b")]
        assert len(told) == 2


async def test_a_page_is_asked_for_only_while_the_one_before_it_arrives(
    scripted: ScriptedApi, cache: NodeCache, told: list[str], running: Running
) -> None:
    scripted.lists = [
        slow(page(node_body(1), following="b"), seconds=5.0),
        (page(node_body(2), following="c"),),
        (page(node_body(3)),),
    ]
    async with running(6):
        assert tokens(scripted) == [(0.0, None), (0.0, "b"), (5.0, "c")]
        assert len(told) == 3


async def test_where_a_page_does_not_say_in_front_how_to_go_on_the_next_one_waits_for_all_of_it(
    scripted: ScriptedApi, cache: NodeCache, told: list[str], running: Running
) -> None:
    metadata = {"resourceVersion": "1", "selfLink": "/" + "x" * HEAD, "continue": "b"}
    first = json.dumps({"metadata": metadata, "items": [node_body(1)]}).encode()
    scripted.lists = [slow(first, seconds=5.0), (page(node_body(2)),)]
    async with running(6):
        assert tokens(scripted) == [(0.0, None), (5.0, "b")]
        assert len(told) == 2


async def test_what_an_object_says_about_going_on_is_not_followed(
    scripted: ScriptedApi, cache: NodeCache, running: Running
) -> None:
    body = node_body(1)
    named = {"kind": "Node", "apiVersion": "v1", **body, "metadata": {"continue": "wrong", **body["metadata"]}}
    scripted.lists = [slow(page(named), seconds=1.0)]
    async with running(3):
        assert (tokens(scripted), len(cache)) == ([(0.0, None)], 1)


async def test_a_page_that_was_asked_for_by_mistake_does_not_count(
    scripted: ScriptedApi, cache: NodeCache, told: list[str], running: Running
) -> None:
    first = page(node_body(1), following="wrong").replace(b'"items":', b'"metadata":{"continue":"right"},"items":')
    scripted.lists = [slow(first, seconds=1.0), (page(node_body(9)),), (page(node_body(2)),)]
    async with running(2):
        assert [token for _, token in tokens(scripted)] == [None, "wrong", "right"]
        assert told == [node_body(number)["metadata"]["name"] for number in (1, 2)]


async def test_an_api_server_that_repeats_a_token_is_asked_each_time(scripted: ScriptedApi, running: Running) -> None:
    scripted.lists = [(1.0, page(following="a")) for _ in range(4)]
    async with running(3.5):
        assert len(tokens(scripted)) >= 3


async def test_a_page_that_fails_while_the_one_before_it_is_read_fails_the_list(
    scripted: ScriptedApi, cache: NodeCache, warnings: Warnings, running: Running
) -> None:
    refusal = KubernetesError(status=500, message="The disk is full.")
    scripted.lists = [slow(page(node_body(1), following="b"), seconds=5.0), (1.0, refusal)]
    async with running(5.1):
        assert not cache.synced
        assert ["The disk is full." in text for text in warnings()] == [True]


async def test_nothing_is_left_of_a_list_that_fails_while_two_pages_are_on_their_way(
    scripted: ScriptedApi, warnings: Warnings, running: Running
) -> None:
    failures = (KubernetesError(status=500, message="first"), KubernetesError(status=500, message="second"))
    head = page(node_body(1), following="b")[:150]
    scripted.lists = [(head, 5.0, failures[0]), (1.0, failures[1])]
    async with running(5.1):
        gc.collect()
        assert len(warnings()) == 1
        assert [task for task in asyncio.all_tasks() if "Reading" in repr(task)] == []


async def test_nothing_is_left_of_a_list_that_is_given_up(scripted: ScriptedApi, running: Running) -> None:
    scripted.lists = [slow(page(following="b"), seconds=1e9), (1e9,)]
    async with running(1):
        assert len(scripted.asked) == 2
    assert asyncio.get_running_loop().time() < 2
    assert [task for task in asyncio.all_tasks() if "Reading" in repr(task)] == []


async def test_a_page_that_takes_too_long_says_what_to_check(
    scripted: ScriptedApi, warnings: Warnings, running: Running
) -> None:
    scripted.lists = [(page(following="b")[:100], 1e9)]
    async with running(31):
        assert ["250 Nodes could not be read within 30 s." in text for text in warnings()] == [True]
