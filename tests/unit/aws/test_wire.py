"""The lease runs out after a call was begun and before it leaves: how long connecting takes, no check knows before."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import HTTPClientError
from tests.unit.kube.conftest import ManualClock
from tests.unit.listener import Listener, listening
from urllib3.util import connection as connecting

from hyperpod_operator.aws.call.wire import ask_before_sending
from hyperpod_operator.aws.cloud import AwsCloud, CloudSettings
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.kube.leadership.guard import LeadershipGuard, LeadershipLost
from hyperpod_testbed.simulator.client import environment

LEFT = 10.0
REGION = "us-west-2"
ARN = f"arn:aws:sagemaker:{REGION}:111122223333:cluster/abcdefghijkl"
LONG = "x" * 500_000
"""Several times what the connection takes at once."""
WRITES: dict[str, Callable[[Any], Any]] = {
    "sagemaker": lambda client: client.delete_cluster(ClusterName=ARN),
    "ec2": lambda client: client.delete_volume(VolumeId="vol-1"),
    "eks": lambda client: client.delete_cluster(name="blue"),
    "long": lambda client: client.create_tags(Resources=["vol-1"], Tags=[{"Key": "a", "Value": LONG}]),
}
ANSWERS = {"sagemaker": b"{}", "ec2": b"<DeleteVolumeResponse/>"}


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Listener]:
    async with listening() as listener:
        for name, value in environment(listener.url, region=REGION).items():
            monkeypatch.setenv(name, value)
        yield listener


class Leader:
    """A process that is stopped for longer than its lease at one moment of each call, once `sleepy`."""

    def __init__(self) -> None:
        self.clock, self.lost, self.sleepy = ManualClock(), list[str](), False
        guard = LeadershipGuard(clock=self.clock, on_lost=self.lost.append)
        guard.prove(until=self.clock.seconds + LEFT)
        self.check = guard.require
        self.cloud = AwsCloud(
            settings=CloudSettings(region=REGION, before_write=guard.require), on_call=lambda **_: None
        )

    async def write(self, service: str) -> None:
        if service == "ec2":
            await self.cloud.volumes(region="").delete_volume(volume_id="vol-1")
        else:
            await self.cloud.clusters(region="").delete(arn=ARN)

    def sleep(self, *_: object, **__: object) -> None:
        if self.sleepy:
            self.clock.seconds += LEFT


@pytest.fixture
def leader(server: Listener, monkeypatch: pytest.MonkeyPatch) -> Iterator[Leader]:
    leader = Leader()
    connect = connecting.create_connection

    def connected(*parts: Any, **named: Any) -> Any:
        made = connect(*parts, **named)
        leader.sleep()
        return made

    monkeypatch.setattr(connecting, "create_connection", connected)
    yield leader
    leader.cloud.close()


@pytest.fixture
def client(server: Listener, leader: Leader) -> Callable[..., Any]:
    """A client of botocore's own that asks; unlike those of the operator it may repeat a call."""

    def make(service: str, *, attempts: int = 1, check: Callable[[], None] = leader.check) -> Any:
        config = Config(retries={"mode": "standard", "total_max_attempts": attempts})
        made = botocore.session.Session().create_client(service, region_name=REGION, config=config)
        ask_before_sending(made, check)
        return made

    return make


async def stopped(work: Awaitable[None]) -> CloudError:
    with pytest.raises(CloudError) as caught:
        await work
    return caught.value


@pytest.mark.fault(14)
@pytest.mark.parametrize("service", ["sagemaker", "ec2"])
async def test_a_lease_that_runs_out_while_a_call_connects_stops_it(
    leader: Leader, server: Listener, service: str
) -> None:
    leader.sleepy = True
    error = await stopped(leader.write(service))
    assert error.kind is ErrorKind.UNKNOWN_OUTCOME
    assert leader.lost
    await server.closed.get()
    assert server.requests == []


async def test_a_call_that_is_stopped_before_it_connects_has_the_same_outcome(leader: Leader, server: Listener) -> None:
    leader.sleepy = True
    leader.sleep()
    error = await stopped(leader.write("sagemaker"))
    assert error.kind is ErrorKind.UNKNOWN_OUTCOME
    assert server.connections == []


@pytest.mark.fault(14)
@pytest.mark.parametrize("service", ["sagemaker", "ec2"])
async def test_a_lease_that_runs_out_before_a_kept_connection_is_used_stops_the_call(
    client: Callable[..., Any], leader: Leader, server: Listener, service: str
) -> None:
    server.content = ANSWERS[service]
    made = client(service)
    made.meta.events.register_last("before-send", leader.sleep)
    await asyncio.to_thread(WRITES[service], made)
    leader.sleepy = True
    with pytest.raises(HTTPClientError, match="lease"):
        await asyncio.to_thread(WRITES[service], made)
    assert len(server.requests) == len(server.connections) == 1


@pytest.mark.fault(14)
async def test_each_attempt_of_a_call_asks(client: Callable[..., Any], leader: Leader, server: Listener) -> None:
    """The lease runs out while the second one connects."""
    made = client("sagemaker", attempts=3)
    server.statuses = [500, 500, 500]

    def answering() -> None:
        leader.sleepy = True

    server.on_request = answering
    with pytest.raises(LeadershipLost):
        await asyncio.to_thread(WRITES["sagemaker"], made)
    assert len(server.requests) == 1
    assert len(server.connections) == 2


async def test_a_leader_makes_all_attempts_and_sends_the_whole_body_with_each(
    client: Callable[..., Any], server: Listener
) -> None:
    server.statuses, server.content = [500, 500], ANSWERS["ec2"]
    await asyncio.to_thread(WRITES["ec2"], client("ec2", attempts=3))
    assert len(server.requests) == 3
    assert all(b"VolumeId=vol-1" in connection for connection in server.connections)


async def test_a_call_that_has_begun_to_leave_does_not_come_to_its_end(
    client: Callable[..., Any], leader: Leader, server: Listener
) -> None:
    asked = 0

    def check() -> None:
        nonlocal asked
        asked += 1
        if asked == 3:  # By the signature, for the first part of the body, and for the second.
            raise LeadershipLost

    with pytest.raises(HTTPClientError):
        await asyncio.to_thread(WRITES["long"], client("ec2", check=check))
    assert b"xxx" in await server.closed.get()
    assert server.requests == []


async def test_a_call_without_a_body_asks_too(client: Callable[..., Any], leader: Leader, server: Listener) -> None:
    made = client("eks")
    await asyncio.to_thread(WRITES["eks"], made)
    leader.sleepy = True
    leader.sleep()
    with pytest.raises(LeadershipLost):
        await asyncio.to_thread(WRITES["eks"], made)
    assert server.requests == ["DELETE"]
