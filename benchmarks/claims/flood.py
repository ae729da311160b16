"""The worst /healthz while somebody floods the operator's ports, or keeps connections open that never ask."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.claims.terms import Terms
from benchmarks.environment.faults import BenchmarkError
from benchmarks.environment.operator import Operator
from benchmarks.figure import Figure

GIVEN = 5.0
"""Seconds that a probe is given; one that fails counts as these."""
LOOK = 0.2
"""Seconds between two probes."""


def measure(terms: Terms) -> list[Figure]:
    seconds = terms.seconds(15.0, quick=3.0)
    with terms.environment() as env, env.operator() as operator:
        operator.wait_ready()
        worst = max(
            _worst(operator, kind=kind, port=port, seconds=seconds)
            for port in (operator.metrics_port, operator.probe_port)
            for kind in ("scrapes", "lazy")
        )
    return [Figure(name="worst /healthz under flood", value=worst, unit=terms.said("s"), most=1.0)]


def _worst(operator: Operator, *, kind: str, port: int, seconds: float) -> float:
    worst, end = 0.0, time.monotonic() + seconds
    with _flooded(kind, port):
        while time.monotonic() < end:
            worst = max(worst, _probe(operator.probe_port))
            time.sleep(LOOK)
    return worst


def _probe(port: int) -> float:
    started = time.monotonic()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=GIVEN) as answer:
            answer.read()
    except (urllib.error.URLError, OSError):
        return GIVEN
    return time.monotonic() - started


@contextmanager
def _flooded(kind: str, port: int) -> Iterator[None]:
    """A process of its own: its work must not slow the prober down."""
    command = [sys.executable, "-m", "benchmarks.environment.flood", kind, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as flood:
        try:
            if flood.stdout is None or flood.stdout.readline() != "flooding\n":
                raise BenchmarkError(f"the flood of {kind} did not begin")
            yield
            if flood.poll() is not None:
                raise BenchmarkError(f"the flood of {kind} ended by itself")
        finally:
            flood.kill()
