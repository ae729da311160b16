"""Passes over Nodes: what wakes one, what it writes, what it tells, and what happens when somebody was faster."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest
from tests.unit.core.health import CLUSTER, CPU, HEALTH, NOW, facts, instance, node

from hyperpod_operator.api.names import FENCED_AT, LABEL_INSTANCE_GROUP
from hyperpod_operator.controllers.fleet import Fleet, Member
from hyperpod_operator.controllers.nodes import NodeController, NodePorts, Wakes
from hyperpod_operator.core.health.change import NodeChange
from hyperpod_operator.core.health.contract import TAINT
from hyperpod_operator.core.health.facts import ClusterFacts
from hyperpod_operator.core.health.labels import missing_labels
from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.health.storm import Lane
from hyperpod_operator.core.outcome import Done, Failed, Gone, Wait
from hyperpod_operator.core.ports import Key, KubernetesError, Note, ObjectGone, StaleObject, StoredObject

OBJECT = Key("team", "research")
SICK = {HEALTH: "UnschedulablePendingReplacement"}
WELL = {HEALTH: "Schedulable"}


class World:
    """Nodes as they are held, and as they are on the server."""

    def __init__(self) -> None:
        self.held: dict[str, Node] = {}
        self.stored: dict[str, Node] = {}
        self.writes: list[tuple[str, NodeChange]] = []
        self.fails: list[Exception] = []
        self.asked = 0

    # core.ports.Nodes

    synced = True

    def get(self, name: str) -> Node | None:
        return self.held.get(name)

    def of_cluster(self, cluster_id: str) -> tuple[Node, ...]:
        return tuple(one for one in self.held.values() if one.cluster_id == cluster_id)

    # core.ports.NodeWrites

    async def read(self, name: str) -> Node | None:
        return self.stored.get(name)

    async def change(self, node: Node, change: NodeChange) -> Node:
        if self.fails:
            raise self.fails.pop(0)
        assert self.asked > len(self.writes), "the budget was not asked"
        if node.resource_version != self.stored[node.name].resource_version:
            raise StaleObject(node.name)
        self.writes.append((node.name, change))
        self.stored[node.name] = applied(node, change)
        return self.stored[node.name]

    async def budget(self) -> None:
        self.asked += 1

    def put(self, one: Node, *, stored: Node | None = None) -> None:
        self.held[one.name], self.stored[one.name] = one, stored or one


def applied(one: Node, change: NodeChange) -> Node:
    def merged(old: Mapping[str, str], new: Mapping[str, str | None]) -> dict[str, str]:
        return {key: value for key, value in (dict(old) | dict(new)).items() if value is not None}

    return replace(
        one,
        taints=one.taints if change.taints is None else change.taints,
        labels=merged(one.labels, change.labels),
        annotations=merged(one.annotations, change.annotations),
        resource_version=str(int(one.resource_version) + 1),
    )


@dataclass
class Told:
    """Events, metrics and wakes."""

    notes: list[tuple[str, str, Note]] = field(default_factory=list)
    changes: list[tuple[str, str]] = field(default_factory=list)
    fenced: list[float] = field(default_factory=list)
    recovered: list[float] = field(default_factory=list)
    now: list[tuple[str, Lane]] = field(default_factory=list)
    later: list[tuple[str, float]] = field(default_factory=list)
    clusters: list[Key] = field(default_factory=list)

    def publish(self, *, about: StoredObject, note: Note) -> None:
        self.notes.append((about.body["kind"], about.key.name, note))

    def node_changed(self, *, step: str, result: str) -> None:
        self.changes.append((step, result))

    def node_fenced(self, *, seconds: float) -> None:
        self.fenced.append(seconds)

    def node_recovered(self, *, seconds: float) -> None:
        self.recovered.append(seconds)


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return self.seconds


class Room:
    """A NodeController with everything around it."""

    def __init__(self) -> None:
        self.world, self.told, self.clock, self.fleet = World(), Told(), Clock(), Fleet()
        self.controller = NodeController(
            ports=NodePorts(
                nodes=self.world,
                writes=self.world,
                events=self.told,
                metrics=self.told,
                clock=self.clock,
                budget=self.world.budget,
            ),
            fleet=self.fleet,
            wakes=Wakes(
                now=lambda key, lane: self.told.now.append((key.name, lane)),
                later=lambda key, seconds: self.told.later.append((key.name, seconds)),
                cluster=self.told.clusters.append,
            ),
        )
        self.know(facts(instance(), instance(CPU)))

    def know(self, found: ClusterFacts) -> None:
        stored = StoredObject(
            key=OBJECT,
            uid="u",
            resource_version="1",
            generation=1,
            deleting=False,
            finalizers=(),
            annotations={},
            body={"kind": "HyperPodCluster"},
        )
        self.fleet._members[OBJECT] = Member(stored=stored, facts=found, listed=True)
        self.fleet._keys[found.cluster_id] = OBJECT

    def changed(self, one: Node) -> None:
        self.world.put(one)
        self.controller.changed(one.name)

    async def once(self, one: Node) -> object:
        return await self.controller.reconcile(Key("", one.name), 0)

    def reasons(self, kind: str) -> list[str]:
        return [str(note.reason) for about, _, note in self.told.notes if about == kind]


@pytest.fixture
def room() -> Room:
    return Room()


def labelled(**fields: object) -> Node:
    """A healthy GPU node that has everything already."""
    bare = node(labels=WELL)
    return replace(bare, labels={**WELL, **missing_labels(bare, facts(instance()))}, **fields)


def test_a_sick_node_is_called_before_labels(room: Room) -> None:
    room.changed(node(labels=SICK))
    assert room.told.now == [(node().name, Lane.FENCE)]


def test_missing_labels_alone_wait_in_the_last_lane(room: Room) -> None:
    room.changed(node(labels=WELL))
    assert room.told.now == [(node().name, Lane.LABEL)]


def test_a_change_that_asks_for_nothing_wakes_nobody(room: Room) -> None:
    room.changed(labelled())
    room.told.clusters.clear()
    room.changed(labelled(ready=False))
    assert (room.told.now, room.told.later, room.told.clusters) == ([], [], [])


def test_a_node_of_a_strangers_cluster_is_nobodys(room: Room) -> None:
    room.changed(node(labels=SICK, cluster_id="zzzzzzzzzzzz"))
    assert (room.told.now, room.told.clusters) == ([], [])


def test_a_state_that_changed_wakes_its_cluster_once(room: Room) -> None:
    room.changed(labelled())
    room.changed(labelled())
    assert room.told.clusters == [OBJECT]
    room.changed(replace(labelled(), labels={**labelled().labels, **SICK}))
    assert room.told.clusters == [OBJECT, OBJECT]


def test_what_a_pass_learns_calls_the_nodes_and_not_the_cluster_again(room: Room) -> None:
    room.world.put(node(labels=SICK))
    room.controller.learnt(CLUSTER, None)
    assert room.told.now == [(node().name, Lane.FENCE)]
    assert room.told.clusters == []


def test_what_a_pass_learns_of_one_instance_calls_its_node_alone(room: Room) -> None:
    other = node(instance_id=CPU, labels=SICK)
    room.world.put(node(labels=SICK))
    room.world.put(other)
    room.controller.learnt(CLUSTER, frozenset({CPU}))
    assert [name for name, _ in room.told.now] == [other.name]


def test_a_young_node_is_looked_at_when_its_grace_is_over(room: Room) -> None:
    one = replace(labelled(), labels={key: value for key, value in labelled().labels.items() if key != HEALTH})
    room.changed(replace(one, created_at=NOW))
    assert [seconds for _, seconds in room.told.later] == [600.0]


async def test_a_sick_node_is_fenced_recorded_and_told(room: Room) -> None:
    one = node(labels=SICK)
    room.changed(one)
    room.clock.seconds += 0.25
    assert isinstance(await room.once(one), Done)
    after = room.world.stored[one.name]
    assert TAINT in after.taints
    assert FENCED_AT in after.annotations
    assert (room.reasons("Node"), room.reasons("HyperPodCluster")) == (["NodeFenced"], ["NodeFenced"])
    assert room.told.fenced == [0.25]
    assert room.told.changes == [("Fence", "OK")]


async def test_one_write_carries_taint_and_labels(room: Room) -> None:
    one = node(labels=SICK)
    room.changed(one)
    await room.once(one)
    ((_, change),) = room.world.writes
    assert change.taints is not None
    assert change.labels[LABEL_INSTANCE_GROUP] == "gpu"


async def test_a_second_pass_writes_nothing(room: Room) -> None:
    one = node(labels=SICK)
    room.changed(one)
    await room.once(one)
    room.world.put(room.world.stored[one.name])
    await room.once(one)
    assert len(room.world.writes) == 1


async def test_a_healthy_node_is_freed_of_our_taint(room: Room) -> None:
    one = replace(labelled(), taints=(TAINT,), annotations={FENCED_AT: "2026-11-23T11:00:00Z"})
    room.changed(one)
    assert room.told.now == [(one.name, Lane.FREE)]
    await room.once(one)
    assert room.world.stored[one.name].taints == ()
    assert room.reasons("Node") == ["NodeFreed"]


async def test_a_taint_of_hyperpods_stays(room: Room) -> None:
    one = replace(labelled(), taints=(TAINT,))
    room.changed(one)
    await room.once(one)
    assert room.world.writes == []


async def test_who_was_faster_is_read_and_decided_upon_anew(room: Room) -> None:
    stale = node(labels=SICK)
    fresh = replace(labelled(), resource_version="9")
    room.world.put(stale, stored=fresh)
    assert isinstance(await room.once(stale), Done)
    assert room.world.writes == []
    assert room.told.changes == [("Write", "Conflict")]


async def test_a_node_that_goes_in_mid_patch_is_no_error(room: Room) -> None:
    one = node(labels=SICK)
    room.world.put(one)
    room.world.fails.append(ObjectGone(one.name))
    assert isinstance(await room.once(one), Gone)


async def test_a_refusal_is_told_and_tried_again(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    one = node(labels=SICK)
    room.world.put(one)
    room.world.fails.append(KubernetesError(status=403, message="refused by a policy."))
    assert isinstance(await room.once(one), Failed)
    assert "refused by a policy" in caplog.text
    assert room.told.changes == [("Write", "Refused")]


async def test_observe_writes_nothing(room: Room) -> None:
    room.know(facts(instance(), enforce=False))
    one = node(labels=SICK)
    room.changed(one)
    assert room.told.now == []
    await room.once(one)
    assert room.world.writes == []


async def test_a_young_node_waits(room: Room) -> None:
    one = replace(labelled(), labels={key: value for key, value in labelled().labels.items() if key != HEALTH})
    one = replace(one, created_at=NOW)
    room.world.put(one)
    assert await room.once(one) == Wait("HealthNotReported", 600.0)  # type: ignore[arg-type]


async def test_nothing_is_done_for_a_cluster_that_is_forgotten(room: Room) -> None:
    one = node(labels=SICK)
    room.world.put(one)
    room.fleet.forget(OBJECT)
    assert isinstance(await room.once(one), Gone)
    assert room.world.writes == []


def test_a_sick_node_that_leaves_is_told_on_its_cluster(room: Room) -> None:
    one = node(labels=SICK)
    room.changed(one)
    room.clock.seconds += 300
    del room.world.held[one.name]
    room.controller.changed(one.name)
    assert room.reasons("HyperPodCluster") == ["NodeReplaced"]
    assert "300 s after it was found unhealthy" in room.told.notes[-1][2].message
    assert room.told.clusters == [OBJECT, OBJECT]


def test_a_healthy_node_that_leaves_is_no_news(room: Room) -> None:
    one = labelled()
    room.changed(one)
    del room.world.held[one.name]
    room.controller.changed(one.name)
    assert room.told.notes == []


def test_the_seconds_of_a_recovery_are_counted(room: Room) -> None:
    room.changed(node(labels=SICK))
    room.clock.seconds += 120
    room.changed(labelled())
    assert room.told.recovered == [120.0]


def test_a_contradicting_type_is_told_once(room: Room) -> None:
    odd = replace(labelled(), labels={**labelled().labels, "node.kubernetes.io/instance-type": "ml.g5.xlarge"})
    room.changed(odd)
    room.changed(odd)
    assert room.reasons("Node") == ["NodeContradicts"]


def test_an_instance_that_sagemaker_did_not_tell_about_is_asked_for(room: Room) -> None:
    room.know(facts(instances={}))
    room.world.put(node(labels=WELL))
    assert room.controller.unknown(CLUSTER)


def test_an_instance_whose_labels_tell_that_it_was_asked_for_is_not_asked_for_again(room: Room) -> None:
    room.know(facts(instances={}))
    room.world.put(labelled())
    assert not room.controller.unknown(CLUSTER)


def test_an_unknown_instance_wakes_its_cluster(room: Room) -> None:
    room.know(facts(instances={}))
    room.changed(node(labels=WELL))
    room.changed(node(labels=WELL, ready=False))
    assert room.told.clusters == [OBJECT, OBJECT]
