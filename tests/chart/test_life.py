"""The chart's arguments, environment and service account, with the real operator: everything works, nothing is refused.

There is no kubelet, so the test does its part: it reads the container's command from the Deployment, takes a token of
the service account, and starts the process.
"""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from tests.chart.conftest import NAMESPACE, RELEASE
from tests.chart.rights import Right, rights

from hyperpod_testbed.chart import Helm
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.control_plane.audit import AuditLog
from hyperpod_testbed.processes import free_ports
from hyperpod_testbed.simulator import Simulator
from hyperpod_testbed.stack import ACCOUNT, ROOT, OperatorProcess

EXAMPLE = yaml.safe_load((ROOT / "examples" / "gpu-and-cpu.yaml").read_text())
SPEED = 300.0

FAST = {
    "aws": {"readsPerSecond": 0, "writesPerSecond": 0},
    "reconcile": {
        "pollSeconds": 0.5,
        "settleSeconds": 0.5,
        "echoSeconds": 3,
        "visibilitySeconds": 5,
        "confirmSeconds": 1,
        "adoptionNoticeSeconds": 1,
        "resyncSeconds": 5,
        "sweepSeconds": 10,
    },
}
"""For the simulator's clock."""

OTHER_SCENES = {
    ("events.k8s.io", "events", "patch"): "an Event that repeats is counted up",
    ("", "persistentvolumes", "get"): "claims that publish a volume",
    ("", "persistentvolumes", "list"): "claims with a volume",
    ("", "persistentvolumes", "create"): "claims that publish a volume",
    ("", "persistentvolumes", "delete"): "claims that publish a volume",
    ("", "persistentvolumeclaims", "get"): "claims that publish a volume",
    ("", "persistentvolumeclaims", "create"): "claims that publish a volume",
    ("", "persistentvolumeclaims", "delete"): "claims that publish a volume",
    ("", "pods", "list"): "who uses a volume that is to be detached",
    ("storage.k8s.io", "volumeattachments", "list"): "whether the EBS CSI driver has a volume",
    ("coordination.k8s.io", "leases", "patch"): "a volume that another claim takes over",
    ("coordination.k8s.io", "leases", "delete"): "a claim that lets go of its volume",
    ("hyperpod-operator.dev", "ebsvolumeclaims", "get"): "a claim",
    ("hyperpod-operator.dev", "ebsvolumeclaims", "patch"): "a claim",
    ("hyperpod-operator.dev", "ebsvolumeclaims/status", "patch"): "a claim",
}
"""What is granted and not used by a cluster's life; the scenes that use it have tests of their own."""


class Installed:
    """A release whose operator runs under its own account."""

    def __init__(
        self, *, plane: ControlPlane, helm: Helm, release: str, namespace: str, values: dict[str, Any]
    ) -> None:
        port = free_ports(1)[0]
        self.plane, self.user = plane, f"system:serviceaccount:{namespace}:{release}"
        self.values = {**FAST, **values, "metrics": {"port": port}}
        helm.release("install", release, namespace=namespace, values=self.values)
        self.objects = helm.objects(release=release, namespace=namespace, values=self.values)
        self.log = plane.directory / f"{release}.log"
        deployment = json.loads(plane.kubectl("get", "deployment", release, "-n", namespace, "-o", "json").stdout)
        template = deployment["spec"]["template"]["spec"]
        assert template["serviceAccountName"] == release
        (self.container,) = template["containers"]
        self.namespace, self.release, self.port = namespace, release, port

    def start(self, simulator: Simulator) -> OperatorProcess:
        """The container's command, with what a kubelet and EKS would bring: a token and AWS."""
        command, *flags = self.container["args"]
        assert command == "run"
        given = {item["name"]: item["value"] for item in self.container["env"]}
        process = OperatorProcess(
            kubeconfig=self.plane.service_account_kubeconfig(self.namespace, self.release),
            environment={**given, **simulator.environment()},
            log=self.log,
            flags=flags,
        )
        process.port = self.port
        return process.start()

    def kubectl(self, namespace: str, *args: str, **options: Any) -> str:
        return self.plane.kubectl("-n", namespace, *args, **options).stdout


@pytest.fixture(scope="module")
def simulator(plane: ControlPlane) -> Iterator[Simulator]:
    with Simulator(account=ACCOUNT, speed=SPEED, kubeconfig=plane.kubeconfig) as running:
        yield running


def manifest(name: str, **changes: Any) -> str:
    made = json.loads(json.dumps(EXAMPLE))
    made["metadata"]["name"] = name
    made["spec"] |= changes
    return json.dumps(made)


