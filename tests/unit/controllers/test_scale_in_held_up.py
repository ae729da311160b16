"""A scale-in that nothing can carry out now costs no job: no node is tainted, no pod evicted, no volume detached."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.controllers.rig import KEY, Rig, pause
from tests.unit.controllers.test_scale_in_workloads import Kubernetes, gpu, held_by_jobs
from tests.unit.controllers.test_scale_in_workloads import kube as kube  # a fixture
from tests.unit.core.builders import group_spec, spec

from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.cluster.plan import Action
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.ports import StaleObject
from hyperpod_operator.core.preflight.gate import due
from hyperpod_operator.core.preflight.modes import ENFORCE


def another_type(kube: Kubernetes, wanted: dict[str, Any]) -> None:
    """AWS changes no type of an existing group."""
    wanted["instanceGroups"][0]["instanceType"] = "ml.p4d.24xlarge"


def cluster_failed(kube: Kubernetes, wanted: dict[str, Any]) -> None:
    with kube.rig.simulator.core.present() as sim:
        (cluster,) = sim.account.clusters()
        cluster.status = "Failed"


def paused(kube: Kubernetes, wanted: dict[str, Any]) -> None:
    wanted["management"] = {**wanted.get("management", {}), "paused": True}


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


@pytest.mark.parametrize("reason", [*HOLDS, "Paused"])
async def test_what_was_drained_is_given_back_and_drained_again_later(kube: Kubernetes, reason: str) -> None:
    await held_by_jobs(kube)
    wanted = gpu(3)
    (HOLDS | {"Paused": paused})[reason](kube, wanted)
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


@pytest.mark.parametrize("policy", ["Delete", "Retain"])
async def test_a_deletion_that_is_paused_gives_its_nodes_back_soon_and_drains_them_again_later(
    kube: Kubernetes, policy: str
) -> None:
    kube.run("job", kube.instances()[0])
    kube.rig.objects.delete(KEY)
    await kube.rig.until("WaitingForWorkloads")
    await kube.rig.step()
    assert kube.held
    kube.unwritable = {f"hyperpod-{kube.held[0]}": StaleObject("changed")}
    wanted = gpu(4)
    wanted["management"] = {"deletionPolicy": policy}
    paused(kube, wanted)
    kube.rig.apply(wanted)
    assert pause(await kube.rig.step()) == kube.rig.timings.debounce
    kube.unwritable.clear()
    await kube.rig.step()
    assert kube.rig.condition("Ready")["reason"] == "Paused"
    assert kube.rig.condition("Ready")["status"] == "False", "the deletion is outstanding"
    assert (kube.held, kube.needed) == ([], {})
    kube.rig.apply(gpu(4))
    await kube.rig.until("WaitingForWorkloads")
    assert kube.held
    assert kube.rig.calls("DeleteCluster") == []


async def test_a_paused_cluster_keeps_pods_off_nodes_that_aws_was_asked_to_end(kube: Kubernetes) -> None:
    kube.rig.apply(gpu(3))
    while not kube.rig.calls("BatchDeleteClusterNodes"):
        await kube.rig.step()
    asked = kube.held
    wanted = gpu(3)
    paused(kube, wanted)
    kube.rig.apply(wanted)
    await kube.rig.step()
    assert kube.rig.condition("Ready")["reason"] == "Paused"
    assert kube.held == asked != []


async def test_a_failed_cluster_takes_a_count_that_ends_no_node(kube: Kubernetes) -> None:
    kube.rig.simulator.world.limit_capacity("research", "gpu", 4)
    kube.rig.apply(gpu(6))
    await kube.rig.until("CapacityShortage")
    cluster_failed(kube, {})
    kube.rig.apply(gpu(4))
    await kube.rig.rest()
    assert [call.operation for call in kube.rig.calls()][-1] == "UpdateCluster"
    assert len(kube.instances()) == 4


class FailsNewGroups:
    """Checks that fail for every group that is to be added."""

    async def check(self, snapshot: ClusterSnapshot, action: Action) -> tuple[None, Wait | None]:
        wanted = due(snapshot, action, mode=ENFORCE)
        fails = Wait(reason=Reason.PREFLIGHT_FAILED, message="No such subnet.", after=300.0, stalled=True)
        return None, fails if wanted is not None and wanted.holds else None

    async def foresee(self, snapshot: ClusterSnapshot) -> None:
        return None


def named(*groups: str) -> dict[str, Any]:
    return spec(instanceGroups=[group_spec(name, 2) for name in groups], nodeProvisioningMode="Continuous")


async def test_a_group_whose_checks_fail_removes_no_other_one_while_pods_run_there(rig: Rig) -> None:
    """One edit replaces a group by another one."""
    kube = Kubernetes(rig)
    rig.apply(named("gpu", "old"))
    await rig.rest()
    for instance in (*kube.join("gpu"), *kube.join("old")):
        kube.run(f"job-{instance}", instance)
    rig.controller._ports = replace(rig.controller._ports, preflight=FailsNewGroups())  # type: ignore[arg-type]
    rig.apply(named("gpu", "new"))
    await rig.idle(1800)
    assert rig.operations() == ["CreateCluster"]
    assert rig.condition("Ready")["reason"] == "PreflightFailed"
    kube.pods.clear()
    await rig.idle(1800)
    (call,) = rig.calls("UpdateCluster")
    assert call.parameters["InstanceGroupsToDelete"] == ["old"]
    assert [one["InstanceGroupName"] for one in call.parameters["InstanceGroups"]] == ["gpu"]
