"""Leader election in fake time: one test for each way in which the library alone would make two leaders, or none."""

import asyncio
import copy
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from kubernetes.aio.leaderelection import leaderelection as library

from hyperpod_operator.api.names import LABEL_LEADER_ELECTION, SERVED_NAMESPACES
from hyperpod_operator.core.lease import LeaseSettings
from hyperpod_operator.core.ports import KubernetesError, ObjectGone, StaleObject
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.kube.leadership.guard import LeadershipGuard, LeadershipLost
from hyperpod_operator.kube.leadership.leader import Election

pytestmark = pytest.mark.looptime

LEASE = LeaseSettings(namespace="team", name="here")
START = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


class LoopClock:
    def now(self) -> datetime:
        return datetime.fromtimestamp(START + self.monotonic(), UTC)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


class LeaseServer:
    """One lease with a version, as the API server keeps it. Each `ApiServer` of the tests is a `Line` to it."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.version = 0

    @property
    def spec(self) -> dict[str, Any]:
        assert self.lease is not None
        return dict(self.lease["spec"])

    def store(self, body: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        metadata = {**body["metadata"], "resourceVersion": str(self.version)}
        self.lease = copy.deepcopy({**body, "metadata": metadata})
        return copy.deepcopy(self.lease)


class Line:
    """One replica's connection: `error` is raised by every call while it is set, `hang` lets none of them end."""

    def __init__(self, server: LeaseServer) -> None:
        self.server = server
        self.error: Exception | None = None
        self.hang = False
        self.slow = 0.01
        """Seconds that each call takes."""
        self.before_write: Callable[[], None] = lambda: None
        self.answer_after = 0.0
        """Seconds between a write and its answer."""
        self.wrote = asyncio.Event()
        self.writes = 0

    async def get(self, path: str, *, waits: bool) -> dict[str, Any]:
        assert not waits, "no other call may hold the lease up"
        await self._pass()
        if self.server.lease is None:
            raise ObjectGone(path)
        return copy.deepcopy(self.server.lease)

    async def create(self, path: str, body: dict[str, Any], *, leader_only: bool) -> dict[str, Any]:
        assert not leader_only, "the lease itself needs no leadership"
        await self._pass()
        self.before_write()
        if self.server.lease is not None:
            raise StaleObject("it exists")
        return await self._store(body)

    async def replace(self, path: str, body: dict[str, Any], *, leader_only: bool) -> dict[str, Any]:
        assert not leader_only
        await self._pass()
        self.before_write()
        if self.server.lease is None or body["metadata"]["resourceVersion"] != str(self.server.version):
            raise StaleObject("it changed")
        return await self._store(body)

    async def _store(self, body: dict[str, Any]) -> dict[str, Any]:
        self.writes += 1
        self.wrote.set()
        stored = self.server.store(body)
        await asyncio.sleep(self.answer_after)
        return stored

    async def _pass(self) -> None:
        await asyncio.sleep(self.slow)
        if self.hang:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error


class Replica:
    """An election with its line, its guard and what it said at the end."""

    def __init__(self, server: LeaseServer, *, lease: LeaseSettings = LEASE) -> None:
        self.line = Line(server)
        self.lost: list[str] = []
        self.gone = asyncio.Event()
        self.guard = LeadershipGuard(clock=LoopClock(), on_lost=self._ended)
        self.election = Election(cast(ApiServer, self.line), lease=lease, clock=LoopClock(), guard=self.guard)
        self.task: asyncio.Task[None] | None = None

    def start(self) -> "Replica":
        self.task = asyncio.create_task(self.election.run())
        return self

    def _ended(self, why: str) -> None:
        self.lost.append(why)
        self.gone.set()

    async def kill(self) -> None:
        """As SIGKILL: nothing is said to anybody."""
        assert self.task is not None
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def elected(self, *, within: float) -> float:
        """Wait until it leads; returns the seconds that it took."""
        began = asyncio.get_running_loop().time()
        async with asyncio.timeout(within):
            await self.election.elected.wait()
        return asyncio.get_running_loop().time() - began

    async def loses(self, *, within: float) -> str:
        async with asyncio.timeout(within):
            await self.gone.wait()
        return self.lost[0]


Start = Callable[..., Replica]


@pytest.fixture
def server() -> LeaseServer:
    return LeaseServer()


