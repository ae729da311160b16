"""docs/daily-jobs.md from top to bottom, as a person types it: the outputs are those that the page shows."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.contract.shown_commands import blocks

from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.simulator import Timings
from hyperpod_testbed.stack import ROOT, Stack

PAGE = ROOT / "docs" / "daily-jobs.md"
CONSOLE = frozenset({"console"})


@pytest.fixture
def stack(control_plane: ControlPlane) -> Iterator[Stack]:
    """AWS is quicker than it is; clocks agree, because volumes hang on them."""
    with Stack(plane=control_plane, speed=1.0, timings=Timings().divided_by(120)) as running:
        yield running


@pytest.fixture
def env(stack: Stack, namespace: str, tmp_path: Path) -> dict[str, str]:
    """A person's shell: kubectl, the plugin, a context in the namespace; it exports COLUMNS, as some shells do."""
    config = yaml.safe_load(stack.plane.kubeconfig.read_text())
    for context in config["contexts"]:
        context["context"]["namespace"] = namespace
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    folders = [Path(sys.executable).parent, stack.plane.kubectl_path.parent, os.environ["PATH"]]
    return {**os.environ, "COLUMNS": "80", "PATH": os.pathsep.join(map(str, folders)), "KUBECONFIG": str(path)}


def steps(block: str) -> Iterator[tuple[str, str]]:
    """Commands with the output that follows each."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown.strip("\n")


def pattern(shown: str) -> str:
    """Output as a regular expression: `…` is anything, any number of blanks is a gap."""
    parts = [re.sub(r"(?:\\ )+", r" +", re.escape(part)) for part in shown.split("…")]
    return "(?s:.*)".join(parts)


@pytest.mark.slow
def test_the_commands_of_the_page_print_what_it_shows(env: dict[str, str]) -> None:
    done = 0
    for block in blocks(PAGE.read_text(), CONSOLE):
        for command, shown in steps(block):
            ran = subprocess.run(command, shell=True, cwd=ROOT, env=env, capture_output=True, text=True, timeout=200)
            said = "\n".join(line.rstrip() for line in (ran.stdout + ran.stderr).strip("\n").splitlines())
            assert re.fullmatch(pattern(shown), said), f"$ {command}\n{said}"
            done += 1
    assert done > 15
