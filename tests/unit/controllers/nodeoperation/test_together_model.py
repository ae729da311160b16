"""Scale-ins, software updates and node operations on one cluster at once, against a world that does anything between
two passes: people edit counts and images, create, end and repeat operations, pods come and go, HyperPod replaces nodes,
processes end, AWS answers late, badly or not at all.

Whatever comes, no node is ended, replaced or rebooted under a pod, or by somebody who does not hold it; none is ended
twice; none ends that nobody asked for. In the end nothing of the operator's is left on the nodes, and nothing waits.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from tests.unit.controllers.answers import NO_NODES, named, other_answers
from tests.unit.controllers.nodeoperation.conftest import MakeRig
from tests.unit.controllers.nodeoperation.lives import FAULTS, Heard, running, statuses
from tests.unit.controllers.nodeoperation.rig import CLUSTER_KEY, OperationRig
from tests.unit.controllers.rig import RESTING, pause

from hyperpod_operator.api.kinds import CLUSTER, NODE_OPERATION
from hyperpod_operator.api.names import APPROVE_PLAN, DRAINING
from hyperpod_operator.controllers.cluster.controller import ClusterController, ClusterSettings
from hyperpod_operator.controllers.cluster.evacuation import DrainPorts
from hyperpod_operator.controllers.cluster.observer import Ports
from hyperpod_operator.controllers.nodeoperation.operated import operated_nodes
from hyperpod_operator.core.audit import AuditRecord
from hyperpod_operator.core.engine.call import Effect
from hyperpod_operator.core.observed import OperatedNode
from hyperpod_operator.core.outcome import Failed, Outcome
from hyperpod_operator.core.plan.gate import ChangePolicy
from hyperpod_operator.core.ports import Key
from hyperpod_operator.core.timings import Timings
from hyperpod_testbed.simulator import Fault

NODES = 4
STEPS, ROUNDS = 40, 300
ENDING = frozenset({"BatchDeleteClusterNodes", "BatchReplaceClusterNodes"})
DISRUPTING = ENDING | {"BatchRebootClusterNodes"}
CALLS = DISRUPTING | {"UpdateCluster", "UpdateClusterSoftware"}
KINDS = frozenset({CLUSTER.name, NODE_OPERATION.name})
THE_CLUSTER = "the cluster"
EVENTS = (
    *("cluster", "operation") * 4,
    *("time", "count", "pod", "no pod") * 2,
    *("operate", "image", "withdraw", "restart", "recovery", "budget", "fault", "suspend"),
)
POLICIES = tuple(ChangePolicy)
APPROVALS = (*("policy", "approve", "approve", "approve"),)
BUSY = Fault("*", "error", code="ConflictException", message="The cluster is being updated.", status=400, times=1)


class Together:
    """Both controllers on one cluster of `NODES` nodes, and what people asked for."""

    def __init__(self, rig: OperationRig, *, handling: str, seed: int, lags: bool, gated: bool) -> None:
        self.rig, self.handling, self.chance, self.lags = rig, handling, random.Random(seed), lags
        self.events = (*EVENTS, *APPROVALS) if gated else EVENTS
        self.policy, self.approved = ChangePolicy.AUTO, dict[str, list[str]]()
        """What the cluster asks for, and the digests that people approved, with the nodes that they saw."""
        self.told: list[str] = []
        self.named: dict[str, str] = {}
        """Instances that a call ended, with the call."""
        self.lowest, self.given_away = NODES, 0
        """The lowest count that was asked for, and how many nodes operations were to delete."""
        self._heard, self._read = Heard(rig.simulator), 0
        rig.simulator.world.release_image("1.1.0")
        self.start()

    def start(self) -> None:
        """New processes of both controllers."""
        rig = self.rig

        async def operated(key: Key) -> tuple[OperatedNode, ...]:
            return await operated_nodes(rig.operations, cluster=key)

        ports = Ports(
            objects=rig.clusters,
            cloud=rig.cloud,
            events=rig.recorder,
            metrics=rig.recorder,
            clock=rig.clock,
            audit=rig.recorder,
            nodes=rig.nodes,
            operated=operated,
            drain=DrainPorts(
                pods=rig.pods, evictor=rig.pods, marks=rig.marks, enqueue=lambda _: None, audit=rig.recorder
            ),
        )
        self.clusters = ClusterController(ports=ports, settings=ClusterSettings(timings=Timings(poll=60.0)))
        self.failures = 0
        rig.restart()

    @property
    def keys(self) -> list[Key]:
        return list(self.rig.operations._bodies)

    @property
    def groups(self) -> list[dict[str, Any]]:
        return [dict(group) for group in self.rig.clusters._bodies[CLUSTER_KEY]["spec"]["instanceGroups"]]

    @property
    def target(self) -> int:
        with self.rig.simulator.core.change() as sim:
            (cluster,) = sim.account.clusters()
            return int(cluster.groups["gpu"].target)

    def edit(self, **members: Any) -> None:
        """The spec, with these members of the group gpu."""
        spec = dict(self.rig.clusters._bodies[CLUSTER_KEY]["spec"])
        gpu, spare = self.groups
        management = {"disruption": {"runningWorkloads": self.handling}, "changePolicy": self.policy}
        self.rig.clusters.apply(
            CLUSTER_KEY, {**spec, "instanceGroups": [gpu | members, spare], "management": management}
        )
        self.lowest = min(self.lowest, self.groups[0]["instanceCount"])

    async def look_at_cluster(self) -> Outcome:
        before = statuses(self.rig.simulator)
        outcome = await self.clusters.reconcile(CLUSTER_KEY, self.failures)
        self.failures = self.failures + 1 if isinstance(outcome, Failed) else 0
        self.check(THE_CLUSTER, before)
        return outcome

    async def look_at(self, key: Key) -> Outcome:
        before = statuses(self.rig.simulator)
        outcome = await self.rig.once(key)
        self.check(str(key), before)
        return outcome

    def check(self, who: str, before: Mapping[str, str]) -> None:
        """What the calls of a pass of `who` may have done. `before` is what AWS called the instances."""
        for call in self._heard.new():
            if call.operation not in DISRUPTING:
                continue
            for instance in call.parameters["NodeIds"]:
                ends = before[instance] == "ShuttingDown"
                assert self.lags or not ends, f"{call.operation} of an instance that ends"
                self._may(who, call.operation, instance, heard=not ends)
        assert self.target >= self.lowest - self.given_away
        for record in self._audited():
            if record.effect in {Effect.DISRUPTS, Effect.DESTROYS} and self.policy is not ChangePolicy.AUTO:
                assert self.policy is not ChangePolicy.PLAN_ONLY, f"{record.call} under PlanOnly"
                assert record.by.digest in self.approved, f"{record.call} that nobody approved"
                if record.kind == NODE_OPERATION.name:
                    seen = self.approved[record.by.digest]
                    assert {one.split()[1] for one in record.changes} <= {*seen}, f"{record.call} of other nodes"

    def _may(self, who: str, operation: str, instance: str, *, heard: bool) -> None:
        """`heard` is whether AWS did anything but refuse: it does not touch an instance that ends."""
        node = self.rig.name(instance)
        assert not [name for name, pod in self.rig.pods.pods.items() if pod.node == node], f"{operation} under a pod"
        if self.rig.nodes.get(node) is not None:  # none has joined yet of an instance that just begins
            assert self._holder(node) == who, f"{operation} by {who} of a node that is held by {self._holder(node)}"
        if heard and operation in ENDING and statuses(self.rig.simulator).get(instance) in {None, "ShuttingDown"}:
            assert instance not in self.named, f"{operation} after {self.named[instance]}"
            self.named[instance] = operation

    def _holder(self, node: str) -> str:
        kind, _, rest = self.rig.nodes.annotations.get(node, {}).get(DRAINING, "").partition(" ")
        return THE_CLUSTER if kind == "HyperPodCluster" else rest.partition(" ")[0]

    def _audited(self) -> Sequence[AuditRecord]:
        """What the audit trail has of calls to AWS since it was asked last."""
        made = self.rig.recorder.audited[self._read :]
        self._read = len(self.rig.recorder.audited)
        return [one for one in made if one.kind in KINDS and one.call in CALLS]

    async def event(self, kind: str) -> None:
        """Something happens that the operator did not do, or a pass that it does."""
        rig, ids = self.rig, running(self.rig.simulator)
        match kind:
            case "cluster":
                rig.simulator.clock.advance(min(pause(await self.look_at_cluster()), 60.0))
            case "operation" if self.keys:
                rig.simulator.clock.advance(min(pause(await self.look_at(self.chance.choice(self.keys))), 60.0))
            case "time":
                rig.simulator.clock.advance(self.chance.choice([1.0, 30.0, 600.0]))
            case "count":
                self.edit(instanceCount=self.chance.randint(0, NODES + 1))
            case "image":
                self.edit(imageReleaseVersion=self.chance.choice(["1.0.0", "1.1.0"]))
            case "operate" if ids:
                self._operate(self.chance.sample(ids, self.chance.randint(1, min(2, len(ids)))))
            case "withdraw" if self.keys:
                rig.operations.remove(self.chance.choice(self.keys))
            case "suspend" if self.keys:
                self._suspend(self.chance.choice(self.keys), suspend=self.chance.choice([True, False]))
            case "restart":
                self.start()
            case "recovery" if ids:
                rig.replaced_by_hyperpod(self.chance.choice(ids))
            case "pod" if ids:
                node = rig.name(self.chance.choice(ids))
                if not rig.nodes.taints.get(node):
                    rig.pods.add(f"pod-{len(self.told)}", node)
            case "no pod" if rig.pods.pods:
                rig.pods.pods.pop(self.chance.choice(sorted(rig.pods.pods)))
            case "fault":
                rig.simulator.faults.add(self.chance.choice((*FAULTS, BUSY)))
            case "policy":
                self.policy = self.chance.choice(POLICIES)
                self.edit()
            case "approve":
                self._approve()
            case "budget":
                rig.pods.refused = dict.fromkeys(rig.pods.pods, "no disruption") if not rig.pods.refused else {}

    def _approve(self) -> None:
        """A person approves a plan as it is shown."""
        objects = [(self.rig.clusters, CLUSTER_KEY), *[(self.rig.operations, key) for key in self.keys]]
        store, key = self.chance.choice(objects)
        plan = store.status(key).get("plan", {})
        if digest := plan.get("digest"):
            self.approved[digest] = [one for action in plan.get("actions", []) for one in action.get("nodes", [])]
            store.apply(key, store._bodies[key]["spec"], annotations={APPROVE_PLAN: digest})

    def _operate(self, ids: Sequence[str]) -> None:
        operation = self.chance.choice(["Delete", "Replace", "Reboot"])
        self.given_away += len(ids) * (operation == "Delete")
        later = self.rig.stamp_of(int(self.rig.clock.now().timestamp()) + 900)
        members = self.chance.choice([{}, {}, {"suspend": True}, {"notBefore": later}])
        selector = {"instanceGroupName": "gpu", "order": "Newest", "count": len(ids)}
        nodes = self.chance.choice([{"instanceIds": [*ids]}, {"instanceIds": [*ids]}, {"selector": selector}])
        key, most = Key("team", f"operation-{len(self.told)}"), self.chance.randint(1, 2)
        self.rig.apply(operation, key=key, nodes=nodes, maxInFlight=most, **members)

    def _suspend(self, key: Key, *, suspend: bool) -> None:
        body = self.rig.operations._bodies[key]
        annotations = body["metadata"].get("annotations")
        self.rig.operations.apply(key, {**body["spec"], "suspend": suspend}, annotations=annotations)

    async def run(self) -> None:
        for _ in range(STEPS):
            kind = self.chance.choice(self.events)
            self.told.append(kind)
            await self.event(kind)

    async def settle(self) -> None:
        """A kind world: pods end by themselves, nobody wants anything new."""
        self.rig.pods.refused = {}
        self.rig.simulator.faults.clear()
        self.policy = ChangePolicy.AUTO
        self.edit()
        for key in self.keys:
            self._suspend(key, suspend=False)
        for _ in range(ROUNDS):
            self.rig.pods.pods.clear()
            outcomes = [await self.look_at_cluster(), *[await self.look_at(key) for key in self.keys]]
            if all(isinstance(one, RESTING) for one in outcomes) and not self.left:
                return
            self.rig.simulator.clock.advance(60.0)
        raise AssertionError((self.left, self.told, self.rig.clusters.status(CLUSTER_KEY)["conditions"]))

    @property
    def left(self) -> list[str]:
        """Nodes with marks of the operator."""
        return [node.name for node in self.rig.nodes.all() if node.name in self.rig.marks.marked]


@pytest.mark.parametrize("handling", ["Wait", "Drain"])
@pytest.mark.parametrize("seed", range(12))
async def test_scale_ins_updates_and_operations_together_end_what_was_asked(
    make_rig: MakeRig, seed: int, handling: str
) -> None:
    await lived(make_rig, seed=seed, handling=handling)


@pytest.mark.parametrize("handling", ["Wait", "Drain"])
@pytest.mark.parametrize("seed", range(12, 20))
async def test_nothing_is_disrupted_that_nobody_approved(make_rig: MakeRig, seed: int, handling: str) -> None:
    await lived(make_rig, seed=seed, handling=handling, gated=True)


@pytest.mark.long
@pytest.mark.parametrize("handling", ["Wait", "Drain", "Ignore"])
@pytest.mark.parametrize("gated", [False, True], ids=["free", "gated"])
@pytest.mark.parametrize("lag", [0.0, 20.0])
@pytest.mark.parametrize("seed", range(100, 200))
async def test_many_lives_together_end_what_was_asked(
    make_rig: MakeRig, seed: int, lag: float, gated: bool, handling: str
) -> None:
    await lived(make_rig, seed=seed, handling=handling, gated=gated, list_lag=lag, describe_lag=lag)


@pytest.mark.long
@pytest.mark.parametrize("handling", ["Wait", "Drain", "Ignore"])
@pytest.mark.parametrize("gated", [False, True], ids=["free", "gated"])
@pytest.mark.parametrize("answer", [one for one in other_answers() if one != NO_NODES], ids=named)
async def test_lives_together_end_the_same_under_every_answer(
    make_rig: MakeRig, answer: dict[str, Any], gated: bool, handling: str
) -> None:
    await lived(make_rig, seed=7, handling=handling, gated=gated, **answer)


async def lived(make_rig: MakeRig, *, seed: int, handling: str, gated: bool = False, **answer: Any) -> None:
    lags = any("lag" in name and value for name, value in answer.items())
    together = Together(make_rig(nodes=NODES, **answer), handling=handling, seed=seed, lags=lags, gated=gated)
    await together.run()
    await together.settle()
