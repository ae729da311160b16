"""What becomes of one cluster: management, Region, tags, Slurm, and what is left to do."""

from typing import Any

import pytest
from tests.unit.core.export.payloads import EKS, PAYLOADS, cluster, group

from hyperpod_operator.api.cluster.resource import HyperPodClusterSpec
from hyperpod_operator.api.names import OWNERSHIP_TAGS, TAG_OWNER
from hyperpod_operator.core.export.cloudformation import Context
from hyperpod_operator.core.export.cluster import TAGS_MOST, manifest
from hyperpod_operator.core.export.documents import sources
from hyperpod_operator.core.export.model import LeftOut, Manifest, Source, Unresolved
from hyperpod_operator.core.observed import UNREAD

GROUP = group("gpu", "ml.p5.48xlarge", 2)


def exported(members: dict[str, Any], **source: Any) -> Manifest:
    made = manifest(Source(label="test", members=members, **source))
    assert isinstance(made, Manifest)
    return made


def tags(count: int) -> list[dict[str, str]]:
    return [{"Key": f"k{number}", "Value": "v"} for number in range(count)]


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_published_payload_is_complete_and_valid(name: str) -> None:
    made = exported(PAYLOADS[name])
    assert made.complete
    assert not made.notes
    HyperPodClusterSpec.model_validate(made.spec)


def test_an_exported_cluster_is_taken_over_if_nobody_owns_it() -> None:
    assert exported(cluster("a", GROUP)).spec["management"] == {
        "adoptionPolicy": "IfUnowned",
        "changePolicy": "PlanOnly",
    }


def test_region_and_account_come_from_the_eks_cluster_if_nothing_else_says_them() -> None:
    made = exported(cluster("a", GROUP))
    assert (made.region, made.account, made.spec["region"]) == ("us-west-2", "111122223333", "us-west-2")


def test_a_region_that_the_source_says_counts() -> None:
    assert exported(cluster("a", GROUP), region="us-east-1").spec["region"] == "us-east-1"


@pytest.mark.parametrize(
    "orchestrator",
    [{}, {"Orchestrator": None}, {"Orchestrator": {}}, {"orchestrator": []}, {"Orchestrator": {"Slurm": {}}},
     {"orchestrator": [{"slurm": [{"slurm_config_strategy": "Managed"}]}]}],
)  # fmt: skip
def test_a_slurm_cluster_is_said_to_be_one(orchestrator: dict[str, Any]) -> None:
    members = {**{k: v for k, v in cluster("a", GROUP).items() if k != "Orchestrator"}, **orchestrator}
    made = manifest(Source(label="test", members=members))
    assert isinstance(made, LeftOut)
    assert made.reason.startswith("a Slurm cluster")
    assert "cannot adopt" in made.reason


def test_a_name_that_is_missing_is_to_do() -> None:
    members = cluster("a", GROUP)
    del members["ClusterName"]
    made = exported(members, name="cluster-config")
    assert not made.complete
    assert "without it the operator looks for cluster-config" in str(made.notes[0])


def test_tags_of_aws_and_of_the_operator_are_left_out_and_told() -> None:
    keys = ["aws:cloudformation:stack-name", "AWS:x", OWNERSHIP_TAGS[0], "team"]
    made = exported(cluster("a", GROUP, Tags=[{"Key": key, "Value": "v"} for key in keys]))
    assert made.spec["tags"] == [{"key": "team", "value": "v"}]
    assert [note.path for note in made.notes] == [f"spec.tags[{key}]" for key in keys[:3]]


def test_a_cluster_that_has_an_owner_is_to_do() -> None:
    made = exported(cluster("a", GROUP, Tags=[{"Key": TAG_OWNER, "Value": "team/other"}]))
    assert not made.complete
    assert "team/other owns this cluster" in str(made.notes[0])


def test_a_tag_without_value_has_an_empty_one() -> None:
    assert exported(cluster("a", GROUP, Tags=[{"Key": "x", "Value": ""}])).spec["tags"] == [{"key": "x", "value": ""}]


