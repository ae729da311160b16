"""Each operation from its creation to its end, in a world where nothing goes wrong."""

from typing import Any

import pytest
from tests.unit.controllers.nodeoperation.conftest import MakeRig
from tests.unit.controllers.nodeoperation.rig import CLUSTER_KEY, KEY, OperationRig

from hyperpod_operator.core.outcome import Done
from hyperpod_operator.core.ports import Key

OPERATIONS = ["Reboot", "Replace", "Delete", "Move", "HealthCheck"]
CALLED = {
    "Reboot": "BatchRebootClusterNodes",
    "Replace": "BatchReplaceClusterNodes",
    "Delete": "BatchDeleteClusterNodes",
    "Move": "MoveClusterNodes",
    "HealthCheck": "StartClusterHealthCheck",
}

OTHER_EKS = "arn:aws:eks:us-west-2:111122223333:cluster/other"


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_it_ends_complete_after_one_call_and_leaves_nothing_on_the_node(
    rig: OperationRig, operation: str
) -> None:
    rig.apply(operation, rig.ids[:1])
    assert await rig.rest() == Done()
    assert rig.states() == ["Succeeded"]
    assert [call.operation for call in rig.calls()] == [CALLED[operation]]
    assert rig.condition("Ready")["status"] == rig.condition("Complete")["status"] == "True"
    assert not rig.marks.marked
    assert rig.status_of()["summary"] == "1/1 done"
    assert not rig.pods.needed


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_the_pods_of_the_node_leave_before_aws_is_asked(rig: OperationRig, operation: str) -> None:
    node = rig.name(rig.ids[0])
    rig.pods.add("train", node)
    rig.pods.refused["train"] = "budget ml/train allows 0 disruptions"
    rig.apply(operation, rig.ids[:1])
    for _ in range(20):
        await rig.step()
    assert rig.calls() == []
    assert rig.entries()[0]["waitingFor"] == ["ml/train"]
    assert "allows 0 disruptions" in rig.condition("Ready")["message"]
    assert rig.condition("Ready")["reason"] == "EvictionBlocked"
    assert rig.status_of()["actor"] == "You"
    rig.pods.refused.clear()
    await rig.rest()
    assert rig.pods.evicted == ["train"]
    assert len(rig.calls()) == 1


async def test_a_pass_over_a_finished_operation_reads_and_writes_nothing(rig: OperationRig) -> None:
    rig.apply("Reboot", rig.ids[:1])
    await rig.rest()
    writes, read = list(rig.operations.writes), len(rig.simulator.log.calls())
    assert await rig.once() == Done()
    assert rig.operations.writes == writes
    assert len(rig.simulator.log.calls()) == read


async def test_nodes_follow_each_other_one_by_one(rig: OperationRig) -> None:
    rig.apply("Reboot", rig.ids)
    await rig.rest()
    assert rig.named() == [[one] for one in rig.ids]


async def test_max_in_flight_lets_nodes_go_together(rig: OperationRig) -> None:
    rig.apply("Reboot", rig.ids, maxInFlight="70%")
    await rig.rest()
    assert [len(names) for names in rig.named()] == [2, 1]


async def test_a_replaced_node_says_by_which(make_rig: MakeRig) -> None:
    rig = make_rig(replace_keeps_logical_id=False)
    old = rig.ids
    rig.apply("Replace", old[:2], maxInFlight=2)
    await rig.rest()
    new = [entry["replacedBy"] for entry in rig.entries()]
    assert sorted(new) == sorted(set(rig.ids) - set(old))


@pytest.mark.parametrize("owner", [None, "Operator"])
async def test_a_node_that_karpenter_replaces_when_pods_need_one_holds_up_no_other(
    rig: OperationRig, owner: str | None
) -> None:
    rig.simulator.world.limit_capacity(CLUSTER_KEY.name, "gpu", 0)  # no instance comes in the place of another one
    spec: dict[str, Any] = rig.clusters._bodies[CLUSTER_KEY]["spec"]
    groups = [{**one, "management": {"countOwner": owner}} if owner else one for one in spec["instanceGroups"]]
    scaling = {"mode": "Enable", "autoScalerType": "Karpenter"}
    rig.clusters.apply(CLUSTER_KEY, {**spec, "instanceGroups": groups, "autoScaling": scaling})
    rig.apply("Replace", rig.ids[:2], activeDeadlineSeconds=7200)
    await rig.rest()
    assert rig.states() == (["Failed", "Skipped"] if owner else ["Succeeded", "Succeeded"])


