"""The operator as a process, a real control plane, the simulator, and kubectl like a user."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from hyperpod_testbed import account
from hyperpod_testbed.control_plane import ApiError, ControlPlane
from hyperpod_testbed.simulator import Fault, Options, Simulator
from hyperpod_testbed.stack import COMMAND, FAST, ROOT, OperatorProcess, Stack
from hyperpod_testbed.waiting import until

pytestmark = pytest.mark.early

EXAMPLE = yaml.safe_load((ROOT / "examples" / "gpu-and-cpu.yaml").read_text())
SPEED = 300.0


@pytest.fixture(scope="module")
def stack(control_plane: ControlPlane) -> Iterator[Stack]:
    """One operator, by its command, and one simulator for these tests; objects keep apart by namespace and name."""
    with Stack(plane=control_plane, speed=SPEED, program=COMMAND) as running:
        yield running


class Kubectl:
    """kubectl in one namespace."""

    def __init__(self, stack: Stack, namespace: str) -> None:
        self._stack, self.namespace = stack, namespace

    def __call__(self, *args: str, **options: Any) -> str:
        return self._stack.plane.kubectl("-n", self.namespace, *args, **options).stdout

    def apply(self, manifest: dict[str, Any]) -> None:
        """As kubectl applies it."""
        self._stack.plane.api.apply(manifest, namespace=self.namespace)

    def hpc(self, name: str) -> dict[str, Any]:
        found = self._stack.plane.api.get("hpc", name, namespace=self.namespace)
        assert found is not None
        return found

    def ready(self, name: str) -> dict[str, Any]:
        conditions = self.hpc(name).get("status", {}).get("conditions", [])
        return next((item for item in conditions if item["type"] == "Ready"), {})

    def wait(self, name: str, done: Callable[[dict[str, Any]], bool], *, seconds: float = 40.0) -> dict[str, Any]:
        """Ready, once it is there and `done` says so of it."""

        def look() -> dict[str, Any] | None:
            ready = self.ready(name)
            return ready if ready and done(ready) else None

        def said() -> str:
            return f"{name} is {self.ready(name)}; log:\n{self._stack.operator.child.tail(15)}"

        return until(look, said, seconds=seconds) or {}


@pytest.fixture
def kubectl(stack: Stack, namespace: str) -> Kubectl:
    return Kubectl(stack, namespace)


def manifest(name: str, **changes: Any) -> dict[str, Any]:
    """The example under another name."""
    made = json.loads(json.dumps(EXAMPLE))
    made["metadata"]["name"] = name
    made["spec"] |= changes
    return dict(made)


def is_true(ready: dict[str, Any]) -> bool:
    return bool(ready["status"] == "True")


def mutations(stack: Stack, cluster: str) -> list[str]:
    """Calls that were meant to change this cluster, by name."""
    calls = [call for call in stack.simulator.log.calls() if call.mutating]
    return [call.operation for call in calls if call.parameters.get("ClusterName") == cluster]


def test_kubectl_apply_becomes_a_cluster_and_kubectl_delete_ends_it(stack: Stack, kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", input=json.dumps(manifest("life")))
    kubectl.wait("life", is_true)
    found = kubectl.hpc("life")
    assert found["metadata"]["finalizers"] == ["hyperpod-operator.dev/hyperpodcluster"]
    foreign = {name for name in found["metadata"].get("annotations", {}) if "kubectl" not in name}
    assert foreign == set()
    row = kubectl("get", "hpc", "life").splitlines()[-1].split()
    assert row[:4] == ["life", "True", "InService", "6/6"]
    stack.simulator.nodes.wait_until_in_step()
    nodes = kubectl("get", "nodes", "-l", "sagemaker.amazonaws.com/cluster-name=life", "-o", "name").split()
    assert len(nodes) == 6
    kubectl("delete", "hpc", "life", "--timeout=60s")
    assert "life" not in kubectl("get", "hpc", "-o", "name")


@pytest.mark.fault(1)
def test_a_killed_operator_goes_on_where_it_was(stack: Stack, kubectl: Kubectl) -> None:
    stack.simulator.faults.add(Fault(operation="CreateCluster", kind="delay", seconds=1.0, times=1, cluster="killed"))
    kubectl.apply(manifest("killed"))
    stack.simulator.log.wait_for("CreateCluster", timeout=60)
    stack.operator.child.signal(signal.SIGKILL)
    stack.operator.child.wait(10)
    stack.operator.start()
    kubectl.wait("killed", is_true)
    created = [
        call for call in stack.simulator.log.calls("CreateCluster") if call.parameters["ClusterName"] == "killed"
    ]
    assert len(created) == 1
    kubectl("delete", "hpc", "killed", "--timeout=60s")


@pytest.mark.fault(23)
def test_a_stop_is_clean_and_quick(stack: Stack, kubectl: Kubectl) -> None:
    kubectl.apply(manifest("stopped"))
    kubectl.wait("stopped", lambda ready: ready["reason"] in {"Creating", "Scaling", "ClusterReady"})
    started = time.monotonic()
    assert stack.operator.stop() == 0
    assert time.monotonic() - started < 10
    stack.operator.start()
    kubectl.wait("stopped", is_true)
    assert mutations(stack, "stopped") == ["CreateCluster"]


def test_the_annotation_asks_for_a_pass_now(stack: Stack, kubectl: Kubectl) -> None:
    kubectl.apply(manifest("asked"))
    kubectl.wait("asked", is_true)
    kubectl("annotate", "hpc", "asked", "hyperpod-operator.dev/reconcile-requested-at=first")
    handled = "lastHandledReconcileAt"
    until(lambda: kubectl.hpc("asked")["status"].get(handled) == "first", lambda: kubectl.hpc("asked")["status"])


def test_health_and_metrics_tell_about_the_cluster_and_forget_it(stack: Stack, kubectl: Kubectl) -> None:
    kubectl.apply(manifest("counted"))
    kubectl.wait("counted", is_true)
    assert stack.operator.get("/healthz") == (200, "ok\n")
    assert stack.operator.get("/readyz") == (200, "ok\n")
    series = f'namespace="{kubectl.namespace}",status="True",type="Ready"'
    until(lambda: series in stack.operator.get("/metrics")[1], lambda: stack.operator.get("/metrics")[1])
    kubectl("delete", "hpc", "counted", "--timeout=60s")
    until(lambda: kubectl.namespace not in stack.operator.get("/metrics")[1], "its series go")
    counted = 'hyperpod_operator_aws_calls_total{code="OK",operation="CreateCluster",purpose="Reconcile"}'
    assert counted in stack.operator.get("/metrics")[1]


def test_events_tell_the_story_without_repeating_themselves(stack: Stack, kubectl: Kubectl) -> None:
    kubectl.apply(manifest("told"))
    kubectl.wait("told", is_true)

    def told() -> list[tuple[str, str]]:
        events = json.loads(kubectl("get", "events.events.k8s.io", "-o", "json"))["items"]
        return [(item["reason"], item["note"]) for item in events if item["regarding"]["name"] == "told"]

    until(lambda: "Creating" in dict(told()), lambda: f"no Event of the creation in {told()}")
    time.sleep(1.0)  # for what ought not to come
    story = told()
    assert "ClusterReady" not in dict(story)  # the condition says so
    assert len(story) == len(set(story))


def test_a_refusal_is_not_repeated_because_we_wrote_it_down(stack: Stack, kubectl: Kubectl) -> None:
    """Our own status writes come back as events; taken for news they would start the next call at once."""
    denied = Fault(
        operation="CreateCluster",
        kind="error",
        code="AccessDeniedException",
        message="No.",
        status=400,
        cluster="denied",
    )
    stack.simulator.faults.add(denied)
    kubectl.apply(manifest("denied"))
    kubectl.wait("denied", lambda ready: ready["reason"] == "PermissionDenied")
    time.sleep(3.0)
    assert mutations(stack, "denied") == ["CreateCluster"]
    stack.simulator.faults.clear()


HOSTILE = [
    {"clusterName": "a" * 63, "nodeRecovery": "None"},
    {"tags": [{"key": "ключ-標籤", "value": "значение ☃"[:8]}]},
    {"tags": [{"key": f"k{number}", "value": "v" * 256} for number in range(46)]},
    {"instanceGroups": [EXAMPLE["spec"]["instanceGroups"][0] | {"instanceCount": 0}]},
    {"instanceGroups": [EXAMPLE["spec"]["instanceGroups"][0] | {"instanceType": "ml.no-such.thing"}]},
    {"region": "mars-north-1"},
    {"orchestrator": {"eks": {"clusterArn": "arn:aws:eks:us-west-2:999999999999:cluster/other"}}},
    {"autoScaling": {"mode": "Disable"}, "clusterRole": "arn:aws:iam::111122223333:role/" + "r" * 200},
]


@pytest.mark.fault(19)
def test_hostile_resources_neither_crash_nor_starve_the_others(stack: Stack, kubectl: Kubectl) -> None:
    before = stack.operator.child.pid
    for number, changes in enumerate(HOSTILE):
        with suppress(ApiError):
            kubectl.apply(manifest(f"hostile-{number}", **changes))
    kubectl.apply(manifest("harmless"))
    kubectl.wait("harmless", is_true)
    for item in stack.plane.api.list("hpc", namespace=kubectl.namespace):
        ready = kubectl.wait(item["metadata"]["name"], lambda ready: bool(ready["message"]))
        assert ready["reason"]
    assert stack.operator.child.pid == before
    assert "InternalError" not in stack.operator.log.read_text()
    assert "Traceback" not in stack.operator.log.read_text()


class TestStartFailures:
    """Each says in words what is missing and ends within seconds."""

    @pytest.fixture
    def simulator(self) -> Iterator[Simulator]:
        with Simulator(options=Options.crowded(), speed=SPEED) as running:
            yield running

    def ended(
        self, simulator: Simulator, kubeconfig: Path, tmp_path: Path, *, flags: tuple[str, ...] = (), **env: str
    ) -> str:
        """Start it; returns what it said when it ended."""
        environment = {**simulator.environment(), **env}
        process = OperatorProcess(
            kubeconfig=kubeconfig, environment=environment, log=tmp_path / "log", flags=(*FAST, *flags)
        )
        process.start(wait=False)
        try:
            assert process.child.wait(90) == 2, process.child.tail()
        finally:
            process.stop()
        return process.log.read_text()

    def test_no_crd(self, simulator: Simulator, tmp_path: Path) -> None:
        with ControlPlane(components=frozenset({"etcd", "kube-apiserver"})) as bare:
            said = self.ended(simulator, bare.kubeconfig, tmp_path)
        assert "CustomResourceDefinition is missing" in said
        assert "hyperpod-operator crds | kubectl apply" in said

    def test_no_rbac(self, stack: Stack, simulator: Simulator, tmp_path: Path) -> None:
        said = self.ended(simulator, stack.plane.user_kubeconfig("nobody"), tmp_path)
        assert "nobody may not" in said
        assert "kubectl create clusterrole" in said

    def test_no_kubeconfig(self, simulator: Simulator, tmp_path: Path) -> None:
        assert "no kubeconfig" in self.ended(simulator, tmp_path / "absent", tmp_path)

    def test_no_credentials(self, stack: Stack, simulator: Simulator, tmp_path: Path) -> None:
        said = self.ended(
            simulator,
            stack.plane.kubeconfig,
            tmp_path,
            AWS_ACCESS_KEY_ID="",
            AWS_SECRET_ACCESS_KEY="",
            AWS_SHARED_CREDENTIALS_FILE=os.devnull,
            AWS_CONFIG_FILE=os.devnull,
        )
        assert "AWS credentials or region are missing or not accepted" in said
        assert "Pod Identity" in said

    def test_expired_credentials(self, stack: Stack, simulator: Simulator, tmp_path: Path) -> None:
        simulator.access.expire("TESTBED")
        assert "ExpiredToken" in self.ended(simulator, stack.plane.kubeconfig, tmp_path)

    def test_no_region(self, stack: Stack, simulator: Simulator, tmp_path: Path) -> None:
        said = self.ended(
            simulator,
            stack.plane.kubeconfig,
            tmp_path,
            AWS_REGION="",
            AWS_DEFAULT_REGION="",
            AWS_CONFIG_FILE=os.devnull,
        )
        assert "no AWS region is configured" in said

    def test_a_port_that_is_taken(self, stack: Stack, simulator: Simulator, tmp_path: Path) -> None:
        taken = f"--health-probe-bind-address=127.0.0.1:{stack.operator.probe_port}"
        said = self.ended(simulator, stack.plane.kubeconfig, tmp_path, flags=(taken,))
        assert "cannot be used" in said
        assert "--health-probe-bind-address" in said

    def test_a_flag_that_makes_no_sense(self, stack: Stack, simulator: Simulator, tmp_path: Path) -> None:
        said = self.ended(simulator, stack.plane.kubeconfig, tmp_path, flags=("--workers=0",))
        assert "--workers" in said


def test_an_unreachable_sagemaker_is_told_on_the_resource(stack: Stack, namespace: str, tmp_path: Path) -> None:
    environment = {**stack.simulator.environment(), "AWS_ENDPOINT_URL_SAGEMAKER": "http://127.0.0.1:9"}
    flags = (*account.FLAGS, *FAST, f"--namespace={namespace}")
    lonely = OperatorProcess(kubeconfig=stack.kubeconfig, environment=environment, log=tmp_path / "log", flags=flags)
    stack.operator.stop()
    try:
        lonely.start()
        kubectl = Kubectl(stack, namespace)
        kubectl.apply(manifest("lonely"))
        ready = kubectl.wait("lonely", lambda ready: ready["reason"] == "AWSUnreachable")
        assert ready["status"] == "Unknown"
        assert "VPC endpoint" in ready["message"]
    finally:
        lonely.stop()
        stack.operator.start()
    kubectl.wait("lonely", is_true)
