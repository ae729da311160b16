"""Started with another Region or another account, the operator sees none of its clusters, and does nothing about it."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.unit.controllers.rig import KEY, UNLIMITED, Rig
from tests.unit.controllers.test_life import two

from hyperpod_operator.aws.cloud import AwsCloud, CloudSettings
from hyperpod_operator.core.outcome import Blocked, Done, Gone
from hyperpod_testbed.simulator import Fault, Simulator

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Elsewhere:
    """The operator of the rig as a new process with another configuration, and back."""

    what: str
    region: str
    other: Simulator
    rig: Rig
    monkeypatch: pytest.MonkeyPatch

    def go(self) -> None:
        self._move(self.other, self.region)

    def back(self) -> None:
        self._move(self.rig.simulator, "us-west-2")

    def _move(self, simulator: Simulator, region: str) -> None:
        for name, value in simulator.environment().items():
            self.monkeypatch.setenv(name, value)
        self.rig.cloud.close()
        settings = CloudSettings(region=region, reads=UNLIMITED, writes=UNLIMITED, threads=4, read_timeout=5)
        self.rig.cloud = AwsCloud(settings=settings, on_call=lambda **_: None)
        self.rig.restart()


@pytest.fixture(params=["Region", "account"])
def elsewhere(request: pytest.FixtureRequest, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    region, account = ("eu-west-1", "111122223333") if request.param == "Region" else ("us-west-2", "444455556666")
    with Simulator(account=account, speed=0) as other:
        yield Elsewhere(what=request.param, region=region, other=other, rig=rig, monkeypatch=monkeypatch)


async def test_nothing_is_created_in_the_wrong_place(rig: Rig, elsewhere: Elsewhere) -> None:
    elsewhere.go()
    rig.apply(two())
    assert isinstance(await rig.rest(), Blocked)
    assert rig.condition("Stalled")["reason"] == "WrongAccountOrRegion"
    assert f"another {elsewhere.what}" in rig.condition("Ready")["message"]
    assert not [call for call in elsewhere.other.log.calls() if call.mutating]


@pytest.mark.parametrize("deleted", [False, True])
async def test_a_cluster_that_runs_elsewhere_is_neither_made_again_nor_released(
    rig: Rig, elsewhere: Elsewhere, deleted: bool
) -> None:
    rig.apply(two())
    await rig.rest()
    arn, before = rig.status["clusterArn"], rig.operations()
    elsewhere.go()
    if deleted:
        rig.objects.delete(KEY)
    await rig.idle(3600)
    assert rig.condition("Stalled")["reason"] == "WrongAccountOrRegion"
    assert (rig.status["clusterArn"], rig.status["clusterStatus"]) == (arn, "InService")
    assert rig.has_finalizer
    assert not [call for call in elsewhere.other.log.calls() if call.mutating]
    elsewhere.back()
    assert isinstance(await rig.rest(), Gone if deleted else Done)
    assert rig.operations() == ([*before, "DeleteCluster"] if deleted else before)


async def test_without_sts_a_cluster_that_was_seen_tells_the_account(rig: Rig) -> None:
    rig.simulator.faults.add(Fault(operation="GetCallerIdentity", kind="drop"))
    rig.apply(two())
    await rig.rest()
    rig.objects.delete(KEY)
    assert isinstance(await rig.rest(), Gone)


async def test_without_sts_and_cluster_nothing_is_released(rig: Rig) -> None:
    rig.apply(two())
    await rig.rest()
    rig.simulator.faults.add(Fault(operation="GetCallerIdentity", kind="drop"))
    rig.simulator.faults.add(Fault(operation="DescribeCluster", kind="error", status=400, code="ResourceNotFound"))
    rig.cloud.close()
    settings = CloudSettings(region="us-west-2", reads=UNLIMITED, writes=UNLIMITED, threads=4, read_timeout=5)
    rig.cloud = AwsCloud(settings=settings, on_call=lambda **_: None)
    rig.restart()
    rig.objects.delete(KEY)
    await rig.idle(600)
    assert "GetCallerIdentity" in rig.condition("Ready")["message"]
    assert rig.has_finalizer
