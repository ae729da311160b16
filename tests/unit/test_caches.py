"""What is remembered of an object ends with it: after objects came and went, every cache is as small as before."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.unit.core.builders import NOW

from hyperpod_operator.api.names import Reason
from hyperpod_operator.aws.ec2 import reads as volume_reads
from hyperpod_operator.aws.ec2.reads import VolumeReads
from hyperpod_operator.controllers.cluster.observe import FullSyncs
from hyperpod_operator.controllers.cluster_cache import ClusterCache
from hyperpod_operator.controllers.volume import views
from hyperpod_operator.controllers.volume.views import ClusterViews
from hyperpod_operator.core.observed import ObservedCluster
from hyperpod_operator.core.ports import Cloud, Event, Key, StoredObject
from hyperpod_operator.kube.events.series import SAME_SERIES, SeriesBook
from hyperpod_operator.runtime.change_filter import ChangeFilter
from hyperpod_operator.runtime.queue import WorkQueue

MANY = 300


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def entries(cache: Any) -> int:
    """Everything that is held in the members of a cache that hold things."""
    members = [getattr(cache, name) for name in vars(cache)] if hasattr(cache, "__dict__") else []
    members = members or [getattr(cache, name) for name in cache.__slots__]
    return sum(len(member) for member in members if isinstance(member, dict | set | list | tuple))


def stored(number: int) -> StoredObject:
    return StoredObject(
        key=Key("team", f"c{number}"),
        uid=f"uid-{number}",
        resource_version="1",
        generation=1,
        deleting=False,
        finalizers=(),
        annotations={},
        body={},
    )


def cluster(number: int) -> ObservedCluster:
    arn = f"arn:aws:sagemaker:us-west-2:111122223333:cluster/c{number:012d}"
    return cast(ObservedCluster, SimpleNamespace(arn=arn, name=f"c{number}", continuous=False, groups=()))


async def test_views_of_clusters_that_no_claim_asks_about(clock: Clock) -> None:
    class Clusters:
        async def describe(self, *, name: str) -> ObservedCluster:
            return cluster(int(name))

        async def nodes(self, **_: Any) -> tuple[()]:
            return ()

    cloud = cast(Cloud, SimpleNamespace(clusters=lambda **_: Clusters()))
    held = ClusterViews(cloud=cloud, monotonic=clock)
    for number in range(MANY):
        await held.get(region="r", name=str(number), age=0)
    assert len(held) == MANY
    clock.seconds += views.FORGOTTEN_AFTER + 1
    await held.get(region="r", name="1", age=0)
    assert len(held) == 1
    assert entries(held) == 3


async def test_a_view_that_is_being_read_is_not_forgotten_under_its_reader(clock: Clock) -> None:
    gate = asyncio.Event()

    class Clusters:
        async def describe(self, *, name: str) -> None:
            if name == "slow":
                await gate.wait()

    held = ClusterViews(cloud=cast(Cloud, SimpleNamespace(clusters=lambda **_: Clusters())), monotonic=clock)
    slow = asyncio.create_task(held.get(region="r", name="slow", age=0))
    await asyncio.sleep(0)
    clock.seconds += views.FORGOTTEN_AFTER + 1
    await held.get(region="r", name="other", age=0)
    gate.set()
    assert (await slow).cluster is None
    assert len(held) == 2


async def test_volumes_that_no_claim_asks_about(clock: Clock) -> None:
    async def read(_: Any) -> dict[str, Any]:
        return {}

    reads = VolumeReads(read, monotonic=clock)
    for number in range(MANY):
        reads.forget(f"vol-{number:017x}")  # written to; asked about by nobody
    await reads.get([f"vol-{number:017x}" for number in range(MANY, 2 * MANY)])
    assert len(reads) == 2 * MANY
    clock.seconds += volume_reads.FORGOTTEN_AFTER + 1
    await reads.get(["vol-0123456789abcdef0"])
    assert len(reads) == 1


def test_series_of_events(clock: Clock) -> None:
    book = SeriesBook(lambda _: None)
    for number in range(MANY):
        event = Event(type="Normal", reason=Reason.PAUSED, action="Look", message=f"m{number}")
        book.record(about=stored(number), event=event, now=NOW, monotonic=clock())
    while (series := book.next_due(monotonic=clock())) is not None:
        book.mark_sent(series, count=1, monotonic=clock())
    clock.seconds += SAME_SERIES + 1
    book.prune(monotonic=clock())
    assert entries(book) == 0


def test_entries_of_the_cluster_cache() -> None:
    cache = ClusterCache()
    before = entries(cache)
    for number in range(MANY):
        seen = cache.merged(stored=stored(number), cluster=cluster(number), nodes=None, enforce=True, now=NOW)
        cache.update(seen)
    for number in range(MANY):
        cache.forget(stored(number).key)
    assert entries(cache) == before


def test_full_syncs(clock: Clock) -> None:
    full_syncs = FullSyncs(period=60, monotonic=clock)
    for number in range(MANY):
        full_syncs.done(stored(number).key)
    for number in range(MANY):
        full_syncs.forget(stored(number).key)
    assert entries(full_syncs) == 0


async def test_keys_of_the_queue() -> None:
    queue = WorkQueue(random=lambda: 0.5)
    before = entries(queue)
    for number in range(MANY):
        key = stored(number).key
        queue.add(key)
        assert await queue.get() == key
        queue.add_failed(key)
        queue.forget(key)
        queue.done(key)
    assert queue.known() == frozenset()
    queue.close()
    assert entries(queue) - before <= 128


def test_change_filters() -> None:
    changes = ChangeFilter()
    for number in range(MANY):
        changes.is_new(stored(number).key, event="ADDED", metadata={"uid": str(number)})
    for number in range(MANY):
        changes.is_new(stored(number).key, event="DELETED", metadata={})
    assert entries(changes) == 0
