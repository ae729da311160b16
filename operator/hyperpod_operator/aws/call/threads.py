"""The threads in which botocore waits for AWS.

Calls that change something have threads of their own. Between the last look of such a call and its leaving nothing may
come, and reads of an AWS that is slow can take every thread there is for half a minute.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

AnswerT = TypeVar("AnswerT")


class Threads:
    """`count` threads for reads and as many for writes, made as they are needed. Belongs to one event loop."""

    def __init__(self, count: int) -> None:
        self._reads = ThreadPoolExecutor(count, thread_name_prefix="aws-read")
        self._writes = ThreadPoolExecutor(count, thread_name_prefix="aws-write")
        self._free = asyncio.Semaphore(count)

    def read(self, work: Callable[[], AnswerT]) -> asyncio.Future[AnswerT]:
        """Start `work` as soon as a thread is free."""
        return asyncio.get_running_loop().run_in_executor(self._reads, work)

    async def write(
        self, work: Callable[[], AnswerT], *, before: Callable[[], Awaitable[None]] | None
    ) -> asyncio.Future[AnswerT]:
        """Wait for a thread, then for `before`, and start `work` at once. What `before` raises keeps it from starting.

        The thread is free again when the work has ended, whether or not anybody still waits for it.
        """
        await self._free.acquire()
        try:
            if before is not None:
                await before()
            started = asyncio.get_running_loop().run_in_executor(self._writes, work)
        except BaseException:
            self._free.release()
            raise
        started.add_done_callback(lambda _: self._free.release())
        return started

    def close(self) -> None:
        """Let the work in flight end; new work is refused."""
        for pool in (self._reads, self._writes):
            pool.shutdown(wait=True, cancel_futures=True)
