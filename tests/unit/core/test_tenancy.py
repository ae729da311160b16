"""What a namespace may name, and that nothing slips past: a resource must not borrow another team's role."""

from typing import Any

import pytest

from hyperpod_operator.core.tenancy import Tenancy, Tenant, values

ROLE = "arn:aws:iam::111122223333:role/team-a-nodes"
OTHERS = "arn:aws:iam::111122223333:role/team-b-nodes"
TEAM_A = Tenant(
    namespaces=("team-a",),
    execution_roles=("arn:aws:iam::111122223333:role/team-a-*",),
    kms_keys=(),
    source_s3_uris=("s3://sagemaker-team-a/*",),
    regions=("us-west-2",),
    clusters=("arn:aws:sagemaker:us-west-2:111122223333:cluster/aaaaaaaaaaaa",),
    volumes=("vol-0a*",),
)


def refused(spec: dict[str, Any], *tenants: Tenant, namespace: str = "team-a") -> str | None:
    return Tenancy(tenants=tenants or (TEAM_A,)).refusal(namespace=namespace, spec=spec)


def group(**members: Any) -> dict[str, Any]:
    return {"instanceGroups": [{"instanceGroupName": "gpu", **members}]}


def test_without_a_list_everything_is_allowed() -> None:
    assert Tenancy().refusal(namespace="any", spec=group(executionRole=OTHERS)) is None


def test_what_matches_is_allowed() -> None:
    source = {"sourceS3Uri": "s3://sagemaker-team-a/scripts"}
    assert refused({"region": "us-west-2", **group(executionRole=ROLE, lifeCycleConfig=source)}) is None


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        (group(executionRole=OTHERS), f"spec.instanceGroups[gpu].executionRole {OTHERS}"),
        ({"clusterRole": OTHERS}, f"spec.clusterRole {OTHERS}"),
        (group(lifeCycleConfig={"sourceS3Uri": "s3://sagemaker-team-b/x"}), "s3://sagemaker-team-b/x"),
        (group(instanceStorageConfigs=[{"ebsVolumeConfig": {"volumeKmsKeyId": "key"}}]), "volumeKmsKeyId key"),
        ({"restrictedInstanceGroups": [{"instanceGroupName": "r", "executionRole": OTHERS}]}, "[r].executionRole"),
        ({"region": "eu-west-1"}, "spec.region eu-west-1"),
        ({"clusterRef": {"clusterName": "theirs"}}, "spec.clusterRef.clusterName theirs"),
        ({"source": {"volumeId": "vol-0b11111111"}}, "spec.source.volumeId vol-0b11111111"),
        ({"source": {"create": {"kmsKeyId": "alias/b"}}}, "spec.source.create.kmsKeyId alias/b"),
        ({"source": {"create": {"snapshotId": "snap-1"}}}, "spec.source.create.snapshotId snap-1"),
    ],
)
def test_what_does_not_match_is_named_with_its_path(spec: dict[str, Any], named: str) -> None:
    found = refused(spec)
    assert found is not None
    assert named in found
    assert "administrator" in found


def test_a_namespace_that_no_tenant_names_may_nothing() -> None:
    assert "Namespace team-b is not served" in (refused({}, namespace="team-b") or "")


def test_a_pattern_is_anchored_at_both_ends() -> None:
    assert refused(group(executionRole=f"{ROLE}\n{OTHERS}"), Tenant(namespaces=("*",), execution_roles=(ROLE,)))
    assert refused(group(executionRole=f"x{ROLE}"), Tenant(namespaces=("*",), execution_roles=(ROLE,)))
    assert refused({}, Tenant(namespaces=("team",)))


@pytest.mark.parametrize("sign", [".", "+", "?", "[a]", "\\"])
def test_a_pattern_knows_no_other_sign_than_the_star(sign: str) -> None:
    tenant = Tenant(namespaces=("*",), execution_roles=(f"role/{sign}",))
    assert refused(group(executionRole="role/a"), tenant)
    assert refused(group(executionRole=f"role/{sign}"), tenant) is None


def test_several_tenants_of_a_namespace_add_up() -> None:
    more = Tenant(namespaces=("team-*",), execution_roles=(OTHERS,), kms_keys=(), source_s3_uris=())
    assert refused(group(executionRole=OTHERS), TEAM_A, more) is None


def test_what_a_tenant_leaves_out_is_open() -> None:
    assert refused(group(executionRole=OTHERS), Tenant(namespaces=("team-a",))) is None


def test_the_eks_cluster_of_a_cluster_is_no_cluster_of_a_claim() -> None:
    spec = {"orchestrator": {"eks": {"clusterArn": "arn:aws:eks:us-west-2:111122223333:cluster/ml"}}}
    assert list(values(spec)) == []


def test_a_long_list_is_counted() -> None:
    spec = {"instanceGroups": [{"instanceGroupName": f"g{n}", "executionRole": OTHERS} for n in range(9)]}
    assert "and 6 more" in (refused(spec) or "")
