"""What a denial names is what the documents have."""

import json

import pytest
from tests.contract.iam.policies import DOCUMENTS, listed

from hyperpod_operator.core.grants import FULL, GRANTS, VOLUMES, Grant

PATHS = (FULL, VOLUMES)


def written() -> dict[str, Grant]:
    """Every action of the two policies, with the statements that have it."""
    found: dict[str, Grant] = {}
    for path in PATHS:
        for one in json.loads((DOCUMENTS.parents[1] / path).read_text())["Statement"]:
            tagged = "aws:ResourceTag/hyperpod-operator.dev/eks-cluster" in json.dumps(one.get("Condition", {}))
            for action in listed(one["Action"]):
                before = found.get(action, Grant(path, ()))
                found[action] = Grant(path, (*before.statements, one["Sid"]), before.tagged or tagged)
    return found


WRITTEN = written()


def test_every_action_of_the_documents_is_known_and_no_other() -> None:
    assert set(GRANTS) == set(WRITTEN)


@pytest.mark.parametrize("action", WRITTEN)
def test_an_action_names_its_statements_and_whether_tags_decide(action: str) -> None:
    assert GRANTS[action] == WRITTEN[action]
