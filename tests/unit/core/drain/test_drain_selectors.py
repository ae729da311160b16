"""Label selectors mean what they mean in Kubernetes."""

from typing import Any

import pytest

from hyperpod_operator.api.common.drain import LabelSelector
from hyperpod_operator.core.drain.selectors import matches, matches_namespace, needs_labels

LABELS = {"app": "train", "tier": "", "rank": "0"}


def expression(operator: str, key: str = "app", values: list[str] | None = None) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": values}]}


@pytest.mark.parametrize(
    ("selector", "answer"),
    [
        ({}, True),
        ({"matchLabels": {}}, True),
        ({"matchLabels": {"app": "train"}}, True),
        ({"matchLabels": {"app": "serve"}}, False),
        ({"matchLabels": {"tier": ""}}, True),
        ({"matchLabels": {"absent": ""}}, False),
        ({"matchLabels": {"app": "train", "rank": "1"}}, False),
        (expression("In", values=["serve", "train"]), True),
        (expression("In", values=["serve"]), False),
        (expression("In", "absent", values=[""]), False),
        (expression("NotIn", values=["serve"]), True),
        (expression("NotIn", values=["train"]), False),
        (expression("NotIn", "absent", values=["train"]), True),
        (expression("Exists"), True),
        (expression("Exists", "tier"), True),
        (expression("Exists", "absent"), False),
        (expression("DoesNotExist", "absent"), True),
        (expression("DoesNotExist"), False),
        ({"matchLabels": {"app": "train"}} | expression("DoesNotExist", "rank"), False),
    ],
)
def test_a_selector_matches_as_in_kubernetes(selector: dict[str, Any], answer: bool) -> None:
    assert matches(LabelSelector.model_validate(selector), LABELS) is answer


@pytest.mark.parametrize(
    "selector", [expression("In"), expression("NotIn"), expression("Exists", values=["x"]),
                 expression("DoesNotExist", values=["x"])]
)  # fmt: skip
def test_an_expression_that_kubernetes_refuses_has_no_answer(selector: dict[str, Any]) -> None:
    assert matches(LabelSelector.model_validate(selector), LABELS) is None


def test_what_is_false_without_the_unknown_part_is_false() -> None:
    both = {"matchLabels": {"app": "serve"}} | expression("In")
    assert matches(LabelSelector.model_validate(both), LABELS) is False


def test_unread_labels_fit_an_empty_selector_alone() -> None:
    assert matches(LabelSelector(), None) is True
    assert matches(None, None) is True
    assert matches(LabelSelector.model_validate({"matchLabels": {"app": "train"}}), None) is None


def test_the_name_of_a_namespace_needs_no_labels() -> None:
    named = LabelSelector.model_validate({"matchLabels": {"kubernetes.io/metadata.name": "research"}})
    assert not needs_labels(named)
    assert matches_namespace(named, name="research", labels=None) is True
    assert matches_namespace(named, name="other", labels=None) is False


def test_other_labels_of_a_namespace_have_to_be_read() -> None:
    teams = LabelSelector.model_validate({"matchLabels": {"team": "a"}})
    assert needs_labels(teams)
    assert matches_namespace(teams, name="research", labels=None) is None
    assert matches_namespace(teams, name="research", labels={"team": "a"}) is True


def test_a_namespace_cannot_pass_for_another_one_by_its_labels() -> None:
    named = LabelSelector.model_validate({"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}})
    forged = {"kubernetes.io/metadata.name": "kube-system"}
    assert matches_namespace(named, name="research", labels=forged) is False
