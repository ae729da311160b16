"""The leader is killed: how long until the other replica writes, and whether it has to list anything for that.

A Node turns sick right after the kill, so that something is due. The lease has its default duration, and a standby has
to sit it out; what is beyond it is the operator's own.
"""

import asyncio
import datetime
import http.client
import json
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from benchmarks.claims.terms import Terms
from benchmarks.claims.volume_scene import Scene, claim
from benchmarks.environment import LIFTED, BenchmarkError, Environment
from benchmarks.environment.audit import Request
from benchmarks.environment.objects import names
from benchmarks.environment.operator import Operator
from benchmarks.figure import Figure
from benchmarks.nodes.api import MERGE, Nodes
from benchmarks.nodes.load import UNFIT
from benchmarks.nodes.manifest import GROUP, node_manifest, node_name
from benchmarks.nodes.ours import instances, labels
from benchmarks.peers.taint import HEALTH
from hyperpod_operator.api.names import CLUSTER_PLURAL, VOLUME_CLAIM_PLURAL
from hyperpod_operator.core.lease import LeaseSettings
from hyperpod_operator.core.location import cluster_id

CLUSTERS, NODES, CLAIMS = 10, 5000, 500
KILLS = 3
CALM = 10.0
"""Seconds for the leader to be done with everything, and for what the next one does late to be seen."""
QUIET = 0.05
"""Share of a core below which an operator counts as done."""
PATIENCE = 600.0
LISTED = frozenset({"nodes", CLUSTER_PLURAL, VOLUME_CLAIM_PLURAL})
"""What a standby that is warm need not list."""
ALLOWED = 1.0
"""Seconds beyond the lease."""


@dataclass(frozen=True, kw_only=True)
class Takeover:
    """What one kill showed: seconds until the first write and until the taint, lists, and the standby's memory."""

    first_write: float
    taint: float
    lists: int
    memory: float


def measure(terms: Terms) -> list[Figure]:
    nodes, claims, kills = (500, 50, 1) if terms.quick else (NODES, CLAIMS, KILLS)
    with terms.environment(lists=True) as env:
        sick = _fleet(env, nodes=nodes, claims=claims)
        found = _takeovers(env, sick[:kills])
    return figures(found, said=f"{nodes:,} nodes and {claims} claims")


def figures(found: Sequence[Takeover], *, said: str) -> list[Figure]:
    """The worst of several kills."""
    gate = LeaseSettings().duration + ALLOWED
    what = f"leader killed with {said}"
    return [
        Figure(
            name=f"{what}: lists of nodes, clusters and claims by the next one",
            value=max(one.lists for one in found),
            unit="calls",
            most=0,
        ),
        Figure(name=f"{what}: memory of the standby", value=max(one.memory for one in found), unit="MB"),
        Figure(
            name=f"{what}: to the first write, the worst",
            value=max(one.first_write for one in found),
            unit="s",
            most=gate,
        ),
        Figure(name=f"{what}: to the taint that is due, the worst", value=max(one.taint for one in found), unit="s"),
    ]


def taken_over(requests: Sequence[Request], *, killed: float, node: str, memory: float) -> Takeover:
    """What the log says that was done since the kill. Raises BenchmarkError when nothing was written."""
    after = [one for one in requests if one.at > killed and one.resource != "leases"]
    writes = [one for one in after if one.verb != "list"]
    taints = [one for one in writes if (one.resource, one.name, one.code) == ("nodes", node, http.client.OK)]
    if not taints:
        raise BenchmarkError(f"the audit log has no write to the Node {node} after the kill")
    return Takeover(
        first_write=min(one.at for one in writes) - killed,
        taint=min(one.at for one in taints) - killed,
        lists=sum(one.verb == "list" and one.resource in LISTED for one in after),
        memory=memory,
    )


