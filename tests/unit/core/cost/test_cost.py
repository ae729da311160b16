"""What a cluster and a plan cost: sums of what is known, and what is not known by name."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from tests.unit.core.builders import cluster, group, group_spec, spec

from hyperpod_operator.api.cluster.cost import ClusterCost
from hyperpod_operator.api.cluster.status import HyperPodClusterStatus, InstanceGroupStatus
from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.core.cost.cluster import configurations, cost, priced_types
from hyperpod_operator.core.cost.plan import plan_cost, planned_types
from hyperpod_operator.core.cost.price import Price, Prices
from hyperpod_operator.core.engine.call import Effect, PlannedCall, PlannedChange
from hyperpod_operator.core.preflight.model import Unread

GPU, CPU = "ml.p5.48xlarge", "ml.m5.4xlarge"


def usd(amount: str) -> Price:
    return Price(hourly=Decimal(amount), currency="USD", as_of="2026-10-01T00:00:00Z")


PRICES: Prices = {GPU: usd("55.04"), CPU: usd("0.922")}


def of(name: str, count: int, type_: str = GPU, *, current: int | None = None, **members: Any) -> Any:
    return group(group_spec(name, count, instanceType=type_, **members), current=current)


def entry(name: str, schedulable: int | None) -> InstanceGroupStatus:
    return InstanceGroupStatus(instanceGroupName=name, schedulableNodes=schedulable)


def found(*groups: Any, entries: tuple[InstanceGroupStatus, ...] = (), prices: Prices = PRICES) -> ClusterCost:
    made = cost(cluster(groups=groups), entries, prices)
    assert made is not None
    return made


def test_the_instances_that_are_there_are_paid_for() -> None:
    made = found(of("gpu", 4, current=3), of("cpu", 2, CPU))
    assert (made.hourly, made.monthly, made.currency) == ("166.96", "121883.72", "USD")
    assert [(one.instanceGroupName, one.hourly) for one in made.groups or []] == [("cpu", "1.84"), ("gpu", "165.12")]


def test_what_runs_no_pods_is_idle() -> None:
    made = found(of("gpu", 4), of("cpu", 2, CPU), entries=(entry("gpu", 3), entry("cpu", 2)))
    assert made.idleHourly == "55.04"


def test_without_nodes_to_look_at_it_is_not_known_what_is_idle() -> None:
    assert found(of("gpu", 4), entries=(entry("gpu", None),)).idleHourly is None


@pytest.mark.parametrize(
    ("members", "prices", "why"),
    [
        ({"trainingPlanArn": "arn:aws:sagemaker:us-west-2:111122223333:training-plan/x"}, PRICES, "training plan"),
        ({"capacityRequirements": {"spot": {}}}, PRICES, "Spot"),
        ({}, {GPU: None}, "no price of ml.p5.48xlarge"),
        ({}, {GPU: Unread(why="it failed", action="pricing:GetProducts")}, "pricing:GetProducts"),
    ],
)
def test_a_group_without_a_known_price_is_named_and_not_free(
    members: Mapping[str, Any], prices: Prices, why: str
) -> None:
    made = found(of("gpu", 4, **members), of("cpu", 2, CPU), prices={**PRICES, **prices})
    assert (made.hourly, made.unknownGroups) == ("1.84", ["gpu"])
    assert why in next(one.unknown or "" for one in made.groups or [] if one.instanceGroupName == "gpu")


def metric(cost: ClusterCost) -> Mapping[tuple[str, ...], float]:
    """What the gauge of the price has of it."""
    (gauge,) = (one for one in CLUSTER.gauges if one.instrument.name.endswith("_cost_per_hour"))
    return dict(gauge.read(HyperPodClusterStatus(cost=cost)))


def test_where_no_price_is_known_there_is_no_total() -> None:
    made = found(of("gpu", 4), prices={GPU: None})
    assert (made.hourly, made.monthly, made.idleHourly, made.currency) == (None, None, None, None)
    assert metric(made) == {}


def test_amounts_of_two_currencies_have_no_sum() -> None:
    made = found(of("gpu", 4), of("cpu", 2, CPU), prices={**PRICES, CPU: Price(hourly=Decimal(7), currency="CNY")})
    assert (made.hourly, made.currency) == (None, None)


def test_a_flexible_group_has_no_one_price() -> None:
    flexible = group(
        {**group_spec("gpu", 4), "instanceType": None, "instanceRequirements": {"instanceTypes": [GPU, CPU]}}
    )
    assert found(flexible).unknownGroups == ["gpu"]
    assert priced_types(cluster(groups=(flexible,))) == frozenset()


def test_the_metric_has_what_is_known() -> None:
    made = found(of("gpu", 4), entries=(entry("gpu", 3),))
    assert metric(made) == {("All", "USD"): 220.16, ("Idle", "USD"): 55.04}


def call(operation: str, path: str, observed: Any = None, wanted: Any = None) -> PlannedCall:
    change = PlannedChange(path=path, effect=Effect.CHANGES, observed=observed, wanted=wanted)
    return PlannedCall(operation=operation, effect=Effect.CHANGES, fingerprint="x", changes=(change,))


GROUPS = configurations(cluster(groups=(of("gpu", 4), of("cpu", 2, CPU))))
COUNT = "instanceGroups[gpu].instanceCount"


@pytest.mark.parametrize(
    ("planned", "expected"),
    [
        (call("UpdateCluster", COUNT, 4, 6), "+110.08 USD/h"),
        (call("UpdateCluster", COUNT, 4, 3), "-55.04 USD/h"),
        (call("UpdateCluster", "instanceGroups[new]", None, group_spec("new", 2)), "+110.08 USD/h"),
        (call("UpdateCluster", "instanceGroups[cpu]", {"instanceCount": 2}), "-1.84 USD/h"),
        (call("DeleteCluster", "cluster", {"gpu": 4, "cpu": 2}), "-222.00 USD/h"),
        (call("CreateCluster", "cluster", None, spec()), "+222.00 USD/h"),
    ],
)
def test_a_plan_says_what_it_adds(planned: PlannedCall, expected: str) -> None:
    assert planned_types((planned,), GROUPS) <= PRICES.keys()
    assert str(plan_cost((planned,), GROUPS, PRICES)) == expected


@pytest.mark.parametrize(
    "planned",
    [
        call("UpdateCluster", "nodeRecovery", "None", "Automatic"),
        call("UpdateCluster", "instanceGroups[gpu].kubernetesConfig", None, {}),
        call("UpdateClusterSoftware", "instanceGroups[gpu].imageReleaseVersion", "1.0.0", "1.1.0"),
        call("AddTags", "tags[team]", None, "x"),
    ],
)
def test_a_plan_that_changes_no_count_costs_nothing(planned: PlannedCall) -> None:
    assert plan_cost((planned,), GROUPS, PRICES) is None


def test_the_parts_of_a_plan_are_added_up() -> None:
    calls = (call("UpdateCluster", COUNT, 4, 5), call("UpdateCluster", "instanceGroups[cpu].instanceCount", 2, 1))
    assert str(plan_cost(calls, GROUPS, PRICES)) == "+54.12 USD/h"


def test_what_is_not_known_of_a_plan_is_said_with_what_is() -> None:
    calls = (call("UpdateCluster", COUNT, 4, 5), call("UpdateCluster", "instanceGroups[cpu].instanceCount", 2, 1))
    shown = str(plan_cost(calls, GROUPS, {**PRICES, CPU: None}))
    assert shown.startswith("+55.04 USD/h; not known for cpu (")


def test_of_a_plan_without_any_known_price_no_amount_is_shown() -> None:
    shown = str(plan_cost((call("UpdateCluster", COUNT, 4, 5),), GROUPS, {GPU: None}))
    assert shown.startswith("not known for gpu (")
