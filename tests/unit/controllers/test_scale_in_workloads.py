"""A scale-in, the removal of a group and a deletion wait for the pods on their nodes, and end the right ones."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_cluster_nodes import HeldNodes
from tests.unit.core.builders import group_spec, spec
from tests.unit.core.health import HEALTH, node

from hyperpod_operator.api.names import (
    ABANDON,
    APPROVE_PLAN,
    COMPUTE_TYPE,
    DELETE_NODE,
    DRAINING,
    INSTANCE_GROUP_NAME,
    TAG_OWNER,
    TAG_OWNER_UID,
)
from hyperpod_operator.controllers.cluster.controller import ClusterController, ClusterSettings
from hyperpod_operator.controllers.cluster.evacuation import DrainPorts
from hyperpod_operator.controllers.cluster.observer import Ports
from hyperpod_operator.core.drain.marks import HeldBy, Marks, Owner, detaches, hold, release
from hyperpod_operator.core.drain.pod import Pod
from hyperpod_operator.core.drain.ports import Answer, Evicted, PodsRead
from hyperpod_operator.core.drain.rules import DrainRules
from hyperpod_operator.core.health.change import NodeChange
from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.ports import KubernetesError, StaleObject
from hyperpod_testbed.simulator import Fault


class Kubernetes:
    """Nodes with their marks, pods, and evictions that a budget may refuse."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.nodes = HeldNodes()
        self.pods: list[Pod] = []
        self.appears_late: list[Pod] = []
        """Pods that only a fresh look shows."""
        self.problem = PodsRead()
        self.budget = ""
        self.refused: set[str] = set()
        """Pods that a budget of their own refuses."""
        self.needed: dict[str, frozenset[str]] = {}
        self.evicted: list[list[str]] = []
        self.volumes: dict[str, list[str]] = {}
        """Claims with a volume on an instance, by its id."""
        self.claims_problem: KubernetesError | None = None
        self.unwritable: dict[str, Exception] = {}
        """How the API server answers to writes to these Nodes."""
        self.writes = 0
        self.lists: list[frozenset[str]] = []
        """Nodes of each full list of pods."""
        self.start()

    def start(self) -> None:
        """A new process: only what Kubernetes and AWS hold is left."""
        ports = DrainPorts(
            pods=self,
            evictor=self,
            marks=self,
            enqueue=lambda _: None,
            audit=self.rig.recorder,
            claims=self.claims_on,
        )
        self.rig.controller = ClusterController(
            ports=Ports(
                objects=self.rig.objects,
                cloud=self.rig.cloud,
                events=self.rig.recorder,
                metrics=self.rig.recorder,
                clock=self.rig.clock,
                audit=self.rig.recorder,
                nodes=self.nodes,
                drain=ports,
                attached_claims=self.attached_claims,
            ),
            settings=ClusterSettings(timings=self.rig.timings),
        )

    async def claims_on(self, arn: str) -> dict[str, tuple[str, ...]]:
        if self.claims_problem is not None:
            raise self.claims_problem
        return {instance: tuple(names) for instance, names in self.volumes.items() if names}

    async def attached_claims(self, arn: str) -> tuple[str, ...]:
        return tuple(name for names in self.volumes.values() for name in names)

    @property
    def asked(self) -> set[str]:
        """Instances whose Node asks claims to detach."""
        return {one.instance_id for one in self.nodes.held if detaches(one)}

    async def read(
        self,
        *,
        owner: Owner,
        nodes: frozenset[str],
        on_change: Callable[[], None],
        rules: DrainRules | None = None,
    ) -> PodsRead:
        self.needed[str(owner)] = nodes
        return self.problem if self.problem.problem else self._bound(nodes, self.pods)

    async def fresh(self, *, nodes: frozenset[str]) -> PodsRead:
        self.lists.append(nodes)
        return self._bound(nodes, [*self.pods, *self.appears_late])

    def _bound(self, nodes: Iterable[str], pods: Iterable[Pod]) -> PodsRead:
        return PodsRead(pods=tuple(pod for pod in pods if pod.node in set(nodes)))

    def release(self, *, owner: Owner) -> None:
        self.needed.pop(str(owner), None)

    async def evict(self, gang: Sequence[Pod]) -> tuple[Evicted, ...]:
        self.evicted.append([pod.name for pod in gang])
        if self.budget or any(pod.name in self.refused for pod in gang):
            return tuple(Evicted(pod=pod, answer=Answer.BUDGET, message=self.budget) for pod in gang)
        self.pods = [pod for pod in self.pods if pod not in gang]
        return tuple(Evicted(pod=pod, answer=Answer.ACCEPTED) for pod in gang)

    async def mark(self, *, node: str, marks: Marks) -> HeldBy | None:
        self._refuse(node)
        found = self.nodes.get(node)
        change = hold(found, marks.owner, now=self.rig.clock.now(), detach=marks.detach) if found else NodeChange()
        if isinstance(change, HeldBy):
            return change
        self._apply(node, change)
        return None

    async def unmark(self, *, node: str, owner: Owner) -> None:
        self._refuse(node)
        found = self.nodes.get(node)
        if found is not None:
            self._apply(node, release(found, owner))

    def _refuse(self, node: str) -> None:
        self.writes += 1
        if (error := self.unwritable.get(node)) is not None:
            raise error

    def _apply(self, name: str, change: NodeChange) -> None:
        def changed(one: Node) -> Node:
            annotations = {**one.annotations, **change.annotations}
            return replace(
                one,
                taints=one.taints if change.taints is None else change.taints,
                annotations={key: value for key, value in annotations.items() if value is not None},
            )

        self.nodes.held = [changed(one) if one.name == name else one for one in self.nodes.held]

    def join(self, group: str = "gpu") -> list[str]:
        """The Nodes of all instances that run in the group; their instances."""
        arn = str(self.rig.status["clusterArn"])
        name = arn.rpartition("/")[2]
        found = [one for one in self.instances(group) if self.nodes.get(f"hyperpod-{one}") is None]
        for instance in found:
            labels = {HEALTH: "Schedulable", INSTANCE_GROUP_NAME: group}
            made = node(instance_id=instance, cluster_id=name, labels=labels, created_at=self.rig.clock.now())
            self.nodes.held.append(replace(made, ready=True))
        return found

    def instances(self, group: str = "gpu") -> list[str]:
        with self.rig.simulator.core.present() as sim:
            (cluster,) = sim.account.clusters()
            return sorted(one.instance_id for one in cluster.staying(group))

    def run(self, name: str, instance: str, **members: Any) -> None:
        self.pods.append(Pod(namespace="team-a", name=name, uid=name, node=f"hyperpod-{instance}", **members))

    def annotate(self, instance: str, **annotations: str) -> None:
        self._apply(f"hyperpod-{instance}", NodeChange(annotations=annotations))

    @property
    def held(self) -> list[str]:
        return sorted(one.instance_id for one in self.nodes.held if DRAINING in one.annotations)

    def deleted(self) -> list[str]:
        return [name for call in self.rig.calls("BatchDeleteClusterNodes") for name in call.parameters["NodeIds"]]


