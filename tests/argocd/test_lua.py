"""The scripts in Argo CD's own Lua, by its own command: the sandbox of tests/gitops imitates, and this is the thing."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml
from tests.gitops.fixtures import KINDS

from hyperpod_testbed.argocd.build import argo_binaries
from hyperpod_testbed.gitops.argocd import CONFIG_MAP, CUSTOMIZATIONS


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


@pytest.mark.parametrize("kind", KINDS)
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


@pytest.mark.parametrize("kind", KINDS)
def test_each_action_runs_in_argo_cd_itself(kind: str) -> None:
    folder = CUSTOMIZATIONS / kind / "actions"
    for test in yaml.safe_load((folder / "action_test.yaml").read_text())["actionTests"]:
        said = told("run-action", folder / test["inputPath"], test["action"])
        if test["inputPath"] == "testdata/bare.yaml" and test["action"] == "pause":
            assert "paused: true" in said
        if test["action"] == "reconcile":
            assert "reconcile-requested-at" in said
