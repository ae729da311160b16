"""The committed CRD and examples on the real API server: what it serves, merges, explains and refuses."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.release import needs_selectable_fields

from hyperpod_operator.api.cluster.status import HyperPodClusterStatus, InstanceGroupStatus, NodeCounts
from hyperpod_operator.api.common.conditions import Condition
from hyperpod_operator.api.names import API_VERSION, CLUSTER_KIND, CLUSTER_PLURAL, GROUP
from hyperpod_testbed.control_plane import ControlPlane

ROOT = Path(__file__).parents[2]
CRD = f"crd/{CLUSTER_PLURAL}.{GROUP}"
Node = dict[str, Any]

GROUP_A: Node = {
    "instanceGroupName": "a",
    "instanceType": "ml.m5.large",
    "instanceCount": 1,
    "executionRole": "arn:aws:iam::111122223333:role/hyperpod",
}
SPEC: Node = {
    "orchestrator": {"eks": {"clusterArn": "arn:aws:eks:us-west-2:111122223333:cluster/ml"}},
    "vpcConfig": {"securityGroupIds": ["sg-1"], "subnets": ["subnet-1"]},
    "instanceGroups": [GROUP_A],
}


@pytest.fixture(scope="module")
def server(control_plane: ControlPlane) -> ControlPlane:
    """The control plane with the committed CRD served."""
    control_plane.install_crds(ROOT / "crds")
    return control_plane


def cluster(spec: Node, *, name: str = "sample") -> str:
    return json.dumps({"apiVersion": API_VERSION, "kind": CLUSTER_KIND, "metadata": {"name": name}, "spec": spec})


def read(server: ControlPlane, namespace: str, *args: str) -> Node:
    found: Node = json.loads(server.kubectl("get", "hpc", "-n", namespace, "-o", "json", *args).stdout)
    return found


def refusal(server: ControlPlane, namespace: str, spec: Node) -> str:
    done = server.kubectl("create", "--dry-run=server", "-n", namespace, "-f", "-", input=cluster(spec), check=False)
    assert done.returncode != 0, "the server accepted it"
    return done.stderr


def test_the_crd_is_established_and_structural(server: ControlPlane) -> None:
    conditions = json.loads(server.kubectl("get", CRD, "-o", "json").stdout)["status"]["conditions"]
    assert {each["type"]: each["status"] for each in conditions} == {"NamesAccepted": "True", "Established": "True"}


def test_plain_client_side_apply_has_room_for_the_crd(server: ControlPlane) -> None:
    done = server.kubectl("apply", "--dry-run=server", "-f", str(ROOT / "crds"), check=False)
    assert done.returncode == 0, done.stderr


def explanation(server: ControlPlane, field: str) -> str:
    """What kubectl explains. The server publishes a new CRD's OpenAPI a moment after it serves the CRD."""
    deadline = time.monotonic() + 30
    while (done := server.kubectl("explain", field, check=False)).returncode and time.monotonic() < deadline:
        time.sleep(0.2)
    return done.stdout


@pytest.mark.parametrize("field", ["instanceGroups.imageReleaseVersion", "management.deletionPolicy", "tags.key"])
def test_kubectl_explain_reads_as_documentation(server: ControlPlane, field: str) -> None:
    schema = yaml.safe_load(next((ROOT / "crds").glob(f"*{CLUSTER_PLURAL}.yaml")).read_text())
    node = schema["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    for name in field.split("."):
        node = node.get("items", node)["properties"][name]
    shown = explanation(server, f"hpc.spec.{field}")
    assert node["description"] in " ".join(shown.split())


def test_the_examples_are_accepted_as_they_stand(server: ControlPlane, namespace: str) -> None:
    files = [path for path in (ROOT / "examples").glob("*.yaml") if f"kind: {CLUSTER_KIND}" in path.read_text()]
    assert len(files) >= 2
    for path in files:
        server.kubectl("create", "--dry-run=server", "--validate=strict", "-n", namespace, "-f", str(path))


def test_the_spec_is_stored_without_additions(server: ControlPlane, namespace: str) -> None:
    server.kubectl("create", "-n", namespace, "-f", "-", input=cluster(SPEC))
    assert read(server, namespace, "sample")["spec"] == SPEC


def test_an_unknown_field_is_refused_with_its_path(server: ControlPlane, namespace: str) -> None:
    spec = {**SPEC, "instanceGroups": [{**GROUP_A, "instanceCuont": 2}]}
    assert 'unknown field "spec.instanceGroups[0].instanceCuont"' in refusal(server, namespace, spec)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        pytest.param({**SPEC, "instanceGroups": [GROUP_A, GROUP_A]}, "Duplicate value", id="two groups of one name"),
        pytest.param(
            {**SPEC, "vpcConfig": {"securityGroupIds": ["sg-1", "sg-1"], "subnets": ["subnet-1"]}},
            "Duplicate value",
            id="a security group twice",
        ),
        pytest.param(
            {**SPEC, "instanceGroups": [{**GROUP_A, "onStartDeepHealthChecks": ["InstanceStress"] * 2}]},
            "Duplicate value",
            id="a health check twice",
        ),
        pytest.param(
            {**SPEC, "tags": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]},
            "Duplicate value",
            id="a tag key twice",
        ),
        pytest.param(
            {**SPEC, "instanceGroups": [{**GROUP_A, "instanceCount": 6759}]}, "less than or equal to 6758", id="count"
        ),
        pytest.param({**SPEC, "nodeRecovery": "Sometimes"}, 'supported values: "Automatic", "None"', id="enum"),
        pytest.param(
            {**SPEC, "instanceGroups": [{**GROUP_A, "instanceType": "p5.48xlarge"}]},
            "put ml. in front: ml.p5.48xlarge",
            id="instance type without its prefix",
        ),
        pytest.param({**SPEC, "clusterName": "-a"}, "spec.clusterName", id="pattern"),
        pytest.param({**SPEC, "vpcConfig": None}, "spec.vpcConfig: Required value", id="required"),
        pytest.param({**SPEC, "instanceGroups": []}, "should have at least 1 items", id="no groups"),
    ],
)
def test_the_schema_refuses(server: ControlPlane, namespace: str, spec: Node, words: str) -> None:
    assert words in refusal(server, namespace, spec)


