"""The file with the list of tenants: all of it is understood, or the operator does not start."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from hyperpod_operator.cli import main
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
    assert first.execution_roles == ("arn:aws:iam::111122223333:role/team-a-*",)
    assert first.kms_keys == ()
    assert second.kms_keys is None


def test_an_empty_list_serves_nobody(tmp_path: Path) -> None:
    assert read_tenants(written(tmp_path, "tenants: []")).refusal(namespace="a", spec={}) is not None


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
    ],
)
def test_what_is_not_understood_is_refused_as_a_whole(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TenantsError, match=said):
        read_tenants(written(tmp_path, text))


def test_a_missing_file_is_told_at_the_command(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["run", f"--tenants={tmp_path / 'nowhere'}"])
    assert result.exit_code == 2
    assert "The list of tenants" in result.output
