"""Region, account and partition of what an object names are those that the operator works in, or nothing happens."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.builders import cluster, recorded, resource, scaled, seen, snapshot_of

from hyperpod_operator.api.cluster.resource import HyperPodClusterSpec
from hyperpod_operator.api.names import Reason
from hyperpod_operator.core.cluster.concerns import decide
from hyperpod_operator.core.cluster.decision import ClusterSnapshot
from hyperpod_operator.core.cluster.placement import misplaced, unproved_end
from hyperpod_operator.core.engine.decision import Wait
from hyperpod_operator.core.location import NOWHERE, Location, location_of

HERE = Location(partition="aws", region="us-west-2", account="111122223333")
ELSEWHERE = [
    (Location(partition="aws", region="us-east-1", account="111122223333"), "another Region"),
    (Location(partition="aws", region="us-west-2", account="444455556666"), "another account"),
    (Location(partition="aws-cn", region="us-west-2", account="111122223333"), "another partition"),
    (Location(partition="aws", region="us-east-1", account="444455556666"), "another Region and account"),
]


def looking(here: Location, *, shown: Any = None, **fields: Any) -> ClusterSnapshot:
    owner = resource(**fields)
    return snapshot_of(owner, seen(owner, shown), here=here)


@pytest.mark.parametrize(("here", "words"), ELSEWHERE)
@pytest.mark.parametrize("deleting", [False, True])
@pytest.mark.parametrize("status", [{}, recorded()])
def test_another_place_changes_and_releases_nothing(
    here: Location, words: str, deleting: bool, status: dict[str, Any]
) -> None:
    decision = decide(looking(here, spec=scaled(), status=status, deleting=deleting))
    assert isinstance(decision, Wait)
    assert (decision.reason, decision.stalled) == (Reason.WRONG_ACCOUNT_OR_REGION, True)
    assert words in decision.message


def test_the_right_place_is_no_reason_to_wait() -> None:
    assert misplaced(looking(HERE, spec=scaled(), status=recorded())) is None


def test_what_is_not_known_differs_from_nothing() -> None:
    assert misplaced(looking(NOWHERE, spec=scaled(), status=recorded())) is None


def with_group(**members: Any) -> dict[str, Any]:
    spec = scaled()
    return spec | {"instanceGroups": [spec["instanceGroups"][0] | members, *spec["instanceGroups"][1:]]}


def encrypted(key: str) -> dict[str, Any]:
    return with_group(instanceStorageConfigs=[{"ebsVolumeConfig": {"volumeSizeInGB": 100, "volumeKmsKeyId": key}}])


@pytest.mark.parametrize(
    "spec",
    [
        with_group(executionRole="arn:aws:iam::444455556666:role/other"),
        with_group(executionRole="arn:aws-cn:iam::111122223333:role/other"),
        encrypted("arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"),
    ],
)
def test_what_aws_cannot_use_from_here_is_named(spec: dict[str, Any]) -> None:
    decision = misplaced(looking(HERE, spec=spec, status={}))
    assert isinstance(decision, Wait)
    assert "spec.instanceGroups[" in decision.message


@pytest.mark.parametrize(
    "spec",
    [
        encrypted("arn:aws:kms:us-west-2:444455556666:key/11111111-2222-3333-4444-555555555555"),
        encrypted("alias/of-this-account"),
    ],
)
def test_a_key_of_another_account_may_be_shared(spec: dict[str, Any]) -> None:
    assert misplaced(looking(HERE, spec=spec, status={})) is None


PARTITION, REGION, ACCOUNT = ("arn:aws:", "arn:aws-cn:"), ("us-west-2", "eu-west-1"), ("111122223333", "444455556666")
PLAN = "arn:aws:sagemaker:us-west-2:111122223333:training-plan/p5"
KMS = "arn:aws:kms:us-west-2:111122223333:key/11111111-2222-3333-4444-555555555555"
ROLE = "arn:aws:iam::111122223333:role/ours"
ARNS: dict[str, tuple[Callable[[str], dict[str, Any]], str, tuple[tuple[str, str], ...]]] = {
    "clusterArn": (
        lambda arn: scaled() | {"orchestrator": {"eks": {"clusterArn": arn}}},
        "arn:aws:eks:us-west-2:111122223333:cluster/ml",
        (PARTITION, REGION, ACCOUNT),
    ),
    "executionRole": (lambda arn: with_group(executionRole=arn), ROLE, (PARTITION, ACCOUNT)),
    "clusterRole": (lambda arn: scaled() | {"clusterRole": arn}, ROLE, (PARTITION, ACCOUNT)),
    "trainingPlanArn": (lambda arn: with_group(trainingPlanArn=arn), PLAN, (PARTITION, REGION)),
    "volumeKmsKeyId": (lambda arn: encrypted(arn), KMS, (PARTITION, REGION)),
}
"""Each member of a spec that may be an ARN: a spec with it, an ARN of here, and what of it binds."""


@pytest.mark.parametrize(("name", "part"), [(name, part) for name, (_, _, binds) in ARNS.items() for part in binds])
@pytest.mark.parametrize("status", [{}, recorded()])
def test_each_arn_of_a_spec_binds_by_what_it_has(name: str, part: tuple[str, str], status: dict[str, Any]) -> None:
    made, arn, _ = ARNS[name]
    decision = decide(looking(HERE, spec=made(arn.replace(*part)), status=status))
    assert isinstance(decision, Wait)
    assert decision.reason is Reason.WRONG_ACCOUNT_OR_REGION
    assert name in decision.message


@pytest.mark.parametrize("name", ARNS)
def test_an_arn_of_here_binds_nothing(name: str) -> None:
    made, arn, _ = ARNS[name]
    assert misplaced(looking(HERE, spec=made(arn), status=recorded())) is None


def test_no_arn_of_the_schema_is_left_out() -> None:
    definitions = HyperPodClusterSpec.model_json_schema()
    found = {
        name
        for part in (definitions, *definitions["$defs"].values())
        for name, member in part.get("properties", {}).items()
        if "arn:aws" in json.dumps(member) or name.lower().endswith(("arn", "role", "kmskeyid"))
    }
    assert found == ARNS.keys()


def test_a_spec_that_names_another_place_does_not_hold_up_the_deletion_of_a_cluster_that_is_here() -> None:
    spec = with_group(executionRole="arn:aws:iam::444455556666:role/other")
    assert misplaced(looking(HERE, spec=spec, status=recorded(), deleting=True)) is None


@pytest.mark.parametrize("deleting", [False, True])
def test_no_cluster_is_no_proof_while_the_account_is_not_known(deleting: bool) -> None:
    decision = decide(looking(replace(HERE, account=""), spec=scaled(), status=recorded(), deleting=deleting))
    assert isinstance(decision, Wait)
    assert "GetCallerIdentity" in decision.message


def test_a_cluster_that_is_shown_proves_the_account() -> None:
    assert unproved_end(looking(replace(HERE, account=""), shown=cluster(), spec=scaled(), status=recorded())) is None


@pytest.mark.parametrize("text", ["", None, "arn", "ml", "arn:aws"])
def test_what_is_no_arn_lies_nowhere(text: str | None) -> None:
    assert location_of(text) == NOWHERE
