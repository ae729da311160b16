"""Whether something sends our calls elsewhere than to AWS."""

from pathlib import Path

import pytest
from botocore.session import Session

from hyperpod_operator.aws.endpoints import SERVICES, overridden


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("", *(f"_{service.upper()}" for service in SERVICES)):
        monkeypatch.delenv(f"AWS_ENDPOINT_URL{name}", raising=False)
    config = tmp_path / "config"
    config.write_text("")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name in ("AWS_PROFILE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        monkeypatch.delenv(name, raising=False)
    return config


def test_by_default_nothing_does() -> None:
    assert overridden(Session()) == {}


def test_one_variable_for_all_services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
    assert overridden(Session()) == dict.fromkeys(SERVICES, "http://localhost:1")


@pytest.mark.parametrize("service", SERVICES)
def test_a_variable_for_one_service(monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}", "http://localhost:1")
    assert overridden(Session()) == {service: "http://localhost:1"}


def test_the_configuration_file(empty_environment: Path) -> None:
    empty_environment.write_text("[default]\nendpoint_url = http://localhost:2\n")
    assert overridden(Session()) == dict.fromkeys(SERVICES, "http://localhost:2")


def test_a_service_section_of_the_file(empty_environment: Path) -> None:
    empty_environment.write_text(
        "[default]\nservices = here\n[services here]\nec2 =\n  endpoint_url = http://localhost:3\n"
    )
    assert overridden(Session()) == {"ec2": "http://localhost:3"}


def test_what_botocore_is_told_to_ignore_is_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert overridden(Session()) == {}


def test_credentials_in_a_url_are_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://user:secret@localhost:1/path")
    assert overridden(Session())["ec2"] == "http://localhost:1/path"


def test_a_profile_that_does_not_exist_is_for_others_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
    assert set(overridden(Session())) <= set(SERVICES)