@pytest.fixture
async def start(server: LeaseServer) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        def start(**options: Any) -> Replica:
            replica = Replica(server, **options).start()
            stack.push_async_callback(replica.kill)
            return replica

        yield start


async def lead(start: Start) -> Replica:
    """A replica that leads. No fixture: time is fake in the body of a test alone."""
    replica = start()
    await replica.elected(within=1)
    return replica


async def test_the_first_one_makes_the_lease_and_leads(server: LeaseServer, start: Start) -> None:
    leader = await lead(start)
    assert leader.guard.held
    assert server.spec["holderIdentity"] == leader.election.identity
    assert server.spec["leaseDurationSeconds"] == 15
    assert server.spec["leaseTransitions"] == 0


@pytest.mark.parametrize("metadata", [None, {"resourceVersion": "0", "labels": {"theirs": "kept"}}])
async def test_the_lease_says_whose_it_is_and_whom_its_operator_serves(
    server: LeaseServer, start: Start, metadata: dict[str, Any] | None
) -> None:
    """Also one that an earlier release made."""
    if metadata is not None:
        server.store({"metadata": metadata, "spec": {"holderIdentity": ""}})
    await start(lease=replace(LEASE, serves=("a", "b"))).elected(within=20)
    assert server.lease is not None
    theirs = metadata["labels"] if metadata else {}
    assert server.lease["metadata"]["labels"] == {**theirs, LABEL_LEADER_ELECTION: "operator"}
    assert server.lease["metadata"]["annotations"] == {SERVED_NAMESPACES: "a,b"}


async def test_a_second_one_stands_by_for_as_long_as_the_first_renews(start: Start) -> None:
    leader = await lead(start)
    standby = start()
    await asyncio.sleep(300)
    assert leader.guard.held
    assert not standby.guard.held
    assert not standby.election.elected.is_set()
    assert standby.election.not_ready() is None


async def test_a_leader_renews_once_a_period(server: LeaseServer, start: Start) -> None:
    await lead(start)
    before = server.version
    await asyncio.sleep(100 * LEASE.retry_period)
    assert server.version - before == pytest.approx(100, abs=1)


@pytest.mark.parametrize("lived", [33.3, 34.1, 34.9])
async def test_a_dead_leader_is_replaced_within_the_lease_and_a_quarter_of_a_period(start: Start, lived: float) -> None:
    leader = await lead(start)
    await asyncio.sleep(0.7)
    standby = start()
    await asyncio.sleep(lived)
    await leader.kill()
    assert await standby.elected(within=60) <= LEASE.duration + LEASE.retry_period / 4 + 0.01


async def test_a_lease_that_was_given_up_is_taken_at_once_and_counted(server: LeaseServer, start: Start) -> None:
    leader = await lead(start)
    standby = start()
    await asyncio.sleep(10)
    await leader.kill()
    await leader.election.release()
    assert await standby.elected(within=60) <= LEASE.retry_period
    assert server.spec["leaseTransitions"] == 1
    assert server.spec["holderIdentity"] == standby.election.identity
    assert leader.lost == []


async def test_who_gave_the_lease_up_may_not_write(start: Start) -> None:
    leader = await lead(start)
    await leader.kill()
    await leader.election.release()
    with pytest.raises(LeadershipLost):
        leader.guard.require()


async def test_a_release_leaves_a_lease_of_another_one_alone(server: LeaseServer, start: Start) -> None:
    leader = await lead(start)
    standby = Replica(server)
    await standby.election.release()
    assert server.spec["holderIdentity"] == leader.election.identity


@pytest.mark.parametrize(
    "error", [KubernetesError(status=0, message="connection refused"), KubernetesError(status=503, message="etcd")]
)
async def test_renewing_survives_an_api_server_that_is_away_for_a_moment(start: Start, error: Exception) -> None:
    leader = await lead(start)
    await asyncio.sleep(5)
    leader.line.error = error
    await asyncio.sleep(LEASE.renew_deadline - LEASE.retry_period - 1)
    assert leader.election.not_ready() is not None
    leader.line.error = None
    await asyncio.sleep(60)
    assert leader.guard.held
    assert leader.lost == []


@pytest.mark.parametrize("seconds", [2.5, 3.9])
async def test_an_api_server_that_takes_seconds_for_each_answer_costs_no_lease(start: Start, seconds: float) -> None:
    """A renewal has the time between its deadline and the next period, and takes one call."""
    leader, standby = await lead(start), start()
    leader.line.slow = standby.line.slow = seconds
    await asyncio.sleep(600)
    assert (leader.guard.held, leader.lost, standby.election.elected.is_set()) == (True, [], False)


