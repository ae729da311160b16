"""Passes over Nodes: what wakes one, what it writes, what it tells, and what happens when somebody was faster."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from tests.unit.controllers.measured import Measured
from tests.unit.core.health import CLUSTER, CPU, HEALTH, NOW, facts, instance, node

from hyperpod_operator.api.metrics.nodes import NODE_CHANGES, NODE_RECOVERY_SECONDS, NODE_TAINT_SECONDS
from hyperpod_operator.api.names import LABEL_INSTANCE_GROUP, TAINTED_AT
from hyperpod_operator.controllers.cluster_cache import Change, ClusterCache, Entry
from hyperpod_operator.controllers.nodes import Enqueue, NodeController, NodePorts
from hyperpod_operator.core.audit import AuditRecord
from hyperpod_operator.core.health.change import NodeChange
from hyperpod_operator.core.health.facts import ClusterFacts
from hyperpod_operator.core.health.labels import missing_labels, needs_instance
from hyperpod_operator.core.health.mass_failure import Lane
from hyperpod_operator.core.health.node import Node
from hyperpod_operator.core.health.taint import TAINT
from hyperpod_operator.core.outcome import Done, Failed, Gone, Requeue
from hyperpod_operator.core.ports import Event, Key, KubernetesError, ObjectGone, StaleObject, StoredObject
from hyperpod_operator.kube.events.series import MOST_PER_OBJECT, SeriesBook

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

    def all(self) -> tuple[Node, ...]:
        return tuple(self.held.values())

    # core.ports.NodeWrites

    async def read(self, name: str) -> Node | None:
        return self.stored.get(name)

    async def change(self, node: Node, change: NodeChange) -> None:
        if self.fails:
            raise self.fails.pop(0)
        assert self.asked > len(self.writes), "the budget was not asked"
        if node.resource_version != self.stored[node.name].resource_version:
            raise StaleObject(node.name)
        self.writes.append((node.name, change))
        self.stored[node.name] = applied(node, change)

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
class Told(Measured):
    """Events, metrics and wakes."""

    events: list[tuple[str, str, Event]] = field(default_factory=list)
    now: list[tuple[str, Lane]] = field(default_factory=list)
    later: list[tuple[str, float]] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    clusters: list[Key] = field(default_factory=list)
    audited: list[AuditRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def record(self, entry: AuditRecord) -> None:
        self.audited.append(entry)

    def publish(self, *, about: StoredObject, event: Event) -> None:
        self.events.append((about.body["kind"], about.key.name, event))


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return self.seconds


class NodeRig:
    """A NodeController with everything around it."""

    def __init__(self) -> None:
        self.world, self.told, self.clock, self.clusters = World(), Told(), Clock(), ClusterCache()
        self.controller = NodeController(
            ports=NodePorts(
                nodes=self.world,
                writes=self.world,
                events=self.told,
                metrics=self.told,
                clock=self.clock,
                budget=self.world.budget,
                audit=self.told,
            ),
            clusters=self.clusters,
            enqueue=Enqueue(
                now=lambda key, lane: self.told.now.append((key.name, lane)),
                later=lambda key, seconds: self.told.later.append((key.name, seconds)),
                gone=lambda key: self.told.gone.append(key.name),
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
        self.clusters.update(Entry(stored=stored, facts=found, listed=True))

    def changed(self, one: Node) -> None:
        self.world.put(one)
        self.controller.changed(one.name)

    async def once(self, one: Node) -> object:
        return await self.controller.reconcile(Key("", one.name), 0)

    def reasons(self, kind: str) -> list[str]:
        return [str(event.reason) for about, _, event in self.told.events if about == kind]


@pytest.fixture
def rig() -> NodeRig:
    return NodeRig()


def labelled(**fields: object) -> Node:
    """A healthy GPU node that has everything already."""
    bare = node(labels=WELL)
    return replace(bare, labels={**WELL, **missing_labels(bare, facts(instance()))}, **fields)


async def test_when_all_nodes_fail_each_has_its_event_and_the_cluster_few(rig: NodeRig) -> None:
    book, many = SeriesBook(lambda _: None), 300

    def publish(*, about: StoredObject, event: Event) -> None:
        book.record(about=about, event=event, now=NOW, monotonic=0.0)

    rig.told.publish = publish  # type: ignore[method-assign]
    for number in range(many):
        one = replace(node(labels=SICK), name=f"node-{number}", uid=str(number))
        rig.changed(one)
        await rig.once(one)
    kinds = Counter(series.regarding["kind"] for series in book._series.values())
    assert kinds == {"Node": many, "HyperPodCluster": MOST_PER_OBJECT + 1}


def test_a_node_whose_clock_is_ahead_is_looked_at_within_its_grace(rig: NodeRig) -> None:
    """Its own time is the API server's, and this machine's may have been set back since."""
    one = replace(labelled(), labels={key: value for key, value in labelled().labels.items() if key != HEALTH})
    rig.changed(replace(one, created_at=NOW + timedelta(days=1)))
    assert [seconds for _, seconds in rig.told.later] == [600.0]


def test_a_sick_node_is_called_before_labels(rig: NodeRig) -> None:
    rig.changed(node(labels=SICK))
    assert rig.told.now == [(node().name, Lane.TAINT)]


def test_missing_labels_alone_wait_in_the_last_lane(rig: NodeRig) -> None:
    rig.changed(node(labels=WELL))
    assert rig.told.now == [(node().name, Lane.LABEL)]


def test_a_change_that_asks_for_nothing_wakes_nobody(rig: NodeRig) -> None:
    rig.changed(labelled())
    rig.told.clusters.clear()
    rig.changed(labelled(ready=False))
    assert (rig.told.now, rig.told.later, rig.told.clusters) == ([], [], [])


def test_a_node_of_a_strangers_cluster_is_nobodys(rig: NodeRig) -> None:
    rig.changed(node(labels=SICK, cluster_id="zzzzzzzzzzzz"))
    assert (rig.told.now, rig.told.clusters) == ([], [])


def test_a_state_that_changed_wakes_its_cluster_once(rig: NodeRig) -> None:
    rig.changed(labelled())
    rig.changed(labelled())
    assert rig.told.clusters == [OBJECT]
    rig.changed(replace(labelled(), labels={**labelled().labels, **SICK}))
    assert rig.told.clusters == [OBJECT, OBJECT]


def test_what_a_pass_learns_calls_the_nodes_and_not_the_cluster_again(rig: NodeRig) -> None:
    rig.world.put(node(labels=SICK))
    rig.controller.cluster_updated(Change(CLUSTER, None))
    assert rig.told.now == [(node().name, Lane.TAINT)]
    assert rig.told.clusters == []


def test_what_a_pass_learns_of_one_instance_calls_its_node_alone(rig: NodeRig) -> None:
    other = node(instance_id=CPU, labels=SICK)
    rig.world.put(node(labels=SICK))
    rig.world.put(other)
    rig.controller.cluster_updated(Change(CLUSTER, frozenset({CPU})))
    assert [name for name, _ in rig.told.now] == [other.name]


def test_a_young_node_is_looked_at_when_its_grace_is_over(rig: NodeRig) -> None:
    one = replace(labelled(), labels={key: value for key, value in labelled().labels.items() if key != HEALTH})
    rig.changed(replace(one, created_at=NOW))
    assert [seconds for _, seconds in rig.told.later] == [600.0]


async def test_a_sick_node_is_tainted_recorded_and_reported(rig: NodeRig) -> None:
    one = node(labels=SICK)
    rig.changed(one)
    rig.clock.seconds += 0.25
    assert isinstance(await rig.once(one), Done)
    after = rig.world.stored[one.name]
    assert TAINT in after.taints
    assert TAINTED_AT in after.annotations
    assert (rig.reasons("Node"), rig.reasons("HyperPodCluster")) == (["NodeTainted"], ["NodeTainted"])
    assert rig.told.seconds_of(NODE_TAINT_SECONDS) == [0.25]
    assert rig.told.labels_of(NODE_CHANGES) == [("Taint", "OK")]


async def test_a_taint_that_was_lost_counts_from_its_loss_and_not_from_the_fault(rig: NodeRig) -> None:
    rig.changed(node(labels=SICK))
    await rig.once(node())
    rig.changed(replace(rig.world.stored[node().name], resource_version="5"))
    rig.clock.seconds += 7200
    rig.changed(node(labels=SICK, resource_version="6"))
    rig.clock.seconds += 0.25
    await rig.once(node())
    assert rig.told.seconds_of(NODE_TAINT_SECONDS) == [0.0, 0.25]


async def test_the_seconds_to_a_taint_are_counted_though_the_watch_tells_of_it_first(
    rig: NodeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.changed(node(labels=SICK))
    change = rig.world.change

    async def told_first(one: Node, wanted: NodeChange) -> None:
        await change(one, wanted)
        rig.changed(rig.world.stored[one.name])

    monkeypatch.setattr(rig.world, "change", told_first)
    rig.clock.seconds += 0.25
    await rig.once(node())
    assert rig.told.seconds_of(NODE_TAINT_SECONDS) == [0.25]


async def test_each_write_is_recorded_for_the_cluster_with_why(rig: NodeRig) -> None:
    sick, bare = node(labels=SICK), node(instance_id=CPU, labels=WELL)
    for one in (sick, bare):
        rig.changed(one)
        await rig.once(one)
    held = rig.world.stored[sick.name]
    rig.changed(replace(held, labels={**held.labels, **WELL}))
    await rig.once(held)
    assert [(entry.target, entry.reason) for entry in rig.told.audited] == [
        (f"Node {sick.name}", "Taint"),
        (f"Node {bare.name}", "Label"),
        (f"Node {sick.name}", "Untaint"),
    ]
    assert {(entry.kind, str(entry.key), entry.uid) for entry in rig.told.audited} == {
        ("HyperPodCluster", str(OBJECT), "u")
    }
    assert all(entry.message and entry.changes for entry in rig.told.audited)


async def test_one_write_carries_taint_and_labels(rig: NodeRig) -> None:
    one = node(labels=SICK)
    rig.changed(one)
    await rig.once(one)
    ((_, change),) = rig.world.writes
    assert change.taints is not None
    assert change.labels[LABEL_INSTANCE_GROUP] == "gpu"


async def test_a_second_pass_writes_nothing(rig: NodeRig) -> None:
    one = node(labels=SICK)
    rig.changed(one)
    await rig.once(one)
    rig.world.put(rig.world.stored[one.name])
    await rig.once(one)
    assert len(rig.world.writes) == 1


async def test_a_healthy_node_loses_our_taint(rig: NodeRig) -> None:
    one = replace(labelled(), taints=(TAINT,), annotations={TAINTED_AT: "2026-11-23T11:00:00Z"})
    rig.changed(one)
    assert rig.told.now == [(one.name, Lane.UNTAINT)]
    await rig.once(one)
    assert rig.world.stored[one.name].taints == ()
    assert rig.reasons("Node") == ["NodeUntainted"]


async def test_a_taint_of_hyperpods_stays(rig: NodeRig) -> None:
    one = replace(labelled(), taints=(TAINT,))
    rig.changed(one)
    await rig.once(one)
    assert rig.world.writes == []


async def test_who_was_faster_is_read_and_decided_upon_anew(rig: NodeRig) -> None:
    stale = node(labels=SICK)
    fresh = replace(labelled(), resource_version="9")
    rig.world.put(stale, stored=fresh)
    assert isinstance(await rig.once(stale), Done)
    assert rig.world.writes == []
    assert rig.told.labels_of(NODE_CHANGES) == [("Write", "Conflict")]


async def test_a_node_that_goes_in_mid_patch_is_no_error(rig: NodeRig) -> None:
    one = node(labels=SICK)
    rig.world.put(one)
    rig.world.fails.append(ObjectGone(one.name))
    assert isinstance(await rig.once(one), Gone)


async def test_a_refusal_is_told_and_tried_again(rig: NodeRig, caplog: pytest.LogCaptureFixture) -> None:
    one = node(labels=SICK)
    rig.world.put(one)
    rig.world.fails.append(KubernetesError(status=403, message="refused by a policy."))
    assert isinstance(await rig.once(one), Failed)
    assert "refused by a policy" in caplog.text
    assert rig.told.labels_of(NODE_CHANGES) == [("Write", "Refused")]
    assert rig.reasons("Node") == rig.reasons("HyperPodCluster") == ["NodeNotChanged"]
    (message,) = {event.message for about, _, event in rig.told.events if about == "Node"}
    assert "refused by a policy" in message
    assert f"kubectl cordon {one.name}" in message


async def test_a_refused_label_asks_nobody_to_cordon_the_node(rig: NodeRig) -> None:
    one = node(labels=WELL)
    rig.world.put(one)
    rig.world.fails.append(KubernetesError(status=403, message="refused by a policy."))
    await rig.once(one)
    assert rig.reasons("Node") == ["NodeNotChanged"]
    assert all("cordon" not in event.message for _, _, event in rig.told.events)


@pytest.mark.parametrize("status", [0, 429, 503])
async def test_what_passes_by_itself_is_no_event(rig: NodeRig, status: int) -> None:
    one = node(labels=SICK)
    rig.world.put(one)
    rig.world.fails.append(KubernetesError(status=status, message="slow"))
    assert isinstance(await rig.once(one), Failed)
    assert rig.told.events == []


async def test_observe_writes_nothing(rig: NodeRig) -> None:
    rig.know(facts(instance(), enforce=False))
    one = node(labels=SICK)
    rig.changed(one)
    assert rig.told.now == []
    await rig.once(one)
    assert rig.world.writes == []


async def test_a_young_node_waits(rig: NodeRig) -> None:
    one = replace(labelled(), labels={key: value for key, value in labelled().labels.items() if key != HEALTH})
    one = replace(one, created_at=NOW)
    rig.world.put(one)
    assert await rig.once(one) == Requeue("HealthNotReported", 600.0)  # type: ignore[arg-type]


async def test_nothing_is_done_for_a_cluster_that_is_forgotten(rig: NodeRig) -> None:
    one = node(labels=SICK)
    rig.world.put(one)
    rig.clusters.forget(OBJECT)
    assert isinstance(await rig.once(one), Gone)
    assert rig.world.writes == []


def test_a_sick_node_that_leaves_is_told_on_its_cluster(rig: NodeRig) -> None:
    one = node(labels=SICK)
    rig.changed(one)
    rig.clock.seconds += 300
    del rig.world.held[one.name]
    rig.controller.changed(one.name)
    assert rig.reasons("HyperPodCluster") == ["NodeReplaced"]
    assert "300 s after it was found unhealthy" in rig.told.events[-1][2].message
    assert rig.told.clusters == [OBJECT, OBJECT]


def test_nothing_stays_planned_for_a_node_that_left(rig: NodeRig) -> None:
    rig.controller.changed("hyperpod-i-left")
    assert rig.told.gone == ["hyperpod-i-left"]


def test_a_healthy_node_that_leaves_is_no_news(rig: NodeRig) -> None:
    one = labelled()
    rig.changed(one)
    del rig.world.held[one.name]
    rig.controller.changed(one.name)
    assert rig.told.events == []


def test_the_seconds_of_a_recovery_are_counted(rig: NodeRig) -> None:
    rig.changed(node(labels=SICK))
    rig.clock.seconds += 120
    rig.changed(labelled())
    assert rig.told.seconds_of(NODE_RECOVERY_SECONDS) == [120.0]


def test_a_contradicting_type_is_told_once(rig: NodeRig) -> None:
    odd = replace(labelled(), labels={**labelled().labels, "node.kubernetes.io/instance-type": "ml.g5.xlarge"})
    rig.changed(odd)
    rig.changed(odd)
    assert rig.reasons("Node") == ["NodeContradicts"]


def test_sagemaker_is_asked_about_an_instance_that_it_did_not_list() -> None:
    assert needs_instance(node(labels=WELL), facts(instances={}))
    assert needs_instance(node(labels=WELL), None)


def test_an_instance_whose_labels_say_that_it_was_asked_for_is_not_asked_for_again() -> None:
    assert not needs_instance(labelled(), facts(instances={}))


def test_an_unknown_instance_wakes_its_cluster(rig: NodeRig) -> None:
    rig.know(facts(instances={}))
    rig.changed(node(labels=WELL))
    rig.changed(node(labels=WELL, ready=False))
    assert rig.told.clusters == [OBJECT, OBJECT]