def gpu(count: int, **disruption: Any) -> dict[str, Any]:
    management = {"management": {"disruption": disruption}} if disruption else {}
    return spec(instanceGroups=[group_spec(count=count)], nodeProvisioningMode="Continuous", **management)


async def held_by_jobs(kube: Kubernetes) -> None:
    """A scale-in to 3 that holds nodes and waits, for each node runs a job."""
    for instance in kube.instances():
        kube.run(f"job-{instance}", instance)
    kube.rig.apply(gpu(3))
    await kube.rig.until("WaitingForWorkloads")
    await kube.rig.step()
    assert kube.held


@pytest.fixture
async def kube(rig: Rig) -> Kubernetes:
    """Four nodes that joined."""
    made = Kubernetes(rig)
    rig.apply(gpu(4))
    await rig.rest()
    made.join()
    await rig.rest()
    return made


async def test_the_idle_node_ends_and_the_busy_ones_stay(kube: Kubernetes) -> None:
    idle, *busy = kube.instances()
    for number, instance in enumerate(busy):
        kube.run(f"job-{number}", instance)
    kube.rig.apply(gpu(3))
    await kube.rig.rest()
    assert kube.deleted() == [idle]
    assert kube.instances() == busy


async def test_a_scale_in_waits_for_a_running_job_and_says_so(kube: Kubernetes) -> None:
    for instance in kube.instances():
        kube.run(f"job-{instance}", instance)
    kube.rig.apply(gpu(3))
    await kube.rig.until("WaitingForWorkloads")
    for _ in range(10):
        await kube.rig.step()
    (chosen,) = kube.held
    message = kube.rig.condition("Ready")["message"]
    assert f"team-a/job-{chosen}" in message
    assert "since" in message
    assert kube.rig.condition("SpecSynced")["status"] == "False"
    assert kube.deleted() == []
    kube.pods = [pod for pod in kube.pods if pod.name != f"job-{chosen}"]
    await kube.rig.rest()
    assert kube.deleted() == [chosen]


async def test_no_pod_is_bound_to_a_node_after_it_was_found_idle(kube: Kubernetes) -> None:
    """A pod that the watch has not shown yet keeps its node."""
    for instance in kube.instances():
        kube.appears_late.append(
            Pod(namespace="team-a", name=f"late-{instance}", uid=f"late-{instance}", node=f"hyperpod-{instance}")
        )
    kube.rig.apply(gpu(3))
    for _ in range(10):
        await kube.rig.step()
    assert kube.deleted() == []
    kube.appears_late.clear()
    await kube.rig.rest()
    assert len(kube.deleted()) == 1


