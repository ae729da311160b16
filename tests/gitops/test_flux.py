"""The example for Flux by its structure and by Flux's own schema: no Flux controller runs here."""

import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from hyperpod_testbed.control_plane.build import cache_root
from hyperpod_testbed.control_plane.go import environment, toolchain
from hyperpod_testbed.control_plane.releases import MODULE as CONTROL_PLANE

CONTROLLER, VERSION = "github.com/fluxcd/kustomize-controller", "v1.10.1"
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


def test_the_release_has_members_of_the_helm_release_api_alone() -> None:
    """HelmRelease v2 by its API reference: its controller's Go module cannot be had here, so nobody else checks it."""
    (release,) = [one for one in OBJECTS if one["kind"] == "HelmRelease"]
    spec = release["spec"]
    assert release["apiVersion"] == "helm.toolkit.fluxcd.io/v2"
    assert spec.keys() <= {"interval", "timeout", "chart", "install", "upgrade", "values", "dependsOn"}
    assert spec["chart"]["spec"].keys() <= {"chart", "version", "interval", "sourceRef"}
    assert spec["chart"]["spec"]["sourceRef"].keys() == {"kind", "name", "namespace"}
    for step in ("install", "upgrade"):
        assert spec[step].keys() <= {"crds", "timeout", "remediation"}
        assert spec[step]["crds"] in {"Skip", "Create", "CreateReplace"}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """Flux's own definition of a Kustomization, from the Go module of its controller; nothing is built."""
    go = toolchain(cache=cache_root(), lock=CONTROL_PLANE / "requirements-go.lock")
    command = [str(go), "mod", "download", "-json", f"{CONTROLLER}@{VERSION}"]
    # It answers with an error where the module asks for a newer Go, and has the module all the same.
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    with zipfile.ZipFile(json.loads(done.stdout)["Zip"]) as archive:
        text = archive.read(f"{CONTROLLER}@{VERSION}/config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml")
    versions = {one["name"]: one["schema"]["openAPIV3Schema"] for one in yaml.safe_load(text)["spec"]["versions"]}
    found: dict[str, Any] = closed(versions["v1"])
    return found


def closed(schema: Any) -> Any:
    """The schema without unknown members, which the API server would drop in silence."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: closed(one) for name, one in schema.items()}
    if schema.get("type") == "object" and schema.get("properties"):
        made.setdefault("additionalProperties", False)
    return made


@pytest.mark.long  # needs the Go module proxy
@pytest.mark.parametrize("name", KUSTOMIZATIONS)
def test_flux_takes_a_kustomization_of_the_example(schema: dict[str, Any], name: str) -> None:
    jsonschema.validate(KUSTOMIZATIONS[name]["spec"], schema["properties"]["spec"])


@pytest.mark.long  # needs the Go module proxy
def test_a_member_that_flux_does_not_have_is_noticed(schema: dict[str, Any]) -> None:
    spec = {**KUSTOMIZATIONS["research"]["spec"], "dependOn": []}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(spec, schema["properties"]["spec"])
