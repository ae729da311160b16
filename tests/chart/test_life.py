"""The chart's arguments, environment and service account, with the real operator: everything works, nothing is refused.

The API server's audit log is the judge: every request is covered by the chart's rules, and every rule is used.
"""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest
from tests.chart.conftest import NAMESPACE, RELEASE
from tests.chart.installation import Installation
from tests.chart.rights import Right, rights
from tests.chart.scenes import Scenes

from hyperpod_operator.core.preflight.facts import INSTALLED_IN
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.control_plane.audit import AuditLog
from hyperpod_testbed.helm import Helm
from hyperpod_testbed.simulator import Options, Simulator
from hyperpod_testbed.stack import ACCOUNT

pytestmark = pytest.mark.early

SPEED = 300.0


@pytest.fixture(scope="module")
def simulator(plane: ControlPlane) -> Iterator[Simulator]:
    with Simulator(options=Options.crowded(), account=ACCOUNT, speed=SPEED, kubeconfig=plane.kubeconfig) as running:
        yield running


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
def everywhere(plane: ControlPlane, releases: Helm, simulator: Simulator) -> Iterator[Installation]:
    """An installation for all namespaces, after everything that the operator does for anybody, and a restart."""
    installed = Installation(plane=plane, helm=releases, release=RELEASE, namespace=NAMESPACE, values={})
    scenes = Scenes(installed, simulator, namespace="team-a")
    with installed.running(simulator):
        scenes.cluster("life")
        scenes.pauses("life")
        scenes.claim("scratch", cluster="life")
        scenes.takeover("first", "second", cluster="life")
    with installed.running(simulator):
        scenes.ends("life")
        yield installed


def test_everything_works_with_the_charts_rights(everywhere: Installation, audit: AuditLog) -> None:
    assert refused(audit, everywhere.user) == []
    said = everywhere.log.read_text().lower()
    assert "forbidden" not in said
    assert '"level": "error"' not in said


def test_every_right_that_is_granted_is_used(everywhere: Installation, audit: AuditLog, helm: Helm) -> None:
    """Those of drains and node operations are used in tests/integration/test_node_operations.py, and the one that
    policies of another installation ask of in tests/chart/test_two_installations.py."""
    without = {"drain": {"enabled": False}, "nodeOperations": {"enabled": False}}
    granted = rights(helm.objects(release=RELEASE, namespace=NAMESPACE, values=without), account=RELEASE)
    unused = {right for right in granted if not used(right, audit, everywhere.user)}
    assert {str(right) for right in unused if not right.is_asked_elsewhere} == set()


def test_every_request_is_covered_by_the_charts_own_rules(everywhere: Installation, audit: AuditLog) -> None:
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


def test_the_operator_finds_its_lease_in_its_own_namespace(everywhere: Installation, plane: ControlPlane) -> None:
    found = json.loads(plane.kubectl("get", "lease", RELEASE, "-n", NAMESPACE, "-o", "json").stdout)
    assert found["spec"]["leaseDurationSeconds"] == 15


def test_probes_and_the_charts_own_test_are_answered(everywhere: Installation) -> None:
    """The container's probes, and the script of the pod that `helm test` starts."""
    url = f"http://127.0.0.1:{everywhere.probe_port}"
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        with urllib.request.urlopen(url + everywhere.container[probe]["httpGet"]["path"], timeout=5) as answer:
            assert answer.status == 200
    (pod,) = [found for found in everywhere.objects if found["kind"] == "Pod"]
    (container,) = pod["spec"]["containers"]
    assert container["command"] == ["python", "-c"]
    said = subprocess.run(
        [sys.executable, "-c", *container["args"]],
        env={"METRICS_URL": f"http://127.0.0.1:{everywhere.metrics_port}/metrics", "EXPECTED": "200"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["metrics", "200"]


@pytest.mark.usefixtures("everywhere")
def test_a_token_of_the_operator_cannot_do_more_to_a_node_than_the_operator_does(plane: ControlPlane) -> None:
    """RBAC lets it patch Nodes; the chart's policy says what."""
    name = "hyperpod-i-0aaaaaaaaaaaaaaaa"
    provider_id = "aws:///usw2-az2/sagemaker/cluster/hyperpod-abcdefghijkl-i-0aaaaaaaaaaaaaaaa"
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {"providerID": provider_id}}
    plane.kubectl("create", "-f", "-", input=json.dumps(node))
    stolen = plane.service_account_kubeconfig(NAMESPACE, RELEASE)

    def patched(body: str) -> bool:
        command = plane.kubectl_command("patch", "node", name, "--type=merge", "-p", body, kubeconfig=stolen)
        return not _failed(command)

    try:
        assert not patched('{"spec": {"unschedulable": true}}')
        assert not patched('{"metadata": {"labels": {"team": "b"}}}')
        assert patched('{"metadata": {"labels": {"hyperpod-operator.dev/instance-type": "p5.48xlarge"}}}')
    finally:
        plane.kubectl("delete", "node", name)


def _failed(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_a_namespaced_installation_serves_its_namespaces_and_asks_for_no_other(
    plane: ControlPlane, releases: Helm, simulator: Simulator, audit: AuditLog, everywhere: Installation
) -> None:
    values = {"watchNamespaces": ["team-b"], "crds": {"enabled": False}, "fullnameOverride": "teams"}
    plane.kubectl("scale", "deployment", RELEASE, "-n", NAMESPACE, "--replicas=0")
    installed = Installation(plane=plane, helm=releases, release="teams", namespace="team-b", values=values)
    scenes = Scenes(installed, simulator, namespace="team-b")
    with installed.running(simulator):
        scenes.cluster("apart")
        scenes.claim("scratch", cluster="apart")
        scenes.ends("apart")
    assert refused(audit, installed.user) == []
    asked = list(audit.requests(installed.user))
    assert {one.namespace for one in asked if one.resource != "daemonsets"} <= {"", "team-b", "default"}
    # Preflight looks for what EKS and HyperPod's Helm chart installed.
    listed = {(one.verb, one.namespace) for one in asked if one.resource == "daemonsets"}
    assert listed == {("list", namespace) for namespace in INSTALLED_IN}
