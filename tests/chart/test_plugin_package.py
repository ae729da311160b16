"""The plugin installed from the checkout as a user installs it; needs the package index (`make delivery`)."""

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from tools.plugin_archive import build

from hyperpod_operator import __version__

pytestmark = pytest.mark.long
ROOT = Path(__file__).parents[2]
UV = str(Path(sys.executable).parent / "uv")
HYPERPODS_OWN_CLICK = "click==8.1.7"
"""What sagemaker-hyperpod, AWS's CLI for HyperPod, pins."""


def said(*command: str | Path) -> str:
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("extra", ["", "[rich]"])
def test_it_runs_next_to_hyperpods_own_cli(tmp_path: Path, extra: str) -> None:
    said(UV, "venv", "--quiet", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    said(UV, "pip", "install", "--quiet", "--python", python, f"{ROOT / 'plugin'}{extra}", HYPERPODS_OWN_CLICK)
    program = python.parent / "kubectl-hyperpod"
    assert said(program, "--version") == f"kubectl-hyperpod {__version__}\n"
    assert "Say why an object is not ready" in said(program, "explain", "--help")
    assert "explain" in said(python.parent / "kubectl_complete-hyperpod", "e")
    assert "boto3" not in said(UV, "pip", "list", "--python", python)


def test_the_archive_for_krew_is_one_program(tmp_path: Path) -> None:
    with tarfile.open(build(tmp_path)) as archive:
        archive.extractall(tmp_path, filter="data")
    assert said(tmp_path / "kubectl-hyperpod", "--version") == f"kubectl-hyperpod {__version__}\n"
