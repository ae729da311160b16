"""The real NodeOperationController and the real boto3 between the simulator and a Kubernetes made of dicts.

As in the rig of clusters time stands still unless the rig moves it. `restart` is a new process: memory is gone, and
what the API server, AWS and the Nodes hold is not.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from tests.unit.controllers.rig import RESTING, UNLIMITED, FakeObjects, Recorder, SimulatorTime, pause

from hyperpod_operator.api.kinds import NODE_OPERATION
from hyperpod_operator.api.metrics.node_operations import DRAIN_TIMEOUTS, OPERATED_SECONDS
from hyperpod_operator.api.names import TAG_EKS_CLUSTER, TAG_OWNER, TAG_OWNER_UID
from hyperpod_operator.aws.cloud import AwsCloud, CloudSettings
from hyperpod_operator.controllers.nodeoperation.controller import NodeOperationController, OperationSettings
from hyperpod_operator.controllers.nodeoperation.ports import OperationPorts
from hyperpod_operator.controllers.volume.attached_claims import claims_by_instance
from hyperpod_operator.core.drain.marks import HeldBy, Lifecycle, Marks, Owner, hold, release
from hyperpod_operator.core.drain.pod import Pod
from hyperpod_operator.core.drain.ports import Answer, Evicted, PodsRead
from hyperpod_operator.core.drain.rules import DrainRules
from hyperpod_operator.core.health.node import Node, Taint, identity, kept
from hyperpod_operator.core.moments import stamp
from hyperpod_operator.core.nodeoperation.timings import OperationTimings
from hyperpod_operator.core.outcome import Failed, Outcome
from hyperpod_operator.core.ports import Key, StoredObject
from hyperpod_testbed.simulator import Simulator, instances
from hyperpod_testbed.simulator.calls import Call
from hyperpod_testbed.simulator.node_objects import NodeView
from hyperpod_testbed.simulator.node_views import NodeViews
from hyperpod_testbed.simulator.operations import OPERATIONS

KEY = Key("team", "operation")
CLUSTER_KEY = Key("team", "research")
EKS = "arn:aws:eks:us-west-2:111122223333:cluster/ml"
ROLE = "arn:aws:iam::111122223333:role/hyperpod-execution"
EVICTED = datetime(2026, 11, 28, 12, tzinfo=UTC)
"""When the grace period of an evicted pod ends."""
METHODS = {
    "Reboot": "reboot_nodes",
    "Replace": "replace_nodes",
    "Delete": "delete_nodes",
    "Move": "move_nodes",
    "HealthCheck": "check_nodes",
}
"""The call of `aws` by which each operation asks."""
NODE_CALLS = frozenset(
    {
        "BatchRebootClusterNodes",
        "BatchReplaceClusterNodes",
        "BatchDeleteClusterNodes",
        "MoveClusterNodes",
        "StartClusterHealthCheck",
    }
)


class OperationObjects(FakeObjects):
    """The API server's part, with deletion."""

    async def delete(self, stored: StoredObject) -> None:  # type: ignore[override]  # the port's; a person's is `remove`
        self.writes.append("delete")
        super().delete(stored.key)
        if not self._bodies[stored.key]["metadata"].get("finalizers"):
            del self._bodies[stored.key]

    def remove(self, key: Key) -> None:
        """A person deletes the object."""
        super().delete(key)


