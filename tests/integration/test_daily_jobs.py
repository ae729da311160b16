"""docs/daily-jobs.md from top to bottom, as a person types it: the outputs are those that the page shows."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import yaml
from tests.contract.shown_commands import blocks

from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.simulator import Simulator, Timings
from hyperpod_testbed.stack import COMMAND, ROOT, Stack

PAGE = ROOT / "docs" / "daily-jobs.md"
CONSOLE = frozenset({"console"})


def release_image(simulator: Simulator) -> None:
    simulator.world.release_image("1.1.0")


def forty_clusters(simulator: Simulator) -> None:
    for number in range(40):
        simulator.world.create_foreign_cluster(f"team-{number:02}")


HAPPENS: Mapping[str, Callable[[Simulator], None]] = {
    "Roll an image": release_image,
    "Adopt forty clusters": forty_clusters,
}
"""What others do in AWS before the job of this heading."""


@pytest.fixture
def stack(control_plane: ControlPlane) -> Iterator[Stack]:
    """AWS is quicker than it is; clocks agree, because volumes hang on them."""
    with Stack(plane=control_plane, speed=1.0, timings=Timings().divided_by(120), program=COMMAND) as running:
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
    aws = stack.simulator.environment()
    return {**os.environ, **aws, "COLUMNS": "80", "PATH": os.pathsep.join(map(str, folders)), "KUBECONFIG": str(path)}


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
@pytest.mark.timeout(900)  # forty clusters on a machine that runs other tests beside them
def test_the_commands_of_the_page_print_what_it_shows(stack: Stack, env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    jobs = re.split(r"^## (.+)$", PAGE.read_text(), flags=re.MULTILINE)[1:]
    assert HAPPENS.keys() <= set(jobs[::2])
    for heading, text in zip(jobs[::2], jobs[1::2], strict=True):
        HAPPENS.get(heading, lambda _: None)(stack.simulator)
        commands = [step for block in blocks(text, CONSOLE) for step in steps(block)]
        assert commands, heading
        for command, shown in commands:
            ran = subprocess.run(
                command, shell=True, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=200
            )
            said = "\n".join(line.rstrip() for line in (ran.stdout + ran.stderr).strip("\n").splitlines())
            assert re.fullmatch(pattern(shown), said), f"{heading}: $ {command}\n{said}"


def test_the_page_has_ten_jobs() -> None:
    assert len(re.findall(r"^## ", PAGE.read_text(), flags=re.MULTILINE)) >= 10
