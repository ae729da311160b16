"""The command `export`: what it reads, what it writes, and how it exits."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from click.testing import CliRunner, Result
from tests.unit.core.export.payloads import PAYLOADS, cluster, group

from hyperpod_operator import cli
from hyperpod_testbed.simulator import Simulator
from hyperpod_testbed.simulator.faults import Fault

GROUP = group("gpu", "ml.c5.xlarge", 1)
EKS = "arn:aws:eks:us-west-2:111122223333:cluster/"


def said(*args: str | Path, text: str | None = None) -> Result:
    return CliRunner().invoke(cli.main, ["export", *(str(arg) for arg in args)], input=text)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    simulator = Simulator(account="111122223333", speed=0).start()
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in simulator.environment().items():
        monkeypatch.setenv(name, value)
    yield simulator
    simulator.stop()


def create(simulator: Simulator, *names: str, region: str = "us-west-2") -> None:
    client = boto3.client("sagemaker", region_name=region)
    for name in names:
        eks = f"arn:aws:eks:{region}:111122223333:cluster/{name}"
        client.create_cluster(**cluster(name, GROUP, Orchestrator={"Eks": {"ClusterArn": eks}}))
    client.close()
    simulator.clock.advance(7200)
    simulator.log.clear()


def manifests(text: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(text))


def test_a_cluster_by_name(aws: Simulator) -> None:
    create(aws, "research")
    done = said("research", "--region", "us-west-2", "--namespace", "team")
    assert done.exit_code == 0, done.output
    (made,) = manifests(done.stdout)
    assert made["kind"] == "HyperPodCluster"
    assert made["metadata"] == {"name": "research", "namespace": "team"}
    assert made["spec"]["region"] == "us-west-2"
    assert made["spec"]["management"]["adoptionPolicy"] == "IfUnowned"
    assert "1 manifest, 0 left out, 0 failed." in done.stderr


def test_a_cluster_by_arn_says_its_region_itself(aws: Simulator) -> None:
    create(aws, "research", region="us-east-1")
    client = boto3.client("sagemaker", region_name="us-east-1")
    arn = client.describe_cluster(ClusterName="research")["ClusterArn"]
    client.close()
    done = said(arn, "--region", "us-west-2")
    assert done.exit_code == 0, done.output
    assert manifests(done.stdout)[0]["spec"]["region"] == "us-east-1"


def test_forty_clusters_of_two_regions_are_one_command(aws: Simulator, tmp_path: Path) -> None:
    create(aws, *(f"c{number}" for number in range(20)))
    create(aws, *(f"c{number}" for number in range(20)), region="us-east-1")
    done = said("--all", "--region", "us-west-2", "--region", "us-east-1", "-o", tmp_path / "made")
    assert done.exit_code == 0, done.output
    files = sorted(path.name for path in (tmp_path / "made").iterdir())
    assert files == sorted(f"c{n}-{region}.yaml" for n in range(20) for region in ("us-west-2", "us-east-1"))
    assert "40 manifests, 0 left out, 0 failed." in done.stderr
    assert {call.operation for call in aws.log.calls()} == {"ListClusters", "DescribeCluster", "ListTags"}
    assert not [call for call in aws.log.calls() if call.mutating]


def test_a_cluster_that_is_named_and_listed_is_exported_once(aws: Simulator) -> None:
    create(aws, "research")
    done = said("research", "--all", "--region", "us-west-2")
    assert len(manifests(done.stdout)) == 1


def test_a_cluster_that_is_named_by_its_arn_and_listed_is_exported_once(aws: Simulator) -> None:
    create(aws, "research")
    done = said(arn_of("research"), "--all", "--region", "us-west-2")
    assert len(manifests(done.stdout)) == 1


def arn_of(name: str) -> str:
    client = boto3.client("sagemaker", region_name="us-west-2")
    arn: str = client.describe_cluster(ClusterName=name)["ClusterArn"]
    client.close()
    return arn


def own(name: str, *, owner: str) -> None:
    client = boto3.client("sagemaker", region_name="us-west-2")
    client.add_tags(ResourceArn=arn_of(name), Tags=[{"Key": "hyperpod-operator.dev/owner", "Value": owner}])
    client.close()


def test_clusters_with_an_owner_are_listed_and_left_out_of_all(aws: Simulator) -> None:
    create(aws, "research", "other")
    own("research", owner="team/research")
    done = said("--all", "--region", "us-west-2")
    assert done.exit_code == 0, done.output
    assert [made["metadata"]["name"] for made in manifests(done.stdout)] == ["other"]
    assert "(research): HyperPodCluster team/research owns it." in done.stderr
    assert "1 manifest, 1 left out (1 with an owner), 0 failed." in done.stderr


def test_a_cluster_with_an_owner_is_exported_by_its_name(aws: Simulator) -> None:
    create(aws, "research")
    own("research", owner="team/research")
    done = said("research", "--all", "--region", "us-west-2")
    assert len(manifests(done.stdout)) == 1
    assert "to do: spec.tags: team/research owns this cluster" in done.stderr


@pytest.mark.parametrize("member", ["StackResourceSummaries", "StackResources"])
def test_the_clusters_of_a_stack_are_read_from_sagemaker(aws: Simulator, member: str) -> None:
    create(aws, "research")
    made = {"ResourceType": "AWS::SageMaker::Cluster", "PhysicalResourceId": arn_of("research")}
    former = {**made, "PhysicalResourceId": f"{made['PhysicalResourceId']}x", "ResourceStatus": "DELETE_COMPLETE"}
    role = {"ResourceType": "AWS::IAM::Role", "PhysicalResourceId": "x"}
    done = said("-", "--region", "us-west-2", text=json.dumps({member: [role, former, made]}))
    assert done.exit_code == 0, done.output
    assert [one["spec"]["clusterName"] for one in manifests(done.stdout)] == ["research"]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("AWS::CloudFormation::Stack", "nested stacks: give the resources of each, arn:x"),
        ("Custom::HyperPodCluster", "export the cluster by its name (aws sagemaker list-clusters)"),
    ],
)
def test_a_stack_without_a_cluster_says_what_to_do(kind: str, words: str) -> None:
    stack = {"StackResourceSummaries": [{"ResourceType": kind, "PhysicalResourceId": "arn:x"}]}
    done = said("-", text=json.dumps(stack))
    assert done.exit_code == 1
    assert words in done.stderr


def test_a_name_that_no_region_has_fails_and_the_others_are_written(aws: Simulator) -> None:
    create(aws, "research")
    done = said("research", "absent", "--region", "us-west-2", "--region", "us-east-1")
    assert done.exit_code == 1
    assert len(manifests(done.stdout)) == 1
    assert "error: no cluster absent in us-west-2, us-east-1" in done.stderr
    assert "no cluster research" not in done.stderr


def test_without_a_region_nothing_is_asked(aws: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    done = said("research")
    assert done.exit_code == 1
    assert "name one with --region" in done.output
    assert not aws.log.calls()


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("ThrottlingException", 400, "try again in a minute"),
        ("AccessDeniedException", 400, "docs/iam/export-and-plan.json"),
        ("ExpiredTokenException", 400, "aws sso login"),
        ("InternalFailure", 500, "Try again"),
    ],
)
def test_a_read_that_fails_is_told_with_what_to_do(aws: Simulator, code: str, status: int, words: str) -> None:
    create(aws, "research", "other")
    aws.faults.add(
        Fault(operation="DescribeCluster", kind="error", code=code, status=status, cluster="research", message="no")
    )
    done = said("--all", "--region", "us-west-2")
    assert done.exit_code == 1
    assert f"error: research in us-west-2: DescribeCluster: {code}: no. " in done.stderr
    assert words in done.stderr
    assert [made["metadata"]["name"] for made in manifests(done.stdout)] == ["other"]


@pytest.mark.parametrize("operation", ["ListClusters", "DescribeCluster", "ListTags"])
def test_a_read_that_is_throttled_twice_is_sent_again(aws: Simulator, operation: str) -> None:
    create(aws, "research")
    aws.faults.add(Fault(operation=operation, kind="throttle", times=2))
    done = said("--all", "--region", "us-west-2")
    assert done.exit_code == 0, done.output
    assert len(manifests(done.stdout)) == 1


@pytest.mark.parametrize("operation", ["DescribeCluster", "ListTags"])
def test_a_cluster_that_is_deleted_after_it_was_listed_is_no_failure(aws: Simulator, operation: str) -> None:
    create(aws, "research", "other")
    gone = {"kind": "error", "code": "ResourceNotFound", "status": 400, "times": 1}
    aws.faults.add(Fault(operation=operation, **gone))  # type: ignore[arg-type]
    done = said("--all", "--region", "us-west-2")
    assert done.exit_code == 0, done.output
    assert "in us-west-2: AWS lists it and has no such cluster any more." in done.stderr
    assert "1 manifest, 1 left out, 0 failed." in done.stderr


@pytest.mark.parametrize(
    "tags",
    [
        {"Key": "a", "Value": "b"},
        {"key": "a", "value": "b", "team": "c"},
        {
            "yes": "no",
            "1e3": "null",
            "empty": "",
            " a ": " b",
            "ü=/+-@:": "日本 @",
            "date": "2026-01-01",
            "k: v": "- 0123",
        },
    ],
    ids=["two with the names of a tag's members", "more of them", "words of YAML"],
)
def test_odd_tags_come_back_as_they_are(aws: Simulator, tmp_path: Path, tags: dict[str, str]) -> None:
    create(aws, "research")
    client = boto3.client("sagemaker", region_name="us-west-2")
    pairs = [{"Key": name, "Value": value} for name, value in tags.items()]
    client.add_tags(ResourceArn=arn_of("research"), Tags=pairs)
    client.close()
    assert said("research", "--region", "us-west-2", "-o", tmp_path).exit_code == 0
    (made,) = manifests((tmp_path / "research.yaml").read_text())
    assert made["spec"]["tags"] == [{"key": name, "value": tags[name]} for name in sorted(tags)]
    planned = CliRunner().invoke(cli.main, ["plan", "-f", str(tmp_path), "--no-kubernetes", "--no-preflight"])
    assert "calls: 1 Changes." in planned.output  # the tags of the owner


def test_a_list_that_fails_is_told(aws: Simulator) -> None:
    aws.faults.add(Fault(operation="ListClusters", kind="error", code="AccessDeniedException", status=400))
    done = said("--all", "--region", "us-west-2")
    assert done.exit_code == 1
    assert "error: us-west-2: ListClusters: AccessDeniedException" in done.stderr


def test_tags_that_may_not_be_read_are_left_out_and_told(aws: Simulator) -> None:
    create(aws, "research")
    aws.faults.add(Fault(operation="ListTags", kind="error", code="AccessDeniedException", status=400))
    done = said("research", "--region", "us-west-2")
    assert done.exit_code == 0, done.output
    assert "# - spec.tags: left out: they could not be read (sagemaker:ListTags)" in done.stdout.replace("#  -", "# -")


def test_no_credentials_are_said_to_be_missing(aws: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    done = said("research", "--region", "us-west-2")
    assert done.exit_code == 1
    assert "aws sso login" in done.stderr


def test_files_need_no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.delenv("AWS_REGION", raising=False)
    for name, payload in PAYLOADS.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(payload))
    done = said(tmp_path, "-o", tmp_path / "made")
    assert done.exit_code == 0, done.output
    assert len(list((tmp_path / "made").iterdir())) == len(PAYLOADS)


def test_standard_input_is_read(tmp_path: Path) -> None:
    done = said("-", text=json.dumps(PAYLOADS["spot"]))
    assert done.exit_code == 0, done.output
    assert manifests(done.stdout)[0]["spec"]["clusterName"] == "SampleCluster"
    assert "# Exported from standard input (us-west-2, account 111122223333)." in done.stdout


def test_parameters_of_a_template_are_given(tmp_path: Path) -> None:
    path = tmp_path / "hyperpod.yaml"
    path.write_text(
        """
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Role: {Type: String}
  Subnets: {Type: CommaDelimitedList, Default: "subnet-1,subnet-2"}
