"""Prices from a file, for those who may not ask AWS's price list, or who pay other prices.

The file is read once, and rejected as a whole if any of it is invalid.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hyperpod_operator.app.documents import InputError, read_text, yaml_documents
from hyperpod_operator.core.cost.price import Price, Prices
from hyperpod_operator.core.moments import stamp

MOST = Decimal(1_000_000)
Amount = Annotated[Decimal, Field(gt=0, le=MOST, allow_inf_nan=False)]
Region = Annotated[str, Field(pattern="^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$")]
InstanceType = Annotated[str, Field(pattern="^ml[.][a-z0-9-]+[.][a-z0-9]+$")]


class PricesError(Exception):
    """The file cannot be used; the message says where and why."""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    asOf: str | datetime | None = None
    regions: Annotated[dict[Region, dict[InstanceType, Amount]], Field(min_length=1)]


class FilePrices:
    """Implements `core.cost.price.PriceList` with the prices of a file. Asks nothing of AWS."""

    def __init__(self, known: Mapping[tuple[str, str], Price]) -> None:
        """`known` has the price of each Region and instance type."""
        self._known = dict(known)

    async def prices(self, *, region: str, types: Collection[str]) -> Prices:
        """None for a type that the file does not name in this Region."""
        return {name: self._known.get((region, name)) for name in types}


def read_prices(path: Path) -> FilePrices:
    """Raises PricesError. A price that is misread would be shown as money."""
    try:
        documents = yaml_documents(read_text(path), source=str(path))
        found = _File.model_validate(documents[0] if len(documents) == 1 else documents)
    except InputError as error:
        raise PricesError(f"The price file cannot be read: {error}") from error
    except ValidationError as error:
        problems = "; ".join(f"{_where(item['loc'])}: {item['msg']}" for item in error.errors(include_url=False))
        raise PricesError(f"The price file {path} is not understood: {problems}") from error
    as_of = _as_of(found.asOf, path=path)
    return FilePrices(
        {
            (region, name): Price(hourly=amount, currency=found.currency, as_of=as_of)
            for region, types in found.regions.items()
            for name, amount in types.items()
        }
    )


def _where(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in loc if part != "[key]") or "the file"


def _as_of(given: str | datetime | None, *, path: Path) -> str:
    """When the prices were valid, as RFC 3339; empty where the file does not say. A date is its first second in UTC."""
    if given is None:
        return ""
    try:
        moment = datetime.fromisoformat(given) if isinstance(given, str) else given
    except ValueError as error:
        raise PricesError(
            f"The price file {path} is not understood: asOf: {given} is neither a date nor an RFC 3339 time"
        ) from error
    return stamp(moment.astimezone(UTC) if moment.tzinfo else moment)