@pytest.mark.parametrize("position", range(4))
async def test_a_node_that_is_not_seen_is_not_idle_for_that(kube: Kubernetes, position: int) -> None:
    """One that lost HyperPod's label runs its pods all the same."""
    busy = kube.instances()
    unseen, idle = busy.pop(position), busy.pop()
    for instance in (unseen, *busy):
        kube.run(f"job-{instance}", instance)
    kube.nodes.held = [one for one in kube.nodes.held if one.instance_id != unseen]
    kube.rig.apply(gpu(3))
    await kube.rig.rest()
    assert kube.deleted() == [idle]


@pytest.mark.parametrize("handling", ["Wait", "Drain"])
async def test_a_deletion_waits_for_the_pods_of_a_node_that_is_not_seen(kube: Kubernetes, handling: str) -> None:
    unseen = kube.instances()[0]
    kube.rig.apply(gpu(4, runningWorkloads=handling))
    await kube.rig.rest()
    kube.run("job", unseen)
    kube.nodes.held = [one for one in kube.nodes.held if one.instance_id != unseen]
    kube.rig.objects.delete(KEY)
    for _ in range(20):
        await kube.rig.step()
    assert kube.rig.calls("DeleteCluster") == []
    assert f"{COMPUTE_TYPE}=hyperpod" in kube.rig.condition("Ready")["message"]
    kube.pods.clear()
    await kube.rig.rest()
    assert len(kube.rig.calls("DeleteCluster")) == 1


async def test_a_count_between_waits_for_pods_as_long_as_they_run(kube: Kubernetes) -> None:
    """Two nodes joined the group by name; an edit that keeps one of them ends the other, in however many passes."""
    spare = group_spec("spare", 2)
    kube.rig.apply(spec(instanceGroups=[group_spec(count=4), spare], nodeProvisioningMode="Continuous"))
    await kube.rig.rest()
    kube.rig.simulator.world.move_out_of_band("research", "spare", "gpu", 2)
    await kube.rig.idle(3600)
    assert kube.rig.condition("SpecSynced")["reason"] == "CountOffset"
    kube.join()
    for instance in kube.instances():
        kube.run(f"job-{instance}", instance)
    spare = group_spec("spare", 0)
    kube.rig.apply(spec(instanceGroups=[group_spec(count=5), spare], nodeProvisioningMode="Continuous"))
    await kube.rig.until("WaitingForWorkloads")
    await kube.rig.idle(1200)
    assert kube.rig.condition("Ready")["reason"] == "WaitingForWorkloads"
    (held,) = kube.held
    kube.pods = [pod for pod in kube.pods if pod.name != f"job-{held}"]
    await kube.rig.rest()
    assert kube.deleted() == [held]
    assert len(kube.instances()) == 5


async def test_raising_the_count_again_cancels_it(kube: Kubernetes) -> None:
    await held_by_jobs(kube)
    kube.rig.apply(gpu(4))
    await kube.rig.rest()
    assert kube.held == []
    assert kube.needed == {}
    assert len(kube.instances()) == 4
    assert kube.deleted() == []


async def test_a_marked_node_goes_first(kube: Kubernetes) -> None:
    marked = kube.instances()[2]
    kube.annotate(marked, **{DELETE_NODE: "true"})
    kube.rig.apply(gpu(3))
    await kube.rig.rest()
    assert kube.deleted() == [marked]


async def test_an_unhealthy_node_goes_before_an_idle_one(kube: Kubernetes) -> None:
    sick = kube.instances()[1]
    kube.nodes.held = [
        replace(one, labels={**one.labels, HEALTH: "UnschedulablePendingReplacement"})
        if one.instance_id == sick
        else one
        for one in kube.nodes.held
    ]
    kube.rig.apply(gpu(3))
    await kube.rig.rest()
    assert kube.deleted() == [sick]


async def test_a_node_that_another_object_drains_is_not_chosen(kube: Kubernetes) -> None:
    first = kube.instances()[0]
    other = Owner(kind="HyperPodNodeOperation", namespace="team", name="x", uid="other")
    for instance in kube.instances()[:3]:
        await kube.mark(node=f"hyperpod-{instance}", marks=Marks(owner=other))
    kube.rig.apply(gpu(3))
    await kube.rig.rest()
    assert kube.deleted() == [kube.instances()[-1]] or first not in kube.deleted()
    assert len(kube.held) == 3 + len([one for one in kube.held if one in kube.deleted()])


async def test_drain_evicts_and_passes_on_what_a_budget_says(kube: Kubernetes) -> None:
    for instance in kube.instances():
        kube.run(f"job-{instance}", instance)
    kube.budget = "The disruption budget train needs 4 healthy pods and has 4 currently"
    kube.rig.apply(gpu(3, runningWorkloads="Drain"))
    await kube.rig.until("EvictionBlocked")
    for _ in range(3):
        await kube.rig.step()
    assert kube.budget in kube.rig.condition("Ready")["message"]
    assert kube.rig.status["actor"] == "You"
    assert kube.deleted() == []
    kube.budget = ""
    await kube.rig.rest()
    (gone,) = kube.deleted()
    assert kube.evicted[-1] == [f"job-{gone}"]
    assert len(kube.pods) == 3


