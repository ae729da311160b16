"""Every operation around HyperPod over the wire to boto3, held to botocore's model, and each service's own words."""

import datetime
import inspect
import json
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

import pytest

from hyperpod_testbed.simulator import Fault, Options, services, shapes
from hyperpod_testbed.simulator.client import ENDPOINTS

SUBNET, GROUP, VPC = "subnet-0123456789abcdef0", "sg-0123456789abcdef0", "vpc-0123456789abcdef0"
ROLE, BUCKET = "hyperpod-execution", "sagemaker-hyperpod-123456789012"
ROLE_ARN = f"arn:aws:iam::123456789012:role/{ROLE}"
POLICY = "arn:aws:iam::aws:policy/AmazonSageMakerClusterInstanceRolePolicy"
SCRIPT = {"Bucket": BUCKET, "Key": "lifecycle/on_create.sh"}

ASKED: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("sagemaker", "DescribeTrainingPlan"): {"TrainingPlanName": "p5-winter"},
    ("sagemaker", "ListTrainingPlans"): {},
    ("ec2", "DescribeVpcs"): {"VpcIds": [VPC]},
    ("ec2", "DescribeVpcAttribute"): {"VpcId": VPC, "Attribute": "enableDnsSupport"},
    ("ec2", "DescribeSubnets"): {"SubnetIds": [SUBNET]},
    ("ec2", "DescribeRouteTables"): {"Filters": [{"Name": "association.subnet-id", "Values": [SUBNET]}]},
    ("ec2", "DescribeSecurityGroups"): {"GroupIds": [GROUP]},
    ("ec2", "DescribeVpcEndpoints"): {"Filters": [{"Name": "vpc-id", "Values": [VPC]}]},
    ("ec2", "DescribeNetworkInterfaces"): {"NetworkInterfaceIds": ["eni-0123456789abcdef0"]},
    ("ec2", "DescribeInstanceTypes"): {"InstanceTypes": ["p5.48xlarge", "trn1.32xlarge", "m7g.xlarge"]},
    ("ec2", "DescribeInstanceTypeOfferings"): {
        "LocationType": "availability-zone-id",
        "Filters": [{"Name": "instance-type", "Values": ["p5.48xlarge"]}],
    },
    ("eks", "DescribeCluster"): {"name": "ml"},
    ("eks", "ListClusters"): {},
    ("eks", "ListAddons"): {"clusterName": "ml"},
    ("eks", "DescribeAddon"): {"clusterName": "ml", "addonName": "vpc-cni"},
    ("eks", "DescribeAddonVersions"): {"addonName": "vpc-cni", "kubernetesVersion": "1.33"},
    ("eks", "DescribeClusterVersions"): {},
    ("eks", "ListAccessEntries"): {"clusterName": "ml"},
    ("eks", "DescribeAccessEntry"): {"clusterName": "ml", "principalArn": "arn:aws:iam::123456789012:role/eks-nodes"},
    ("iam", "GetRole"): {"RoleName": ROLE},
    ("iam", "ListAttachedRolePolicies"): {"RoleName": ROLE},
    ("iam", "ListRolePolicies"): {"RoleName": ROLE},
    ("iam", "GetRolePolicy"): {"RoleName": ROLE, "PolicyName": "hyperpod-eks"},
    ("iam", "GetPolicy"): {"PolicyArn": POLICY},
    ("iam", "GetPolicyVersion"): {"PolicyArn": POLICY, "VersionId": "v1"},
    ("iam", "SimulatePrincipalPolicy"): {
        "PolicySourceArn": ROLE_ARN,
        "ActionNames": ["ec2:CreateNetworkInterface", "ec2:RunInstances"],
    },
    ("servicequotas", "ListServiceQuotas"): {"ServiceCode": "sagemaker"},
    ("servicequotas", "ListAWSDefaultServiceQuotas"): {"ServiceCode": "ebs"},
    ("servicequotas", "GetServiceQuota"): {"ServiceCode": "sagemaker", "QuotaCode": "L-8762A75F"},
    ("servicequotas", "GetAWSDefaultServiceQuota"): {"ServiceCode": "sagemaker", "QuotaCode": "L-8762A75F"},
    ("s3", "HeadBucket"): {"Bucket": BUCKET},
    ("s3", "HeadObject"): SCRIPT,
    ("s3", "GetObject"): SCRIPT,
    ("s3", "ListObjectsV2"): {"Bucket": BUCKET},
    ("kms", "DescribeKey"): {"KeyId": "11111111-2222-3333-4444-555555555555"},
    ("kms", "GetKeyPolicy"): {"KeyId": "11111111-2222-3333-4444-555555555555"},
    ("kms", "ListGrants"): {"KeyId": "11111111-2222-3333-4444-555555555555"},
    ("pricing", "GetProducts"): {
        "ServiceCode": "AmazonSageMaker",
        "Filters": [{"Type": "TERM_MATCH", "Field": "usagetype", "Value": "USW2-Cluster:ml.p5.48xlarge"}],
    },
    ("fsx", "DescribeFileSystems"): {},
}
"""One good request for each operation."""
OLDER = {"sagemaker", "ec2"}
"""Services with operations that have tests of their own."""
OPERATIONS = sorted(ASKED)
AROUND = sorted({service for service, _ in OPERATIONS} - OLDER)
DENIED = {
    "sagemaker": "AccessDeniedException",
    "ec2": "UnauthorizedOperation",
    "eks": "AccessDeniedException",
    "iam": "AccessDenied",
    "servicequotas": "AccessDeniedException",
    "s3": "AccessDenied",
    "kms": "AccessDeniedException",
    "pricing": "AccessDeniedException",
    "fsx": "AccessDeniedException",
}
THROTTLED = {
    "eks": "ThrottlingException",
    "iam": "Throttling",
    "servicequotas": "TooManyRequestsException",
    "s3": "SlowDown",
    "kms": "ThrottlingException",
    "pricing": "ThrottlingException",
    "fsx": "ThrottlingException",
}
BROKEN = {
    "eks": "ServerException",
    "iam": "ServiceFailure",
    "servicequotas": "ServiceException",
    "s3": "InternalError",
    "kms": "KMSInternalException",
    "pricing": "InternalErrorException",
    "fsx": "InternalServerError",
}


