"""What is generated stands as it was generated, and Argo CD's project would find it where it looks."""

from pathlib import Path

import pytest
import yaml
from tests.gitops.fixtures import COMMAND, KINDS, scenes, stale, wanted

from hyperpod_testbed.gitops import argocd
from hyperpod_testbed.gitops.argocd import CONFIG_MAP, CUSTOMIZATIONS


def test_testdata_is_up_to_date() -> None:
    assert stale(wanted()) == [], f"renew it by `{COMMAND}`"


@pytest.mark.parametrize("kind", KINDS)
def test_each_manifest_is_named_by_a_health_test(kind: str) -> None:
    folder = CUSTOMIZATIONS / kind
    tests = yaml.safe_load((folder / "health_test.yaml").read_text())["tests"]
    assert {folder / one["inputPath"] for one in tests} == set((folder / "testdata").glob("*.yaml"))
    assert len(tests) == len(scenes(kind))


def test_a_file_that_no_scene_stands_behind_is_stale(tmp_path: Path) -> None:
    lonely = tmp_path / "lonely.yaml"
    assert lonely in stale({lonely: "a: b\n"})


def test_the_scripts_and_the_config_map_are_up_to_date() -> None:
    assert argocd.different() == [], "renew them by `make chart`"


def test_a_script_that_no_kind_has_is_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argocd, "CUSTOMIZATIONS", tmp_path)
    for path, text in argocd.scripts().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    lonely = tmp_path / "Volume" / "health.lua"
    lonely.parent.mkdir()
    lonely.write_text("return {}")
    assert lonely in argocd.different()


def test_every_part_of_the_scripts_is_used() -> None:
    made = "".join(argocd.scripts().values())
    assert [path.name for path in sorted(argocd.LUA.glob("*.lua")) if path.read_text() not in made] == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_config_map_holds_the_same_scripts(kind: str) -> None:
    data = yaml.safe_load(CONFIG_MAP.read_text())["data"]
    name = f"hyperpod-operator.dev_{kind}"
    assert data[f"resource.customizations.health.{name}"] == (CUSTOMIZATIONS / kind / "health.lua").read_text()
    actions = yaml.safe_load(data[f"resource.customizations.actions.{name}"])
    folder = CUSTOMIZATIONS / kind / "actions"
    assert actions["discovery.lua"] == (folder / "discovery.lua").read_text()
    given = {one["name"]: one["action.lua"] for one in actions["definitions"]}
    assert given == {path.parent.name: path.read_text() for path in folder.glob("*/action.lua")}
