"""A read that serves all who ask while it is young enough for them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from hyperpod_operator.core.ports import KubernetesError

ValueT = TypeVar("ValueT")
"""What the read tells."""


class SharedRead(Generic[ValueT]):
    """Belongs to one event loop, and to none of those who ask: who stops waiting ends no read that others wait for, and
    one that fails has failed for all who would have been served."""

    def __init__(self, read: Callable[[], Awaitable[ValueT]], *, monotonic: Callable[[], float]) -> None:
        self._read = read
        self._monotonic = monotonic
        self._began = float("-inf")
        """When the last read began that ended well, or the one that is going on."""
        self._reading: asyncio.Future[ValueT] | None = None

    async def get(self, *, age: float) -> ValueT:
        """What a read tells that began at most `age` seconds before this question; with 0, after it."""
        asked_at = self._monotonic()
        while self._reading is not None and self._began < asked_at - age:
            if self._reading.done():
                self._reading = None
            else:
                await asyncio.wait([self._reading])
        if self._reading is None:
            self._began = self._monotonic()
            self._reading = asyncio.ensure_future(self._read())
            self._reading.add_done_callback(self._ended)
        try:
            return await asyncio.shield(self._reading)
        except KubernetesError as error:
            raise KubernetesError(status=error.status, message=str(error)) from error

    def is_older_than(self, age: float) -> bool:
        """Whether it serves nobody who asks with such an age."""
        return self._began < self._monotonic() - age and (self._reading is None or self._reading.done())

    def _ended(self, ended: asyncio.Future[ValueT]) -> None:
        """What failed serves those who wait for it, and nobody who asks later."""
        if (ended.cancelled() or ended.exception() is not None) and self._reading is ended:
            self._reading = None
