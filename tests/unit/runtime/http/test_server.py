"""One answer a connection, from a bounded number of connections, each within its deadlines."""

import asyncio
import socket
import threading
import time
import tracemalloc
from contextlib import AsyncExitStack, ExitStack
from http import HTTPStatus

import pytest
from tests.unit.runtime.http.conftest import PATIENCE, Client, Serve, get, parsed, until

from hyperpod_operator.runtime.http.address import BindAddress
from hyperpod_operator.runtime.http.connection import Limits
from hyperpod_operator.runtime.http.message import MOST_HEADER, Request, Response
from hyperpod_operator.runtime.http.server import HttpServer

QUICK = Limits(header=0.2, answer=0.2, send=0.2)
BEGUN = "GET / HTTP/1.1\r\nHost: x\r\nX-A: "


async def hello(request: Request) -> Response:
    return Response.text(f"hello {request.path}")


async def test_a_get_is_answered_and_the_connection_closed(serve: Serve) -> None:
    status, headers, body = await get(serve(hello), "/a?b=c")
    assert (status, body, headers["connection"]) == (200, "hello /a\n", "close")
    assert int(headers["content-length"]) == len(body)


async def test_a_head_has_no_body(serve: Serve) -> None:
    status, headers, body = await get(serve(hello), "/a", method="HEAD")
    assert (status, headers["content-length"], body) == (200, "9", "")


async def test_nothing_but_reading_is_answered(serve: Serve) -> None:
    status, headers, _ = await get(serve(hello), "/", method="POST")
    assert (status, headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "line", ["hello", "GET / SMTP/1", "GET http://other/ HTTP/1.1", "GET / HTTP/1.1\r\nno colon", ""]
)
async def test_what_is_no_request_is_refused(serve: Serve, line: str) -> None:
    async with Client(serve(hello).port) as client:
        client.send(f"{line}\r\n\r\n")
        assert parsed(await client.all())[0] == 400


@pytest.mark.parametrize("end", ["", "\r\n\r\n"])
async def test_endless_headers_are_refused(serve: Serve, end: str) -> None:
    async with Client(serve(hello).port) as client:
        client.send(f"{BEGUN}{'x' * MOST_HEADER}{end}")
        assert parsed(await client.all())[0] == 431


async def test_headers_that_come_in_pieces_are_put_together(serve: Serve) -> None:
    async with Client(serve(hello).port) as client:
        for piece in ("GET /a HT", "TP/1.1\r\nHost: x\r", "\n\r", "\n"):
            client.send(piece)
            await asyncio.sleep(0.01)
        assert parsed(await client.all())[2] == "hello /a\n"


async def test_of_pipelined_requests_the_first_is_answered(serve: Serve) -> None:
    async with Client(serve(hello).port) as client:
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
        assert (await client.all()).count("HTTP/1.1 200") == 1


async def test_a_request_that_never_ends_is_cut_off(serve: Serve) -> None:
    async with Client(serve(hello, limits=QUICK).port) as client:
        client.send(BEGUN)
        assert await client.all() == ""


async def test_a_trickle_does_not_move_the_deadline(serve: Serve) -> None:
    async with Client(serve(hello, limits=QUICK).port) as client:
        started = time.monotonic()
        ended = asyncio.create_task(client.all())
        while not ended.done():
            client.send("x")
            await asyncio.sleep(0.02)
        assert await ended == ""
        assert time.monotonic() - started < PATIENCE


async def test_a_handler_that_takes_too_long_is_a_503(serve: Serve) -> None:
    async def slow(_: Request) -> Response:
        await asyncio.Event().wait()
        raise AssertionError

    assert (await get(serve(slow, limits=Limits(answer=0.2)), "/"))[0] == 503


async def test_a_handler_that_fails_is_a_500_that_tells_nothing(serve: Serve) -> None:
    async def broken(_: Request) -> Response:
        raise ValueError("secret")

    status, _, body = await get(serve(broken), "/")
    assert status == 500
    assert "secret" not in body


async def test_an_answer_that_nobody_takes_is_cut_off(serve: Serve) -> None:
    asked: list[Request] = []

    async def large(request: Request) -> Response:
        asked.append(request)
        return Response(body=b"x" * 50_000_000)

    server = serve(large, limits=Limits(send=0.2))
    with socket.create_connection(("127.0.0.1", server.port)) as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.sendall(b"GET / HTTP/1.1\r\n\r\n")
        await until(lambda: asked != [] and server.connections == 0)


