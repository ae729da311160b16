"""A TCP server that speaks as little HTTP as clients need and keeps what came through each connection."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

HANG_UP = 0
"""As a status: close the connection instead of answering."""


@dataclass
class Listener:
    """Answers with `statuses` in turn, then with 200. `on_request` is called for each request before its answer."""

    url: str = ""
    content: bytes = b"{}"
    statuses: list[int] = field(default_factory=list)
    on_request: Callable[[], None] = lambda: None
    requests: list[str] = field(default_factory=list)
    """The method of each request that came to its end, body included."""
    connections: list[bytearray] = field(default_factory=list)
    """All bytes of each so far."""
    closed: asyncio.Queue[bytearray] = field(default_factory=asyncio.Queue)
    """Those that the client closed."""

    _serving: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = bytearray()
        self.connections.append(connection)
        self._serving[asyncio.current_task()] = writer
        try:
            while True:
                head = await self._read(connection, reader.readuntil(b"\r\n\r\n"))
                declared = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
                await self._read(connection, reader.readexactly(int(declared[1]) if declared else 0))
                self.requests.append(head.split()[0].decode())
                self.on_request()
                status = self.statuses.pop(0) if self.statuses else 200
                if status == HANG_UP:
                    break
                last = b"Connection: close\r\n" if status >= 500 else b""
                length = len(self.content)
                writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n%b\r\n%b" % (status, length, last, self.content))
                if last:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            self.closed.put_nowait(connection)
        finally:
            writer.close()

    async def close(self) -> None:
        """End what clients keep open."""
        for writer in self._serving.values():
            writer.close()
        await asyncio.gather(*filter(None, self._serving))

    @staticmethod
    async def _read(connection: bytearray, reading: Awaitable[bytes]) -> bytes:
        try:
            part = await reading
        except asyncio.IncompleteReadError as error:
            connection += error.partial
            raise
        connection += part
        return part


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    listener = Listener()
    server = await asyncio.start_server(listener.serve, "127.0.0.1", 0)
    listener.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield listener
        await listener.close()
