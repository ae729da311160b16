"""Prices as AWS's price list has them, and who reads them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from hyperpod_operator.core.preflight.model import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """On-demand price of an instance of a HyperPod cluster. `as_of` is the date of the price list, as RFC 3339."""

    hourly: Decimal
    currency: str
    as_of: str = ""


Prices = Mapping[str, Fact[Price | None]]
"""By instance type, with `ml.`. None: the price list has no such price."""


class PriceList(Protocol):
    """AWS's price list, cached: a settled cluster costs no call."""

    async def prices(self, *, region: str, types: Collection[str]) -> Prices:
        """The prices of these types in a Region. Never raises: what cannot be read is Unread."""
        ...
