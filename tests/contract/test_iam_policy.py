"""The documented policies have every call that the code makes and no other; the observing one changes nothing."""

import json
import re
from pathlib import Path

import pytest
from tools.docs import preflight

import hyperpod_operator.aws.ec2.queries as volume_queries
import hyperpod_operator.aws.ec2.volumes as volumes
import hyperpod_operator.aws.sagemaker.clusters as sagemaker
from hyperpod_operator.aws.facts.prices import ACTION as PRICES
from hyperpod_testbed.simulator.ebs.operations import OPERATIONS as EC2_OPERATIONS
from hyperpod_testbed.simulator.operations import OPERATIONS

DOCS = Path(__file__).parents[2] / "docs" / "iam"
CALL = re.compile(r'"((?:Describe|List|Create|Update|Delete|Add|Modify|Attach|Detach|Batch|Move|Start)[A-Za-z]+)"')
OF_CLUSTERS = set(CALL.findall(Path(sagemaker.__file__).read_text()))
OF_VOLUMES = {call for module in (volumes, volume_queries) for call in CALL.findall(Path(module.__file__).read_text())}
ONLY_CHECKED_BY_AWS = {"BatchAddClusterNodes", "AttachVolume", "DetachVolume"}
"""AWS wants the first one of whoever calls UpdateCluster, the others of whoever attaches through SageMaker (SageMaker
developer guide, IAM for HyperPod; Using the Amazon EBS CSI driver on HyperPod EKS clusters)."""


EKS = "arn:aws:eks:REGION:ACCOUNT_ID:cluster/EKS_CLUSTER_NAME"
OF_RESOURCE = "aws:ResourceTag/hyperpod-operator.dev/eks-cluster"
OF_REQUEST = "aws:RequestTag/hyperpod-operator.dev/eks-cluster"
OWNED = "aws:ResourceTag/hyperpod-operator.dev/claim-uid"


def actions(name: str, *services: str) -> set[str]:
    """Actions of these services, without the service's name."""
    statements = json.loads((DOCS / name).read_text())["Statement"]
    listed = [item if isinstance(item, list) else [item] for item in (entry["Action"] for entry in statements)]
    parts = (action.partition(":") for group in listed for action in group)
    return {action for service, _, action in parts if service in services}


def test_the_code_calls_what_is_looked_for_here() -> None:
    assert {"CreateCluster", "DescribeCluster", "ListTags"} <= OF_CLUSTERS
    assert {"CreateVolume", "DescribeVolumes", "AttachClusterNodeVolume"} <= OF_VOLUMES


def test_the_full_policy_is_what_the_code_calls_about_clusters() -> None:
    assert actions("operator-full.json", "sagemaker") - ONLY_CHECKED_BY_AWS == OF_CLUSTERS


def test_the_policy_for_volumes_is_what_the_code_calls_about_them() -> None:
    assert actions("operator-volumes.json", "sagemaker", "ec2") - ONLY_CHECKED_BY_AWS == OF_VOLUMES


def test_the_observing_policy_changes_nothing() -> None:
    observing = actions("operator-observe.json", "sagemaker", "ec2")
    assert observing <= OF_CLUSTERS | OF_VOLUMES
    handlers = {**OPERATIONS, **EC2_OPERATIONS}
    assert not observing & {name for name, handler in handlers.items() if handler.mutating}


def test_every_read_is_in_the_observing_policy() -> None:
    reads = {name for name in OF_CLUSTERS | OF_VOLUMES if name.startswith(("Describe", "List"))}
    assert actions("operator-observe.json", "sagemaker", "ec2") == reads


def test_the_policy_for_preflight_is_what_the_checks_and_the_cost_read() -> None:
    """s3:ListBucket makes S3 tell "there is none" from "denied" (S3 API reference, GetObject)."""
    statements = json.loads((DOCS / "operator-preflight.json").read_text())["Statement"]
    listed = {action for statement in statements for action in statement["Action"]}
    assert listed == {*preflight.actions(), "s3:ListBucket", PRICES}


def test_the_policy_for_people_is_what_export_and_plan_read() -> None:
    exported = {"DescribeCluster", "ListTags", "ListClusters"}
    planned = {"DescribeCluster", "ListTags", "ListClusterNodes", "ListClusterEvents"}
    assert actions("export-and-plan.json", "sagemaker") == exported | planned
    assert actions("export-and-plan.json", "ec2") == {"DescribeVolumes"}
    assert actions("export-and-plan.json", "pricing") == {"GetProducts"}


def test_the_policy_for_preflight_changes_nothing() -> None:
    verbs = {action.partition(":")[2] for action in preflight.actions()}
    assert all(verb.startswith(("Describe", "Get", "List", "Simulate")) for verb in verbs)


@pytest.mark.parametrize("name", ["operator-full.json", "operator-volumes.json", "operator-observe.json"])
def test_no_action_is_a_wildcard(name: str) -> None:
    assert "*" not in "".join(actions(name, "sagemaker", "ec2", "eks", "iam"))


@pytest.mark.parametrize("action", ["ec2:DeleteVolume", "ec2:ModifyVolume", "ec2:DeleteTags", "ec2:DetachVolume"])
def test_no_volume_is_changed_that_no_claim_owns(action: str) -> None:
    statements = json.loads((DOCS / "operator-volumes.json").read_text())["Statement"]
    conditions = [one["Condition"] for one in statements if action in one["Action"]]
    assert conditions == [{"StringEquals": {OF_RESOURCE: EKS}, "Null": {OWNED: "false"}}]


@pytest.mark.parametrize(
    ("sid", "tag"),
    [
        ("CreateVolumesOfClaims", OF_REQUEST),
        ("SnapshotOwnedVolumes", OF_RESOURCE),
        ("CreateSnapshotsOfClaims", OF_REQUEST),
        ("TagVolumesAtCreation", OF_REQUEST),
        ("AdoptUnownedVolumes", OF_REQUEST),
        ("AdoptReleasedVolumes", OF_RESOURCE),
        ("AttachToNodes", OF_RESOURCE),
    ],
)
def test_volumes_are_made_taken_and_attached_for_one_eks_cluster(sid: str, tag: str) -> None:
    """Presence of a tag would let one installation change the volumes of another."""
    statements = {one["Sid"]: one for one in json.loads((DOCS / "operator-volumes.json").read_text())["Statement"]}
    assert statements[sid]["Condition"]["StringEquals"][tag] == EKS


def test_a_volume_that_names_another_eks_cluster_is_not_adopted() -> None:
    statements = {one["Sid"]: one for one in json.loads((DOCS / "operator-volumes.json").read_text())["Statement"]}
    assert statements["AdoptUnownedVolumes"]["Condition"]["StringEqualsIfExists"] == {OF_RESOURCE: EKS}
