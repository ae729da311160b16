"""What in the chart follows from something else is as its source says; so are alerts, dashboard and flags."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from tests.chart.conftest import VALUES
from tests.gitops.scenes import SCENES
from tools.argocd.scripts import CUSTOMIZATIONS
from tools.chart.manifests import escaped
from tools.chart.values import ValuesError, read
from tools.generate import generated, gitops, stale, write

from hyperpod_operator import __version__
from hyperpod_operator.api.kinds import KINDS
from hyperpod_operator.api.metrics.table import instruments
from hyperpod_operator.cli import run
from hyperpod_operator.core.cost.price import Price
from hyperpod_operator.core.tenancy import Matter
from hyperpod_operator.prices import read_prices
from hyperpod_operator.tenants import read_tenants
from hyperpod_testbed.documents import documents
from hyperpod_testbed.helm import CHART, Helm

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES_DIRECTORY = Path(__file__).parent / "values"

OF_NO_USE_IN_A_POD = {
    "--kubeconfig",
    "--context",
    "--audit-file",  # a file needs a volume; the log has the same stream
}
"""Flags without a value in the chart; extraArgs takes them all the same."""


def test_generated_files_are_as_their_sources_say() -> None:
    assert stale({**generated(), **gitops(SCENES)}) == []


@pytest.mark.parametrize(
    "path",
    [
        "helm/hyperpod-operator/templates/crds/old.yaml",
        f"{CUSTOMIZATIONS}/Old/health.lua",
        f"{CUSTOMIZATIONS}/Old/testdata/new.yaml",
    ],
)
def test_a_file_that_nothing_asks_for_is_noticed_and_removed(tmp_path: Path, path: str) -> None:
    left_over = tmp_path / path
    left_over.parent.mkdir(parents=True)
    left_over.write_text("")
    assert stale({}, root=tmp_path) == [Path(path)]
    write({}, root=tmp_path)
    assert not left_over.exists()


def test_a_value_without_a_description_is_refused() -> None:
    with pytest.raises(ValuesError, match=r"line 4: a\.c"):
        read("a:\n  # -- Described.\n  b: 1\n  c: 2\n")


def test_braces_reach_the_api_server_as_they_were(helm: Helm, tmp_path: Path) -> None:
    hostile = 'a: "{{ .Values.x }} and {{- end }} and }} alone"\n'
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: braces\nversion: 1.0.0\n")
    (tmp_path / "templates" / "it.yaml").write_text(escaped(hostile))
    assert hostile.strip() in Helm(home=tmp_path / "home", chart=tmp_path, image=None).render()


def test_the_definitions_are_carried_over_to_the_letter(helm: Helm) -> None:
    rendered = {
        found["metadata"]["name"]: found["spec"]
        for found in helm.objects()
        if found["kind"] == "CustomResourceDefinition"
    }
    sources = [found for path in (ROOT / "crds").iterdir() for found in documents(path.read_text())]
    assert rendered == {found["metadata"]["name"]: found["spec"] for found in sources}


def test_the_policies_are_carried_over_with_this_installations_names(helm: Helm) -> None:
    """With the names that the command `policies` assumes, nothing differs but labels."""
    kinds = {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy",
             "MutatingAdmissionPolicyBinding"}  # fmt: skip
    everything = {"prefix": {"enabled": True}, "approvals": {"recordUser": True}}
    rendered = helm.objects(values={"admission": everything})
    sources = [found for path in (ROOT / "admission").iterdir() for found in documents(path.read_text())]
    assert _specs(rendered, kinds) == _specs(sources, kinds)


def _specs(objects: list[dict[str, Any]], kinds: set[str]) -> dict[tuple[str, str], Any]:
    return {(found["kind"], found["metadata"]["name"]): found["spec"] for found in objects if found["kind"] in kinds}


def test_the_chart_has_the_operators_version() -> None:
    described = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert described["appVersion"] == __version__


def _rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("file", ["alerts.yaml", "dashboard.json"])
def test_every_metric_that_is_asked_for_exists(file: str) -> None:
    named = set(re.findall(r"\bhyperpod_[a-z_]+", (CHART / "files" / file).read_text()))
    exported = {instrument.name for instrument in instruments(KINDS)}
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in named} - exported == set()


@pytest.mark.parametrize("rule", _rules(), ids=lambda rule: rule["alert"])
def test_every_alert_has_a_runbook(rule: dict[str, Any]) -> None:
    assert rule["annotations"]["runbook_url"] == f"RUNBOOKS.md#{rule['alert'].lower()}"
    assert f"\n## {rule['alert']}\n" in (CHART / "RUNBOOKS.md").read_text()
    assert rule["labels"]["severity"] in {"critical", "warning"}


def _arguments(helm: Helm, **options: Any) -> list[str]:
    (deployment,) = [found for found in helm.objects(**options) if found["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["args"][0] == "run"
    return list(container["args"][1:])


@pytest.mark.parametrize("path", VALUES, ids=lambda path: path.stem)
def test_the_operator_takes_the_arguments(helm: Helm, path: Path) -> None:
    run.make_context("run", _arguments(helm, files=[path]))


def test_every_flag_has_a_value(helm: Helm) -> None:
    given = {name.partition("=")[0] for path in VALUES for name in _arguments(helm, files=[path])}
    flags = {option.opts[0] for option in run.params if isinstance(option, click.Option)}
    assert flags - given == OF_NO_USE_IN_A_POD


def _bounds(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], float]]:
    """The least and the greatest number that the schema takes for each value that has bounds."""
    for name, below in schema.get("properties", {}).items():
        yield from _bounds(below, (*path, name))
    if {"minimum", "exclusiveMinimum"} & set(schema):
        yield path, schema.get("minimum", 0.001)
        yield path, schema.get("maximum", 1_000_000)


BOUNDS = [(path, value) for path, value in _bounds(SCHEMA) if path[0] != "leaderElection"]
"""The times of the election depend on each other; test_render.py tries them."""


@pytest.mark.parametrize(("path", "value"), BOUNDS, ids=lambda given: str(given))
def test_the_operator_takes_every_number_that_the_schema_takes(helm: Helm, path: tuple[str, ...], value: float) -> None:
    values: Any = value
    for name in reversed(path):
        values = {name: values}
    run.make_context("run", _arguments(helm, values=values))


def test_the_charts_defaults_are_the_operators(helm: Helm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    ours = run.make_context("run", _arguments(helm)).params
    in_a_pod = {"lease_namespace": "hyperpod-operator", "state_dir": "/tmp"}
    assert ours == {**run.make_context("run", []).params, **in_a_pod}


async def test_the_operator_reads_prices_as_they_were_meant(helm: Helm, tmp_path: Path) -> None:
    written = VALUES_DIRECTORY / "prices.yaml"
    (found,) = [it for it in helm.objects(files=[written]) if it["metadata"]["name"] == "hyperpod-operator-prices"]
    (tmp_path / "prices.yaml").write_text(found["data"]["prices.yaml"])
    types = ("ml.p5.48xlarge", "ml.m5.4xlarge")
    prices = await read_prices(tmp_path / "prices.yaml").prices(region="us-west-2", types=types)
    assert [(one.hourly, one.currency) for one in prices.values() if isinstance(one, Price)] == [
        (Decimal("55.04"), "EUR"),
        (Decimal("1.06"), "EUR"),
    ]


def test_the_operator_reads_the_list_of_tenants_as_it_was_meant(helm: Helm, tmp_path: Path) -> None:
    """With every member that the operator knows; the chart's schema knows the same."""
    written = VALUES_DIRECTORY / "tenants.yaml"
    (found,) = [it for it in helm.objects(files=[written]) if it["metadata"]["name"] == "hyperpod-operator-tenants"]
    (tmp_path / "tenants.yaml").write_text(found["data"]["tenants.yaml"])
    first, last = read_tenants(tmp_path / "tenants.yaml").tenants or ()
    assert first.lists.keys() == set(Matter)
    assert (first.lists[Matter.KMS_KEYS].texts, dict(last.lists)) == ((), {})
    schema = json.loads((CHART / "values.schema.json").read_text())["properties"]["tenants"]["properties"]["list"]
    given = yaml.safe_load(written.read_text())["tenants"]["list"][0]
    assert set(schema["items"]["properties"]) == set(given)
