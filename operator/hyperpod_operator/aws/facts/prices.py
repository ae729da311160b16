"""AWS's price list: what an instance of a HyperPod cluster costs on demand.

Instances of HyperPod clusters have products of their own, whose usage type ends with `Cluster:` and the instance type,
for example `USW2-Cluster:ml.p4d.24xlarge` (recorded in bills). The price list has the same types for training and for
hosting, at other prices, so that a product of another usage is never taken.

Source: AWS Price List API reference, GetProducts; "Using the AWS Price List Query API" (its endpoints).
"""

import asyncio
import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from hyperpod_operator.aws.call.caller import Caller
from hyperpod_operator.aws.facts.reader import Answers, Ask, Reader, items
from hyperpod_operator.core.cost.price import Price, Prices
from hyperpod_operator.core.preflight.model import Fact, Unread

DAY = 86_400.0
"""Seconds for which a price stands."""
AGAIN = 3600.0
"""Seconds until a price that could not be read is asked for again."""
PATIENCE = 5.0
"""Seconds in which the prices of one cluster have to be there: a pass waits for them."""
BUDGET = 60
PAGES = 5
MOST_UNPRICED = 1000
"""Types without a price that are remembered. AWS has fewer types than that; a spec can name any."""
SERVICE = "AmazonSageMaker"
ACTION = "pricing:GetProducts"
ENDPOINTS: Mapping[str, str] = {"aws": "us-east-1", "aws-cn": "cn-northwest-1"}
"""By partition: the Region whose endpoint is asked about prices of all Regions."""


class AwsPrices:
    """Implements `core.cost.price.PriceList`. What was read stands for a day, a failure for an hour."""

    def __init__(
        self,
        *,
        caller: Callable[[str], Caller],
        partition: Callable[[str], str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`caller` gives the Caller of `pricing` in a Region, `partition` the partition of a Region."""
        self._caller = caller
        self._partition = partition
        self._monotonic = monotonic
        self._answers = Answers(monotonic=monotonic)
        self._known: dict[tuple[str, str], tuple[float, Fact[Price | None]]] = {}

    @property
    def held(self) -> int:
        """How many types are remembered."""
        return len(self._known)

    async def prices(self, *, region: str, types: Collection[str]) -> Prices:
        """Never raises."""
        now = self._monotonic()
        kept = {name: self._known.get((region, name)) for name in sorted(types)}
        answers = {name: one[1] for name, one in kept.items() if one is not None and one[0] > now}
        due = [name for name in kept if name not in answers]
        if due:
            reader = self._reader(region)
            read = await asyncio.gather(*(_price(reader, region, name) for name in due))
            for name, found in zip(due, read, strict=True):
                lasts = AGAIN if isinstance(found, Unread) else DAY
                self._known.pop((region, name), None)
                self._known[region, name] = (now + lasts, found)
                answers[name] = found
            self._forget()
        return answers

    def _forget(self) -> None:
        """Drop the types without a price that were asked about longest ago, where they are too many."""
        unpriced = [key for key, (_, found) in self._known.items() if not isinstance(found, Price)]
        for key in unpriced[: max(0, len(unpriced) - MOST_UNPRICED)]:
            del self._known[key]

    def _reader(self, region: str) -> Reader | None:
        endpoint = ENDPOINTS.get(self._partition(region))
        if endpoint is None:
            return None
        return Reader(
            caller=lambda _: self._caller(endpoint),
            answers=self._answers,
            budget=BUDGET,
            patience=PATIENCE,
            monotonic=self._monotonic,
        )


async def _price(reader: Reader | None, region: str, name: str) -> Fact[Price | None]:
    if reader is None:
        return Unread(why=f"AWS's price list cannot be asked from the partition of {region}")
    filters = {"regionCode": region, "instanceName": name}
    pages = await reader.ask(
        Ask(
            service="pricing",
            operation="GetProducts",
            action=ACTION,
            parameters={
                "ServiceCode": SERVICE,
                "FormatVersion": "aws_v1",
                "Filters": [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in filters.items()],
            },
            pages=PAGES,
            whole=False,
        )
    )
    if pages is None or isinstance(pages, Unread):
        return pages
    found = {price for text in items(pages, "PriceList") for price in _prices(text, region=region, name=name)}
    if len({(one.hourly, one.currency) for one in found}) > 1:
        return Unread(why=f"the price list has several prices of {name}")
    return next(iter(found), None)


# [assumption: prices-have-usage-types]
def _prices(text: Any, *, region: str, name: str) -> Iterator[Price]:
    """The on-demand prices per hour of a product, if it is this type in a HyperPod cluster."""
    try:
        product = json.loads(text)
        attributes = product["product"]["attributes"]
        if attributes.get("regionCode") != region or not str(attributes.get("usagetype")).endswith(f"Cluster:{name}"):
            return
        for term in product["terms"]["OnDemand"].values():
            for dimension in term["priceDimensions"].values():
                for currency, amount in dimension["pricePerUnit"].items():
                    hourly = Decimal(amount)
                    if dimension["unit"] == "Hrs" and hourly.is_finite() and hourly > 0:
                        yield Price(hourly=hourly, currency=currency, as_of=str(product.get("publicationDate") or ""))
    except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation):
        return  # a product of another shape has no price that could be trusted
