"""Tasks that run for the whole life of the process, and the signals that end it."""

import asyncio
import signal
from collections.abc import Callable, Coroutine


async def first(*events: asyncio.Event) -> None:
    """Until one of them is set."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def ended(*tasks: asyncio.Task[None]) -> None:
    """Wait for the end of parts that were asked to end; raises what the first one failed with."""
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result


async def stopping_on_exit(work: Coroutine[None, None, None], stop: asyncio.Event) -> None:
    """The process stops when `work` ends, however it ends: a half-running operator is worse than none."""
    try:
        await work
    finally:
        stop.set()


def on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    handler: Callable[[], None] = stop.set
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, handler)
