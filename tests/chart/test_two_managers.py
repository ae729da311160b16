"""Definitions and chart by two managers of server-side apply, in both orders, without forcing anything.

A manager conflicts with another one where it applies a value that differs from the stored one. So what we ship is in
the form in which the API server stores it: nothing that it drops, nothing that it adds.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.chart.conftest import DEFINITIONS, NAMESPACE, RELEASE
from tests.release import needs_selectable_fields

from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.helm import CHART, Helm

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "crds").glob("*.yaml"))
pytestmark = needs_selectable_fields
"""Kubernetes 1.30 drops the definitions' selectableFields, so it has a conflict there: docs/install.md."""


def applied(plane: ControlPlane, text: str, *, manager: str) -> list[dict[str, Any]]:
    """What the API server stores after this manager applied it; conflicts fail."""
    flags = ("apply", "--server-side", f"--field-manager={manager}", "-n", NAMESPACE, "-o", "json", "-f", "-")
    done = plane.kubectl(*flags, input=text, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return list(found["items"]) if found["kind"] == "List" else [found]


@pytest.fixture
def without_definitions(plane: ControlPlane) -> Iterator[None]:
    plane.remove_crds(*DEFINITIONS)
    yield
    plane.remove_crds(*DEFINITIONS)


@pytest.mark.usefixtures("without_definitions")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_definition_is_stored_as_it_is_applied(plane: ControlPlane, path: Path) -> None:
    (stored,) = applied(plane, path.read_text(), manager="kubectl")
    assert stored["spec"] == yaml.safe_load(path.read_text())["spec"]


@pytest.mark.usefixtures("without_definitions")
@pytest.mark.parametrize("first", ["definitions", "chart"])
def test_definitions_and_chart_in_either_order(plane: ControlPlane, helm: Helm, first: str) -> None:
    """The definitions by kubectl, the whole chart by what stands for Helm, Argo CD or Flux; twice, as they do it."""
    definitions = "---\n".join(path.read_text() for path in FILES)
    objects = (one for one in helm.objects() if "helm.sh/hook" not in one["metadata"].get("annotations", {}))
    chart = yaml.safe_dump_all(objects)
    parts = {"definitions": (definitions, "kubectl"), "chart": (chart, "helm")}
    order = [first, *(parts.keys() - {first})]
    try:
        for name in (*order, *order):
            text, manager = parts[name]
            applied(plane, text, manager=manager)
    finally:
        plane.remove_crds(*DEFINITIONS)
        plane.kubectl("delete", "-n", NAMESPACE, "--ignore-not-found", "--wait", "-f", "-", input=chart)


@pytest.mark.usefixtures("without_definitions")
def test_helm_takes_over_what_others_installed_and_leaves_it_to_them(plane: ControlPlane, releases: Helm) -> None:
    """By the commands of the manual: here from kubectl, and one from a release that is gone."""
    definitions = "---\n".join(path.read_text() for path in FILES)
    applied(plane, definitions, manager="kubectl")
    gone = ("meta.helm.sh/release-name=old", "meta.helm.sh/release-namespace=elsewhere")
    plane.kubectl("annotate", f"crd/{DEFINITIONS[0]}", *gone)
    plane.kubectl("label", f"crd/{DEFINITIONS[0]}", "app.kubernetes.io/managed-by=Helm")
    manual = (ROOT / "docs" / "install.md").read_text().partition("### Definitions that kubectl")[2]
    commands = manual.partition("```sh\n")[2].partition("```")[0]
    path = f"{plane.kubectl_path.parent}:/usr/bin:/bin"
    environment = {"PATH": path, "HOME": str(plane.directory), "KUBECONFIG": str(plane.kubeconfig)}
    subprocess.run(["bash", "-ec", commands], env=environment, check=True)
    try:
        given = (f"--namespace={NAMESPACE}", "--set=image.repository=registry.example/hyperpod-operator")
        releases("install", RELEASE, CHART, *given)
        applied(plane, definitions, manager="kubectl")
        releases("upgrade", RELEASE, CHART, *given)
        applied(plane, definitions, manager="kubectl")
    finally:
        releases("uninstall", RELEASE, "--namespace", NAMESPACE, "--ignore-not-found")
