"""`hyperpod-operator plan` of one cluster, from the start of the process to its end, against the simulator.

Python loading pydantic, botocore and the model of SageMaker is most of it; the rest is three calls to AWS.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.claims.terms import Terms
from benchmarks.environment import BenchmarkError
from benchmarks.figure import Figure
from hyperpod_testbed.simulator import Simulator

STARTS = 5
CHANGES = 2
"""Exit code of a plan with changes."""
COMMAND = "from hyperpod_operator.cli import main; main()"
EXAMPLE = Path(__file__).parents[2] / "examples" / "minimal.yaml"


def measure(terms: Terms) -> list[Figure]:
    """`terms` changes nothing here: there is nothing to wait for."""
    del terms
    with tempfile.TemporaryDirectory() as home, Simulator(account="111122223333", speed=0) as simulator:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "KUBE"))}
        environment = {**kept, **simulator.environment(), "HOME": home}
        measured = [_plan(environment) for _ in range(STARTS)]
    name = "preview of one cluster, cold start"
    return [
        Figure(name=name, value=statistics.median(wall for wall, _ in measured), unit="s", most=1.5),
        Figure(name=f"{name}: CPU", value=statistics.median(cpu for _, cpu in measured), unit="CPU-s"),
    ]


def _plan(environment: dict[str, str]) -> tuple[float, float]:
    """Wall time and CPU time of one process, in seconds."""
    before, started = os.times(), time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "plan", "-f", str(EXAMPLE)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != CHANGES:
        raise BenchmarkError(f"the plan ended with {done.returncode}: {done.stdout}{done.stderr}")
    wall, after = time.monotonic() - started, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, cpu
