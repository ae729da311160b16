"""The socket: aiohttp on 127.0.0.1, in a thread with an event loop of its own.

The thread is what lets one simulator serve tests that block and tests that await, and processes beside them.
"""

import asyncio
import contextlib
import json
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import web

from hyperpod_testbed.simulator.api import Api, ConnectionDroppedError, new_request_id
from hyperpod_testbed.simulator.control import PREFIX, Control, UnknownVerbError
from hyperpod_testbed.simulator.wire import Request

_LOG = logging.getLogger(__name__)

STARTUP_SECONDS = 30.0
GOODBYE_SECONDS = 5.0
"""What runs in the background gets so long to end."""
LARGEST_BODY = 8 * 1024 * 1024
"""Bytes; UpdateCluster with a hundred full groups stays below."""


class Server:
    """Serves until stopped. `background` coroutines run in the same loop and are cancelled at the end."""

    def __init__(
        self, api: Api, control: Control, *, port: int, background: list[Callable[[], Coroutine[Any, Any, None]]]
    ) -> None:
        self._api = api
        self._control = control
        self._port = port
        self._background = background
        self._started = threading.Event()
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        return self._port

    @property
    def listening(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start the thread and wait until the socket listens."""
        self._thread = threading.Thread(target=self._run, name="hyperpod-simulator", daemon=True)
        self._thread.start()
        if not self._started.wait(STARTUP_SECONDS):
            raise RuntimeError(f"the simulator did not listen within {STARTUP_SECONDS:.0f} s")
        if self._error:
            raise RuntimeError(f"the simulator did not start: {self._error}") from self._error

    def stop(self) -> None:
        """Close the socket, end what runs in the background, and join the thread."""
        if self._loop and self._stop and self._thread and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            # The thread is a daemon: what hangs at its end (a connection to a dead API server) holds nobody up.
            self._thread.join(STARTUP_SECONDS)
        self._thread = None

    def run_in_loop(self, work: Coroutine[Any, Any, Any], *, timeout: float) -> Any:
        """Run a coroutine in the server's loop and wait for it, in real seconds."""
        if self._loop is None:
            work.close()
            raise RuntimeError("the simulator is not running")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            self._error = error
            if self._started.is_set():
                _LOG.exception("the simulator ended")
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_post(PREFIX + "{verb}", self._on_control)
        app.router.add_get(PREFIX + "health", self._on_health)
        app.router.add_route("*", "/{path:.*}", self._on_call)
        # A caller that gives up does not stop what it asked for: AWS works on.
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", self._port)
            await site.start()
            self._port = runner.addresses[0][1]
            tasks = [asyncio.create_task(work()) for work in self._background]
            self._started.set()
            await self._stop.wait()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=GOODBYE_SECONDS)
        finally:
            await runner.cleanup()

    async def _on_call(self, request: web.Request) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        asked = Request(request.method, path, query, request.headers, await request.read())
        request_id = new_request_id()
        try:
            reply = await self._api.handle(asked, request_id=request_id)
        except ConnectionDroppedError:
            if request.transport:
                request.transport.abort()
            return web.Response()
        return web.Response(
            status=reply.status,
            body=reply.body,
            headers=reply.sent(request_id=request_id),
        )

    async def _on_control(self, request: web.Request) -> web.StreamResponse:
        try:
            arguments = json.loads(await request.read() or b"{}")
            if not isinstance(arguments, dict):
                raise ValueError("the arguments of a verb are a JSON object")
            result = self._control.call(request.match_info["verb"], arguments)
        except UnknownVerbError as error:
            return web.json_response({"error": str(error)}, status=404)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"result": result})

    async def _on_health(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"verbs": self._control.verbs()})


async def every(seconds: float, action: Callable[[], None]) -> None:
    """Do something again and again, in real seconds, until cancelled."""
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            action()
            await asyncio.sleep(seconds)
