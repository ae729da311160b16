"""The lease runs out after a write was begun and before it leaves: how long connecting takes, no check knows before."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from tests.unit.kube.conftest import ManualClock
from tests.unit.listener import HANG_UP, Listener, listening

from hyperpod_operator.kube import client as client_module
from hyperpod_operator.kube import configuration as configurations
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.leadership.guard import LeadershipGuard, LeadershipLost

LEFT = 10.0
WRITES = ["create", "replace", "merge_patch", "strategic_patch", "json_patch", "delete"]


@pytest.fixture
async def server() -> AsyncIterator[Listener]:
    async with listening() as listener:
        yield listener


class Leader:
    """A client whose process is stopped for longer than its lease whenever it has its connection, once `sleepy`."""

    def __init__(self, configuration: Any, clock: ManualClock) -> None:
        self.clock, self.sleepy = clock, False
        self.lost: list[str] = []
        self.api = ApiServer(configuration)
        guard = LeadershipGuard(clock=clock, on_lost=self.lost.append)
        guard.prove(until=clock.seconds + LEFT)
        self.api.guard_writes(guard.require)
        connecting = aiohttp.TraceConfig()
        connecting.on_connection_create_end.append(self._connected)
        connecting.on_connection_reuseconn.append(self._connected)
        configuration.trace_configs = [*(configuration.trace_configs or ()), connecting]

    async def write(self, name: str) -> None:
        if name == "delete":
            await self.api.delete("/x", uid="uid-1")
        else:
            await getattr(self.api, name)("/x", [] if name == "json_patch" else {"a": 1})

    def sleep(self) -> None:
        self.clock.seconds += LEFT

    async def _connected(self, _session: object, _context: SimpleNamespace, _params: object) -> None:
        if self.sleepy:
            self.sleep()


@pytest.fixture
async def leader(server: Listener, kubeconfig: str, clock: ManualClock) -> AsyncIterator[Leader]:
    leader = Leader(await configurations.load(kubeconfig=kubeconfig), clock)
    yield leader
    await leader.api.close()


@pytest.mark.fault(14)
@pytest.mark.parametrize("write", WRITES)
async def test_a_lease_that_runs_out_while_a_write_connects_stops_it(
    leader: Leader, server: Listener, write: str
) -> None:
    leader.sleepy = True
    with pytest.raises(LeadershipLost):
        await leader.write(write)
    assert leader.lost
    assert await server.closed.get() == b""


@pytest.mark.fault(14)
@pytest.mark.parametrize("write", WRITES)
async def test_a_lease_that_runs_out_while_a_write_takes_a_kept_connection_stops_it(
    leader: Leader, server: Listener, write: str
) -> None:
    await leader.write(write)
    leader.sleepy = True
    with pytest.raises(LeadershipLost):
        await leader.write(write)
    assert len(server.requests) == 1
    await server.closed.get()


@pytest.mark.parametrize("write", ["replace", "delete"])
async def test_a_write_that_the_client_repeats_by_itself_asks_again(
    leader: Leader, server: Listener, write: str
) -> None:
    server.statuses = [HANG_UP]
    server.on_request = leader.sleep
    with pytest.raises(LeadershipLost):
        await leader.write(write)
    assert len(server.requests) == 1


@pytest.mark.parametrize("write", ["replace", "delete"])
async def test_a_leader_repeats_such_a_write(leader: Leader, server: Listener, write: str) -> None:
    server.statuses = [HANG_UP]
    await leader.write(write)
    assert len(server.requests) == 2


async def test_reads_questions_and_the_lease_itself_leave_all_the_same(leader: Leader, server: Listener) -> None:
    leader.sleepy = True
    await leader.api.get("/x")
    await leader.api.ask("POST", "/x", {}, query={})
    await leader.api.replace("/lease", {}, leader_only=False)
    async with leader.api.stream("/x"):
        pass
    assert server.requests == ["GET", "POST", "PUT", "GET"]
    assert leader.lost == []


async def test_stopped_writes_give_their_places_back(leader: Leader, server: Listener) -> None:
    leader.sleep()
    writes = [leader.write("replace") for _ in range(2 * client_module.CALLS_AT_ONCE)]
    ends = await asyncio.gather(*writes, return_exceptions=True)
    assert {type(end) for end in ends} == {LeadershipLost}
    assert await leader.api.get("/x") == {}
    assert server.requests == ["GET"]


async def test_a_read_after_a_stopped_write_of_the_same_task_leaves(leader: Leader, server: Listener) -> None:
    leader.sleep()
    with pytest.raises(LeadershipLost):
        await leader.write("replace")
    assert await leader.api.get("/x") == {}
    assert server.requests == ["GET"]
