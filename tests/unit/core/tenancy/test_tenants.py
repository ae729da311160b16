"""What a namespace may name, and that nothing slips past: a resource must not borrow another team's role."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from hyperpod_operator.core.tenancy import Matter, Named, Tenancy, Tenant
from hyperpod_operator.core.tenancy.names import escape, names_of_claim, names_of_cluster, reserved
from hyperpod_operator.core.tenancy.tenants import MOST_CHARACTERS

ROLE = "arn:aws:iam::111122223333:role/team-a-nodes"
OTHERS = "arn:aws:iam::111122223333:role/team-b-nodes"
A = {
    Matter.EXECUTION_ROLES: ["arn:aws:iam::111122223333:role/team-a-*"],
    Matter.KMS_KEYS: [],
    Matter.SOURCE_S3_URIS: ["s3://sagemaker-team-a/*"],
    Matter.REGIONS: ["us-west-2"],
    Matter.CLUSTERS: ["arn:aws:sagemaker:us-west-2:111122223333:cluster/aaaaaaaaaaaa"],
    Matter.VOLUMES: ["vol-0a*"],
}
TEAM_A = Tenant.of(["team-a"], A)


def refused(named: tuple[Named, ...], *tenants: Tenant, namespace: str = "team-a") -> str | None:
    return Tenancy(tenants=tenants or (TEAM_A,)).refusal(namespace=namespace, named=named)


def group(**members: Any) -> tuple[Named, ...]:
    return names_of_cluster({"instanceGroups": [{"instanceGroupName": "gpu", **members}]})


def script(uri: str) -> tuple[Named, ...]:
    return group(lifeCycleConfig={"sourceS3Uri": uri})


def everybody(**lists: list[str]) -> Tenant:
    return Tenant.of(["*"], {Matter(name): texts for name, texts in lists.items()})


def test_without_a_list_everything_is_allowed() -> None:
    assert Tenancy().refusal(namespace="any", named=group(executionRole=OTHERS)) is None


def test_without_a_list_no_storage_class_but_the_reserved_one_is_allowed() -> None:
    def said(name: str) -> str | None:
        return Tenancy().refusal(namespace="any", named=names_of_claim({"publish": {"storageClassName": name}}))

    assert said("published.hyperpod-operator.dev") is None
    for other in ("gp3", ""):
        assert "spec.publish.storageClassName" in (said(other) or "")


def test_a_storage_class_is_held_to_the_list() -> None:
    def said(name: str) -> str | None:
        return refused(names_of_claim({"publish": {"storageClassName": name}}), everybody(storageClasses=["gp3-*"]))

    assert said("gp3-expandable") is None
    assert "storageClassName gp2" in (said("gp2") or "")


def test_what_matches_is_allowed() -> None:
    source = {"sourceS3Uri": "s3://sagemaker-team-a/scripts"}
    assert refused(group(executionRole=ROLE, lifeCycleConfig=source)) is None


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (group(executionRole=OTHERS), f"spec.instanceGroups[gpu].executionRole {OTHERS}"),
        (names_of_cluster({"clusterRole": OTHERS}), f"spec.clusterRole {OTHERS}"),
        (script("s3://sagemaker-team-b/x"), "s3://sagemaker-team-b/x"),
        (group(instanceStorageConfigs=[{"ebsVolumeConfig": {"volumeKmsKeyId": "key"}}]), "volumeKmsKeyId key"),
        (group(overrideVpcConfig={"subnets": ["subnet-b"]}), "overrideVpcConfig.subnets[0] subnet-b"),
        (
            names_of_cluster({"restrictedInstanceGroups": [{"instanceGroupName": "r", "executionRole": OTHERS}]}),
            "[r].executionRole",
        ),
        (names_of_cluster({"region": "eu-west-1"}), "spec.region eu-west-1"),
        (names_of_cluster({"orchestrator": {"eks": {"clusterArn": "arn:b"}}}), "orchestrator.eks.clusterArn arn:b"),
        (names_of_claim({"clusterRef": {"clusterName": "theirs"}}), "spec.clusterRef.clusterName theirs"),
        (names_of_claim({"source": {"volumeId": "vol-0b11111111"}}), "spec.source.volumeId vol-0b11111111"),
        (names_of_claim({"source": {"create": {"kmsKeyId": "alias/b"}}}), "spec.source.create.kmsKeyId alias/b"),
        (names_of_claim({"source": {"create": {"snapshotId": "snap-1"}}}), "spec.source.create.snapshotId snap-1"),
    ],
)
def test_what_does_not_match_is_named_with_its_path(named: tuple[Named, ...], said: str) -> None:
    found = refused(named)
    assert found is not None
    assert said in found
    assert "administrator" in found


def test_the_image_of_aws_belongs_to_nobody() -> None:
    assert refused(group(imageId="default")) is None
    assert refused(group(imageId="ami-0123456789abcdef0"))


def test_a_namespace_that_no_entry_names_may_nothing() -> None:
    assert "Namespace team-b is not in the operator's tenants list" in (refused((), namespace="team-b") or "")


@pytest.mark.parametrize("matter", Matter)
def test_what_an_entry_leaves_out_is_forbidden(matter: Matter) -> None:
    others = {other: ["*"] for other in Matter if other is not matter}
    named = (Named("here", "value", matter),)
    assert "here value" in (refused(named, Tenant.of(["team-a"], others)) or "")


@pytest.mark.parametrize("matter", Matter)
def test_a_star_admits_every_value(matter: Matter) -> None:
    assert refused((Named("here", "value", matter),), Tenant.of(["team-a"], {matter: ["*"]})) is None


def test_one_whole_entry_has_to_admit_the_whole_spec() -> None:
    """A role of one entry with a script of another is a combination that nobody allowed."""
    one = Tenant.of(["team-a"], {Matter.EXECUTION_ROLES: [ROLE], Matter.SOURCE_S3_URIS: ["s3://a/*"]})
    two = Tenant.of(["team-a"], {Matter.EXECUTION_ROLES: [OTHERS], Matter.SOURCE_S3_URIS: ["s3://b/*"]})
    mixed = group(executionRole=ROLE, lifeCycleConfig={"sourceS3Uri": "s3://b/x"})
    found = refused(mixed, one, two)
    assert found is not None
    assert "none of its 2 entries admits all" in found
    assert refused(group(executionRole=OTHERS, lifeCycleConfig={"sourceS3Uri": "s3://b/x"}), one, two) is None


def test_the_entry_that_refuses_least_is_the_one_that_is_explained() -> None:
    nothing = Tenant.of(["team-*"])
    found = refused(group(executionRole=ROLE, lifeCycleConfig={"sourceS3Uri": "s3://b/x"}), nothing, TEAM_A)
    assert found is not None
    assert "s3://b/x" in found
    assert ROLE not in found


def test_a_long_list_is_counted() -> None:
    spec = {"instanceGroups": [{"instanceGroupName": f"g{n}", "executionRole": OTHERS} for n in range(9)]}
    assert "and 6 more" in (refused(names_of_cluster(spec)) or "")


def test_a_long_value_is_cut() -> None:
    assert len(refused(group(executionRole="x" * 2000)) or "") < 600


# Buckets and paths.


@pytest.mark.parametrize("uri", ["s3://a/x", "s3://a/x/", "s3://a/", "s3://a"])
def test_a_pattern_of_a_bucket_admits_the_bucket(uri: str) -> None:
    assert refused(script(uri), everybody(sourceS3Uris=["s3://a/*"])) is None


@pytest.mark.parametrize("uri", ["s3://a-b/x", "s3://a-b", "https://s3.amazonaws.com/a/x", "https://a/x"])
def test_a_pattern_of_a_bucket_admits_no_other_bucket(uri: str) -> None:
    assert refused(script(uri), everybody(sourceS3Uris=["s3://a/*"]))


@pytest.mark.parametrize(
    "pattern", ["s3://sagemaker-team-a-*", "s3://a", "s3://*", "s3:///x", "a/*", "https://a/*", "**", "s3*"]
)
def test_a_pattern_that_does_not_end_the_bucket_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="does not end the bucket"):
        everybody(sourceS3Uris=[pattern])


@pytest.mark.parametrize(
    "uri", ["s3://a/../b", "s3://a/x/..", "s3://a//x", "s3://a/./x", "s3://a/%2e%2e/b", "s3://../b", "s3://a/%2Fx"]
)
def test_a_path_that_may_lead_elsewhere_is_refused_even_where_every_bucket_is_open(uri: str) -> None:
    assert "segment" in (refused(script(uri), everybody(sourceS3Uris=["*"])) or "")


@pytest.mark.parametrize("uri", ["s3://a/x/", "s3://a/..x/y..", "s3://a/%25/x"])
def test_a_path_that_only_looks_odd_is_none(uri: str) -> None:
    assert escape(uri) == ""


@pytest.mark.parametrize("name", ["../x.sh", "/bin/sh", "a//b", "a/../../x"])
def test_a_script_stays_below_its_source(name: str) -> None:
    assert Tenancy().refusal(namespace="any", named=group(lifeCycleConfig={"onCreate": name}))
    assert not group(lifeCycleConfig={"onCreate": "scripts/on_create.sh"})


# Tags.


@pytest.mark.parametrize(
    "key", ["hyperpod-operator.dev/claim-uid", "HyperPod-Operator.dev/claim-uid", "AWS:x", "EBS.csi.aws.com/cluster"]
)
def test_a_reserved_tag_is_refused_in_any_case_and_without_a_list(key: str) -> None:
    named = names_of_claim({"volume": {"tags": [{"key": "Name", "value": "x"}, {"key": key, "value": "x"}]}})
    assert "reserved" in (Tenancy().refusal(namespace="any", named=named) or "")


def test_a_key_that_is_not_reserved_is_free() -> None:
    assert reserved("team", ("aws:",)) == ""
    assert reserved("awsome", ("aws:",)) == ""


# Labels and taints of nodes.

VOLUME_LABEL = "hyperpod-operator.dev.node-restriction.kubernetes.io/vol-0e6c52a85d5c4b2f9e8f0d2b9f1f7a11"
TENANT_LABEL = "example.com.node-restriction.kubernetes.io/tenant"


def labelled(**labels: str) -> tuple[Named, ...]:
    return group(kubernetesConfig={"labels": labels})


@pytest.mark.parametrize("key", [VOLUME_LABEL, "hyperpod-operator.dev/vol-x", "hyperpod-operator.dev/instance-group"])
def test_a_label_of_the_operator_is_refused_without_a_list(key: str) -> None:
    found = Tenancy().refusal(namespace="any", named=labelled(**{key: "attached"}))
    assert f"spec.instanceGroups[gpu].kubernetesConfig.labels {key}" in (found or "")


def test_a_taint_of_the_operator_is_refused_without_a_list() -> None:
    named = group(kubernetesConfig={"taints": [{"key": "hyperpod-operator.dev/draining", "effect": "NoSchedule"}]})
    assert "the operator's" in (Tenancy().refusal(namespace="any", named=named) or "")


@pytest.mark.parametrize(
    "key",
    [
        TENANT_LABEL,
        "node-restriction.kubernetes.io/tenant",
        "kubernetes.io/hostname",
        "node-role.kubernetes.io/infra",
        "topology.k8s.io/zone",
        "k8s.amazonaws.com/eniConfig",
        "eks.amazonaws.com/nodegroup",
    ],
)
def test_a_label_that_others_go_by_is_held_to_the_list_with_its_value(key: str) -> None:
    entry = everybody(nodeLabels=[f"{key}=team-a"])
    assert refused(labelled(**{key: "team-a"}), entry) is None
    assert f"{key}=team-b" in (refused(labelled(**{key: "team-b"}), entry) or "")
    assert Tenancy().refusal(namespace="any", named=labelled(**{key: "team-b"})) is None


@pytest.mark.parametrize(
    "key",
    [
        "pool",
        "example.com/pool",
        "notkubernetes.io/pool",
        "amazonaws.com.example.com/pool",
        "kubernetes.io.example.com/pool",
    ],
)
def test_other_labels_are_free(key: str) -> None:
    assert labelled(**{key: "x"}) == ()


# Cost.


def mean_spec(*, values: int, distinct: int, length: int = 2048) -> Mapping[str, Any]:
    text = "arn:aws:kms" + ":" * length
    configs = [
        {"ebsVolumeConfig": {"volumeKmsKeyId": f"{text[: length - 4]}{number % distinct:04d}"}}
        for number in range(values)
    ]
    return {"instanceGroups": [{"instanceGroupName": "gpu", "instanceStorageConfigs": configs}]}


@pytest.mark.parametrize("distinct", [1, 64, 500])
def test_of_an_object_full_of_long_values_no_more_than_a_bound_is_compared(
    monkeypatch: pytest.MonkeyPatch, distinct: int
) -> None:
    """The values with which one object of 650 kB once stopped the operator for everybody; `make bench` has the time."""
    compared = list[int]()
    monkeypatch.setattr(Tenant, "admits", lambda _self, _matter, value: bool(compared.append(len(value))))
    spec = mean_spec(values=500, distinct=distinct)
    assert len(json.dumps(spec)) > 1_000_000
    assert refused(names_of_cluster(spec)) is not None
    assert sum(compared) <= MOST_CHARACTERS


def test_each_distinct_value_is_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = list[str]()
    monkeypatch.setattr(Tenant, "admits", lambda _self, _matter, value: bool(compared.append(value)))
    refused(names_of_cluster(mean_spec(values=300, distinct=2)))
    assert len(compared) == 2


def test_a_resource_that_names_more_than_is_compared_is_told_so() -> None:
    found = refused(names_of_cluster(mean_spec(values=100, distinct=100)), everybody(kmsKeys=["*"]))
    assert "Name fewer or shorter ones" in (found or "")
    assert refused(names_of_cluster(mean_spec(values=100, distinct=45)), everybody(kmsKeys=["*"])) is None