class FakeNodes:
    """The Nodes of the simulator's instances, in step at once, with the taint and annotation that marks put on them."""

    def __init__(self, simulator: Simulator, time: SimulatorTime) -> None:
        self._views, self._time = NodeViews(simulator.core), time
        self.taints: dict[str, tuple[Taint, ...]] = {}
        self.annotations: dict[str, dict[str, str]] = {}
        self.labels: dict[str, dict[str, str]] = {}
        self.unknown: set[str] = set()
        """Nodes whose kubelet does not respond."""
        self.absent: set[str] = set()
        """Nodes whose instances run and that are not in Kubernetes."""
        self.unlabelled: set[str] = set()
        """Nodes that have lost the label by which they are watched."""
        self.synced = True

    @property
    def now(self) -> datetime:
        return self._time.now()

    def get(self, name: str) -> Node | None:
        return None if name in self.unlabelled else self.stored(name)

    async def read(self, name: str) -> Node | None:
        """Implements `core.nodeoperation.ports.StoredNodes`."""
        return self.stored(name)

    def stored(self, name: str) -> Node | None:
        """The Node as the API server has it."""
        view = self._views.now().get(name)
        return None if view is None or name in self.absent else self._node(name, view)

    def of_cluster(self, cluster_id: str) -> tuple[Node, ...]:
        return tuple(node for node in self.all() if node.cluster_id == cluster_id)

    def all(self) -> tuple[Node, ...]:
        return tuple(node for name in self._views.now() if (node := self.get(name)) is not None)

    def every_label(self, name: str) -> dict[str, str]:
        return {**self._views.now()[name].labels, **self.labels.get(name, {})}

    def _node(self, name: str, view: NodeView) -> Node | None:
        parts = identity(name=name, provider_id=view.provider_id)
        if parts is None:
            return None
        labels = {**view.labels, **self.labels.get(name, {})}
        return Node(
            name=name,
            uid=name,
            resource_version="1",
            cluster_id=parts[0],
            instance_id=parts[1],
            created_at=self._time.now(),
            labels={key: value for key, value in labels.items() if kept(key)},
            annotations=self.annotations.get(name, {}),
            taints=self.taints.get(name, ()),
            ready=None if name in self.unknown else view.ready,
            boot_id=view.boot_id,
        )


class FakeSelected:
    """Implements `core.nodeoperation.ports.SelectedNodes`: by all labels, also those that are not held."""

    def __init__(self, nodes: FakeNodes) -> None:
        self._nodes = nodes

    async def selected(self, *, selector: Mapping[str, str]) -> frozenset[str]:
        wanted = selector.items()
        return frozenset(
            node.name for node in self._nodes.all() if wanted <= self._nodes.every_label(node.name).items()
        )


class FakeMarks:
    """Implements `core.drain.ports.NodeMarks` with the operator's own functions."""

    def __init__(self, nodes: FakeNodes) -> None:
        self._nodes = nodes
        self.conditions: dict[str, frozenset[Lifecycle]] = {}
        self.writes = 0

    async def mark(self, *, node: str, marks: Marks) -> HeldBy | None:
        found = self._nodes.stored(node)
        if found is None:
            return None
        change = hold(found, marks.owner, now=self._nodes.now, detach=marks.detach)
        if isinstance(change, HeldBy):
            return change
        self._write(node, change.taints, change.annotations)
        if self.conditions.get(node, frozenset()) != marks.conditions:
            self.conditions[node] = marks.conditions
            self.writes += 1
        return None

    async def unmark(self, *, node: str, owner: Owner) -> None:
        found = self._nodes.stored(node)
        if found is None:
            self.conditions.pop(node, None)
            self._nodes.taints.pop(node, None)
            self._nodes.annotations.pop(node, None)
            return
        change = release(found, owner)
        if change:
            self._write(node, change.taints, change.annotations)
            self.conditions.pop(node, None)

    def _write(self, node: str, taints: tuple[Taint, ...] | None, annotations: Mapping[str, str | None]) -> None:
        if taints is None and not annotations:
            return
        self.writes += 1
        if taints is not None:
            self._nodes.taints[node] = taints
        kept_ones = {**self._nodes.annotations.get(node, {}), **annotations}
        self._nodes.annotations[node] = {key: value for key, value in kept_ones.items() if value is not None}

    @property
    def marked(self) -> set[str]:
        """Nodes on which something of an operation is."""
        tainted = {name for name, taints in self._nodes.taints.items() if taints}
        return tainted | {name for name, found in self._nodes.annotations.items() if found} | set(self.conditions)


