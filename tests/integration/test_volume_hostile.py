"""Odd EBSVolumeClaims: each is refused by the API server or answered with a condition, and none starves others."""

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from hyperpod_operator.api.names import API_VERSION, VOLUME_CLAIM_KIND
from hyperpod_testbed.control_plane import ApiError, ControlPlane
from hyperpod_testbed.simulator import Timings
from hyperpod_testbed.stack import ACCOUNT, Stack
from hyperpod_testbed.waiting import until

CLUSTER = "hostile-volumes"
ARN = f"arn:aws:sagemaker:us-west-2:{ACCOUNT}:cluster/abcdefghijkl"
WORKERS = {"target": {"instanceGroupName": "workers"}}


@pytest.fixture(scope="module")
def stack(control_plane: ControlPlane) -> Iterator[Stack]:
    with Stack(plane=control_plane, speed=1.0, timings=Timings().divided_by(60)) as running:
        running.simulator.world.create_foreign_cluster(CLUSTER)
        running.simulator.nodes.wait_until_in_step()
        yield running


class Kubectl:
    """kubectl in one namespace, and what costs no process."""

    def __init__(self, stack: Stack, namespace: str) -> None:
        self._plane, self._namespace = stack.plane, namespace

    def __call__(self, *args: str, **options: Any) -> str:
        return self._plane.kubectl("-n", self._namespace, *args, **options).stdout

    def apply(self, manifest: dict[str, Any]) -> None:
        """As kubectl applies it. Raises ApiError where the API server refuses it."""
        self._plane.api.apply(manifest, namespace=self._namespace)

    def claims(self) -> list[str]:
        return [found["metadata"]["name"] for found in self._plane.api.list("evc", namespace=self._namespace)]

    def claim(self, name: str) -> dict[str, Any]:
        """Empty when there is none."""
        return self._plane.api.get("evc", name, namespace=self._namespace) or {}


@pytest.fixture
def kubectl(stack: Stack, namespace: str) -> Iterator[Kubectl]:
    made = Kubectl(stack, namespace)
    yield made
    made("delete", "evc", "--all", "--wait=true", "--timeout=60s")


def claim(name: str, **members: Any) -> dict[str, Any]:
    spec = {
        "clusterRef": {"clusterName": CLUSTER},
        "source": {"create": {}},
        "volume": {"size": 10},
        "attachment": WORKERS,
        "management": {"reclaimPolicy": "Delete"},
        **members,
    }
    return {
        "apiVersion": API_VERSION,
        "kind": VOLUME_CLAIM_KIND,
        "metadata": {"name": name},
        "spec": {key: value for key, value in spec.items() if value is not None},
    }


def ready(kubectl: Kubectl, name: str) -> dict[str, Any]:
    conditions = kubectl.claim(name).get("status", {}).get("conditions", [])
    return next((item for item in conditions if item["type"] == "Ready"), {})


ODD = {
    "no-such-volume": claim("x", source={"volumeId": "vol-00000000000000000"}, volume=None),
    "no-such-snapshot": claim("x", source={"create": {"snapshotId": "snap-00000000000000000"}}, volume=None),
    "no-size": claim("x", volume=None),
    "beyond-every-size": claim("x", volume={"size": 65536, "volumeType": "gp2"}),
    "too-many-iops": claim("x", volume={"size": 1, "volumeType": "gp3", "iops": 80000}),
    "no-such-type": claim("x", volume={"size": 10, "volumeType": "gp9"}),
    "no-such-zone": claim("x", source={"create": {"availabilityZone": "mars-north-1a"}}),
    "no-such-zone-id": claim("x", source={"create": {"availabilityZoneId": "mrn1-az9"}}),
    "no-such-key": claim("x", source={"create": {"encrypted": True, "kmsKeyId": "alias/nobody"}}),
    "no-such-cluster": claim("x", clusterRef={"clusterName": "nowhere"}),
    "no-such-cluster-arn": claim("x", clusterRef={"clusterArn": ARN}),
    "no-such-cluster-object": claim("x", clusterRef={"name": "nowhere"}),
    "another-region": claim("x", clusterRef={"clusterArn": ARN.replace("us-west-2", "eu-west-1")}),
    "another-account": claim("x", clusterRef={"clusterArn": ARN.replace(ACCOUNT, "999999999999")}),
    "no-such-group": claim("x", attachment={"target": {"instanceGroupName": "nobody"}}),
    "no-such-node": claim("x", attachment={"target": {"nodeName": "localhost"}}),
    "no-such-instance": claim("x", attachment={"target": {"instanceId": "i-00000000000000000"}}),
    "a-node-of-another-name": claim("x", attachment={"target": {"nodeName": "a." * 100 + "b"}}),
    "a-selector-of-nobody": claim(
        "x", attachment={"target": {"instanceGroupName": "workers", "nodeSelector": {"a/b": "c"}}}
    ),
    "tags-of-all-scripts": claim("x", volume={"size": 10, "tags": [{"key": "ключ-標籤", "value": "значение"}]}),
    "many-long-tags": claim(
        "x", volume={"size": 10, "tags": [{"key": f"k{number}", "value": "v" * 256} for number in range(40)]}
    ),
    "a-tag-of-awss": claim("x", volume={"size": 10, "tags": [{"key": "aws:mine", "value": "x"}]}),
    "a-tag-of-ours": claim(
        "x", volume={"size": 10, "tags": [{"key": "hyperpod-operator.dev/claim-uid", "value": "x"}]}
    ),
    "a-class-of-nobody": claim(
        "x",
        publish={
            "type": "LocalPV",
            "storageClassName": "no-such-class",
            "persistentVolumeClaim": {"name": "x", "create": True},
        },
    ),
    "mount-options": claim("x", publish={"type": "LocalPV", "mountOptions": ["$(reboot)", "../..", "a=b"]}),
    "no-time-to-detach": claim("x", attachment={**WORKERS, "detachTimeout": "0s"}),
}


