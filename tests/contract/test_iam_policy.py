"""The documented policy has every SageMaker call that the code makes, and the observing one has no change in it."""

import json
import re
from pathlib import Path

import pytest

import hyperpod_operator.aws.sagemaker as sagemaker
from hyperpod_testbed.simulator.operations import OPERATIONS

DOCS = Path(__file__).parents[2] / "docs" / "iam"
CALLED = set(
    re.findall(r'"((?:Describe|List|Create|Update|Delete|Add)[A-Za-z]+)"', Path(sagemaker.__file__).read_text())
)
ONLY_CHECKED_BY_AWS = {"BatchAddClusterNodes", "BatchDeleteClusterNodes"}
"""AWS wants these of whoever calls UpdateCluster (SageMaker developer guide, IAM for HyperPod)."""


def actions(name: str) -> set[str]:
    statements = json.loads((DOCS / name).read_text())["Statement"]
    listed = [item if isinstance(item, list) else [item] for item in (entry["Action"] for entry in statements)]
    return {
        action.removeprefix("sagemaker:") for group in listed for action in group if action.startswith("sagemaker:")
    }


def test_the_code_calls_what_is_looked_for_here() -> None:
    assert {"CreateCluster", "DescribeCluster", "ListTags"} <= CALLED


def test_the_full_policy_is_what_the_code_calls() -> None:
    assert actions("operator-full.json") - ONLY_CHECKED_BY_AWS == CALLED


def test_the_observing_policy_changes_nothing() -> None:
    assert actions("operator-observe.json") <= CALLED
    changing = {name for name, handler in OPERATIONS.items() if handler.mutating}
    assert not actions("operator-observe.json") & changing


@pytest.mark.parametrize("name", ["operator-full.json", "operator-observe.json"])
def test_no_action_is_a_wildcard(name: str) -> None:
    assert "*" not in "".join(actions(name))
