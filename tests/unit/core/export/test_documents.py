"""Which documents are read, and what is said of the others."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.core.export.payloads import PAYLOADS, cluster, group
from tests.unit.core.export.test_members import snake

from hyperpod_operator.core.export.cloudformation import Context
from hyperpod_operator.core.export.cluster import manifest
from hyperpod_operator.core.export.documents import sources
from hyperpod_operator.core.export.model import DocumentError, Manifest, Source

CONTEXT = Context()
PAYLOAD = PAYLOADS["efa-workshop"]
ARN = "arn:aws:sagemaker:us-west-2:111122223333:cluster/abcdefghij12"


def found(document: Any) -> list[Source]:
    made = list(sources(document, context=CONTEXT, label="file.json", name="file"))
    assert all(isinstance(one, Source) for one in made)
    return [one for one in made if isinstance(one, Source)]


def spec(source: Source) -> Any:
    made = manifest(source)
    assert isinstance(made, Manifest)
    return made.spec


def attributes(payload: dict[str, Any]) -> dict[str, Any]:
    """As awscc keeps a cluster: every member of its schema, most of them null."""
    return {
        "tiered_storage_config": None,
        **snake(payload),
        "cluster_arn": ARN,
        "cluster_status": "InService",
        "creation_time": "2026-01-01T00:00:00Z",
        "failure_message": None,
        "id": ARN,
    }


def shown(*resources: dict[str, Any]) -> dict[str, Any]:
    """The output of terraform show -json, with the resources in a child module."""
    child = {"address": "module.hyperpod", "resources": list(resources)}
    return {
        "format_version": "1.0",
        "terraform_version": "1.9.0",
        "values": {"root_module": {"resources": [{"type": "aws_s3_bucket"}], "child_modules": [child]}},
    }


def state(*instances: dict[str, Any], **members: Any) -> dict[str, Any]:
    resource = {"mode": "managed", "type": "awscc_sagemaker_cluster", "name": "this", "instances": list(instances)}
    return {"version": 4, "terraform_version": "1.9.0", "lineage": "x", "resources": [resource], **members}


def test_a_request_is_one_cluster() -> None:
    (source,) = found(PAYLOAD)
    assert source.members == PAYLOAD


def test_a_list_is_several_clusters() -> None:
    assert [source.name for source in found([PAYLOAD, PAYLOAD])] == ["file-0", "file-1"]


def test_an_answer_of_describe_cluster_knows_its_place_and_not_its_tags() -> None:
    (source,) = found({**PAYLOAD, "ClusterArn": ARN, "ClusterStatus": "InService", "Tags": None})
    assert (source.region, source.account, source.shown) == ("us-west-2", "111122223333", True)
    assert "describe-cluster does not print them" in str(source.notes[0])


@pytest.mark.parametrize("name", PAYLOADS)
def test_terraform_show_is_the_same_cluster_as_the_request(name: str) -> None:
    resource = {
        "address": "module.hyperpod.awscc_sagemaker_cluster.this",
        "mode": "managed",
        "type": "awscc_sagemaker_cluster",
        "values": attributes(PAYLOADS[name]),
    }
    (source,) = found(shown(resource))
    assert source.label == "file.json, module.hyperpod.awscc_sagemaker_cluster.this"
    assert spec(source) == spec(found(PAYLOADS[name])[0])


def test_a_state_file_has_each_instance() -> None:
    made = found(
        state(
            {"index_key": "a", "attributes": attributes(PAYLOAD)},
            {"index_key": 1, "attributes": attributes(PAYLOAD)},
        )
    )
    assert [source.label for source in made] == [
        "file.json, awscc_sagemaker_cluster.this[a]",
        "file.json, awscc_sagemaker_cluster.this[1]",
    ]
    assert spec(made[0]) == spec(found(PAYLOAD)[0])


def test_the_resource_of_the_aws_provider_is_read() -> None:
    """Its members: Terraform registry, aws_sagemaker_cluster."""
    values = {
        "arn": ARN,
        "region": "us-west-2",
        "cluster_name": "name",
        "instance_group": [
            {
                "execution_role": "arn:aws:iam::111122223333:role/x",
                "instance_count": 2,
                "instance_group_name": "example",
                "instance_type": "ml.g5.xlarge",
                "lifecycle_config": [{"on_create": "on_create.sh", "source_s3_uri": "s3://a/b"}],
                "instance_storage_config": [{"ebs_volume_config": [{"volume_size_in_gb": 20}]}],
                "on_start_deep_healthchecks": ["InstanceStress"],
                "override_vpc_config": [],
                "training_plan_arn": "",
                "threads_per_core": 1,
                "nodes": [{"instance_id": "i-1"}],
            }
        ],
        "orchestrator": [{"eks": [{"cluster_arn": "arn:aws:eks:us-west-2:111122223333:cluster/a"}]}],
        "vpc_config": [{"security_group_ids": ["sg-1"], "subnets": ["subnet-1"]}],
        "tags": {"team": "a"},
        "tags_all": {"team": "a", "owner": "b"},
        "timeouts": None,
    }
    (source,) = found(shown({"type": "aws_sagemaker_cluster", "mode": "managed", "address": "a.b", "values": values}))
    made = manifest(source)
    assert isinstance(made, Manifest)
    assert made.complete
    assert made.spec["instanceGroups"][0]["instanceStorageConfigs"] == [{"ebsVolumeConfig": {"volumeSizeInGB": 20}}]
    assert made.spec["instanceGroups"][0]["lifeCycleConfig"] == {"onCreate": "on_create.sh", "sourceS3Uri": "s3://a/b"}
    assert made.spec["tags"] == [{"key": "team", "value": "a"}]
    assert made.spec["region"] == "us-west-2"
    assert [str(note)[:29] for note in made.notes] == ["Read-only members left out: s"]


def refused() -> Iterator[Any]:
    yield pytest.param({"ClusterSummaries": []}, "use --all", id="list-clusters")
    yield pytest.param({"apiVersion": "hyperpod-operator.dev/v1alpha1", "kind": "HyperPodCluster"},
                       "it is a HyperPodCluster manifest already", id="manifest")  # fmt: skip
    yield pytest.param({"version": 3, "terraform_version": "0.11", "lineage": "x"},
                       "has version 3 and not 4", id="old state")  # fmt: skip
    yield pytest.param({"format_version": "1.2", "resource_changes": []}, "terraform show -json", id="plan")
    yield pytest.param(state(), "the state has no aws_sagemaker_cluster and no awscc", id="state without a cluster")
    yield pytest.param(shown(), "the state has no", id="empty show")
    yield pytest.param({"template": "hyp-cluster"}, "none of the documents.*Members: template", id="something else")
    yield pytest.param({}, "none of the documents", id="empty object")
    yield pytest.param("text", "it has no members", id="text")
    yield pytest.param([], "it has no members", id="empty list")
    yield pytest.param(3, "it has no members", id="number")


@pytest.mark.parametrize(("document", "words"), list(refused()))
def test_what_cannot_be_read_is_refused_with_the_reason(document: Any, words: str) -> None:
    with pytest.raises(DocumentError, match=words):
        found(document)


@pytest.mark.parametrize("broken", [None, 3, [3], {"a": 3}])
def test_a_state_with_odd_parts_is_no_crash(broken: Any) -> None:
    for document in (
        {**state(), "resources": broken if isinstance(broken, list) else [broken]},
        {**shown(), "values": {"root_module": broken}},
        {**shown(), "values": broken},
    ):
        with pytest.raises(DocumentError):
            found(document)


def test_a_cluster_in_a_template_is_read() -> None:
    document = {"Resources": {"A": {"Type": "AWS::SageMaker::Cluster", "Properties": cluster("a", group("g", "x", 1))}}}
    (source,) = found(document)
    assert source.label == "file.json, resource A"
