"""What is generated has the layout in which Argo CD's project would look for it."""

import pytest
import yaml
from tests.gitops.repository import CONFIG_MAP, CUSTOMIZATIONS, NAMES
from tests.gitops.scenes import SCENES
from tools.argocd import scripts

from hyperpod_operator.api.kinds import KINDS


@pytest.mark.parametrize("kind", NAMES)
def test_each_manifest_is_named_by_a_health_test(kind: str) -> None:
    folder = CUSTOMIZATIONS / kind
    tests = yaml.safe_load((folder / "health_test.yaml").read_text())["tests"]
    assert {folder / one["inputPath"] for one in tests} == set((folder / "testdata").glob("*.yaml"))
    assert len(tests) == len(list(SCENES[kind]()))


def test_every_part_of_the_scripts_is_used() -> None:
    made = "".join(scripts.scripts(KINDS).values())
    assert [path.name for path in sorted(scripts.LUA.glob("*.lua")) if path.read_text() not in made] == []


@pytest.mark.parametrize("kind", NAMES)
def test_the_config_map_holds_the_same_scripts(kind: str) -> None:
    data = yaml.safe_load(CONFIG_MAP.read_text())["data"]
    name = f"hyperpod-operator.dev_{kind}"
    assert data[f"resource.customizations.health.{name}"] == (CUSTOMIZATIONS / kind / "health.lua").read_text()
    actions = yaml.safe_load(data[f"resource.customizations.actions.{name}"])
    folder = CUSTOMIZATIONS / kind / "actions"
    assert actions["discovery.lua"] == (folder / "discovery.lua").read_text()
    given = {one["name"]: one["action.lua"] for one in actions["definitions"]}
    assert given == {path.parent.name: path.read_text() for path in folder.glob("*/action.lua")}
