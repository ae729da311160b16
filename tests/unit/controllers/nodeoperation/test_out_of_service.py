"""Operations on nodes of a cluster that AWS does not call InService, and calls that AWS refuses whatever the node."""

import itertools

import pytest
from tests.unit.controllers.nodeoperation.conftest import MakeRig
from tests.unit.controllers.nodeoperation.rig import OperationRig

from hyperpod_testbed.simulator import Fault


def becomes(rig: OperationRig, status: str) -> None:
    """AWS calls the cluster so from now on."""
    with rig.simulator.core.change() as sim:
        (cluster,) = sim.account.clusters()
        cluster.status = status


def occupy(rig: OperationRig, *, blocked: bool = False) -> None:
    """A pod on each node."""
    for number, one in enumerate(rig.ids):
        rig.pods.add(f"train-{number}", rig.name(one))
        if blocked and number:
            rig.pods.refused[f"train-{number}"] = "budget"


async def hours(rig: OperationRig, number: int) -> None:
    end = rig.clock.now().timestamp() + number * 3600
    while rig.clock.now().timestamp() < end:
        await rig.step()


@pytest.mark.parametrize(
    ("operation", "answer", "status"),
    [
        ("Reboot", "ValidationException", "Failed"),
        ("Replace", "items", "Failed"),
        ("Delete", "ConflictException", "Failed"),
        ("Reboot", "ConflictException", "Updating"),
    ],
)
async def test_one_node_is_tried_and_no_other_follows_while_aws_refuses_it(
    make_rig: MakeRig, operation: str, answer: str, status: str
) -> None:
    rig = make_rig(blocked_batch_error=answer)
    becomes(rig, status)
    occupy(rig)
    ids = rig.ids
    rig.apply(operation, ids, maxInFlight=3)
    await hours(rig, 2)
    assert (rig.pods.evicted, set(map(tuple, rig.named()))) == (["train-0"], {tuple(ids[:1])})
    assert (rig.states(), rig.marks.marked) == (["Draining", "Pending", "Pending"], {rig.name(ids[0])})
    times = [call.simulated_time for call in rig.calls()]
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert (pauses[:4] == sorted(pauses[:4]), pauses[-1] > 500, len(times) < 20) == (True, True, True)
    said = rig.condition("Ready")
    assert said["reason"] == ("ClusterFailed" if status == "Failed" else "ClusterBusy")
    assert f"HyperPodCluster research is {status} in AWS" in said["message"]
    assert ("kubectl describe hpc research -n team" in said["message"]) == (status == "Failed")
    assert "no further pod leaves" in rig.entries()[1]["message"]
    becomes(rig, "InService")
    await rig.rest()
    assert rig.states() == ["Succeeded"] * 3


@pytest.mark.parametrize(
    ("operation", "status"), [("Move", "Failed"), ("Move", "Updating"), ("Delete", "SystemUpdating")]
)
async def test_no_pod_leaves_for_a_call_that_aws_documents_to_refuse(
    rig: OperationRig, operation: str, status: str
) -> None:
    becomes(rig, status)
    occupy(rig)
    rig.apply(operation, rig.ids[:2], maxInFlight=2)
    await hours(rig, 1)
    assert (rig.states(), rig.pods.evicted, rig.calls(), rig.marks.writes) == (["Pending"] * 2, [], [], 0)
    said = rig.condition("Ready")
    assert said["reason"] == ("ClusterFailed" if status == "Failed" else "ClusterBusy")
    assert f"is {status} in AWS" in said["message"]
    becomes(rig, "InService")
    await rig.rest()
    assert rig.states() == ["Succeeded", "Succeeded"]


@pytest.mark.parametrize("denied", [False, True], ids=["the cluster failed", "the role lacks the right"])
async def test_nodes_that_drain_are_given_back_when_aws_refuses_the_first_one(
    rig: OperationRig, *, denied: bool
) -> None:
    occupy(rig, blocked=True)
    rig.apply("Reboot", rig.ids, maxInFlight=3)
    await rig.until(lambda: rig.pods.evicted == ["train-0"])
    if denied:
        fault = Fault("BatchRebootClusterNodes", "error", code="AccessDeniedException", message="no", status=400)
        rig.simulator.faults.add(fault)
    else:
        becomes(rig, "Failed")
    await hours(rig, 1)
    rig.pods.refused.clear()
    await hours(rig, 1)
    assert (rig.states(), rig.pods.evicted) == (["Draining", "Pending", "Pending"], ["train-0"])
    assert rig.marks.marked == {rig.name(rig.ids[0])}
    assert rig.condition("Stalled")["reason"] == ("PermissionDenied" if denied else "ClusterFailed")
    rig.simulator.faults.clear()
    becomes(rig, "InService")
    await rig.rest()
    assert rig.states() == ["Succeeded"] * 3


async def test_nodes_that_were_drained_before_the_cluster_failed_are_asked_about_in_one_call(rig: OperationRig) -> None:
    rig.apply("Reboot", rig.ids, maxInFlight=3)
    await rig.until(lambda: rig.states() == ["Draining"] * 3)
    becomes(rig, "Failed")
    await hours(rig, 2)
    assert {len(named) for named in rig.named()} == {3}
    assert 3 < len(rig.named()) < 20


async def test_a_node_with_volumes_is_given_back_before_its_claims_detach_for_nothing(rig: OperationRig) -> None:
    first, second, _ = rig.ids
    rig.claims[second] = ("ml/data",)
    rig.apply("Replace", [first, second], maxInFlight=2)
    await rig.until(lambda: rig.states() == ["Draining"] * 2)
    becomes(rig, "Failed")
    await hours(rig, 1)
    assert (rig.states(), rig.marks.marked) == (["Draining", "Pending"], {rig.name(first)})
    rig.claims.clear()
    becomes(rig, "InService")
    await rig.rest()
    assert rig.states() == ["Succeeded"] * 2
