"""What a replica that stands by keeps for the moment at which it leads."""

import asyncio

import pytest

from hyperpod_operator.core.ports import Key
from hyperpod_operator.runtime.backlog import Backlog
from hyperpod_operator.runtime.queue import WorkQueue

ONE, TWO = Key("team", "one"), Key("team", "two")


@pytest.fixture
async def queue() -> WorkQueue:
    return WorkQueue(random=lambda: 0.5)


@pytest.fixture
def backlog(queue: WorkQueue) -> Backlog:
    return Backlog(queue)


async def test_without_a_standby_what_changes_goes_on_at_once(backlog: Backlog, queue: WorkQueue) -> None:
    backlog.changed(ONE)
    assert await queue.get() == ONE


async def test_a_standby_has_nobody_wait_for_a_worker(backlog: Backlog, queue: WorkQueue) -> None:
    backlog.hold()
    backlog.changed(ONE)
    assert (queue.depth, queue.known()) == (0, frozenset())


async def test_who_takes_over_looks_at_everything_that_is_there_once(backlog: Backlog, queue: WorkQueue) -> None:
    backlog.hold()
    for key in (ONE, TWO, ONE):
        backlog.changed(key)
    backlog.deliver()
    assert [await queue.get(), await queue.get(), queue.depth] == [ONE, TWO, 0]


async def test_what_was_deleted_before_the_takeover_is_not_looked_at(backlog: Backlog, queue: WorkQueue) -> None:
    backlog.hold()
    backlog.changed(ONE)
    backlog.changed(TWO)
    backlog.gone(ONE)
    backlog.deliver()
    assert [await queue.get(), queue.depth] == [TWO, 0]


async def test_a_leader_looks_at_what_was_deleted(backlog: Backlog, queue: WorkQueue) -> None:
    backlog.hold()
    backlog.deliver()
    backlog.gone(ONE)
    assert await asyncio.wait_for(queue.get(), 60) == ONE