Resources:
  Cluster:
    Type: AWS::SageMaker::Cluster
    Properties:
      ClusterName: !Sub "${AWS::Region}-training"
      Orchestrator: {Eks: {ClusterArn: !Sub "arn:${AWS::Partition}:eks:${AWS::Region}:${AWS::AccountId}:cluster/a"}}
      VpcConfig: {Subnets: !Ref Subnets, SecurityGroupIds: [!GetAtt Group.GroupId]}
      InstanceGroups:
        - InstanceGroupName: gpu
          InstanceCount: "2"
          InstanceType: ml.p5.48xlarge
          ExecutionRole: !Ref Role
"""
    )
    role = "arn:aws:iam::111122223333:role/x"
    done = said(path, "--region", "us-west-2", "--account", "111122223333", "--parameter", f"Role={role}")
    assert done.exit_code == 2
    (made,) = manifests(done.stdout)
    assert made["spec"]["clusterName"] == "us-west-2-training"
    assert made["spec"]["vpcConfig"]["subnets"] == ["subnet-1", "subnet-2"]
    assert made["spec"]["instanceGroups"][0]["executionRole"] == role
    assert "spec.vpcConfig.securityGroupIds[0]: has no value here (Fn::GetAtt" in done.stderr


def test_a_parameter_without_a_value_is_refused() -> None:
    done = said("a.yaml", "--parameter", "Role")
    assert done.exit_code == 2
    assert "write NAME=VALUE" in done.output


def test_a_slurm_cluster_gets_no_manifest(tmp_path: Path) -> None:
    payload = {key: value for key, value in PAYLOADS["efa-workshop"].items() if key != "Orchestrator"}
    path = tmp_path / "cluster-config.json"
    path.write_text(json.dumps(payload))
    done = said(path)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert f"left out: {path}: a Slurm cluster: Slurm orchestrates it and not Amazon EKS." in done.stderr


def test_what_is_left_to_do_exits_with_2(tmp_path: Path) -> None:
    path = tmp_path / "cluster-config.json"
    path.write_text('{"ClusterName": "a", "Orchestrator": {"Eks": {"ClusterArn": "${EKS}"}}, /* x */ }')
    done = said(path)
    assert done.exit_code == 2
    assert "put the value in the place of ${EKS}" in done.stdout
    assert "to do: spec.orchestrator.eks.clusterArn" in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "error: {path}, line 1"),
        ("", "error: {path} is empty"),
        ('{"a": 1}', "error: {path}: it is none of the documents that export reads"),
        ("apiVersion: hyperpod-operator.dev/v1alpha1\nkind: HyperPodCluster", "is a HyperPodCluster manifest already"),
        ("a: &a [x]\n" + "\n".join(f"{chr(98 + i)}: &{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 9)}]"
                                    for i in range(9)), "once its aliases are expanded"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named_and_the_others_are_written(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    (tmp_path / "b.json").write_text(json.dumps(PAYLOADS["spot"]))
    done = said(tmp_path)
    assert done.exit_code == 1
    assert words.format(path=tmp_path / "a.yaml") in done.stderr
    assert len(manifests(done.stdout)) == 1


def test_a_directory_without_documents_fails(tmp_path: Path) -> None:
    done = said(tmp_path)
    assert done.exit_code == 1
    assert "has no file with a name that ends in" in done.stderr


def test_a_file_of_other_content_is_not_replaced(tmp_path: Path) -> None:
    source = tmp_path / "spot.json"
    source.write_text(json.dumps(PAYLOADS["spot"]))
    made = tmp_path / "made"
    assert said(source, "-o", made).exit_code == 0
    assert said(source, "-o", made).exit_code == 0
    path = made / "samplecluster.yaml"
    path.write_text("# edited")
    done = said(source, "-o", made)
    assert done.exit_code == 1
    assert f"{path} exists and has other content" in done.output
    assert path.read_text() == "# edited"
    assert said(source, "-o", made, "--force").exit_code == 0
    assert "HyperPodCluster" in path.read_text()


def test_a_directory_that_cannot_be_written_is_no_traceback(tmp_path: Path) -> None:
    source = tmp_path / "spot.json"
    source.write_text(json.dumps(PAYLOADS["spot"]))
    done = said(source, "-o", source / "below")
    assert done.exit_code == 1
    assert "cannot be written" in done.output


KUBECTL_READS_OTHERWISE = ("1e3", "7234567e8", "0o14", "-0o7", "0O7", "08", "+.5e3", "1.5E3", "1e_3", "y", "N")
"""What kubectl 1.32 reads as numbers and booleans without quotes, and PyYAML as text."""


def test_texts_are_what_they_were_for_kubectl(tmp_path: Path) -> None:
    tags = [{"Key": value, "Value": value} for value in KUBECTL_READS_OTHERWISE]
    done = said("-", text=json.dumps({**PAYLOADS["spot"], "Tags": tags}))
    assert done.exit_code == 0, done.output
    lines = {line.strip() for line in done.stdout.splitlines()}
    assert {f"value: '{value}'" for value in KUBECTL_READS_OTHERWISE} <= lines


def test_files_are_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    tags = [{"Key": "place", "Value": "Zürich"}]
    (tmp_path / "a.json").write_text(json.dumps({**PAYLOADS["spot"], "Tags": tags}))
    program = [str(Path(sys.executable).parent / "hyperpod-operator"), "export", str(tmp_path / "a.json"), "-o"]
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ran = subprocess.run([*program, str(tmp_path)], env={**os.environ, **plain}, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr
    (made,) = tmp_path.glob("*.yaml")
    assert "Zürich" in made.read_text(encoding="utf-8")


def test_a_link_that_somebody_left_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("whole")
    made = tmp_path / "made"
    made.mkdir()
    for name in ("samplecluster.yaml", ".samplecluster.yaml.new"):
        (made / name).symlink_to(victim)
    assert said("-", "-o", made, "--force", text=json.dumps(PAYLOADS["spot"])).exit_code == 0
    assert victim.read_text() == "whole"
    assert not (made / "samplecluster.yaml").is_symlink()


def test_a_pipe_in_a_directory_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "a.json").write_text(json.dumps(PAYLOADS["spot"]))
    assert said(tmp_path).exit_code == 0


@pytest.mark.parametrize("namespace", ["My-team", "a b", "a: b", "-x"])
def test_a_namespace_that_cannot_be_is_a_usage_error(namespace: str) -> None:
    done = said("research", "--region", "us-west-2", f"--namespace={namespace}")
    assert done.exit_code == 2
    assert "no name of a namespace" in done.output


def test_nothing_to_export_is_a_usage_error() -> None:
    done = said()
    assert done.exit_code == 2
    assert "Name a cluster or a file, or use --all." in done.output


def test_foreign_text_stays_in_comments(tmp_path: Path) -> None:
    """Names and values of a document cannot end a comment, move the cursor or become YAML."""
    payload = {**PAYLOADS["spot"], "x\nspec: {}\n\x1b[2J": {"y\u2028kind: Secret": "\u202e"}}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(payload))
    done = said(path)
    assert done.exit_code == 0, done.output
    assert manifests(done.stdout) == manifests(said("-", text=json.dumps(PAYLOADS["spot"])).stdout)
    assert not {"\x1b", "\u202e", "\u2028"} & set(done.output)


def test_help_shows_examples() -> None:
    assert "hyperpod-operator export --all --region us-west-2" in said("--help").output
