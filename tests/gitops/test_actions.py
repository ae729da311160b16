"""The actions in a resource's menu: the testdata of upstream's layout, run as upstream runs it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.gitops.repository import CUSTOMIZATIONS, NAMES
from tests.gitops.sandbox import run
from tools.argocd.testdata import ANY_TIME

from hyperpod_operator.api.names import RECONCILE_REQUESTED_AT

Json = dict[str, Any]


def actions(kind: str) -> Path:
    return CUSTOMIZATIONS / kind / "actions"


def read(path: Path) -> Json:
    found: Json = yaml.safe_load(path.read_text())
    return found


def listed(part: str) -> list[Any]:
    """The tests of action_test.yaml of each kind."""
    return [
        pytest.param(kind, one, id=f"{kind}-{one.get('action', 'discovery')}-{Path(one['inputPath']).stem}")
        for kind in NAMES
        for one in read(actions(kind) / "action_test.yaml")[part]
    ]


@pytest.mark.parametrize(("kind", "test"), listed("discoveryTests"))
def test_an_action_that_would_change_nothing_is_not_offered(kind: str, test: Json) -> None:
    found = run(actions(kind) / "discovery.lua", read(actions(kind) / test["inputPath"]))
    offered = {name: bool(entry) and entry.get("disabled", False) for name, entry in found.items()}
    assert offered == {one["name"]: one.get("disabled", False) for one in test["result"]}


@pytest.mark.parametrize(("kind", "test"), listed("actionTests"))
def test_an_action_makes_what_it_promises(kind: str, test: Json) -> None:
    made = run(actions(kind) / test["action"] / "action.lua", read(actions(kind) / test["inputPath"]))
    wanted = read(actions(kind) / test["expectedOutputPath"])
    if test["action"] == "reconcile":
        asked = made["metadata"]["annotations"]
        assert asked[RECONCILE_REQUESTED_AT].endswith("Z")
        asked[RECONCILE_REQUESTED_AT] = ANY_TIME
    assert made == wanted


@pytest.mark.parametrize("kind", NAMES)
def test_each_action_has_a_test(kind: str) -> None:
    tests = read(actions(kind) / "action_test.yaml")["actionTests"]
    assert {one["action"] for one in tests} == {path.parent.name for path in actions(kind).glob("*/action.lua")}
