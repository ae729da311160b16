"""Each statement of the documents grants something: its actions know its resources and its condition keys."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.contract.iam.policies import DOCUMENTS, like, listed
from tests.contract.iam.reference import (
    ACTIONS,
    ARNS,
    NOT_ASKED_OF_THE_CALLER,
    NOT_LISTED,
    OF_REQUEST,
    OF_RESOURCE,
    OWN_KEYS,
    WITH_REQUEST_TAGS,
    WITH_RESOURCE_TAGS,
)

KNOWN = {**ACTIONS, **NOT_LISTED}
NAMES = {
    "region": "REGION",
    "account": "ACCOUNT_ID",
    "eks": "EKS_CLUSTER_NAME",
    "role": "EXECUTION_ROLE_NAME",
    "bucket": "LIFECYCLE_BUCKET",
    "id": "abcdefghijkl",
}
ROLES = ("EXECUTION_ROLE_NAME", "CLUSTER_ROLE_NAME", "OPERATOR_ROLE_NAME", "aws-service-role/hyperpod.sagemaker")


def statements() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(DOCUMENTS.glob("*.json")):
        for one in json.loads(path.read_text())["Statement"]:
            yield f"{path.stem}.{one['Sid']}", one


STATEMENTS = dict(statements())
GRANTED = sorted(
    {(name.partition(".")[0], action) for name, one in STATEMENTS.items() for action in listed(one["Action"])}
)


def types(action: str) -> list[str]:
    return [f"{action.partition(':')[0]} {word.rstrip('*')}" for word in KNOWN[action].split()]


def reaches(pattern: str, kind: str) -> bool:
    """Whether a pattern of a statement names resources of this type."""
    if pattern == "*":
        return True
    if kind == "iam role":
        return any(f":role/{role}" in pattern for role in ROLES)
    if kind == "iam policy":
        return ":policy/" in pattern
    return like(ARNS[kind].format(**NAMES), pattern)


@pytest.mark.parametrize("name", STATEMENTS)
def test_each_resource_is_of_a_type_that_the_actions_know(name: str) -> None:
    one = STATEMENTS[name]
    for pattern in listed(one["Resource"]):
        for action in listed(one["Action"]):
            if not types(action):
                assert pattern == "*", f"{action} has no resource types: {pattern} grants nothing"
        known = {kind for action in listed(one["Action"]) for kind in types(action)}
        assert pattern == "*" or any(reaches(pattern, kind) for kind in known), pattern


@pytest.mark.parametrize(("document", "action"), GRANTED)
def test_each_action_is_granted_on_every_type_that_it_requires(document: str, action: str) -> None:
    service = action.partition(":")[0]
    found = [
        pattern
        for name, one in STATEMENTS.items()
        if name.startswith(f"{document}.") and action in listed(one["Action"])
        for pattern in listed(one["Resource"])
    ]
    for word in KNOWN[action].split():
        kind = word.rstrip("*")
        if word.endswith("*") and (action, kind) not in NOT_ASKED_OF_THE_CALLER:
            assert any(reaches(pattern, f"{service} {kind}") for pattern in found), kind


@pytest.mark.parametrize("name", [name for name, one in STATEMENTS.items() if "Condition" in one])
def test_each_condition_key_is_one_that_the_action_has_on_the_resource(name: str) -> None:
    """A key that IAM never sets makes a statement grant nothing, or with IfExists everything."""
    one = STATEMENTS[name]
    for key in (key.lower() for keys in one["Condition"].values() for key in keys):
        for action in listed(one["Action"]):
            service = action.partition(":")[0]
            kinds = [
                kind for kind in types(action) if any(reaches(pattern, kind) for pattern in listed(one["Resource"]))
            ]
            for kind in kinds:
                known = (
                    key in OWN_KEYS.get(action, ())
                    or (key.startswith(OF_RESOURCE) and kind in WITH_RESOURCE_TAGS)
                    or (key.startswith(OF_REQUEST) and (action, kind.removeprefix(f"{service} ")) in WITH_REQUEST_TAGS)
                )
                assert known, f"{key} of {action} on {kind}"
