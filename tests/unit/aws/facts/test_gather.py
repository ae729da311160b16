"""What AWS answers becomes facts, and what it does not answer becomes Unread: never an exception, never a zero."""

import asyncio
import base64
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from tests.unit.aws.facts.fake import FakeAws, FakeCaller, refusal
from tests.unit.core.preflight.world import EKS, FSX, HERE, KEY, PLAN, ROLE, SCRIPT, group, spec

from hyperpod_operator.api.volume.resource import EBSVolumeClaimSpec
from hyperpod_operator.aws.facts.gather import AwsFacts
from hyperpod_operator.aws.facts.history import MOST_READ
from hyperpod_operator.aws.facts.iam import source_of
from hyperpod_operator.aws.facts.network import DNS_ATTRIBUTES
from hyperpod_operator.aws.facts.policies import statements
from hyperpod_operator.aws.facts.reader import BUDGET, MISSING, Answers, Ask, Reader
from hyperpod_operator.core.errors import CloudError, ErrorKind
from hyperpod_operator.core.preflight.authorities import BEGIN, END
from hyperpod_operator.core.preflight.facts import EksCluster, Facts, Role, Script, Shortage
from hyperpod_operator.core.preflight.gate import preflight
from hyperpod_operator.core.preflight.model import Result, Unread
from hyperpod_operator.core.preflight.run import preflight as run
from hyperpod_operator.core.preflight.subject import ClusterSubject
from hyperpod_operator.core.preflight.table import CLUSTER
from hyperpod_operator.core.preflight.tables import quotas, rights
from hyperpod_operator.core.preflight.volume import ClaimSubject, Stored
from hyperpod_operator.core.preflight.volume_table import CLAIM as VOLUMES

OPERATOR = "arn:aws:sts::111122223333:assumed-role/operator/session"
CREATED = datetime(2026, 1, 1, tzinfo=UTC)


def stream(text: bytes) -> Any:
    return io.BytesIO(text)


def trust(service: str) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}


def simulated(**parameters: Any) -> dict[str, Any]:
    names = parameters.get("ResourceArns") or ["*"]
    return {
        "EvaluationResults": [
            {"EvalActionName": action, "EvalResourceName": name, "EvalDecision": "allowed"}
            for action in parameters["ActionNames"]
            for name in names
        ]
    }


NO_CAPACITY = "We currently do not have sufficient capacity to launch new ml.p5.48xlarge instances. Please try again."
CLUSTER_ARN = "arn:aws:sagemaker:us-west-2:111122223333:cluster/abcdefghijkl"


def happened(name: str, **members: Any) -> dict[str, Any]:
    """An event as ListClusterEvents has it."""
    return {
        "EventId": name,
        "ClusterArn": CLUSTER_ARN,
        "ClusterName": "research",
        "ResourceType": "InstanceGroup",
        "InstanceGroupName": "gpu",
        "EventTime": CREATED - timedelta(hours=1),
        "EventLevel": "Error",
        "Description": "Instance creation in Cluster research and InstanceGroup gpu failed",
        **members,
    }


def because(words: str, name: str = "e1") -> dict[str, Any]:
    """The details of an event."""
    metadata = {"InstanceGroup": {"FailureMessage": words}}
    details = {"EventDetails": {"EventMetadata": metadata}}
    known = {name: value for name, value in happened(name).items() if name != "EventLevel"}
    return {"EventDetails": {**known, **details}}


