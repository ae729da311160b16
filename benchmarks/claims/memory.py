"""Resident memory of one operator: with nothing to do, with 500 settled clusters, and with their 5,000 Nodes."""

import asyncio
import datetime
import time

from benchmarks.claims.terms import Terms
from benchmarks.environment import LIFTED, Environment
from benchmarks.environment.objects import names
from benchmarks.figure import Figure
from benchmarks.nodes.api import Nodes
from benchmarks.nodes.manifest import node_manifest
from benchmarks.nodes.ours import instances, labels
from hyperpod_operator.core.location import cluster_id

COUNT = 500
NODES_EACH = 10
CALM = 20.0
"""Seconds without work before memory is read."""
PATIENCE = 600.0


def measure(terms: Terms) -> list[Figure]:
    calm = terms.seconds(CALM, quick=5.0)
    with terms.environment() as env:
        env.objects.resize(instances=NODES_EACH)
        with env.operator(*LIFTED) as operator, env.progress() as progress:
            operator.wait_ready()
            time.sleep(calm)
            idle = operator.memory()
            env.objects.create(names(COUNT))
            progress.wait(COUNT, seconds=PATIENCE)
            time.sleep(calm)
            settled, settled_peak = operator.memory(), operator.peak_memory()
            joined = asyncio.run(_join(env))
            time.sleep(terms.seconds(2 * CALM, quick=CALM))
            clusters, nodes = f"with {COUNT} clusters", f"with {joined:,} nodes and {COUNT} clusters"
            return [
                Figure(name="resident memory, idle", value=idle, unit="MB", most=85),
                Figure(name=f"resident memory {clusters}", value=settled, unit="MB", most=200),
                Figure(name=f"resident memory {clusters}, peak", value=settled_peak, unit="MB"),
                Figure(name=f"resident memory {nodes}", value=operator.memory(), unit="MB", most=200),
                Figure(name=f"resident memory {nodes}, peak", value=operator.peak_memory(), unit="MB"),
            ]


async def _join(env: Environment) -> int:
    """A Node for every instance of every cluster; how many."""
    now = datetime.datetime.now(datetime.UTC)
    found = instances(env.aws.environment(), arns=env.arns())
    async with Nodes(env.plane) as nodes:
        await nodes.create(
            node_manifest(number, instance_id=instance_id, cluster_id=cluster_id(arn), labels=labels(), now=now)
            for number, (arn, instance_id) in enumerate(found)
        )
    return len(found)
