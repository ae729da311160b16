"""The watch that only unhealthy Nodes are on: when it rings, and that nothing depends on it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import pytest
from tests.unit.kube.nodes.scripted import (
    LoopClock,
    ScriptedAnswer,
    ScriptedApi,
    Warnings,
    bookmark,
    labelled,
    line,
    node_body,
    page,
    refused,
)

from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.kube.nodes.alarm import HealthAlarm
from hyperpod_operator.kube.nodes.informer import NodeCache
from hyperpod_operator.kube.watch.decoding import METADATA, WHOLE
from hyperpod_operator.kube.watch.gathering import GATHER

pytestmark = pytest.mark.looptime


@pytest.fixture
def rung() -> list[float]:
    return []


@pytest.fixture
def alarm(scripted: ScriptedApi, clock: LoopClock, rung: list[float]) -> HealthAlarm:
    return HealthAlarm(scripted, clock=clock, random=lambda: 1.0, ring=lambda: rung.append(clock.monotonic()))


async def run(alarm: HealthAlarm, *, seconds: float) -> None:
    task = asyncio.create_task(alarm.run())
    await asyncio.sleep(seconds)
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])


async def test_it_watches_from_what_is_there_and_lists_nothing(scripted: ScriptedApi, alarm: HealthAlarm) -> None:
    await run(alarm, seconds=1)
    ((_, query),) = scripted.asked
    assert query["resourceVersion"] == "0"
    assert scripted.accepted == [METADATA]
    health = "sagemaker.amazonaws.com/node-health-status"
    assert query["labelSelector"] == (
        f"sagemaker.amazonaws.com/compute-type=hyperpod,{health},{health} notin (Schedulable)"
    )


async def test_each_event_rings_and_a_bookmark_does_not(
    scripted: ScriptedApi, alarm: HealthAlarm, rung: list[float]
) -> None:
    sick = labelled("Unschedulable", version=7)
    scripted.watches = [
        (1.0, line("ADDED", sick), 2.0, bookmark(9), 1.0, line("DELETED", labelled("Schedulable", version=10)), 1e9)
    ]
    await run(alarm, seconds=5)
    assert rung == [1.0, 4.0]


async def test_an_outage_is_one_warning_and_it_rings_after_it(
    scripted: ScriptedApi, alarm: HealthAlarm, rung: list[float], warnings: Warnings
) -> None:
    away = (KubernetesError(status=0, message="connection refused"),)
    scripted.watches = [away, away, (40.0, line("ADDED", labelled("Unschedulable", version=7)), 1e9)]
    await run(alarm, seconds=60)
    assert len(rung) == 1
    assert [text.split(":")[0] for text in warnings()] == ["The watch of unhealthy Nodes failed"]


async def test_an_api_server_that_is_behind_is_watched_from_the_start_again(
    scripted: ScriptedApi, alarm: HealthAlarm, rung: list[float]
) -> None:
    scripted.watches = [
        (line("ADDED", labelled("Unschedulable", version=7)), refused(410)),
        (line("ADDED", labelled("Unschedulable", version=3)), 1e9),
    ]
    await run(alarm, seconds=5)
    assert [query["resourceVersion"] for _, query in scripted.asked] == ["0", "0"]
    assert len(rung) == 2


class Gatherer(ScriptedApi):
    """Its watch is left to gather for as long as it is told."""

    @asynccontextmanager
    async def stream(
        self, path: str, *, query: Mapping[str, str], accept: str = WHOLE
    ) -> AsyncIterator[ScriptedAnswer]:
        async with super().stream(path, query=query, accept=accept) as answer:
            yield GatheringAnswer(answer.parts)


class GatheringAnswer(ScriptedAnswer):
    async def gather(self, wait: Callable[[], Awaitable[None]]) -> None:
        await wait()


@pytest.mark.parametrize(("rings_after", "told_after"), [(None, 2 * GATHER), (0.005, 0.005)])
async def test_an_unhealthy_node_is_told_when_the_alarm_rings_and_else_with_what_gathers(
    clock: LoopClock, rings_after: float | None, told_after: float
) -> None:
    busy = b"".join(line("MODIFIED", labelled("Schedulable", number=one, version=one + 1)) for one in (1, 2))
    more = b"".join(line("MODIFIED", labelled("X", number=one, version=one + 3)) for one in (1, 2))
    sick = line("MODIFIED", labelled("Unschedulable", number=3, version=9))
    told: dict[str, float] = {}
    cache = NodeCache(
        Gatherer(lists=[(page(),)], watches=[(busy, more, sick, 1e9)]),
        clock=clock,
        random=lambda: 1.0,
        on_change=lambda name: told.setdefault(name, clock.monotonic()),
    )
    rings = () if rings_after is None else (rings_after, line("ADDED", labelled("Unschedulable", number=3, version=9)))
    alarm = HealthAlarm(ScriptedApi(watches=[(*rings, 1e9)]), clock=clock, random=lambda: 1.0, ring=cache.hurry)
    tasks = [asyncio.create_task(cache.run()), asyncio.create_task(alarm.run())]
    await asyncio.sleep(1)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert told[node_body(3)["metadata"]["name"]] == pytest.approx(told_after)
