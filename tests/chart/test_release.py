"""install, upgrade, rollback and uninstall, with resources present; and where the pods end up."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.chart.conftest import DEFINITIONS, NAMESPACE, RELEASE

from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.helm import CHART, Helm, HelmError
from hyperpod_testbed.waiting import until

pytestmark = pytest.mark.early

ROOT = Path(__file__).parents[2]
CRD = "crd/hyperpodclusters.hyperpod-operator.dev"


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A release before this one: another version, and a definition without its short name."""
    chart = tmp_path / "hyperpod-operator"
    shutil.copytree(CHART, chart)
    described = (chart / "Chart.yaml").read_text()
    (chart / "Chart.yaml").write_text(described.replace("version: 0.1.0", "version: 0.0.9", 1))
    path = chart / "templates" / "crds" / "hyperpod-operator.dev_hyperpodclusters.yaml"
    text = path.read_text()
    assert text.count("    - hpc\n") == 1
    path.write_text(text.replace("    - hpc\n", "    - old\n"))
    return chart


@pytest.fixture
def installed(releases: Helm, plane: ControlPlane, older: Path) -> Iterator[str]:
    """The older release with a resource; returns what helm said."""
    said = releases.release("install", RELEASE, namespace=NAMESPACE, chart=older)
    until(lambda: short_names(plane) == ["old"], "the definition")
    plane.wait_until_read(*DEFINITIONS)
    plane.kubectl("apply", "-n", "team-a", "-f", str(ROOT / "examples" / "gpu-and-cpu.yaml"))
    yield said
    plane.kubectl("delete", "hyperpodclusters", "--all", "-n", "team-a", check=False)
    releases("uninstall", RELEASE, f"--namespace={NAMESPACE}", "--ignore-not-found")
    plane.remove_crds(*DEFINITIONS)


def short_names(plane: ControlPlane) -> list[str]:
    found = plane.kubectl("get", CRD, "-o", "json", check=False)
    return list(json.loads(found.stdout)["spec"]["names"].get("shortNames", [])) if found.returncode == 0 else []


def objects(plane: ControlPlane) -> set[str]:
    kinds = "deployments,serviceaccounts,services,poddisruptionbudgets,roles,rolebindings"
    everywhere = "clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings"
    label = f"-l=app.kubernetes.io/instance={RELEASE}"
    return set(
        plane.kubectl("get", kinds, "-n", NAMESPACE, label, "-o", "name").stdout.split()
        + plane.kubectl("get", everywhere, label, "-o", "name").stdout.split()
    )


@pytest.mark.fault(21)
def test_an_upgrade_brings_the_definitions_and_a_rollback_takes_them_back(
    releases: Helm, plane: ControlPlane, installed: str
) -> None:
    releases.release("upgrade", RELEASE, namespace=NAMESPACE)
    until(lambda: short_names(plane) == ["hpc"], "the new definition")
    releases("rollback", RELEASE, "1", f"--namespace={NAMESPACE}")
    until(lambda: short_names(plane) == ["old"], "the old definition")
    assert plane.kubectl("get", "hyperpodclusters", "-n", "team-a", "-o", "name").stdout.split()


@pytest.mark.fault(18)
def test_an_uninstall_leaves_definitions_and_resources_and_nothing_else(
    releases: Helm, plane: ControlPlane, installed: str
) -> None:
    assert len(objects(plane)) > 8
    releases("uninstall", RELEASE, f"--namespace={NAMESPACE}")
    assert objects(plane) == set()
    assert short_names(plane) == ["old"]
    assert plane.kubectl("get", "hyperpodclusters", "-n", "team-a", "-o", "name").stdout.split()


@pytest.mark.fault(18)
def test_an_installation_after_an_uninstall_takes_the_definitions_over(
    releases: Helm, plane: ControlPlane, installed: str
) -> None:
    releases("uninstall", RELEASE, f"--namespace={NAMESPACE}")
    releases.release("install", RELEASE, namespace=NAMESPACE)
    until(lambda: short_names(plane) == ["hpc"], "the new definition")


