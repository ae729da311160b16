"""Definitions go by ControlPlane.remove_crds, which knows why one that was just made may stay for minutes."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DELETES = re.compile(r"""delete(_all)?\W+(crd|customresourcedefinition)""")
OWN = ROOT / "testbed" / "hyperpod_testbed" / "control_plane" / "control_plane.py"


@pytest.mark.parametrize("folder", ["benchmarks", "testbed", "tests"])
def test_definitions_are_deleted_in_one_place_only(folder: str) -> None:
    sources = {path for path in (ROOT / folder).rglob("*.py") if DELETES.search(path.read_text())}
    assert sources <= {OWN, ROOT / "tests" / "contract" / "test_commands.py"}


def test_the_one_place_is_found() -> None:
    assert DELETES.search(OWN.read_text())
