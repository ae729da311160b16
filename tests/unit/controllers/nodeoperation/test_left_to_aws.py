"""An operation that ends while AWS still works on its nodes: the taint stays until AWS is done with them."""

from typing import Any

import pytest
from tests.unit.controllers.nodeoperation.rig import CLUSTER_KEY, KEY, OperationRig

from hyperpod_operator.api.names import DRAINING
from hyperpod_operator.core.outcome import Done, Gone
from hyperpod_operator.core.ports import Key
from hyperpod_testbed.simulator import Fault

ENDS = ["deadline", "deleted", "cluster deleted"]
LATER = Key("team", "later")


def end(rig: OperationRig, how: str) -> None:
    """The operation ends now."""
    if how == "deadline":
        rig.simulator.clock.advance(61)
    elif how == "deleted":
        rig.operations.remove(KEY)
    else:
        rig.clusters._bodies[CLUSTER_KEY]["metadata"]["finalizers"] = ["x"]
        rig.clusters.delete(CLUSTER_KEY)


def works(rig: OperationRig, operation: str, instance: str, *, boot: str) -> bool:
    """Whether AWS has not done yet what it was asked for."""
    node = rig.nodes.stored(rig.name(instance))
    listed = rig.simulator.settings.dump()["us-west-2"][CLUSTER_KEY.name]["Nodes"]
    found: dict[str, Any] = next((one for one in listed if one["InstanceId"] == instance), {})
    away = found["InstanceStatus"]["Status"] != "Running"
    return away or node is None or (operation == "Reboot" and node.boot_id == boot)


def tainted(rig: OperationRig, instance: str) -> bool:
    return any(taint.key == DRAINING for taint in rig.nodes.taints.get(rig.name(instance), ()))


@pytest.mark.parametrize("meanwhile", ["", "restarts", "without the label"])
@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("operation", ["Reboot", "HealthCheck"])
async def test_the_taint_stays_until_aws_is_done_with_the_node(
    rig: OperationRig, operation: str, how: str, meanwhile: str
) -> None:
    first = rig.ids[0]
    boot = getattr(rig.nodes.get(rig.name(first)), "boot_id", "")
    rig.apply(operation, [first], activeDeadlineSeconds=60)
    await rig.until_state("Waiting")
    if meanwhile == "without the label":
        rig.nodes.unlabelled.add(rig.name(first))
    end(rig, how)
    worked = 0
    for _ in range(100):
        outcome = await rig.step()
        if meanwhile == "restarts":
            rig.restart()
        if works(rig, operation, first, boot=boot):
            worked += 1
            assert tainted(rig, first)
        if outcome in (Done(), Gone()):
            break
    assert worked
    assert outcome == (Gone() if how == "deleted" else Done())
    assert not rig.marks.marked
    assert len(rig.calls()) == 1


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("operation", ["Replace", "Delete", "Move"])
async def test_nothing_is_left_of_an_operation_whose_node_ends_or_moves(
    rig: OperationRig, operation: str, how: str
) -> None:
    rig.apply(operation, rig.ids[:1], activeDeadlineSeconds=60)
    await rig.until_state("Waiting")
    end(rig, how)
    assert await rig.rest() == (Gone() if how == "deleted" else Done())
    assert not rig.marks.marked
    assert not rig.held or how != "deleted"


async def test_a_deleted_operation_says_for_which_node_it_stays(rig: OperationRig) -> None:
    first = rig.ids[0]
    rig.apply("HealthCheck", [first])
    await rig.until_state("Waiting")
    rig.operations.remove(KEY)
    await rig.step()
    assert rig.condition("Ready")["reason"] == "Withdrawing"
    assert rig.name(first) in rig.condition("Ready")["message"]
    assert rig.held


async def test_another_operation_waits_for_a_node_that_aws_still_works_on(rig: OperationRig) -> None:
    first = rig.ids[0]
    rig.apply("HealthCheck", [first], activeDeadlineSeconds=60)
    await rig.until_state("Waiting")
    end(rig, "deadline")
    await rig.step()
    rig.apply("Reboot", [first], key=LATER)
    await rig.step(LATER)
    assert rig.states(LATER) == ["Pending"]
    await rig.rest()
    await rig.rest(LATER)
    assert rig.states(LATER) == ["Succeeded"]


async def test_a_finished_operation_is_kept_past_its_time_while_a_node_is_left_to_aws(rig: OperationRig) -> None:
    rig.apply("HealthCheck", rig.ids[:1], activeDeadlineSeconds=60, ttlSecondsAfterFinished=0)
    await rig.until_state("Waiting")
    end(rig, "deadline")
    for _ in range(10):
        await rig.step()
    assert tainted(rig, rig.ids[0])
    assert rig.operations.exists(KEY)
    await rig.until(lambda: not rig.operations.exists(KEY))
    assert not rig.marks.marked


@pytest.mark.parametrize("readable", [True, False])
@pytest.mark.parametrize("how", ["deadline", "deleted"])
async def test_a_node_on_which_nothing_of_the_call_is_seen_is_given_back_after_an_hour(
    rig: OperationRig, how: str, readable: bool
) -> None:
    first = rig.ids[0]
    rig.simulator.faults.add(Fault("BatchDeleteClusterNodes", "drop", times=1))
    rig.apply("Delete", [first], activeDeadlineSeconds=60)
    await rig.until_state("Sent")
    end(rig, how)
    if not readable:
        rig.simulator.faults.add(
            Fault("DescribeCluster", "error", code="AccessDeniedException", message="no", status=400, times=1000)
        )
    ended = rig.clock.monotonic()
    while tainted(rig, first):
        await rig.step()
    assert 3600 <= rig.clock.monotonic() - ended <= 3600 + 5 * rig.timings.poll
    assert await rig.rest() == (Gone() if how == "deleted" else Done())


async def test_a_node_that_left_kubernetes_keeps_no_deleted_operation(rig: OperationRig) -> None:
    first = rig.ids[0]
    rig.simulator.faults.add(Fault("BatchDeleteClusterNodes", "drop", times=1))
    rig.apply("Delete", [first])
    await rig.until_state("Sent")
    rig.nodes.absent.add(rig.name(first))
    end(rig, "deleted")
    started = rig.clock.monotonic()
    assert await rig.rest() == Gone()
    assert rig.clock.monotonic() - started < rig.timings.poll
