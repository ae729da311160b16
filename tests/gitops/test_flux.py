"""The example for Flux by its structure: no Flux controller runs here."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FLUX = ROOT / "gitops" / "flux"
OBJECTS: list[dict[str, Any]] = [
    found for path in sorted(FLUX.rglob("*.yaml")) for found in yaml.safe_load_all(path.read_text()) if found
]
KUSTOMIZATIONS = {one["metadata"]["name"]: one for one in OBJECTS if one["kind"] == "Kustomization"}


@pytest.mark.parametrize("name", KUSTOMIZATIONS)
def test_a_kustomization_depends_on_kustomizations_alone(name: str) -> None:
    """Kustomization API v1, spec.dependsOn: references to Kustomizations."""
    for other in KUSTOMIZATIONS[name]["spec"].get("dependsOn", []):
        assert other["name"] in KUSTOMIZATIONS
        assert KUSTOMIZATIONS[other["name"]]["spec"]["wait"] is True


def test_the_release_is_in_a_folder_that_a_kustomization_applies() -> None:
    (release,) = [path for path in FLUX.rglob("*.yaml") if "kind: HelmRelease" in path.read_text()]
    folder = f"./{release.parent.relative_to(ROOT)}"
    assert [name for name, one in KUSTOMIZATIONS.items() if one["spec"]["path"] == folder] == ["hyperpod-operator"]


def test_the_namespace_of_the_release_is_created_with_it() -> None:
    (release,) = [one for one in OBJECTS if one["kind"] == "HelmRelease"]
    assert release["metadata"]["namespace"] in [
        one["metadata"]["name"] for one in OBJECTS if one["kind"] == "Namespace"
    ]
    assert (ROOT / release["spec"]["chart"]["spec"]["chart"] / "Chart.yaml").exists()


def test_nothing_is_pruned_that_ends_training_runs() -> None:
    assert {one["spec"]["prune"] for one in KUSTOMIZATIONS.values()} == {False}
