"""Nodes that are in Kubernetes and that the operator does not see, or sees as they were: the label is off, or the watch
is behind. Their pods run all the same."""

from dataclasses import replace

import pytest
from tests.unit.controllers.nodeoperation.rig import OperationRig

from hyperpod_operator.api.names import COMPUTE_TYPE
from hyperpod_operator.core.drain.marks import BINDING, HeldBy, Marks, Owner
from hyperpod_operator.core.health.node import Node

OPERATIONS = ["Reboot", "Replace", "Delete", "Move", "HealthCheck"]


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_aws_is_not_asked_about_an_unseen_node_while_pods_run_on_it(rig: OperationRig, operation: str) -> None:
    name = rig.name(rig.ids[0])
    rig.pods.add("train", name)
    rig.nodes.absent.add(name)
    rig.apply(operation, rig.ids[:1])
    for _ in range(20):
        await rig.step()
    assert (rig.states(), rig.calls(), rig.pods.evicted) == (["Draining"], [], [])
    assert rig.entries()[0]["waitingFor"] == ["ml/train"]
    assert f"the label {COMPUTE_TYPE}=hyperpod" in rig.entries()[0]["message"]
    rig.nodes.absent.clear()
    await rig.rest()
    assert (rig.states(), rig.pods.evicted, len(rig.calls())) == (["Succeeded"], ["train"], 1)


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_pod_that_leaves_is_awaited_where_its_node_loses_the_label(rig: OperationRig, operation: str) -> None:
    name = rig.name(rig.ids[0])
    rig.pods.add("train", name)
    rig.pods.finalizers.add("train")
    rig.apply(operation, rig.ids[:1])
    await rig.until(lambda: bool(rig.pods.evicted))
    rig.nodes.absent.add(name)
    for _ in range(20):
        await rig.step()
    assert (rig.states(), rig.calls()) == (["Draining"], [])
    del rig.pods.pods["train"]
    await rig.until(lambda: bool(rig.calls()))


async def test_a_node_that_loses_the_label_after_its_taint_is_closed_as_late_as_others(rig: OperationRig) -> None:
    rig.apply("Delete", rig.ids[:1])
    await rig.until_state("Draining")
    began = rig.clock.now()
    rig.nodes.absent.add(rig.name(rig.ids[0]))
    await rig.until(lambda: bool(rig.calls()))
    assert (rig.clock.now() - began).total_seconds() > BINDING - 1  # status has whole seconds


async def test_a_node_that_leaves_kubernetes_before_its_turn_holds_up_nothing(rig: OperationRig) -> None:
    first, second = rig.ids[:2]
    rig.apply("Replace", [first, second])
    await rig.until(lambda: rig.states() == ["Draining", "Pending"] and "name" in rig.entries()[1])
    rig.nodes.absent.add(rig.name(second))
    await rig.rest()
    assert (rig.states(), rig.named()) == (["Succeeded", "Succeeded"], [[first], [second]])


async def test_an_unseen_node_with_pods_is_not_chosen_for_an_idle_one(rig: OperationRig) -> None:
    *_, idle, busy = rig.ids  # ties go to the newest
    for instance in (*rig.ids[:-2], busy):
        rig.pods.add(f"train-{instance}", rig.name(instance))
    rig.nodes.absent.add(rig.name(busy))
    rig.apply("Delete", nodes={"selector": {"instanceGroupName": "gpu", "count": 1, "order": "Idle"}})
    await rig.rest()
    assert rig.named() == [[idle]]


class Behind:
    """A watch that shows a Node without what was written since. Writes are answered by the API server itself."""

    def __init__(self, rig: OperationRig, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lags, self.looks, self._name = True, 0, name
        self._seen, self._mark = rig.nodes.all, rig.marks.mark
        monkeypatch.setattr(rig.nodes, "all", self.held)
        monkeypatch.setattr(rig.marks, "mark", self.mark)

    def held(self) -> tuple[Node, ...]:
        lags = {self._name} if self.lags else set()
        return tuple(replace(one, taints=(), annotations={}) if one.name in lags else one for one in self._seen())

    async def mark(self, *, node: str, marks: Marks) -> HeldBy | None:
        self.looks += node == self._name
        lags, self.lags = self.lags, False
        answer = await self._mark(node=node, marks=marks)
        self.lags = lags
        return answer


async def test_a_watch_that_is_behind_makes_no_haste_and_holds_up_no_eviction(
    rig: OperationRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (rig.name(one) for one in rig.ids[:2])
    rig.pods.add("late", second)
    rig.pods.refused["late"] = "a budget"
    watch = Behind(rig, first, monkeypatch)
    rig.apply("Reboot", rig.ids[:2], maxInFlight=2)
    await rig.until_state("Draining")
    began = rig.clock.now()
    rig.simulator.clock.advance(BINDING)
    for _ in range(20):
        await rig.step()
    assert watch.looks - 1 <= 1 + (rig.clock.now() - began).total_seconds() / rig.timings.drain
    rig.pods.refused.clear()
    for _ in range(4):
        await rig.step()
    assert rig.pods.evicted == ["late"]
    watch.lags = False
    await rig.rest()
    assert (rig.states(), len(rig.calls())) == (["Succeeded", "Succeeded"], 2)


async def test_a_holder_that_the_watch_does_not_show_is_asked_about_in_no_haste(
    rig: OperationRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = rig.name(rig.ids[0])
    other = Owner(kind="HyperPodCluster", namespace="team", name="research", uid="c")
    await rig.marks.mark(node=name, marks=Marks(owner=other))
    watch = Behind(rig, name, monkeypatch)
    rig.apply("Reboot", rig.ids[:1])
    began = rig.clock.now()
    for _ in range(20):
        await rig.step()
    assert watch.looks <= 2 + (rig.clock.now() - began).total_seconds() / rig.timings.drain
    assert (rig.states(), rig.entries()[0]["message"]) == (["Pending"], "Waits for HyperPodCluster team/research.")
    watch.lags = False
    await rig.marks.unmark(node=name, owner=other)
    await rig.rest()
    assert rig.states() == ["Succeeded"]
