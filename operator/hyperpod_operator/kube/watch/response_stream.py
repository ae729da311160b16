"""An answer that is read while it arrives, and that can be left to gather for a moment.

Nearly all that an update of a watch costs is waking up for it: the event loop, the socket, TLS. What gathers in the
socket while nobody reads costs one wake-up for all of it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

_TOGETHER = 0.001
"""Seconds for what gathered to come through in one piece and not in two: what was decrypted already, and the rest."""


class ResponseStream:
    """The body of one answer of `aiohttp`."""

    def __init__(self, answer: Any) -> None:
        self._content = answer.content
        self._transport: Any = answer.connection.transport if answer.connection is not None else None

    async def read(self) -> bytes:
        """What has arrived, waiting if there is nothing; empty at the end of the answer."""
        content: bytes = await self._content.readany()
        return content

    async def gather(self, wait: Callable[[], Awaitable[None]]) -> None:
        """Read nothing until `wait` is over; what arrives meanwhile is there afterwards."""
        transport = self._transport
        if transport is None or transport.is_closing():
            await wait()
            return
        # TLS goes on reading what is encrypted up to a limit, and would wake us for each piece of it.
        limit = getattr(transport, "set_read_buffer_limits", None)
        if limit is not None:
            limit(high=1, low=0)
        transport.pause_reading()
        try:
            await wait()
        finally:
            if limit is not None:
                limit()
            if not transport.is_closing():
                transport.resume_reading()
        await asyncio.sleep(_TOGETHER)
