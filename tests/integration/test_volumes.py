"""EBSVolumeClaims with the operator as a process, the real scheduler and controller-manager, and kubectl like a user.

AWS's clock and the operator's agree here: what the operator knows of its own attachments hangs on their times. So
nothing is sped up; AWS is quicker instead. There is no kubelet: where a pod goes is the scheduler's word, and whether
it could mount there the label's.
"""

import signal
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from hyperpod_operator.api.names import (
    API_VERSION,
    DELETE_NODE,
    LABEL_VOLUME_PREFIX,
    NODE_OPERATION_KIND,
    VOLUME_CLAIM_KIND,
)
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.simulator import Fault, Timings
from hyperpod_testbed.stack import ACCOUNT, Stack
from hyperpod_testbed.waiting import until

pytestmark = pytest.mark.early

SECONDS = 90.0
"""How long a condition is awaited; far longer than anything takes."""
CLUSTER = "volumes"


@pytest.fixture(scope="module")
def stack(control_plane: ControlPlane) -> Iterator[Stack]:
    """One operator, one simulator and one cluster of three nodes; claims keep apart by namespace."""
    with Stack(plane=control_plane, speed=1.0, timings=Timings().divided_by(60)) as running:
        group = {
            "InstanceGroupName": "workers",
            "InstanceType": "ml.m5.xlarge",
            "InstanceCount": 3,
            "ExecutionRole": f"arn:aws:iam::{ACCOUNT}:role/other",
            "LifeCycleConfig": {"SourceS3Uri": "s3://sagemaker-other/", "OnCreate": "on_create.sh"},
        }
        request = {"InstanceGroups": [group], "NodeProvisioningMode": "Continuous"}
        running.simulator.world.create_foreign_cluster(CLUSTER, request=request)
        running.simulator.nodes.wait_until_in_step()
        yield running


class User:
    """Somebody with kubectl in one namespace."""

    def __init__(self, stack: Stack, namespace: str) -> None:
        self._stack, self.namespace = stack, namespace

    def __call__(self, *args: str, **options: Any) -> str:
        return self._stack.plane.kubectl("-n", self.namespace, *args, **options).stdout

    def apply(self, *manifests: dict[str, Any]) -> None:
        for manifest in manifests:
            self._stack.plane.api.apply(manifest, namespace=self.namespace)

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """The object; empty when there is none."""
        return self._stack.plane.api.get(kind, name, namespace=self.namespace) or {}

    def until(self, what: Callable[[], Any], *, said: Callable[[], object]) -> Any:
        """Wait until it is something, and return that."""
        return until(what, lambda: f"{said()}; log:\n{self._stack.operator.child.tail(15)}", seconds=SECONDS)

    def ready(self, name: str) -> dict[str, Any]:
        conditions = self.get("evc", name).get("status", {}).get("conditions", [])
        return next((item for item in conditions if item["type"] == "Ready"), {})

    def reason(self, name: str, reason: str) -> dict[str, Any]:
        """Wait until Ready has this reason; the condition."""

        def look() -> dict[str, Any] | None:
            found = self.ready(name)
            return found if found.get("reason") == reason else None

        found: dict[str, Any] = self.until(look, said=lambda: self.ready(name))
        return found

    def settled(self, name: str) -> dict[str, Any]:
        """Wait until the claim is ready for the spec that it has; its status."""

        def look() -> dict[str, Any] | None:
            found = self.get("evc", name)
            listed: list[dict[str, Any]] = found["status"]["conditions"]
            ready = next((one for one in listed if one["type"] == "Ready"), {})
            fits = ready.get("observedGeneration") == found["metadata"]["generation"]
            return dict(found["status"]) if ready.get("status") == "True" and fits else None

        self.until(lambda: self.ready(name), said=lambda: self.get("evc", name))
        found: dict[str, Any] = self.until(look, said=lambda: self.ready(name))
        return found

    def on(self, pod: str) -> str:
        """The node that the scheduler gave a pod; empty while it has none."""
        return str(self.get("pod", pod).get("spec", {}).get("nodeName", ""))

    def scheduled(self, pod: str) -> str:
        """Wait for the scheduler; the pod's node."""
        return str(
            self.until(lambda: self.on(pod), said=lambda: f"{self.get('pod', pod).get('status')}; {self.bound()}")
        )

    def bound(self) -> list[str]:
        """What the claims of this namespace and all volumes are bound to, for a failure to show."""
        listed = self._stack.plane.api.list
        claims = [(one["metadata"], one["spec"].get("volumeName"), one["status"]) for one in listed("pvc")]
        volumes = [(one["metadata"], one["spec"].get("claimRef"), one.get("status")) for one in listed("pv")]
        return [f"{about['name']} {about['uid']}: {to}, {status}" for about, to, status in (*claims, *volumes)]

    def unschedulable(self, pod: str) -> str:
        """Wait until the scheduler has tried and found no node; what it said."""

        def look() -> str:
            conditions = self.get("pod", pod).get("status", {}).get("conditions", [])
            return next((one["message"] for one in conditions if one.get("reason") == "Unschedulable"), "")

        return str(self.until(look, said=lambda: self.get("pod", pod).get("status")))

    def gone(self, kind: str, name: str) -> None:
        self.until(lambda: not self.get(kind, name), said=lambda: self.get(kind, name))