async def test_a_drain_that_takes_too_long_evicts_no_more_and_ends_nothing(kube: Kubernetes) -> None:
    for instance in kube.instances():
        kube.run(f"job-{instance}", instance)
    kube.budget = "no"
    kube.rig.apply(gpu(3, runningWorkloads="Drain", drainTimeoutSeconds=60))
    await kube.rig.until("DrainTimedOut")
    tries = len(kube.evicted)
    await kube.rig.step()
    assert len(kube.evicted) == tries
    assert kube.deleted() == []


async def test_ignore_leaves_the_choice_to_aws_at_once(kube: Kubernetes) -> None:
    for instance in kube.instances():
        kube.run(f"job-{instance}", instance)
    kube.rig.apply(gpu(3, runningWorkloads="Ignore"))
    await kube.rig.rest()
    assert len(kube.instances()) == 3
    assert kube.held == []
    assert kube.deleted() == []


async def test_an_operator_that_may_not_read_pods_ends_nothing_and_says_what_to_do(kube: Kubernetes) -> None:
    kube.problem = PodsRead(problem="The operator may not read pods (HTTP 403)", denied=True)
    kube.rig.apply(gpu(3))
    await kube.rig.until("WorkloadsUnreadable")
    assert kube.rig.condition("Stalled")["status"] == "True"
    assert "drain.enabled" in kube.rig.condition("Ready")["message"]
    assert kube.held == []
    assert len(kube.instances()) == 4


PASSING = PodsRead(problem="The pods of the nodes are being listed")


@pytest.mark.parametrize("how", ["Wait", "Drain"])
async def test_no_node_is_chosen_blindly_while_pods_cannot_be_read(kube: Kubernetes, how: str) -> None:
    idle, *others = kube.instances()
    for instance in others:
        kube.run(f"job-{instance}", instance)
    kube.problem = PASSING
    kube.rig.apply(gpu(3, runningWorkloads=how))
    await kube.rig.until("WaitingForWorkloads")
    for _ in range(3):
        await kube.rig.step()
    assert kube.held == []
    kube.problem = PodsRead()
    await kube.rig.rest()
    assert kube.deleted() == [idle]
    assert kube.evicted == []


async def test_what_goes_whatever_runs_on_it_is_held_while_pods_cannot_be_read(kube: Kubernetes) -> None:
    marked = kube.instances()[1]
    kube.annotate(marked, **{DELETE_NODE: "true"})
    kube.problem = PASSING
    kube.rig.apply(gpu(2))
    await kube.rig.until("WaitingForWorkloads")
    await kube.rig.step()
    assert kube.held == [marked]


async def test_of_two_marked_nodes_none_is_guessed_while_pods_cannot_be_read(kube: Kubernetes) -> None:
    for instance in kube.instances()[:2]:
        kube.annotate(instance, **{DELETE_NODE: "true"})
    kube.problem = PASSING
    kube.rig.apply(gpu(3))
    await kube.rig.until("WaitingForWorkloads")
    await kube.rig.step()
    assert kube.held == []


async def test_what_is_held_stays_held_while_pods_cannot_be_read(kube: Kubernetes) -> None:
    for instance in kube.instances():
        kube.run(f"job-{instance}", instance)
    kube.rig.apply(gpu(2))
    await kube.rig.until("WaitingForWorkloads")
    held = kube.held
    kube.problem = PASSING
    kube.rig.apply(gpu(3))
    for _ in range(3):
        await kube.rig.step()
    assert kube.held == held
    kube.problem = PodsRead()
    for _ in range(3):
        await kube.rig.step()
    assert len(kube.held) == 1


async def test_other_changes_do_not_wait_for_a_scale_in(kube: Kubernetes) -> None:
    for instance in kube.instances():
        kube.run(f"job-{instance}", instance)
    kube.rig.apply({**gpu(3), "nodeRecovery": "None", "tags": [{"key": "team", "value": "b"}]})
    await kube.rig.until("WaitingForWorkloads")
    assert kube.rig.calls("AddTags")[-1].parameters["Tags"] == [{"Key": "team", "Value": "b"}]
    assert kube.rig.calls("UpdateCluster")[-1].parameters["NodeRecovery"] == "None"
    assert len(kube.instances()) == 4


async def test_a_removed_group_waits_until_all_of_its_nodes_are_idle(rig: Rig) -> None:
    kube = Kubernetes(rig)
    both = [group_spec(count=2), group_spec("cpu", 1, instanceType="ml.m5.4xlarge")]
    rig.apply(spec(instanceGroups=both, nodeProvisioningMode="Continuous"))
    await rig.rest()
    kube.join("cpu")
    kube.join()
    (instance,) = kube.instances("cpu")
    kube.run("job", instance)
    rig.apply(spec(instanceGroups=both[:1], nodeProvisioningMode="Continuous"))
    await rig.until("WaitingForWorkloads")
    for _ in range(5):
        await rig.step()
    assert kube.instances("cpu") == [instance]
    kube.pods.clear()
    await rig.rest()
    assert kube.instances("cpu") == []
    assert len(kube.instances()) == 2


