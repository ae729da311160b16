"""The file with prices: all of it is understood, or none of it is used."""

from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from hyperpod_operator.cli import main
from hyperpod_operator.core.cost.price import Price
from hyperpod_operator.prices import PricesError, read_prices

GOOD = """
currency: USD
asOf: 2026-11-01
regions:
  us-west-2: {ml.p5.48xlarge: 55.04, ml.m5.4xlarge: "1.06"}
  us-gov-west-1: {ml.m5.4xlarge: 1}
"""
P5 = "ml.p5.48xlarge"


def written(directory: Path, text: str) -> Path:
    path = directory / "prices.yaml"
    path.write_text(text)
    return path


async def test_prices_have_the_currency_and_the_date_of_the_file(tmp_path: Path) -> None:
    found = await read_prices(written(tmp_path, GOOD)).prices(region="us-west-2", types=[P5])
    assert found == {P5: Price(hourly=Decimal("55.04"), currency="USD", as_of="2026-11-01T00:00:00Z")}


@pytest.mark.parametrize(("region", "name"), [("us-gov-west-1", P5), ("eu-west-1", "ml.m5.4xlarge")])
async def test_what_the_file_does_not_name_has_no_price(tmp_path: Path, region: str, name: str) -> None:
    assert await read_prices(written(tmp_path, GOOD)).prices(region=region, types=[name]) == {name: None}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('"2026-11-01"', "2026-11-01T00:00:00Z"),
        ("2026-11-01T01:00:00+01:00", "2026-11-01T00:00:00Z"),
        ('"2026-11-01T00:00:00Z"', "2026-11-01T00:00:00Z"),
        ("null", ""),
    ],
)
async def test_a_date_is_taken_in_each_of_its_forms(tmp_path: Path, given: str, expected: str) -> None:
    text = f"{{currency: USD, asOf: {given}, regions: {{us-west-2: {{{P5}: 1}}}}}}"
    found = (await read_prices(written(tmp_path, text)).prices(region="us-west-2", types=[P5]))[P5]
    assert isinstance(found, Price)
    assert found.as_of == expected


def priced(amount: str) -> str:
    return f"{{currency: USD, regions: {{us-west-2: {{{P5}: {amount}}}}}}}"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (priced("-1"), f"regions.us-west-2.{P5}"),
        (priced("0"), f"regions.us-west-2.{P5}"),
        (priced(".nan"), f"regions.us-west-2.{P5}"),
        (priced(".inf"), f"regions.us-west-2.{P5}"),
        (priced("1e9"), f"regions.us-west-2.{P5}"),
        (priced("a lot"), f"regions.us-west-2.{P5}"),
        (priced("true"), f"regions.us-west-2.{P5}"),
        (priced("null"), f"regions.us-west-2.{P5}"),
        ("{currency: USD, regions: {us-west-2: {p5.48xlarge: 1}}}", "regions.us-west-2.p5.48xlarge"),
        ("{currency: USD, regions: {west: {ml.m5.large: 1}}}", "regions.west"),
        ("{currency: USD, regions: {}}", "regions"),
        ("{currency: dollars, regions: {us-west-2: {}}}", "currency"),
        ("{regions: {us-west-2: {}}}", "currency"),
        ("{currency: USD, region: us-west-2, regions: {us-west-2: {}}}", "region"),
        ("{currency: USD, asOf: yesterday, regions: {us-west-2: {}}}", "asOf"),
        ("[]", "the file"),
        ("", "the file"),
        ("{", "cannot be read"),
        ("{currency: USD, currency: EUR, regions: {us-west-2: {}}}", "the member 'currency' stands twice"),
    ],
)
def test_a_file_with_a_mistake_is_rejected_as_a_whole_and_the_place_named(
    tmp_path: Path, text: str, where: str
) -> None:
    with pytest.raises(PricesError) as raised:
        read_prices(written(tmp_path, text))
    assert where in str(raised.value)


@pytest.mark.parametrize("arguments", [["run"], ["plan", "-f", "examples", "--no-kubernetes"]], ids=["run", "plan"])
def test_a_command_without_its_price_file_says_so_and_ends(tmp_path: Path, arguments: list[str]) -> None:
    result = CliRunner().invoke(main, [*arguments, f"--price-file={tmp_path / 'nowhere'}"])
    assert result.exit_code in {1, 2}
    assert "The price file" in result.output


def test_prices_of_a_cost_that_is_off_are_a_mistake(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["run", "--no-cost", f"--price-file={written(tmp_path, GOOD)}"])
    assert result.exit_code == 2
    assert "exclude each other" in result.output
