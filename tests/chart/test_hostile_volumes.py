"""A tenant, a hostile node and volumes: with the chart's rights and policies, and the real binder of Kubernetes.

The tenant has ClusterRole admin in team-a; the victim is in team-b. NodeRestriction is on, as EKS has it.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.chart.conftest import NAMESPACE, RELEASE
from tests.chart.installation import Installation
from tests.release import MUTATING

from hyperpod_operator.api.names import API_VERSION, LABEL_VOLUME_FORMER_PREFIX, LABEL_VOLUME_PREFIX, VOLUME_CLAIM_KIND
from hyperpod_operator.api.volume.bounds import PUBLISHED_CLASS
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.helm import Helm
from hyperpod_testbed.simulator import Simulator
from hyperpod_testbed.stack import ACCOUNT

TENANT = "tenant-a"
CLUSTER = "hostile"
KUBELET = ("--as=system:node:plain", "--as-group=system:nodes", "--as-group=system:authenticated")
GROUP = {
    "InstanceGroupName": "workers",
    "InstanceType": "ml.m5.xlarge",
    "InstanceCount": 2,
    "ExecutionRole": f"arn:aws:iam::{ACCOUNT}:role/other",
    "LifeCycleConfig": {"SourceS3Uri": "s3://sagemaker-other/", "OnCreate": "on_create.sh"},
}
RIGHTS = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: tenant}
rules:
- {apiGroups: [hyperpod-operator.dev], resources: [ebsvolumeclaims], verbs: ["*"]}
- {apiGroups: [""], resources: [persistentvolumeclaims], verbs: ["*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: tenant, namespace: team-a}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: tenant}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: tenant-a}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: kubelet}
rules: [{apiGroups: [""], resources: [nodes], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: kubelet}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: kubelet}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:nodes"}]
"""


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    flags = [*MUTATING, "--enable-admission-plugins=NodeRestriction"]
    with ControlPlane(extra_args={"kube-apiserver": flags}) as running:
        for namespace in (NAMESPACE, "team-a", "team-b"):
            running.kubectl("create", "namespace", namespace)
        running.apply(RIGHTS)
        yield running


@pytest.fixture(scope="module")
def simulator(plane: ControlPlane) -> Iterator[Simulator]:
    with Simulator(account=ACCOUNT, speed=60.0, kubeconfig=plane.kubeconfig) as running:
        running.world.create_foreign_cluster(CLUSTER, request={"InstanceGroups": [GROUP]})
        running.nodes.wait_until_in_step()
        yield running


@pytest.fixture(scope="module")
def installed(plane: ControlPlane, releases: Helm, simulator: Simulator) -> Iterator[Installation]:
    made = Installation(plane=plane, helm=releases, release=RELEASE, namespace=NAMESPACE, values={})
    with made.running(simulator):
        yield made


class Cluster:
    """kubectl of the tenant and of the administrator."""

    def __init__(self, at: Installation) -> None:
        self._at = at

    def tenant(self, *args: str, **options: Any) -> Any:
        return self._at.plane.kubectl("-n", "team-a", f"--as={TENANT}", *args, check=False, **options)

    def admin(self, *args: str, **options: Any) -> str:
        return self._at.plane.kubectl(*args, **options).stdout

    def kubelet(self, *args: str, **options: Any) -> Any:
        return self._at.plane.kubectl(*KUBELET, *args, check=False, **options)

    def get(self, kind: str, name: str, namespace: str = "team-a") -> dict[str, Any]:
        found = self.admin("-n", namespace, "get", kind, name, "-o", "json", "--ignore-not-found")
        return dict(json.loads(found)) if found else {}

    def until(self, done: Any, what: str) -> None:
        self._at.until(done, what)

    def ready(self, name: str) -> str:
        listed = self.get("evc", name).get("status", {}).get("conditions", [])
        return next((str(one["reason"]) for one in listed if one["type"] == "Ready"), "")

    def phase(self, kind: str, name: str, namespace: str = "team-a") -> str:
        return str(self.get(kind, name, namespace).get("status", {}).get("phase", ""))

    def labels(self, node: str) -> dict[str, str]:
        return dict(self.get("node", node)["metadata"].get("labels", {}))


