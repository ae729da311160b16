"""The command `preflight`: what it reads, what it prints, and how it exits."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from click.testing import CliRunner, Result
from tests.unit.core.builders import EKS, group_spec, spec

from hyperpod_operator import cli
from hyperpod_operator.api.names import TAG_EKS_CLUSTER, TAG_OWNER, TAG_OWNER_UID
from hyperpod_operator.app.documents import InputError
from hyperpod_operator.app.plan.manifests import found_in
from hyperpod_operator.app.preflight import resources
from hyperpod_testbed.simulator import Simulator
from hyperpod_testbed.simulator.options import Options

CLAIM: dict[str, Any] = {
    "apiVersion": "hyperpod-operator.dev/v1alpha1",
    "kind": "EBSVolumeClaim",
    "metadata": {"name": "data"},
    "spec": {
        "clusterRef": {"name": "research"},
        "source": {"create": {"availabilityZone": "us-west-2b"}},
        "volume": {"size": 100},
        "attachment": {"target": {"instanceGroupName": "gpu"}},
    },
}


def manifest(**members: Any) -> dict[str, Any]:
    return {
        "apiVersion": "hyperpod-operator.dev/v1alpha1",
        "kind": "HyperPodCluster",
        "metadata": {"name": "research"},
        "spec": spec(**members),
    }


def said(*args: str | Path, text: str = "") -> Result:
    return CliRunner().invoke(cli.main, ["preflight", *(str(arg) for arg in args)], input=text)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """AWS with what the test's parameter says of its resources."""
    prerequisites = getattr(request, "param", {})
    simulator = Simulator(account="111122223333", speed=0, options=Options(prerequisites=prerequisites)).start()
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in simulator.environment().items():
        monkeypatch.setenv(name, value)
    yield simulator
    simulator.stop()


@pytest.mark.parametrize("words", ["plan --no-kubernetes -f", "preflight -f", "export"])
def test_a_profile_that_does_not_exist_is_one_sentence(monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nope")
    done = CliRunner().invoke(cli.main, [*words.split(), "research"] if words == "export" else [*words.split(), "-"],
                              input=yaml.safe_dump(manifest()))  # fmt: skip
    assert done.exit_code == 1
    assert done.output.startswith("Error: AWS configuration: ProfileNotFound: The config profile (nope)")


@pytest.mark.parametrize("verb", [["preflight"], ["plan", "--no-kubernetes"]], ids=" ".join)
@pytest.mark.parametrize("kind", ["HyperPodCluster", "EBSVolumeClaim"])
def test_without_a_region_aws_is_not_asked(monkeypatch: pytest.MonkeyPatch, verb: list[str], kind: str) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "missing")
    claim = {**CLAIM, "spec": {**CLAIM["spec"], "clusterRef": {"clusterName": "research"}}}
    body = yaml.safe_dump(manifest() if kind == "HyperPodCluster" else claim)
    done = CliRunner().invoke(cli.main, [*verb, "-f", "-"], input=body)
    assert done.exit_code == 1
    assert "names no Region, and none is configured" in done.output


def test_a_right_cluster_exits_with_0_and_lists_its_checks(aws: Simulator) -> None:
    done = said("-f", "-", text=yaml.safe_dump(manifest()))
    assert done.exit_code == 0, done.output
    assert "HyperPodCluster research" in done.output
    assert "ok    EKS/EKSClusterActive: The EKS cluster exists and is ACTIVE." in done.output
    assert " calls to AWS." in done.output


@pytest.mark.parametrize("aws", [{"subnet": {"subnet-1": None}}], indirect=True)
def test_a_wrong_cluster_exits_with_2_and_says_what_to_do(aws: Simulator) -> None:
    done = said("-f", "-", text=yaml.safe_dump(manifest()))
    assert done.exit_code == cli.CHECKS_FAILED == 2
    assert "FAIL  Network/SubnetsExist: Group gpu: EC2 has no subnet subnet-1" in done.output
    assert "Correct the subnet ids" in done.output


