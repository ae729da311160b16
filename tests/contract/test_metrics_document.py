"""docs/metrics.md has every metric as the registry has it, with the alerts that look at it; its queries work."""

import re
from pathlib import Path

import pytest
import yaml
from tools.docs.metrics import with_metrics

from hyperpod_operator.api.kinds import KINDS
from hyperpod_operator.api.metrics.instrument import Counter, Instrument
from hyperpod_operator.api.metrics.table import instruments

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "metrics.md").read_text()
ALERTS = yaml.safe_load((ROOT / "helm" / "hyperpod-operator" / "files" / "alerts.yaml").read_text())
TABLE = instruments(KINDS)
every_metric = pytest.mark.parametrize("instrument", TABLE, ids=lambda one: one.name)


def test_the_page_is_up_to_date() -> None:
    assert with_metrics(PAGE, TABLE, ALERTS) == PAGE, "run `make chart` and commit docs/metrics.md"


def test_no_two_metrics_have_one_name() -> None:
    assert len({one.name for one in TABLE}) == len(TABLE)


@every_metric
def test_a_name_follows_the_conventions_of_prometheus(instrument: Instrument) -> None:
    assert instrument.name.endswith("_total") == isinstance(instrument, Counter)
    assert (instrument.unit == "seconds") == (re.sub("_total$", "", instrument.name).endswith("_seconds"))
    assert instrument.help.endswith(".")
    assert instrument.read


def test_a_row_names_the_alerts_that_look_at_a_metric() -> None:
    """Of a histogram, too, whose series have names of their own."""
    rows = dict(re.findall(r"^\| `(hyperpod_\w+)` .* \| ([^|]*) \|$", PAGE, re.MULTILINE))
    for group in ALERTS["groups"]:
        for rule in group["rules"]:
            asked = {re.sub("_(bucket|sum|count)$", "", name) for name in re.findall(r"hyperpod_\w+", rule["expr"])}
            assert [name for name in asked if rule["alert"] not in rows[name]] == []


def test_the_queries_ask_for_metrics_and_labels_that_exist() -> None:
    queries = PAGE.split("## Questions as queries")[1]
    asked = {re.sub("_(bucket|sum|count)$", "", name) for name in re.findall(r"hyperpod_\w+", queries)}
    assert asked
    assert asked <= {one.name for one in TABLE}
    labels = {label for instrument in TABLE for label in instrument.labels} | {"le"}
    grouped = {label.strip() for inside in re.findall(r" by \(([^)]*)\)", queries) for label in inside.split(",")}
    assert grouped <= labels
