"""The scripts in Argo CD's own Lua, by its own command: the sandbox of tests/gitops imitates, and this is the thing."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml
from tests.gitops.repository import CONFIG_MAP, CUSTOMIZATIONS, NAMES
from tools.argocd.testdata import ANY_TIME

from hyperpod_testbed.argocd.build import argo_binaries


def told(*args: str | Path) -> str:
    """What `argocd admin settings resource-overrides` says with our argocd-cm."""
    done = subprocess.run(
        [
            *(argo_binaries().argocd, "admin", "settings", "resource-overrides", *args),
            *("--argocd-cm-path", CONFIG_MAP),
        ],
        env={**os.environ, "ARGOCD_BINARY_NAME": "argocd"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


@pytest.mark.parametrize("kind", NAMES)
def test_each_health_test_holds_in_argo_cd_itself(kind: str) -> None:
    folder = CUSTOMIZATIONS / kind
    found, wanted = {}, {}
    for test in yaml.safe_load((folder / "health_test.yaml").read_text())["tests"]:
        path = test["inputPath"]
        found[path] = told("health", folder / path).split("MESSAGE:")[0].split("STATUS:")[1].strip()
        # A deleted object is Pending deletion, whatever a script would say.
        deleted = "deletionTimestamp" in (folder / path).read_text()
        wanted[path] = "Progressing" if deleted else test["healthStatus"]["status"]
    assert found == wanted


@pytest.mark.parametrize("kind", NAMES)
def test_each_action_makes_in_argo_cd_itself_what_its_test_expects(kind: str) -> None:
    """Argo CD prints the difference: each line that comes and each that goes is one of the expected file."""
    folder = CUSTOMIZATIONS / kind / "actions"
    for test in yaml.safe_load((folder / "action_test.yaml").read_text())["actionTests"]:
        before, after = lines(folder / test["inputPath"]), lines(folder / test["expectedOutputPath"])
        said = [bare(line) for line in told("run-action", folder / test["inputPath"], test["action"]).splitlines()]
        for sign, changed in ((">", after - before), ("<", before - after)):
            for line in changed:
                assert any(one.startswith(f"{sign}{line}") for one in said), (test, line)


@pytest.mark.parametrize("kind", NAMES)
def test_argo_cd_itself_offers_the_actions_that_would_change_something(kind: str) -> None:
    folder = CUSTOMIZATIONS / kind / "actions"
    for test in yaml.safe_load((folder / "action_test.yaml").read_text())["discoveryTests"]:
        assert disabled(folder / test["inputPath"]) == {
            one["name"]: one.get("disabled", False) for one in test["result"]
        }


def disabled(resource: Path) -> dict[str, bool]:
    """The actions of the resource's menu, and whether Argo CD greys them out."""
    rows = [row.split() for row in told("list-actions", resource).splitlines()[1:]]
    return {row[0]: row[1] == "true" for row in rows if row}


def lines(path: Path) -> set[str]:
    """Lines of a manifest, and the moment at which an action ran is any."""
    return {bare(line).split(ANY_TIME)[0] for line in path.read_text().splitlines()}


def bare(line: str) -> str:
    """Without spaces and quotes: Argo CD writes YAML in its own way."""
    return line.translate({ord(letter): None for letter in " '\""})
