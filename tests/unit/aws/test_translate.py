"""The spec's vocabulary and the API's shapes, both ways, held to botocore's own model."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from botocore.validate import ParamValidator
from tests.unit.core.builders import resource, spec

from hyperpod_operator.api.cluster.resource import HyperPodClusterSpec
from hyperpod_operator.aws.sagemaker import translate
from hyperpod_operator.core.cluster.diff import MUTABLE_CLUSTER_MEMBERS
from hyperpod_operator.core.cluster.requests import create
from hyperpod_operator.core.observed import UNREAD

MODEL = botocore.session.get_session().get_service_model("sagemaker")
EXAMPLES = sorted(
    path
    for path in (Path(__file__).parents[3] / "examples").glob("*.yaml")
    if "kind: HyperPodCluster\n" in path.read_text()
)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_becomes_a_request_that_botocore_takes(path: Path) -> None:
    owner = resource(spec=yaml.safe_load(path.read_text())["spec"])
    made = translate.request(model=MODEL, operation="CreateCluster", value=create(owner).request)
    shape = MODEL.operation_model("CreateCluster").input_shape
    assert not ParamValidator().validate(made, shape).has_errors()


def test_free_form_maps_keep_their_keys() -> None:
    group = {"instanceGroupName": "g", "kubernetesConfig": {"labels": {"example.com/x": "y", "camelCase": "z"}}}
    made = translate.request(model=MODEL, operation="UpdateCluster", value={"instanceGroups": [group]})
    assert made["InstanceGroups"][0]["KubernetesConfig"]["Labels"] == {"example.com/x": "y", "camelCase": "z"}


def test_timestamps_become_datetimes() -> None:
    group = {"autoPatchConfig": {"patchSchedule": {"nextPatchDate": "2026-12-01T00:00:00Z"}}}
    made = translate.request(model=MODEL, operation="UpdateCluster", value={"instanceGroups": [group]})
    schedule = made["InstanceGroups"][0]["AutoPatchConfig"]["PatchSchedule"]
    assert schedule["NextPatchDate"] == datetime(2026, 12, 1, tzinfo=UTC)


def test_a_member_that_aws_has_not_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="wishful"):
        translate.request(model=MODEL, operation="UpdateCluster", value={"instanceGroups": [{"wishful": 1}]})


def described(group: dict[str, Any], **members: Any) -> Any:
    response = {"ClusterArn": "arn", "ClusterName": "n", "ClusterStatus": "InService", "InstanceGroups": [group]}
    return translate.cluster(model=MODEL, response={**response, **members})


def test_the_desired_side_is_what_a_spec_is_compared_with() -> None:
    found = described(
        {
            "InstanceGroupName": "gpu",
            "TargetCount": 4,
            "CurrentCount": 1,
            "MinCount": 2,
            "Status": "Updating",
            "CurrentImageReleaseVersion": "1.0.0",
            "DesiredImageReleaseVersion": "1.1.0",
            "CurrentImageId": "ami-11111111",
            "KubernetesConfig": {
                "CurrentLabels": {"a": "old"},
                "DesiredLabels": {"a": "new"},
                "CurrentTaints": [{"Key": "k", "Effect": "NoSchedule"}],
            },
            "InstanceRequirements": {"CurrentInstanceTypes": ["ml.a.b"], "DesiredInstanceTypes": ["ml.c.d", "ml.a.b"]},
            "ActiveOperations": {"Scaling": 1},
        }
    )
    group = found.group("gpu")
    assert group is not None
    assert (group.current_count, group.target_count, group.status) == (1, 4, "Updating")
    assert group.current_labels == {"a": "old"}
    assert group.members == {
        "instanceGroupName": "gpu",
        "instanceCount": 4,
        "minInstanceCount": 2,
        "imageId": "ami-11111111",
        "imageReleaseVersion": "1.1.0",
        "kubernetesConfig": {"labels": {"a": "new"}, "taints": [{"key": "k", "effect": "NoSchedule"}]},
        "instanceRequirements": {"instanceTypes": ["ml.c.d", "ml.a.b"]},
    }


def test_words_that_aws_invents_later_pass_through() -> None:
    found = described(
        {"InstanceGroupName": "g", "Status": "Levitating"}, ClusterStatus="Dreaming", NodeRecovery="Maybe"
    )
    assert (found.status, found.groups[0].status, found.members["nodeRecovery"]) == ("Dreaming", "Levitating", "Maybe")


def test_storage_of_a_kind_that_aws_invents_later_is_named_and_is_not_repeated_as_nothing() -> None:
    """As botocore's parser has a union whose member its model does not know."""
    storage = [{"SDK_UNKNOWN_MEMBER": {"name": "TapeConfig"}}]
    (group,) = described({"InstanceGroupName": "g", "InstanceStorageConfigs": storage}).groups
    assert group.members["instanceStorageConfigs"] == [{"tapeConfig": UNREAD}]
    value = {"clusterName": "c", "instanceGroups": [dict(group.members)]}
    with pytest.raises(ValueError, match=r"instanceGroups\[g\].instanceStorageConfigs\[\] has no member tapeConfig"):
        translate.request(model=MODEL, operation="UpdateCluster", value=value)


def test_a_pending_node_without_an_instance_is_a_node() -> None:
    node = translate.node({"InstanceGroupName": "g", "NodeLogicalId": "l", "InstanceStatus": {"Status": "Pending"}})
    assert (node.instance_id, node.logical_id, node.status) == ("", "l", "Pending")


KNOWN_RESPONSE_MEMBERS = {
    "Status",
    "CurrentCount",
    "TargetCount",
    "MinCount",
    "ActiveOperations",
    "InstanceTypeDetails",
    "TrainingPlanStatus",
    "SoftwareUpdateStatus",
    "ActiveSoftwareUpdateConfig",
    "TargetStateCount",
    "ImageVersionStatus",
    "CurrentImageId",
    "DesiredImageId",
    "CurrentImageReleaseVersion",
    "DesiredImageReleaseVersion",
    "SlurmConfig",
}
"""Members of a described group that are not members of a spec under the same name, each looked at once."""


def test_a_member_that_a_described_group_gains_is_looked_at() -> None:
    described_group = MODEL.shape_for("ClusterInstanceGroupDetails").members
    wanted_group = MODEL.shape_for("ClusterInstanceGroupSpecification").members
    assert set(described_group) - set(wanted_group) <= KNOWN_RESPONSE_MEMBERS


def test_every_member_that_is_compared_is_one_of_update_cluster() -> None:
    names = {name[:1].lower() + name[1:] for name in MODEL.operation_model("UpdateCluster").input_shape.members}
    assert set(MUTABLE_CLUSTER_MEMBERS) <= names
    assert set(MUTABLE_CLUSTER_MEMBERS) <= set(HyperPodClusterSpec.model_fields)
    assert spec()
