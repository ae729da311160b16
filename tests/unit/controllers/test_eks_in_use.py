"""CreateCluster is refused because the EKS cluster has a HyperPod cluster: which one, and does it go?"""

from typing import Any

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_life import two
from tests.unit.core.builders import EKS

from hyperpod_operator.controllers.cluster.eks_use import MOST
from hyperpod_operator.core.outcome import Blocked, Done
from hyperpod_testbed.simulator import Fault

pytestmark = pytest.mark.slow

TAKEN = f"Specified cluster external resource id {EKS} already in use."


def refused(operation: str, message: str = "", **fields: Any) -> Fault:
    fields = {"code": "ValidationException", **fields}
    return Fault(operation=operation, kind="error", status=400, message=message, **fields)


def another(rig: Rig) -> None:
    rig.simulator.world.create_foreign_cluster("other", request={"Orchestrator": {"Eks": {"ClusterArn": EKS}}})


async def delete_other(rig: Rig) -> None:
    clusters = rig.cloud.clusters(region="")
    found = await clusters.describe(name="other")
    assert found is not None
    await clusters.delete(arn=found.arn)


async def test_a_cluster_that_stays_needs_a_person_and_is_named(rig: Rig) -> None:
    another(rig)
    rig.apply(two())
    assert isinstance(await rig.rest(), Blocked)
    assert rig.condition("Stalled")["reason"] == "EKSClusterInUse"
    assert "HyperPod cluster other (InService)" in rig.condition("Ready")["message"]


async def test_a_cluster_that_stays_is_tried_each_minute_for_hours(rig: Rig) -> None:
    another(rig)
    rig.apply(two())
    await rig.idle(3 * 3600)
    assert 170 <= len(rig.calls("CreateCluster")) <= 185
    await delete_other(rig)
    await rig.idle(3600)
    assert isinstance(await rig.rest(), Done)


async def test_a_cluster_that_is_going_is_waited_for_by_name(rig: Rig) -> None:
    another(rig)
    await delete_other(rig)
    rig.apply(two())
    await rig.once()
    assert rig.condition("Reconciling")["reason"] == "EKSClusterInUse"
    assert "deleting HyperPod cluster other" in rig.condition("Ready")["message"]
    assert isinstance(await rig.rest(), Done)
    assert [call.code for call in rig.calls("CreateCluster")].count("OK") == 1


async def test_a_cluster_of_another_eks_cluster_is_not_named(rig: Rig) -> None:
    rig.simulator.world.create_foreign_cluster("elsewhere")
    rig.simulator.faults.add(refused("CreateCluster", TAKEN))
    rig.apply(two())
    await rig.once()
    assert "elsewhere" not in rig.condition("Ready")["message"]
    assert "lists no HyperPod cluster of this EKS cluster" in rig.condition("Ready")["message"]


async def test_clusters_that_were_not_looked_at_are_not_taken_for_none(rig: Rig) -> None:
    for number in range(MOST + 2):
        eks = f"{EKS}-{number}"
        rig.simulator.world.create_foreign_cluster(
            f"other-{number}", request={"Orchestrator": {"Eks": {"ClusterArn": eks}}}
        )
    rig.simulator.faults.add(refused("CreateCluster", TAKEN))
    rig.apply(two())
    await rig.once()
    message = rig.condition("Ready")["message"]
    assert "AWS lists 2 HyperPod clusters more (aws sagemaker list-clusters)" in message
    assert "no HyperPod cluster of this EKS cluster" not in message


async def test_without_any_cluster_listed_it_is_waited_for_an_hour(rig: Rig) -> None:
    rig.simulator.faults.add(refused("CreateCluster", TAKEN))
    rig.apply(two())
    await rig.idle(1200)
    assert rig.condition("Reconciling")["reason"] == "EKSClusterInUse"
    assert 15 <= len(rig.calls("CreateCluster")) <= 22
    await rig.idle(3 * 3600)
    assert rig.condition("Stalled")["reason"] == "EKSClusterInUse"
    assert len(rig.calls("CreateCluster")) <= 90
    rig.simulator.faults.clear()
    await rig.idle(1800)
    assert isinstance(await rig.rest(), Done)


@pytest.mark.parametrize("operation", ["ListClusters", "DescribeCluster"])
async def test_what_cannot_be_read_is_said_and_waited_for_the_same(rig: Rig, operation: str) -> None:
    another(rig)
    rig.apply(two())
    denied = refused(operation, "not authorized", code="AccessDeniedException")
    rig.simulator.faults.add(
        Fault(**{**vars(denied), "cluster": "other"}) if operation == "DescribeCluster" else denied
    )
    await rig.once()
    assert rig.condition("Reconciling")["reason"] == "EKSClusterInUse"
    assert f"{operation}: AccessDenied" in rig.condition("Ready")["message"]
    rig.simulator.faults.clear()
    await rig.idle(120)
    assert "HyperPod cluster other" in rig.condition("Ready")["message"]


async def test_the_list_is_read_only_after_such_a_refusal(rig: Rig) -> None:
    another(rig)
    rig.simulator.faults.add(refused("CreateCluster", "No."))
    rig.apply(two())
    await rig.rest()
    assert rig.simulator.log.calls("ListClusters") == []
    assert rig.objects.exists(KEY)
