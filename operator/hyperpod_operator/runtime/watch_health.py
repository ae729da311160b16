"""Is the watch alive? Kopf does not say, so its connections are listened to.

Kopf 1.45 exposes neither its streams nor their bookmarks, but it takes an HTTP session from the login handler, and
aiohttp lets a session be traced. So the truth is taken where it is: at which moment did Kopf try, get an answer,
and read bytes of the stream of our kind. The API server sends a bookmark about every minute, and Kopf gives up a
stream that is silent for 70 s, so an age beyond that means that nothing reaches us. Bytes count when Kopf reads
them, not when they arrive: a reader that hangs is dead as well.

Sources: aiohttp TraceConfig; "Watch bookmarks" in the Kubernetes API concepts; Kopf `watching.inactivity_timeout`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from math import inf
from types import SimpleNamespace
from typing import Any

import aiohttp

from hyperpod_operator.core.ports import Clock
from hyperpod_operator.core.watching import SILENT

log = logging.getLogger(__name__)

MUTE = 60.0
"""Seconds without a byte after which a stream that is opened again at the same position counts as one that brings
nothing at all: bookmarks come within about a minute."""
STUCK = 180.0
"""Seconds without even an attempt after which Kopf counts as hung (not alive): its own timeouts are shorter."""


class WatchHealth:
    """Signs of life of Kopf's watch streams on `plurals`. `streams` is how many there should be."""

    def __init__(self, *, clock: Clock, plurals: tuple[str, ...], streams: int = 1) -> None:
        self._clock = clock
        self._plurals = plurals
        self._streams = streams
        self._heard: dict[str, float] = {}
        self._tried: dict[str, float] = {}
        self._watching: set[str] = set()
        self._mute: dict[str, tuple[str, float]] = {}
        """Streams that have brought nothing yet: from which position, and since when."""
        self._started: float | None = None
        self.first_list = asyncio.Event()
        """Set once every stream has listed: Kopf watches only what it has listed."""
        self.refused = False
        """Whether the API server answered 401 since the last `tracing`."""
        self.accepted = False
        """Whether it answered 200 since then."""

    def started(self) -> None:
        """Kopf starts now: from here on silence counts."""
        self._started = self._clock.monotonic()

    def tracing(self) -> aiohttp.TraceConfig:
        """What a new session of Kopf must carry to be listened to."""
        self.refused = self.accepted = False
        config = aiohttp.TraceConfig()
        config.on_request_start.append(self._on_start)
        config.on_request_end.append(self._on_end)
        return config

    def age(self) -> float:
        """Seconds since the stream that was silent longest was heard; infinite before all were heard once."""
        if len(self._heard) < self._streams:
            return inf
        return self._clock.monotonic() - min(self._heard.values())

    def not_ready(self) -> str | None:
        """Why objects' changes do not reach us at the moment, or None."""
        if self._started is None:
            return "the watch is not started"
        if not self.first_list.is_set():
            return f"the first list of {' and '.join(self._plurals)} is not done yet"
        age = self.age()
        if age > SILENT:
            return f"nothing was heard from the API server for {age:.0f} s; Kopf reconnects by itself"
        return None

    def fault(self) -> str | None:
        """Why a restart would help: Kopf does not even try. None while it does, or before it was started."""
        if self._started is None:
            return None
        last = max(self._started, self._oldest(self._tried), self._oldest(self._heard))
        age = self._clock.monotonic() - last
        return f"the watch has not tried anything for {age:.0f} s" if age > STUCK else None

    async def _on_start(
        self,
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        params: aiohttp.TraceRequestStartParams,
    ) -> None:
        if self._is_ours(params.url.path):
            self._tried[params.url.path] = self._clock.monotonic()

    async def _on_end(
        self,
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        params: aiohttp.TraceRequestEndParams,
    ) -> None:
        path, response = params.url.path, params.response
        if response.status == 401:
            self.refused = True
        self.accepted = self.accepted or response.status == 200
        if response.status != 200 or not self._is_ours(path):
            return
        self._heard[path] = self._clock.monotonic()
        if params.url.query.get("watch") == "true":
            self._watching.add(path)
            if len(self._watching) >= self._streams:
                self.first_list.set()
            # Kopf reads the stream with `iter_chunked` alone; everything else passes through (the type cannot say so).
            heard = _Gone if self._is_mute(path, params.url.query.get("resourceVersion", "")) else _Heard
            response.content = heard(response.content, lambda: self._hear(path))  # type: ignore[assignment]

    def _oldest(self, moments: dict[str, float]) -> float:
        """The moment of the stream that lags behind most; minus infinity while one has none at all."""
        return min(moments.values()) if len(moments) >= self._streams else -inf

    def _hear(self, path: str) -> None:
        self._heard[path] = self._clock.monotonic()
        self._mute.pop(path, None)

    def _is_mute(self, path: str, position: str) -> bool:
        """Whether an earlier stream from this position brought nothing. Where etcd was restored from a backup, the API
        server has not come so far: it says nothing until it has, not even that, and Kopf would ask again and again."""
        now = self._clock.monotonic()
        asked, since = self._mute.get(path, ("", now))
        if asked == position and now - since >= MUTE:
            log.warning("The watch of %s brought nothing for %.0f s; the operator lists them again.", path, now - since)
            self._mute.pop(path)
            return True
        self._mute[path] = (position, since if asked == position else now)
        return False

    def _is_ours(self, path: str) -> bool:
        return path.rpartition("/")[2] in self._plurals


class _Heard:
    """A response's content that says when a chunk of it was read."""

    def __init__(self, content: aiohttp.StreamReader, hear: Callable[[], None]) -> None:
        self._content = content
        self._hear = hear

    def __getattr__(self, name: str) -> Any:
        return getattr(self._content, name)

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """As aiohttp's."""
        async for chunk in self._content.iter_chunked(size):
            self._hear()
            yield chunk


class _Gone(_Heard):
    """One that says to Kopf what the API server does not: that a new list is needed."""

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:  # noqa: ARG002 - as aiohttp's
        yield b'{"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "nothing came"}}\n'
