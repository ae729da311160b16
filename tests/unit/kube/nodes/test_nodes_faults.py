"""Nothing ends the loop: streams that are cut, silent, garbled or refused, and what is told and waited."""

import asyncio
import itertools
import logging
from collections import Counter
from math import inf
from typing import Any

import pytest
from tests.unit.kube.nodes.scripted import (
    CLUSTER,
    LoopClock,
    Running,
    ScriptedApi,
    Warnings,
    bookmark,
    labelled,
    line,
    node_body,
    page,
    refused,
)

from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.kube.nodes.informer import NodeCache
from hyperpod_operator.kube.watch import object_stream

pytestmark = pytest.mark.looptime

NAME = "hyperpod-i-00000000000000001"
OTHER = "hyperpod-i-00000000000000002"
CUT = KubernetesError(status=0, message="cut off")


async def test_a_410_lists_at_once_and_finds_what_vanished(
    scripted: ScriptedApi, cache: NodeCache, told: list[str], running: Running
) -> None:
    scripted.lists = [(page(node_body(1), node_body(2)),), (page(node_body(2), position=50),)]
    scripted.watches = [(10.0, refused(410))]
    async with running(9):
        told.clear()
        await asyncio.sleep(2)
        assert told == [NAME]
        assert cache.of_cluster(CLUSTER) == (cache.get(OTHER),)
        assert scripted.times("list") == [0.0, 10.0]


async def test_a_410_as_the_answer_itself_means_the_same(
    scripted: ScriptedApi, cache: NodeCache, running: Running
) -> None:
    scripted.lists = [(page(node_body(1)),), (page(position=50),)]
    scripted.watches = [(KubernetesError(status=410, message="too old"),)]
    async with running(0.1):
        assert scripted.kinds == ["list", "watch", "list", "watch"]
        assert len(cache) == 0


async def test_a_410_between_pages_starts_the_list_over(
    scripted: ScriptedApi, cache: NodeCache, running: Running
) -> None:
    expired = KubernetesError(status=410, message="the continue token expired")
    scripted.lists = [(page(node_body(1), following="token"),), (expired,), (page(node_body(2)),)]
    async with running(0.1):
        assert scripted.kinds == ["list", "list", "list", "watch"]
        assert (cache.get(NAME), len(cache)) == (None, 1)


async def test_a_410_again_and_again_is_not_answered_with_a_storm(scripted: ScriptedApi, running: Running) -> None:
    scripted.lists = [(page(),)] * 100
    scripted.watches = [(refused(410),)] * 100
    async with running(60):
        assert scripted.times("list")[:5] == [0.0, 0.0, 1.0, 3.0, 7.0]
        assert len(scripted.times("list")) < 10


async def test_other_errors_in_the_stream_wait_and_then_list(
    scripted: ScriptedApi, cache: NodeCache, running: Running
) -> None:
    scripted.lists = [(page(node_body(1)),), (page(position=50),)]
    scripted.watches = [(10.0, refused(500))]
    async with running(12):
        assert scripted.times("list") == [0.0, 10.5]
        assert len(cache) == 0


@pytest.mark.parametrize(
    "rubbish",
    [(b"<html>bad gateway</html>\n", 1e9), (b'{"type":"MODIFIED","object":{"metada',), (bookmark(9)[:-10] + b"\n", 1e9),
     (line("MODIFIED", node_body(metadata={"resourceVersion": "x"})), 1e9)],
)  # fmt: skip
async def test_what_cannot_be_read_is_not_trusted_further(
    scripted: ScriptedApi, cache: NodeCache, running: Running, rubbish: Any, warnings: Warnings
) -> None:
    scripted.lists = [(page(node_body(1)),), (page(position=50),)]
    scripted.watches = [rubbish]
    async with running(5):
        assert scripted.times("list") == [0.0, 0.5]
        assert len(cache) == 0
    (warning,) = warnings()
    assert "Check that nothing between" in warning


