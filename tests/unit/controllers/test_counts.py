"""Counts that others change: a pass repeats what is theirs, and one group never holds up another."""

from dataclasses import replace
from typing import Any

import boto3
import pytest
from tests.unit.controllers.rig import Rig
from tests.unit.core.builders import group_spec, spec

from hyperpod_operator.aws.call.caller import Caller
from hyperpod_operator.aws.sagemaker.clusters import SageMaker
from hyperpod_operator.core.outcome import Done
from hyperpod_testbed.simulator.faults import Fault


def sagemaker() -> Any:
    """Somebody else's client."""
    return boto3.client("sagemaker", region_name="us-west-2")


def nodes_of(group: str, cluster: str = "research") -> list[str]:
    """Ids of the instances of a group, as ListClusterNodes has them."""
    pages = sagemaker().get_paginator("list_cluster_nodes").paginate(ClusterName=cluster)
    summaries = [summary for page in pages for summary in page["ClusterNodeSummaries"]]
    return sorted(summary["InstanceId"] for summary in summaries if summary["InstanceGroupName"] == group)


def with_pool(**labels: str) -> dict[str, Any]:
    """A group whose count somebody else owns, with a minimum, and one of the operator's."""
    base = {"kubernetesConfig": {"labels": labels}} if labels else {}
    return spec(
        instanceGroups=[
            group_spec(
                "pool", 4, instanceType="ml.m5.xlarge", minInstanceCount=3, management={"countOwner": "External"}
            ),
            group_spec("base", 1, instanceType="ml.m5.xlarge", **base),
        ]
    )


async def test_an_autoscaler_below_the_minimum_stops_neither_the_cluster_nor_edits_of_other_groups(rig: Rig) -> None:
    rig.apply(with_pool())
    await rig.rest()
    sagemaker().batch_delete_cluster_nodes(ClusterName="research", NodeIds=nodes_of("pool")[:2])
    rig.simulator.clock.advance(1200)
    assert isinstance(await rig.rest(), Done)
    assert rig.operations().count("UpdateCluster") == 0
    assert rig.condition("Ready")["status"] == "True"
    assert rig.condition("SpecSynced")["reason"] == "MinimumAboveCount"
    rig.apply(with_pool(team="a"))
    assert isinstance(await rig.rest(), Done)
    assert rig.operations().count("UpdateCluster") == 1
    assert len(nodes_of("pool")) == 2
    assert rig.condition("Ready")["status"] == "True"


async def test_a_group_that_aws_refuses_does_not_hold_up_an_edit_of_another(rig: Rig) -> None:
    """A new group with a type that AWS does not have, and a label for a group that is there."""
    rig.apply(with_pool())
    await rig.rest()
    wanted = with_pool(team="a")
    wanted["instanceGroups"].append(group_spec("odd", 1, instanceType="ml.no-such.thing"))
    rig.apply(wanted)
    await rig.idle(1200)
    assert rig.condition("Stalled")["reason"] == "SpecRejected"
    assert [entry["instanceGroupName"] for entry in rig.status["rejectedGroups"]] == ["odd"]
    described = sagemaker().describe_cluster(ClusterName="research")
    base = next(item for item in described["InstanceGroups"] if item["InstanceGroupName"] == "base")
    assert base["KubernetesConfig"]["DesiredLabels"] == {"team": "a"}


def named(count: int, spare: int = 1) -> dict[str, Any]:
    """A group of workers, and one that can take them over."""
    return spec(
        instanceGroups=[
            group_spec("w", count, instanceType="ml.m5.xlarge"),
            group_spec("spare", spare, instanceType="ml.m5.xlarge"),
        ]
    )


async def test_deleting_a_named_node_and_then_lowering_the_count_leaves_the_others_alone(rig: Rig) -> None:
    rig.apply(named(4))
    await rig.rest()
    first, *others = nodes_of("w")
    sagemaker().batch_delete_cluster_nodes(ClusterName="research", NodeIds=[first])
    await rig.idle(1800)
    assert rig.condition("SpecSynced")["reason"] == "CountOffset"
    rig.apply(named(3))
    await rig.idle(1800)
    assert "UpdateCluster" not in rig.operations()
    assert nodes_of("w") == others
    assert rig.condition("SpecSynced")["reason"] == "InSync"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(operation="ListClusterEvents", kind="error"),
        Fault(operation="ListClusterEvents", kind="body", body="html", status=200),
        Fault(operation="ListClusterEvents", kind="body", body="truncated", status=200),
    ],
    ids=["error", "page of a proxy", "half an answer"],
)
async def test_a_count_that_only_events_explain_waits_for_them(rig: Rig, fault: Fault) -> None:
    """Without them the operator would buy a node again that somebody deleted by name."""
    rig.apply(named(4))
    await rig.rest()
    rig.simulator.faults.add(fault)
    sagemaker().batch_delete_cluster_nodes(ClusterName="research", NodeIds=nodes_of("w")[:1])
    await rig.idle(1800)
    assert "UpdateCluster" not in rig.operations()
    rig.simulator.faults.clear()
    await rig.idle(1800)
    assert "UpdateCluster" not in rig.operations()
    assert rig.condition("SpecSynced")["reason"] == "CountOffset"


