"""A server on this machine, and clients as plain as sockets are."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from hyperpod_operator.runtime.http.address import BindAddress
from hyperpod_operator.runtime.http.connection import Limits
from hyperpod_operator.runtime.http.message import Handler
from hyperpod_operator.runtime.http.server import HttpServer

Answer = tuple[int, dict[str, str], str]
Serve = Callable[..., HttpServer]
PATIENCE = 60.0
"""Seconds; far longer than anything takes, also on a busy machine."""


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts servers that the test need not stop."""
    async with AsyncExitStack() as stack:

        def start(
            handler: Handler, *, host: str = "127.0.0.1", limits: Limits | None = None, **rest: Any
        ) -> HttpServer:
            server = HttpServer(
                name="test", address=BindAddress(host=host, port=0), handler=handler, limits=limits, **rest
            )
            server.start()
            stack.push_async_callback(server.stop)
            return server

        yield start


class Client:
    """One connection, from its beginning to whatever its end is."""

    def __init__(self, port: int, *, host: str = "127.0.0.1", context: ssl.SSLContext | None = None) -> None:
        self._where = (host, port)
        self._context = context

    async def __aenter__(self) -> "Client":
        self._reader, self._writer = await asyncio.open_connection(*self._where, ssl=self._context)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.transport.abort()
        await asyncio.sleep(0)

    def send(self, text: str) -> None:
        self._writer.write(text.encode())

    async def all(self) -> str:
        """What comes until the server ends the connection."""
        async with asyncio.timeout(PATIENCE):
            try:
                return (await self._reader.read()).decode()
            except ConnectionError:
                return ""

    @property
    def socket(self) -> socket.socket:
        found: socket.socket = self._writer.get_extra_info("socket")
        return found


async def until(done: Callable[[], bool]) -> None:
    """Wait for something on the server's thread."""
    async with asyncio.timeout(PATIENCE):
        while not done():  # noqa: ASYNC110 - it happens on another loop
            await asyncio.sleep(0.01)


async def get(server: HttpServer, path: str, *, method: str = "GET", headers: str = "", **where: Any) -> Answer:
    """Status, headers by lower-case name, and body."""
    async with Client(server.port, **where) as client:
        client.send(f"{method} {path} HTTP/1.1\r\nHost: here\r\n{headers}\r\n")
        return parsed(await client.all())


def parsed(text: str) -> Answer:
    head, _, body = text.partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(first.split()[1]), headers, body
