"""Every operation against botocore's model: the smallest valid request passes, every broken one is refused."""

import inspect

import pytest

from hyperpod_testbed.simulator import shapes
from hyperpod_testbed.simulator.operations import OPERATIONS

GOOD_VALUES = {
    "SourceClusterArn": "arn:aws:sagemaker:us-west-2:123456789012:cluster/aaaaaaaaaaaa",
    "SourceInstanceGroupName": "a",
    "TargetClusterArn": "arn:aws:sagemaker:us-west-2:123456789012:cluster/aaaaaaaaaaaa",
    "TargetInstanceGroupName": "b",
    "ClusterArn": "arn:aws:sagemaker:us-west-2:123456789012:cluster/aaaaaaaaaaaa",
    "ClusterName": "ml",
    "NodeId": "i-0123456789abcdef0",
    "VolumeId": "vol-0123456789abcdef0",
    "EventId": "00000000-0000-4000-8000-000000000000",
    "OperationId": "00000000-0000-4000-8000-000000000000",
    "NodesToAdd": [{"InstanceGroupName": "workers", "IncrementTargetCountBy": 1}],
    "DeepHealthCheckConfigurations": [{"InstanceGroupName": "workers", "DeepHealthChecks": ["InstanceStress"]}],
    "ResourceArn": "arn:aws:sagemaker:us-west-2:123456789012:cluster/aaaaaaaaaaaa",
    "Tags": [{"Key": "a", "Value": "b"}],
    "TagKeys": ["a"],
}
STATE_CODES = {"ResourceNotFound", "ValidationException"}


def minimal(name):
    return {member: GOOD_VALUES[member] for member in shapes.operation(name).input_shape.required_members}


def broken_values(shape):
    """Values of the wrong type, and just outside each bound of the shape."""
    yield {"string": 7, "list": "no list", "map": "no map", "structure": "no structure"}.get(shape.type_name, "text")
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if shape.type_name == "integer":
        yield from ([int(low) - 1] if low is not None else []) + ([int(high) + 1] if high is not None else [])
    if shape.type_name == "string":
        if shape.metadata.get("enum"):
            yield "never-in-the-enum"
        if high is not None:
            yield "a" * (int(high) + 1)
        if shape.metadata.get("pattern") and shape.metadata["pattern"] != ".*":
            yield "\n"
    if shape.type_name == "list" and low:
        yield []


def broken_requests():
    for name in OPERATIONS:
        shape = shapes.operation(name).input_shape
        for member in shape.required_members:
            yield name, {**minimal(name), member: None}, member
        for member, inner in shape.members.items():
            for value in broken_values(inner):
                yield name, {**minimal(name), member: value}, member
        yield name, {**minimal(name), "NeverAMember": 1}, "NeverAMember"


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_the_smallest_request_is_valid_or_fails_for_its_content_only(raw, name):
    _, body, _ = raw(name, minimal(name))
    if name != "ListClusters":
        assert body["__type"] in STATE_CODES
    assert "validation error" not in body.get("message", "")


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_broken_request_is_refused_and_names_the_member(raw, name):
    requests = [(request, member) for operation, request, member in broken_requests() if operation == name]
    assert len(requests) > 2
    for request, member in requests:
        status, body, _ = raw(name, request)
        assert (status, body["__type"]) == (400, "ValidationException"), request
        assert f"'{member[0].lower()}{member[1:]}" in body["message"], request


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_says_what_it_does(name):
    assert inspect.getdoc(OPERATIONS[name].answer)


def test_a_response_is_held_to_the_model_too():
    wrong = {"ClusterArn": "nonsense", "Surplus": 1}
    found = shapes.response_problems("CreateCluster", wrong)
    assert len(found) == 2
    assert "regular expression" in found[0]
    assert shapes.response_problems("DeleteTags", {}) == []
    assert shapes.response_problems("DeleteTags", {"Surplus": 1})


def test_an_answer_against_the_model_fails_the_test_that_got_it(start_simulator, connect, cluster, code):
    sim = start_simulator()
    aws = connect(sim)
    sim.world.create_foreign_cluster("ml")
    with sim.core.present() as inside:
        inside.account.region("us-west-2").clusters["ml"].status = "Dancing"
    assert code(aws.describe_cluster, ClusterName="ml")[0] == "SimulatorFault"
    assert "Dancing" in sim.settings.broken_responses()[0]
    sim.settings.reset()


def test_patterns_are_java_patterns():
    tag = {"ResourceArn": GOOD_VALUES["ResourceArn"], "Tags": [{"Key": "größe 1", "Value": "a/b=c"}]}
    assert shapes.request_problems("AddTags", tag) == []
    tag["Tags"][0]["Key"] = "a#b"
    assert shapes.request_problems("AddTags", tag)
