"""A scale-in that nothing can carry out now costs no job: no node is tainted, no pod evicted, no volume detached."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.controllers.test_scale_in_workloads import Kubernetes, gpu
from tests.unit.controllers.test_scale_in_workloads import kube as kube  # a fixture


def another_type(kube: Kubernetes, wanted: dict[str, Any]) -> None:
    """AWS changes no type of an existing group."""
    wanted["instanceGroups"][0]["instanceType"] = "ml.p4d.24xlarge"


def cluster_failed(kube: Kubernetes, wanted: dict[str, Any]) -> None:
    with kube.rig.simulator.core.present() as sim:
        (cluster,) = sim.account.clusters()
        cluster.status = "Failed"


HOLDS = {"ImmutableDiffers": another_type, "ClusterFailed": cluster_failed}
Holds = Callable[[Kubernetes, dict[str, Any]], None]


@pytest.mark.parametrize("reason", HOLDS)
@pytest.mark.parametrize("handling", ["Wait", "Drain"])
async def test_nothing_is_done_on_nodes_that_cannot_end(kube: Kubernetes, handling: str, reason: str) -> None:
    for instance in kube.instances():
        kube.run(f"job-{instance}", instance)
        kube.volumes[instance] = [f"team-a/data-{instance}"]
    wanted = gpu(3, runningWorkloads=handling)
    HOLDS[reason](kube, wanted)
    kube.rig.apply(wanted)
    await kube.rig.rest()
    await kube.rig.idle(1800)
    assert (kube.held, kube.evicted, kube.asked, kube.deleted()) == ([], [], set(), [])
    assert kube.needed == {}
    assert kube.rig.condition("Ready")["reason"] == reason
    assert "Meanwhile the nodes of gpu that are to end stay" in kube.rig.condition("Ready")["message"]
    assert kube.rig.calls("UpdateCluster") == []


@pytest.mark.parametrize("reason", HOLDS)
async def test_what_was_drained_is_given_back_and_drained_again_later(kube: Kubernetes, reason: str) -> None:
    for instance in kube.instances():
        kube.run(f"job-{instance}", instance)
    kube.rig.apply(gpu(3))
    await kube.rig.until("WaitingForWorkloads")
    await kube.rig.step()
    assert kube.held
    wanted = gpu(3)
    HOLDS[reason](kube, wanted)
    kube.rig.apply(wanted)
    await kube.rig.until(reason)
    assert kube.held == []
    with kube.rig.simulator.core.present() as sim:
        (cluster,) = sim.account.clusters()
        cluster.status = "InService"
    kube.pods.pop()
    kube.rig.apply(gpu(3))
    await kube.rig.rest()
    assert len(kube.deleted()) == 1


async def test_a_failed_cluster_takes_a_count_that_ends_no_node(kube: Kubernetes) -> None:
    kube.rig.simulator.world.limit_capacity("research", "gpu", 4)
    kube.rig.apply(gpu(6))
    await kube.rig.until("CapacityShortage")
    cluster_failed(kube, {})
    kube.rig.apply(gpu(4))
    await kube.rig.rest()
    assert [call.operation for call in kube.rig.calls()][-1] == "UpdateCluster"
    assert len(kube.instances()) == 4