async def test_a_moved_node_is_neither_bought_again_nor_held(rig: Rig) -> None:
    rig.apply(named(4))
    await rig.rest()
    arn, moved = rig.status["clusterArn"], nodes_of("w")[0]
    sagemaker().move_cluster_nodes(
        SourceClusterArn=arn,
        SourceInstanceGroupName="w",
        TargetClusterArn=arn,
        TargetInstanceGroupName="spare",
        NodeIds=[moved],
    )
    await rig.idle(3600)
    assert "UpdateCluster" not in rig.operations()
    assert moved in nodes_of("spare")
    groups = rig.status["instanceGroups"]
    offsets = {entry["instanceGroupName"]: entry["memory"]["countOffset"]["value"] for entry in groups}
    assert offsets == {"w": -1, "spare": 1}
    assert rig.condition("Ready")["status"] == "True"
    rig.restart()
    await rig.idle(3600)
    assert "UpdateCluster" not in rig.operations()


@pytest.mark.parametrize("owner", ["External", "Operator"])
async def test_a_count_that_changes_while_the_call_waits_for_its_turn_is_not_undone(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, owner: str
) -> None:
    """Somebody scales the group after the pass looked and before the call leaves."""

    def wanted(**labels: str) -> dict[str, Any]:
        extra = {"kubernetesConfig": {"labels": labels}} if labels else {}
        return spec(
            instanceGroups=[
                group_spec("w", 3, instanceType="ml.m5.xlarge", management={"countOwner": owner}),
                group_spec("q", 1, instanceType="ml.m5.xlarge", **extra),
            ]
        )

    rig.apply(wanted())
    await rig.rest()
    real = Caller.write

    async def scaled_meanwhile(caller: Caller, operation: str, *args: Any, **fields: Any) -> Any:
        if operation == "UpdateCluster":
            rig.simulator.world.scale_out_of_band("research", "w", 8)
        return await real(caller, operation, *args, **fields)

    monkeypatch.setattr(Caller, "write", scaled_meanwhile)
    rig.apply(wanted(team="a"))
    await rig.idle(1800)
    assert len(rig.calls("UpdateCluster")) == 1
    assert len(nodes_of("w")) == 8


async def test_karpenter_that_others_enabled_owns_the_counts_until_the_spec_disables_it(rig: Rig) -> None:
    role = "arn:aws:iam::111122223333:role/hp-karpenter"
    groups = [group_spec("w", 3, instanceType="ml.m5.xlarge"), group_spec("q", 1, instanceType="ml.m5.xlarge")]
    rig.apply(spec(instanceGroups=groups))
    await rig.rest()
    scaling = {"Mode": "Enable", "AutoScalerType": "Karpenter"}
    sagemaker().update_cluster(ClusterName="research", AutoScaling=scaling, ClusterRole=role)
    await rig.idle(900)
    calls = len(rig.calls())
    for count in (1, 5):
        rig.simulator.world.scale_out_of_band("research", "w", count)
        await rig.idle(1800)
        assert len(rig.calls()) == calls
        assert (rig.condition("Ready")["status"], len(nodes_of("w"))) == ("True", count)
    rig.apply(spec(instanceGroups=groups, clusterRole=role, autoScaling={"mode": "Disable"}))
    await rig.idle(1800)
    assert rig.condition("Ready")["reason"] == "ScaledOutside"
    rig.simulator.world.scale_out_of_band("research", "w", 1)
    await rig.idle(1800)
    assert len(nodes_of("w")) == 3


async def test_one_answer_without_the_autoscaler_scales_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    scaling = {"mode": "Enable", "autoScalerType": "Karpenter"}
    wanted = spec(instanceGroups=[group_spec("w", 3, instanceType="ml.m5.xlarge")])
    rig.apply({**wanted, "autoScaling": scaling, "clusterRole": "arn:aws:iam::111122223333:role/hp-karpenter"})
    await rig.rest()
    rig.apply(wanted)
    rig.simulator.world.scale_out_of_band("research", "w", 1)
    await rig.idle(900)
    real, hidden = SageMaker.describe, [True]

    async def without(clusters: SageMaker, *, name: str) -> Any:
        found = await real(clusters, name=name)
        if found is None or not hidden:
            return found
        hidden.clear()
        shown = {key: value for key, value in found.members.items() if key != "autoScaling"}
        return replace(found, members=shown, auto_scaling_status="")

    monkeypatch.setattr(SageMaker, "describe", without)
    await rig.idle(1800)
    assert not hidden
    assert "UpdateCluster" not in rig.operations()


