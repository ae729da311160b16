"""The list of tenants and the quarantine, with a real API server and the operator as a process."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hyperpod_testbed.control_plane import ControlPlane
from hyperpod_testbed.simulator import Simulator
from hyperpod_testbed.stack import FAST, Stack
from hyperpod_testbed.waiting import until

pytestmark = pytest.mark.control_plane

EKS = "arn:aws:eks:us-west-2:111122223333:cluster/ml"
OWN = "arn:aws:iam::111122223333:role/team-a-nodes"
LIST = {
    "tenants": [
        {
            "namespaces": ["team-a-*"],
            "eksClusters": ["arn:aws:eks:*:111122223333:cluster/ml"],
            "executionRoles": ["arn:aws:iam::111122223333:role/team-a-*"],
            "kmsKeys": ["arn:aws:kms:*:*:key/*"],
            "securityGroups": ["*"],
            "subnets": ["*"],
            "regions": ["us-west-2"],
        }
    ]
}


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that outlives the process."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def stack(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory, state: Path) -> Iterator[Stack]:
    written = tmp_path_factory.mktemp("tenants") / "tenants.yaml"
    written.write_text(yaml.safe_dump(LIST))
    flags = (*FAST, f"--tenants={written}", "--allowed-region=eu-west-1", f"--state-dir={state}")
    with Stack(plane=control_plane, speed=300.0, flags=flags) as running:
        yield running


@pytest.fixture
def team(control_plane: ControlPlane, namespace: str) -> Iterator[str]:
    """A namespace of team-a; nothing of it is left for the operators of other tests."""
    name = f"team-a-{namespace}"
    control_plane.kubectl("create", "namespace", name)
    yield name
    control_plane.kubectl("-n", name, "delete", "evc,hpc", "--all")
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


def cluster(name: str, *, role: str = OWN, groups: int = 1, **members: Any) -> dict[str, Any]:
    group = {"instanceType": "ml.m5.2xlarge", "instanceCount": 0, "executionRole": role}
    return {
        "apiVersion": "hyperpod-operator.dev/v1alpha1",
        "kind": "HyperPodCluster",
        "metadata": {"name": name},
        "spec": {
            "orchestrator": {"eks": {"clusterArn": EKS}},
            "vpcConfig": {"securityGroupIds": ["sg-0123456789abcdef0"], "subnets": ["subnet-0123456789abcdef0"]},
            "instanceGroups": [{"instanceGroupName": f"w{number}", **group} for number in range(groups)],
            **members,
        },
    }


def claim(name: str, door: str) -> dict[str, Any]:
    return {
        "apiVersion": "hyperpod-operator.dev/v1alpha1",
        "kind": "EBSVolumeClaim",
        "metadata": {"name": name},
        "spec": {
            "clusterRef": {"name": door},
            "source": {"create": {"availabilityZone": "eu-west-1a"}},
            "volume": {"size": 1000, "volumeType": "io2", "iops": 50000},
            "attachment": {"mode": "None"},
        },
    }


def apply(plane: ControlPlane, namespace: str, manifest: dict[str, Any]) -> None:
    plane.api.create(manifest, namespace=namespace)


def ready(plane: ControlPlane, namespace: str, kind: str, name: str) -> dict[str, Any]:
    """The Ready condition, once there is one."""

    def look() -> dict[str, Any] | None:
        found = plane.api.get(kind, name, namespace=namespace)
        assert found is not None
        listed: list[dict[str, Any]] = found.get("status", {}).get("conditions", [])
        return next((one for one in listed if one["type"] == "Ready"), None)

    return until(look, f"{kind} {name} has a Ready condition") or {}


def mutations(simulator: Simulator) -> list[str]:
    return [call.operation for call in simulator.log.calls() if call.mutating]


def test_a_cluster_object_lends_no_region(stack: Stack, team: str) -> None:
    """The claim names an object in a Region that its tenant may not use, and no Region itself."""
    elsewhere = {"eks": {"clusterArn": EKS.replace("us-west-2", "eu-west-1")}}
    apply(stack.plane, team, cluster("door", region="eu-west-1", orchestrator=elsewhere))
    apply(stack.plane, team, claim("through-the-door", "door"))
    assert ready(stack.plane, team, "evc", "through-the-door")["reason"] == "NotAllowed"
    assert ready(stack.plane, team, "hpc", "door")["reason"] == "NotAllowed"
    assert mutations(stack.simulator) == []


def test_a_role_of_another_team_is_refused(stack: Stack, team: str) -> None:
    apply(stack.plane, team, cluster("borrower", role="arn:aws:iam::111122223333:role/team-b-nodes"))
    found = ready(stack.plane, team, "hpc", "borrower")
    assert found["reason"] == "NotAllowed"
    assert "role/team-b-nodes" in found["message"]
    assert mutations(stack.simulator) == []


def test_an_object_full_of_long_values_holds_nobody_up(stack: Stack, team: str) -> None:
    """300 values of 2 kB that nearly match a pattern of two stars: once the end of the operator, for everybody."""
    bad = cluster("long", groups=100)
    value = "arn:aws:kms" + ":" * 2000
    for number, group in enumerate(bad["spec"]["instanceGroups"]):
        group["instanceStorageConfigs"] = [
            {"ebsVolumeConfig": {"volumeSizeInGB": 100, "volumeKmsKeyId": f"{value}{number:04d}"}}
        ]
    apply(stack.plane, team, bad)
    started = time.monotonic()
    apply(stack.plane, team, cluster("beside", management={"paused": True}))
    assert ready(stack.plane, team, "hpc", "beside")["reason"] == "Paused"
    assert ready(stack.plane, team, "hpc", "long")["reason"] == "NotAllowed"
    assert time.monotonic() - started < 20
    assert stack.operator.get("/healthz")[0] == 200


def test_an_object_that_two_processes_died_of_is_in_quarantine(stack: Stack, team: str, state: Path) -> None:
    """The file that the processes before this one left says so; the condition is written, and no pass begins."""
    apply(stack.plane, team, cluster("deadly", management={"paused": True}))
    assert ready(stack.plane, team, "hpc", "deadly")["reason"] == "Paused"
    (state / "quarantine.json").write_text(json.dumps({f"cluster/{team}/deadly": 2}))
    stack.operator.child.signal(signal.SIGKILL)
    stack.operator.child.wait(10)
    stack.operator.start()
    until(
        lambda: ready(stack.plane, team, "hpc", "deadly")["reason"] == "Quarantined",
        lambda: stack.operator.child.tail(20),
    )
    stack.plane.kubectl("-n", team, "annotate", "hpc", "deadly", "hyperpod-operator.dev/reconcile-requested-at=now")
    apply(stack.plane, team, cluster("lively", management={"paused": True}))
    assert ready(stack.plane, team, "hpc", "lively")["reason"] == "Paused"
    assert ready(stack.plane, team, "hpc", "deadly")["reason"] == "Quarantined"
    counted = 'hyperpod_operator_quarantined_objects{kind="cluster"} 1.0'
    until(lambda: counted in stack.operator.get("/metrics")[1], lambda: stack.operator.get("/metrics")[1])
