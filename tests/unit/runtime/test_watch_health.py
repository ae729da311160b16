"""Whether the watch is alive, judged by a real HTTP stream."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from math import inf
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from hyperpod_operator.runtime.watch_health import WatchHealth

LIST = "/apis/g/v1/things"
STATUS: web.AppKey[list[int]] = web.AppKey("status", list)


@pytest.fixture
def health(clock: Any) -> WatchHealth:
    return WatchHealth(clock=clock, plurals=("things",))


class Server:
    """Lists, and streams one line each time the test says so."""

    def __init__(self) -> None:
        self.status = 200
        self.lines: asyncio.Queue[bytes] = asyncio.Queue()
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("watch") != "true":
            return web.json_response({"items": []}, status=self.status)
        response = web.StreamResponse()
        await response.prepare(request)
        while line := await self.lines.get():
            await response.write(line)
        return response


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_get("/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    server.lines.put_nowait(b"")
    await runner.cleanup()


@pytest.fixture
async def session(health: WatchHealth, server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    health.started()
    async with aiohttp.ClientSession(server.url, trace_configs=[health.tracing()]) as session:
        yield session


async def test_before_kopf_starts_nothing_is_expected(health: WatchHealth, clock: Any) -> None:
    clock.blocked = 1000
    assert health.fault() is None
    assert health.not_ready() == "the watch is not started"


async def test_a_list_alone_is_not_a_watch(health: WatchHealth, session: aiohttp.ClientSession) -> None:
    await session.get(LIST)
    assert not health.first_list.is_set()
    assert "first list of things is not done" in (health.not_ready() or "")


async def test_an_open_stream_is_ready(health: WatchHealth, session: aiohttp.ClientSession) -> None:
    async with session.get(LIST, params={"watch": "true"}):
        assert health.first_list.is_set()
        assert health.not_ready() is None
        assert health.age() < 60


async def test_bytes_count_when_they_are_read(
    health: WatchHealth, session: aiohttp.ClientSession, server: Server, clock: Any
) -> None:
    async with session.get(LIST, params={"watch": "true"}) as response:
        clock.blocked = 100
        server.lines.put_nowait(b"{}\n")
        await asyncio.sleep(0.05)
        assert re.search(r"nothing was heard from the API server for 1\d\d s", health.not_ready() or "")
        chunks = response.content.iter_chunked(1024)
        assert await anext(aiter(chunks)) == b"{}\n"
        assert health.not_ready() is None


async def test_reading_a_stream_to_its_end_works_as_without_a_listener(
    health: WatchHealth, session: aiohttp.ClientSession, server: Server
) -> None:
    for line in (b"one\n", b"two\n", b""):
        server.lines.put_nowait(line)
    async with session.get(LIST, params={"watch": "true"}) as response:
        assert b"".join([chunk async for chunk in response.content.iter_chunked(3)]) == b"one\ntwo\n"


async def lines_of(session: aiohttp.ClientSession, server: Server, *, since: str) -> bytes:
    """What Kopf reads of a stream that the server ends without another word."""
    server.lines.put_nowait(b"")
    async with session.get(LIST, params={"watch": "true", "resourceVersion": since}) as response:
        return b"".join([chunk async for chunk in response.content.iter_chunked(1024)])


async def test_where_a_stream_brought_nothing_kopf_is_told_to_list(
    session: aiohttp.ClientSession, server: Server, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """As an API server does whose etcd was restored from a backup, until it has come as far as before."""
    assert await lines_of(session, server, since="90") == b""
    clock.blocked = 70
    (said,) = (await lines_of(session, server, since="90")).splitlines()
    assert json.loads(said)["type"] == "ERROR"
    assert json.loads(said)["object"]["code"] == 410
    assert "brought nothing for 70 s" in caplog.text
    assert await lines_of(session, server, since="10") == b""


async def test_a_stream_that_is_cut_again_and_again_costs_no_list_each_time(
    session: aiohttp.ClientSession, server: Server, clock: Any
) -> None:
    for second in range(0, 60, 10):
        clock.blocked = second
        assert await lines_of(session, server, since="90") == b""


async def test_a_stream_that_brought_something_goes_on_where_it_stopped(
    session: aiohttp.ClientSession, server: Server, clock: Any
) -> None:
    server.lines.put_nowait(b"{}\n")
    assert await lines_of(session, server, since="90") == b"{}\n"
    clock.blocked = 70
    assert await lines_of(session, server, since="90") == b""


async def test_a_stream_from_another_position_is_another_one(
    session: aiohttp.ClientSession, server: Server, clock: Any
) -> None:
    await lines_of(session, server, since="90")
    clock.blocked = 70
    assert await lines_of(session, server, since="91") == b""


async def test_other_kinds_do_not_count(health: WatchHealth, session: aiohttp.ClientSession) -> None:
    await session.get("/apis/g/v1/others", params={"watch": "false"})
    assert health.age() == inf


async def test_kopf_that_tries_in_vain_is_not_hung(
    health: WatchHealth, session: aiohttp.ClientSession, server: Server, clock: Any
) -> None:
    server.status = 500
    clock.blocked = 150
    await session.get(LIST)
    clock.blocked = 300
    assert health.fault() is None
    assert health.not_ready() is not None


async def test_kopf_that_does_not_even_try_is_hung(
    health: WatchHealth, session: aiohttp.ClientSession, clock: Any
) -> None:
    await session.get(LIST)
    clock.blocked = 181
    assert "has not tried anything for 181 s" in (health.fault() or "")


async def test_every_namespace_has_a_stream_of_its_own(clock: Any, server: Server) -> None:
    health = WatchHealth(clock=clock, plurals=("things",), streams=2)
    health.started()
    async with aiohttp.ClientSession(server.url, trace_configs=[health.tracing()]) as session:
        one = await session.get("/apis/g/v1/namespaces/one/things", params={"watch": "true"})
        assert not health.first_list.is_set()
        two = await session.get("/apis/g/v1/namespaces/two/things", params={"watch": "true"})
        assert health.first_list.is_set()
        one.close()
        two.close()


async def test_a_refusal_is_remembered_until_the_next_login(
    health: WatchHealth, session: aiohttp.ClientSession, server: Server
) -> None:
    server.status = 401
    await session.get("/apis")
    assert (health.refused, health.accepted) == (True, False)
    health.tracing()
    assert not health.refused


async def test_a_stream_that_never_starts_is_not_hidden_by_one_that_runs(clock: Any, server: Server) -> None:
    health = WatchHealth(clock=clock, plurals=("things",), streams=2)
    health.started()
    async with aiohttp.ClientSession(server.url, trace_configs=[health.tracing()]) as session:
        clock.blocked = 181
        one = await session.get("/apis/g/v1/namespaces/one/things", params={"watch": "true"})
        assert "has not tried anything" in (health.fault() or "")
        one.close()
