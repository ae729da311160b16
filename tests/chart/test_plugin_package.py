"""The plugin installed from the checkout as a user installs it; needs the package index (`make delivery`)."""

import os
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


def said(*command: str | Path, **env: Path) -> str:
    own = {**os.environ, **{name: str(value) for name, value in env.items()}}
    return subprocess.run([*map(str, command)], env=own, capture_output=True, text=True, check=True).stdout


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


def works(folder: Path) -> None:
    """Both programs that a user's PATH gets."""
    assert said(folder / "kubectl-hyperpod", "--version") == f"kubectl-hyperpod {__version__}\n"
    assert "explain" in said(folder / "kubectl_complete-hyperpod", "e")


def test_uv_installs_it_as_a_tool(tmp_path: Path) -> None:
    folders = {"UV_TOOL_DIR": tmp_path / "tools", "UV_TOOL_BIN_DIR": tmp_path / "bin"}
    said(UV, "tool", "install", "--quiet", ROOT / "plugin", **folders)
    works(tmp_path / "bin")


def test_pipx_installs_it(tmp_path: Path) -> None:
    said(UV, "venv", "--quiet", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    said(UV, "pip", "install", "--quiet", "--python", python, "pipx")
    folders = {"PIPX_HOME": tmp_path / "pipx", "PIPX_BIN_DIR": tmp_path / "bin", "PIPX_MAN_DIR": tmp_path / "man"}
    said(python.parent / "pipx", "install", ROOT / "plugin", **folders)
    works(tmp_path / "bin")


def test_the_archive_for_krew_is_one_program(tmp_path: Path) -> None:
    with tarfile.open(build(tmp_path)) as archive:
        archive.extractall(tmp_path, filter="data")
    assert said(tmp_path / "kubectl-hyperpod", "--version") == f"kubectl-hyperpod {__version__}\n"