@pytest.fixture
def over_http() -> bool:
    return True


@pytest.fixture
def method(sim, connect):
    """The boto3 method of an operation."""

    def of(service, operation):
        client = connect(sim, service=services.ALL[service].model_name)
        names = {name: method for method, name in client.meta.method_to_api_mapping.items()}
        return getattr(client, names[operation])

    return of


def test_every_operation_of_the_services_around_hyperpod_is_asked_here():
    served = {(one.name, name) for one in services.ALL.values() if one.name not in OLDER for name in one.handlers}
    assert {(service, name) for service, name in ASKED if service not in OLDER} == served


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_an_answer_reaches_boto3_and_fits_the_model(sim, method, service, operation):
    answer = method(service, operation)(**ASKED[service, operation])
    members = set(answer) - {"ResponseMetadata"}
    shape = services.ALL[service].model().operation_model(operation).output_shape
    assert members
    assert members <= set(shape.members)
    assert sim.settings.broken_responses() == []
    (call,) = sim.log.calls(f"{service}:{operation}")
    assert (call.code, call.mutating, call.service) == ("OK", False, service)
    assert call.parameters.items() >= ASKED[service, operation].items()


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_a_request_that_the_model_forbids_is_refused(sim, service, operation):
    one = services.ALL[service]
    problems = shapes.request_problems(operation, {"NeverAMember": 1}, model=one.model())
    assert problems
    assert one.words.said(one.refusal(problems)).code


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_every_operation_says_what_it_does(service, operation):
    assert inspect.getdoc(services.ALL[service].handlers[operation].answer)


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_a_denial_comes_in_the_words_of_the_service_and_names_the_action(sim, method, code, service, operation):
    sim.access.deny(f"{service}:{operation}")
    found, message = code(method(service, operation), **ASKED[service, operation])
    if operation.startswith("Head"):
        assert (found, message) == ("403", "Forbidden")
    else:
        assert found == DENIED[service]
        action = services.ALL[service].actions.get(operation, operation)
        assert f"not authorized to perform: {service}:{action} on resource: " in message
    sim.access.allow(f"{service}:{operation}")
    method(service, operation)(**ASKED[service, operation])


