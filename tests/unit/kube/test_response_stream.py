"""An answer that gathers: nothing is lost, nothing comes before its time, and an end is still seen."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest
from aiohttp import web

from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.watch.response_stream import ResponseStream

PIECES = [f"piece {number} ".encode() * 500 for number in range(40)]
Serve = Callable[[Callable[[web.StreamResponse], Awaitable[None]]], Awaitable[None]]


@pytest.fixture
async def serve(api: ApiServer) -> AsyncIterator[Serve]:
    """Let a function write the answer to GET /x."""
    runners: list[web.AppRunner] = []

    async def start(write: Callable[[web.StreamResponse], Awaitable[None]]) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            response.enable_chunked_encoding()
            await response.prepare(request)
            await write(response)
            return response

        app = web.Application()
        app.router.add_get("/x", answer)
        runners.append(web.AppRunner(app, shutdown_timeout=0.1))
        await runners[0].setup()
        await web.TCPSite(runners[0], "127.0.0.1", 0).start()
        api._configuration.host = f"http://127.0.0.1:{runners[0].addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


async def in_pieces(response: web.StreamResponse) -> None:
    for piece in PIECES:
        await response.write(piece)
        await asyncio.sleep(0.002)


async def gathered(answer: ResponseStream, *, seconds: float) -> list[bytes]:
    found = []
    while part := await answer.read():
        found.append(part)
        await answer.gather(partial(asyncio.sleep, seconds))
    return found


async def test_what_gathers_is_read_whole_and_in_order(api: ApiServer, serve: Serve) -> None:
    await serve(in_pieces)
    async with api.stream("/x") as answer:
        found = await gathered(answer, seconds=0.02)
    assert b"".join(found) == b"".join(PIECES)


async def test_several_pieces_are_one_read(api: ApiServer, serve: Serve) -> None:
    await serve(in_pieces)
    async with api.stream("/x") as answer:
        found = await gathered(answer, seconds=0.05)
    assert len(found) < len(PIECES) / 2


async def test_more_than_any_buffer_holds_gets_through(api: ApiServer, serve: Serve) -> None:
    async def write(response: web.StreamResponse) -> None:
        for _ in range(64):
            await response.write(b"x" * 65_536)

    await serve(write)
    async with api.stream("/x") as answer:
        found = await gathered(answer, seconds=0.001)
    assert sum(map(len, found)) == 64 * 65_536


async def test_a_connection_that_is_cut_meanwhile_is_noticed(api: ApiServer, serve: Serve) -> None:
    async def write(response: web.StreamResponse) -> None:
        await response.write(b"some")
        assert response._req is not None
        assert response._req.transport is not None
        response._req.transport.abort()

    await serve(write)
    with pytest.raises(KubernetesError) as caught:
        async with api.stream("/x") as answer:
            await gathered(answer, seconds=0.02)
    assert caught.value.status == 0


async def test_an_answer_that_is_over_can_be_asked_to_gather(api: ApiServer, serve: Serve) -> None:
    async def write(response: web.StreamResponse) -> None:
        await response.write(b"all")

    await serve(write)
    async with api.stream("/x") as answer:
        assert await answer.read() == b"all"
        assert await answer.read() == b""
        await answer.gather(partial(asyncio.sleep, 0.001))
        assert await answer.read() == b""