@dataclass
class FakePods:
    """Implements PodReader and Evictor: an evicted pod is gone at once, unless its eviction is refused."""

    pods: dict[str, Pod] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    """Why a pod may not go, by its name."""
    finalizers: set[str] = field(default_factory=set)
    """Pods with a finalizer: they stay after their eviction, and are being deleted."""
    evicted: list[str] = field(default_factory=list)
    needed: dict[str, frozenset[str]] = field(default_factory=dict)
    problem: str = ""

    def add(self, name: str, node: str, **fields: Any) -> None:
        self.pods[name] = Pod(namespace="ml", name=name, uid=f"uid-{name}", node=node, **fields)

    async def read(
        self,
        *,
        owner: Owner,
        nodes: frozenset[str],
        on_change: Callable[[], None],
        rules: DrainRules | None = None,
    ) -> PodsRead:
        self.needed[str(owner)] = nodes
        if self.problem:
            return PodsRead(problem=self.problem)
        return PodsRead(pods=tuple(pod for pod in self.pods.values() if pod.node in nodes))

    async def fresh(self, *, nodes: frozenset[str]) -> PodsRead:
        return PodsRead(pods=tuple(pod for pod in self.pods.values() if pod.node in nodes))

    def release(self, *, owner: Owner) -> None:
        self.needed.pop(str(owner), None)

    async def evict(self, gang: Sequence[Pod]) -> tuple[Evicted, ...]:
        if why := next((self.refused[pod.name] for pod in gang if pod.name in self.refused), ""):
            return tuple(Evicted(pod=pod, answer=Answer.BUDGET, message=why) for pod in gang)
        for pod in gang:
            self.evicted.append(pod.name)
            if pod.name in self.finalizers:
                self.pods[pod.name] = replace(pod, deleting_since=EVICTED)
            else:
                self.pods.pop(pod.name, None)
        return tuple(Evicted(pod=pod, answer=Answer.ACCEPTED) for pod in gang)


class OperationRecorder(Recorder):
    """Events and metrics of operations."""

    def __init__(self) -> None:
        super().__init__()
        self.about: list[tuple[str, str]] = []
        """Kind of the object and reason of each Event."""

    def publish(self, *, about: StoredObject, event: Any) -> None:
        super().publish(about=about, event=event)
        self.about.append((str(about.body.get("kind", "")), str(event.reason)))

    @property
    def phases(self) -> list[tuple[str, ...]]:
        """Operation and phase of each that a node left."""
        return [labels for one, _, labels in self.observed if one is OPERATED_SECONDS]

    @property
    def timeouts(self) -> int:
        return len(self.labels_of(DRAIN_TIMEOUTS))


def group(name: str, count: int, **members: Any) -> dict[str, Any]:
    return {
        "InstanceGroupName": name,
        "InstanceType": "ml.g5.8xlarge",
        "InstanceCount": count,
        "LifeCycleConfig": {"SourceS3Uri": "s3://sagemaker-scripts", "OnCreate": "on_create.sh"},
        "ExecutionRole": ROLE,
        **members,
    }


