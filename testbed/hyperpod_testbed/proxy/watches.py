"""What can go wrong with a watch, done to the streams that pass. Never a change of the order of one object's events.

All methods may be called from any thread and act on the streams of one plural that are open, or on the next ones.
"""

import asyncio
import json
import threading
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

import aiohttp
from aiohttp import web


@dataclass(eq=False)
class Stream:
    """One open watch: `ended` is set to end it, `stalled` to let nothing through any more."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)
    stalled: bool = False


class Watches:
    """The faults in force for watches of `plural`."""

    def __init__(self, *, loop: asyncio.AbstractEventLoop, plural: str) -> None:
        self._loop = loop
        self._plural = plural
        self._lock = threading.Lock()
        self._streams: set[Stream] = set()
        self._drop = self._repeat = 0
        self._truncate = False
        self._delay = 0.0
        self._since: str | None = None
        self._errors: list[tuple[int, str]] = []
        self.seen = 0
        """Events that came from the API server."""
        self.opened = 0
        """Streams that were ever opened."""

    def drop(self, events: int) -> None:
        """The next so many events are lost."""
        with self._lock:
            self._drop = events

    def repeat(self, events: int) -> None:
        """The next so many events come twice."""
        with self._lock:
            self._repeat = events

    def delay(self, seconds: float) -> None:
        """Every event comes so much later; 0 ends that."""
        with self._lock:
            self._delay = seconds

    def truncate(self) -> None:
        """The next event breaks off in the middle of its line, and the stream ends."""
        with self._lock:
            self._truncate = True

    def error(self, code: int, message: str = "scripted") -> None:
        """The open streams, or the next one, say ERROR with this status code, and go on."""
        with self._lock:
            self._errors.append((code, message))
        self.cut(politely=True)

    def cut(self, *, politely: bool = False) -> None:
        """Every open stream ends now: reset, or politely by an end of the answer."""
        for stream in list(self._streams):
            if politely:
                self._loop.call_soon_threadsafe(stream.ended.set)
            else:
                stream.stalled = True
                self._loop.call_soon_threadsafe(stream.ended.set)

    def stall(self) -> None:
        """The streams that are open now say nothing any more and stay open."""
        for stream in list(self._streams):
            stream.stalled = True

    def replay(self, resource_version: str) -> None:
        """The next watch starts at an older version than it asked for: the past comes again."""
        with self._lock:
            self._since = resource_version

    # For the proxy.

    def concerns(self, path: str, query: str) -> bool:
        return path.endswith(f"/{self._plural}") and dict(parse_qsl(query)).get("watch") in {"true", "1"}

    def query(self, query: str) -> str:
        """The query that the API server gets."""
        with self._lock:
            since, self._since = self._since, None
        if since is None:
            return query
        return urlencode({**dict(parse_qsl(query)), "resourceVersion": since})

    async def relay(self, request: web.BaseRequest, answer: aiohttp.ClientResponse, out: web.StreamResponse) -> None:
        """Forward line by line, with whatever is in force."""
        stream = Stream()
        self._streams.add(stream)
        self.opened += 1
        try:
            await self._relay(stream, request, answer, out)
        finally:
            self._streams.discard(stream)

    async def _relay(
        self, stream: Stream, request: web.BaseRequest, answer: aiohttp.ClientResponse, out: web.StreamResponse
    ) -> None:
        for code, message in self._taken_errors():
            status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message}
            await out.write(json.dumps({"type": "ERROR", "object": status}).encode() + b"\n")
        end = asyncio.ensure_future(stream.ended.wait())
        try:
            while True:
                line = asyncio.ensure_future(answer.content.readline())
                await asyncio.wait({line, end}, return_when=asyncio.FIRST_COMPLETED)
                if end.done():
                    line.cancel()
                    if stream.stalled and request.transport is not None:
                        request.transport.abort()
                    return
                if not line.result():
                    return
                if not await self._pass(stream, line.result(), out):
                    if request.transport is not None:
                        request.transport.close()
                    return
        finally:
            end.cancel()

    async def _pass(self, stream: Stream, line: bytes, out: web.StreamResponse) -> bool:
        """One event; False when the stream has to break off after it."""
        bookmark = b'"type":"BOOKMARK"' in line
        if not bookmark:
            self.seen += 1
        if self._delay:
            await asyncio.sleep(self._delay)
        if stream.stalled:
            return True
        with self._lock:
            dropped, repeated = not bookmark and self._drop > 0, not bookmark and self._repeat > 0
            broken = not bookmark and self._truncate
            self._drop -= dropped
            self._repeat -= repeated
            self._truncate = self._truncate and not broken
        if dropped:
            return True
        if broken:
            await out.write(line[: len(line) // 2])
            return False
        await out.write(line * 2 if repeated else line)
        return True

    def _taken_errors(self) -> list[tuple[int, str]]:
        with self._lock:
            taken, self._errors = self._errors, []
        return taken
