"""Answers that arrive bit by bit, from a server that answers over HTTP."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from tests.unit.kube.conftest import FakeServer

from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.watch.response_stream import ResponseStream


async def content(api: ApiServer, path: str) -> bytes:
    async with api.stream(path, query={"a": "b"}) as answer:
        return b"".join([part async for part in parts(answer)])


async def parts(answer: ResponseStream) -> AsyncIterator[bytes]:
    while part := await answer.read():
        yield part


async def test_a_stream_carries_token_name_and_query(api: ApiServer, server: FakeServer) -> None:
    server.default = (200, "x" * 1_000_000)
    assert len(await content(api, "/x")) == 1_000_000
    (request,) = server.requests
    assert request.headers["Authorization"] == "Bearer secret-token"
    assert request.headers["User-Agent"].startswith("hyperpod-operator/")
    assert (request.method, request.path, request.query) == ("GET", "/x", {"a": "b"})


async def test_a_refused_stream_says_what_to_do(api: ApiServer, server: FakeServer) -> None:
    server.default = (403, {"kind": "Status", "message": "nodes is forbidden"})
    with pytest.raises(KubernetesError, match=r"nodes is forbidden\. Grant this") as caught:
        await content(api, "/x")
    assert caught.value.status == 403


async def test_nobody_at_the_address_has_status_0(api: ApiServer, server: FakeServer) -> None:
    await server_down(api)
    with pytest.raises(KubernetesError, match="Check that the API server runs") as caught:
        await content(api, "/x")
    assert caught.value.status == 0


async def server_down(api: ApiServer) -> None:
    api._configuration.host = "http://127.0.0.1:9"


@pytest.fixture
async def cut_server(api: ApiServer) -> AsyncIterator[None]:
    """Sends a few bytes of a chunked answer and drops the connection."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b"some bytes")
        await asyncio.sleep(0.05)
        assert request.transport is not None
        request.transport.abort()
        return response

    app = web.Application()
    app.router.add_get("/x", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    api._configuration.host = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield
    await runner.cleanup()


@pytest.mark.usefixtures("cut_server")
async def test_a_stream_that_is_cut_gives_what_came_and_ends_with_status_0(api: ApiServer) -> None:
    came: list[bytes] = []

    async def follow() -> None:
        async with api.stream("/x") as answer:
            while True:
                came.append(await answer.read())

    with pytest.raises(KubernetesError, match="or not to its end") as caught:
        await follow()
    assert caught.value.status == 0
    assert came == [b"some bytes"]
