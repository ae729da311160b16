"""The block of a spec that says how pods leave nodes."""

import pytest
from pydantic import ValidationError

from hyperpod_operator.api.common.drain import Drain
from hyperpod_operator.api.schema import structural

WHOLE = {
    "rules": [
        {
            "podSelector": {"matchLabels": {"app": "train", "tier": ""}},
            "namespaceSelector": {
                "matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["research"]}]
            },
            "behavior": "WaitCompleted",
        }
    ],
    "defaultBehavior": "Drain",
    "gangAtomic": True,
    "waitCompletedTimeoutSeconds": 0,
    "drainTimeoutSeconds": 3600,
    "onTimeout": "Abort",
}


def test_a_whole_block_goes_out_as_it_came_in() -> None:
    assert Drain.model_validate(WHOLE).model_dump(mode="json", exclude_none=True) == WHOLE


def test_unset_stays_unset() -> None:
    assert Drain.model_validate({}).model_dump(exclude_none=True) == {}


def test_the_api_server_gets_each_member_and_no_defaults() -> None:
    schema = structural(Drain)
    assert set(schema["properties"]) == set(WHOLE)
    assert "'default'" not in str(schema)


@pytest.mark.parametrize("key", ["", "-a", "a/b/c", "Example.com/x", "a b"])
def test_a_key_that_is_no_label_key_is_refused(key: str) -> None:
    rule = {"podSelector": {"matchExpressions": [{"key": key, "operator": "Exists"}]}, "behavior": "Skip"}
    with pytest.raises(ValidationError, match="key"):
        Drain.model_validate({"rules": [rule]})


def test_the_order_of_rules_belongs_to_whoever_applies_them() -> None:
    assert structural(Drain)["properties"]["rules"]["x-kubernetes-list-type"] == "atomic"
