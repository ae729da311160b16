"""One size after the other: a control plane of its own, the fleet, then the contestants in turn."""

import asyncio
import datetime
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchmarks.environment import LIFTED, Environment
from benchmarks.environment.environment import API_SERVER
from benchmarks.environment.objects import names
from benchmarks.large.seed import ETCD_FLAGS, multiply, wait_served
from benchmarks.nodes import contestants, single_round
from benchmarks.nodes.api import Nodes
from benchmarks.nodes.contestants import OPERATOR
from benchmarks.nodes.manifest import node_manifest, node_name
from benchmarks.nodes.ours import instances, labels
from benchmarks.nodes.process import SERVER_CORE, pinned
from benchmarks.nodes.run import arena
from benchmarks.nodes.single_round import Sizes
from hyperpod_operator.core.location import cluster_id

MOST_IN_A_CLUSTER = 5000
"""Instances of one HyperPod cluster: larger fleets have several."""
FLAGS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "etcd": ETCD_FLAGS,
        # As EKS raises them with its cluster; the cache of watches sizes itself.
        API_SERVER: ("--max-requests-inflight=3000", "--max-mutating-requests-inflight=1000"),
    }
)
STATUS_EVERY = 300.0
"""Seconds between two updates of a kubelet that has nothing to tell."""
UPDATES_MOST = 60.0
"""Updates a second beside the labels: those of 100,000 kubelets would take more than the API server's core."""
SETTLE_SECONDS = 20.0
"""After the first taints, before anything is measured: the pass over each of their clusters comes ten seconds later."""
START_SECONDS = 600.0
SETUP_SECONDS = 900.0


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be measured."""

    nodes: Sequence[int] = (5_000, 20_000, 100_000)
    contestants: Sequence[str] = (OPERATOR, "controller-runtime")
    rounds: int = 2
    seed: int = 1
    sizes: Sizes = field(default_factory=partial(Sizes, settle=SETTLE_SECONDS))
    logs: Path | None = None


def measure(wish: Wish, *, tell: Callable[[str], None], keep: Callable[[dict[str, Any]], None]) -> None:
    """Hands each round to `keep` as it ends. Raises ContractError or BenchmarkError."""
    for nodes in wish.nodes:
        with Environment(flags=FLAGS, core=SERVER_CORE, logs=wish.logs) as env:
            found = _fleet(env, nodes=nodes)
            tell(f"{nodes:,} nodes are there")
            with pinned(SERVER_CORE):
                asyncio.run(_measure(wish, env, found, tell=tell, keep=keep))


def clusters(nodes: int) -> int:
    """How many clusters a fleet of so many nodes has."""
    return -(-nodes // MOST_IN_A_CLUSTER)


def updates_per_second(nodes: int) -> float:
    """What kubelets send while labels change, as far as the API server can take it."""
    return min(nodes / STATUS_EVERY, UPDATES_MOST)


def _fleet(env: Environment, *, nodes: int) -> list[str]:
    """Clusters that are Ready and a Node for each of their instances; the Nodes' names."""
    count = clusters(nodes)
    env.objects.one_group(instances=nodes // count)
    with env.operator(*LIFTED) as operator, env.progress() as progress:
        operator.wait_ready()
        env.objects.create(names(count))
        progress.wait(count, seconds=SETUP_SECONDS)
    by_arn: dict[str, list[str]] = defaultdict(list)
    for arn, instance_id in instances(env.aws.environment(), arns=env.arns()):
        by_arn[arn].append(instance_id)
    for number, (arn, ids) in enumerate(by_arn.items()):
        uid = asyncio.run(_first_node(env, number, arn=arn, instance_id=ids[0]))
        multiply(env, node_name(ids[0]), uid=uid, instance_id=ids[0], others=ids[1:])
    made = [node_name(instance_id) for ids in by_arn.values() for instance_id in ids]
    wait_served(env, count=len(made))
    return made


async def _first_node(env: Environment, number: int, *, arn: str, instance_id: str) -> str:
    """The Node that the others of its cluster are copies of; its uid."""
    now = datetime.datetime.now(datetime.UTC)
    manifest = node_manifest(number, instance_id=instance_id, cluster_id=cluster_id(arn), labels=labels(), now=now)
    async with Nodes(env.plane) as nodes:
        await nodes.create([manifest])
        return await nodes.uid(node_name(instance_id))


async def _measure(
    wish: Wish,
    env: Environment,
    made: Sequence[str],
    *,
    tell: Callable[[str], None],
    keep: Callable[[dict[str, Any]], None],
) -> None:
    sizes = replace(wish.sizes, realistic=updates_per_second(len(made)))
    async with arena(env.plane, sizes=sizes, logs=env.directory) as ring:
        size = await ring.nodes.size(made[-1])
        for number in range(wish.rounds):
            for name in wish.contestants if number % 2 == 0 else reversed(wish.contestants):
                contestant = contestants.operator(env.aws.environment()) if name == OPERATOR else contestants.peer(name)
                contestant = replace(contestant, patience=START_SECONDS)
                found = await single_round.full(ring, contestant, made, seed=wish.seed + number)
                keep({"contestant": name, "node_bytes": size, "sizes": asdict(sizes), **found})
                tell(f"{len(made):,} nodes, round {number + 1} of {wish.rounds}: {name}, "
                     f"in sync in {found['start_last_s']:.1f} s")  # fmt: skip
