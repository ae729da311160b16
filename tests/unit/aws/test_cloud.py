"""The edge of AWS: what keeps a write from leaving."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import botocore.session
import pytest

from hyperpod_operator.aws.cloud import AwsCloud, CloudSettings
from hyperpod_operator.aws.models import CARRIED, carried
from hyperpod_operator.core.errors import CloudError
from hyperpod_testbed.simulator import Simulator


class NotLeading(Exception):  # noqa: N818 - a state of affairs
    pass


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(account="111122223333", speed=0) as running:
        yield running


@pytest.fixture
async def cloud(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AwsCloud]:
    def refuse() -> None:
        raise NotLeading

    for name, value in simulator.environment().items():
        monkeypatch.setenv(name, value)
    cloud = AwsCloud(settings=CloudSettings(region="us-west-2", before_write=refuse), on_call=lambda **_: None)
    yield cloud
    cloud.close()


async def test_a_refused_write_never_leaves_and_a_read_does(cloud: AwsCloud, simulator: Simulator) -> None:
    clusters = cloud.clusters(region="")
    assert await clusters.describe(name="blue") is None
    with pytest.raises(CloudError):
        await clusters.delete(arn="arn:aws:sagemaker:us-west-2:111122223333:cluster/abcdefghijkl")
    assert [call.operation for call in simulator.log.calls()] == ["DescribeCluster"]


async def test_warming_up_makes_the_clients_and_calls_nobody(cloud: AwsCloud, simulator: Simulator) -> None:
    await cloud.warm_up()
    assert simulator.log.calls() == []


@pytest.mark.parametrize(
    ("preflight", "prices", "made"),
    [
        (True, True, {"ec2", "eks", "iam", "service-quotas", "s3", "pricing"}),
        (True, False, {"ec2", "eks", "iam", "service-quotas", "s3"}),
        (False, True, {"pricing"}),
        (False, False, set()),
    ],
)
async def test_clients_of_checks_are_made_before_they_are_needed(
    session: type["CountingSession"],
    cloud: AwsCloud,
    simulator: Simulator,
    preflight: bool,
    prices: bool,
    made: set[str],
) -> None:
    await cloud.warm_up_checks(preflight=preflight, prices=prices)
    assert {service for service, _ in cloud._session.made} == made
    assert {call.operation for call in simulator.log.calls()} == ({"ListServiceQuotas"} if preflight else set())


async def test_without_a_region_no_client_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "missing")
    cloud = AwsCloud(settings=CloudSettings(), on_call=lambda **_: None)
    await cloud.warm_up_checks(preflight=True, prices=True)
    assert [key for key, caller in cloud._callers.items() if caller._made] == []
    cloud.close()


class CountingSession(botocore.session.Session):
    """Notes the clients that it makes, and whether two were made at the same time."""

    made: list[tuple[str, int]]
    sessions = 0
    overlapped = False

    def __init__(self) -> None:
        super().__init__()
        type(self).sessions += 1
        self.made = []
        self._free, self._second = threading.Lock(), threading.Event()

    def create_client(self, service_name: str, **options: Any) -> Any:
        if not self._free.acquire(blocking=False):
            self.overlapped = True
            self._second.set()
        self._second.wait(0.05)
        self.made.append((service_name, options["config"].retries["total_max_attempts"]))
        client = super().create_client(service_name, **options)
        if self._free.locked():
            self._free.release()
        return client


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> type[CountingSession]:
    class Counting(CountingSession):
        pass

    monkeypatch.setattr("hyperpod_operator.aws.cloud.Session", Counting)
    return Counting


async def test_reads_make_one_client_for_each_service_from_one_session(
    session: type[CountingSession], cloud: AwsCloud
) -> None:
    await cloud.identity()
    await cloud.clusters(region="").describe(name="blue")
    await cloud.clusters(region="us-west-2").describe(name="red")
    assert cloud._session.made == [("sts", 2), ("sagemaker", 2)]
    assert session.sessions == 1


async def test_a_write_has_a_client_that_sends_it_once(session: type[CountingSession], cloud: AwsCloud) -> None:
    with pytest.raises(CloudError):
        await cloud.clusters(region="").delete(arn="arn:aws:sagemaker:us-west-2:111122223333:cluster/abcdefghijkl")
    assert ("sagemaker", 1) in cloud._session.made
    assert session.sessions == 1


async def test_clients_are_made_one_at_a_time(session: type[CountingSession], cloud: AwsCloud) -> None:
    await asyncio.gather(cloud.identity(), *(cloud.clusters(region=r).describe(name="blue") for r in ("", "us-east-1")))
    assert len(cloud._session.made) == 3
    assert not cloud._session.overlapped


async def test_clients_are_made_from_the_models_that_the_operator_carries(cloud: AwsCloud) -> None:
    for service in CARRIED:
        model = await cloud._caller(service, "us-west-2").model()
        assert set(model.operation_names) == carried(service)["operations"].keys()
