"""Claims are asked to detach their volumes before a scale-in, the removal of a group or a deletion ends their node.

The claims themselves are in `tests/unit/controllers/volume`; here is what the cluster's controller asks of them.
"""

from collections.abc import Callable

import pytest
from tests.unit.controllers.rig import KEY, Rig
from tests.unit.controllers.test_scale_in_workloads import Kubernetes, gpu
from tests.unit.core.builders import group_spec, spec

from hyperpod_operator.api.names import DELETE_NODE
from hyperpod_operator.core.ports import KubernetesError

CLAIM = "team/data"


@pytest.fixture
async def kube(rig: Rig) -> Kubernetes:
    """Two nodes, the newer one with a claim's volume, the other with a pod."""
    made = Kubernetes(rig)
    rig.apply(gpu(2))
    await rig.rest()
    made.join()
    busy, chosen = made.instances()
    made.run("job", busy)
    made.volumes[chosen] = [CLAIM]
    await rig.rest()
    return made


def lower(kube: Kubernetes) -> None:
    kube.rig.apply(gpu(1))


def remove(kube: Kubernetes) -> None:
    kube.pods.clear()
    cpu = group_spec("cpu", 1, instanceType="ml.m5.4xlarge")
    kube.rig.apply(spec(instanceGroups=[cpu], nodeProvisioningMode="Continuous"))


def delete(kube: Kubernetes) -> None:
    kube.pods.clear()
    kube.rig.objects.delete(KEY)


ENDS = {lower: "BatchDeleteClusterNodes", remove: "UpdateCluster", delete: "DeleteCluster"}
each_end = pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)


async def passes(kube: Kubernetes, count: int = 8) -> None:
    for _ in range(count):
        await kube.rig.step()


@each_end
async def test_pods_are_not_listed_again_while_claims_that_were_asked_detach(
    kube: Kubernetes, end: Callable[[Kubernetes], None]
) -> None:
    end(kube)
    await kube.rig.until("DetachingVolumes")
    await passes(kube)
    (chosen,) = kube.asked
    before = len(kube.lists)
    await passes(kube)
    assert len(kube.lists) == before
    kube.volumes.clear()
    await passes(kube, 1)
    assert f"hyperpod-{chosen}" in kube.lists[-1]
    assert len(kube.lists) == before + 1


@each_end
async def test_the_claims_of_a_drained_node_are_asked_and_awaited(
    kube: Kubernetes, end: Callable[[Kubernetes], None]
) -> None:
    (node,) = kube.volumes
    before = len(kube.rig.calls(ENDS[end]))
    end(kube)
    await kube.rig.until("DetachingVolumes")
    await passes(kube)
    assert kube.asked == {node}
    message = kube.rig.condition("Ready")["message"]
    assert f"{CLAIM}. " in message
    assert "kubectl describe evc data -n team" in message
    assert kube.rig.condition("Stalled").get("status") != "True"
    if end is not remove:
        assert len(kube.rig.calls(ENDS[end])) == before
    assert len(kube.instances()) == 2
    kube.volumes.clear()
    await passes(kube, 20)
    assert len(kube.rig.calls(ENDS[end])) > before
    assert node not in (kube.instances() if kube.rig.objects.exists(KEY) else [])


async def test_a_claim_is_asked_only_when_no_pod_runs_on_its_node(kube: Kubernetes) -> None:
    (node,) = kube.volumes
    kube.run("train", node)
    kube.annotate(node, **{DELETE_NODE: "true"})
    kube.rig.apply(gpu(1))
    await kube.rig.until("WaitingForWorkloads")
    await passes(kube)
    assert (kube.asked, kube.deleted()) == (set(), [])
    kube.pods = [pod for pod in kube.pods if pod.name != "train"]
    await kube.rig.until("DetachingVolumes")
    await passes(kube, 2)
    assert kube.asked == {node}