@pytest.fixture
def user(stack: Stack, namespace: str) -> Iterator[User]:
    """What a test leaves behind goes after it, so that no claim waits for the next test."""
    made = User(stack, namespace)
    yield made
    stack.simulator.faults.clear()
    made("delete", "pods", "--all", "--force", "--grace-period=0", "--wait=false")
    made("delete", "evc", "--all", "--wait=true", "--timeout=60s")


def claim(name: str = "data", **members: Any) -> dict[str, Any]:
    """A new volume for the group, published under the claim's name; None removes a member."""
    spec = {
        "clusterRef": {"clusterName": CLUSTER},
        "source": {"create": {}},
        "volume": {"size": 10},
        "attachment": {"target": {"instanceGroupName": "workers"}},
        "publish": {"type": "LocalPV", "persistentVolumeClaim": {"name": name, "create": True}},
        "management": {"reclaimPolicy": "Delete"},
        **members,
    }
    return {
        "apiVersion": API_VERSION,
        "kind": VOLUME_CLAIM_KIND,
        "metadata": {"name": name},
        "spec": {key: value for key, value in spec.items() if value is not None},
    }


def pod(name: str, *, uses: str = "data", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "containers": [{"name": "c", "image": "scratch"}],
            "tolerations": [{"operator": "Exists"}],
            "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": uses}}],
            **spec,
        },
    }


def replace(instance: str) -> None:
    """Somebody has HyperPod replace a node."""
    sagemaker = boto3.client("sagemaker", region_name="us-west-2")
    sagemaker.batch_replace_cluster_nodes(ClusterName=CLUSTER, NodeIds=[instance])


