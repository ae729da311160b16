"""The command that fills the documents in leaves policies that IAM takes."""

import json
import re
from pathlib import Path

import pytest
from tests.contract.iam.policies import DOCUMENTS

COMMAND = (
    (DOCUMENTS.parent / "iam.md").read_text().partition("## Fill it in")[2].partition("```sh")[2].partition("```")[0]
)
GIVEN = dict(re.findall(r"s/([A-Z_]+)/([^/]+)/g", COMMAND))
PLACEHOLDER = re.compile(r"[A-Z]+_[A-Z_]+|REGION")
MOST = 6144
"""Characters of a managed policy without white space (IAM user guide, IAM and AWS STS quotas)."""
LONGEST = {"EKS_CLUSTER_NAME": 100, "EXECUTION_ROLE_NAME": 64, "CLUSTER_ROLE_NAME": 64, "OPERATOR_ROLE_NAME": 64}


@pytest.mark.parametrize("path", sorted(DOCUMENTS.glob("operator-*.json")), ids=lambda path: path.stem)
def test_no_placeholder_is_left(path: Path) -> None:
    text = path.read_text()
    for name in sorted(GIVEN, key=len, reverse=True):
        text = text.replace(name, GIVEN[name])
    assert PLACEHOLDER.findall(text) == []
    assert json.loads(text)["Version"] == "2012-10-17"


@pytest.mark.parametrize("path", sorted(DOCUMENTS.glob("*.json")), ids=lambda path: path.stem)
def test_it_fits_into_a_managed_policy_with_the_longest_names(path: Path) -> None:
    text = path.read_text().replace("REGION", "ap-southeast-2").replace("ACCOUNT_ID", "1" * 12)
    for name, length in LONGEST.items():
        text = text.replace(name, "x" * length)
    assert len("".join(text.split())) <= MOST