async def test_clients_that_do_not_read_share_one_page(serve: Serve) -> None:
    """Each keeps a piece or two of it in the operator."""
    page = Response(body=b"x" * 8_000_000)

    async def large(_: Request) -> Response:
        return page

    server = serve(large)
    with ExitStack() as stack:
        tracemalloc.start()
        stack.callback(tracemalloc.stop)
        lazy = [stack.enter_context(socket.socket()) for _ in range(24)]
        for one in lazy:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.connect(("127.0.0.1", server.port))
            one.sendall(b"GET / HTTP/1.1\r\n\r\n")
        await until(lambda: all(one.recv(1, socket.MSG_PEEK) for one in lazy))
        await asyncio.sleep(0.2)
        assert tracemalloc.get_traced_memory()[0] < len(page.body)


async def test_the_connection_that_waits_longest_makes_room_for_the_next(serve: Serve) -> None:
    server = serve(hello, limits=Limits(connections=4))
    async with AsyncExitStack() as stack:
        lazy = [await stack.enter_async_context(Client(server.port)) for _ in range(4)]
        for one in lazy:
            one.send(BEGUN)
        assert (await get(server, "/"))[0] == 200
        assert await lazy[0].all() == ""
        lazy[3].send("\r\n\r\n")
        assert parsed(await lazy[3].all())[0] == 200


async def test_more_connections_than_the_limit_are_never_open(serve: Serve) -> None:
    server = serve(hello, limits=Limits(connections=8))
    async with AsyncExitStack() as stack:
        for _ in range(200):
            client = await stack.enter_async_context(Client(server.port))
            client.send(BEGUN)
            assert server.connections <= 8
        assert (await get(server, "/"))[0] == 200


async def test_a_crowd_that_asks_at_once_is_answered_however_few_may_be_open(serve: Serve) -> None:
    """Who asks is read before the next one comes in: only those that keep the server waiting make room."""
    server = serve(hello, limits=Limits(connections=16))

    def crowd() -> list[bytes]:
        with ExitStack() as stack:
            asking = []
            for _ in range(200):
                client = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE))
                client.sendall(b"GET / HTTP/1.1\r\n\r\n")
                asking.append(client)
            return [client.recv(12) for client in asking]

    assert set(await asyncio.to_thread(crowd)) == {b"HTTP/1.1 200"}


async def test_connections_beyond_the_pace_wait(serve: Serve) -> None:
    server = serve(hello, limits=Limits(accepts_per_second=50.0))
    started = time.monotonic()
    for _ in range(30):
        assert (await get(server, "/"))[0] == 200
    assert time.monotonic() - started > 0.4


async def test_it_answers_while_the_main_loop_is_blocked(serve: Serve) -> None:
    server = serve(hello)
    said = []

    def ask() -> None:
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            said.append(client.recv(1000))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()  # blocks this loop
    assert said[0].startswith(b"HTTP/1.1 200")


async def test_a_port_that_is_taken_is_said_so(serve: Serve) -> None:
    taken = BindAddress(host="127.0.0.1", port=serve(hello).port)
    with pytest.raises(OSError, match="in use"):
        HttpServer(name="second", address=taken, handler=hello).start()


async def test_a_stopped_server_has_closed_its_port_and_its_connections() -> None:
    server = HttpServer(name="test", address=BindAddress(host="127.0.0.1", port=0), handler=hello)
    server.start()
    async with Client(server.port) as client:
        client.send(BEGUN)
        await until(lambda: server.connections == 1)
        await server.stop()
        assert await client.all() == ""
    with pytest.raises(ConnectionRefusedError):
        await get(server, "/")


async def test_the_reason_phrase_is_that_of_the_status(serve: Serve) -> None:
    async def nothing(_: Request) -> Response:
        return Response.text("no", status=HTTPStatus.NOT_FOUND)

    async with Client(serve(nothing).port) as client:
        client.send("GET / HTTP/1.0\r\n\r\n")
        assert (await client.all()).startswith("HTTP/1.1 404 Not Found\r\n")