ITSELF = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-1"}], "IpRanges": []}]
LISTED = [
    {"QuotaName": name, "Value": value}
    for name, value in {quotas.of_type("ml.p5.48xlarge"): 8.0, quotas.CLUSTER_SIZE: 20.0,
                        quotas.ALL_CLUSTERS: 30.0, quotas.VOLUME_SIZE: 1024.0,
                        quotas.reserved("ml.p5.48xlarge"): 8.0}.items()
]  # fmt: skip
WORLD: dict[str, Any] = {
    "DescribeCluster": lambda **parameters: (
        {
            "cluster": {
                "name": "ml",
                "status": "ACTIVE",
                "version": "1.33",
                "accessConfig": {"authenticationMode": "API"},
                "resourcesVpcConfig": {"vpcId": "vpc-1"},
                "kubernetesNetworkConfig": {"ipFamily": "ipv4"},
            }
        }
        if "name" in parameters
        else {
            "ClusterArn": "arn:aws:sagemaker:us-west-2:111122223333:cluster/abcdefghijkl",
            "ClusterStatus": "InService",
            "InstanceGroups": [
                {"InstanceGroupName": "g", "InstanceType": "ml.p5.48xlarge", "TargetCount": 2},
                {"InstanceGroupName": "f", "TargetCount": 4,
                 "InstanceTypeDetails": [{"InstanceType": "ml.g5.xlarge", "CurrentCount": 3}]},
            ],
            "Orchestrator": {"Eks": {"ClusterArn": f"{EKS}-other"}},
        }
    ),
    "ListAddons": {"addons": ["vpc-cni", "coredns"]},
    "DescribeAddon": {"addon": {"addonVersion": "v1.20.1-eksbuild.1", "status": "ACTIVE"}},
    "DescribeSubnets": {
        "Subnets": [
            {"SubnetId": "subnet-1", "VpcId": "vpc-1", "AvailabilityZone": "us-west-2b",
             "AvailabilityZoneId": "usw2-az2", "AvailableIpAddressCount": 4000, "CidrBlock": "10.0.0.0/20"}
        ]
    },
    "DescribeRouteTables": {
        "RouteTables": [
            {"VpcId": "vpc-1", "Associations": [{"Main": True}],
             "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "active"}]}
        ]
    },
    "DescribeVpcEndpoints": {"VpcEndpoints": []},
    "DescribeSecurityGroups": {
        "SecurityGroups": [
            {"GroupId": "sg-1", "GroupName": "hyperpod", "VpcId": "vpc-1", "IpPermissions": ITSELF,
             "IpPermissionsEgress": ITSELF}
        ]
    },
    "DescribeNetworkInterfaces": {
        "NetworkInterfaces": [
            {"NetworkInterfaceId": "eni-1", "AvailabilityZone": "us-west-2b", "PrivateIpAddress": "10.0.0.10",
             "Groups": [{"GroupId": "sg-1", "GroupName": "hyperpod"}]}
        ]
    },
    "DescribeVpcAttribute": lambda **parameters: {
        "VpcId": parameters["VpcId"], DNS_ATTRIBUTES[parameters["Attribute"]]: {"Value": True}
    },
    "DescribeVolumes": {"Volumes": [{"VolumeId": "vol-1", "Size": 100}, {"VolumeId": "vol-2", "Size": 50}]},
    "DescribeAvailabilityZones": {"AvailabilityZones": [{"ZoneName": "us-west-2b", "ZoneId": "usw2-az2"}]},
    "DescribeSnapshots": {"Snapshots": [{"SnapshotId": "snap-0123abcd", "State": "completed", "VolumeSize": 10}]},
    "ListClusterEvents": {"Events": [happened("e1"), happened("e2", EventLevel="Info")]},
    "DescribeClusterEvent": lambda **parameters: because(NO_CAPACITY, parameters["EventId"]),
    "DescribeInstanceTypeOfferings": {
        "InstanceTypeOfferings": [{"InstanceType": "p5.48xlarge", "Location": "usw2-az2"}]
    },
    "DescribeInstanceTypes": {
        "InstanceTypes": [
            {"InstanceType": "p5.48xlarge", "NetworkInfo": {"EfaSupported": True, "Ipv4AddressesPerInterface": 50}}
        ]
    },
    "GetRole": {
        "Role": {"Path": "/", "RoleName": "r", "RoleId": "id", "Arn": ROLE, "CreateDate": CREATED,
                 "AssumeRolePolicyDocument": trust(rights.TRUSTED)}
    },
    "ListAttachedRolePolicies": {"AttachedPolicies": [{"PolicyName": rights.MANAGED_POLICY, "PolicyArn": "arn:x"}]},
    "SimulatePrincipalPolicy": simulated,
    "GetObject": lambda **_: {"Body": stream(b"#!/bin/bash\necho\n")},
    "DescribeKey": {"KeyMetadata": {"KeyId": "k", "Arn": KEY, "KeyState": "Enabled", "KeyManager": "CUSTOMER"}},
    "GetKeyPolicy": {
        "Policy": json.dumps(
            {"Statement": {"Effect": "Allow", "Action": "kms:*", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                           "Resource": "*"}}
        )
    },
    "ListGrants": {"Grants": []},
    "ListServiceQuotas": {"Quotas": LISTED},
    "ListAWSDefaultServiceQuotas": {"Quotas": []},
    "ListClusters": {
        "ClusterSummaries": [
            {"ClusterArn": "arn:x", "ClusterName": "other", "CreationTime": CREATED, "ClusterStatus": "InService"}
        ]
    },
    "DescribeTrainingPlan": {
        "TrainingPlanArn": PLAN, "TrainingPlanName": "research", "Status": "Active", "AvailableInstanceCount": 4
    },
    "DescribeFileSystems": {
        "FileSystems": [{"FileSystemId": FSX, "Lifecycle": "AVAILABLE", "VpcId": "vpc-1",
                         "FileSystemType": "LUSTRE", "NetworkInterfaceIds": ["eni-1"],
                         "LustreConfiguration": {"MountName": "abcd"}, "SubnetIds": ["subnet-1"]}]
    },
}  # fmt: skip


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def about(**members: Any) -> ClusterSubject:
    wanted = spec(group(**members))
    return ClusterSubject(spec=wanted, here=HERE, facts=Facts(), now=CREATED, name="research")


def facts_of(aws: FakeAws, *, time: Time | None = None, identity: Any = None) -> AwsFacts:
    async def us() -> str:
        return OPERATOR

    return AwsFacts(caller=aws.caller, identity=identity or us, monotonic=time or Time())


async def gathered(aws: FakeAws, subject: ClusterSubject | None = None) -> Facts:
    return await facts_of(aws).gather(subject or about())


def world(**changes: Any) -> FakeAws:
    return FakeAws({**WORLD, **changes})


async def test_questions_that_depend_on_no_answer_are_asked_side_by_side() -> None:
    asked: list[str] = []

    class Silent:
        async def model(self) -> Any:
            return await world().caller("sagemaker").model()

        async def read(self, operation: str, *_: Any, **__: Any) -> Any:
            asked.append(operation)
            await asyncio.Event().wait()

    async def us() -> str:
        return OPERATOR

    facts = AwsFacts(caller=lambda _: Silent(), identity=us, monotonic=Time())  # type: ignore[arg-type,return-value]
    gathering = asyncio.create_task(facts.gather(about()))
    for _ in range(20):
        await asyncio.sleep(0)
    gathering.cancel()
    assert sorted(asked) == sorted(
        ["DescribeCluster", "DescribeSubnets", "DescribeSecurityGroups", "DescribeInstanceTypeOfferings",
         "DescribeInstanceTypes", "ListServiceQuotas", "SimulatePrincipalPolicy"]
    )  # fmt: skip


async def test_a_right_cluster_passes_every_check_that_reads_aws() -> None:
    facts = await gathered(world(), about(trainingPlanArn=PLAN))
    result = preflight(replace(about(trainingPlanArn=PLAN), facts=replace(facts, workloads=())))
    wrong = [check for check in result.checks if check.result is not Result.PASS and check.area != "Kubernetes"]
    assert wrong == []


async def test_a_preflight_stays_within_its_budget_of_calls() -> None:
    aws = world()
    facts = await gathered(aws, about(trainingPlanArn=PLAN))
    assert facts.calls <= BUDGET
    assert len(aws.calls) <= BUDGET


async def test_many_roles_and_scripts_do_not_exceed_the_budget() -> None:
    groups = [
        group(f"g{number}", executionRole=f"{ROLE}-{number}",
              lifeCycleConfig={"sourceS3Uri": f"s3://sagemaker-x/{number}", "onCreate": "a.sh"})
        for number in range(60)
    ]  # fmt: skip
    aws = world()
    facts = await gathered(aws, replace(about(), spec=spec(*groups)))
    counted = [call for call in aws.calls if call[0] != "service-quotas"]
    assert (len(counted), facts.calls) == (BUDGET, BUDGET)
    unread = [role for role in facts.roles.values() if isinstance(role, Unread)]
    assert "used up their 40 calls" in str(unread[0])


async def test_without_any_right_nothing_fails_and_each_action_is_named() -> None:
    facts = await gathered(FakeAws(), about(trainingPlanArn=PLAN))
    result = preflight(replace(about(trainingPlanArn=PLAN), facts=facts))
    assert not result.failed
    said = " ".join(check.message for check in result.of(Result.UNKNOWN))
    for action in ("eks:DescribeCluster", "ec2:DescribeSubnets", "iam:GetRole", "s3:GetObject", "kms:DescribeKey",
                   "servicequotas:ListServiceQuotas", "sagemaker:DescribeTrainingPlan", "fsx:DescribeFileSystems",
                   "iam:SimulatePrincipalPolicy"):  # fmt: skip
        assert action in said, action


async def test_the_action_that_is_named_is_the_one_that_aws_denies() -> None:
    """S3 needs kms:Decrypt for an object under a customer's key, and s3:ListBucket to say that there is none."""
    words = "User: arn:aws:sts::1:assumed-role/x/y is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:k"
    facts = await gathered(world(GetObject=refusal("AccessDenied", words, status=403)))
    assert isinstance(unread := facts.scripts[SCRIPT], Unread)
    assert unread.action == "kms:Decrypt"


@pytest.mark.parametrize("operation", WORLD)
async def test_a_denial_of_one_call_never_fails_a_check(operation: str) -> None:
    facts = await gathered(world(**{operation: refusal("AccessDenied", status=403)}), about(trainingPlanArn=PLAN))
    assert not preflight(replace(about(trainingPlanArn=PLAN), facts=facts)).failed


@pytest.mark.parametrize("answer", [{}, {"Subnets": "x"}, {"cluster": None}, {"Quotas": [{"Value": "many"}]}], ids=str)
@pytest.mark.parametrize("operation", WORLD)
async def test_an_odd_answer_is_no_exception(operation: str, answer: Any) -> None:
    await gathered(world(**{operation: answer}), about(trainingPlanArn=PLAN))


@pytest.mark.parametrize("operation", WORLD)
async def test_a_service_that_cannot_be_reached_never_fails_a_check(operation: str) -> None:
    facts = await gathered(world(**{operation: EndpointConnectionError(endpoint_url="https://x")}))
    assert not preflight(replace(about(), facts=facts)).failed


async def test_a_service_that_cannot_be_reached_is_asked_once() -> None:
    aws = world(GetObject=EndpointConnectionError(endpoint_url="https://x"))
    await gathered(
        aws, about(lifeCycleConfig={"sourceS3Uri": "s3://sagemaker-x", "onCreate": "a", "onInitComplete": "b"})
    )
    assert [call[1] for call in aws.calls].count("GetObject") == 1


@pytest.mark.parametrize(
    ("operation", "code", "member", "name"),
    [
        ("DescribeCluster", "ResourceNotFoundException", "eks", ""),
        ("GetRole", "NoSuchEntity", "roles", ROLE),
        ("GetObject", "NoSuchKey", "scripts", SCRIPT),
        ("DescribeKey", "NotFoundException", "keys", KEY),
        ("DescribeFileSystems", "FileSystemNotFound", "file_systems", FSX),
        ("DescribeTrainingPlan", "ResourceNotFound", "plans", PLAN),
    ],
)
async def test_what_does_not_exist_is_none(operation: str, code: str, member: str, name: str) -> None:
    assert code in MISSING
    facts = await gathered(world(**{operation: refusal(code, status=404)}), about(trainingPlanArn=PLAN))
    found = getattr(facts, member)
    assert (found[name] if name else found) is None


@pytest.mark.parametrize(
    ("text", "script"),
    [
        (b"#!/bin/bash\r\necho\r\n", Script(crlf=True, crlf_within=True)),
        (b"#!/bin/bash\necho\nexit\n\x00payload\r\n", Script(crlf=False, crlf_within=True)),
        (b"#!/bin/bash\necho\n", Script(crlf=False)),
    ],
)
async def test_the_line_ends_of_a_script_are_seen(text: bytes, script: Script) -> None:
    """Only those of its first line keep it from running: what follows may be the payload of an installer."""
    facts = await gathered(world(GetObject=lambda **_: {"Body": stream(text)}))
    assert facts.scripts[SCRIPT] == script


async def test_quotas_whose_defaults_are_denied_are_not_all() -> None:
    aws = world(
        ListServiceQuotas={"Quotas": LISTED[:1]}, ListAWSDefaultServiceQuotas=refusal("AccessDenied", status=403)
    )
    facts = await gathered(aws)
    assert not isinstance(facts.quotas, Unread)
    assert quotas.FURTHER in facts.quotas


@pytest.mark.parametrize(
    "bucket",
    [
        "arn:aws:s3:eu-west-1:444455556666:accesspoint/theirs",
        "arn:aws:s3-object-lambda:us-east-1:444455556666:accesspoint/theirs",
        "arn:aws:s3-outposts:us-west-2:444455556666:outpost/op-0/accesspoint/theirs",
        "arn:aws:s3::444455556666:accesspoint/theirs.mrap",
        "theirs--use1-az4--x-s3",
        "user@example.com",
        "x?acl",
        " blank",
    ],
)
async def test_no_script_is_read_by_what_is_no_bucket_of_the_region(bucket: str) -> None:
    """botocore takes access points in place of buckets, and calls their account and Region, whatever is allowed."""
    aws = world(GetObject=lambda **_: {"Body": stream(b"#!/bin/bash\n")})
    asked = about(lifeCycleConfig={"sourceS3Uri": f"s3://{bucket}/scripts", "onCreate": "on_create.sh"})
    facts = await gathered(aws, asked)
    assert "GetObject" not in [call[1] for call in aws.calls]
    assert all(isinstance(one, Unread) for one in facts.scripts.values())
    assert not preflight(replace(asked, facts=facts)).failed


async def test_policies_are_read_where_iam_may_not_simulate() -> None:
    allows = {"Statement": [{"Effect": "Allow", "Action": ["ec2:*", "ecr:*"], "Resource": "*"}]}
    aws = world(
        SimulatePrincipalPolicy=refusal("AccessDenied", status=403),
        ListRolePolicies={"PolicyNames": ["vpc"]},
        GetRolePolicy={"RoleName": "r", "PolicyName": "vpc", "PolicyDocument": allows},
        GetPolicy={"Policy": {"DefaultVersionId": "v1"}},
        GetPolicyVersion={"PolicyVersion": {"Document": {"Statement": []}}},
    )
    role = (await gathered(aws)).roles[ROLE]
    assert isinstance(role, Role)
    assert not isinstance(role.statements, Unread)
    assert rights.allowed(role.statements, "ec2:CreateNetworkInterface")


ALL_BUT = {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"}
"""As PowerUserAccess of AWS has it."""


@pytest.mark.parametrize(
    ("action", "statements", "may"),
    [
        ("ec2:CreateNetworkInterface", [ALL_BUT], True),
        ("iam:PassRole", [ALL_BUT], False),
        ("ec2:CreateNetworkInterface", [{**ALL_BUT, "NotAction": "ec2:*"}], False),
        (
            "ec2:CreateNetworkInterface",
            [{"Effect": "Allow", "Action": "*"}, {**ALL_BUT, "Effect": "Deny", "NotAction": "s3:*"}],
            True,
        ),
        ("ec2:CreateNetworkInterface", [ALL_BUT, {"Effect": "Deny", "Action": "ec2:Create*", "Resource": "*"}], False),
    ],
)
async def test_a_policy_of_all_actions_but_some_allows_the_others(
    action: str, statements: list[dict[str, Any]], may: bool
) -> None:
    aws = world(SimulatePrincipalPolicy=refusal("AccessDenied", status=403), **policies(*statements))
    role = (await gathered(aws)).roles[ROLE]
    assert isinstance(role, Role)
    assert not isinstance(role.statements, Unread)
    assert rights.allowed(role.statements, action) is may


CREATE = "ec2:CreateNetworkInterface"


def decided(word: str, *, missing: list[str] | None = None) -> Any:
    """IAM allows everything but the creation of network interfaces, and the passing of the role."""

    def answer(**parameters: Any) -> dict[str, Any]:
        made = simulated(**parameters)
        for one in made["EvaluationResults"]:
            if one["EvalActionName"] in (CREATE, "iam:PassRole"):
                one |= {"EvalDecision": word, "MissingContextValues": missing or []}
        return made

    return answer


def policies(*statements: dict[str, Any]) -> dict[str, Any]:
    return {
        "ListRolePolicies": {"PolicyNames": ["vpc"]},
        "GetRolePolicy": {"RoleName": "r", "PolicyName": "vpc", "PolicyDocument": {"Statement": [*statements]}},
        "GetPolicy": {"Policy": {"DefaultVersionId": "v1"}},
        "GetPolicyVersion": {"PolicyVersion": {"Document": {"Statement": []}}},
    }


ON_SOME = {"Effect": "Allow", "Action": CREATE, "Resource": "arn:aws:ec2:us-west-2:111122223333:subnet/*"}
ELSEWHERE = {"Effect": "Deny", "Action": "*", "Resource": "*",
             "Condition": {"StringNotEquals": {"aws:RequestedRegion": "us-west-2"}}}  # fmt: skip


@pytest.mark.parametrize(
    ("word", "missing", "statements", "may"),
    [
        ("implicitDeny", [], [ON_SOME], None),
        ("implicitDeny", [], [], False),
        ("explicitDeny", ["aws:RequestedRegion"], [ON_SOME, ELSEWHERE], None),
        ("explicitDeny", [], [ON_SOME], False),
    ],
)
async def test_a_denial_that_iam_simulates_is_one_only_where_no_policy_may_allow_it(
    word: str, missing: list[str], statements: list[dict[str, Any]], may: bool | None
) -> None:
    """IAM simulates all resources at once, and meets no condition on what it was not given."""
    aws = world(SimulatePrincipalPolicy=decided(word, missing=missing), **policies(*statements))
    role = (await gathered(aws)).roles[ROLE]
    assert isinstance(role, Role)
    assert not isinstance(role.may, Unread)
    assert (role.may.get(CREATE), role.unproved) == (may, frozenset())


async def test_a_denial_is_in_doubt_where_policies_cannot_be_read() -> None:
    refused = refusal("AccessDenied", status=403)
    aws = world(SimulatePrincipalPolicy=decided("implicitDeny"), ListRolePolicies=refused)
    role = (await gathered(aws)).roles[ROLE]
    assert isinstance(role, Role)
    assert role.unproved == {CREATE}


@pytest.mark.parametrize(
    ("word", "missing", "may"),
    [("implicitDeny", [], False), ("explicitDeny", [], False), ("implicitDeny", ["aws:PrincipalTag/x"], None)],
)
async def test_whether_a_role_may_be_passed_is_open_where_a_condition_could_not_be_evaluated(
    word: str, missing: list[str], may: bool | None
) -> None:
    aws = world(SimulatePrincipalPolicy=decided(word, missing=missing), **policies())
    found = (await gathered(aws)).pass_role
    assert not isinstance(found, Unread)
    assert found.get(ROLE) is may


async def test_other_clusters_count_against_quotas() -> None:
    usage = (await gathered(world())).usage
    assert not isinstance(usage, Unread)
    assert (usage.instances, usage.total, usage.of_eks, usage.complete) == (
        {"ml.p5.48xlarge": 2, "ml.g5.xlarge": 3}, 6, "", True,
    )  # fmt: skip


async def test_the_cluster_itself_is_no_other_cluster() -> None:
    usage = (await gathered(world(), replace(about(), name="other"))).usage
    assert not isinstance(usage, Unread)
    assert usage.total == 0


async def test_an_answer_is_given_again_for_a_while() -> None:
    aws, time = world(), Time()
    facts = facts_of(aws, time=time)
    await facts.gather(about())
    first = len(aws.calls)
    assert (await facts.gather(about())).calls == 0
    assert len(aws.calls) == first


async def test_the_list_of_quotas_is_read_once_an_hour() -> None:
    aws, time = world(), Time()
    facts = facts_of(aws, time=time)
    for moment in (0.0, 1800.0, 3599.0, 3601.0):
        time.now = moment
        await facts.gather(about())
    assert [call[1] for call in aws.calls].count("ListServiceQuotas") == 2


async def test_quotas_that_were_prepared_are_not_read_by_the_first_preflight() -> None:
    aws = world()
    facts = facts_of(aws)
    await facts.prepare()
    assert [call[1] for call in aws.calls] == ["ListServiceQuotas"]
    assert (await facts.gather(about())).quotas == (await gathered(world())).quotas
    assert [call[1] for call in aws.calls].count("ListServiceQuotas") == 1


async def test_nothing_else_waits_for_the_pages_of_quotas() -> None:
    aws, arrive = world(), asyncio.Event()

    class Late(FakeCaller):
        async def read(self, *arguments: Any, **options: Any) -> Any:
            await arrive.wait()
            return await super().read(*arguments, **options)

    def caller(service: str) -> Any:
        return Late(service, aws) if service == "service-quotas" else aws.caller(service)

    async def us() -> str:
        return OPERATOR

    gathering = asyncio.create_task(AwsFacts(caller=caller, identity=us, monotonic=Time()).gather(about()))
    for _ in range(200):
        await asyncio.sleep(0)
    assert "ListClusters" in {call[1] for call in aws.calls}
    arrive.set()
    assert (await gathering).quotas == (await gathered(world())).quotas


async def test_a_failure_is_not_remembered() -> None:
    aws = world(DescribeSubnets=refusal("InternalError", status=500))
    facts = facts_of(aws)
    assert isinstance((await facts.gather(about())).subnets, Unread)
    aws.answers["DescribeSubnets"] = WORLD["DescribeSubnets"]
    assert not isinstance((await facts.gather(about())).subnets, Unread)


async def test_an_unknown_identity_is_unread() -> None:
    async def nobody() -> str:
        raise CloudError(kind=ErrorKind.UNREACHABLE, operation="GetCallerIdentity", code="x", message="no answer")

    facts = await facts_of(world(), identity=nobody).gather(about())
    assert isinstance(facts.pass_role, Unread)


async def test_a_service_that_does_not_answer_in_time_is_unread() -> None:
    class Slow:
        async def read(self, *_: Any, **__: Any) -> Any:
            await asyncio.Event().wait()

    reader = Reader(caller=lambda _: Slow(), answers=Answers(monotonic=Time()), patience=0.0, monotonic=Time())  # type: ignore[arg-type,return-value]
    ask = Ask(service="eks", operation="DescribeCluster", action="eks:DescribeCluster", parameters={"name": "ml"})
    assert "did not answer" in str(await reader.ask(ask))


class Waiting:
    """A caller whose reads end when the test says so; `ends` has one for each read, in their order."""

    def __init__(self) -> None:
        self.ends: list[asyncio.Future[Any]] = []

    async def read(self, *_: Any, **__: Any) -> Any:
        self.ends.append(asyncio.get_running_loop().create_future())
        return await self.ends[-1]

    async def preflights(self, *patience: float) -> list[asyncio.Task[Any]]:
        """Preflights that ask the same question at the same time; each has its own patience in seconds."""
        answers = Answers(monotonic=Time())
        ask = Ask(service="eks", operation="DescribeCluster", action="eks:DescribeCluster", parameters={"name": "ml"})
        self.readers = [
            Reader(caller=lambda _: self, answers=answers, patience=one, monotonic=Time())  # type: ignore[arg-type,return-value]
            for one in patience
        ]
        asking = [asyncio.create_task(reader.ask(ask)) for reader in self.readers]
        await self.turns()
        return asking

    async def turns(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


async def test_what_several_preflights_ask_at_once_is_asked_once() -> None:
    aws = Waiting()
    asking = await aws.preflights(9.0, 9.0, 9.0)
    aws.ends[0].set_result([{"cluster": {}}])
    assert await asyncio.gather(*asking) == [[{"cluster": {}}]] * 3
    assert [reader.calls for reader in aws.readers] == [1, 0, 0]
    assert len(aws.ends) == 1


async def test_a_denial_is_the_answer_for_all_that_wait() -> None:
    aws = Waiting()
    asking = await aws.preflights(9.0, 9.0)
    aws.ends[0].set_exception(CloudError(kind=ErrorKind.DENIED, operation="x", code="AccessDenied", message="no"))
    assert [found.action for found in await asyncio.gather(*asking)] == ["eks:DescribeCluster"] * 2
    assert len(aws.ends) == 1


@pytest.mark.parametrize("gives_up", [False, True])
async def test_a_preflight_that_ends_early_leaves_the_question_to_the_next(gives_up: bool) -> None:
    aws = Waiting()
    first, *others = await aws.preflights(0.001 if gives_up else 9.0, 9.0, 9.0)
    if gives_up:
        assert "did not answer" in str(await first)
    else:
        first.cancel()
    await aws.turns()
    aws.ends[1].set_result([{"cluster": {}}])
    assert await asyncio.gather(*others) == [[{"cluster": {}}]] * 2
    assert len(aws.ends) == 2


async def test_who_waits_for_anothers_question_has_a_patience_of_its_own() -> None:
    aws = Waiting()
    first, second = await aws.preflights(9.0, 0.001)
    assert "did not answer" in str(await second)
    aws.ends[0].set_result([{"cluster": {}}])
    assert await first == [{"cluster": {}}]


async def test_pages_count_as_calls_and_end_with_the_budget() -> None:
    aws = FakeAws()
    aws.pages["describe_subnets"] = [{"Subnets": []}] * 100
    reader = Reader(caller=aws.caller, answers=Answers(monotonic=Time()), budget=3, monotonic=Time())
    await reader.ask(Ask(service="ec2", operation="DescribeSubnets", action="ec2:DescribeSubnets", pages=50))
    assert reader.calls == 3


@pytest.mark.parametrize(("pages", "budget"), [(50, 3), (3, 50)], ids=["the budget ends", "the pages end"])
async def test_some_of_the_pages_are_no_answer(pages: int, budget: int) -> None:
    """What they lack may be on the next: a check must not fail over it."""
    aws = FakeAws()
    aws.pages["describe_subnets"] = [{"Subnets": [], "NextToken": "more"}] * 9 + [{"Subnets": []}]
    reader = Reader(caller=aws.caller, answers=Answers(monotonic=Time()), budget=budget, monotonic=Time())
    ask = Ask(service="ec2", operation="DescribeSubnets", action="ec2:DescribeSubnets", pages=pages)
    found = await reader.ask(ask)
    assert isinstance(found, Unread)
    assert "more pages than are read" in str(found)
    every = Reader(caller=aws.caller, answers=Answers(monotonic=Time()), budget=50, monotonic=Time())
    assert await every.ask(replace(ask, pages=50)) is not None


def test_remembered_answers_are_bounded() -> None:
    time = Time()
    answers = Answers(monotonic=time, most=3)
    for number in range(10):
        answers.put(str(number), [], keep=10.0)
    assert sum(answers.get(str(number)) is not None for number in range(10)) == 3
    time.now = 11.0
    answers.put("new", None, keep=10.0)
    assert answers.get("new") == (None,)


def test_answers_whose_time_is_over_leave_memory_long_before_it_is_full() -> None:
    time = Time()
    answers = Answers(monotonic=time, most=1000)
    answers.put("lasting", None, keep=1e6)
    for number in range(900):
        time.now = float(number)
        answers.put(str(number), [], keep=10.0)
    assert answers.held < 100
    assert answers.get("lasting") == (None,)


@pytest.mark.parametrize(
    ("arn", "source"),
    [
        (OPERATOR, "arn:aws:iam::111122223333:role/operator"),
        ("arn:aws:iam::111122223333:user/alice", "arn:aws:iam::111122223333:user/alice"),
        ("arn:aws:iam::111122223333:root", ""),
        ("arn:aws:sts::111122223333:federated-user/bob", ""),
        ("", ""),
    ],
)
def test_whose_policies_are_simulated(arn: str, source: str) -> None:
    assert source_of(arn) == source


@pytest.mark.parametrize("document", ["", "[]", "nonsense", None, 3])
def test_a_policy_that_cannot_be_read_is_an_error_of_one_kind(document: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        statements(document)


def growing(**members: Any) -> ClusterSubject:
    return replace(about(**members), new=False, grows={"gpu": 1})


async def test_what_lacked_capacity_lately_is_known_with_type_and_group() -> None:
    facts = await gathered(world(), growing())
    found = Shortage(at=CREATED - timedelta(hours=1), group="gpu", types=("ml.p5.48xlarge",))
    assert facts.shortages == (found,)


async def test_a_new_cluster_has_no_history_to_read() -> None:
    aws = world()
    await gathered(aws)
    assert "ListClusterEvents" not in {call[1] for call in aws.calls}


@pytest.mark.parametrize(
    "event",
    [
        happened("e1", EventTime=CREATED - timedelta(hours=25)),
        happened("e1", EventLevel="Info"),
        happened("e1", Description="2 node(s) lost orchestration-ready status. Current: 1/3"),
    ],
    ids=["long ago", "good news", "noise"],
)
async def test_events_that_tell_nothing_about_capacity_cost_no_call(event: dict[str, Any]) -> None:
    aws = world(ListClusterEvents={"Events": [event]})
    facts = await gathered(aws, growing())
    assert facts.shortages == ()
    assert "DescribeClusterEvent" not in {call[1] for call in aws.calls}


async def test_an_event_that_names_the_cause_itself_costs_no_further_call() -> None:
    aws = world(ListClusterEvents={"Events": [happened("e1", Description=NO_CAPACITY)]})
    facts = await gathered(aws, growing())
    assert isinstance(facts.shortages, tuple)
    assert [one.types for one in facts.shortages] == [("ml.p5.48xlarge",)]
    assert "DescribeClusterEvent" not in {call[1] for call in aws.calls}


async def test_a_few_of_many_events_are_read() -> None:
    many = [happened(f"e{number}", InstanceGroupName=f"g{number % 9}") for number in range(100)]
    aws = world(ListClusterEvents={"Events": many})
    await gathered(aws, growing())
    assert [call[1] for call in aws.calls].count("DescribeClusterEvent") == MOST_READ


async def test_another_cause_is_no_shortage() -> None:
    aws = world(DescribeClusterEvent=lambda **_: because("EFA health checks did not run successfully"))
    assert (await gathered(aws, growing())).shortages == ()


CLAIM = EBSVolumeClaimSpec.model_validate(
    {
        "clusterRef": {"name": "research"},
        "source": {"create": {"availabilityZone": "us-west-2b", "snapshotId": "snap-0123abcd", "kmsKeyId": KEY}},
        "volume": {"size": 500},
        "attachment": {"target": {"instanceGroupName": "gpu"}},
    }
)


async def test_what_the_account_holds_of_a_volume_type_is_summed_up() -> None:
    aws = world()
    facts = await facts_of(aws).gather_claim(CLAIM)
    assert facts.stored == Stored(size=150)
    (asked,) = [call[2] for call in aws.calls if call[1] == "DescribeVolumes"]
    assert asked["Filters"] == [{"Name": "volume-type", "Values": ["gp3"]}]


async def test_volumes_on_many_pages_are_summed_within_the_budget() -> None:
    aws = world()
    page = {"Volumes": [{"VolumeId": "vol-1", "Size": 100}], "NextToken": "more"}
    aws.pages["describe_volumes"] = [page] * 50
    facts = await facts_of(aws).gather_claim(CLAIM)
    assert facts.stored == Stored(size=1000, complete=False)
    assert facts.calls <= BUDGET


@pytest.mark.parametrize("answer", [{}, {"Volumes": [{"VolumeId": "vol-1"}]}], ids=["no list", "no size"])
async def test_a_size_that_is_missing_is_no_zero(answer: dict[str, Any]) -> None:
    facts = await facts_of(world(DescribeVolumes=answer)).gather_claim(CLAIM)
    assert not isinstance(facts.stored, Stored) or not facts.stored.complete


async def test_what_claims_ask_at_once_is_asked_once() -> None:
    aws, time = world(), Time()
    facts = facts_of(aws, time=time)
    await asyncio.gather(*(facts.gather_claim(CLAIM) for _ in range(20)))
    assert [call[1] for call in aws.calls].count("DescribeVolumes") == 1


ACTIONS = {"service-quotas": "servicequotas"}
"""Services whose actions have another prefix than their name in botocore."""


def of_admins() -> dict[str, Any]:
    """A key's policy that names one role and leaves nothing to IAM."""
    admin = {"AWS": "arn:aws:iam::111122223333:role/admin"}
    statement = {"Effect": "Allow", "Action": "kms:*", "Principal": admin, "Resource": "*"}
    return {"Policy": json.dumps({"Statement": statement})}


@pytest.mark.parametrize(
    ("grants", "result"),
    [
        ({"Grants": [{"GranteePrincipal": ROLE, "Operations": ["Decrypt", "CreateGrant"]}]}, Result.PASS),
        ({"Grants": [{"GranteePrincipal": ROLE, "Operations": ["Decrypt"]}]}, Result.FAIL),
        ([{"Grants": [], "Truncated": True, "NextMarker": "more"}] * 9, Result.UNKNOWN),
        (refusal("AccessDenied", status=403), Result.UNKNOWN),
    ],
    ids=["a grant", "a grant of other operations", "more than are read", "denied"],
)
async def test_the_grants_of_a_key_are_read_where_its_policy_is_not_enough(grants: Any, result: Result) -> None:
    aws = world(GetKeyPolicy=of_admins(), ListGrants={"Grants": []} if isinstance(grants, list) else grants)
    aws.pages |= {"list_grants": grants} if isinstance(grants, list) else {}
    checks = preflight(replace(about(), facts=await gathered(aws, about()))).checks
    assert {one.name: one.result for one in checks}["KMSKeyPolicy"] is result


async def test_no_grants_are_read_of_a_key_that_leaves_its_use_to_iam() -> None:
    aws = world()
    await gathered(aws, about())
    assert "ListGrants" not in {operation for _, operation, _ in aws.calls}


async def test_the_actions_that_checks_name_are_those_that_are_called() -> None:
    """The policy in docs/iam has what the checks name, so it has neither too much nor too little."""
    aws = world(
        ListServiceQuotas={"Quotas": []},
        ListRolePolicies={"PolicyNames": ["vpc"]},
        GetRolePolicy={"RoleName": "r", "PolicyName": "vpc", "PolicyDocument": {"Statement": []}},
        GetPolicy={"Policy": {"DefaultVersionId": "v1"}},
        GetPolicyVersion={"PolicyVersion": {"Document": {"Statement": []}}},
    )
    denied = world(
        **{**aws.answers, "SimulatePrincipalPolicy": refusal("AccessDenied", status=403), "GetKeyPolicy": of_admins()}
    )
    for one in (aws, denied):
        await gathered(one, about(trainingPlanArn=PLAN))
        await gathered(one, growing(trainingPlanArn=PLAN))
        await facts_of(one).gather_claim(CLAIM)
    called = {f"{ACTIONS.get(service, service)}:{operation}" for service, operation, _ in (*aws.calls, *denied.calls)}
    named = {action for check in (*CLUSTER, *VOLUMES) for action in check.reads if not action.startswith("kubernetes:")}
    assert called == named


def without_each(answer: Any) -> Iterator[tuple[str, Any]]:
    """The answer with each of its members left out, and with each of them null."""
    if isinstance(answer, dict):
        for name, value in answer.items():
            rest = {key: one for key, one in answer.items() if key != name}
            yield f"{name} is missing", rest
            yield f"{name} is null", {**rest, name: None}
            yield from ((f"{name}.{path}", {**answer, name: found}) for path, found in without_each(value))
    elif isinstance(answer, list) and answer:
        yield from ((f"[].{path}", [found, *answer[1:]]) for path, found in without_each(answer[0]))


HOLES = [
    pytest.param(operation, holed, id=f"{operation}: {path}")
    for operation, answer in WORLD.items()
    for path, holed in without_each(answer if isinstance(answer, dict) else {})
    if "Document" not in path  # in IAM's language what is left out has a meaning
]


@pytest.mark.parametrize(("operation", "answer"), HOLES)
async def test_a_member_that_is_missing_fails_no_check(operation: str, answer: Any) -> None:
    """Unknown is not zero: an answer with a hole makes checks Unknown, and holds no call."""
    aws = world(**{operation: answer})
    subject = (growing if "Event" in operation else about)(trainingPlanArn=PLAN)
    facts = replace(await gathered(aws, subject), workloads=())
    assert not preflight(replace(subject, facts=facts)).failed
    found = await facts_of(aws).gather_claim(CLAIM)
    assert not run(VOLUMES, ClaimSubject(spec=CLAIM, facts=found)).failed


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        ("available", True),
        ("Available", True),
        ("pending", False),
        ("failed", False),
        ("deleting", False),
        ("pendingAcceptance", False),
    ],
)
async def test_an_endpoint_that_is_not_available_serves_nobody(state: str, counts: bool) -> None:
    endpoint = {
        "VpcEndpointId": "vpce-1",
        "VpcId": "vpc-1",
        "VpcEndpointType": "Gateway",
        "ServiceName": "com.amazonaws.us-west-2.s3",
        "State": state,
    }
    facts = await gathered(world(DescribeVpcEndpoints={"VpcEndpoints": [endpoint]}))
    assert not isinstance(facts.endpoints, Unread)
    assert [(one.name, one.gateway) for one in facts.endpoints] == ([("vpce-1", True)] if counts else [])


@pytest.mark.parametrize(
    ("data", "known"),
    [
        (base64.b64encode(f"{BEGIN}\nYWJj\n{END}\n".encode()).decode(), {hashlib.sha256(b"abc").hexdigest()}),
        (base64.b64encode(b"no certificate").decode(), set()),
        ("no base64", set()),
        ("", set()),
    ],
)
async def test_the_authority_of_an_eks_cluster_is_read_from_its_certificate(data: str, known: set[str]) -> None:
    described = WORLD["DescribeCluster"](name="ml")["cluster"] | {"certificateAuthority": {"data": data}}
    facts = await gathered(world(DescribeCluster=lambda **asked: {"cluster": described} if "name" in asked else {}))
    assert isinstance(facts.eks, EksCluster)
    assert facts.eks.authorities == known


@pytest.mark.parametrize("more", [{}, {"NextToken": "more"}])
async def test_a_list_of_quotas_that_was_not_read_to_its_end_says_so(more: dict[str, str]) -> None:
    """What it lacks may exist: an instance type that AWS released lately, for example."""
    aws = world()
    aws.pages["list_service_quotas"] = [{"Quotas": LISTED, **more}] * (100 if more else 1)
    facts = await facts_of(aws).gather(about())
    assert not isinstance(facts.quotas, Unread)
    assert (quotas.FURTHER in facts.quotas) is bool(more)
