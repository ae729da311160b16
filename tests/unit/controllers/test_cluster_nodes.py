"""What a HyperPodCluster says about its Nodes, through the controller; and when SageMaker is asked about instances."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.volume.scenes import instances
from tests.unit.core.builders import spec
from tests.unit.core.health import HEALTH, node

from hyperpod_operator.api.kinds import CLUSTER
from hyperpod_operator.api.names import LABEL_INSTANCE_GROUP
from hyperpod_operator.controllers.cluster.controller import ClusterController, ClusterSettings
from hyperpod_operator.controllers.cluster.observer import Ports
from hyperpod_operator.controllers.cluster_cache import ClusterCache
from hyperpod_operator.core.health.node import Node


class HeldNodes:
    def __init__(self) -> None:
        self.held: list[Node] = []
        self.synced = True

    def get(self, name: str) -> Node | None:
        return next((one for one in self.held if one.name == name), None)

    def of_cluster(self, cluster_id: str) -> tuple[Node, ...]:
        return tuple(one for one in self.held if one.cluster_id == cluster_id)

    def all(self) -> tuple[Node, ...]:
        return tuple(self.held)


class Ward:
    """A rig whose controller sees Nodes."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.nodes, self.cache = rig, HeldNodes(), ClusterCache()
        rig.controller = ClusterController(
            ports=Ports(
                objects=rig.objects,
                cloud=rig.cloud,
                events=rig.recorder,
                metrics=rig.recorder,
                clock=rig.clock,
                audit=rig.recorder,
                nodes=self.nodes,
            ),
            settings=ClusterSettings(timings=rig.timings),
            cache=self.cache,
        )

    async def settle(self) -> None:
        self.rig.apply(spec())
        await self.rig.rest()

    @property
    def cluster_id(self) -> str:
        return str(self.rig.status["clusterArn"]).rpartition("/")[2]

    def instances(self) -> list[str]:
        entry = self.cache.get(KEY)
        assert entry is not None
        return sorted(entry.facts.instances)

    def join(self, *instances: str, **labels: str) -> None:
        for instance in instances:
            self.nodes.held.append(
                node(
                    instance_id=instance,
                    cluster_id=self.cluster_id,
                    labels={HEALTH: "Schedulable", LABEL_INSTANCE_GROUP: "gpu", **labels},
                    created_at=self.rig.clock.now(),
                )
            )

    @contextmanager
    def a_node_of_an_unknown_instance(self) -> Iterator[None]:
        """Meanwhile a Node waits for what SageMaker reports about its instance."""
        self.nodes.held.append(node(instance_id="i-0123456789abcdef0", cluster_id=self.cluster_id))
        yield
        self.nodes.held.pop()

    def health(self) -> dict[str, Any]:
        return dict(self.rig.status.get("nodeHealth", {}))


@pytest.fixture
async def ward(rig: Rig) -> Ward:
    made = Ward(rig)
    await made.settle()
    with made.a_node_of_an_unknown_instance():
        await rig.once()
    return made


async def test_all_is_well(ward: Ward) -> None:
    ward.join(*ward.instances())
    await ward.rig.once()
    assert ward.rig.condition("NodesHealthy")["status"] == "True"
    assert ward.health() == {"schedulable": len(ward.instances())}


async def test_a_sick_node_is_counted_named_and_no_matter_of_ready(ward: Ward) -> None:
    first, *others = ward.instances()
    ward.join(*others)
    ward.join(first, **{HEALTH: "UnschedulablePendingReboot"})
    await ward.rig.once()
    assert ward.rig.condition("NodesHealthy")["reason"] == "NodesUnhealthy"
    assert ward.rig.condition("Ready")["status"] == "True"
    assert [worst["instanceId"] for worst in ward.health()["worst"]] == [first]
    assert ward.rig.recorder.gauges(CLUSTER, KEY, "_unschedulable_pending_reboot") == {(): 1.0}


async def test_groups_have_their_own_counts(ward: Ward) -> None:
    first, *others = ward.instances()
    ward.join(*others)
    ward.join(first, **{HEALTH: "Unschedulable"})
    await ward.rig.once()
    (group,) = [item for item in ward.rig.status["instanceGroups"] if item.get("unhealthyNodes")]
    assert group["unhealthyNodes"] == 1


async def test_an_instance_that_never_joined_is_told_after_its_grace(ward: Ward) -> None:
    absent, *others = ward.instances()
    ward.join(*others)
    ward.rig.simulator.clock.advance(timedelta(hours=1).total_seconds())
    await ward.rig.once()
    assert ward.rig.condition("NodesHealthy")["reason"] == "NodesNeverJoined"
    assert absent in ward.rig.condition("NodesHealthy")["message"]


async def test_a_node_whose_instance_is_gone_is_told(ward: Ward) -> None:
    ward.join(*ward.instances(), "i-00000000000000000")
    await ward.rig.once()
    assert ward.rig.condition("NodesHealthy")["reason"] == "InstancesGone"


async def test_nothing_is_said_about_a_cluster_without_nodes(ward: Ward) -> None:
    await ward.rig.once()
    assert ward.rig.condition("NodesHealthy") == {}
    assert ward.health() == {}


async def test_what_was_said_stands_while_the_nodes_are_not_listed(ward: Ward) -> None:
    ward.join(*ward.instances())
    await ward.rig.once()
    ward.nodes.synced = False
    ward.nodes.held.clear()
    writes = len(ward.rig.objects.writes)
    await ward.rig.once()
    assert ward.health() == {"schedulable": len(ward.instances())}
    assert len(ward.rig.objects.writes) == writes


async def test_a_settled_pass_lists_no_instances(ward: Ward) -> None:
    since = ward.rig.simulator.log.size()
    await ward.rig.once()
    assert [call.operation for call in ward.rig.simulator.log.calls(since=since)] == ["DescribeCluster"]


async def test_instances_are_listed_when_somebody_waits_for_them(ward: Ward) -> None:
    since = ward.rig.simulator.log.size()
    with ward.a_node_of_an_unknown_instance():
        await ward.rig.once()
    assert "ListClusterNodes" in [call.operation for call in ward.rig.simulator.log.calls(since=since)]


async def test_what_is_known_of_instances_outlives_a_pass_that_does_not_list_them(ward: Ward) -> None:
    before = ward.instances()
    await ward.rig.once()
    assert before
    assert ward.instances() == before


async def test_a_cluster_that_is_gone_is_forgotten(ward: Ward) -> None:
    ward.rig.objects.delete(KEY)
    await ward.rig.rest()
    assert ward.cache.get(KEY) is None


async def test_the_failed_instance_of_a_degraded_group_is_named_at_the_next_look(make_rig: Callable[..., Rig]) -> None:
    """The counts are as before: only the group's status says that its instances have to be looked at."""
    rig = make_rig(failed_nodes="listed")
    rig.apply(spec())
    await rig.rest()
    failed = instances(KEY.name)[0]
    rig.simulator.world.fail_node(KEY.name, failed)
    await rig.step()
    await rig.step()
    assert failed in rig.condition("GroupsAtTarget")["message"]
