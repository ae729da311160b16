"""When a replica says that it is ready: on /readyz, as the kubelet asks for it."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import cast

import aiohttp
import pytest

from hyperpod_operator.app.operator import Operator
from hyperpod_operator.aws.cloud import AwsCloud
from hyperpod_operator.kube.client import ApiServer
from hyperpod_operator.runtime.clock import SystemClock
from hyperpod_operator.runtime.http.address import BindAddress
from hyperpod_operator.runtime.metrics import PrometheusMetrics
from hyperpod_operator.runtime.quarantine import Quarantine
from hyperpod_operator.settings import Settings
from hyperpod_testbed.processes import free_ports


class Replica:
    """One that stands by, with nobody to talk to; its election is played."""

    def __init__(self, **settings: bool) -> None:
        self.fault: str | None = None
        self.port = free_ports(1)[0]
        self.settings = Settings(
            health_probe_address=BindAddress(host="127.0.0.1", port=self.port), metrics_address=None, **settings
        )
        self.operator = Operator(
            self.settings,
            api=cast(ApiServer, SimpleNamespace(credentials=None)),
            cloud=cast(AwsCloud, SimpleNamespace(region="us-west-2", prices=None, training_plans=None)),
            metrics=PrometheusMetrics(),
            clock=SystemClock(),
            quarantine=Quarantine(),
        )

    async def says(self, *, once: Callable[[], None]) -> tuple[int, str]:
        """What /readyz answers, after `once`."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.operator.standing_by(asyncio.Event(), not_ready=lambda: self.fault))
            once()
            session = await stack.enter_async_context(aiohttp.ClientSession())
            answer = await stack.enter_async_context(session.get(f"http://127.0.0.1:{self.port}/readyz"))
            return answer.status, await answer.text()


@pytest.fixture
def replica() -> Replica:
    return Replica()


async def test_a_replica_is_not_ready_before_it_watches(replica: Replica) -> None:
    status, text = await replica.says(once=lambda: None)
    assert status == 503
    assert text.splitlines() == ["watch: the watch is not started", "nodes: the first list of Nodes is not done yet"]


@pytest.mark.parametrize(
    ("follows", "waits"),
    [
        ({"node_health": True, "volumes": False, "node_operations": False}, True),
        ({"node_health": False, "volumes": True, "node_operations": False}, True),
        ({"node_health": False, "volumes": False, "node_operations": True}, True),
        ({"node_health": False, "volumes": False, "node_operations": False}, False),
    ],
)
async def test_nodes_count_where_any_part_follows_them(follows: dict[str, bool], waits: bool) -> None:
    _, text = await Replica(**follows).says(once=lambda: None)
    assert ("nodes: the first list of Nodes is not done yet" in text.splitlines()) == waits


async def test_a_replica_is_not_ready_before_everything_is_listed(replica: Replica) -> None:
    status, text = await replica.says(once=replica.operator._watch.health.started)
    assert status == 503
    assert "the first list of" in text


@pytest.fixture
def follow(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Lets it have listed all objects and Nodes, and hear of both."""
    monkeypatch.setattr(replica.operator._watch.health, "age", lambda: 1.0)
    monkeypatch.setattr(replica.operator._cache, "age", lambda: 1.0)

    def follow() -> None:
        replica.operator._watch.health.started()
        replica.operator._watch.health.first_list.set()
        replica.operator._cache._reflector._listed.set()

    return follow


async def test_a_replica_that_has_listed_everything_and_hears_of_changes_is_ready(
    replica: Replica, follow: Callable[[], None]
) -> None:
    assert (await replica.says(once=follow))[0] == 200


async def test_a_replica_that_does_not_hear_of_nodes_is_not_ready(
    replica: Replica, follow: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica.operator._cache, "age", lambda: 91.0)
    status, text = await replica.says(once=follow)
    assert (status, text.strip()) == (503, "nodes: nothing was heard of Nodes for 91 s; they are asked for again")


async def test_a_replica_is_not_ready_before_nodes_are_listed(replica: Replica, follow: Callable[[], None]) -> None:
    def follow_all_but_nodes() -> None:
        follow()
        replica.operator._cache._reflector._listed.clear()

    status, text = await replica.says(once=follow_all_but_nodes)
    assert (status, text.strip()) == (503, "nodes: the first list of Nodes is not done yet")


async def test_a_standby_that_could_not_take_over_is_not_ready(replica: Replica) -> None:
    replica.fault = "the lease cannot be read"
    status, text = await replica.says(once=lambda: None)
    assert status == 503
    assert "lease: the lease cannot be read" in text.splitlines()
