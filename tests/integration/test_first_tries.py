"""What people who try the operator for the first time run into, with the operator as a process and kubectl."""

import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from tests.integration.test_operator_process import Kubectl, is_true, manifest, mutations

from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.simulator import Fault, Timings
from hyperpod_testbed.stack import Stack
from hyperpod_testbed.waiting import until

ROLE = "arn:aws:iam::111122223333:role/hyperpod-execution"


@pytest.fixture(scope="module")
def stack(control_plane: ControlPlane) -> Iterator[Stack]:
    """AWS is quick, and its clock is the operator's, which attachments need."""
    with Stack(plane=control_plane, speed=1.0, timings=Timings().divided_by(300)) as running:
        yield running


@pytest.fixture
def kubectl(stack: Stack, namespace: str) -> Kubectl:
    return Kubectl(stack, namespace)


def group(name: str, count: int = 1, **members: Any) -> dict[str, Any]:
    return {
        "instanceGroupName": name,
        "instanceType": "ml.m5.xlarge",
        "instanceCount": count,
        "executionRole": ROLE,
        "lifeCycleConfig": {"sourceS3Uri": "s3://sagemaker-hp-111122223333", "onCreate": "on_create_noop.sh"},
        **members,
    }


def cluster(name: str, *groups: dict[str, Any], **members: Any) -> dict[str, Any]:
    made = manifest(name, instanceGroups=list(groups or (group("w"),)), **members)
    for unset in ("nodeRecovery", "tags", "management"):
        if unset not in members:
            made["spec"].pop(unset, None)
    return made


def test_the_payload_of_the_karpenter_page_is_taken_as_published(stack: Stack, kubectl: Kubectl) -> None:
    karpenter = {
        "clusterRole": "arn:aws:iam::111122223333:role/hp-cluster-role",
        "autoScaling": {"mode": "Enable", "autoScalerType": "Karpenter"},
        "nodeProvisioningMode": "Continuous",
    }
    kubectl.apply(cluster("p-karpenter", group("system"), group("auto", 0), **karpenter))
    kubectl.wait("p-karpenter", is_true)
    assert mutations(stack, "p-karpenter") == ["CreateCluster"]


@pytest.mark.parametrize(
    ("name", "message", "said"),
    [
        (
            "exists",
            "an access entry with a different type already exists for arn:aws:iam::111122223333:role/x",
            "exists",
        ),
        ("dep", "Amazon EKS cluster is missing one or more required dependencies.", "outside"),
    ],
)
def test_a_refusal_is_sent_once_and_says_where_its_cause_may_lie(
    stack: Stack, kubectl: Kubectl, name: str, message: str, said: str
) -> None:
    fault = stack.simulator.faults.add(
        Fault("CreateCluster", "error", status=400, code="ValidationException", cluster=name, message=message)
    )
    kubectl.apply(cluster(name))
    ready = kubectl.wait(name, lambda found: found["reason"] == "SpecRejected")
    assert said in ready["message"]
    stack.simulator.faults.remove(fault)
    kubectl("annotate", "hpc", name, "hyperpod-operator.dev/reconcile-requested-at=now")
    kubectl.wait(name, is_true)
    assert mutations(stack, name) == ["CreateCluster", "CreateCluster"]


def test_a_claim_that_is_restored_gets_no_empty_volume(stack: Stack, kubectl: Kubectl) -> None:
    kubectl.apply(cluster("vol2", nodeProvisioningMode="Continuous"))
    kubectl.wait("vol2", is_true)
    claim = {
        "apiVersion": "hyperpod-operator.dev/v1alpha1",
        "kind": "EBSVolumeClaim",
        "metadata": {"name": "cache"},
        "spec": {
            "clusterRef": {"name": "vol2"},
            "source": {"create": {}},
            "volume": {"size": 50},
            "attachment": {"target": {"instanceGroupName": "w"}},
        },
    }
    kubectl.apply(claim)
    kubectl("wait", "evc/cache", "--for=condition=Ready", "--timeout=60s")
    volume = claimed(stack, kubectl)["status"]["volumeId"]
    lose(stack, "evc", "cache", namespace=kubectl.namespace)
    kubectl.apply(claim)
    ready = until_ready_says(stack, kubectl, "NotOwned")
    assert volume in ready["message"]
    assert list(stack.simulator.ebs.volumes()) == [volume]


def lose(stack: Stack, kind: str, name: str, *, namespace: str) -> None:
    """An object goes as in a disaster. The operator sleeps meanwhile: it would put its finalizer back, and end what the
    object stands for."""
    stack.operator.child.signal(signal.SIGSTOP)
    try:
        stack.plane.api.merge(kind, name, {"metadata": {"finalizers": None}}, namespace=namespace)
        stack.plane.api.delete(kind, name, namespace=namespace)
        until(lambda: stack.plane.api.get(kind, name, namespace=namespace) is None, f"{name} is gone")
    finally:
        stack.operator.child.signal(signal.SIGCONT)


def claimed(stack: Stack, kubectl: Kubectl) -> dict[str, Any]:
    found = stack.plane.api.get("evc", "cache", namespace=kubectl.namespace)
    assert found is not None
    return found


def until_ready_says(stack: Stack, kubectl: Kubectl, reason: str) -> dict[str, Any]:
    def look() -> dict[str, Any]:
        conditions = claimed(stack, kubectl).get("status", {}).get("conditions", [])
        return next((item for item in conditions if item["type"] == "Ready"), {})

    return until(lambda: found if (found := look()).get("reason") == reason else {}, look)


def test_a_status_that_a_restore_puts_back_is_put_right_at_once(stack: Stack, kubectl: Kubectl) -> None:
    """The operator sees the object before its status is restored, and by that the cluster is Ready."""
    kubectl.apply(cluster("restored"))
    kubectl.wait("restored", is_true)
    body = json.loads(kubectl("get", "hpc", "restored", "-o", "json"))
    lose(stack, "hpc", "restored", namespace=kubectl.namespace)
    kubectl.apply(cluster("restored"))
    kubectl.wait("restored", lambda found: found["reason"] == "NotOwned")
    status = json.dumps({"status": body["status"]})
    kubectl("patch", "hpc", "restored", "--subresource=status", "--type=merge", "-p", status)
    kubectl.wait("restored", lambda found: found["reason"] == "NotOwned")


def test_a_type_without_its_prefix_is_refused_with_the_right_one(kubectl: Kubectl) -> None:
    with pytest.raises(Exception, match="ml") as caught:
        kubectl.apply(cluster("types", group("w", instanceType="p5.48xlarge")))
    assert "put ml. in front: ml.p5.48xlarge" in str(caught.value) + str(getattr(caught.value, "stderr", ""))