class OperationRig:
    """One cluster that its HyperPodCluster owns, and operations on its nodes. `restricted`: its groups are."""

    def __init__(self, simulator: Simulator, *, nodes: int = 3, restricted: bool = False) -> None:
        self.simulator = simulator
        self.restricted = restricted
        self.clock = SimulatorTime(simulator)
        self.operations, self.clusters = OperationObjects(), FakeObjects()
        self.nodes = FakeNodes(simulator, self.clock)
        self.marks, self.pods = FakeMarks(self.nodes), FakePods()
        self.recorder = OperationRecorder()
        self.claims: dict[str, tuple[str, ...]] = {}
        self.claims_of: FakeObjects | None = None
        """The EBSVolumeClaims themselves, instead of what `claims` says of them."""
        settings = CloudSettings(region="us-west-2", reads=UNLIMITED, writes=UNLIMITED, threads=4, read_timeout=5)
        self.cloud = AwsCloud(settings=settings, on_call=lambda **_: None)
        self.timings = OperationTimings(poll=100.0, drain=25.0)  # fewer looks: they are not what is tried here
        self.arn = self.add_cluster(CLUSTER_KEY, nodes=nodes)
        self._failures: dict[Key, int] = {}
        self.restart()

    def add_cluster(self, key: Key, *, nodes: int, eks: str = EKS) -> str:
        """A HyperPodCluster and its cluster in AWS, with the groups gpu and spare."""
        groups = [group("gpu", nodes), group("spare", 0)]
        spec = {
            "orchestrator": {"eks": {"clusterArn": eks}},
            "vpcConfig": {"securityGroupIds": ["sg-0a0a0a0a"], "subnets": ["subnet-0a0a0a0a"]},
            "nodeProvisioningMode": "Continuous",
            "instanceGroups": [
                {
                    "instanceGroupName": one["InstanceGroupName"],
                    "instanceType": one["InstanceType"],
                    "instanceCount": one["InstanceCount"],
                    "executionRole": ROLE,
                    "lifeCycleConfig": {"sourceS3Uri": "s3://sagemaker-scripts", "onCreate": "on_create.sh"},
                }
                for one in groups
            ],
        }
        request = {
            "Orchestrator": {"Eks": {"ClusterArn": eks}},
            "NodeProvisioningMode": "Continuous",
            "InstanceGroups": groups,
        }
        if self.restricted:
            spec["restrictedInstanceGroups"] = spec.pop("instanceGroups")
            request |= {"InstanceGroups": [], "RestrictedInstanceGroups": groups}
            for one in (*spec["restrictedInstanceGroups"], *groups):  # type: ignore[misc]
                for absent in ("lifeCycleConfig", "LifeCycleConfig"):
                    one.pop(absent, None)
            for one in groups:
                one["EnvironmentConfig"] = {}
        self.clusters.apply(key, spec)
        uid = self.clusters._bodies[key]["metadata"]["uid"]
        tags = {TAG_OWNER_UID: uid, TAG_OWNER: str(key), TAG_EKS_CLUSTER: eks}
        return str(self.simulator.world.create_foreign_cluster(key.name, tags=tags, request=request))

    def restart(self) -> None:
        """A new process."""
        ports = OperationPorts(
            operations=self.operations,
            clusters=self.clusters,
            cloud=self.cloud,
            nodes=self.nodes,
            stored_nodes=self.nodes,
            labels=FakeSelected(self.nodes),
            pods=self.pods,
            evictor=self.pods,
            marks=self.marks,
            events=self.recorder,
            metrics=self.recorder,
            clock=self.clock,
            claims=self._claims,
            audit=self.recorder,
        )
        self.controller = NodeOperationController(ports=ports, settings=OperationSettings(timings=self.timings))
        self._failures.clear()

    async def _claims(self, arn: str) -> Mapping[str, tuple[str, ...]]:
        if self.claims_of is not None:
            return await claims_by_instance(self.claims_of, cluster_arn=arn)
        return dict(self.claims)

    @property
    def ids(self) -> list[str]:
        """Instances in the group gpu, the oldest first."""
        found = self.simulator.settings.dump()["us-west-2"][CLUSTER_KEY.name]["Nodes"]
        return [node["InstanceId"] for node in found if node["InstanceGroupName"] == "gpu" and node.get("InstanceId")]

    def apply(self, operation: str, ids: Sequence[str] | None = None, *, key: Key = KEY, **members: Any) -> None:
        """Create an operation on these instances, or with a `nodes` of its own."""
        blocks: dict[str, Any] = {}
        if operation == "HealthCheck":
            blocks["healthCheck"] = {"deepHealthChecks": ["InstanceStress"]}
        if operation == "Move":
            blocks["move"] = {"instanceGroupName": "spare"}
        if ids is not None:
            blocks["nodes"] = {"instanceIds": list(ids)}
        self.operations.apply(key, {"clusterRef": {"name": "research"}, "operation": operation, **blocks, **members})

    def edit(self, key: Key = KEY, **members: Any) -> None:
        self.operations.apply(key, {**self.operations._bodies[key]["spec"], **members})

    async def once(self, key: Key = KEY) -> Outcome:
        """One pass; no time passes."""
        outcome = await self.controller.reconcile(key, self._failures.get(key, 0))
        self._failures[key] = self._failures.get(key, 0) + 1 if isinstance(outcome, Failed) else 0
        return outcome

    async def step(self, key: Key = KEY) -> Outcome:
        """One pass, then the pause that it asked for."""
        outcome = await self.once(key)
        self.simulator.clock.advance(pause(outcome))
        return outcome

    async def rest(self, key: Key = KEY, *, passes: int = 1500) -> Outcome:
        """Passes until the operation is over, or gone."""
        for _ in range(passes):
            outcome = await self.once(key)
            if isinstance(outcome, RESTING):
                return outcome
            self.simulator.clock.advance(pause(outcome))
        raise AssertionError(f"no rest in {passes} passes; status is {self.status_of(key)}")

    async def until(self, done: Callable[[], bool], key: Key = KEY, *, passes: int = 300) -> None:
        for _ in range(passes):
            await self.step(key)
            if done():
                return
        raise AssertionError(f"not in {passes} passes; status is {self.status_of(key)}")

    async def until_state(self, state: str, key: Key = KEY) -> None:
        await self.until(lambda: state in self.states(key), key)

    def status_of(self, key: Key = KEY) -> dict[str, Any]:
        return self.operations.status(key) if self.operations.exists(key) else {}

    def entries(self, key: Key = KEY) -> list[dict[str, Any]]:
        return list(self.status_of(key).get("nodes", []))

    def states(self, key: Key = KEY) -> list[str]:
        return [str(entry["state"]) for entry in self.entries(key)]

    def condition(self, kind: str, key: Key = KEY) -> dict[str, Any]:
        return next((item for item in self.status_of(key).get("conditions", []) if item["type"] == kind), {})

    def calls(self, operation: str | None = None) -> list[Call]:
        """Calls about nodes."""
        return [call for call in self.simulator.log.calls(operation) if call.operation in NODE_CALLS]

    def named(self) -> list[list[str]]:
        """The instances that each call named."""
        return [list(call.parameters.get("NodeIds", [])) for call in self.calls()]

    def cloud_call(self, operation: str, ids: Sequence[str]) -> None:
        """Another client asks AWS about nodes."""
        with self.simulator.core.change() as sim:
            region = sim.account.region("us-west-2")
            OPERATIONS[operation].answer(sim, region, {"ClusterName": self.arn, "NodeIds": list(ids)})

    def block(self, *, seconds: float) -> None:
        """The group spare is below its MinInstanceCount for so long: AWS refuses Batch calls on the cluster."""
        with self.simulator.core.change() as sim:
            (cluster,) = sim.account.clusters()
            spare = cluster.groups["spare"]
            spare.spec["MinInstanceCount"], spare.status = 1, "Updating"

            def end() -> None:
                spare.spec["MinInstanceCount"], spare.status = 0, "InService"

            sim.timeline.after(seconds, end)

    def replaced_by_hyperpod(self, instance: str) -> None:
        """HyperPod's own recovery replaces the instance, whatever it is doing."""
        with self.simulator.core.change() as sim:
            (cluster,) = sim.account.clusters()
            instances.replace(sim, cluster, cluster.by_id[instance])

    def stamp_of(self, moment: float) -> str:
        return stamp(datetime.fromtimestamp(moment, UTC))

    def name(self, instance: str) -> str:
        return f"hyperpod-{instance}"

    @property
    def held(self) -> bool:
        body = self.operations._bodies.get(KEY)
        return body is not None and NODE_OPERATION.finalizer in body["metadata"].get("finalizers", [])

    def with_timings(self, **changes: float) -> None:
        self.timings = replace(self.timings, **changes)
        self.restart()