@pytest.fixture
def cluster(installed: Installation) -> Iterator[Cluster]:
    made = Cluster(installed)
    yield made
    made.admin("delete", "evc,pvc", "--all", "-n", "team-a", "--wait=false")
    made.admin("delete", "pvc", "--all", "-n", "team-b", "--wait=false")
    made.until(lambda: not made.admin("get", "evc", "-n", "team-a", "-o", "name"), "the end of all claims")


def claim(name: str, *, publish: dict[str, Any], **members: Any) -> str:
    spec = {
        "clusterRef": {"clusterName": CLUSTER},
        "source": {"create": {"availabilityZone": "us-west-2b"}},
        "volume": {"size": 100},
        "attachment": {"mode": "CSI"},
        "management": {"reclaimPolicy": "Delete"},
        **members,
        "publish": publish,
    }
    return json.dumps({"apiVersion": API_VERSION, "kind": VOLUME_CLAIM_KIND, "metadata": {"name": name}, "spec": spec})


def local(name: str) -> str:
    return claim(
        name,
        publish={"type": "LocalPV", "persistentVolumeClaim": {"name": name}},
        source={"create": {}},
        attachment={"target": {"instanceGroupName": "workers"}},
    )


def volume_claim(name: str) -> str:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": PUBLISHED_CLASS,
        "resources": {"requests": {"storage": "20Gi"}},
    }
    return json.dumps({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec})


TARGET = {"instanceGroupName": "workers"}
SELECTOR = {"kubernetes.io/hostname!=x,!foo,a in (b,c),d": "e"}
OPTIONS = (
    *("logdev=/dev/nvme1n1", "rtdev=/dev/nvme2n1", "suid,dev,exec", "suid", "errors=panic"),
    "context=system_u:object_r:container_file_t:s0",
)
NAMED = {"type": "CSI", "persistentVolumeClaim": {"name": "bait"}}


@pytest.mark.parametrize(
    "manifest",
    [
        claim("bait", publish={"type": "CSI", "storageClassName": "gp3"}),
        claim("bait", publish={"type": "CSI"}),
        *(claim("bait", publish={**NAMED, "mountOptions": [option]}) for option in OPTIONS),
        *(
            claim(
                "bait",
                publish={"type": "None"},
                source={"create": {}},
                attachment={"target": {**TARGET, "nodeSelector": selector}},
            )
            for selector in (SELECTOR, {"": ""}, {"a": "b,c"})
        ),
    ],
)
def test_a_claim_that_reaches_beyond_its_namespace_or_its_node_is_refused_at_admission(
    cluster: Cluster, manifest: str
) -> None:
    answer = cluster.tenant("create", "--dry-run=server", "-f", "-", input=manifest)
    assert answer.returncode != 0
    assert "spec." in answer.stderr


def test_another_storage_class_is_held_and_nothing_is_published(cluster: Cluster) -> None:
    made = claim("bait", publish={**NAMED, "storageClassName": "gp3"})
    assert cluster.tenant("create", "-f", "-", input=made).returncode == 0
    cluster.until(lambda: cluster.ready("bait") == "NotAllowed", "NotAllowed")
    uid = cluster.get("evc", "bait")["metadata"]["uid"]
    assert cluster.get("pv", f"evc-{uid}") == {}