async def test_no_claim_is_asked_before_all_nodes_that_go_are_closed_to_volumes(rig: Rig) -> None:
    """A claim of a group would go to a node that ends next."""
    kube = Kubernetes(rig)
    rig.apply(gpu(60))
    await rig.rest()
    kube.join()
    kube.volumes = {instance: [f"team/{instance}"] for instance in kube.instances()[:3]}
    kube.rig.objects.delete(KEY)
    while not kube.asked:
        await rig.step()
    assert len(kube.held) == 60
    assert kube.asked == set(kube.volumes)


async def test_raising_the_count_again_lets_the_volume_come_back(kube: Kubernetes) -> None:
    kube.rig.apply(gpu(1))
    await kube.rig.until("DetachingVolumes")
    await passes(kube, 2)
    assert kube.asked
    kube.rig.apply(gpu(2))
    await kube.rig.rest()
    assert (kube.asked, kube.held, kube.deleted()) == (set(), [], [])


async def test_a_new_process_goes_on_with_what_was_asked(kube: Kubernetes) -> None:
    (node,) = kube.volumes
    kube.rig.apply(gpu(1))
    await kube.rig.until("DetachingVolumes")
    await passes(kube, 2)
    kube.start()
    await passes(kube, 2)
    assert (kube.asked, kube.deleted()) == ({node}, [])
    kube.volumes.clear()
    await kube.rig.rest()
    assert kube.deleted() == [node]


@each_end
async def test_claims_that_cannot_be_read_keep_their_nodes_and_their_marks(
    kube: Kubernetes, end: Callable[[Kubernetes], None]
) -> None:
    end(kube)
    await kube.rig.until("DetachingVolumes")
    await passes(kube, 2)
    held, asked = kube.held, kube.asked
    kube.volumes.clear()
    kube.claims_problem = KubernetesError(status=0, message="the API server is away")
    await passes(kube)
    assert (kube.held, kube.asked) == (held, asked)
    assert len(kube.instances()) == 2
    assert "EBSVolumeClaims cannot be read" in kube.rig.condition("Ready")["message"]


async def test_a_claim_on_an_instance_without_a_node_needs_you(kube: Kubernetes) -> None:
    (node,) = kube.volumes
    kube.nodes.held = [one for one in kube.nodes.held if one.instance_id != node]
    kube.rig.objects.delete(KEY)
    kube.pods.clear()
    await kube.rig.until("VolumesAttached")
    assert kube.rig.condition("Stalled")["status"] == "True"
    assert "kubectl patch evc data -n team" in kube.rig.condition("Ready")["message"]
    assert kube.rig.calls("DeleteCluster") == []


async def test_a_deletion_that_orphans_volumes_asks_no_claim(kube: Kubernetes) -> None:
    kube.rig.apply({**gpu(2), "management": {"attachedVolumes": "Orphan"}})
    await kube.rig.rest()
    kube.pods.clear()
    kube.rig.objects.delete(KEY)
    await kube.rig.until("Deleting")
    assert kube.asked == set()
    assert len(kube.rig.calls("DeleteCluster")) == 1


async def test_a_deletion_that_waits_for_no_pod_says_which_claims_to_suspend(kube: Kubernetes) -> None:
    kube.rig.apply(gpu(2, runningWorkloads="Ignore"))
    await kube.rig.rest()
    kube.rig.objects.delete(KEY)
    await kube.rig.until("VolumesAttached")
    assert (kube.asked, kube.rig.calls("DeleteCluster")) == (set(), [])


async def test_claims_are_not_listed_while_a_scale_in_waits_for_pods(kube: Kubernetes) -> None:
    """They are all listed, and the wait may take days."""
    for instance in kube.instances():
        kube.run(f"job-{instance}", instance)
    kube.rig.apply(gpu(1))
    await kube.rig.until("WaitingForWorkloads")
    kube.claims_problem = KubernetesError(status=0, message="nobody asks")
    await passes(kube)
    assert "job-" in kube.rig.condition("Ready")["message"]
    assert "cannot be read" not in kube.rig.condition("Ready")["message"]