def test_json_has_every_check_of_every_resource(aws: Simulator, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(yaml.safe_dump_all([manifest(), {"kind": "ConfigMap", "apiVersion": "v1"}]))
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "b.json").write_text(json.dumps(CLAIM))
    (tmp_path / "notes.txt").write_text(": no yaml : {")
    done = said("-f", tmp_path, "-o", "json")
    assert done.exit_code == 0, done.output
    reports = json.loads(done.output)
    assert [(one["kind"], one["name"]) for one in reports] == [
        ("HyperPodCluster", "research"),
        ("EBSVolumeClaim", "data"),
    ]
    assert {"name": "VolumeZone", "group": "Volume", "result": "Pass"}.items() <= reports[1]["checks"][0].items()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "standard input, line 2, column 1: "),
        ("kind: ConfigMap", "no HyperPodCluster and no EBSVolumeClaim"),
        (yaml.safe_dump({**manifest(), "spec": {}}), "is invalid"),
        ("", "no HyperPodCluster"),
        ("a: &a [x]\n" + "\n".join(f"{chr(98 + i)}: &{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 9)}]"
                                    for i in range(9)), "once its aliases are expanded"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_exits_with_1(text: str, words: str) -> None:
    done = said("-f", "-", text=text)
    assert (done.exit_code, words in done.output) == (1, True), done.output


WRONG = {
    "a type without its prefix": ({"instanceGroups": [group_spec(instanceType="p5.48xlarge")]}, "put ml. in front"),
    "a name with underscores": ({"instanceGroups": [group_spec("my_gpus")]}, "use dashes instead of underscores"),
    "a role's name": ({"instanceGroups": [group_spec(executionRole="hyperpod")]}, "give the ARN of the role"),
    "a VPC for a subnet": (
        {"vpcConfig": {"subnets": ["vpc-1"], "securityGroupIds": ["sg-1"]}},
        "give ids of subnets",
    ),
    "a security group's name": (
        {"vpcConfig": {"subnets": ["subnet-1"], "securityGroupIds": ["default"]}},
        "give the id of the security group",
    ),
    "a crontab line": (
        {"instanceGroups": [group_spec(scheduledUpdateConfig={"scheduleExpression": "0 3 * * *"})]},
        "give an AWS cron expression",
    ),
    "a training plan's name": (
        {"instanceGroups": [group_spec(trainingPlanArn="winter")]},
        "give the ARN of the training plan",
    ),
    "the id of a file system": (
        {
            "instanceGroups": [
                group_spec(
                    instanceStorageConfigs=[
                        {"fsxLustreConfig": {"dnsName": "fs-0123456789abcdef0", "mountName": "abcd"}}
                    ]
                )
            ]
        },
        "give the DNS name of the file system",
    ),
    "a bucket without its scheme": (
        {"instanceGroups": [group_spec(lifeCycleConfig={"sourceS3Uri": "sagemaker-x/y", "onCreate": "a.sh"})]},
        "give the place in Amazon S3",
    ),
    "a type in capitals": ({"instanceGroups": [group_spec(instanceType="ml.P5.48xlarge")]}, "are in lower case"),
    "a type with a blank": ({"instanceGroups": [group_spec(instanceType="ml.p5.48xlarge ")]}, "without blanks"),
    "a family alone": ({"instanceGroups": [group_spec(instanceType="ml.p5")]}, "write family and size after ml."),
    "a name with a dot": ({"instanceGroups": [group_spec("my.gpus")]}, "names in SageMaker have letters"),
    "the ARN of a user": (
        {"instanceGroups": [group_spec(executionRole="arn:aws:iam::111122223333:user/anna")]},
        "give the ARN of the role, as arn:aws:iam::111122223333:role/NAME",
    ),
    "the name of an AMI": ({"instanceGroups": [group_spec(imageId="hyperpod-eks-1.33")]}, "give the id of the AMI"),
    "a release with a v": ({"instanceGroups": [group_spec(imageReleaseVersion="v1.2.3")]}, "write it as 1.2.3"),
    "a zone for a Region": ({"region": "us-west-2a"}, "write it as us-west-2"),
    "a count as a text": (
        {"instanceGroups": [group_spec(instanceCount="4")]},
        "instanceCount: Input should be a valid integer, without quotes",
    ),
    "a truth value as a text": (
        {"management": {"deletionProtection": "yes"}},
        "deletionProtection: Input should be a valid boolean, without quotes",
    ),
    "the name of the EKS cluster": ({"orchestrator": {"eks": {"clusterArn": "ml"}}}, "give the ARN of the EKS cluster"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_answered_with_what_to_write_instead(name: str) -> None:
    members, words = WRONG[name]
    done = said("-f", "-", text=yaml.safe_dump(manifest(**members)))
    assert (done.exit_code, words in done.output) == (1, True), done.output
    assert "pattern" not in done.output
    assert "characters" not in done.output


FOUND_BY_CHECKS = {
    "an EKS cluster of another Region": (
        {"orchestrator": {"eks": {"clusterArn": EKS.replace("us-west-2", "us-east-1")}}},
        "orchestrator.eks.clusterArn arn:aws:eks:us-east-1",
    ),
    "an EKS cluster of another account": (
        {"orchestrator": {"eks": {"clusterArn": EKS.replace("1111", "9999", 1)}}},
        "is of account 999922223333, and the operator works in account 111122223333",
    ),
    "a role of another account": (
        {"instanceGroups": [group_spec(executionRole="arn:aws:iam::444455556666:role/hyperpod")]},
        "is of account 444455556666",
    ),
    "deep health checks on CPU": (
        {"instanceGroups": [group_spec(instanceType="ml.m5.large", onStartDeepHealthChecks=["InstanceStress"])]},
        "ml.m5.large has neither GPUs nor Neuron devices",
    ),
    "an instance type that does not exist": (
        {"instanceGroups": [group_spec(instanceType="ml.p5.48xlarg")]},
        "Did you mean ml.p5.48xlarge",
    ),
}


@pytest.mark.parametrize("name", FOUND_BY_CHECKS)
def test_a_wrong_value_that_only_aws_could_know_is_a_failed_check(aws: Simulator, name: str) -> None:
    members, words = FOUND_BY_CHECKS[name]
    done = said("-f", "-", text=yaml.safe_dump(manifest(**members)))
    assert (done.exit_code, words in done.output) == (2, True), done.output


def test_a_file_that_is_not_there_exits_with_1(tmp_path: Path) -> None:
    done = said("-f", tmp_path / "none.yaml")
    assert done.exit_code == 1
    assert "cannot be read" in done.output


def test_items_of_a_list_are_read() -> None:
    listed = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [manifest(), CLAIM]})
    assert [one.kind for one in resources(["-"], stdin=listed.encode)] == ["HyperPodCluster", "EBSVolumeClaim"]


OURS = {TAG_OWNER: "default/research", TAG_OWNER_UID: "u", TAG_EKS_CLUSTER: EKS}


def made(aws: Simulator, tags: Mapping[str, str] = OURS) -> None:
    """A cluster in AWS, as the operator would have created it for the manifest."""
    wanted = spec()
    client = boto3.client("sagemaker", region_name="us-west-2", endpoint_url=aws.url)
    try:
        client.create_cluster(
            ClusterName="research",
            Orchestrator={"Eks": {"ClusterArn": wanted["orchestrator"]["eks"]["clusterArn"]}},
            InstanceGroups=[_group(one) for one in wanted["instanceGroups"]],
            VpcConfig={
                "Subnets": wanted["vpcConfig"]["subnets"],
                "SecurityGroupIds": wanted["vpcConfig"]["securityGroupIds"],
            },
            NodeProvisioningMode="Continuous",
            NodeRecovery="Automatic",
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )
    finally:
        client.close()


def _group(one: dict[str, Any]) -> dict[str, Any]:
    script = one["lifeCycleConfig"]
    return {
        "InstanceGroupName": one["instanceGroupName"],
        "InstanceType": one["instanceType"],
        "InstanceCount": one["instanceCount"],
        "ExecutionRole": one["executionRole"],
        "LifeCycleConfig": {"SourceS3Uri": script["sourceS3Uri"], "OnCreate": script["onCreate"]},
    }


def test_a_new_cluster_says_that_its_creation_is_checked(aws: Simulator) -> None:
    done = said("-f", "-", text=yaml.safe_dump(manifest()))
    assert "HyperPodCluster research (CreateCluster)" in done.output


def test_a_cluster_that_exists_is_checked_for_what_the_manifest_adds_to_it(aws: Simulator) -> None:
    made(aws)
    more = manifest(instanceGroups=[*spec()["instanceGroups"], group_spec("more", 2)])
    done = said("-f", "-", text=yaml.safe_dump(more))
    assert "HyperPodCluster research (UpdateCluster: group more)" in done.output
    assert "Group gpu" not in done.output


def test_a_cluster_that_exists_and_gets_no_instances_needs_no_checks(aws: Simulator) -> None:
    made(aws)
    done = said("-f", "-", "-o", "json", text=yaml.safe_dump(manifest()))
    (report,) = json.loads(done.output)
    assert (done.exit_code, report["checks"], report["calls"]) == (0, [], 2)
    assert "nothing to check" in report["about"]


def test_a_cluster_of_another_owner_is_named_and_not_checked(aws: Simulator) -> None:
    made(aws, tags={**OURS, TAG_OWNER: "default/other"})
    done = said("-f", "-", text=yaml.safe_dump(manifest()))
    assert "HyperPodCluster research (blocked: A cluster named research exists" in done.output
    assert "0 passed" in done.output
    assert done.exit_code == 2


def test_a_member_that_aws_cannot_change_is_no_success(aws: Simulator) -> None:
    made(aws)
    other = [group_spec(instanceType="ml.g5.xlarge"), spec()["instanceGroups"][1]]
    done = said("-f", "-", text=yaml.safe_dump(manifest(instanceGroups=other)))
    assert "blocked: AWS cannot change these" in done.output
    assert done.exit_code == 2


@pytest.mark.parametrize("what", [manifest(), CLAIM])
def test_without_credentials_nothing_is_said_to_be_right(what: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    done = said("-f", "-", "--region", "us-west-2", text=yaml.safe_dump(what))
    assert done.exit_code == 1, done.output
    assert "error: AWS could not be read" in done.output


def test_a_claim_of_which_nothing_may_be_read_is_checked_as_far_as_that_goes(aws: Simulator) -> None:
    for name in ("DescribeAvailabilityZones", "DescribeVolumes", "ListServiceQuotas"):
        aws.access.deny(name)
    assert said("-f", "-", text=yaml.safe_dump(CLAIM)).exit_code == 0


@pytest.mark.parametrize("by", ["its ARN", "its resource"])
def test_a_claim_is_checked_in_the_region_of_its_cluster(aws: Simulator, by: str) -> None:
    """The operator makes the volume there, whatever Region is the caller's."""
    arn = "arn:aws:sagemaker:us-east-1:111122223333:cluster/abcdefghijkl"
    ref = {"clusterArn": arn} if by == "its ARN" else {"name": "research"}
    claim = {
        **CLAIM,
        "spec": {**CLAIM["spec"], "clusterRef": ref, "source": {"create": {"availabilityZone": "us-east-1b"}}},
    }
    cluster = manifest(region="us-east-1")
    done = said("-f", "-", "-o", "json", text=yaml.safe_dump_all([claim] if by == "its ARN" else [cluster, claim]))
    (report,) = (one for one in json.loads(done.output) if one["kind"] == "EBSVolumeClaim")
    assert {one["name"]: one["result"] for one in report["checks"]}["VolumeZone"] == "Pass"
    assert report["about"] == "in Region us-east-1"


def test_a_cluster_that_cannot_be_read_is_checked_as_a_new_one_and_the_report_says_so(aws: Simulator) -> None:
    aws.access.deny("DescribeCluster")
    done = said("-f", "-", text=yaml.safe_dump(manifest()))
    assert "it is checked as a new one" in done.output
    assert "ok    EKS/EKSClusterActive" in done.output


def test_preflight_off_in_the_spec_does_not_silence_the_command(aws: Simulator) -> None:
    done = said("-f", "-", text=yaml.safe_dump(manifest(management={"preflight": "Off"})))
    assert "ok    EKS/EKSClusterActive" in done.output


def test_names_are_printed_without_control_characters() -> None:
    odd = yaml.safe_dump({**manifest(), "metadata": {"name": "a\x1b[31mb"}})
    with pytest.raises(InputError, match=r"HyperPodCluster ab in .* is invalid") as caught:
        list(resources(["-"], stdin=odd.encode))
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    "body", [None, 1, "x", [], {"apiVersion": 3}, {"kind": "HyperPodCluster"}, {"kind": "List", "items": 3}]
)
def test_what_is_no_resource_is_passed_over(body: Any) -> None:
    assert list(resources(["-"], stdin=yaml.safe_dump(body).encode)) == []


def odd(**changes: Any) -> str:
    return yaml.safe_dump({**manifest(), **changes})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (odd(spec={**spec(), "nodeRecovry": "Automatic"}), "this version has no spec.nodeRecovry"),
        (odd(spec=spec(instanceGroups=[group_spec(minInstanceCout=1)])), "spec.instanceGroups[0].minInstanceCout"),
        (odd(metadata={}), "metadata.name is missing"),
        (odd(metadata={"name": "Research_A"}), "metadata.name is none that an object can have"),
        (odd(metadata={"name": "a..b"}), "metadata.name is none that an object can have"),
        (odd(metadata={"name": "a\0b"}), "metadata.name is none that an object can have"),
        (odd(metadata={"name": "a\u202e"}), "metadata.name is none that an object can have"),
        (odd(metadata={"name": 5}), "metadata.name is none that an object can have"),
        (odd(metadata={"name": "a", "namespace": 5}), "metadata.namespace is none that an object can have"),
        (odd(kind="HyperPodClutser"), "HyperPodClutser is no kind"),
        (odd(apiVersion="hyperpod-operator.dev/v9"), "apiVersion hyperpod-operator.dev/v9 is none that this version"),
        (odd(spec=spec(instanceGroups=[group_spec(count="4")])), "instanceGroups.0.instanceCount: Input should be"),
        (odd(spec=spec(instanceGroups=[group_spec(count=True)])), "instanceGroups.0.instanceCount: Input should be"),
        (odd(spec=spec(management={"paused": "true"})), "spec.management.paused: Input should be a valid boolean"),
        (odd(spec=spec(instanceGroups=[group_spec(), group_spec()])), "spec.instanceGroups.1: Stands twice"),
        (odd(spec=spec(tags=[{"key": "a", "value": "1"}, {"key": "a", "value": "2"}])), "spec.tags.1: Stands twice"),
        (
            odd(spec=spec(vpcConfig={"securityGroupIds": ["sg-1", "sg-1"], "subnets": ["subnet-1"]})),
            "spec.vpcConfig.securityGroupIds.1: Stands twice",
        ),
        (f"{odd()}---\n{odd()}", "stands in the files twice"),
    ],
)
def test_what_the_api_server_would_not_take_exits_with_1(text: str, words: str) -> None:
    """The same as for the command plan: a misspelt member would otherwise be checked as if it were not there."""
    done = said("-f", "-", text=text)
    assert done.exit_code == 1
    assert words in done.output


def test_a_whole_number_is_an_integer_however_it_is_written(aws: Simulator) -> None:
    done = said("-f", "-", text=odd(spec=spec(instanceGroups=[group_spec(count=4.0)])))
    assert "instanceCount" not in done.output
    text = odd(spec=spec(instanceGroups=[group_spec(count=4.0)]))
    (found,) = found_in(["-"], namespace="team", stdin=text.encode)
    count = found.body["spec"]["instanceGroups"][0]["instanceCount"]
    assert isinstance(count, int), "the API server is asked about what kubectl would send"


def test_an_invalid_resource_is_named_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(yaml.safe_dump({**manifest(), "spec": {"instanceGroups": "none"}}))
    with pytest.raises(InputError, match=r"HyperPodCluster research in .*x\.yaml is invalid"):
        list(resources([str(path)], stdin=bytes))
