"""An approval of several changes, of which some wait for pods: the others are sent, and nothing ends otherwise."""

from typing import Any

import pytest
from tests.unit.controllers.rig import Rig
from tests.unit.controllers.test_scale_in_workloads import Kubernetes
from tests.unit.core.builders import group_spec, spec

from hyperpod_operator.api.names import APPROVE_PLAN
from hyperpod_operator.core.engine.call import Effect


def script(version: str) -> dict[str, Any]:
    return {"lifeCycleConfig": {"sourceS3Uri": f"s3://sagemaker-x/{version}", "onCreate": "on_create.sh"}}


def both(gpu: int, version: str, *, of: str = "cpu", **management: Any) -> dict[str, Any]:
    """The groups gpu and cpu, with another script in one of them."""
    made = {"gpu": group_spec(count=gpu), "cpu": group_spec("cpu", 1, instanceType="ml.m5.4xlarge")}
    made[of] |= script(version)
    groups = list(made.values())
    return spec(instanceGroups=groups, nodeProvisioningMode="Continuous", management=management)


@pytest.fixture
async def kube(rig: Rig) -> Kubernetes:
    made = Kubernetes(rig)
    rig.apply(both(4, "lifecycle"))
    await rig.rest()
    made.join()
    made.join("cpu")
    await rig.rest()
    return made


async def approved(kube: Kubernetes, given: dict[str, Any]) -> dict[str, str]:
    kube.rig.apply(given)
    await kube.rig.rest()
    approval = {APPROVE_PLAN: kube.rig.status["plan"]["digest"]}
    kube.rig.apply(given, annotations=approval)
    for _ in range(20):
        await kube.rig.step()
    return approval


@pytest.mark.parametrize("of", ["cpu", "gpu"])
async def test_what_waits_for_no_pods_is_sent(kube: Kubernetes, of: str) -> None:
    for instance in kube.instances():
        kube.run(f"job-{instance}", instance)
    await approved(kube, both(2, "v2", of=of, changePolicy="ApproveAll"))
    call = kube.rig.calls("UpdateCluster")[-1]
    groups = {one["InstanceGroupName"]: one for one in call.parameters["InstanceGroups"]}
    assert groups[of]["LifeCycleConfig"]["SourceS3Uri"] == "s3://sagemaker-x/v2"
    assert groups["gpu"]["InstanceCount"] == 4
    assert kube.deleted() == []
    assert len(kube.rig.status["lastApproval"]["sent"]) == 1


async def test_what_waited_goes_on_under_the_same_approval(kube: Kubernetes) -> None:
    for instance in kube.instances():
        kube.run(f"job-{instance}", instance)
    await approved(kube, both(2, "v2", of="gpu", changePolicy="ApproveAll"))
    kube.pods.clear()
    await kube.rig.rest()
    assert len(kube.instances()) == 2
    assert kube.rig.status["lastApproval"]["completedAt"]


async def test_pods_are_not_ended_by_an_edit_after_the_approval(kube: Kubernetes) -> None:
    for instance in kube.instances():
        kube.run(f"job-{instance}", instance)
    approval = await approved(kube, both(2, "lifecycle", changePolicy="ApproveAll"))
    assert len(kube.instances()) == 4
    given = both(2, "lifecycle", changePolicy="ApproveAll", disruption={"runningWorkloads": "Ignore"})
    kube.rig.apply(given, annotations=approval)
    for _ in range(20):
        await kube.rig.step()
    assert len(kube.instances()) == 4
    assert kube.rig.condition("PlanApproved")["reason"] == "PlanStale"


async def test_the_audit_trail_says_what_each_call_changed(kube: Kubernetes) -> None:
    for instance in kube.instances():
        kube.run(f"job-{instance}", instance)
    await approved(kube, both(2, "v2", of="gpu", changePolicy="ApproveAll"))
    kube.pods.clear()
    await kube.rig.rest()
    entries = {one.call: one for one in kube.rig.recorder.audited if one.call not in ("CreateCluster", "EvictPod")}
    update, deletion = entries["UpdateCluster"], entries["BatchDeleteClusterNodes"]
    assert (update.effect, any("instanceCount" in line for line in update.changes)) == (Effect.CHANGES, False)
    assert deletion.effect is Effect.DESTROYS
    assert not any("lifeCycleConfig" in line for line in deletion.changes)
