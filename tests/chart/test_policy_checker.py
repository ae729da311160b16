"""checkov over the rendered chart and the Dockerfile: nothing fails but what .checkov.yaml leaves out, with reasons."""

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from hyperpod_testbed.environments import environment
from hyperpod_testbed.helm import Helm

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / ".checkov.yaml"
LOCK = Path(__file__).parent / "checkov.lock"
CAREFUL = Path(__file__).parent / "careful.values.yaml"
"""What somebody sets who wants every check to pass that can pass."""

pytestmark = [pytest.mark.long, pytest.mark.control_plane]  # installs checkov; helm is built with the control plane

Failures = Mapping[str, frozenset[str]]
"""Checks to the resources that fail them."""


def checkov(framework: str, scanned: Path, *options: str | Path) -> Failures:
    command = [environment(LOCK) / "checkov", "--framework", framework, "--file", scanned, *options]
    done = subprocess.run(
        [*command, "--skip-download", "--quiet", "--output=json"],
        cwd=scanned.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["summary"]["parsing_errors"] == 0
    assert found["summary"]["passed"] > 0
    failed: dict[str, set[str]] = {}
    for check in found["results"]["failed_checks"]:
        failed.setdefault(check["check_id"], set()).add(check["resource"])
    return {name: frozenset(resources) for name, resources in failed.items()}


@pytest.fixture(scope="module")
def chart(helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The chart, rendered."""

    def render(*files: Path) -> Path:
        rendered = tmp_path_factory.mktemp("rendered") / "chart.yaml"
        rendered.write_text(helm.render(files=[*files]))
        return rendered

    return render


@pytest.fixture(scope="module")
def dockerfile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("image") / "Dockerfile"
    copy.write_text((ROOT / "Dockerfile").read_text())
    return copy


@pytest.fixture(scope="module")
def everything(chart: Callable[..., Path], dockerfile: Path) -> Failures:
    """What fails when nothing is left out."""
    return {**checkov("kubernetes", chart()), **checkov("dockerfile", dockerfile)}


def test_nothing_fails_in_the_chart(chart: Callable[..., Path]) -> None:
    assert checkov("kubernetes", chart(), "--config-file", CONFIG) == {}


def test_nothing_fails_in_the_dockerfile(dockerfile: Path) -> None:
    assert checkov("dockerfile", dockerfile, "--config-file", CONFIG) == {}


def test_nothing_is_left_out_that_would_pass(everything: Failures) -> None:
    assert set(yaml.safe_load(CONFIG.read_text())["skip-check"]) == set(everything)


def test_values_can_make_the_operator_pass_all_but_the_check_of_its_token(chart: Callable[..., Path]) -> None:
    operator = "Deployment.hyperpod-operator.hyperpod-operator"
    test = "Pod.hyperpod-operator.hyperpod-operator-answers"
    assert checkov("kubernetes", chart(CAREFUL)) == {"CKV_K8S_38": {operator}, "CKV2_K8S_6": {test}}


def test_what_the_checks_of_probes_pass_over_is_the_pod_of_helm_test_alone(chart: Callable[..., Path]) -> None:
    """It runs once and ends; its own annotations say so to the checker."""
    documents = [found for found in yaml.safe_load_all(chart().read_text()) if found]
    marked = [
        found["metadata"]["name"]
        for found in documents
        if any(key.startswith("checkov.io/") for key in found["metadata"].get("annotations", {}))
    ]
    assert marked == ["hyperpod-operator-answers"]
