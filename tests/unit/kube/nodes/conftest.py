"""The loop that lists and watches Nodes, and an API server for it that answers from a script; the test owns time."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.unit.kube.nodes.scripted import LoopClock, Running, ScriptedApi, Warnings

from hyperpod_operator.kube.nodes.informer import NodeCache


@pytest.fixture
def clock() -> LoopClock:
    return LoopClock()


@pytest.fixture
def scripted() -> ScriptedApi:
    return ScriptedApi()


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def cache(scripted: ScriptedApi, clock: LoopClock, told: list[str]) -> NodeCache:
    return NodeCache(scripted, clock=clock, random=lambda: 1.0, on_change=told.append)


@pytest.fixture
def running(cache: NodeCache) -> Running:
    """The loop, after it has run for some seconds; it must not have ended by then."""

    @asynccontextmanager
    async def running(seconds: float) -> AsyncIterator[None]:
        task = asyncio.create_task(cache.run())
        try:
            await asyncio.sleep(seconds)
            assert not task.done()
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()

    return running


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Warnings:
    """What was logged as a warning or worse."""
    return lambda: [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