async def test_a_group_that_others_scaled_in_below_its_minimum_was_not_rolled_back(rig: Rig) -> None:
    rig.apply(spec(instanceGroups=[group_spec("w", 4, minInstanceCount=3)]))
    await rig.rest()
    rig.simulator.world.scale_out_of_band("research", "w", 1)
    await rig.step()
    assert rig.operations() == ["CreateCluster", "UpdateCluster"]
    await rig.rest()
    assert "UpdateRolledBack" not in rig.reasons()
    assert len(nodes_of("w")) == 4


async def test_a_count_that_falls_before_the_window_of_the_minimum_is_over_is_put_down_to_nobody_for_certain(
    rig: Rig,
) -> None:
    rig.simulator.world.limit_capacity("research", "w", 2)
    rig.apply(spec(instanceGroups=[group_spec("w", 8, minInstanceCount=4)]))
    await rig.idle(1800)
    rig.simulator.world.scale_out_of_band("research", "w", 3)
    await rig.until("UpdateRolledBack")
    ready = rig.condition("Ready")["message"]
    assert "fell to 3 before the group reached its minInstanceCount 4" in ready
    assert "others lowered it, or AWS rolled an earlier update of the group back" in ready
    await rig.idle(900)
    assert rig.operations() == ["CreateCluster", "UpdateCluster"]


async def test_a_group_that_is_scaled_to_nothing_misses_no_nodes(rig: Rig) -> None:
    rig.apply(spec(instanceGroups=[group_spec("w", 3, instanceType="ml.m5.xlarge")]))
    await rig.rest()
    rig.apply(spec(instanceGroups=[group_spec("w", 0, instanceType="ml.m5.xlarge")]))
    while rig.condition("Ready").get("message") != "0/0 nodes in 1 group.":
        await rig.step()
        assert "does not show" not in rig.condition("Ready")["message"]


async def test_a_minimum_that_is_never_reached_is_tried_with_growing_pauses_and_said(rig: Rig) -> None:
    rig.look_seldom()
    rig.simulator.world.limit_capacity("research", "w", 4)
    rig.apply(spec(instanceGroups=[group_spec("w", 16, minInstanceCount=8)]))
    await rig.until("UpdateRolledBack", passes=2000)
    assert rig.operations() == ["CreateCluster"]
    ready = rig.condition("Ready")["message"]
    assert "did not reach its minInstanceCount 8" in ready
    assert "ended 4 running nodes" in ready
    (event,) = [event for event in rig.recorder.events if event.reason == "UpdateRolledBack"]
    assert (event.type, "ended 4 running nodes" in event.message) == ("Warning", True)
    await rig.idle(60)
    assert rig.operations() == ["CreateCluster", "UpdateCluster"]
    await rig.until("UpdateRolledBack", passes=2000)
    assert rig.operations() == ["CreateCluster", "UpdateCluster"]
    (entry,) = rig.status["rejectedGroups"]
    assert entry["attempts"] == 2


async def test_a_rollback_says_what_kept_the_group_below_its_minimum(rig: Rig) -> None:
    rig.look_seldom()
    rig.simulator.world.fail_lifecycle("research", "w")
    rig.apply(spec(instanceGroups=[group_spec("w", 16, minInstanceCount=8)]))
    await rig.until("UpdateRolledBack", passes=2000)
    ready = rig.condition("Ready")["message"]
    assert "AWS said: Lifecycle scripts did not run successfully." in ready
    assert "Read the LifecycleConfig log stream" in ready
    assert "reserve capacity" not in ready


async def test_nodes_that_a_rollback_keeps_are_not_said_to_have_ended(rig: Rig) -> None:
    rig.look_seldom()
    rig.apply(spec(instanceGroups=[group_spec("w", 4)]))
    await rig.rest()
    rig.simulator.world.limit_capacity("research", "w", 5)
    rig.apply(spec(instanceGroups=[group_spec("w", 8, minInstanceCount=6)]))
    await rig.until("UpdateRolledBack", passes=2000)
    assert "rolled it back to 4 and ended 1 running node." in rig.condition("Ready")["message"]


async def test_a_node_that_others_add_where_some_were_deleted_by_name_stays(rig: Rig) -> None:
    rig.apply(named(4))
    await rig.rest()
    sagemaker().batch_delete_cluster_nodes(ClusterName="research", NodeIds=nodes_of("w")[:2])
    await rig.idle(1800)
    rig.simulator.world.scale_out_of_band("research", "w", 3)
    await rig.idle(1800)
    assert "UpdateCluster" not in rig.operations()
    assert rig.condition("Ready")["reason"] == "ScaledOutside"
    assert (
        "The spec has 4 for group w, and nodes that were moved or deleted by name make it 2."
        in (rig.condition("Ready")["message"])
    )
