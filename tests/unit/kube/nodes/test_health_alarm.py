"""The watch that only unhealthy Nodes are on: when it rings, and that nothing depends on it."""

import asyncio

import pytest
from tests.unit.kube.nodes.scripted import LoopClock, ScriptedApi, Warnings, bookmark, labelled, line, refused

from hyperpod_operator.core.ports import KubernetesError
from hyperpod_operator.kube.nodes.alarm import HealthAlarm

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