def test_the_largest_cluster_fits_the_servers_budget_for_rules(server: ControlPlane, namespace: str) -> None:
    """As many groups as AWS admits, each with all the labels and taints that it may have; created and changed."""
    vpc = {"securityGroupIds": [f"sg-{n}" for n in range(5)], "subnets": [f"subnet-{n}" for n in range(16)]}
    prefix = "a-rather-long-team-name.research.example.com/"
    full = {
        **GROUP_A,
        "overrideVpcConfig": vpc,
        "instanceStorageConfigs": [{"ebsVolumeConfig": {"volumeSizeInGB": n}} for n in range(1, 5)],
        "kubernetesConfig": {
            "labels": {f"{prefix}label-{n}": "value" for n in range(50)},
            "taints": [{"key": f"{prefix}taint-{n}", "effect": "NoSchedule"} for n in range(50)],
        },
    }
    groups = [{**full, "instanceGroupName": f"a-group-with-quite-a-long-name-{n}"} for n in range(100)]
    others = [{**GROUP_A, "instanceGroupName": f"restricted-group-with-a-long-name-{n}"} for n in range(100)]
    spec = {**SPEC, "instanceGroups": groups, "restrictedInstanceGroups": others}
    for verb in ("create", "replace"):
        server.kubectl(verb, "-n", namespace, "-f", "-", input=cluster(spec))


def test_server_side_apply_merges_groups_by_name(server: ControlPlane, namespace: str) -> None:
    """One owner for the cluster, another one for a group: neither removes what is the other's."""

    def apply(owner: str, spec: Node) -> None:
        flags = ("apply", "--server-side", f"--field-manager={owner}", "-n", namespace, "-f", "-")
        server.kubectl(*flags, input=cluster(spec))

    apply("platform", SPEC)
    apply("team", {"instanceGroups": [{**GROUP_A, "instanceGroupName": "b"}]})
    apply("platform", {**SPEC, "instanceGroups": [{**GROUP_A, "instanceCount": 5}]})
    groups = read(server, namespace, "sample")["spec"]["instanceGroups"]
    assert {each["instanceGroupName"]: each["instanceCount"] for each in groups} == {"a": 5, "b": 1}


@pytest.fixture
def reported(server: ControlPlane, namespace: str) -> str:
    """A namespace with one object that has a status."""
    ready = Condition(
        type="Ready",
        status="True",
        reason="ClusterReady",
        message="4/4 nodes.",
        observedGeneration=1,
        lastTransitionTime="2026-11-01T00:00:00Z",
    )
    status = HyperPodClusterStatus(
        observedGeneration=1,
        clusterArn="arn:aws:sagemaker:us-west-2:111122223333:cluster/abcdefghijkl",
        clusterStatus="InService",
        nodes=NodeCounts(summary="4/4", target=4, current=4),
        groupsSummary="a 4/4",
        instanceGroups=[InstanceGroupStatus(instanceGroupName="a", targetCount=4, currentCount=4)],
        conditions=[ready],
        actor="-",
        shortMessage="4/4 nodes.",
    )
    server.kubectl("create", "-n", namespace, "-f", "-", input=cluster(SPEC))
    patch = json.dumps({"status": status.model_dump(exclude_none=True)})
    server.kubectl("patch", "hpc", "sample", "-n", namespace, "--subresource=status", "--type=merge", "-p", patch)
    return namespace


def test_a_status_is_stored_and_read_back_whole(server: ControlPlane, reported: str) -> None:
    stored = read(server, reported, "sample")["status"]
    assert HyperPodClusterStatus.model_validate(stored).model_dump(exclude_none=True) == stored


def test_kubectl_get_shows_the_columns(server: ControlPlane, reported: str) -> None:
    header, line = server.kubectl("get", "hpc", "-n", reported).stdout.splitlines()
    assert header.split() == ["NAME", "READY", "STATUS", "NODES", "ACTOR", "MESSAGE", "AGE"]
    assert line.split()[:7] == ["sample", "True", "InService", "4/4", "-", "4/4", "nodes."]


def test_the_wide_columns_add_groups_and_arn(server: ControlPlane, reported: str) -> None:
    header, line = server.kubectl("get", "hyperpod", "-n", reported, "-o", "wide").stdout.splitlines()
    assert header.split()[-3:] == ["GROUPS", "PLAN", "ARN"]
    assert line.split()[-3:] == ["a", "4/4", "arn:aws:sagemaker:us-west-2:111122223333:cluster/abcdefghijkl"]


@needs_selectable_fields
def test_clusters_can_be_selected_by_their_status(server: ControlPlane, reported: str) -> None:
    def names(status: str) -> list[str]:
        found = read(server, reported, f"--field-selector=status.clusterStatus={status}")
        return [each["metadata"]["name"] for each in found["items"]]

    assert names("InService") == ["sample"]
    assert names("Failed") == []


def test_writing_status_leaves_the_generation_alone(server: ControlPlane, reported: str) -> None:
    assert read(server, reported, "sample")["metadata"]["generation"] == 1
