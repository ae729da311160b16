"""A call that changes something leaves when its turn has come, however slow AWS answers reads."""

import asyncio
from collections.abc import Callable, Iterator
from threading import Event

import pytest

from hyperpod_operator.aws.call.threads import Threads

SOON = 60.0
"""Seconds that a thread takes at most to start what it is given."""


@pytest.fixture
def answers() -> Iterator[Event]:
    """AWS answers once it is set."""
    answered = Event()
    yield answered
    answered.set()


@pytest.fixture
def threads(answers: Event) -> Iterator[Threads]:
    made = Threads(1)
    yield made
    answers.set()
    made.close()


class Look:
    """The last look of a call: whether it was made."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.made = False
        self._refuses = refuses

    async def __call__(self) -> None:
        self.made = True
        if self._refuses:
            raise LookupError


def slow(answers: Event) -> Callable[[], object]:
    return lambda: answers.wait()


async def test_reads_that_wait_for_aws_hold_up_no_change(threads: Threads, answers: Event) -> None:
    reading = threads.read(slow(answers))
    async with asyncio.timeout(SOON):
        assert await (await threads.write(lambda: "sent", before=Look())) == "sent"
    assert not reading.done()


async def test_the_last_look_is_made_when_a_thread_is_free(threads: Threads, answers: Event) -> None:
    first, look = await threads.write(slow(answers), before=None), Look()
    second = asyncio.create_task(threads.write(lambda: "sent", before=look))
    await asyncio.sleep(0)
    assert not look.made
    answers.set()
    async with asyncio.timeout(SOON):
        await first
        assert await (await second) == "sent"
    assert look.made


async def test_a_call_that_nobody_waits_for_any_more_keeps_its_thread(threads: Threads, answers: Event) -> None:
    """It cannot be stopped, so the next one would wait for it after its last look."""

    async def given_up() -> None:
        await asyncio.shield(await threads.write(slow(answers), before=None))

    task, look = asyncio.create_task(given_up()), Look()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    second = asyncio.create_task(threads.write(lambda: "sent", before=look))
    await asyncio.sleep(0)
    assert not look.made
    answers.set()
    async with asyncio.timeout(SOON):
        assert await (await second) == "sent"


async def test_a_call_that_is_not_sent_gives_its_thread_back(threads: Threads) -> None:
    with pytest.raises(LookupError):
        await threads.write(lambda: "sent", before=Look(refuses=True))
    async with asyncio.timeout(SOON):
        assert await (await threads.write(lambda: "sent", before=None)) == "sent"
