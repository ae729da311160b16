"""What is generated for the kinds that ship is generated for a third one, too, with no other file touched."""

from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.gitops import kstatus
from tests.gitops.sandbox import execute
from tests.unit.controllers.toy.kind import SIZE, TOY, ToyStatus
from tests.unit.controllers.toy.scenes import scenes
from tools.argocd.scene import DEGRADED, HEALTHY, PROGRESSING, SUSPENDED, Scene
from tools.argocd.scripts import CONFIG_MAP, CUSTOMIZATIONS
from tools.argocd.testdata import ANY_TIME
from tools.generate import CHART, DOCS, generated, gitops

import hyperpod_operator
from hyperpod_operator.api.admission import PolicySettings, all_policies
from hyperpod_operator.api.crd import all_crds
from hyperpod_operator.api.kinds import KINDS
from hyperpod_operator.api.names import RECONCILE_REQUESTED_AT
from hyperpod_operator.core.ports import Key
from hyperpod_operator.kube.preflight import Duties
from hyperpod_operator.runtime.metrics import PrometheusMetrics

WITH_TOY = (*KINDS, TOY)
FOLDER = CUSTOMIZATIONS / TOY.name
ROOT = Path(__file__).parents[4]
everything = cache(partial(generated, WITH_TOY))
of_argo = cache(partial(gitops, {TOY.name: scenes}, (TOY,)))
every_scene = pytest.mark.parametrize("scene", list(scenes()), ids=lambda scene: scene.name)


@pytest.mark.parametrize("folder", [Path(hyperpod_operator.__file__).parent, ROOT / "tools", ROOT / "testbed"])
def test_no_other_file_knows_the_third_kind(folder: Path) -> None:
    assert not [path for path in folder.rglob("*.py") if TOY.plural in path.read_text()]