def test_a_denial_of_a_right_denies_each_operation_that_needs_it(sim, method, code):
    sim.access.deny("s3:GetObject")
    assert code(method("s3", "GetObject"), **SCRIPT)[0] == "AccessDenied"
    assert code(method("s3", "HeadObject"), **SCRIPT)[0] == "403"
    method("s3", "ListObjectsV2")(Bucket=BUCKET)


@pytest.mark.parametrize("service", AROUND)
def test_throttling_failures_and_old_tokens_have_the_words_of_the_service(sim, connect, method, code, service):
    operation = next(name for one, name in OPERATIONS if one == service and not name.startswith("Head"))
    call, asked = method(service, operation), ASKED[service, operation]
    sim.faults.add(Fault(f"{service}:{operation}", "throttle", times=1))
    assert code(call, **asked)[0] == THROTTLED[service]
    sim.faults.add(Fault(f"{service}:{operation}", "error", times=1))
    assert code(call, **asked)[0] == BROKEN[service]
    sim.access.expire("TESTBED")
    assert re.match("ExpiredToken", code(call, **asked)[0])


@pytest.mark.parametrize("service", AROUND)
def test_each_service_has_a_rate_of_its_own(start_simulator, connect, code, service):
    sim = start_simulator(options=Options(read_rate=0.001, read_burst=1))
    operation = next(name for one, name in OPERATIONS if one == service and not name.startswith("Head"))
    client = connect(sim, service=services.ALL[service].model_name)
    names = {name: method for method, name in client.meta.method_to_api_mapping.items()}
    call = getattr(client, names[operation])
    call(**ASKED[service, operation])
    assert code(call, **ASKED[service, operation])[0] == THROTTLED[service]
    connect(sim, service="sagemaker").list_clusters()


@pytest.mark.parametrize("service", AROUND)
def test_a_body_of_a_proxy_is_no_answer(sim, method, service):
    operation = next(name for one, name in OPERATIONS if one == service and not name.startswith("Head"))
    sim.faults.add(Fault(f"{service}:{operation}", "body", times=1))
    with pytest.raises(Exception, match=r"\((500|503)\)"):
        method(service, operation)(**ASKED[service, operation])
    assert sim.log.calls(f"{service}:{operation}")[0].code == "StrangeBody"


def test_a_name_that_sagemaker_has_too_means_sagemakers_operation(sim, aws, method, code):
    sim.faults.add(Fault("DescribeCluster", "error"))
    method("eks", "DescribeCluster")(name="ml")
    assert code(aws.describe_cluster, ClusterName="ml")[0] == "InternalFailure"
    assert [call.service for call in sim.log.calls("DescribeCluster")] == ["sagemaker"]
    assert [call.service for call in sim.log.calls("eks:DescribeCluster")] == ["eks"]


@pytest.mark.parametrize(
    ("service", "call", "parameters", "expected"),
    [
        ("eks", "describe_nodegroup", {"clusterName": "ml", "nodegroupName": "a"}, "UnknownOperationException"),
        ("iam", "list_users", {}, "InvalidAction"),
        ("s3", "list_buckets", {}, "MethodNotAllowed"),
        ("kms", "list_keys", {}, "UnknownOperationException"),
    ],
)
def test_an_operation_that_is_not_there_is_said_so(sim, connect, code, service, call, parameters, expected):
    assert code(getattr(connect(sim, service=service), call), **parameters)[0] == expected


def test_the_environment_leads_every_service_here(sim):
    named = {one.model().service_id.hyphenize().replace("-", "_").upper() for one in services.ALL.values()}
    assert set(ENDPOINTS) == named
    assert {sim.environment()[f"AWS_ENDPOINT_URL_{name}"] for name in named} == {sim.url}