async def test_a_deletion_waits_until_all_nodes_are_idle(kube: Kubernetes) -> None:
    kube.run("job", kube.instances()[0])
    kube.rig.objects.delete(KEY)
    await kube.rig.until("WaitingForWorkloads")
    for _ in range(5):
        await kube.rig.step()
    assert kube.rig.calls("DeleteCluster") == []
    kube.pods.clear()
    nodes = kube.held
    await kube.rig.until("Deleting")
    await kube.rig.step()
    assert kube.held == nodes, "no pod comes to a node while AWS deletes it"
    for _ in range(60):
        await kube.rig.step()
        if not kube.rig.objects.exists(KEY):
            break
    assert not kube.rig.objects.exists(KEY)
    assert kube.needed == {}


async def test_pods_are_listed_again_only_once_all_nodes_of_a_deletion_look_idle(kube: Kubernetes) -> None:
    instances = kube.instances()
    kube.run("job", instances[0])
    kube.rig.objects.delete(KEY)
    await kube.rig.until("WaitingForWorkloads")
    for _ in range(20):
        await kube.rig.step()
    assert kube.lists == []
    kube.pods.clear()
    await kube.rig.until("Deleting")
    assert kube.lists == [frozenset(f"hyperpod-{instance}" for instance in instances)]


async def test_a_deletion_waits_for_a_pod_that_only_the_last_list_shows(kube: Kubernetes) -> None:
    kube.run("late", kube.instances()[0])
    kube.appears_late, kube.pods = kube.pods, []
    kube.rig.objects.delete(KEY)
    for _ in range(20):
        await kube.rig.step()
    assert kube.rig.calls("DeleteCluster") == []
    assert "team-a/late" in kube.rig.condition("Ready")["message"]
    kube.appears_late.clear()
    await kube.rig.until("Deleting")


async def test_a_removed_group_does_not_list_pods_again_before_all_of_its_nodes_look_idle(rig: Rig) -> None:
    kube = Kubernetes(rig)
    groups = [group_spec(count=2), group_spec("cpu", count=2, instanceType="ml.m5.2xlarge")]
    rig.apply(spec(instanceGroups=groups, nodeProvisioningMode="Continuous"))
    await rig.rest()
    kube.join("gpu")
    kube.join("cpu")
    kube.run("job", kube.instances("cpu")[0])
    rig.apply(spec(instanceGroups=groups[:1], nodeProvisioningMode="Continuous"))
    await rig.until("WaitingForWorkloads")
    for _ in range(20):
        await rig.step()
    assert kube.lists == []
    kube.pods.clear()
    await rig.rest()
    assert kube.instances("cpu") == []
    assert kube.lists


async def test_a_deletion_that_keeps_the_cluster_marks_no_node(kube: Kubernetes) -> None:
    kube.run("job", kube.instances()[0])
    kube.rig.apply({**gpu(4), "management": {"deletionPolicy": "Retain"}})
    await kube.rig.rest()
    kube.rig.objects.delete(KEY)
    for _ in range(5):
        await kube.rig.step()
        if not kube.rig.objects.exists(KEY):
            break
    assert not kube.rig.objects.exists(KEY)
    assert kube.held == []


async def held_for_a_cluster_that_stays(kube: Kubernetes) -> None:
    """A scale-in waits, and then the object is deleted."""
    for instance in kube.instances():
        kube.run(f"job-{instance}", instance)
    kube.rig.apply({**gpu(3), "management": {"deletionPolicy": "Retain"}})
    await kube.rig.until("WaitingForWorkloads")
    assert len(kube.held) == 1


async def released(kube: Kubernetes) -> bool:
    for _ in range(10):
        await kube.rig.step()
        if not kube.rig.objects.exists(KEY):
            return True
    return False


async def test_a_deletion_that_keeps_the_cluster_takes_the_taint_of_a_scale_in_off(kube: Kubernetes) -> None:
    await held_for_a_cluster_that_stays(kube)
    kube.rig.objects.delete(KEY)
    assert await released(kube)
    assert kube.held == []


async def test_a_cluster_that_stays_is_not_released_before_its_nodes_are_read(kube: Kubernetes) -> None:
    await held_for_a_cluster_that_stays(kube)
    kube.nodes.synced = False
    kube.start()
    kube.rig.objects.delete(KEY)
    assert not await released(kube)
    assert kube.rig.condition("Ready")["reason"] == "NodesStillTainted"
    assert kube.rig.calls("DeleteTags") == []
    kube.nodes.synced = True
    assert await released(kube)
    assert kube.held == []


async def test_a_cluster_that_stays_is_not_released_while_a_node_changes(kube: Kubernetes) -> None:
    await held_for_a_cluster_that_stays(kube)
    (held,) = kube.held
    kube.unwritable = {f"hyperpod-{held}": StaleObject("changed")}
    kube.rig.objects.delete(KEY)
    assert not await released(kube)
    assert f"hyperpod-{held} (the Node changed meanwhile)" in kube.rig.condition("Ready")["message"]
    assert kube.rig.condition("Stalled") == {}
    kube.unwritable.clear()
    assert await released(kube)
    assert kube.held == []


