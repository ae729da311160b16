"""Resident memory: with nothing to do, with 500 settled clusters, and with 5,000 Nodes in 500 clusters."""

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
from hyperpod_operator.core.health.facts import cluster_id

COUNT = 500
NODES_EACH = 10
CALM = 20.0
"""Seconds without work before memory is read."""
PATIENCE = 600.0


def measure(terms: Terms) -> list[Figure]:
    return [*_clusters(terms), *_nodes(terms)]


def _clusters(terms: Terms) -> list[Figure]:
    with terms.environment() as env, env.operator(*LIFTED) as operator, env.progress() as progress:
        operator.wait_ready()
        calm = terms.seconds(CALM, quick=5.0)
        time.sleep(calm)
        idle = operator.memory()
        env.objects.create(names(COUNT))
        progress.wait(COUNT, seconds=PATIENCE)
        time.sleep(calm)
        return [
            Figure(name="resident memory, idle", value=idle, unit="MB", most=85),
            Figure(name="resident memory with 500 clusters", value=operator.memory(), unit="MB", most=200),
            Figure(name="resident memory with 500 clusters, peak", value=operator.peak_memory(), unit="MB"),
        ]


def _nodes(terms: Terms) -> list[Figure]:
    with terms.environment() as env:
        env.objects.resize(instances=NODES_EACH)
        with env.operator(*LIFTED) as operator, env.progress() as progress:
            operator.wait_ready()
            env.objects.create(names(COUNT))
            progress.wait(COUNT, seconds=PATIENCE)
            joined = asyncio.run(_join(env))
            time.sleep(terms.seconds(3 * CALM, quick=CALM))
            what = f"resident memory with {joined:,} nodes and {COUNT} clusters"
            return [
                Figure(name=what, value=operator.memory(), unit="MB", most=200),
                Figure(name=f"{what}, peak", value=operator.peak_memory(), unit="MB"),
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
