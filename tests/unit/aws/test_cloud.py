"""The edge of AWS: what keeps a write from leaving."""

from collections.abc import AsyncIterator, Iterator

import pytest

from hyperpod_operator.aws.cloud import AwsCloud, CloudSettings
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