WIDER = {
    ("ec2", "DescribeVpcs"): {},
    ("ec2", "DescribeSubnets"): {},
    ("ec2", "DescribeRouteTables"): {},
    ("ec2", "DescribeSecurityGroups"): {},
    ("ec2", "DescribeNetworkInterfaces"): {},
    ("ec2", "DescribeInstanceTypes"): {"Filters": [{"Name": "instance-type", "Values": ["p5*"]}]},
    ("eks", "DescribeAddonVersions"): {},
    ("iam", "ListAttachedRolePolicies"): {"RoleName": "eks-nodes"},
    ("servicequotas", "ListServiceQuotas"): {"ServiceCode": "ebs"},
    ("pricing", "GetProducts"): {
        "ServiceCode": "AmazonSageMaker",
        "Filters": [{"Type": "TERM_MATCH", "Field": "instanceName", "Value": "ml.p5.48xlarge"}],
    },
}
"""Requests with several items in the answer, where the good one has one."""
LISTS = sorted(
    (service, operation)
    for service, operation in OPERATIONS
    if operation.startswith(("List", "Describe", "Get", "Simulate"))
    and {"NextToken", "nextToken", "Marker", "ContinuationToken"}
    & set(getattr(services.ALL[service].model().operation_model(operation).input_shape, "members", {}))
)


def items_of(answer):
    """The one list of an answer that is paged."""
    lists = [value for name, value in answer.items() if isinstance(value, list) and name != "ResponseMetadata"]
    return [item for one in lists for item in one]


@pytest.fixture
def two_of_a_kind(sim):
    """A second resource of each kind whose list would else have one item."""
    sim.prerequisites.change("vpc", "vpc-0123456789abcdef1", cidrs=["10.200.0.0/16"])
    sim.prerequisites.change("security_group", "sg-0123456789abcdef1")
    sim.prerequisites.change("eks_cluster", "other")
    sim.prerequisites.change("eks_cluster", "ml", access_entries={"arn:aws:iam::1:role/a": "STANDARD", "b": "STANDARD"})
    sim.prerequisites.change("object", f"s3://{BUCKET}/lifecycle/second.sh")
    sim.prerequisites.change("file_system", "fs-0123456789abcdef1")
    sim.prerequisites.change("training_plan", "second")
    named = ASKED["kms", "ListGrants"]["KeyId"]
    sim.prerequisites.change("key", named, grants={"a": ["CreateGrant"], "b": ["Decrypt"]})


@pytest.mark.usefixtures("two_of_a_kind")
@pytest.mark.parametrize(("service", "operation"), LISTS)
def test_a_caller_that_does_not_page_sees_a_part_and_one_that_does_sees_all(
    sim, connect, method, code, service, operation
):
    asked = WIDER.get((service, operation), ASKED[service, operation])
    call = method(service, operation)
    whole = items_of(call(**asked))
    assert len(whole) > 1
    sim.settings.set_options(page_limit=1)
    assert len(items_of(call(**asked))) == 1
    client = connect(sim, service=services.ALL[service].model_name)
    names = {name: method for method, name in client.meta.method_to_api_mapping.items()}
    if client.can_paginate(names[operation]):
        pages = client.get_paginator(names[operation]).paginate(**asked)
        assert [item for page in pages for item in items_of(page)] == whole
    token = next(
        name
        for name in ("NextToken", "nextToken", "Marker", "ContinuationToken")
        if name in services.ALL[service].model().operation_model(operation).input_shape.members
    )
    refused = code(call, **asked, **{token: "bm9uc2Vuc2U="})[0]
    assert refused == services.ALL[service].words.of["InvalidNextToken"][0]


def plain(value):
    """A value as the simulator has it: times in whole seconds, documents as JSON, without what is empty."""
    if isinstance(value, dict):
        found = {name: plain(one) for name, one in value.items() if name != "ResponseMetadata"}
        return {name: one for name, one in found.items() if one not in ({}, [], "", None)}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, datetime.datetime):
        return int(value.timestamp())
    if isinstance(value, float):
        return int(value)
    if isinstance(value, str) and value.startswith("%7B"):
        return plain(json.loads(urllib.parse.unquote(value)))
    return value.read() if hasattr(value, "read") else value


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_what_reaches_boto3_is_what_the_operation_answered(sim, method, service, operation):
    asked = ASKED[service, operation]
    received = plain(method(service, operation)(**asked))
    with sim.core.present() as inside:
        answer = services.ALL[service].handlers[operation].answer(inside, inside.account.region("us-west-2"), asked)
    assert received == plain(answer)
