"""Answers of SageMaker are held to the API model and to the members that decisions rest on."""

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest

from hyperpod_operator.aws.call.classify import classify
from hyperpod_operator.aws.sagemaker.answers import RESTS_ON, checked
from hyperpod_operator.core.errors import CloudError, ErrorKind

MODEL = botocore.session.get_session().get_service_model("sagemaker")
CLIENT = SimpleNamespace(meta=SimpleNamespace(service_model=MODEL))
GROUP = {"InstanceGroupName": "gpu", "CurrentCount": 4, "TargetCount": 4, "Status": "InService"}
DESCRIBED = {
    "ClusterArn": "arn:aws:sagemaker:us-west-2:111122223333:cluster/abc",
    "ClusterName": "research",
    "ClusterStatus": "InService",
    "InstanceGroups": [GROUP],
    "CreationTime": datetime(2026, 11, 1, tzinfo=UTC),
}


def refused(answer: Any, *, operation: str = "DescribeCluster", **options: Any) -> CloudError:
    with pytest.raises(CloudError) as raised:
        checked(answer, client=CLIENT, operation=operation, **options)
    return raised.value


def test_a_whole_answer_passes_as_it_is() -> None:
    assert checked(DESCRIBED, client=CLIENT, operation="DescribeCluster") is DESCRIBED


def test_a_page_of_html_names_the_call_and_the_first_missing_member() -> None:
    error = refused({})
    assert (error.kind, error.operation) == (ErrorKind.MALFORMED, "DescribeCluster")
    assert "ClusterArn is missing" in error.message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"TargetCount": None}, "InstanceGroups[].TargetCount is null"),
        ({"TargetCount": "4"}, "InstanceGroups[].TargetCount is not a integer"),
        ({"CurrentCount": True}, "InstanceGroups[].CurrentCount is not a integer"),
        ({"InstanceGroupName": ""}, "InstanceGroups[].InstanceGroupName is empty"),
        ({"KubernetesConfig": "x"}, "InstanceGroups[].KubernetesConfig is not a structure"),
        ({"KubernetesConfig": {"DesiredLabels": {"a": 1}}}, "KubernetesConfig.DesiredLabels{} is not a string"),
        ({"OverrideVpcConfig": {}}, "OverrideVpcConfig.SecurityGroupIds is missing"),
    ],
)
def test_a_member_of_a_group_is_named_by_its_path(change: dict[str, Any], words: str) -> None:
    assert words in refused(DESCRIBED | {"InstanceGroups": [GROUP | change]}).message


@pytest.mark.parametrize("member", ["ClusterArn", "ClusterName", "ClusterStatus", "InstanceGroups"])
def test_each_member_that_a_decision_rests_on_has_to_be_there(member: str) -> None:
    answer = {name: value for name, value in DESCRIBED.items() if name != member}
    assert f"{member} is missing" in refused(answer).message


def test_an_empty_list_is_an_answer() -> None:
    answer = {**DESCRIBED, "InstanceGroups": []}
    assert checked(answer, client=CLIENT, operation="DescribeCluster") == answer


def test_a_node_without_an_instance_has_no_id() -> None:
    node = {"InstanceGroupName": "gpu", "InstanceStatus": {"Status": "Pending"}, "NodeLogicalId": "n-1"}
    assert checked({"ClusterNodeSummaries": [node]}, client=CLIENT, operation="ListClusterNodes")


def test_a_hole_in_a_list_is_no_item() -> None:
    assert "Tags[] is not a structure" in refused({"Tags": [None]}, operation="ListTags").message


def test_a_list_of_tags_that_is_left_out_is_not_an_empty_one() -> None:
    assert "Tags is missing" in refused({}, operation="ListTags").message


def test_a_garbled_answer_to_a_change_leaves_its_outcome_open() -> None:
    assert refused({}, operation="CreateCluster", mutating=True).kind is ErrorKind.UNKNOWN_OUTCOME


@pytest.mark.parametrize("operation", RESTS_ON)
def test_every_path_exists_in_the_model(operation: str) -> None:
    for member in RESTS_ON[operation]:
        shape = MODEL.operation_model(operation).output_shape
        for step in member.path.split("."):
            shape = shape.members[step.removesuffix("[]")]
            shape = shape.member if step.endswith("[]") else shape


@pytest.mark.parametrize("kind", [ValueError, TypeError, KeyError, AttributeError])
def test_what_botocore_cannot_parse_is_malformed(kind: Callable[[str], Exception]) -> None:
    assert classify(kind("x"), operation="DescribeCluster", mutating=False).kind is ErrorKind.MALFORMED
    assert classify(kind("x"), operation="CreateCluster", mutating=True).kind is ErrorKind.UNKNOWN_OUTCOME


def test_a_text_in_place_of_a_list_of_texts_is_refused() -> None:
    """botocore's JSON parser answers the characters of such a text."""
    answer = {**DESCRIBED, "VpcConfig": {"SecurityGroupIds": list("sg-1"), "Subnets": ["subnet-1"]}}
    assert "VpcConfig.SecurityGroupIds is a text and not a list" in refused(answer).message


def test_a_group_without_a_status_is_unknown() -> None:
    group = {name: value for name, value in GROUP.items() if name != "Status"}
    assert "InstanceGroups[].Status is missing" in refused(DESCRIBED | {"InstanceGroups": [group]}).message


def test_a_list_with_a_name_of_one_character_is_a_list() -> None:
    answer = {**DESCRIBED, "VpcConfig": {"SecurityGroupIds": ["0"], "Subnets": ["subnet-1"]}}
    assert checked(answer, client=CLIENT, operation="DescribeCluster") is answer
