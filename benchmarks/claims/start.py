"""From the start of the process to its first pass, with one resource there, default flags and leader election.

The first pass shows as its DescribeCluster at AWS. Most of the time is Python loading botocore, Kopf and the
Kubernetes client, so their imports alone are measured beside it, in a process of their own.
"""

import statistics
import subprocess
import sys
import time

from benchmarks.claims.terms import Terms
from benchmarks.environment.objects import names
from benchmarks.figure import Figure

STARTS = 5
PATIENCE = 60.0
IMPORTS = "import botocore.session, kopf, kubernetes.aio.client, aiohttp, pydantic, prometheus_client"


def measure(terms: Terms) -> list[Figure]:
    first, ready, cpu, bare = [], [], [], []
    with terms.environment() as env:
        env.objects.create(names(1))
        for _ in range(STARTS):
            since = env.aws.position()
            with env.operator() as operator:
                ready.append(operator.wait_ready() - operator.started_at)
                calls = env.aws.wait("DescribeCluster", count=1, since=since, seconds=PATIENCE)
                first.append(calls[0].wall_time - operator.started_at)
                cpu.append(operator.cpu())
            bare.append(_imports())
    return [
        Figure(name="operator, per start with one resource", value=statistics.median(cpu), unit="CPU-s"),
        Figure(name="process start to first pass", value=statistics.median(first), unit="s", most=1.5),
        Figure(name="process start to ready", value=statistics.median(ready), unit="s"),
        Figure(name="bare imports of the packages", value=statistics.median(bare), unit="s"),
    ]


def _imports() -> float:
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", IMPORTS], check=True)
    return time.monotonic() - started