@pytest.fixture
def aws(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 of this process talks to the simulator."""
    for name, value in stack.simulator.environment().items():
        monkeypatch.setenv(name, value)


def volumes_of(stack: Stack, user: User, name: str = "data") -> dict[str, Any]:
    """The volumes in AWS that were made for a claim, by id."""
    owner = f"{user.namespace}/{name}"
    found = stack.simulator.ebs.volumes()
    return {key: one for key, one in found.items() if one["Tags"].get("hyperpod-operator.dev/owner") == owner}


def labelled(stack: Stack, status: dict[str, Any], uid: str) -> set[str]:
    label = LABEL_VOLUME_PREFIX + uid.replace("-", "")
    found = stack.plane.kubectl("get", "nodes", "-l", label, "-o", "name").stdout.split()
    return {name.removeprefix("node/") for name in found}


def test_a_claim_becomes_a_bound_volume_and_its_pod_goes_to_the_holder(stack: Stack, user: User) -> None:
    user.apply(claim())
    status = user.settled("data")
    user.until(lambda: user.get("pvc", "data")["status"].get("phase") == "Bound", said=lambda: user.get("pvc", "data"))
    user.apply(pod("train"))
    assert user.scheduled("train") == status["attachment"]["nodeName"]
    row = user("get", "evc", "data").splitlines()[-1].split()
    assert {"Attached", status["volumeId"]} <= set(row)


def test_a_pod_that_wants_another_node_waits(user: User) -> None:
    user.apply(claim())
    holder = user.settled("data")["attachment"]["nodeName"]
    nodes = user("get", "nodes", "-l", f"sagemaker.amazonaws.com/cluster-name={CLUSTER}", "-o", "name").split()
    other = next(name for node in nodes if (name := node.removeprefix("node/")) != holder)
    user.apply(pod("elsewhere", nodeSelector={"kubernetes.io/hostname": other}))
    assert "node" in user.unschedulable("elsewhere")
    user.apply(pod("here"))
    assert user.scheduled("here") == holder
    assert user.on("elsewhere") == ""


def test_a_replaced_node_gives_its_volume_to_another_and_new_pods_follow(stack: Stack, user: User, aws: None) -> None:
    user.apply(claim())
    before = user.settled("data")
    uid = user.get("evc", "data")["metadata"]["uid"]
    volume = user.get("pv", f"evc-{uid}")["metadata"]["uid"]
    user.apply(pod("first"))
    user.scheduled("first")
    replace(before["attachment"]["instanceId"])
    user("delete", "pod", "first", "--force", "--grace-period=0")
    left = before["attachment"]["nodeName"]
    user.until(
        lambda: user.get("evc", "data")["status"]["attachment"].get("nodeName") != left,
        said=lambda: user.get("evc", "data")["status"],
    )
    after = user.settled("data")
    assert after["volumeId"] == before["volumeId"]
    assert labelled(stack, after, uid) == {after["attachment"]["nodeName"]}
    assert user.get("pv", f"evc-{uid}")["metadata"]["uid"] == volume
    user.apply(pod("second"))
    assert user.scheduled("second") == after["attachment"]["nodeName"]


def test_a_volume_moves_to_another_target_when_its_pod_has_ended(stack: Stack, user: User) -> None:
    nodes = user("get", "nodes", "-l", f"sagemaker.amazonaws.com/cluster-name={CLUSTER}", "-o", "name").split()
    first, second = sorted(name.removeprefix("node/") for name in nodes)[:2]
    user.apply(claim(attachment={"target": {"nodeName": first}}))
    user.settled("data")
    user.apply(pod("train"))
    assert user.scheduled("train") == first
    user.apply(claim(attachment={"target": {"nodeName": second}}))
    assert "train" in user.reason("data", "InUse")["message"]
    user("delete", "pod", "train", "--force", "--grace-period=0")
    assert user.settled("data")["attachment"]["nodeName"] == second
    user.apply(pod("again"))
    assert user.scheduled("again") == second


def test_a_deletion_waits_for_the_pod_that_uses_the_volume_and_says_so(stack: Stack, user: User) -> None:
    user.apply(claim())
    user.settled("data")
    user.apply(pod("train"))
    user.scheduled("train")
    user("delete", "evc", "data", "--wait=false")
    said = user.reason("data", "InUse")["message"]
    assert f"{user.namespace}/train" in said
    assert "force-delete" in said
    assert volumes_of(stack, user)
    user("delete", "pod", "train", "--force", "--grace-period=0")
    user.gone("evc", "data")
    assert volumes_of(stack, user) == {}
    assert user.get("pvc", "data") == {}


def test_two_claims_on_one_volume_conflict_until_one_goes(stack: Stack, user: User) -> None:
    zone = stack.plane.kubectl(
        "get", "nodes", "-l", f"sagemaker.amazonaws.com/cluster-name={CLUSTER}",
        "-o", r"jsonpath={.items[0].metadata.labels.topology\.kubernetes\.io/zone}",
    ).stdout  # fmt: skip
    volume = stack.simulator.ebs.create_volume(zone=zone)
    members = {
        "source": {"volumeId": volume},
        "volume": None,
        "publish": None,
        "management": {"adoptionPolicy": "IfUnowned"},
    }
    user.apply(claim("one", **members))
    user.settled("one")
    user.apply(claim("two", **members))
    assert f"{user.namespace}/one" in user.reason("two", "ClaimedByOther")["message"]
    assert len(stack.simulator.ebs.volumes()[volume]["Attachments"]) == 1
    user("delete", "evc", "one", "--timeout=60s")
    assert user.settled("two")["volumeId"] == volume


@pytest.mark.fault(1)
@pytest.mark.parametrize("operation", ["CreateVolume", "AttachClusterNodeVolume"])
def test_a_killed_operator_leaves_one_volume_attached_once(stack: Stack, user: User, operation: str) -> None:
    stack.simulator.faults.add(Fault(operation=operation, kind="delay", seconds=1.0, times=1))
    since = len(stack.simulator.log.calls(operation))
    user.apply(claim())
    user.until(lambda: len(stack.simulator.log.calls(operation)) > since, said=lambda: user.ready("data"))
    stack.operator.child.signal(signal.SIGKILL)
    stack.operator.child.wait(10)
    stack.operator.start()
    user.settled("data")
    (volume,) = volumes_of(stack, user).values()
    assert len(volume["Attachments"]) == 1
    user("delete", "evc", "data", "--timeout=60s")
    assert volumes_of(stack, user) == {}


def owned(name: str, *, nodes: int) -> dict[str, Any]:
    """A HyperPodCluster with a group of workers."""
    group = {
        "instanceGroupName": "workers",
        "instanceType": "ml.m5.xlarge",
        "instanceCount": nodes,
        "executionRole": f"arn:aws:iam::{ACCOUNT}:role/hyperpod-execution",
        "lifeCycleConfig": {"sourceS3Uri": "s3://sagemaker-x/lifecycle", "onCreate": "on_create.sh"},
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "HyperPodCluster",
        "metadata": {"name": name},
        "spec": {
            "orchestrator": {"eks": {"clusterArn": f"arn:aws:eks:us-west-2:{ACCOUNT}:cluster/ml"}},
            "vpcConfig": {"securityGroupIds": ["sg-0123456789abcdef0"], "subnets": ["subnet-0123456789abcdef0"]},
            "nodeProvisioningMode": "Continuous",
            "instanceGroups": [group],
        },
    }


def test_a_volume_leaves_its_node_before_that_is_replaced_and_serves_on_another(stack: Stack, user: User) -> None:
    name = f"with-{user.namespace}"
    user.apply(owned(name, nodes=2), claim(clusterRef={"name": name}))
    before = user.settled("data")
    user.apply(pod("train"))
    assert user.scheduled("train") == before["attachment"]["nodeName"]
    spec = {
        "clusterRef": {"name": name},
        "operation": "Replace",
        "nodes": {"names": [before["attachment"]["nodeName"]]},
    }
    meta = {"apiVersion": API_VERSION, "kind": NODE_OPERATION_KIND, "metadata": {"name": "replace"}}
    user.apply({**meta, "spec": spec})
    user.until(
        lambda: "deletionTimestamp" in user.get("pod", "train")["metadata"], said=lambda: user.get("hpno", "replace")
    )

    def calls() -> list[str]:
        return [
            call.operation
            for call in stack.simulator.log.calls()
            if call.parameters.get("VolumeId") == before["volumeId"]
            or before["attachment"]["instanceId"] in call.parameters.get("NodeIds", [])
        ]

    assert "DetachClusterNodeVolume" not in calls(), "the pod still has the volume"
    user("delete", "pod", "train", "--force", "--grace-period=0")
    user("wait", "hpno/replace", "--for=condition=Complete", f"--timeout={SECONDS}s")
    after = user.settled("data")
    assert after["attachment"]["nodeName"] != before["attachment"]["nodeName"]
    assert calls().index("DetachClusterNodeVolume") < calls().index("BatchReplaceClusterNodes")
    user.apply(pod("again"))
    assert user.scheduled("again") == after["attachment"]["nodeName"]
    user("delete", "pod", "again", "--force", "--grace-period=0")
    user("delete", "hpno/replace", "evc/data", f"hpc/{name}", "--timeout=60s")


def test_a_volume_leaves_its_node_before_a_scale_in_ends_it_and_serves_on_the_other(stack: Stack, user: User) -> None:
    name = f"with-{user.namespace}"
    user.apply(owned(name, nodes=2), claim(clusterRef={"name": name}))
    before = user.settled("data")["attachment"]
    mark = f"{DELETE_NODE}=true"
    stack.plane.kubectl("annotate", "node", before["nodeName"], mark)
    user.apply(owned(name, nodes=1))

    def ended() -> bool:
        return any(
            call.operation == "BatchDeleteClusterNodes" and before["instanceId"] in call.parameters["NodeIds"]
            for call in stack.simulator.log.calls()
        )

    user.until(ended, said=lambda: user.get("hpc", name)["status"]["conditions"])
    after = user.settled("data")["attachment"]
    assert after["nodeName"] != before["nodeName"]
    calls = [
        call.operation
        for call in stack.simulator.log.calls()
        if before["instanceId"] in {call.parameters.get("NodeId"), *call.parameters.get("NodeIds", [])}
    ]
    assert calls.index("DetachClusterNodeVolume") < calls.index("BatchDeleteClusterNodes")
    user("delete", f"hpc/{name}", "--wait=false")
    user.gone("hpc", name)
    assert len(volumes_of(stack, user)) == 1, "a volume outlives a cluster that ends without it"


def test_a_claim_of_a_cluster_object_ends_before_its_cluster(stack: Stack, user: User) -> None:
    """`kubectl delete` of both at once: nothing can be detached from a cluster that is being deleted."""
    name = f"with-{user.namespace}"
    user.apply(owned(name, nodes=1), claim(clusterRef={"name": name}))
    user.settled("data")
    user("delete", "evc/data", f"hpc/{name}", "--wait=false")
    user.gone("evc", "data")
    user.gone("hpc", name)
    assert volumes_of(stack, user) == {}
