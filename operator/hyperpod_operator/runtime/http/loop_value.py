"""A value that only one event loop may compute, for readers on another one."""

import asyncio
import concurrent.futures
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class LoopValue(Generic[T]):
    """Computed on `owner`, read on another loop (always the same one).

    However many ask, `owner` computes it once at a time, and not again for `age` seconds. An owner that does not answer
    within `patience` seconds is busy or stuck: readers get what it said last. Times in seconds.
    """

    def __init__(
        self, compute: Callable[[], T], *, owner: asyncio.AbstractEventLoop, age: float, patience: float
    ) -> None:
        self._compute = compute
        self._owner = owner
        self._age = age
        self._patience = patience
        self._last: T | None = None
        self._computed_at = float("-inf")
        self._asked: asyncio.Future[T] | None = None

    async def get(self) -> T | None:
        """The value, or None while there has never been one. Raises what `compute` raised."""
        if time.monotonic() - self._computed_at <= self._age:
            return self._last
        if self._asked is None or self._asked.done():
            try:
                self._asked = self._ask()
            except RuntimeError:  # the owner is closed: the process ends
                return self._last
        asked = self._asked
        await asyncio.wait({asked}, timeout=self._patience)
        return asked.result() if asked.done() else self._last

    def _ask(self) -> asyncio.Future[T]:
        answer: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._owner.call_soon_threadsafe(self._answer, answer)
        return asyncio.wrap_future(answer)

    def _answer(self, answer: concurrent.futures.Future[T]) -> None:
        """Runs on the owner."""
        if not answer.set_running_or_notify_cancel():
            return
        try:
            value = self._compute()
        except Exception as error:
            answer.set_exception(error)
            return
        self._last, self._computed_at = value, time.monotonic()
        answer.set_result(value)