def test_definitions_of_another_origin_are_not_taken_silently(
    releases: Helm, plane: ControlPlane, installed: str
) -> None:
    """docs/install.md says how to hand over definitions that kubectl installed."""
    plane.kubectl("scale", "deployment", RELEASE, "-n", NAMESPACE, "--replicas=0")
    with pytest.raises(HelmError, match="invalid ownership metadata"):
        releases.release("install", "another", namespace="team-b")
    values = {"crds": {"enabled": False}, "fullnameOverride": "another"}
    releases.release("install", "another", namespace="team-b", values=values)
    releases("uninstall", "another", "--namespace=team-b")


def test_without_keep_an_uninstall_takes_the_definitions_along(releases: Helm, plane: ControlPlane) -> None:
    releases.release("install", RELEASE, namespace=NAMESPACE, values={"crds": {"keep": False}})
    until(lambda: short_names(plane) == ["hpc"], "the definition")
    plane.wait_until_read(*DEFINITIONS)
    releases("uninstall", RELEASE, f"--namespace={NAMESPACE}")
    until(lambda: short_names(plane) == [], "its end")


def test_the_record_of_a_release_fits_into_its_secret(plane: ControlPlane, installed: str) -> None:
    """Helm keeps chart and manifests in one Secret, and etcd takes 1.5 MB; the definitions are most of it."""
    secret = plane.kubectl("get", "secret", f"sh.helm.release.v1.{RELEASE}.v1", "-n", NAMESPACE, "-o", "json").stdout
    assert len(secret) < 500_000


def test_people_with_kubernetes_own_roles_get_the_kinds(plane: ControlPlane, installed: str) -> None:
    """The real controller aggregates the chart's roles into `view` and `edit`; `admin` gets the right to write only by
    `rbac.aggregateToAdmin`, which is off by default."""

    def may(role: str, verb: str) -> bool:
        command = ("auth", "can-i", verb, "hyperpodclusters", "-n", "team-a", f"--as=a-{role}")
        return plane.kubectl(*command, check=False).stdout.strip() == "yes"

    for role in ("view", "edit", "admin"):
        plane.kubectl("create", "rolebinding", role, f"--clusterrole={role}", f"--user=a-{role}", "-n", "team-a")
    try:
        until(lambda: may("view", "get") and may("edit", "get") and may("admin", "get"), "the aggregation")
        assert not may("view", "create")
        assert not may("edit", "create"), "who writes a cluster chooses its IAM role"
        assert not may("admin", "create"), "who writes a cluster chooses its IAM role"
    finally:
        plane.kubectl("delete", "rolebinding", "view", "edit", "admin", "-n", "team-a")


def test_the_notes_say_what_to_do_next(installed: str) -> None:
    assert f"kubectl -n {NAMESPACE} rollout status deployment/{RELEASE}" in installed
    assert "aws eks create-pod-identity-association" in installed
    assert "until they are gone:\nHyperPodNodeOperations, EBSVolumeClaims, HyperPodClusters." in installed


def node(name: str, **labels: str) -> str:
    capacity = {"cpu": "8", "memory": "16Gi", "pods": "50", "ephemeral-storage": "50Gi"}
    made: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **labels}},
        "status": {
            "capacity": capacity,
            "allocatable": capacity,
            "conditions": [{"type": "Ready", "status": "True", "reason": "Up", "message": "Up."}],
        },
    }
    return yaml.safe_dump(made)


def test_strict_pods_are_made_and_never_on_a_node_of_hyperpod(plane: ControlPlane, installed: str) -> None:
    """The namespace enforces Pod Security "restricted", and the real scheduler chooses."""
    plane.kubectl("create", "-f", "-", input=node("gpu", **{"sagemaker.amazonaws.com/compute-type": "hyperpod"}))
    plane.kubectl("create", "-f", "-", input=node("plain"))
    plane.kubectl("taint", "nodes", "gpu", "plain", "node.kubernetes.io/not-ready:NoSchedule-", check=False)

    def placed() -> list[str]:
        path = "jsonpath={.items[*].spec.nodeName}"
        return plane.kubectl("get", "pods", "-n", NAMESPACE, "-o", path).stdout.split()

    try:
        until(lambda: len(placed()) == 2, "two pods on nodes")
        assert placed() == ["plain", "plain"]
    finally:
        plane.kubectl("delete", "node", "gpu", "plain")