async def test_a_taint_that_the_api_server_keeps_is_said_and_can_be_abandoned(kube: Kubernetes) -> None:
    await held_for_a_cluster_that_stays(kube)
    (held,) = kube.held
    kube.unwritable = {f"hyperpod-{held}": KubernetesError(status=403, message="a policy says no.")}
    kube.rig.objects.delete(KEY)
    assert not await released(kube)
    assert f"hyperpod-{held} (a policy says no)" in kube.rig.condition("Ready")["message"]
    assert kube.rig.condition("Stalled")["status"] == "True"
    given = {**gpu(3), "management": {"deletionPolicy": "Retain"}}
    kube.rig.apply(given, annotations={ABANDON: KEY.name})
    assert await released(kube)


async def test_a_cluster_that_was_handed_over_is_not_released_before_its_nodes(kube: Kubernetes) -> None:
    await held_for_a_cluster_that_stays(kube)
    kube.nodes.synced = False
    kube.rig.objects.delete(KEY)
    await kube.rig.step()
    with kube.rig.simulator.core.present() as sim:
        (cluster,) = sim.account.clusters()
        cluster.tags[TAG_OWNER_UID] = "another"
        cluster.tags[TAG_OWNER] = "another"
    assert not await released(kube)
    kube.nodes.synced = True
    assert await released(kube)
    assert kube.held == []


async def test_a_scale_in_that_waits_for_an_approval_marks_and_ends_nothing(kube: Kubernetes) -> None:
    kube.rig.apply({**gpu(3), "management": {"changePolicy": "ApproveDisruptive"}})
    await kube.rig.until("WaitingForApproval")
    await kube.rig.step()
    assert kube.held == []
    assert kube.deleted() == []


async def test_a_deletion_that_waits_for_an_approval_marks_nothing(kube: Kubernetes) -> None:
    kube.rig.apply({**gpu(4), "management": {"changePolicy": "ApproveDisruptive"}})
    await kube.rig.rest()
    kube.rig.objects.delete(KEY)
    await kube.rig.until("WaitingForApproval")
    assert kube.held == []


async def test_the_choice_survives_a_restart(kube: Kubernetes) -> None:
    for instance in kube.instances():
        kube.run(f"job-{instance}", instance)
    kube.rig.apply(gpu(3))
    await kube.rig.until("WaitingForWorkloads")
    await kube.rig.step()
    chosen = kube.held
    kube.start()
    await kube.rig.step()
    await kube.rig.step()
    assert kube.held == chosen


@pytest.mark.parametrize("kind", ["commit_then_drop", "drop", "error"])
async def test_a_lost_answer_ends_no_second_node(kube: Kubernetes, kind: Any) -> None:
    kube.rig.simulator.faults.add(Fault("BatchDeleteClusterNodes", kind, times=1))
    kube.rig.apply(gpu(3))
    await kube.rig.rest()
    assert len(set(kube.deleted())) == 1
    assert len(kube.instances()) == 3


async def test_a_count_that_does_not_fall_ends_no_second_node_and_needs_a_choice(
    make_rig: Callable[..., Rig],
) -> None:
    rig = make_rig(batch_delete_lowers_target=False)
    kube = Kubernetes(rig)
    rig.apply(gpu(4))
    await rig.rest()
    kube.join()
    rig.apply(gpu(3))
    await rig.until("CountNotLowered")
    for _ in range(5):
        await rig.step()
    assert len(set(kube.deleted())) == 1
    rig.apply(gpu(3, runningWorkloads="Ignore"))
    await rig.rest()
    assert len(kube.instances()) == 3


async def test_what_was_deleted_by_name_is_on_record(kube: Kubernetes) -> None:
    kube.rig.apply(gpu(3))
    await kube.rig.rest()
    (group,) = kube.rig.status["instanceGroups"]
    assert [one["instanceId"] for one in group["memory"]["deletedNodes"]] == kube.deleted()
    assert kube.rig.status["history"][-1]["summary"] == f"-1 node in gpu: {kube.deleted()[0]}"
    assert "countOffset" not in group["memory"]
    assert group["memory"]["appliedInstanceCount"] == 3


async def test_an_approved_scale_in_goes_on_as_its_nodes_become_idle(kube: Kubernetes) -> None:
    """One approval covers it, however many calls it takes; nothing ends before."""
    first, *busy = kube.instances()
    for instance in busy:
        kube.run(f"job-{instance}", instance)
    given = {**gpu(2), "management": {"changePolicy": "ApproveDisruptive"}}
    kube.rig.apply(given)
    await kube.rig.rest()
    assert (kube.held, kube.deleted()) == ([], [])
    digest = kube.rig.status["plan"]["digest"]
    kube.rig.apply(given, annotations={APPROVE_PLAN: digest})
    for _ in range(20):
        await kube.rig.step()
    assert kube.deleted() == [first]
    assert kube.rig.status["plan"]["digest"] == digest
    assert kube.rig.condition("PlanApproved")["status"] == "True"
    kube.start()
    (chosen,) = set(kube.held) - {first}
    kube.pods = [pod for pod in kube.pods if pod.name != f"job-{chosen}"]
    await kube.rig.rest()
    assert kube.deleted() == [first, chosen]
    assert kube.rig.status["lastApproval"]["completedAt"]
    assert len(kube.instances()) == 2


