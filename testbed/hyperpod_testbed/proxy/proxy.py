"""An HTTP proxy with a thread and an event loop of its own, for one upstream.

Bodies pass unchanged. Requests that count are shown to the gate, which may block: while it decides, nothing else
moves through this proxy, so whoever it kills is dead before the next byte.
"""

import asyncio
import contextlib
import ssl
import threading
from abc import ABC, abstractmethod
from typing import Self

import aiohttp
from aiohttp import web
from yarl import URL

from hyperpod_testbed.proxy.request import Gate, Request

START_SECONDS = 10.0
_HOP = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding", "te", "upgrade"})


class Proxy(ABC):
    """Listens on a free port of 127.0.0.1. `gate` may be set and taken away at any time."""

    scheme = "http"

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream.rstrip("/")
        self._loop = asyncio.new_event_loop()
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._failed: BaseException | None = None
        self._stopping: asyncio.Event | None = None
        self._count = 0
        self.gate: Gate | None = None
        self.port = 0

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def start(self) -> Self:
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)
        self._thread.start()
        if not self._ready.wait(START_SECONDS) or self._failed is not None:
            raise RuntimeError(f"the proxy to {self._upstream} did not start") from self._failed
        return self

    def stop(self) -> None:
        """Close every connection and end the thread."""
        if self._thread is None or self._stopping is None:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(START_SECONDS)
        self._thread = None

    # What a kind of proxy decides.

    @abstractmethod
    def counts(self, method: str, path: str, query: str) -> bool:
        """Whether a request is numbered and shown to the gate."""

    @abstractmethod
    def operation(self, request: web.BaseRequest, body: bytes) -> str:
        """The name of what a request asks for."""

    def serving(self) -> ssl.SSLContext | None:
        """The context to serve with; None for plain HTTP."""
        return None

    def calling(self) -> ssl.SSLContext | bool:
        """The context to call the upstream with."""
        return True

    def headers(self, request: web.BaseRequest) -> dict[str, str]:
        """What is forwarded. A compressed answer stays compressed."""
        return {name: value for name, value in request.headers.items() if name.lower() not in _HOP}

    def target(self, request: web.BaseRequest) -> str:
        """Path and query as the upstream gets them."""
        return request.raw_path

    async def relay(
        self,
        request: web.BaseRequest,  # noqa: ARG002 - for proxies that look at it
        answer: aiohttp.ClientResponse,
        out: web.StreamResponse,
    ) -> None:
        """Forward the body of an answer that does not count."""
        async for chunk in answer.content.iter_any():
            await out.write(chunk)

    # Serving.

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:
            self._failed = error
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        connector = aiohttp.TCPConnector(ssl=self.calling(), limit=0, force_close=False)
        timeout = aiohttp.ClientTimeout(total=None, connect=10)
        async with aiohttp.ClientSession(
            connector=connector,
            connector_owner=False,
            timeout=timeout,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as self._session:
            runner = web.ServerRunner(
                web.Server(self._handle, access_log=None), handle_signals=False, shutdown_timeout=0.2
            )
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self.serving())
            await site.start()
            self.port = runner.addresses[0][1]
            self._ready.set()
            await self._stopping.wait()
            await runner.cleanup()
            await _end_others()
        await connector.close(abort_ssl=True)  # a polite goodbye would outlive the loop
        await asyncio.sleep(0.05)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        seen = self._seen(request, body)
        if seen.number and self.gate is not None and not self.gate.before(seen):
            return _cut(request)
        url = URL(self._upstream + self.target(request), encoded=True)  # a signature covers it as it came
        try:
            async with self._session.request(
                request.method, url, headers=self.headers(request), data=body or None, allow_redirects=False
            ) as answer:
                if seen.number:
                    return await self._whole(request, seen, answer)
                return await self._streamed(request, answer)
        except (aiohttp.ClientError, ConnectionError, TimeoutError):
            return _cut(request)

    def _seen(self, request: web.BaseRequest, body: bytes) -> Request:
        path, _, query = request.raw_path.partition("?")
        number = 0
        if self.counts(request.method, path, query):
            self._count += 1
            number = self._count
        return Request(number, request.method, path, query, body, self.operation(request, body))

    async def _whole(
        self, request: web.BaseRequest, seen: Request, answer: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        content = await answer.read()
        if self.gate is not None and not self.gate.after(seen, answer.status):
            return _cut(request)
        return web.Response(status=answer.status, headers=_kept(answer), body=content)

    async def _streamed(self, request: web.BaseRequest, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        out = web.StreamResponse(status=answer.status, headers=_kept(answer))
        out.enable_chunked_encoding()
        await out.prepare(request)
        with contextlib.suppress(ConnectionError):
            await self.relay(request, answer, out)
            await out.write_eof()
        return out


async def _end_others() -> None:
    """Watches have no end of their own."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _kept(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}


def _cut(request: web.BaseRequest) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=502)
