"""The last moment before a request leaves for the API server: it has its connection, and none of it is written.

aiohttp announces that moment as `on_request_headers_sent`, after a connection was acquired and before the body
("Request life cycle", docs.aiohttp.org), and does so for each attempt: it repeats a PUT or a DELETE by itself where the
server closed the connection. What is raised there ends the request, closes the connection and reaches the caller.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import SimpleNamespace

import aiohttp


class Wire:
    """Asks before requests leave. A session carries `trace`; only what is sent within `asking` is asked about."""

    def __init__(self) -> None:
        self._check = ContextVar[Callable[[], None]]("hyperpod_operator_wire", default=lambda: None)
        self.trace = aiohttp.TraceConfig()
        self.trace.on_request_headers_sent.append(self._leaving)

    @contextmanager
    def asking(self, check: Callable[[], None]) -> Iterator[None]:
        """Call `check` before each request of this task leaves; it raises to stop it.

        What it raises is neither an OSError nor one of aiohttp's errors: those count as a server that does not answer.
        """
        before = self._check.set(check)
        try:
            yield
        finally:
            self._check.reset(before)

    async def _leaving(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, _params: aiohttp.TraceRequestHeadersSentParams
    ) -> None:
        self._check.get()()