@pytest.mark.parametrize(("stored", "seconds"), [(False, 2.5), (True, 1.5)])
async def test_a_renewal_that_fails_late_is_tried_again_in_time(
    start: Start, stored: bool, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One answer of three, after so many seconds each, is a refusal of a proxy; `stored`: the API server took it."""
    leader, standby = await lead(start), start()
    store, writes = leader.line.replace, 0

    async def replace(path: str, body: dict[str, Any], *, leader_only: bool) -> dict[str, Any]:
        nonlocal writes
        writes += 1
        if writes % 3 == 1 and not stored:
            await asyncio.sleep(seconds)
            raise KubernetesError(status=504, message="late")
        answer = await store(path, body, leader_only=leader_only)
        if writes % 3 == 1:
            raise KubernetesError(status=504, message="late")
        return answer

    monkeypatch.setattr(leader.line, "replace", replace)
    leader.line.slow = seconds
    await asyncio.sleep(300)
    assert (leader.guard.held, leader.lost, standby.election.elected.is_set()) == (True, [], False)


async def test_a_leader_renews_with_one_call(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    leader = await lead(start)
    reads = 0

    async def get(*_: object, **__: object) -> dict[str, Any]:
        nonlocal reads
        reads += 1
        raise KubernetesError(status=504, message="late")

    monkeypatch.setattr(leader.line, "get", get)
    await asyncio.sleep(60)
    assert (leader.guard.held, reads) == (True, 0)


@pytest.mark.fault(14)
async def test_leadership_ends_at_the_renew_deadline_before_anybody_else_may_lead(start: Start) -> None:
    leader = await lead(start)
    standby = start()
    await asyncio.sleep(20)
    leader.line.error = KubernetesError(status=0, message="connection refused")
    assert "could not be renewed" in await leader.loses(within=LEASE.renew_deadline + 0.5)
    assert not standby.election.elected.is_set()
    await standby.elected(within=LEASE.duration)


async def test_an_answer_that_never_comes_is_waited_for_no_longer_than_the_deadline(start: Start) -> None:
    leader = await lead(start)
    await asyncio.sleep(5)
    leader.line.hang = True
    await leader.loses(within=LEASE.renew_deadline + 0.5)


async def test_one_call_that_hangs_does_not_cost_the_lease(start: Start) -> None:
    leader = await lead(start)
    await asyncio.sleep(5)
    leader.line.hang = True
    await asyncio.sleep(LEASE.retry_period + 0.1)
    leader.line.hang = False
    await asyncio.sleep(30)
    assert leader.guard.held


async def test_the_end_of_the_librarys_loop_is_a_loss(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ends(_: object) -> None:
        await asyncio.sleep(1)

    monkeypatch.setattr(library.LeaderElection, "run", ends)
    await start().loses(within=2)


async def test_a_fault_in_the_librarys_loop_is_a_loss(server: LeaseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(_: object) -> None:
        raise RuntimeError("a fault of its own")

    monkeypatch.setattr(library.LeaderElection, "run", breaks)
    replica = Replica(server).start()
    assert "a fault of its own" in await replica.loses(within=2)
    assert replica.task is not None
    with pytest.raises(RuntimeError):
        await replica.task


async def test_a_leader_that_slept_past_its_time_may_not_write(start: Start) -> None:
    leader = await lead(start)
    leader.guard.prove(until=asyncio.get_running_loop().time() - 0.001)  # as after SIGSTOP, before any timer ran
    with pytest.raises(LeadershipLost):
        leader.guard.require()
    assert leader.lost


async def test_a_leader_that_sees_another_holder_is_none_from_then_on(server: LeaseServer, start: Start) -> None:
    leader = await lead(start)
    assert server.lease is not None
    server.store({**server.lease, "spec": {**server.spec, "holderIdentity": "somebody-else"}})
    assert "somebody-else" in await leader.loses(within=LEASE.retry_period + 0.5)
    assert server.spec["holderIdentity"] == "somebody-else"


@pytest.mark.parametrize("refusals", [0, 2])
async def test_a_lease_that_a_person_deleted_is_made_again(
    server: LeaseServer, start: Start, refusals: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    leader = await lead(start)
    make, tries = leader.line.create, 0

    async def create(path: str, body: dict[str, Any], *, leader_only: bool) -> dict[str, Any]:
        nonlocal tries
        tries += 1
        if tries <= refusals:
            raise KubernetesError(status=503, message="etcd")
        return await make(path, body, leader_only=leader_only)

    monkeypatch.setattr(leader.line, "create", create)
    server.lease = None
    await asyncio.sleep(30)
    assert leader.guard.held
    assert server.spec["holderIdentity"] == leader.election.identity


async def test_deleting_the_lease_makes_no_second_leader(server: LeaseServer, start: Start) -> None:
    leader, standby = await lead(start), start()
    await asyncio.sleep(5.2)
    server.lease = None
    await asyncio.sleep(30)
    assert not leader.lost
    assert not standby.election.elected.is_set()


async def test_a_lease_that_went_with_its_holder_is_taken_when_it_is_over(server: LeaseServer, start: Start) -> None:
    leader, standby = await lead(start), start()
    await asyncio.sleep(5)
    await leader.kill()
    server.lease = None
    await standby.elected(within=LEASE.duration + LEASE.retry_period / 4)


@pytest.mark.parametrize("renewals", [0, 1])
async def test_a_lease_whose_writing_was_cut_off_by_a_stop_is_given_up_too(
    server: LeaseServer, start: Start, renewals: int
) -> None:
    replica = start()
    for _ in range(renewals):
        await replica.line.wrote.wait()
        replica.line.wrote.clear()
        await asyncio.sleep(0.005)
    replica.line.answer_after = 1.0
    await replica.line.wrote.wait()
    await replica.kill()
    await replica.election.release()
    assert server.spec["holderIdentity"] == ""


async def test_a_clock_that_is_set_forward_takes_no_lease(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    leader = await lead(start)
    standby = start()
    await asyncio.sleep(10)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3600)
    await asyncio.sleep(120)
    assert not standby.election.elected.is_set()
    assert leader.guard.held


async def test_a_clock_that_is_set_back_delays_no_takeover(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    leader = await lead(start)
    standby = start()
    await asyncio.sleep(10)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 3600)
    await leader.kill()
    assert await standby.elected(within=60) <= LEASE.duration + LEASE.retry_period


async def test_the_holders_own_duration_counts(server: LeaseServer, start: Start) -> None:
    """Replicas of two releases, or of two sets of values, may differ in theirs."""
    longer = start(lease=LeaseSettings(namespace="team", name="here", duration=60, renew_deadline=40))
    await longer.elected(within=1)
    standby = start()
    await asyncio.sleep(5)
    await longer.kill()
    assert await standby.elected(within=120) > 55


async def test_two_that_ask_at_the_same_moment_do_not_both_lead(server: LeaseServer, start: Start) -> None:
    replicas = [start() for _ in range(5)]
    await asyncio.sleep(10)
    assert sum(replica.guard.held for replica in replicas) == 1


async def test_times_are_utc_and_acquiring_is_not_renewing(server: LeaseServer, start: Start) -> None:
    await lead(start)
    acquired = server.spec["acquireTime"]
    await asyncio.sleep(60)
    assert server.spec["acquireTime"] == acquired
    renewed = datetime.strptime(server.spec["renewTime"], "%Y-%m-%dT%H:%M:%S.%f%z")
    assert abs((LoopClock().now() - renewed).total_seconds()) <= LEASE.retry_period + 1


async def test_a_standby_that_cannot_read_the_lease_says_why_once(
    server: LeaseServer, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="hyperpod_operator")
    standby = start()
    standby.line.error = KubernetesError(status=403, message="leases is forbidden")
    await asyncio.sleep(30)
    assert "leases is forbidden" in (standby.election.not_ready() or "")
    ours = [record for record in caplog.records if record.name.startswith("hyperpod_operator")]
    assert sum("leases is forbidden" in record.getMessage() for record in ours) == 1
    standby.line.error = None
    await standby.elected(within=2)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (LeaseSettings(duration=10, renew_deadline=10), "--lease-duration"),
        (LeaseSettings(renew_deadline=2, retry_period=2), "--renew-deadline"),
        (LeaseSettings(retry_period=0.5), "--retry-period"),
    ],
)
def test_times_that_do_not_fit_are_refused_in_words(settings: LeaseSettings, says: str) -> None:
    assert says in (settings.problem() or "")


def test_the_defaults_fit() -> None:
    assert LeaseSettings().problem() is None