def test_its_definition_is_generated_with_the_others() -> None:
    made = all_crds(WITH_TOY)[TOY.file_name()]
    assert made["spec"]["names"]["kind"] == "Toy"
    schema = made["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert schema["properties"]["spec"]["properties"]["size"]["maximum"] == 9
    assert yaml.safe_load(yaml.safe_dump(made)) == made


def test_the_chart_installs_its_definition() -> None:
    assert "kind: CustomResourceDefinition\n" in everything()[CHART / "templates" / "crds" / TOY.file_name()]


def test_the_chart_grants_its_rights() -> None:
    template = everything()[CHART / "templates" / "_kinds.tpl"]
    for right in TOY.all_rights:
        assert f"  resources: [{right.resource}]\n  verbs: [{', '.join(right.verbs)}]" in template
    assert f", {TOY.plural}\n" in template


def test_the_start_checks_ask_for_its_rights() -> None:
    asked = {permission.resource for permission in Duties(kinds=(TOY,)).permissions}
    assert {TOY.plural, f"{TOY.plural}/status"} <= asked


def test_an_admission_policy_holds_the_operator_to_what_it_does_with_it() -> None:
    names = {one["metadata"]["name"] for one in all_policies(PolicySettings(), WITH_TOY)["operator.yaml"]}
    assert f"hyperpod-operator-{TOY.plural}" in names
    assert f"-{TOY.plural}\n" in everything()[CHART / "templates" / "admission" / "operator.yaml"]


def test_a_kind_without_plans_has_no_policy_about_approvals() -> None:
    names = {one["metadata"]["name"] for one in all_policies(PolicySettings(), WITH_TOY)["approvals.yaml"]}
    assert [name for name in names if TOY.word in name] == []


def test_the_operator_may_write_events_about_it() -> None:
    (policy, _) = (
        one
        for one in all_policies(PolicySettings(), WITH_TOY)["operator.yaml"]
        if one["metadata"]["name"] == "hyperpod-operator-events"
    )
    said = str(policy["spec"]["validations"])
    assert "'Toy'" in said
    assert f"'{TOY.definition}'" in said


def test_the_reference_has_its_fields() -> None:
    page = everything()[DOCS / "api.md"]
    assert "## Toy\n" in page
    assert "| **`size`** | integer<br>1 to 9 | How big it is. |" in page


def test_the_conditions_page_has_its_conditions() -> None:
    _, section = everything()[DOCS / "conditions.md"].split("\n## Toy\n")
    assert "| `Ready` | The toy has its size. |" in section


def test_the_metrics_page_has_its_gauge() -> None:
    page = everything()[DOCS / "metrics.md"]
    assert f"\n## {SIZE.section}\n" in page
    assert (
        f"| `{SIZE.name}` | gauge | `namespace`, `name` | sizes | Size of the toy. | 0: there is no toy yet | – |"
        in page
    )


def test_its_objects_are_exported_while_they_exist() -> None:
    metrics, key = PrometheusMetrics(WITH_TOY), Key("team", "bear")
    metrics.object_state(kind=TOY.word, key=key, status=ToyStatus(size=3))
    labels = {"namespace": "team", "name": "bear"}
    assert metrics.registry.get_sample_value(SIZE.name, labels) == 3
    metrics.object_gone(kind=TOY.word, key=key)
    assert metrics.registry.get_sample_value(SIZE.name, labels) is None


def test_the_files_of_the_kinds_that_ship_do_not_change_for_it() -> None:
    """But for the pages and templates that list all kinds."""
    before, of_all = generated(), {"api.md", "conditions.md", "metrics.md", "_kinds.tpl", "operator.yaml"}
    changed = {path.name for path, text in before.items() if everything()[path] != text}
    assert changed == of_all
    assert {path.name for path in everything().keys() - before.keys()} == {TOY.file_name()}


@every_scene
def test_argo_cd_sees_its_health_as_a_person_would(scene: Scene) -> None:
    said = execute(of_argo()[FOLDER / "health.lua"], scene.manifest).value
    assert said == {"status": scene.health, "message": scene.message}


@every_scene
def test_kstatus_concludes_the_same(scene: Scene) -> None:
    if "status" in scene.manifest and scene.health != SUSPENDED:
        same = {kstatus.CURRENT: HEALTHY, kstatus.FAILED: DEGRADED, kstatus.IN_PROGRESS: PROGRESSING}
        assert same[kstatus.compute(scene.manifest).status] == scene.health


def test_its_scenes_are_of_every_health() -> None:
    assert {scene.health for scene in scenes()} == {HEALTHY, DEGRADED, PROGRESSING, SUSPENDED}


def _tests(part: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(of_argo()[FOLDER / "actions" / "action_test.yaml"])[part]
    return found


def _data(path: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(of_argo()[FOLDER / "actions" / path])
    return found


@pytest.mark.parametrize("test", _tests("discoveryTests"), ids=lambda one: one["inputPath"])
def test_argo_cd_offers_the_actions_that_would_change_something(test: dict[str, Any]) -> None:
    found = execute(of_argo()[FOLDER / "actions" / "discovery.lua"], _data(test["inputPath"])).value
    offered = {name: bool(entry) and entry.get("disabled", False) for name, entry in found.items()}
    assert offered == {one["name"]: one.get("disabled", False) for one in test["result"]}


@pytest.mark.parametrize("test", _tests("actionTests"), ids=lambda one: f"{one['action']} {one['inputPath']}")
def test_an_action_of_argo_cd_does_what_it_promises(test: dict[str, Any]) -> None:
    script = of_argo()[FOLDER / "actions" / test["action"] / "action.lua"]
    made = execute(script, _data(test["inputPath"])).value
    if test["action"] == "reconcile":
        made["metadata"]["annotations"][RECONCILE_REQUESTED_AT] = ANY_TIME
    assert made == _data(test["expectedOutputPath"])


def test_the_config_map_of_argo_cd_carries_its_scripts() -> None:
    data = yaml.safe_load(of_argo()[CONFIG_MAP])["data"]
    assert data["resource.customizations.health.hyperpod-operator.dev_Toy"] == of_argo()[FOLDER / "health.lua"]