async def test_an_edit_after_a_part_of_an_approved_scale_in_needs_another_approval(kube: Kubernetes) -> None:
    first, *busy = kube.instances()
    for instance in busy:
        kube.run(f"job-{instance}", instance)
    given = {**gpu(2), "management": {"changePolicy": "ApproveDisruptive"}}
    kube.rig.apply(given)
    await kube.rig.rest()
    approval = {APPROVE_PLAN: kube.rig.status["plan"]["digest"]}
    kube.rig.apply(given, annotations=approval)
    for _ in range(20):
        await kube.rig.step()
    kube.rig.apply({**gpu(1), "management": {"changePolicy": "ApproveDisruptive"}}, annotations=approval)
    kube.pods.clear()
    await kube.rig.rest()
    assert kube.deleted() == [first]
    assert kube.rig.condition("PlanApproved")["status"] == "False"
    assert set(kube.held) <= {first}


async def test_a_waiting_plan_names_its_nodes_and_counts_their_pods(kube: Kubernetes) -> None:
    idle, *busy = kube.instances()
    for instance in busy:
        kube.run(f"job-{instance}", instance)
        kube.run(f"more-{instance}", instance)
    kube.rig.apply({**gpu(2), "management": {"changePolicy": "ApproveDisruptive"}})
    await kube.rig.rest()
    (action,) = kube.rig.status["plan"]["actions"]
    assert idle in action["nodes"]
    assert (len(action["nodes"]), action["pods"]) == (2, 2)
    assert kube.held == []


async def test_pods_that_come_and_go_change_neither_the_digest_nor_status_within_the_hour(kube: Kubernetes) -> None:
    kube.rig.apply({**gpu(2), "management": {"changePolicy": "ApproveDisruptive"}})
    await kube.rig.rest()
    before = kube.rig.status["plan"]
    kube.rig.objects.writes.clear()
    for instance in kube.instances():
        kube.run(f"job-{instance}", instance)
    await kube.rig.idle(1200)
    assert kube.rig.objects.writes == []
    await kube.rig.idle(3600)
    after = kube.rig.status["plan"]
    assert after["actions"][0]["pods"] == 2
    assert (after["digest"], after["computedAt"]) == (before["digest"], before["computedAt"])


async def test_the_plan_of_a_deletion_names_all_nodes(kube: Kubernetes) -> None:
    for instance in kube.instances():
        kube.run(f"job-{instance}", instance)
    kube.rig.apply({**gpu(4), "management": {"changePolicy": "ApproveDisruptive"}})
    await kube.rig.rest()
    kube.rig.objects.delete(KEY)
    await kube.rig.rest()
    (action,) = kube.rig.status["plan"]["actions"]
    assert (action["call"], sorted(action["nodes"]), action["pods"]) == ("DeleteCluster", kube.instances(), 4)


async def test_pods_that_cannot_be_read_are_not_counted_as_none(kube: Kubernetes, monkeypatch: Any) -> None:
    async def refused(**_: Any) -> PodsRead:
        return PodsRead(problem="no right", denied=True)

    monkeypatch.setattr(kube, "fresh", refused)
    kube.rig.apply({**gpu(2), "management": {"changePolicy": "ApproveDisruptive"}})
    await kube.rig.rest()
    assert "pods" not in kube.rig.status["plan"]["actions"][0]


async def started(rig: Rig, given: dict[str, Any]) -> Kubernetes:
    """The nodes of the group gpu of this spec have joined."""
    made = Kubernetes(rig)
    rig.apply(given)
    await rig.rest()
    made.join()
    await rig.rest()
    return made


async def test_gangs_that_are_refused_in_every_pass_do_not_keep_others_from_being_evicted(rig: Rig) -> None:
    kube = await started(rig, gpu(26))
    instances = kube.instances()
    for index, instance in enumerate(instances):
        kube.run(f"job-{index:02}", instance)
    kube.refused = {f"job-{index:02}" for index in range(20)}
    rig.apply(gpu(0, runningWorkloads="Drain"))
    for _ in range(60):
        await rig.step()
    assert sorted(kube.deleted()) == instances[20:]


