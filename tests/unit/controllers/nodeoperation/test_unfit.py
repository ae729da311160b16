"""Operations that AWS would refuse whatever is tried: no pod leaves for them, and AWS is not asked."""

import pytest
from tests.unit.controllers.nodeoperation.rig import CLUSTER_KEY, OperationRig, group

from hyperpod_operator.core.outcome import Done
from hyperpod_testbed.simulator import Fault


@pytest.fixture
def pod(rig: OperationRig) -> str:
    rig.pods.add("train", rig.name(rig.ids[0]))
    return "train"


def untouched(rig: OperationRig) -> bool:
    return not rig.calls() and not rig.pods.evicted and not rig.marks.marked


@pytest.mark.usefixtures("pod")
async def test_a_move_to_the_nodes_own_group_is_skipped(rig: OperationRig) -> None:
    rig.apply("Move", rig.ids[:1], move={"instanceGroupName": "gpu"})
    assert await rig.rest() == Done()
    assert (rig.states(), untouched(rig)) == (["Skipped"], True)
    assert "in group gpu already" in rig.condition("Ready")["message"]


@pytest.mark.usefixtures("pod")
@pytest.mark.parametrize("dry", [False, True])
async def test_a_move_to_a_group_of_another_type_is_skipped(rig: OperationRig, dry: bool) -> None:
    rig.simulator.world.add_group_out_of_band(CLUSTER_KEY.name, group=group("cpu", 0, InstanceType="ml.c5.xlarge"))
    rig.apply("Move", rig.ids[:1], move={"instanceGroupName": "cpu"}, dryRun=dry)
    assert await rig.rest() == Done()
    assert (rig.states(), untouched(rig)) == (["Skipped"], True)
    assert "cpu takes ml.c5.xlarge only" in rig.condition("Ready")["message"]


@pytest.mark.usefixtures("pod")
async def test_a_move_waits_for_the_group_that_it_names(rig: OperationRig) -> None:
    rig.apply("Move", rig.ids[:1], move={"instanceGroupName": "later"})
    for _ in range(10):
        await rig.step()
    assert rig.condition("Ready")["reason"] == "WaitingForNodes"
    assert "no instance group later" in rig.condition("Ready")["message"]
    assert untouched(rig)
    rig.simulator.world.add_group_out_of_band(CLUSTER_KEY.name, group=group("later", 0))
    assert await rig.rest() == Done()
    assert rig.states() == ["Succeeded"]


@pytest.mark.usefixtures("pod")
async def test_a_move_waits_while_its_group_has_no_more_than_its_minimum(rig: OperationRig) -> None:
    rig.simulator.world.add_group_out_of_band(CLUSTER_KEY.name, group=group("gpu", 3, MinInstanceCount=2))
    rig.apply("Move", rig.ids[:2], maxInFlight=2)
    for _ in range(40):
        await rig.step()
    assert rig.states() == ["Succeeded", "Pending"]
    assert "minInstanceCount" in rig.condition("Ready")["message"]
    assert rig.condition("Ready")["reason"] == "WaitingForNodes"
    assert len(rig.calls()) == 1
    rig.simulator.world.add_group_out_of_band(CLUSTER_KEY.name, group=group("gpu", 2, MinInstanceCount=1))
    assert await rig.rest() == Done()
    assert rig.states() == ["Succeeded", "Succeeded"]


async def test_a_refusal_of_the_whole_call_names_no_other_pause_than_the_operations(rig: OperationRig) -> None:
    rig.simulator.faults.add(
        Fault("MoveClusterNodes", "error", code="ValidationException", message="no", status=400, times=1)
    )
    rig.apply("Move", rig.ids[:1])
    await rig.until(lambda: "asks again" in (rig.entries() or [{}])[0].get("message", ""))
    said = rig.entries()[0]["message"]
    assert "Remove the cause, or delete this operation" in said
    assert "minutes" not in said
