"""What runs in every replica from its start: what the leader follows, too, and what keeps the process small."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from tests.unit.app.test_readiness import Replica

from hyperpod_operator.kube.nodes.alarm import HealthAlarm
from hyperpod_operator.kube.nodes.informer import NodeCache
from hyperpod_operator.runtime.watch import Watch


async def test_all_nodes_and_those_that_turn_unhealthy_are_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    followed = []

    def run(what: object, **_: Any) -> Awaitable[None]:
        followed.append(type(what))
        return asyncio.sleep(0 if isinstance(what, Watch) else 3600)  # nobody cancels the watch: it ends when asked to

    for kind in (NodeCache, HealthAlarm, Watch):
        monkeypatch.setattr(kind, "run", run)
    async with Replica().operator.following(asyncio.Event()):
        await asyncio.sleep(0)
    assert {NodeCache, HealthAlarm, Watch} == {*followed}


async def test_every_replica_gives_free_memory_back() -> None:
    async with Replica().operator.standing_by(asyncio.Event()):
        assert "return of free memory" in {task.get_name() for task in asyncio.all_tasks()}
