"""Started with another Region or another account, the operator sees none of its clusters, and does nothing about it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.unit.controllers.rig import KEY, UNLIMITED, Rig
from tests.unit.controllers.test_life import two

from hyperpod_operator.aws.cloud import UNSEEN, AwsCloud, CloudSettings
from hyperpod_operator.core.outcome import Blocked, Done, Gone
from hyperpod_testbed.proxy.aws import AwsProxy
from hyperpod_testbed.simulator import Fault, Simulator
from hyperpod_testbed.simulator.client import environment

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


@dataclass(frozen=True)
class Refreshed:
    """The operator of the rig, in one process, whose credentials become those of another account at a refresh."""

    rig: Rig
    other: Simulator
    proxy: AwsProxy
    file: Path

    def go(self) -> None:
        self._move(self.other, key="OTHER")

    def back(self) -> None:
        self._move(self.rig.simulator, key="BACK")

    def _move(self, simulator: Simulator, *, key: str) -> None:
        """Old enough to be fetched again with each call, as botocore does in the last ten minutes."""
        soon = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
        self.file.write_text(
            json.dumps({"Version": 1, "AccessKeyId": key, "SecretAccessKey": "secret", "Expiration": soon})
        )
        self.proxy._upstream = simulator.url


@pytest.fixture
def refreshed(rig: Rig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Refreshed]:
    with Simulator(account="444455556666", speed=0) as other, AwsProxy(rig.simulator.url) as proxy:
        found = Refreshed(rig=rig, other=other, proxy=proxy, file=tmp_path / "credentials.json")
        config = tmp_path / "config"
        config.write_text(f"[default]\ncredential_process = cat {found.file}\n")
        for name, value in environment(proxy.url, region="us-west-2").items():
            monkeypatch.setenv(name, value)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
        found.back()
        rig.cloud.close()
        settings = CloudSettings(region="us-west-2", reads=UNLIMITED, writes=UNLIMITED, threads=4, read_timeout=5)
        rig.cloud = AwsCloud(settings=settings, on_call=lambda **_: None)
        rig.restart()
        yield found


@pytest.mark.parametrize("on_delete", [{}, {"onExternalDelete": "Recreate"}])
@pytest.mark.parametrize("deleted", [False, True])
async def test_credentials_that_become_those_of_another_account_prove_no_end(
    refreshed: Refreshed, deleted: bool, on_delete: dict[str, str]
) -> None:
    rig = refreshed.rig
    rig.apply({**two(), "management": {**on_delete, "deletionPolicy": "Delete"}})
    await rig.rest()
    arn, before = rig.status["clusterArn"], rig.operations()
    refreshed.go()
    if deleted:
        rig.objects.delete(KEY)
    await rig.idle(3600)
    assert rig.condition("Stalled")["reason"] == "WrongAccountOrRegion"
    assert "another account" in rig.condition("Ready")["message"]
    assert (rig.status["clusterArn"], rig.status["clusterStatus"]) == (arn, "InService")
    assert rig.has_finalizer
    assert not [call for call in refreshed.other.log.calls() if call.mutating]
    refreshed.back()
    rig.cloud._ask_account_at, rig.cloud._keys.sent_at = 0.0, -UNSEEN  # as a quarter of an hour later
    assert isinstance(await rig.rest(), Gone if deleted else Done)
    assert rig.operations() == ([*before, "DeleteCluster"] if deleted else before)


async def test_credentials_that_are_refreshed_ask_sts_once_each(refreshed: Refreshed) -> None:
    rig = refreshed.rig
    rig.apply(two())
    await rig.rest()
    await rig.idle(3600)
    assert len(rig.simulator.log.calls("GetCallerIdentity")) == 1


async def test_checks_ask_iam_about_the_role_that_calls_now(refreshed: Refreshed) -> None:
    cloud = refreshed.rig.cloud
    first = await cloud._caller_arn()
    refreshed.go()
    await cloud.clusters(region="").describe(name="blue")
    assert (":111122223333:" in first, ":444455556666:" in await cloud._caller_arn()) == (True, True)


@pytest.mark.parametrize("deleted", [False, True])
async def test_without_sts_refreshed_credentials_prove_no_end_either(refreshed: Refreshed, deleted: bool) -> None:
    rig = refreshed.rig
    rig.apply(two())
    await rig.rest()
    refreshed.other.faults.add(Fault(operation="GetCallerIdentity", kind="drop"))
    refreshed.go()
    if deleted:
        rig.objects.delete(KEY)
    await rig.idle(1800)
    assert "GetCallerIdentity" in rig.condition("Ready")["message"]
    assert rig.has_finalizer
    assert not [call for call in refreshed.other.log.calls() if call.mutating]
