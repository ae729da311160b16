"""The kubectl plugin, found and run by the real kubectl, against the real API server."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.waiting import until

ROOT = Path(__file__).parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]
READER = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: NAMESPACE}
rules:
  - {apiGroups: [hyperpod-operator.dev], resources: [hyperpodclusters], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: NAMESPACE}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: researchers}]
"""


@pytest.fixture
def run(control_plane: ControlPlane) -> Run:
    """`kubectl hyperpod …` as a person types it."""
    path = os.pathsep.join(
        [str(Path(sys.executable).parent), str(control_plane.kubectl_path.parent), os.environ["PATH"]]
    )

    def run(*words: str, kubeconfig: Path | None = None) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PATH": path, "KUBECONFIG": str(kubeconfig or control_plane.kubeconfig)}
        return subprocess.run(["kubectl", *words], env=env, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def cluster(control_plane: ControlPlane, namespace: str) -> Iterator[str]:
    """A cluster without an operator, with a status that a test may replace."""
    control_plane.install_crds(ROOT / "crds")
    control_plane.kubectl("apply", "-n", namespace, "-f", str(ROOT / "examples" / "minimal.yaml"))
    says(control_plane, namespace, "SpecRejected", "AWS rejected it.")
    yield "minimal"
    control_plane.kubectl("delete", "hpc", "minimal", "-n", namespace, "--wait=false")


def says(
    control_plane: ControlPlane,
    namespace: str,
    reason: str,
    message: str,
    *,
    ready: str = "False",
    groups: list[dict[str, Any]] | None = None,
) -> None:
    generation = int(control_plane.kubectl("get", "hpc", "minimal", "-n", namespace, "-o", "jsonpath={.metadata.generation}").stdout)  # fmt: skip # noqa: E501
    condition = {
        "type": "Ready",
        "status": ready,
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-11-28T12:00:00Z",
    }
    status = {"status": {"observedGeneration": generation, "conditions": [condition], "instanceGroups": groups or []}}
    control_plane.kubectl(
        "patch", "hpc", "minimal", "-n", namespace, "--subresource=status", "--type=merge", "-p", json.dumps(status)
    )


def test_kubectl_finds_it_and_it_explains(run: Run, cluster: str, namespace: str) -> None:
    found = json.loads(run("hyperpod", "explain", cluster, "-n", namespace, "-o", "json").stdout)
    assert (found["reason"], found["step"]["actor"]) == ("SpecRejected", "You")
    assert found["step"]["commands"][0] == f"kubectl edit hpc minimal -n {namespace}"


def test_a_missing_object_is_one_line(run: Run, cluster: str, namespace: str) -> None:
    ended = run("hyperpod", "status", "minimum", "-n", namespace)
    assert ended.returncode == 1
    assert f"has no HyperPodCluster object minimum (AWS was not asked). It has: {cluster}." in ended.stderr


def test_it_pauses_and_asks_for_a_pass(run: Run, cluster: str, namespace: str) -> None:
    assert run("hyperpod", "pause", cluster, "-n", namespace, "--dry-run").returncode == 0
    assert run("hyperpod", "pause", cluster, "-n", namespace).stdout == "hpc/minimal is paused.\n"
    assert run("hyperpod", "reconcile", cluster, "-n", namespace).returncode == 0
    found = yaml.safe_load(run("hyperpod", "status", cluster, "-n", namespace, "-o", "yaml").stdout)
    assert found["spec"]["management"] == {"paused": True}
    assert "hyperpod-operator.dev/reconcile-requested-at" in found["metadata"]["annotations"]
    assert run("hyperpod", "resume", cluster, "-n", namespace).stdout == "hpc/minimal is resumed.\n"


def test_it_waits_with_a_watch(control_plane: ControlPlane, run: Run, cluster: str, namespace: str) -> None:
    ended: list[subprocess.CompletedProcess[str]] = []
    waiting = threading.Thread(
        target=lambda: ended.append(run("hyperpod", "wait", cluster, "-n", namespace, "--timeout", "60"))
    )
    waiting.start()
    says(control_plane, namespace, "ClusterReady", "2/2 nodes.", ready="True")
    waiting.join(90)
    assert ended[0].stdout.splitlines()[-1] == "hpc/minimal: Ready is True."


def test_it_impersonates_and_says_what_it_may_not_read(
    control_plane: ControlPlane, run: Run, cluster: str, namespace: str
) -> None:
    control_plane.apply(READER.replace("NAMESPACE", namespace))
    as_researcher = ("-n", namespace, "--as", "jane", "--as-group", "researchers")

    def explained() -> dict[str, Any]:
        return dict(json.loads(run("hyperpod", "explain", cluster, *as_researcher, "-o", "json").stdout))

    # The API server's authorizer follows roles and bindings by watches, a moment behind whoever made them.
    until(lambda: explained()["reason"] == "SpecRejected", explained)
    found = explained()
    assert [one.partition(":")[0] for one in found["unknown"]] == ["Events", "Whether the operator runs"]
    refused = run("hyperpod", "pause", cluster, *as_researcher)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert 'User "jane" cannot patch resource "hyperpodclusters"' in refused.stderr


def test_a_token_of_a_service_account_is_enough(
    control_plane: ControlPlane, run: Run, cluster: str, namespace: str
) -> None:
    control_plane.kubectl("create", "serviceaccount", "viewer", "-n", namespace)
    own = control_plane.service_account_kubeconfig(namespace, "viewer")
    found = json.loads(run("hyperpod", "explain", cluster, "-n", namespace, "-o", "json", kubeconfig=own).stdout)
    assert found["reason"] == "Forbidden"


def test_a_report_is_written(run: Run, cluster: str, namespace: str, tmp_path: Path) -> None:
    path = tmp_path / "report.tar.gz"
    assert run("hyperpod", "report", "-n", namespace, "--file", str(path)).returncode == 0
    assert path.stat().st_size > 0


def test_a_name_is_completed(run: Run, cluster: str, namespace: str) -> None:
    shown = run("__complete", "hyperpod", "explain", "-n", namespace, "min").stdout
    assert shown.splitlines()[0] == cluster


PENDING = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "trainer-0"},
    "spec": {
        "nodeSelector": {"sagemaker.amazonaws.com/instance-group-name": "workers"},
        "containers": [{"name": "main", "image": "example.com/train"}],
    },
}


def test_a_pending_pod_leads_to_the_cluster(
    control_plane: ControlPlane, run: Run, cluster: str, namespace: str
) -> None:
    """The scheduler's own words, and the group that lacks nodes."""
    control_plane.kubectl("apply", "-n", namespace, "-f", "-", input=json.dumps(PENDING))
    group = {"instanceGroupName": "workers", "targetCount": 2, "currentCount": 0}
    says(control_plane, namespace, "CapacityShortage", "group workers 0/2", groups=[group])
    control_plane.kubectl(
        "wait", "pod/trainer-0", "-n", namespace, "--for=condition=PodScheduled=false", "--timeout=60s"
    )
    found = json.loads(run("hyperpod", "explain", "pod/trainer-0", "-n", namespace, "-o", "json").stdout)
    assert (found["reason"], found["step"]["actor"]) == ("CapacityShortage", "AWS")
    assert found["step"]["commands"][-1] == f"kubectl hyperpod explain hpc/{cluster} -n {namespace}"
    assert any("nodes are available" in link["says"] or "no nodes" in link["says"] for link in found["chain"])
