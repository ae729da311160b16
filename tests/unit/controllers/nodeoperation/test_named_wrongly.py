"""Nodes that are chosen by labels of their own, and nodes that are named in a way that finds none."""

from typing import Any

import pytest
from tests.unit.controllers.nodeoperation.conftest import MakeRig
from tests.unit.controllers.nodeoperation.rig import OperationRig

from hyperpod_operator.api.names import NODE_HEALTH_STATUS


async def test_nodes_are_chosen_by_labels_that_only_the_user_knows(rig: OperationRig) -> None:
    """The operator holds few of the labels of a Node: HyperPod's, its own and a few of Kubernetes."""
    _, second, _ = rig.ids
    rig.nodes.labels[rig.name(second)] = {"team": "nlp", "example.com/rack": "7"}
    rig.apply("Reboot", nodes={"selector": {"matchLabels": {"team": "nlp", "example.com/rack": "7"}}})
    await rig.rest()
    assert rig.named() == [[second]]
    assert rig.states() == ["Succeeded"]


@pytest.mark.parametrize(
    ("selector", "said"),
    [
        (
            {"matchLabels": {"node.kubernetes.io/instance-type": "g5.8xlarge"}},
            "no node has node.kubernetes.io/instance-type=g5.8xlarge, they have ml.g5.8xlarge",
        ),
        ({"instanceGroupName": "gpus"}, "no instance group gpus; it has gpu, spare"),
        ({"instanceGroupName": "spare"}, "group spare has none"),
        ({"order": "Unhealthy"}, "HyperPod and SageMaker call none of them unhealthy"),
        ({"matchLabels": {"team": "nlp"}}, "chooses no node of the cluster now."),
    ],
)
async def test_a_selector_that_finds_nothing_says_why(rig: OperationRig, selector: dict[str, Any], said: str) -> None:
    rig.apply("Reboot", nodes={"selector": selector})
    await rig.step()
    await rig.step()
    assert rig.condition("Ready")["reason"] == "WaitingForNodes"
    assert said in rig.condition("Ready")["message"]


async def test_a_selector_that_finds_nothing_in_its_time_waits_for_no_node_of_later_days(rig: OperationRig) -> None:
    rig.apply("Replace", nodes={"selector": {"order": "Unhealthy"}})
    await rig.step()
    rig.simulator.clock.advance(86400)
    await rig.rest()
    assert rig.condition("Failed")["status"] == "True"
    assert "chose no node within activeDeadlineSeconds" in rig.condition("Failed")["message"]
    rig.nodes.labels[rig.name(rig.ids[0])] = {NODE_HEALTH_STATUS: "Unschedulable"}
    await rig.rest()
    assert (rig.entries(), rig.calls()) == ([], [])


async def test_a_node_that_a_selector_finds_later_has_the_whole_time(rig: OperationRig) -> None:
    rig.apply("Reboot", nodes={"selector": {"order": "Unhealthy"}}, activeDeadlineSeconds=3600)
    await rig.step()
    rig.simulator.clock.advance(3300)
    await rig.step()
    rig.nodes.labels[rig.name(rig.ids[0])] = {NODE_HEALTH_STATUS: "Unschedulable"}
    await rig.until_state("Draining")
    rig.nodes.labels.clear()
    await rig.rest()
    assert rig.states() == ["Succeeded"]


@pytest.mark.parametrize(
    ("member", "prefix", "right"), [("nodeLogicalIds", "", "instanceIds"), ("nodeLogicalIds", "hyperpod-", "names")]
)
async def test_a_name_in_the_wrong_member_is_told_the_right_one(
    rig: OperationRig, member: str, prefix: str, right: str
) -> None:
    rig.apply("Reboot", nodes={member: [f"{prefix}{rig.ids[0]}"]})
    await rig.rest()
    assert rig.states() == ["Failed"]
    assert f"nodes.{right}" in rig.entries()[0]["message"]
    assert rig.calls() == []


async def test_a_node_that_kubernetes_has_and_aws_does_not_list_is_not_called_one_of_another_cluster(
    make_rig: MakeRig,
) -> None:
    rig = make_rig(failed_nodes="unlisted")
    first = rig.ids[0]
    rig.simulator.world.fail_node("research", first)
    rig.apply("Replace", [first])
    await rig.rest()
    message = rig.entries()[0]["message"]
    assert "Kubernetes still has its Node" in message
    assert f"describe-cluster-node --cluster-name research --node-id {first}" in message
    assert f"kubectl delete node {rig.name(first)}`" in message
    assert f"batch-replace-cluster-nodes --cluster-name research --node-ids {first}`" in message
    assert "another cluster" not in message
