"""AWS's price list: the price of a type in a HyperPod cluster and no other, cached, and never a guess."""

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.unit.aws.facts.fake import FakeAws, refusal
from tests.unit.aws.facts.test_gather import Time

from hyperpod_operator.aws.facts.prices import AGAIN, DAY, MOST_UNPRICED, AwsPrices
from hyperpod_operator.core.cost.price import Price
from hyperpod_operator.core.preflight.model import Unread

TYPE = "ml.p5.48xlarge"
REGION = "us-west-2"
PUBLISHED = "2026-10-01T00:00:00Z"


def product(usage: str = f"USW2-Cluster:{TYPE}", amount: str = "55.04", **changes: Any) -> str:
    dimension = {"unit": "Hrs", "pricePerUnit": {"USD": amount}, **changes}
    return json.dumps(
        {
            "product": {"attributes": {"regionCode": REGION, "instanceName": TYPE, "usagetype": usage}},
            "terms": {"OnDemand": {"term": {"priceDimensions": {"dimension": dimension}}}},
            "publicationDate": PUBLISHED,
        }
    )


def listing(*products: str) -> FakeAws:
    return FakeAws({"GetProducts": {"FormatVersion": "aws_v1", "PriceList": [*products]}})


def price_list(aws: FakeAws, *, time: Time | None = None, partition: str = "aws") -> AwsPrices:
    return AwsPrices(caller=lambda _: aws.caller("pricing"), partition=lambda _: partition, monotonic=time or Time())


async def priced(aws: FakeAws, **more: Any) -> Any:
    return (await price_list(aws, **more).prices(region=REGION, types={TYPE}))[TYPE]


async def test_the_price_of_a_type_in_a_cluster_is_found() -> None:
    others = (product(f"USW2-Train:{TYPE}", "60"), product("USW2-Cluster:ml.p5.4xlarge", "6"))
    found = await priced(listing(*others, product()))
    assert found == Price(hourly=Decimal("55.04"), currency="USD", as_of=PUBLISHED)


async def test_a_type_without_a_price_for_clusters_has_none() -> None:
    assert await priced(listing(product(f"USW2-Train:{TYPE}"))) is None


async def test_two_prices_are_no_price() -> None:
    found = await priced(listing(product(), product(amount="50")))
    assert isinstance(found, Unread)


@pytest.mark.parametrize(
    "odd",
    [
        "no JSON",
        "[]",
        "{}",
        product(amount="free"),
        product(amount="NaN"),
        product(amount="-1"),
        product(amount="0"),
        product(unit="Quantity"),
        product(pricePerUnit=None),
    ],
)
async def test_a_product_of_another_shape_is_no_price(odd: str) -> None:
    assert await priced(listing(odd)) is None


async def test_without_the_right_the_action_is_named() -> None:
    aws = FakeAws()
    found = await priced(aws)
    assert isinstance(found, Unread)
    assert found.action == "pricing:GetProducts"


async def test_a_price_is_asked_for_once_a_day() -> None:
    aws, time = listing(product()), Time()
    prices = price_list(aws, time=time)
    for moment in (0.0, DAY - 1, DAY + 1):
        time.now = moment
        await prices.prices(region=REGION, types={TYPE})
    assert len(aws.calls) == 2


async def test_a_failure_is_asked_about_again_after_an_hour_and_not_before() -> None:
    aws, time = FakeAws({"GetProducts": refusal("AccessDeniedException")}), Time()
    prices = price_list(aws, time=time)
    for moment in (0.0, AGAIN - 1, AGAIN + 1):
        time.now = moment
        await prices.prices(region=REGION, types={TYPE})
    assert len(aws.calls) == 2


async def test_a_partition_without_a_price_list_is_not_asked() -> None:
    aws = listing(product())
    assert isinstance(await priced(aws, partition="aws-us-gov"), Unread)
    assert aws.calls == []


async def test_no_types_need_no_call() -> None:
    aws = listing(product())
    assert await price_list(aws).prices(region=REGION, types=()) == {}
    assert aws.calls == []


async def test_names_that_users_make_up_are_not_remembered_without_end() -> None:
    """A spec can name any type, and another one at each edit."""
    aws = listing(product())
    prices = price_list(aws)
    assert (await prices.prices(region=REGION, types={TYPE}))[TYPE] is not None
    for edit in range(30):
        made_up = {f"ml.p{edit}.{number}xlarge" for number in range(100)}
        assert (await prices.prices(region=REGION, types=made_up)).keys() == made_up
    assert prices.held <= 1 + MOST_UNPRICED


async def test_made_up_names_push_out_no_price() -> None:
    aws = listing(product())
    prices = price_list(aws)
    await prices.prices(region=REGION, types={TYPE})
    await prices.prices(region=REGION, types={f"ml.x.{number}xlarge" for number in range(2 * MOST_UNPRICED)})
    asked = len(aws.calls)
    await prices.prices(region=REGION, types={TYPE})
    assert len(aws.calls) == asked
