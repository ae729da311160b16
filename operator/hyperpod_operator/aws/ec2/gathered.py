"""Questions that come at once share one read, and one read is under way at a time.

A question is answered by a read that starts after it. While a read waits for its turn at AWS, questions gather for the
next.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Generic, TypeVar

AnswerT = TypeVar("AnswerT")
"""What a read finds out about all that was asked."""

GATHER = 0.05
"""Seconds that a read waits for other questions to join it."""


class Gathered(Generic[AnswerT]):
    """`read` gets the questions in order, each once. Belongs to one event loop."""

    def __init__(self, read: Callable[[list[str]], Awaitable[AnswerT]]) -> None:
        self._read = read
        self._wanted: set[str] = set()
        self._next: asyncio.Task[AnswerT] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def ask(self, questions: Iterable[str]) -> AnswerT:
        """Take part in the next read. Raises what it raises, as for all who share it."""
        self._wanted.update(questions)
        if self._next is None:
            self._next = asyncio.create_task(self._read_soon())
            self._next.add_done_callback(_observed)
        return await asyncio.shield(self._next)

    async def _read_soon(self) -> AnswerT:
        try:
            await asyncio.sleep(GATHER)
            await self._one_at_a_time.acquire()
        except BaseException:
            self._wanted, self._next = set(), None
            raise
        try:
            # From here on, questions are for the next read.
            batch, self._wanted, self._next = sorted(self._wanted), set(), None
            return await self._read(batch)
        finally:
            self._one_at_a_time.release()


def _observed(task: asyncio.Task[Any]) -> None:
    """Whoever asked may have been cancelled; asyncio complains of a failure that nobody looked at."""
    if not task.cancelled():
        task.exception()
