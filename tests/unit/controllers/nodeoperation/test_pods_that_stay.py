"""Pods that no eviction ends, and pods that no drain is about."""

import pytest
from tests.unit.controllers.nodeoperation.rig import OperationRig

STAYING = ["is_static", "is_daemon", "is_finished"]


@pytest.mark.parametrize("operation", ["Reboot", "Delete"])
async def test_a_pod_with_a_finalizer_is_evicted_once_and_awaited(rig: OperationRig, operation: str) -> None:
    rig.pods.add("train", rig.name(rig.ids[0]))
    rig.pods.finalizers.add("train")
    rig.apply(operation, rig.ids[:1])
    for _ in range(30):
        await rig.step()
    assert (rig.pods.evicted, rig.calls(), rig.states()) == (["train"], [], ["Draining"])
    entry = rig.entries()[0]
    assert entry["waitingFor"] == ["ml/train"]
    assert "ml/train: it is being deleted" in entry["message"]
    del rig.pods.pods["train"]
    await rig.rest()
    assert (rig.states(), rig.pods.evicted, rig.marks.marked) == (["Succeeded"], ["train"], set())


@pytest.mark.parametrize(("on_timeout", "state", "calls"), [("Abort", "Failed", 0), ("Force", "Succeeded", 1)])
async def test_a_finalizer_that_never_goes_ends_the_drain_by_its_timeout(
    rig: OperationRig, on_timeout: str, state: str, calls: int
) -> None:
    rig.pods.add("train", rig.name(rig.ids[0]))
    rig.pods.finalizers.add("train")
    rig.apply("Reboot", rig.ids[:1], drain={"drainTimeoutSeconds": 600, "onTimeout": on_timeout})
    await rig.rest()
    assert (rig.states(), len(rig.calls()), rig.pods.evicted) == ([state], calls, ["train"])
    assert rig.marks.marked == set()


@pytest.mark.parametrize("kind", STAYING)
async def test_a_pod_that_no_drain_is_about_is_left_alone_and_holds_up_nothing(rig: OperationRig, kind: str) -> None:
    rig.pods.add("agent", rig.name(rig.ids[0]), **{kind: True})
    rig.apply("Replace", rig.ids[:1])
    await rig.rest()
    assert (rig.states(), rig.pods.evicted) == (["Succeeded"], [])


@pytest.mark.parametrize("kind", STAYING)
async def test_a_node_with_such_pods_alone_counts_as_idle(rig: OperationRig, kind: str) -> None:
    newest, *busy = reversed(rig.ids)
    for instance in busy:
        rig.pods.add(f"train-{instance}", rig.name(instance))
    rig.pods.add("agent", rig.name(newest), **{kind: True})
    rig.apply("Delete", nodes={"selector": {"instanceGroupName": "gpu", "count": 1, "order": "Idle"}})
    await rig.rest()
    assert rig.named() == [[newest]]
    assert rig.pods.evicted == []
