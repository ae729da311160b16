"""The file with the tenants list: all of it is understood, or the operator does not start."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from hyperpod_operator.cli import main
from hyperpod_operator.core.tenancy import Matter, Named
from hyperpod_operator.tenants import TenantsError, read_tenants

GOOD = """
tenants:
  - namespaces: [team-a]
    executionRoles: ["arn:aws:iam::111122223333:role/team-a-*"]
    kmsKeys: []
  - namespaces: ["*"]
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "tenants.yaml"
    path.write_text(text)
    return path


def test_a_list_is_read(tmp_path: Path) -> None:
    tenancy = read_tenants(written(tmp_path, GOOD))
    assert tenancy.tenants is not None
    first, second = tenancy.tenants
    assert first.lists[Matter.EXECUTION_ROLES].texts == ("arn:aws:iam::111122223333:role/team-a-*",)
    assert first.lists[Matter.KMS_KEYS].texts == ()
    assert Matter.KMS_KEYS not in second.lists


@pytest.mark.parametrize("matter", Matter)
def test_every_list_can_be_written(tmp_path: Path, matter: Matter) -> None:
    tenancy = read_tenants(written(tmp_path, f'tenants: [{{namespaces: [a], {matter}: ["*"]}}]'))
    assert tenancy.refusal(namespace="a", named=(Named("here", "value", matter),)) is None


def test_a_bucket_that_a_pattern_does_not_end_keeps_the_operator_from_starting(tmp_path: Path) -> None:
    text = 'tenants: [{namespaces: [b]}, {namespaces: [a], sourceS3Uris: ["s3://sagemaker-team-a-*"]}]'
    with pytest.raises(TenantsError, match=r"tenants\.1\.sourceS3Uris: the pattern s3://sagemaker-team-a-\*"):
        read_tenants(written(tmp_path, text))


def test_an_empty_list_serves_nobody(tmp_path: Path) -> None:
    assert read_tenants(written(tmp_path, "tenants: []")).refusal(namespace="a", named=()) is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tenants: [{namespaces: [a], executionRole: [x]}]", "executionRole"),
        ("tenants: [{executionRoles: [x]}]", "namespaces"),
        ("tenants: [{namespaces: []}]", "namespaces"),
        ("tenants: [{namespaces: a}]", "namespaces"),
        ("tenant: []", "tenant"),
        ("", "the file"),
        ("tenants: [", "cannot be read"),
        ("tenants: [{namespaces: [a], regions: [b], regions: ['*']}]", "the member 'regions' stands twice"),
        ("tenants: [{namespaces: [a]}]\ntenants: [{namespaces: ['*']}]", "the member 'tenants' stands twice"),
        ("tenants: [{namespaces: [a]}]\n---\ntenants: [{namespaces: ['*']}]", "2 documents: write one list"),
        ("tenants: [null]", "tenants.0: Input should be an object"),
    ],
)
def test_what_is_not_understood_is_refused_as_a_whole(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TenantsError, match=said):
        read_tenants(written(tmp_path, text))


def test_a_missing_file_is_told_at_the_command(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["run", f"--tenants={tmp_path / 'nowhere'}"])
    assert result.exit_code == 2
    assert "The tenants list" in result.output
