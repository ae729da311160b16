"""A scale-in against a world that does anything between two passes: pods and claims come and go, people edit the count.

Whatever comes, no node ends with a pod or a claim's volume on it, none ends that nobody asked for, and in the end the
count is right and nothing of the operator's is left on the nodes that stay.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.controllers.rig import Recorder
from tests.unit.core.builders import ARN, NOW, cluster, group, group_spec, recorded, resource, seen, snapshot_of, spec
from tests.unit.core.health import node

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.names import INSTANCE_GROUP_NAME
from hyperpod_operator.controllers.cluster.evacuation import DrainPorts, Evacuation
from hyperpod_operator.core.cluster.decision import Act
from hyperpod_operator.core.cluster.plan import DeleteNodes
from hyperpod_operator.core.cluster.scale_in import delete_nodes
from hyperpod_operator.core.drain.marks import (
    BINDING,
    HeldBy,
    Marks,
    Owner,
    detaches,
    held_by,
    held_since,
    hold,
    release,
)
from hyperpod_operator.core.drain.pod import Pod
from hyperpod_operator.core.drain.ports import Answer, Evicted, PodsRead
from hyperpod_operator.core.drain.rules import DrainRules
from hyperpod_operator.core.health.change import NodeChange
from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.observed import ObservedNode
from hyperpod_operator.core.ports import KubernetesError

IDS = tuple(f"i-{number:017x}" for number in range(1, 5))
EVENTS = ("pass", "pod", "no pod", "claim", "detach", "fewer", "more", "time", "back", "pods unread", "claims unread")


@dataclass
class World:
    """Four nodes in AWS and Kubernetes, and what is on them. It is all the ports of an evacuation at once."""

    handling: str
    wanted: int = 4
    now: datetime = NOW
    held: dict[str, Node] = field(default_factory=dict)
    pods: set[str] = field(default_factory=set)
    claims: set[str] = field(default_factory=set)
    pods_unread: bool = False
    claims_unread: bool = False

    def __post_init__(self) -> None:
        labels = {INSTANCE_GROUP_NAME: "gpu"}
        self.held = {name: node(instance_id=name, cluster_id=ARN.rpartition("/")[2], labels=labels) for name in IDS}

    synced = True

    def of_cluster(self, cluster: str) -> tuple[Node, ...]:
        return self.all()

    def all(self) -> tuple[Node, ...]:
        return tuple(self.held.values())

    async def read(
        self, *, owner: Owner, nodes: frozenset[str], on_change: Callable[[], None], rules: DrainRules | None = None
    ) -> PodsRead:
        return await self.fresh(nodes=nodes)

    async def fresh(self, *, nodes: frozenset[str]) -> PodsRead:
        if self.pods_unread:
            return PodsRead(problem="no answer")
        there = sorted(one for one in self.pods if f"hyperpod-{one}" in nodes)
        return PodsRead(pods=tuple(Pod(namespace="ml", name=one, uid=one, node=f"hyperpod-{one}") for one in there))

    def release(self, *, owner: Owner) -> None: ...

    async def evict(self, gang: Sequence[Pod]) -> tuple[Evicted, ...]:
        self.pods -= {pod.name for pod in gang}
        return tuple(Evicted(pod=pod, answer=Answer.ACCEPTED) for pod in gang)

    async def mark(self, *, node: str, marks: Marks) -> HeldBy | None:
        name = node.removeprefix("hyperpod-")
        assert not marks.detach or name not in self.pods, "a claim is asked only where no pod runs"
        change = hold(self.held[name], marks.owner, now=self.now, detach=marks.detach)
        assert isinstance(change, NodeChange)
        self._apply(name, change)
        return None

    async def unmark(self, *, node: str, owner: Owner) -> None:
        name = node.removeprefix("hyperpod-")
        self._apply(name, release(self.held[name], owner))

    def _apply(self, name: str, change: NodeChange) -> None:
        found = self.held[name]
        annotations = {**found.annotations, **change.annotations}
        self.held[name] = replace(
            found,
            taints=found.taints if change.taints is None else change.taints,
            annotations={key: value for key, value in annotations.items() if value is not None},
        )

    async def claims_on(self, arn: str) -> dict[str, tuple[str, ...]]:
        if self.claims_unread:
            raise KubernetesError(status=0, message="no answer")
        return {name: (f"team/{name}",) for name in self.claims}

    async def reconcile(self) -> None:
        """One pass of a process that remembers nothing."""
        ports = DrainPorts(
            pods=self, evictor=self, marks=self, enqueue=lambda _: None, audit=Recorder(), claims=self.claims_on
        )
        evacuation = Evacuation(kind=CLUSTER.name, ports=ports, nodes=self)  # type: ignore[arg-type]
        found = group(group_spec(), target_count=len(self.held))
        status = recorded(instanceGroups=[{"instanceGroupName": "gpu", "appliedInstanceCount": len(self.held)}])
        given = spec(
            instanceGroups=[group_spec(count=self.wanted)],
            management={"disruption": {"runningWorkloads": self.handling}},
        )
        owner = resource(spec=given, status=status)
        listed = [
            ObservedNode(instance_id=name, group="gpu", instance_type="ml.p5.48xlarge", status="Running")
            for name in self.held
        ]
        snapshot = snapshot_of(owner, seen(owner, cluster(wanted=given, groups=(found,)), nodes=listed), now=self.now)
        decision = delete_nodes(await evacuation.evacuate(snapshot, facts=None))
        if isinstance(decision, Act):
            assert isinstance(decision.action, DeleteNodes)
            self._end(decision.action.instance_ids)

    def _end(self, names: Sequence[str]) -> None:
        for name in names:
            since = held_since(self.held[name])
            assert since is not None
            assert (self.now - since).total_seconds() >= BINDING
            assert name not in self.pods | self.claims
            assert (self.pods_unread, self.claims_unread) == (False, False)
            del self.held[name]
        assert len(self.held) >= self.wanted

    async def event(self, kind: str, name: str) -> None:
        """Something happens that the operator did not do, or (`pass`) that it does."""
        found = self.held.get(name)
        match kind:
            case "pass":
                await self.reconcile()
            case "pod" if found is not None and not held_by(found):
                self.pods.add(name)
            case "no pod":
                self.pods.discard(name)
            case "claim" if found is not None and not held_by(found):
                self.claims.add(name)
            case "detach" if found is not None and detaches(found) and name not in self.pods:
                self.claims.discard(name)
            case "fewer" | "more":
                self.wanted = max(0, min(4, self.wanted + (1 if kind == "more" else -1)))
            case "time":
                self.now += timedelta(seconds=30)
            case "back":
                self.now -= timedelta(days=1)
            case "pods unread":
                self.pods_unread = not self.pods_unread
            case "claims unread":
                self.claims_unread = not self.claims_unread


@pytest.mark.parametrize("handling", ["Wait", "Drain"])
@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from(EVENTS), st.sampled_from(IDS)), max_size=30))
def test_no_node_ends_with_a_pod_or_a_volume_and_the_count_is_right_in_the_end(
    handling: str, steps: list[tuple[str, str]]
) -> None:
    asyncio.run(_run(World(handling=handling), steps))


async def _run(world: World, steps: list[tuple[str, str]]) -> None:
    for kind, name in steps:
        await world.event(kind, name)
        assert all(held_by(one) for one in world.held.values() if detaches(one))
    # From here on the world is kind: pods end, and claims do what they are asked.
    world.pods_unread = world.claims_unread = False
    world.pods.clear()
    for _ in range(12):
        await world.reconcile()
        for name in IDS:
            await world.event("detach", name)
        await world.event("time", "")
    assert len(world.held) <= world.wanted
    assert not [name for name, one in world.held.items() if held_by(one) or detaches(one)]