@pytest.mark.fault(19)
def test_odd_claims_are_refused_or_answered_and_do_not_starve_the_others(stack: Stack, kubectl: Kubectl) -> None:
    before, log = stack.operator.child.pid, stack.operator.log
    since = len(log.read_text())
    for name, manifest in ODD.items():
        manifest = {**manifest, "metadata": {"name": name}}
        with suppress(ApiError):
            kubectl.apply(manifest)
    kubectl.apply(claim("harmless"))
    until(lambda: ready(kubectl, "harmless").get("status") == "True", lambda: ready(kubectl, "harmless"))
    taken = kubectl.claims()
    assert len(taken) > 20
    for name in taken:
        found = until(partial(ready, kubectl, name), partial(kubectl.claim, name))
        assert found["reason"]
        assert found["message"]
    assert stack.operator.child.pid == before
    said = log.read_text()[since:]
    assert "InternalError" not in said
    assert "Traceback" not in said


def test_a_spec_that_an_older_definition_let_through_is_told(stack: Stack, kubectl: Kubectl) -> None:
    """The schema would refuse it today: it is weakened for as long as it takes to store one."""
    crd = json.loads(stack.plane.kubectl("get", "crd", "ebsvolumeclaims.hyperpod-operator.dev", "-o", "json").stdout)
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    strict = json.dumps({"spec": {"versions": crd["spec"]["versions"]}})
    schema["properties"]["spec"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    weak = json.dumps({"spec": {"versions": crd["spec"]["versions"]}})
    manifest = claim("garbled", attachment={"mode": 3}, volume={"size": "many"}, newer={"member": 1})

    def stored() -> dict[str, Any]:
        with suppress(ApiError):
            kubectl.apply(manifest)
        return kubectl.claim("garbled")

    stack.plane.kubectl("patch", "crd", crd["metadata"]["name"], "--type=merge", "-p", weak)
    try:
        until(stored, lambda: "a definition that is not weak yet")
        found = until(lambda: ready(kubectl, "garbled"), lambda: kubectl.claim("garbled"))
        assert found["reason"] == "InvalidSpec"
        assert "attachment.mode" in found["message"]
        kubectl("delete", "evc", "garbled", "--timeout=60s")
    finally:
        stack.plane.kubectl("patch", "crd", crd["metadata"]["name"], "--type=merge", "-p", strict)


def test_a_quota_that_refuses_the_persistent_volume_claim_is_told_until_it_is_lifted(
    stack: Stack, kubectl: Kubectl, namespace: str
) -> None:
    kubectl("create", "quota", "none", "--hard=persistentvolumeclaims=0")
    used = "{.status.used.persistentvolumeclaims}"
    until(
        lambda: kubectl("get", "quota", "none", "-o", f"jsonpath={used}"),
        lambda: kubectl("get", "quota", "-o", "yaml"),
    )
    publish = {"type": "LocalPV", "persistentVolumeClaim": {"name": "data", "create": True}}
    kubectl.apply(claim("refused", publish=publish))

    def has(reason: str) -> bool:
        return bool(ready(kubectl, "refused").get("reason") == reason)

    until(partial(has, "KubernetesRefused"), lambda: ready(kubectl, "refused"))
    message = ready(kubectl, "refused")["message"]
    assert f"PersistentVolumeClaim {namespace}/data" in message
    assert "exceeded quota" in message
    kubectl("delete", "quota", "none")
    kubectl("annotate", "evc", "refused", "hyperpod-operator.dev/reconcile-requested-at=now")
    until(partial(has, "ClaimReady"), lambda: ready(kubectl, "refused"))


@pytest.mark.fault(19)
@pytest.mark.parametrize("name", ["abandon", "force-delete", "reconcile-requested-at"])
def test_annotations_of_any_value_neither_crash_nor_release(stack: Stack, kubectl: Kubectl, name: str) -> None:
    values = ["true", "", "other", "a" * 5000, "☃", "x\ny"]
    for number, value in enumerate(values):
        manifest = claim(f"kept-{number}", management={"paused": True})
        manifest["metadata"]["annotations"] = {f"hyperpod-operator.dev/{name}": value}
        kubectl.apply(manifest)
    for number, _ in enumerate(values):
        kept = f"kept-{number}"
        found = until(partial(ready, kubectl, kept), partial(kubectl.claim, kept))
        assert found["reason"] == "Paused"
    assert "Traceback" not in stack.operator.log.read_text()
