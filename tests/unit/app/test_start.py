"""What ends a start, and what a start says."""

import logging
from types import SimpleNamespace
from typing import cast

import pytest

from hyperpod_operator.app.start import StartError, check_regions, say_endpoints
from hyperpod_operator.aws.cloud import AwsCloud, CloudSettings
from hyperpod_operator.settings import Settings


def cloud(region: str) -> AwsCloud:
    return cast(AwsCloud, SimpleNamespace(region=region))


def test_a_mistyped_region_ends_the_start_with_the_right_one() -> None:
    with pytest.raises(StartError, match=r"'uswest2' is not a Region.*Did you mean us-west-2.*--allow-unknown-region"):
        check_regions(cloud("uswest2"), Settings())


def test_so_does_one_of_those_that_specs_may_name() -> None:
    with pytest.raises(StartError, match="eu-cental-1"):
        check_regions(cloud("us-west-2"), Settings(allowed_regions=frozenset({"us-east-1", "eu-cental-1"})))


def test_known_regions_and_none_at_all_pass() -> None:
    """Without any Region the credentials' check says so."""
    check_regions(cloud("us-west-2"), Settings(allowed_regions=frozenset({"cn-north-1"})))
    check_regions(cloud(""), Settings())


def test_a_newer_region_is_accepted_by_flag_and_said(caplog: pytest.LogCaptureFixture) -> None:
    check_regions(cloud("us-moon-1"), Settings(allow_unknown_region=True))
    assert "'us-moon-1' is not a Region" in caplog.text


def test_an_endpoint_in_the_environment_is_a_warning(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", "http://localhost:4566")
    say_endpoints(AwsCloud(settings=CloudSettings(region="us-west-2"), on_call=lambda **_: None))
    (record,) = [record for record in caplog.records if "sagemaker" in record.getMessage()]
    assert record.levelno == logging.WARNING
    assert "http://localhost:4566 instead of AWS's own endpoint" in record.getMessage()
    assert "AWS_ENDPOINT_URL_SAGEMAKER" in record.getMessage()


def test_each_endpoint_is_said_once_with_the_services_that_it_serves(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4566")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SERVICE_QUOTAS", "http://localhost:4567")
    say_endpoints(AwsCloud(settings=CloudSettings(region="us-west-2"), on_call=lambda **_: None))
    shared, own = (record.getMessage() for record in caplog.records)
    assert "Calls to sagemaker, ec2, sts, " in shared
    assert "AWS_ENDPOINT_URL_<SERVICE>" in shared
    assert "Calls to service-quotas go to http://localhost:4567" in own
    assert "AWS_ENDPOINT_URL_SERVICE_QUOTAS" in own