@pytest.mark.parametrize("error", [StaleObject("changed"), KubernetesError(status=403, message="a policy says no.")])
async def test_a_node_that_cannot_be_marked_keeps_no_other_from_ending(kube: Kubernetes, error: Exception) -> None:
    first, *_ = chosen = kube.instances()[:2]
    for instance in chosen:
        kube.annotate(instance, **{DELETE_NODE: "true"})
    for instance in kube.instances():
        kube.run(f"job-{instance}", instance)
    kube.unwritable = {f"hyperpod-{first}": error}
    kube.rig.apply(gpu(2))
    await kube.rig.until("WaitingForWorkloads")
    await kube.rig.step()
    assert kube.held == [chosen[1]]
    message = kube.rig.condition("Ready")["message"]
    why = "the Node changed meanwhile" if isinstance(error, StaleObject) else "a policy says no"
    assert f"These Nodes cannot be marked, and do not end before they are: hyperpod-{first} ({why})" in message
    assert f"hyperpod-{chosen[1]} gets no new pods" in message
    kube.pods.clear()
    await kube.rig.until("Scaling")
    assert kube.deleted() == [chosen[1]]
    kube.unwritable.clear()
    await kube.rig.rest()
    assert sorted(kube.deleted()) == chosen


async def test_an_api_server_that_does_not_answer_is_not_asked_about_every_node(kube: Kubernetes) -> None:
    error = KubernetesError(status=0, message="no answer")
    kube.unwritable = {f"hyperpod-{instance}": error for instance in kube.instances()}
    kube.rig.apply(gpu(1))
    await kube.rig.step()
    assert kube.writes == 1


async def test_a_taint_that_somebody_took_off_comes_back(kube: Kubernetes) -> None:
    for instance in kube.instances():
        kube.run(f"job-{instance}", instance)
    kube.rig.apply(gpu(3))
    await kube.rig.until("WaitingForWorkloads")
    (chosen,) = kube.held
    kube.annotate(chosen, **{DELETE_NODE: "true"})
    kube.nodes.held = [replace(one, taints=()) if one.instance_id == chosen else one for one in kube.nodes.held]
    kube.pods = [pod for pod in kube.pods if pod.name != f"job-{chosen}"]
    await kube.rig.rest()
    assert kube.deleted() == [chosen]


async def test_more_nodes_than_one_call_takes_end_in_several_calls(rig: Rig) -> None:
    kube = await started(rig, gpu(53))
    rig.apply(gpu(1))
    await rig.rest()
    assert [len(call.parameters["NodeIds"]) for call in rig.calls("BatchDeleteClusterNodes")] == [50, 2]
    assert len(set(kube.deleted())) == 52
    assert len(kube.instances()) == 1


def flexible(count: int) -> dict[str, Any]:
    group = group_spec(count=count, instanceRequirements={"instanceTypes": ["ml.p5.48xlarge", "ml.p5e.48xlarge"]})
    del group["instanceType"]
    return spec(instanceGroups=[group], nodeProvisioningMode="Continuous")


def restricted(count: int) -> dict[str, Any]:
    group = group_spec(count=count, environmentConfig={})
    del group["lifeCycleConfig"]
    given = spec(restrictedInstanceGroups=[group], nodeProvisioningMode="Continuous")
    del given["instanceGroups"]
    return given


def at_least(count: int) -> dict[str, Any]:
    return spec(instanceGroups=[group_spec(count=count, minInstanceCount=2)], nodeProvisioningMode="Continuous")


@pytest.mark.parametrize("shape", [flexible, at_least, restricted])
async def test_the_idle_node_of_a_group_of_any_shape_ends(rig: Rig, shape: Callable[[int], dict[str, Any]]) -> None:
    kube = await started(rig, shape(4))
    idle, *busy = kube.instances()
    for instance in busy:
        kube.run(f"job-{instance}", instance)
    rig.apply(shape(3))
    await rig.rest()
    assert kube.deleted() == [idle]
    assert kube.instances() == busy


async def test_where_aws_deletes_no_nodes_by_name_the_choice_is_said_and_taken(rig: Rig) -> None:
    """A cluster without continuous provisioning, or one that was never patched."""
    given = gpu(2)
    del given["nodeProvisioningMode"]
    kube = await started(rig, given)
    words = "Run UpdateClusterSoftware on this cluster first."
    rig.simulator.faults.add(
        Fault("BatchDeleteClusterNodes", "error", code="ValidationException", message=words, status=400)
    )
    rig.apply({**given, "instanceGroups": [group_spec(count=1)]})
    await rig.until("SpecRejected")
    await rig.step()
    message = rig.condition("Ready")["message"]
    assert words in message
    assert "runningWorkloads to Ignore" in message
    assert len(kube.instances()) == 2
    ignore = {"management": {"disruption": {"runningWorkloads": "Ignore"}}}
    rig.apply({**given, "instanceGroups": [group_spec(count=1)], **ignore})
    await rig.rest()
    assert (len(kube.instances()), kube.held) == (1, [])


async def test_a_group_whose_count_karpenter_owns_is_left_alone(rig: Rig) -> None:
    def owned(count: int) -> dict[str, Any]:
        group = group_spec(count=count, management={"countOwner": "External"})
        return spec(instanceGroups=[group], nodeProvisioningMode="Continuous")

    kube = await started(rig, owned(3))
    rig.apply(owned(1))
    await rig.rest()
    assert (len(kube.instances()), kube.held, kube.deleted()) == (3, [], [])
