"""The tests of a file share fixtures with the control plane: each worker that gets some of them makes all of those."""

import re
import subprocess
import sys
from pathlib import Path

MODULE = """
import os
import pytest

@pytest.mark.parametrize("number", range(8))
def test_one(number):
    with open("workers", "a") as workers:
        print(__name__, os.environ["PYTEST_XDIST_WORKER"], file=workers)
"""


def test_the_tests_of_a_file_run_in_one_worker(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "conftest.py").write_text((root / "tests/conftest.py").read_text())
    for name in ("test_a", "test_b", "test_c"):
        (tests / f"{name}.py").write_text(MODULE)
    makefile = (root / "Makefile").read_text()
    (flags,) = [line for line in makefile.splitlines() if line.startswith("CONTROL_PLANE_TESTS")]
    command = [sys.executable, "-m", "pytest", *flags.partition("$(PYTEST)")[2].split(), "-q", "tests"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    ran = [line.split() for line in (tmp_path / "workers").read_text().splitlines()]
    assert len(ran) == 24
    assert len({tuple(pair) for pair in ran}) == 3


def test_the_makefile_names_the_folders_of_tests_with_the_control_plane() -> None:
    root = Path(__file__).parents[2]
    lines = (root / "Makefile").read_text().splitlines()
    (named,) = [line.partition(":=")[2].split() for line in lines if line.startswith("CONTROL_PLANE_FOLDERS")]
    conftest = (root / "tests/conftest.py").read_text()
    allowed = re.search(r"^CONTROL_PLANE_FOLDERS = frozenset\(\{(.*)\}\)$", conftest, re.MULTILINE)
    assert allowed is not None
    assert [f"tests/{folder.strip(chr(34))}" for folder in allowed[1].split(", ")] == named


def test_a_test_with_the_control_plane_in_another_folder_is_refused(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    unit = tmp_path / "tests/unit"
    unit.mkdir(parents=True)
    (tmp_path / "tests/conftest.py").write_text((root / "tests/conftest.py").read_text())
    (unit / "test_a.py").write_text("def test_one(control_plane): ...\n")
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "tests"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "put it into one of chart, generated, integration, testbed" in done.stdout + done.stderr