def test_as_many_tags_as_a_spec_takes_stay() -> None:
    made = exported(cluster("a", GROUP, Tags=tags(TAGS_MOST)))
    assert made.complete
    assert len(made.spec["tags"]) == TAGS_MOST


def test_a_cluster_with_48_tags_is_said_to_have_2_too_many() -> None:
    made = exported(cluster("a", GROUP, Tags=tags(48)))
    assert "tags" not in made.spec
    assert not made.complete
    assert "remove at least 2 of them in AWS" in made.notes[0].text
    assert "k0, k1" in made.notes[0].text


def test_what_aws_shows_without_a_choice_is_not_pinned() -> None:
    shown = group(
        "gpu",
        "ml.p5.48xlarge",
        2,
        ImageId="ami-0123456789abcdef0",
        ImageReleaseVersion="1.2.3",
        AutoPatchConfig={"PatchingStrategy": "WhenIdle", "PatchSchedule": {"NextPatchDate": "2026-12-01T04:00:00Z"}},
    )
    made = exported(cluster("a", shown), shown=True)
    assert made.complete
    assert made.spec["instanceGroups"][0]["autoPatchConfig"] == {"patchingStrategy": "WhenIdle"}
    assert not {"imageId", "imageReleaseVersion"} & made.spec["instanceGroups"][0].keys()
    assert "ami-0123456789abcdef0" in str(made.notes[0])
    asked = exported(cluster("a", shown))
    assert asked.spec["instanceGroups"][0]["imageId"] == "ami-0123456789abcdef0"


ROOT = {"EbsVolumeConfig": {"RootVolume": True, "VolumeKmsKeyId": "alias/x", "VolumeSizeInGB": 100}}
DRAIN = {"DrainTimeoutInSeconds": 60, "OnDrainTimeout": "Force"}


@pytest.mark.parametrize(
    ("member", "value", "kept"),
    [
        ("MinInstanceCount", 0, None),
        ("InstanceStorageConfigs", [ROOT], [{"ebsVolumeConfig": {"rootVolume": True, "volumeKmsKeyId": "alias/x"}}]),
        ("AutoPatchConfig", {"PatchingStrategy": "WhenIdle", "DrainPolicy": DRAIN}, {"patchingStrategy": "WhenIdle"}),
    ],
)
def test_what_aws_fills_in_and_takes_from_nobody_is_left_out(member: str, value: Any, kept: Any) -> None:
    """The API server refuses it, too: with it, the manifest of such a cluster could not be applied."""
    held = cluster("a", group("gpu", "ml.p5.48xlarge", 2, **{member: value}))
    made = exported(held, shown=True)
    assert made.complete
    assert made.spec["instanceGroups"][0].get(member[0].lower() + member[1:]) == kept
    assert not exported(held).complete, "a request that has it is wrong, and that is said"


def test_a_minimum_of_nothing_is_a_choice_with_continuous_provisioning() -> None:
    held = cluster("a", group("gpu", "ml.p5.48xlarge", 2, MinInstanceCount=0), NodeProvisioningMode="Continuous")
    assert exported(held, shown=True).spec["instanceGroups"][0]["minInstanceCount"] == 0


@pytest.mark.parametrize(
    ("held", "path", "words"),
    [
        (
            cluster("a", group("gpu", "ml.p5.48xlarge", 1, MinInstanceCount=2), NodeProvisioningMode="Continuous"),
            "spec.instanceGroups[gpu].minInstanceCount",
            "cannot be larger than instanceCount",
        ),
        (
            cluster("a", group("cpu", "ml.m5.4xlarge", 1, OnStartDeepHealthChecks=["InstanceStress"])),
            "spec.instanceGroups[cpu].onStartDeepHealthChecks",
            "GPUs or Neuron devices only",
        ),
        (
            cluster("a", GROUP, AutoScaling={"Mode": "Enable", "AutoScalerType": "Karpenter"}),
            "spec.autoScaling",
            "needs nodeProvisioningMode: Continuous and clusterRole",
        ),
        (
            cluster("a", GROUP, VpcConfig={"SecurityGroupIds": ["sg-1"], "Subnets": ["vpc-0123"]}),
            "spec.vpcConfig.subnets[0]",
            "give ids of subnets",
        ),
    ],
)
@pytest.mark.parametrize("shown", [True, False])
def test_what_a_rule_of_the_api_server_would_refuse_is_to_do(
    held: dict[str, Any], path: str, words: str, shown: bool
) -> None:
    (note,) = [note for note in exported(held, shown=shown).notes if note.to_do]
    assert note.path == path
    assert words in note.text


