"""The commands `export` and `plan` with the real API server: what it takes, and what it remembers for a plan."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from click.testing import CliRunner, Result
from tests.unit.core.export.payloads import PAYLOADS

from hyperpod_operator import cli
from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.simulator import Simulator

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def crds(control_plane: ControlPlane) -> None:
    control_plane.install_crds(ROOT / "crds")


@pytest.fixture
def kubectl(control_plane: ControlPlane, namespace: str) -> Callable[..., str]:
    return lambda *args, **more: control_plane.kubectl("-n", namespace, *args, **more).stdout


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    with Simulator(account="111122223333", speed=0) as simulator:
        for name, value in simulator.environment().items():
            monkeypatch.setenv(name, value)
        yield simulator


def said(*args: str | Path, text: str | None = None) -> Result:
    return CliRunner().invoke(cli.main, [str(arg) for arg in args], input=text)


def test_the_api_server_takes_every_exported_manifest(
    kubectl: Callable[..., str], namespace: str, tmp_path: Path
) -> None:
    for name, payload in PAYLOADS.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(payload))
    done = said("export", tmp_path, "--namespace", namespace, "-o", tmp_path / "made")
    assert done.exit_code == 0, done.output
    kubectl("apply", "--server-side", "--validate=strict", "-f", str(tmp_path / "made"))
    listed = json.loads(kubectl("get", "hyperpodclusters", "-o", "json"))["items"]
    assert len(listed) == len(PAYLOADS)


def test_a_plan_knows_what_the_status_remembers(
    aws: Simulator, control_plane: ControlPlane, kubectl: Callable[..., str], namespace: str
) -> None:
    payload = PAYLOADS["efa-workshop"]
    eks = payload["Orchestrator"]["Eks"]["ClusterArn"]
    made = said("export", "-", "--namespace", namespace, text=json.dumps(payload)).stdout
    kubectl("apply", "--server-side", "-f", "-", input=made)
    stored = json.loads(kubectl("get", "hyperpodclusters", "ml-cluster", "-o", "json"))
    owner = {
        "hyperpod-operator.dev/owner": f"{namespace}/ml-cluster",
        "hyperpod-operator.dev/owner-uid": stored["metadata"]["uid"],
        "hyperpod-operator.dev/eks-cluster": eks,
    }
    tags = [*payload["Tags"], *({"Key": key, "Value": value} for key, value in owner.items())]
    client = boto3.client("sagemaker", region_name="us-west-2")
    client.create_cluster(**{**payload, "Tags": tags})
    client.close()
    aws.clock.advance(7200)
    groups = [
        {"instanceGroupName": name, "memory": {"appliedInstanceCount": count, "origin": "Created"}}
        for name, count in (("worker-group-1", 2), ("worker-group-2", 1))
    ]
    status = json.dumps({"status": {"instanceGroups": groups, "origin": "Created"}})
    kubectl("patch", "hyperpodclusters", "ml-cluster", "--subresource=status", "--type=merge", "-p", status)
    edited: dict[str, Any] = yaml.safe_load(made)
    edited["spec"]["instanceGroups"][0]["instanceCount"] = 1
    del edited["spec"]["instanceGroups"][1]
    del edited["spec"]["management"]
    text = yaml.safe_dump(edited)
    sighted = said("plan", "-f", "-", "--kubeconfig", control_plane.kubeconfig, text=text)
    assert sighted.exit_code == 2, sighted.output
    assert "unknown" not in sighted.output
    assert "instanceGroups[worker-group-1].instanceCount: 2 -> 1" in sighted.output
    assert "instanceGroups[worker-group-2]: delete" in sighted.output
    assert "Not checked" not in sighted.output
    assert json.loads(kubectl("get", "hyperpodclusters", "ml-cluster", "-o", "json"))["spec"] == stored["spec"]
    blind = said("plan", "-f", "-", "--no-kubernetes", text=text)
    assert "unknown: instanceCount of group worker-group-1" in blind.output
    assert "unknown: group worker-group-2" in blind.output


def minimal(namespace: str, **members: Any) -> str:
    made: dict[str, Any] = yaml.safe_load((ROOT / "examples" / "minimal.yaml").read_text())
    made["metadata"] |= {"name": "blue", "namespace": namespace}
    made["spec"] |= members
    return yaml.safe_dump(made)


@pytest.mark.usefixtures("aws")
def test_a_rule_of_the_definition_is_checked_before_anything_is_applied(
    control_plane: ControlPlane, kubectl: Callable[..., str], namespace: str
) -> None:
    """The name of the cluster in AWS cannot change: a rule in CEL that compares with the stored object."""
    kubectl("apply", "--server-side", "-f", "-", input=minimal(namespace, clusterName="blue-one"))
    changed = minimal(namespace, clusterName="blue-two")
    done = said("plan", "-f", "-", "--kubeconfig", control_plane.kubeconfig, text=changed)
    assert done.exit_code == 1, done.output
    assert "the API server rejects it" in done.output
    assert "clusterName" in done.output


@pytest.mark.usefixtures("aws")
def test_a_manifest_for_a_namespace_that_is_not_there_is_planned_and_said_to_be_unchecked(
    control_plane: ControlPlane,
) -> None:
    done = said("plan", "-f", "-", "--kubeconfig", control_plane.kubeconfig, text=minimal("not-there-yet"))
    assert done.exit_code == 2, done.output
    assert "CreateCluster (Adds" in done.output
    assert "Not checked by the API server" in done.output
    assert 'namespaces "not-there-yet" not found' in done.output
