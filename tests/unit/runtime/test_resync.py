"""The resync: what the queue does not know of is added, what is gone is looked at once more."""

import pytest

from hyperpod_operator.core.ports import Key, StoredObject
from hyperpod_operator.runtime.queue import WorkQueue
from hyperpod_operator.runtime.resync import Resync

pytestmark = pytest.mark.looptime


def stored(name: str) -> StoredObject:
    return StoredObject(
        key=Key("ns", name),
        uid=name,
        resource_version="1",
        generation=1,
        deleting=False,
        finalizers=(),
        annotations={},
        body={},
    )


class Listing:
    def __init__(self, *names: str) -> None:
        self.names = names

    async def list(self) -> tuple[StoredObject, ...]:
        return tuple(stored(name) for name in self.names)


@pytest.fixture
def queue() -> WorkQueue:
    return WorkQueue(random=lambda: 0.5)


def resync(listing: Listing, queue: WorkQueue) -> Resync:
    return Resync(objects=listing, queue=queue)


async def taken(queue: WorkQueue) -> list[str]:
    keys = []
    while queue.depth:
        key = await queue.get()
        keys.append(key.name)
        queue.done(key)
    return keys


async def test_the_first_list_adds_everything(queue: WorkQueue) -> None:
    it = resync(Listing("b", "a"), queue)
    await it.once()
    assert await taken(queue) == ["a", "b"]


async def test_later_lists_add_only_what_the_queue_does_not_know_or_what_is_gone(queue: WorkQueue) -> None:
    listing = Listing("kept", "gone")
    it = resync(listing, queue)
    await it.once()
    await taken(queue)
    listing.names = ("kept", "new")
    await it.once()
    assert await taken(queue) == ["new", "gone"]