@pytest.mark.parametrize("entry", [{}, {"tapeConfig": UNREAD}])
def test_an_entry_of_a_kind_that_botocore_does_not_know_is_to_do(entry: dict[str, Any]) -> None:
    made = exported(cluster("a", group("gpu", "ml.p5.48xlarge", 1, InstanceStorageConfigs=[entry])), shown=True)
    assert [note.path for note in made.notes if note.to_do] == ["spec.instanceGroups[gpu].instanceStorageConfigs[0]"]


def test_what_a_terraform_state_has_read_from_aws_is_not_pinned() -> None:
    held = {**group("gpu", "ml.p5.48xlarge", 2), "ImageReleaseVersion": "1.2.3"}
    document = {"version": 4, "terraform_version": "1.9.0", "lineage": "x", "resources": [
        {"mode": "managed", "type": "awscc_sagemaker_cluster", "name": "a",
         "instances": [{"attributes": cluster("a", held)}]}]}  # fmt: skip
    (source,) = sources(document, context=Context(), label="t", name="t")
    assert isinstance(source, Source)
    made = manifest(source)
    assert isinstance(made, Manifest)
    assert "imageReleaseVersion" not in made.spec["instanceGroups"][0]
    assert any("1.2.3" in str(note) for note in made.notes)


@pytest.mark.parametrize(("shown", "complete"), [(True, True), (False, False)])
def test_a_value_of_a_cluster_that_exists_stands_for_nothing_else(shown: bool, complete: bool) -> None:
    script = {"SourceS3Uri": "s3://sagemaker-x/$stage", "OnCreate": "on_create.sh"}
    held = group("gpu", "ml.p5.48xlarge", 2, LifeCycleConfig=script)
    assert exported(cluster("a", held), shown=shown).complete is complete


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"VpcConfig": None}, "spec.vpcConfig"),
        ({"InstanceGroups": None}, "spec.instanceGroups"),
        ({"InstanceGroups": [{**GROUP, "ExecutionRole": "my-role"}]}, "spec.instanceGroups[gpu].executionRole"),
        ({"InstanceGroups": [{**GROUP, "InstanceCount": None}]}, "spec.instanceGroups[gpu].instanceCount"),
        ({"ClusterName": "my_cluster"}, "spec.clusterName"),
        ({"Orchestrator": {"Eks": {"ClusterArn": "my-eks"}}}, "spec.orchestrator.eks.clusterArn"),
    ],
)
def test_what_the_api_server_would_refuse_is_to_do(members: dict[str, Any], path: str) -> None:
    made = exported({**cluster("a", GROUP), **members})
    assert path in [note.path for note in made.notes if note.to_do]


def test_what_is_missing_below_is_not_told_again_above() -> None:
    eks = {"Eks": {"ClusterArn": Unresolved(text="Fn::GetAtt Eks.Arn", remedy="Put it in.")}}
    made = exported(cluster("a", GROUP, Orchestrator=eks))
    assert [note.path for note in made.notes] == ["spec.orchestrator.eks.clusterArn"]


def test_members_stand_in_the_order_of_the_reference() -> None:
    assert list(exported(cluster("a", GROUP)).spec) == [
        "clusterName", "region", "orchestrator", "vpcConfig", "instanceGroups", "nodeRecovery", "management",
    ]  # fmt: skip


def test_the_eks_cluster_stays() -> None:
    assert exported(cluster("a", GROUP)).spec["orchestrator"] == {"eks": {"clusterArn": EKS}}