def _fleet(env: Environment, *, nodes: int, claims: int) -> list[str]:
    """Settled clusters, Nodes and claims; the names of Nodes that may turn sick, each of another cluster."""
    scene = Scene(env)
    env.objects.one_group(instances=nodes // CLUSTERS)
    with env.operator(*LIFTED) as operator, env.progress() as progress:
        operator.wait_ready()
        env.objects.create(names(CLUSTERS))
        progress.wait(CLUSTERS, seconds=PATIENCE)
        found = instances(env.aws.environment(), arns=env.arns())
        asyncio.run(_join(env, found, zone=_zone(scene, *found[0])))
        scene.claims([_claim(number, of=number % CLUSTERS) for number in range(claims)])
        scene.until(lambda: scene.ready() == claims, what="claims that are ready")
        time.sleep(CALM)
    first = dict(reversed(found))
    return [node_name(instance) for instance in first.values()]


def _takeovers(env: Environment, sick: Sequence[str]) -> list[Takeover]:
    """Replicas with default flags; each leads once the one before it was killed, and is killed in its turn."""
    found = list[Takeover]()
    with ExitStack() as replicas:
        leader = replicas.enter_context(env.operator())
        leader.wait_ready()
        for node in sick:
            standby = replicas.enter_context(env.operator())
            standby.wait_ready()
            _wait_idle(leader)
            found.append(_takeover(env, node, leader=leader, standby=standby))
            leader = standby
    return found


def _takeover(env: Environment, node: str, *, leader: Operator, standby: Operator) -> Takeover:
    """The leader is killed, and a Node turns sick."""
    memory, position = standby.memory(), env.audit.position()
    killed = leader.kill()
    asyncio.run(_turn_sick(env, node))
    _wait_tainted(env, node)
    time.sleep(CALM)
    return taken_over(env.audit.requests(since=position), killed=killed, node=node, memory=memory)


def _wait_idle(leader: Operator) -> None:
    """Wait until the leader has nothing left to do: its start is not what is measured."""
    deadline, before = time.monotonic() + PATIENCE, leader.cpu()
    while time.monotonic() < deadline:
        time.sleep(CALM)
        before, spent = leader.cpu(), leader.cpu() - before
        if spent < QUIET * CALM:
            return
    raise BenchmarkError(f"the leader still works {PATIENCE:.0f} s after its start")


def _wait_tainted(env: Environment, node: str) -> None:
    deadline, connection = time.monotonic() + PATIENCE, env.connection()
    while time.monotonic() < deadline:
        connection.request("GET", f"/api/v1/nodes/{node}")
        taints = json.loads(connection.getresponse().read())["spec"].get("taints", ())
        if any(taint["key"] == HEALTH for taint in taints):
            connection.close()
            return
        time.sleep(0.1)
    raise BenchmarkError(f"nobody tainted {node} within {PATIENCE:.0f} s")


async def _turn_sick(env: Environment, node: str) -> None:
    async with Nodes(env.plane) as nodes:
        await nodes.patch(node, UNFIT, kind=MERGE)


async def _join(env: Environment, found: Iterable[tuple[str, str]], *, zone: str) -> None:
    """A Node for every instance."""
    now, known = datetime.datetime.now(datetime.UTC), {**labels(), "topology.kubernetes.io/zone": zone}
    async with Nodes(env.plane) as nodes:
        await nodes.create(
            node_manifest(number, instance_id=instance_id, cluster_id=cluster_id(arn), labels=known, now=now)
            for number, (arn, instance_id) in enumerate(found)
        )


def _zone(scene: Scene, arn: str, instance_id: str) -> str:
    """All instances are in one subnet, and so in one zone."""
    found = scene.sagemaker.describe_cluster_node(ClusterName=arn, NodeId=instance_id)["NodeDetails"]
    return str(found["Placement"]["AvailabilityZone"])


def _claim(number: int, *, of: int) -> dict[str, Any]:
    made = claim(f"data-{number:04d}", "", GROUP)
    made["spec"]["clusterRef"] = {"name": names(CLUSTERS)[of]}
    return made