def test_what_is_published_binds_its_own_namespaces_claim_now_and_again(cluster: Cluster) -> None:
    cluster.admin("create", "-n", "team-b", "-f", "-", input=volume_claim("payroll"))
    cluster.admin("create", "-n", "team-b", "-f", "-", input=volume_claim("bait"))
    assert cluster.tenant("create", "-f", "-", input=claim("bait", publish=NAMED)).returncode == 0
    cluster.until(lambda: cluster.ready("bait") == "ClaimReady", "the volume")
    name = f"evc-{cluster.get('evc', 'bait')['metadata']['uid']}"
    assert cluster.tenant("create", "-f", "-", input=volume_claim("bait")).returncode == 0
    cluster.until(lambda: cluster.phase("pvc", "bait") == "Bound", "the tenant's PersistentVolumeClaim")
    first = cluster.get("pv", name)
    former = first["spec"]["claimRef"]["uid"]
    cluster.admin("annotate", "evc", "bait", "-n", "team-a", "hyperpod-operator.dev/reconcile-requested-at=bound")
    cluster.until(
        lambda: cluster.get("evc", "bait")["status"].get("memory", {}).get("persistentVolumeClaimUid") == former,
        "the uid in status",
    )
    assert cluster.tenant("delete", "pvc", "bait", "--wait=true").returncode == 0

    def again() -> bool:
        found = cluster.get("pv", name)
        return bool(found) and found["metadata"]["uid"] != first["metadata"]["uid"]

    cluster.admin("annotate", "evc", "bait", "-n", "team-a", "hyperpod-operator.dev/reconcile-requested-at=gone",
                  "--overwrite")  # fmt: skip
    cluster.until(again, "the volume, published again")
    reference = cluster.get("pv", name)["spec"]["claimRef"]
    assert (reference["namespace"], reference["name"]) == ("team-a", "bait")
    assert {cluster.phase("pvc", other, "team-b") for other in ("payroll", "bait")} == {"Pending"}
    cluster.until(
        lambda: f"uid {former}" in cluster.admin("get", "events.events.k8s.io", "-n", "team-a", "-o", "json"),
        "the Event that says whose data it is",
    )


@pytest.fixture
def plain(cluster: Cluster) -> Iterator[str]:
    """A Node outside HyperPod."""
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "plain"}}
    cluster.admin("create", "-f", "-", input=json.dumps(node))
    yield "plain"
    cluster.admin("delete", "node", "plain")


def test_a_kubelet_cannot_label_itself_as_the_holder(cluster: Cluster, plain: str) -> None:
    label = f"{LABEL_VOLUME_PREFIX}{'0' * 32}=attached"
    answer = cluster.kubelet("label", "node", plain, label)
    assert answer.returncode != 0
    assert "node-restriction.kubernetes.io" in answer.stderr
    assert cluster.kubelet("label", "node", plain, "example.com/mine=x").returncode == 0


def test_labels_of_a_claim_are_removed_from_every_node_that_does_not_hold_its_volume(
    cluster: Cluster, plain: str
) -> None:
    assert cluster.tenant("create", "-f", "-", input=local("local")).returncode == 0
    cluster.until(lambda: cluster.ready("local") == "ClaimReady", "the volume on a node")
    short = cluster.get("evc", "local")["metadata"]["uid"].replace("-", "")
    holder = cluster.get("evc", "local")["status"]["attachment"]["nodeName"]
    strays = [
        f"{LABEL_VOLUME_PREFIX}{short}",
        f"{LABEL_VOLUME_FORMER_PREFIX}{short}",
        f"{LABEL_VOLUME_PREFIX}of-nobody",
    ]
    cluster.admin("label", "node", plain, "example.com/mine=x", *(f"{key}=attached" for key in strays))
    cluster.until(lambda: not cluster.labels(plain).keys() & set(strays), "the removal of stray labels")
    assert cluster.labels(plain)["example.com/mine"] == "x"
    assert cluster.labels(holder)[strays[0]] == "attached"


def test_a_second_node_with_the_providerid_of_the_holder_changes_nothing(cluster: Cluster) -> None:
    assert cluster.tenant("create", "-f", "-", input=local("local")).returncode == 0
    cluster.until(lambda: cluster.ready("local") == "ClaimReady", "the volume on a node")
    status = cluster.get("evc", "local")["status"]
    holder = cluster.get("node", status["attachment"]["nodeName"])
    thief = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "plain", "labels": {"sagemaker.amazonaws.com/compute-type": "hyperpod"}},
        "spec": {"providerID": holder["spec"]["providerID"]},
    }
    assert cluster.kubelet("create", "-f", "-", input=json.dumps(thief)).returncode == 0
    cluster.admin("annotate", "evc", "local", "-n", "team-a", "hyperpod-operator.dev/reconcile-requested-at=again")
    cluster.until(lambda: cluster.get("evc", "local")["status"].get("lastHandledReconcileAt") == "again", "a pass")
    now = cluster.get("evc", "local")["status"]
    assert now["attachment"]["nodeName"] == status["attachment"]["nodeName"]
    assert not any(key.startswith(LABEL_VOLUME_PREFIX) for key in cluster.labels("plain"))
    cluster.admin("delete", "node", "plain")
