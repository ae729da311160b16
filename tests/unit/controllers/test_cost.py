"""What a cluster costs, in its status and metrics, against the simulator's price list."""

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.core.builders import group_spec, spec

from hyperpod_operator.api.kinds import CLUSTER

ASKED = "GetProducts"


@pytest.fixture
def priced(rig: Rig) -> Rig:
    rig.prices = rig.cloud.prices
    rig.restart()
    return rig


def gpus(count: int) -> dict[str, object]:
    return spec(instanceGroups=[group_spec(count=count)])


async def test_status_and_metrics_have_what_the_instances_cost(priced: Rig) -> None:
    priced.apply(gpus(4))
    await priced.rest()
    cost = priced.status["cost"]
    assert (cost["currency"], cost["asOf"]) == ("USD", "2026-10-01T00:00:00Z")
    assert cost["hourly"] == cost["groups"][0]["hourly"]
    assert priced.recorder.gauges(CLUSTER, KEY, "cost_per_hour") == {("All", "USD"): float(cost["hourly"])}


async def test_a_plan_that_waits_says_what_it_adds(priced: Rig) -> None:
    priced.apply(gpus(4))
    await priced.rest()
    each = float(priced.status["cost"]["hourly"]) / 4
    priced.apply({**gpus(6), "management": {"changePolicy": "ApproveAll"}})
    await priced.idle(60)
    amount, _, unit = priced.status["plan"]["cost"].partition(" ")
    assert (float(amount), unit) == (pytest.approx(2 * each, abs=0.01), "USD/h")
    assert priced.recorder.gauges(CLUSTER, KEY, "approval_waiting") == {(): 1.0}


async def test_a_settled_cluster_asks_for_no_price(priced: Rig) -> None:
    priced.apply(gpus(4))
    await priced.rest()
    before = len(priced.simulator.log.calls(ASKED))
    await priced.idle(7200)
    assert len(priced.simulator.log.calls(ASKED)) == before == 1


async def test_without_a_price_list_there_is_no_cost(rig: Rig) -> None:
    rig.apply(gpus(4))
    await rig.rest()
    assert "cost" not in rig.status
    assert rig.recorder.gauges(CLUSTER, KEY, "cost_per_hour") == {}


async def test_without_the_right_the_status_says_which_is_missing_and_everything_else_works(priced: Rig) -> None:
    priced.simulator.access.deny(ASKED)
    priced.apply(gpus(4))
    await priced.rest()
    assert priced.condition("Ready")["status"] == "True"
    assert priced.status["cost"]["unknownGroups"] == ["gpu"]
    assert "pricing:GetProducts" in priced.status["cost"]["groups"][0]["unknown"]