async def test_an_endless_line_is_given_up(
    scripted: ScriptedApi, running: Running, monkeypatch: pytest.MonkeyPatch, warnings: Warnings
) -> None:
    monkeypatch.setattr(object_stream, "LONGEST_LINE", 100)
    scripted.lists = [(page(),), (page(),)]
    scripted.watches = [(b"x" * 60, b"x" * 60, 1e9)]
    async with running(5):
        assert scripted.kinds == ["list", "watch", "list", "watch"]
    assert "longer than 100 bytes" in warnings()[0]


async def test_a_stream_that_was_cut_goes_on_where_it_stopped(
    scripted: ScriptedApi, cache: NodeCache, told: list[str], running: Running
) -> None:
    scripted.lists = [(page(node_body(1)),)]
    half = line("DELETED", node_body(1, version=8))
    scripted.watches = [(line("ADDED", node_body(2, version=7)) + half[:30], CUT), (half, 1e9)]
    async with running(5):
        assert scripted.kinds == ["list", "watch", "watch"]
        assert scripted.asked[-1][1]["resourceVersion"] == "7"
        assert told == [NAME, OTHER, NAME]
        assert cache.get(NAME) is None


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_server_that_has_no_time_is_not_asked_for_a_list(
    scripted: ScriptedApi, running: Running, status: int
) -> None:
    scripted.lists = [(page(node_body(1), position=7),)]
    scripted.watches = [(KubernetesError(status=status, message="busy"),)] * 3
    async with running(60):
        assert scripted.kinds == ["list", "watch", "watch", "watch", "watch"]
        assert {query["resourceVersion"] for _, query in scripted.asked[1:]} == {"7"}


async def test_a_bookmark_moves_the_place_to_go_on_from(
    scripted: ScriptedApi, told: list[str], running: Running
) -> None:
    scripted.lists = [(page(),)]
    scripted.watches = [(bookmark(70), CUT)]
    async with running(5):
        assert scripted.asked[-1][1]["resourceVersion"] == "70"
        assert told == []


async def test_a_server_whose_history_went_back_is_listed_anew(
    scripted: ScriptedApi, cache: NodeCache, told: list[str], running: Running
) -> None:
    # After a restored backup the server keeps quiet about everything until it has caught up with our position.
    scripted.lists = [(page(node_body(1, version=90), position=90),), (page(labelled("X", version=8), position=10),)]
    scripted.watches = [(60.0, bookmark(9), 1e9), (line("DELETED", node_body(1, version=11)), 1e9)]
    async with running(61):
        assert told == [NAME, NAME, NAME]
        assert len(cache) == 0


async def test_a_watch_that_brings_nothing_at_all_is_followed_by_a_list(
    scripted: ScriptedApi, cache: NodeCache, told: list[str], running: Running
) -> None:
    """As an API server does whose etcd was restored from a backup: it sends not even bookmarks below our position."""
    scripted.lists = [(page(node_body(1, version=90), position=90),), (page(labelled("X", version=8), position=10),)]
    scripted.watches = [(1e9,), (line("DELETED", node_body(1, version=11)), 1e9)]
    async with running(71):
        assert scripted.times("list") == [0.0, 70.0]
        assert told == [NAME, NAME, NAME]
        assert len(cache) == 0


async def test_a_watch_that_fell_silent_goes_on_where_it_stopped(scripted: ScriptedApi, running: Running) -> None:
    scripted.lists = [(page(position=5),)]
    scripted.watches = [(60.0, bookmark(6), 1e9)]
    async with running(135):
        assert scripted.kinds == ["list", "watch", "watch"]
        assert scripted.asked[-1][1]["resourceVersion"] == "6"


async def test_silence_beyond_the_bookmarks_is_a_dead_stream(
    scripted: ScriptedApi, running: Running, warnings: Warnings
) -> None:
    scripted.lists = [(page(),)]
    scripted.watches = [(60.0, bookmark(2), 60.0, bookmark(3), 1e9)]
    async with running(191):
        assert scripted.times("watch") == [0.0, 190.5]
    (warning,) = warnings()
    assert "silent for 70 s" in warning
    assert "Check that the API server runs" in warning


async def test_a_list_that_hangs_is_given_up(
    scripted: ScriptedApi, cache: NodeCache, running: Running, warnings: Warnings
) -> None:
    scripted.lists = [(1e9,), (page(),)]
    async with running(32):
        assert cache.synced
    assert "within 30 s" in warnings()[0]


