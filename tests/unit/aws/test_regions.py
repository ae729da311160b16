"""A Region is known, or it is said which one may be meant."""

import boto3
import pytest

from hyperpod_operator.aws.regions import known_regions, unknown_region


def test_every_region_of_sagemaker_is_known() -> None:
    session = boto3.Session()
    for partition in session.get_available_partitions():
        assert set(session.get_available_regions("sagemaker", partition_name=partition)) <= known_regions()


def test_no_pseudo_region_is_known() -> None:
    assert unknown_region("aws-global") is not None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("uswest2", "us-west-2"), ("us-west2", "us-west-2"), ("US-WEST-2", "us-west-2"), ("eu-cental-1", "eu-central-1")],
)
def test_a_near_miss_names_what_was_meant(typed: str, meant: str) -> None:
    said = unknown_region(typed) or ""
    assert f"{typed!r} is not a Region" in said
    assert f"Did you mean {meant}" in said


def test_something_else_shows_what_a_region_looks_like() -> None:
    assert "look like us-west-2" in (unknown_region("moon") or "")


def test_a_region_is_fine() -> None:
    assert unknown_region("us-gov-west-1") is None
