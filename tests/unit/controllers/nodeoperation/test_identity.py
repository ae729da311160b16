"""A node operation and the place of its cluster: in another Region or account no call about nodes is sent."""

from dataclasses import replace

import pytest
from tests.unit.controllers.nodeoperation.rig import CLUSTER_KEY, EKS, OperationRig
from tests.unit.core.builders import ARN, cluster

from hyperpod_operator.api.names import Reason
from hyperpod_operator.controllers.nodeoperation.observe import apart
from hyperpod_operator.core.nodeoperation.snapshot import Cluster
from hyperpod_operator.core.outcome import Done
from hyperpod_operator.core.ports import Key

OTHER = {"Region": ("us-west-2", "eu-west-1"), "account": ("111122223333", "999988887777")}


def start_elsewhere(rig: OperationRig, what: str) -> None:
    """A new process with another Region or another account's credentials."""
    if what == "Region":
        rig.cloud._settings = replace(rig.cloud._settings, region=OTHER[what][1])
    else:
        rig.cloud._account = OTHER[what][1]
    rig.restart()


def come_back(rig: OperationRig) -> None:
    rig.cloud._settings = replace(rig.cloud._settings, region="us-west-2")
    rig.cloud._account = "111122223333"
    rig.restart()


@pytest.mark.parametrize("state", ["", "Draining", "Waiting"])
@pytest.mark.parametrize("what", OTHER)
async def test_another_place_asks_about_no_node_and_the_right_one_goes_on(
    rig: OperationRig, what: str, state: str
) -> None:
    node = rig.ids[0]
    if state == "Draining":
        rig.pods.add("train", rig.name(node))
        rig.pods.refused["train"] = "budget ml/train allows 0 disruptions"
    rig.apply("Replace", [node])
    if state:
        await rig.until_state(state)
    arn, calls, states = rig.status_of().get("clusterArn"), len(rig.calls()), rig.states()
    if not state:
        rig.clusters.set_status(CLUSTER_KEY, {"clusterArn": rig.arn})
    start_elsewhere(rig, what)
    rig.pods.refused.clear()
    for _ in range(10):
        await rig.step()
    assert rig.condition("Ready")["reason"] == "WrongAccountOrRegion"
    assert f"another {what}" in rig.condition("Ready")["message"]
    assert (rig.status_of().get("clusterArn"), rig.states(), len(rig.calls())) == (arn, states, calls)
    come_back(rig)
    assert await rig.rest() == Done()
    assert rig.states() == ["Succeeded"]
    assert len(rig.calls()) == 1


@pytest.mark.parametrize("what", OTHER)
async def test_the_eks_cluster_alone_says_where_a_new_operation_belongs(rig: OperationRig, what: str) -> None:
    spec = dict(rig.clusters._bodies[CLUSTER_KEY]["spec"])
    rig.clusters.apply(CLUSTER_KEY, {**spec, "orchestrator": {"eks": {"clusterArn": EKS.replace(*OTHER[what])}}})
    rig.apply("Reboot", rig.ids[:1])
    for _ in range(5):
        await rig.step()
    assert rig.condition("Accepted")["reason"] == "WrongAccountOrRegion"
    assert "EKS cluster of HyperPodCluster" in rig.condition("Ready")["message"]
    assert rig.calls() == []


@pytest.mark.parametrize("operation", ["Replace", "Delete", "Reboot"])
async def test_an_operation_ends_with_its_cluster_and_not_on_the_next_one_of_that_name(
    rig: OperationRig, operation: str
) -> None:
    rig.apply(operation, rig.ids[:2], maxConcurrent=1)
    await rig.until_state("Waiting")
    rig.simulator.world.delete_out_of_band(CLUSTER_KEY.name, at_once=True)
    rig.clusters._bodies.pop(CLUSTER_KEY)
    arn = rig.add_cluster(CLUSTER_KEY, nodes=3)
    calls = len(rig.calls())
    await rig.rest()
    assert "Succeeded" not in rig.states()
    assert arn in str(rig.entries())
    assert len(rig.calls()) == calls


async def test_a_restored_operation_touches_no_node_of_a_cluster_that_an_earlier_object_owns(rig: OperationRig) -> None:
    """A backup that was restored gives both objects a new uid; the tags of the cluster have the old one."""
    spec = dict(rig.clusters._bodies.pop(CLUSTER_KEY)["spec"])
    rig.clusters.apply(CLUSTER_KEY, spec)
    rig.apply("Replace", rig.ids[:1])
    for _ in range(5):
        await rig.step()
    assert rig.condition("Accepted")["reason"] == "NotOwned"
    assert rig.calls() == []


async def test_no_node_moves_to_a_cluster_that_lies_elsewhere(rig: OperationRig) -> None:
    rig.apply("Move", rig.ids[:1], move={"clusterRef": {"name": "far"}, "instanceGroupName": "spare"})
    far = Key("team", "far")
    eks = EKS.replace("us-west-2", "eu-west-1")
    spec = dict(rig.clusters._bodies[CLUSTER_KEY]["spec"])
    rig.clusters.apply(far, {**spec, "orchestrator": {"eks": {"clusterArn": eks}}})
    for _ in range(5):
        await rig.step()
    assert rig.condition("Ready")["reason"] == "WrongAccountOrRegion"
    assert rig.calls() == []


@pytest.mark.parametrize("what", OTHER)
def test_two_clusters_of_which_one_lies_elsewhere_exchange_no_node(what: str) -> None:
    here, there = seen(ARN), seen(ARN.replace(*OTHER[what]))
    assert apart(here, here) is None
    found = apart(here, there)
    assert found is not None
    assert (found.reason, found.final) == (Reason.WRONG_ACCOUNT_OR_REGION, False)
    assert OTHER[what][1] in found.message


def seen(arn: str) -> Cluster:
    return Cluster(observed=cluster(arn=arn), instances={}, tags={}, uid="uid-1", eks_cluster_arn=EKS)
