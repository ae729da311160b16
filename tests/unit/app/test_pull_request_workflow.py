"""The workflow of docs/gitops.md: its shell steps, run as the runner does."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.contract.shown_commands import ROOT, blocks
from tests.unit.app.test_plan import manifest

from hyperpod_testbed.simulator import Simulator

SHELL = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]
"""How GitHub Actions runs a step (documentation, "Workflow syntax", jobs.<job_id>.steps[*].shell)."""


def workflow() -> dict[str, Any]:
    shown = blocks((ROOT / "docs" / "gitops.md").read_text(), frozenset({"yaml"}))
    (found,) = [document for block in shown if "jobs" in (document := yaml.safe_load(block))]
    return found


STEPS = [step for step in workflow()["jobs"]["plan"]["steps"] if "run" in step]


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of the steps: the simulator as AWS, and programs that write down what they are called with."""
    programs = tmp_path / "bin"
    programs.mkdir()
    script = f'#!/bin/sh\nexec {sys.executable} -c "from hyperpod_operator.cli import main; main()" "$@"\n'
    for name, text in {
        "hyperpod-operator": script,
        "pip": '#!/bin/sh\necho "$@" > "$CALLS/pip"\n',
        "gh": '#!/bin/sh\necho "$@" > "$CALLS/gh"\ncp "$5" "$CALLS/comment.md"\n',
    }.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    with Simulator(account="111122223333", speed=0) as simulator:
        yield {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "KUBE"))},
            **simulator.environment(),
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "CALLS": str(tmp_path),
            "GITHUB_ENV": str(tmp_path / "env"),
            "PACKAGE": "hyperpod-operator",
            "PULL_REQUEST": "7",
        }


def run(environment: dict[str, str], directory: Path) -> str:
    """The name of the step that failed; empty if none did."""
    environment, stored = dict(environment), Path(environment["GITHUB_ENV"])
    for step in STEPS:
        done = subprocess.run(
            [*SHELL, step["run"]], cwd=directory, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            return str(step["name"])
        for line in stored.read_text().splitlines() if stored.exists() else ():
            name, _, value = line.partition("=")
            environment[name] = value
    return ""


def test_changes_are_a_comment_and_the_check_passes(runner: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "clusters").mkdir()
    (tmp_path / "clusters" / "a.yaml").write_text(yaml.safe_dump(manifest()))
    assert run(runner, tmp_path) == ""
    assert (tmp_path / "pip").read_text() == "install hyperpod-operator\n"
    assert (tmp_path / "gh").read_text() == "pr comment 7 --body-file plan.md --edit-last --create-if-none\n"
    assert "| Adds | CreateCluster |" in (tmp_path / "comment.md").read_text()


@pytest.mark.parametrize("text", ["a: [", yaml.safe_dump({**manifest(), "spec": {}})])
def test_what_cannot_be_planned_is_a_comment_and_the_check_fails(
    runner: dict[str, str], tmp_path: Path, text: str
) -> None:
    (tmp_path / "clusters").mkdir()
    (tmp_path / "clusters" / "a.yaml").write_text(text)
    assert run(runner, tmp_path) == "Result"
    assert "failed" in (tmp_path / "comment.md").read_text()
