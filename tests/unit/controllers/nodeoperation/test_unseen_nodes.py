"""Nodes that are in Kubernetes and that the operator does not see, or sees as they were: the label is off, or the watch
is behind. Their pods run all the same."""

from dataclasses import replace

import pytest
from tests.unit.controllers.nodeoperation.rig import OperationRig

from hyperpod_operator.api.names import COMPUTE_TYPE
from hyperpod_operator.core.drain.marks import BINDING, HeldBy, Marks
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


async def test_a_watch_that_is_behind_makes_no_haste_and_holds_up_no_eviction(
    rig: OperationRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch shows the Nodes without what was written since."""
    first, second = (rig.name(one) for one in rig.ids[:2])
    rig.pods.add("late", second)
    rig.pods.refused["late"] = "a budget"
    behind, seen, tainting, looks = True, rig.nodes.all, rig.marks.mark, 0

    def held() -> tuple[Node, ...]:
        return tuple(replace(one, taints=(), annotations={}) if behind and one.name == first else one for one in seen())

    async def mark(*, node: str, marks: Marks) -> HeldBy | None:
        nonlocal behind, looks
        looks, before, behind = looks + (node == first), behind, False  # the API server itself is asked
        answer = await tainting(node=node, marks=marks)
        behind = before
        return answer

    monkeypatch.setattr(rig.nodes, "all", held)
    monkeypatch.setattr(rig.marks, "mark", mark)
    rig.apply("Reboot", rig.ids[:2], maxInFlight=2)
    await rig.until_state("Draining")
    began = rig.clock.now()
    rig.simulator.clock.advance(BINDING)
    for _ in range(20):
        await rig.step()
    assert looks - 1 <= 1 + (rig.clock.now() - began).total_seconds() / rig.timings.drain
    rig.pods.refused.clear()
    for _ in range(4):
        await rig.step()
    assert rig.pods.evicted == ["late"]
    behind = False
    await rig.rest()
    assert (rig.states(), len(rig.calls())) == (["Succeeded", "Succeeded"], 2)