async def test_a_dry_run_lists_the_nodes_and_changes_nothing(rig: OperationRig) -> None:
    rig.apply("Replace", None, nodes={"selector": {"count": 2, "order": "Newest"}}, dryRun=True)
    await rig.rest()
    assert rig.states() == ["Pending", "Pending"]
    assert rig.calls() == []
    assert rig.marks.writes == 0
    assert rig.condition("Complete")["reason"] == "OperationListed"
    assert "would be carried out on hyperpod-" in rig.condition("Ready")["message"]


async def test_each_call_and_eviction_is_recorded_with_who_asked(rig: OperationRig) -> None:
    first = rig.ids[0]
    rig.pods.add("worker", rig.name(first))
    rig.apply("Reboot", [first], reason="XID 79")
    await rig.rest()
    eviction, call = rig.recorder.audited
    assert (eviction.call, eviction.changes, eviction.target) == (
        "CreateEviction",
        ("Pod ml/worker",),
        f"Node {rig.name(first)}",
    )
    assert (call.call, call.effect, call.outcome, call.code) == (
        "BatchRebootClusterNodes",
        "Disrupts",
        "Accepted",
        "OK",
    )
    assert (call.kind, str(call.key), call.target, call.message) == (
        "HyperPodNodeOperation",
        str(KEY),
        rig.arn,
        "XID 79",
    )
    assert call.changes == (f"Reboot {first}",)
    assert call.request_id == rig.calls()[0].request_id
    (entry,) = rig.status_of()["history"]
    assert (entry["call"], entry["summary"]) == ("BatchRebootClusterNodes", f"Reboot of {first}")


@pytest.mark.parametrize("operation", ["Reboot", "Replace", "Delete", "Move", "HealthCheck"])
async def test_every_operation_is_recorded_with_the_id_of_its_request(rig: OperationRig, operation: str) -> None:
    rig.apply(operation, rig.ids[:1])
    await rig.rest()
    assert [entry.request_id for entry in rig.recorder.audited] == [call.request_id for call in rig.calls()]


async def test_a_refused_eviction_is_not_recorded(rig: OperationRig) -> None:
    first = rig.ids[0]
    rig.pods.add("worker", rig.name(first))
    rig.pods.refused["worker"] = "the budget allows none"
    rig.apply("Reboot", [first])
    for _ in range(10):
        await rig.step()
    assert rig.recorder.audited == []


async def test_the_cluster_has_one_event_for_all_nodes_that_begin_together_and_says_how_they_end(
    rig: OperationRig,
) -> None:
    rig.apply("Reboot", rig.ids, maxInFlight=3)
    await rig.rest()
    on_cluster = [reason for kind, reason in rig.recorder.about if kind == "HyperPodCluster"]
    assert on_cluster[0] == "Draining"
    assert set(on_cluster[1:]) == {"NodeOperationEnded"}
    first = next(event for event in rig.recorder.events if "draining" in event.message)
    assert all(rig.name(one) in first.message for one in rig.ids)
    assert any("3/3 done" in event.message and "by HyperPod" in event.message for event in rig.recorder.events)


async def test_each_phase_of_a_node_is_measured_once(rig: OperationRig) -> None:
    rig.apply("Reboot", rig.ids[:1])
    await rig.rest()
    assert rig.recorder.phases == [("Reboot", "Drain"), ("Reboot", "Total"), ("Reboot", "Effect")]


async def test_a_node_moves_to_a_group_of_another_cluster(rig: OperationRig) -> None:
    other = rig.add_cluster(Key("team", "other"), nodes=1, eks=OTHER_EKS)
    move = {"instanceGroupName": "spare", "clusterRef": {"name": "other"}}
    rig.apply("Move", rig.ids[:1], move=move)
    await rig.rest()
    (call,) = rig.calls("MoveClusterNodes")
    assert (call.parameters["SourceClusterArn"], call.parameters["TargetClusterArn"]) == (rig.arn, other)
    assert rig.states() == ["Succeeded"]
    assert not rig.marks.marked


async def test_nothing_moves_to_a_cluster_that_another_object_owns(rig: OperationRig) -> None:
    key = Key("team", "other")
    rig.add_cluster(key, nodes=1, eks=OTHER_EKS)
    spec = rig.clusters._bodies[key]["spec"]
    del rig.clusters._bodies[key]
    rig.clusters.apply(key, spec)
    rig.apply("Move", rig.ids[:1], move={"instanceGroupName": "spare", "clusterRef": {"name": "other"}})
    for _ in range(10):
        await rig.step()
    assert rig.calls() == []
