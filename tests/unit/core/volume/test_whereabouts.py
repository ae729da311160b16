"""Each ARN and zone of a claim binds it to a partition, a Region and an account, or to what of these it has."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.core.volume.builders import (
    ARN,
    EKS,
    VOLUME_ID,
    ago,
    attached_status,
    claim,
    made_status,
    snapshot_of,
    spec,
)

from hyperpod_operator.api.names import ABANDON, Reason
from hyperpod_operator.core.engine.decision import LookAgain, RemoveFinalizer, Wait
from hyperpod_operator.core.location import NOWHERE, Location
from hyperpod_operator.core.location import recorded as record
from hyperpod_operator.core.volume.concerns import decide
from hyperpod_operator.core.volume.decision import Act, Conclusion
from hyperpod_operator.core.volume.whereabouts import misplaced

HERE = Location(partition="aws", region="us-west-2", account="111122223333")
VOLUME = f"arn:aws:ec2:us-west-2:111122223333:volume/{VOLUME_ID}"
KEY = "arn:aws:kms:us-west-2:111122223333:key/11111111-2222-3333-4444-555555555555"
OTHER = {
    "partition": ("arn:aws:", "arn:aws-cn:"),
    "Region": ("us-west-2", "eu-west-1"),
    "account": ("111122223333", "444455556666"),
}


def recorded(volume: str = VOLUME, cluster: str = ARN) -> dict[str, Any]:
    return {"volumeArn": volume, "attachment": {"clusterArn": cluster, "instanceId": "i-0123456789abcdef0"}}


def of_key(key: str) -> dict[str, Any]:
    return spec(source={"create": {"kmsKeyId": key, "encrypted": True}})


@pytest.mark.parametrize("what", OTHER)
@pytest.mark.parametrize("deleting", [False, True])
@pytest.mark.parametrize("member", ["volume", "cluster"])
def test_a_record_of_another_place_holds_everything(what: str, deleting: bool, member: str) -> None:
    arn = {"volume": VOLUME, "cluster": ARN}[member].replace(*OTHER[what])
    found = misplaced(claim(status=recorded(**{member: arn}), deleting=deleting), HERE)
    assert found is not None
    assert (found.reason, found.stalled) == (Reason.WRONG_ACCOUNT_OR_REGION, True)
    assert arn in found.message


@pytest.mark.parametrize("what", OTHER)
@pytest.mark.parametrize("arn", [ARN, EKS])
def test_a_cluster_that_the_reference_leads_to_binds_like_a_record(what: str, arn: str) -> None:
    found = misplaced(
        claim(), HERE, clusters=(record("status.clusterArn of HyperPodCluster hpc", arn.replace(*OTHER[what])),)
    )
    assert found is not None
    assert "HyperPodCluster hpc" in found.message


@pytest.mark.parametrize("what", ["partition", "Region"])
def test_a_key_that_no_volume_here_can_use_is_named(what: str) -> None:
    found = misplaced(claim(of_key(KEY.replace(*OTHER[what]))), HERE)
    assert found is not None
    assert "spec.source.create.kmsKeyId" in found.message


@pytest.mark.parametrize(
    "key", [KEY, KEY.replace(*OTHER["account"]), "alias/ours", "11111111-2222-3333-4444-555555555555"]
)
def test_a_key_of_another_account_and_one_without_an_arn_may_be_right(key: str) -> None:
    assert misplaced(claim(of_key(key)), HERE) is None


@pytest.mark.parametrize(("zone", "right"), [("us-west-2b", True), ("us-west-2-lax-1a", True), ("us-east-1a", False)])
def test_a_zone_names_its_region(zone: str, right: bool) -> None:
    found = misplaced(claim(spec(source={"create": {"availabilityZone": zone}})), HERE)
    assert (found is None) is right


def test_a_claim_that_makes_no_volume_any_more_is_not_bound_by_its_key_and_zone() -> None:
    wanted = spec(source={"create": {"availabilityZone": "us-east-1a", "kmsKeyId": KEY.replace(*OTHER["Region"])}})
    assert misplaced(claim(wanted, status=recorded(), deleting=True), HERE) is None


UNKNOWN = Location(partition="aws", region="us-west-2")
CREATION = {"creation": {"attempt": 1, "outcome": "Unanswered", "time": ago(hours=2)}}


def absent(here: Location, **fields: Any) -> Conclusion:
    return decide(replace(snapshot_of(claim(**fields), volume=None), here=here))


@pytest.mark.parametrize("status", [made_status(), attached_status(), CREATION])
def test_no_volume_is_no_proof_while_the_account_is_not_known(status: dict[str, Any]) -> None:
    found = absent(UNKNOWN, status=status)
    assert isinstance(found, LookAgain), found
    assert found.reason is Reason.AWS_UNREACHABLE
    assert "GetCallerIdentity" in found.message


@pytest.mark.parametrize("status", [made_status(), attached_status(), CREATION])
def test_nothing_is_released_while_the_account_is_not_known(status: dict[str, Any]) -> None:
    found = absent(UNKNOWN, status=status, deleting=True)
    assert isinstance(found, Wait), found
    assert found.reason is Reason.AWS_UNREACHABLE
    assert f"{ABANDON}=data" in found.message


def test_a_claim_that_records_nothing_does_not_wait_for_the_account() -> None:
    assert isinstance(absent(UNKNOWN), Act)


def test_in_a_known_account_a_volume_that_is_gone_is_gone() -> None:
    assert isinstance(absent(HERE, status=made_status(), deleting=True), RemoveFinalizer | Act)


def test_what_is_not_known_differs_from_nothing() -> None:
    assert misplaced(claim(status=recorded()), NOWHERE) is None
