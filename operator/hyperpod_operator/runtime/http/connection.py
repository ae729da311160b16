"""One connection: one request within a deadline, one answer within another, and the end."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from hyperpod_operator.runtime.http.message import MOST_HEADER, Handler, Request, Response, parse

logger = logging.getLogger(__name__)

_END = b"\r\n\r\n"
PIECE = 64 * 1024
"""Bytes of an answer that are handed on at once. A client that does not read keeps a piece or two, not a whole page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one server grants its clients. Times in seconds."""

    connections: int = 256
    """At the same time; the one that has kept the server waiting longest makes room for the next."""
    accepts_per_second: float = 1000.0
    """Further connections wait in the kernel: a flood costs the operator a bounded share of its CPU."""
    header: float = 5.0
    """From the connection, TLS included, to the end of the request's headers."""
    answer: float = 10.0
    """Until the answer is made."""
    send: float = 10.0
    """Until the client has taken it."""


class Connection(asyncio.Protocol):
    """`ended` is called once when the connection is over."""

    def __init__(self, *, handler: Handler, limits: Limits, ended: Callable[[], None]) -> None:
        self._handler = handler
        self._limits = limits
        self._ended = ended
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._work: asyncio.Task[None] | None = None
        self._received = bytearray()
        self._room = asyncio.Event()
        self._room.set()
        self.asked = False
        """Whether its request is complete: it waits for us, not we for it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a stream transport is expected")
        self._transport = transport
        self._within(self._limits.header)

    def data_received(self, data: bytes) -> None:
        if self.asked:
            return  # pipelined: one request is answered
        searched = max(0, len(self._received) - len(_END) + 1)
        self._received += data
        end = self._received.find(_END, searched)
        if end < 0 and len(self._received) <= MOST_HEADER:
            return
        self.asked = True
        if self._transport is not None:
            self._transport.pause_reading()
        head = bytes(self._received[:end]) if 0 <= end <= MOST_HEADER else None
        self._received.clear()
        self._within(self._limits.answer + self._limits.send)
        self._work = asyncio.get_running_loop().create_task(self._respond(head))

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the name is asyncio's
        if self._timer is not None:
            self._timer.cancel()
        if self._work is not None:
            self._work.cancel()
        self._ended()

    def abort(self) -> None:
        """End it now, without a goodbye."""
        if self._transport is not None:
            self._transport.abort()

    def _within(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.abort)

    async def _respond(self, head: bytes | None) -> None:
        request = None if head is None else parse(head)
        if head is None:
            response = Response.text("the headers are too long", status=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif request is None:
            response = Response.text("this is not an HTTP/1.1 request", status=HTTPStatus.BAD_REQUEST)
        elif request.method not in ("GET", "HEAD"):
            response = Response.text(
                "only GET is supported", status=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET, HEAD"}
            )
        else:
            response = await self._handled(request)
        if self._transport is None or self._transport.is_closing():
            return
        self._within(self._limits.send)
        self._transport.write(response.head())
        if request is None or request.method != "HEAD":
            await self._send(response.body, self._transport)
        self._transport.close()  # once it is sent

    async def _send(self, body: bytes, transport: asyncio.Transport) -> None:
        """Piece by piece, as the client takes them: all connections share the body."""
        with memoryview(body) as whole:
            for begin in range(0, len(whole), PIECE):
                await self._room.wait()
                transport.write(bytes(whole[begin : begin + PIECE]))

    async def _handled(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(self._limits.answer):
                return await self._handler(request)
        except TimeoutError:
            return Response.text("no response in time", status=HTTPStatus.SERVICE_UNAVAILABLE)
        except Exception:
            logger.exception("GET %s failed because of an error in the operator; please report it.", request.path)
            return Response.text("an error in the operator; see its log", status=HTTPStatus.INTERNAL_SERVER_ERROR)
