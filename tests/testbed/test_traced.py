"""What the operator's allocations were, told by two snapshots of its process."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from hyperpod_testbed.processes import Child
from hyperpod_testbed.soak import traced
from hyperpod_testbed.stack import OperatorProcess
from hyperpod_testbed.waiting import until

LEAKING = """
import runpy, sys, threading, time
import hyperpod_operator.cli

def main(arguments, prog_name):
    held = []
    while True:
        held.append(bytearray(4096))  # the leak
        time.sleep(0.001)

hyperpod_operator.cli.main = main
sys.argv = ["traced", sys.argv[1], "run"]
runpy.run_module("hyperpod_testbed.soak.traced", run_name="__main__")
"""


@pytest.mark.timeout(120)
def test_the_line_that_leaks_is_what_grew_most_between_two_snapshots(tmp_path: Path) -> None:
    program = tmp_path / "leaking.py"
    program.write_text(LEAKING)
    child = Child("leaking", [sys.executable, program, tmp_path / "seen"], log=tmp_path / "log", env={})
    operator = cast(OperatorProcess, SimpleNamespace(child=child))
    try:
        until(lambda: (tmp_path / "seen").exists(), child.tail)
        traced.snapshot(operator, tmp_path / "seen")
        traced.snapshot(operator, tmp_path / "seen")
    finally:
        child.stop()
    told = "\n".join(traced.growth(tmp_path / "seen", most=1))
    assert "held.append(bytearray(4096))  # the leak" in told