def until(done: Callable[[], bool], what: Callable[[], str]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline, what()
        time.sleep(0.2)


def live(installed: Installed, process: OperatorProcess, simulator: Simulator, *, namespace: str, name: str) -> None:
    """Create, scale, lose a node's health, delete."""

    def ready(nodes: str) -> bool:
        row = installed.kubectl(namespace, "get", "hpc", name, "--no-headers").split()
        return "True" in row and nodes in row

    installed.kubectl(namespace, "apply", "-f", "-", input=manifest(name))
    until(lambda: ready("6/6"), lambda: process.child.tail(15))
    groups = json.loads(json.dumps(EXAMPLE["spec"]["instanceGroups"]))
    groups[1]["instanceCount"] = 3
    installed.kubectl(namespace, "apply", "-f", "-", input=manifest(name, instanceGroups=groups))
    until(lambda: ready("7/7"), lambda: process.child.tail(15))
    simulator.nodes.wait_until_in_step()
    labelled = f"sagemaker.amazonaws.com/cluster-name={name},hyperpod-operator.dev/instance-type"
    until(
        lambda: len(installed.kubectl(namespace, "get", "nodes", "-l", labelled, "-o", "name").split()) == 7,
        lambda: f"the operator's labels are not on the nodes: {process.child.tail(15)}",
    )
    installed.kubectl(namespace, "delete", "hpc", name, "--timeout=60s")


def used(right: Right, audit: AuditLog, user: str) -> bool:
    return any(
        right.covers(
            group=request.group,
            resource=request.resource,
            verb=request.verb,
            namespace=request.namespace,
            name=request.name or right.name,  # a create has its name in the body
        )
        for request in audit.requests(user)
        if request.code < 400
    )


def refused(audit: AuditLog, user: str) -> list[str]:
    return [str(request) for request in audit.requests(user) if request.code in (401, 403)]


@pytest.fixture(scope="module")
def everywhere(plane: ControlPlane, releases: Helm, simulator: Simulator) -> Iterator[Installed]:
    """An installation for all namespaces, after a whole life of a cluster."""
    installed = Installed(plane=plane, helm=releases, release=RELEASE, namespace=NAMESPACE, values={})
    process = installed.start(simulator)
    try:
        live(installed, process, simulator, namespace="team-a", name="life")
        yield installed
    finally:
        process.stop()


def test_a_clusters_life_works_with_the_charts_rights(everywhere: Installed, audit: AuditLog) -> None:
    assert refused(audit, everywhere.user) == []
    said = everywhere.log.read_text().lower()
    assert "forbidden" not in said
    assert '"level": "error"' not in said


def test_every_right_that_is_granted_is_used(everywhere: Installed, audit: AuditLog) -> None:
    granted = rights(everywhere.objects, account=RELEASE)
    unused = {right for right in granted if not used(right, audit, everywhere.user)}
    assert {str(right) for right in unused if (right.group, right.resource, right.verb) not in OTHER_SCENES} == set()


def test_every_request_is_covered_by_the_charts_own_rules(everywhere: Installed, audit: AuditLog) -> None:
    """And not by something that the API server grants to everybody, but the reviews of its own rights."""
    granted = rights(everywhere.objects, account=RELEASE)
    reviews = {"selfsubjectaccessreviews", "selfsubjectreviews"}
    uncovered = {
        f"{request.verb} {request.resource}.{request.group}"
        for request in audit.requests(everywhere.user)
        if request.resource not in reviews
        and not any(
            right.covers(
                group=request.group,
                resource=request.resource,
                verb=request.verb,
                namespace=request.namespace,
                name=request.name,
            )
            for right in granted
        )
    }
    assert uncovered == set()


def test_the_operator_finds_its_lease_in_its_own_namespace(everywhere: Installed, plane: ControlPlane) -> None:
    found = json.loads(plane.kubectl("get", "lease", RELEASE, "-n", NAMESPACE, "-o", "json").stdout)
    assert found["spec"]["leaseDurationSeconds"] == 15


def test_probes_and_the_charts_own_test_are_answered(everywhere: Installed) -> None:
    """The container's probes, and the script of the pod that `helm test` starts."""
    url = f"http://127.0.0.1:{everywhere.port}"
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        with urllib.request.urlopen(url + everywhere.container[probe]["httpGet"]["path"], timeout=5) as answer:
            assert answer.status == 200
    (pod,) = [found for found in everywhere.objects if found["kind"] == "Pod"]
    (container,) = pod["spec"]["containers"]
    assert container["command"] == ["python", "-c"]
    said = subprocess.run(
        [sys.executable, "-c", *container["args"]],
        env={"OPERATOR_URL": url},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["healthz", "200", "readyz", "200", "metrics", "200"]


@pytest.mark.usefixtures("everywhere")
def test_a_token_of_the_operator_cannot_do_more_to_a_node_than_the_operator_does(plane: ControlPlane) -> None:
    """RBAC lets it patch Nodes; the chart's policy says what."""
    plane.kubectl(
        "create", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}})
    )
    stolen = plane.service_account_kubeconfig(NAMESPACE, RELEASE)

    def patched(body: str) -> bool:
        command = plane.kubectl_command("patch", "node", "n", "--type=merge", "-p", body, kubeconfig=stolen)
        return not _failed(command)

    try:
        assert not patched('{"spec": {"unschedulable": true}}')
        assert not patched('{"metadata": {"labels": {"team": "b"}}}')
        assert patched('{"metadata": {"labels": {"hyperpod-operator.dev/instance-type": "p5.48xlarge"}}}')
    finally:
        plane.kubectl("delete", "node", "n")


def _failed(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_a_namespaced_installation_serves_its_namespaces_and_asks_for_no_other(
    plane: ControlPlane, releases: Helm, simulator: Simulator, audit: AuditLog, everywhere: Installed
) -> None:
    values = {"watchNamespaces": ["team-b"], "crds": {"enabled": False}, "fullnameOverride": "teams"}
    installed = Installed(plane=plane, helm=releases, release="teams", namespace="team-b", values=values)
    plane.kubectl("scale", "deployment", RELEASE, "-n", NAMESPACE, "--replicas=0")
    process = installed.start(simulator)
    try:
        live(installed, process, simulator, namespace="team-b", name="apart")
    finally:
        process.stop()
    assert refused(audit, installed.user) == []
    places = {request.namespace for request in audit.requests(installed.user)}
    assert places <= {"", "team-b", "default"}