async def test_the_servers_own_end_is_no_fault(scripted: ScriptedApi, running: Running, warnings: Warnings) -> None:
    scripted.lists = [(page(),)]
    scripted.watches = [(*(60.0, bookmark(2)) * 4, 60.0), (*(60.0, bookmark(3)) * 4, 60.0)]
    async with running(601):
        assert scripted.times("watch") == [0.0, 300.0, 600.0]
        assert scripted.asked[1][1]["timeoutSeconds"] == "300"
    assert warnings() == []


async def test_a_server_that_never_ends_a_watch_is_left(
    scripted: ScriptedApi, running: Running, warnings: Warnings
) -> None:
    scripted.lists = [(page(),)]
    scripted.watches = [(60.0, bookmark(2)) * 100]
    async with running(311):
        assert scripted.times("watch") == [0.0, 310.0]
    assert warnings() == []


async def test_watches_that_end_at_once_are_not_renewed_in_a_storm(scripted: ScriptedApi, running: Running) -> None:
    scripted.lists = [(page(),)]
    scripted.watches = [()] * 100
    async with running(60):
        assert scripted.times("watch")[:4] == [0.0, 0.5, 1.5, 3.5]
        assert len(scripted.times("watch")) < 10


async def test_pauses_double_up_to_a_limit_and_start_over_after_a_steady_watch(
    scripted: ScriptedApi, running: Running
) -> None:
    scripted.lists = [(page(),)]
    scripted.watches = [(CUT,)] * 9 + [(31.0, bookmark(2), CUT), (CUT,), (bookmark(3), 1e9)]
    async with running(400):
        times = scripted.times("watch")
    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert pauses[:12] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 31.5, 1, 70 + 2]


async def test_chance_spreads_the_pauses(scripted: ScriptedApi, told: list[str]) -> None:
    cache = NodeCache(scripted, clock=LoopClock(), random=lambda: 0.0, on_change=told.append)
    scripted.lists = [(page(),)]
    scripted.watches = [(CUT,)]
    task = asyncio.create_task(cache.run())
    await asyncio.sleep(5)
    task.cancel()
    assert scripted.times("watch") == [0.0, 0.25]


async def test_an_outage_is_two_lines_in_the_log(
    scripted: ScriptedApi, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    scripted.lists = [(page(),)]
    scripted.watches = [(CUT,)] * 20 + [(31.0, bookmark(2), 1e9)]
    async with running(700):
        pass
    counts = Counter(record.getMessage() for record in caplog.records)
    assert counts["The watch of Nodes failed: cut off"] == 1
    assert counts["The watch of Nodes works again."] == 1


async def test_the_next_outage_is_told_again(scripted: ScriptedApi, running: Running, warnings: Warnings) -> None:
    scripted.lists = [(page(),)]
    scripted.watches = [(CUT,), (31.0, bookmark(2), CUT), (CUT,), (1.0, bookmark(3), 1e9)]
    async with running(60):
        assert warnings() == ["The watch of Nodes failed: cut off"] * 2


async def test_age_is_the_time_since_a_sign_of_life(scripted: ScriptedApi, cache: NodeCache, running: Running) -> None:
    scripted.lists = [(page(),)]
    scripted.watches = [(20.0, bookmark(2), CUT)] + [(CUT,)] * 99
    assert cache.age() == inf
    async with running(15):
        assert cache.age() == 15
        await asyncio.sleep(10)
        assert cache.age() == 5
        await asyncio.sleep(300)
        assert cache.age() == 305
        assert cache.synced


async def test_not_even_a_fault_of_ours_ends_the_loop(
    scripted: ScriptedApi, cache: NodeCache, running: Running, warnings: Warnings
) -> None:
    scripted.lists = [(ZeroDivisionError("ours"),), (ZeroDivisionError("ours"),), (page(node_body(1)),)]
    async with running(5):
        assert len(cache) == 1
    (warning,) = warnings()
    assert "please report" in warning
    assert "ZeroDivisionError: ours" in warning
