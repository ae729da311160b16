"""The wire: who may call, what a malformed request gets, what every answer carries."""

import pytest
from botocore.exceptions import ClientError

from hyperpod_testbed.simulator import Options


@pytest.fixture
def over_http() -> bool:
    return True


def test_a_request_without_authorization_is_turned_away(raw):
    status, body, _ = raw("ListClusters", {}, authorization=None)
    assert (status, body["__type"]) == (403, "MissingAuthenticationToken")


def test_a_request_with_half_an_authorization_is_turned_away(raw):
    assert raw("ListClusters", {}, authorization="AWS4-HMAC-SHA256 nothing")[1]["__type"] == "IncompleteSignature"


@pytest.mark.parametrize(("operation", "target"), [("CreateModel", "SageMaker"), ("ListClusters", "Elsewhere")])
def test_an_unknown_operation_is_said_so(raw, operation, target):
    assert raw(operation, {}, target=target)[1]["__type"] == "UnknownOperationException"


def test_every_answer_has_a_request_id(raw):
    ids = {raw("ListClusters", {})[2]["x-amzn-RequestId"], raw("DescribeCluster", {})[2]["x-amzn-RequestId"]}
    assert len(ids) == 2


def test_both_spellings_of_the_message_are_there(raw):
    _, body, _ = raw("DescribeCluster", {"ClusterName": "nobody"})
    assert body["message"] == body["Message"] == "Cluster with name nobody does not exist."


def test_a_body_that_is_no_object_cannot_be_read(raw):
    assert raw("ListClusters", [1])[1]["__type"] == "SerializationException"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {},
            "1 validation error detected: Value null at 'clusterName' failed to satisfy constraint: "
            "Member must not be null",
        ),
        (
            {"ClusterName": "ml", "NodeRecovery": "Sometimes"},
            "1 validation error detected: Value 'Sometimes' at 'nodeRecovery' failed to satisfy constraint: "
            "Member must satisfy enum value set: [Automatic, None]",
        ),
        (
            {"ClusterName": "-ml"},
            "1 validation error detected: Value '-ml' at 'clusterName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9])*",
        ),
        (
            {"ClusterName": "ml", "VpcConfig": {"SecurityGroupIds": [], "Subnets": ["s"]}},
            "1 validation error detected: Value '[]' at 'vpcConfig.securityGroupIds' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
        (
            {"ClusterName": "ml", "TieredStorageConfig": {"Mode": "Enable", "InstanceMemoryAllocationPercentage": 101}},
            "1 validation error detected: Value '101' at 'tieredStorageConfig.instanceMemoryAllocationPercentage' "
            "failed to satisfy constraint: Member must have value less than or equal to 100",
        ),
        (
            {"ClusterName": "ml", "Colour": "red"},
            "1 validation error detected: Value 'red' at 'colour' failed to satisfy constraint: Member is not known",
        ),
    ],
)
def test_a_request_is_held_to_the_whole_model(raw, parameters, message):
    status, body, _ = raw("CreateCluster", parameters)
    assert (status, body["__type"], body["message"]) == (400, "ValidationException", message)


def test_the_path_of_a_list_item_counts_from_one(raw, cluster, group):
    request = cluster("ml", group(), group(InstanceCount="two"))
    _, body, _ = raw("CreateCluster", request)
    assert "at 'instanceGroups.2.member.instanceCount'" in body["message"]


def test_all_problems_are_reported_at_once(raw):
    _, body, _ = raw("CreateCluster", {"ClusterName": "-", "NodeRecovery": "x"})
    assert body["message"].startswith("2 validation errors detected: ")


def test_the_keys_and_values_of_a_map_are_checked(raw, cluster, group):
    _, body, _ = raw("CreateCluster", cluster("ml", group(KubernetesConfig={"Labels": {"a b": "c d"}})))
    assert "Map keys must satisfy constraint: [Member must satisfy regular expression" in body["message"]
    assert "Map value must satisfy constraint: [Member must satisfy regular expression" in body["message"]


def test_the_identity_is_the_callers(sim, connect):
    answer = connect(sim, service="sts", access_key="AKIAEXAMPLE").get_caller_identity()
    assert answer["Account"] == "123456789012"
    assert answer["Arn"] == "arn:aws:sts::123456789012:assumed-role/hyperpod-testbed/akiaexample"


def test_sts_has_one_action(sim, connect, code):
    sts = connect(sim, service="sts")
    assert code(sts.get_session_token)[0] == "InvalidAction"


def test_an_expired_key_works_again_when_renewed(sim, connect, code):
    aws, sts = connect(sim, access_key="OLD"), connect(sim, service="sts", access_key="OLD")
    sim.access.expire("OLD")
    assert code(aws.list_clusters)[0] == "ExpiredTokenException"
    assert code(sts.get_caller_identity)[0] == "ExpiredToken"
    sim.access.renew("OLD")
    aws.list_clusters()


def test_a_denied_action_is_said_in_the_words_of_iam(sim, aws, cluster, code):
    sim.access.deny("CreateCluster")
    error, message = code(aws.create_cluster, **cluster())
    assert error == "AccessDeniedException"
    assert "is not authorized to perform: sagemaker:CreateCluster on resource: arn:aws:sagemaker:us-west-2:" in message
    sim.access.allow("CreateCluster")
    aws.create_cluster(**cluster())


def test_creating_with_tags_needs_the_right_to_tag(sim, aws, cluster, code):
    sim.access.deny("AddTags")
    assert "sagemaker:AddTags" in code(aws.create_cluster, **cluster(Tags=[{"Key": "a", "Value": "b"}]))[1]
    aws.create_cluster(**cluster())


def test_a_denial_can_be_for_one_key(sim, connect, code):
    sim.access.deny("ListClusters", access_key="WEAK")
    assert code(connect(sim, access_key="WEAK").list_clusters)[0] == "AccessDeniedException"
    connect(sim, access_key="STRONG").list_clusters()


def test_regions_know_nothing_of_each_other(sim, aws, connect, cluster, code):
    aws.create_cluster(**cluster())
    other = connect(sim, region="eu-central-1")
    assert code(other.describe_cluster, ClusterName="ml")[0] == "ResourceNotFound"
    assert ":eu-central-1:" in other.create_cluster(**cluster())["ClusterArn"]


def test_reading_too_fast_is_throttled_and_writing_is_not(start_simulator, connect, cluster):
    aws = connect(start_simulator(options=Options(read_rate=0.001, read_burst=3)))
    results = []
    for _ in range(5):
        try:
            aws.list_clusters()
            results.append("OK")
        except ClientError as error:
            details = error.response["Error"]
            results.append((details["Code"], details["Message"], error.response["ResponseMetadata"]["HTTPStatusCode"]))
    assert results == ["OK"] * 3 + [("ThrottlingException", "Rate exceeded", 400)] * 2
    aws.create_cluster(**cluster())


def test_arns_are_of_the_partition_of_the_region(sim, connect, cluster):
    arn = connect(sim, region="cn-north-1").create_cluster(**cluster())["ClusterArn"]
    assert arn.startswith("arn:aws-cn:sagemaker:cn-north-1:")


def test_zones_of_govcloud_do_not_break_the_model(sim, connect, cluster):
    aws = connect(sim, region="us-gov-west-1")
    aws.create_cluster(**cluster())
    sim.clock.advance(1200)
    node = aws.list_cluster_nodes(ClusterName="ml")["ClusterNodeSummaries"][0]["InstanceId"]
    assert "Placement" not in aws.describe_cluster_node(ClusterName="ml", NodeId=node)["NodeDetails"]
