"""docs/metrics.md names every metric as the registry has it, with the alerts that look at it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from hyperpod_operator.runtime.instruments import TABLE, Instrument

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "metrics.md").read_text()
ALERTS = yaml.safe_load((ROOT / "helm" / "hyperpod-operator" / "files" / "alerts.yaml").read_text())
NAMES = [instrument.name for instrument in TABLE]


class Row(NamedTuple):
    name: str
    type: str
    labels: tuple[str, ...]
    unit: str
    told: str
    alerts: frozenset[str]


def rows() -> Sequence[Row]:
    cells = [
        re.split(r"(?<!\\) \| ", line.strip("| ")) for line in re.findall(r"^\| `hyperpod_.+$", PAGE, re.MULTILINE)
    ]
    return [
        Row(
            name=name.strip("`"),
            type=type_,
            labels=tuple(re.findall(r"`(\w+)`", labels)),
            unit=unit,
            told=told,
            alerts=frozenset(re.findall(r"\w+", alerts.replace("–", ""))),
        )
        for name, type_, labels, unit, told, alerts in cells
    ]


ROWS: Mapping[str, Row] = {row.name: row for row in rows()}


def looking_at(name: str) -> set[str]:
    rules = [rule for group in ALERTS["groups"] for rule in group["rules"]]
    return {rule["alert"] for rule in rules if re.search(rf"\b{name}\b", rule["expr"])}


def test_every_metric_has_one_row() -> None:
    assert sorted(row.name for row in rows()) == sorted(NAMES)


@pytest.mark.parametrize("instrument", TABLE, ids=lambda one: one.name)
def test_a_row_is_what_the_registry_has(instrument: Instrument) -> None:
    row = ROWS[instrument.name]
    assert (row.type, row.labels) == (instrument.type, instrument.labels)
    assert row.told
    assert (row.unit == "seconds") == (re.sub("_total$", "", row.name).endswith("_seconds"))


@pytest.mark.parametrize("name", NAMES)
def test_a_row_names_the_alerts_that_look_at_it(name: str) -> None:
    assert ROWS[name].alerts == looking_at(name)


def test_the_queries_ask_for_metrics_and_labels_that_exist() -> None:
    queries = PAGE.split("## Questions as queries")[1]
    asked = {re.sub("_(bucket|sum|count)$", "", name) for name in re.findall(r"hyperpod_\w+", queries)}
    assert asked
    assert asked <= set(NAMES)
    labels = {label for instrument in TABLE for label in instrument.labels} | {"le"}
    grouped = {label.strip() for inside in re.findall(r" by \(([^)]*)\)", queries) for label in inside.split(",")}
    assert grouped <= labels
