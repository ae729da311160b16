"""No text makes a regular expression of the operator expensive, whoever wrote it: a tenant, AWS, a node."""

from typing import Any

import pytest
from pydantic import BaseModel
from tests.contract.expressions import PATIENCE, Expression, cost, expressions

from hyperpod_operator.api.cluster.resource import HyperPodClusterSpec
from hyperpod_operator.api.volume.resource import EBSVolumeClaimSpec

ALL = list(expressions())
pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize("expression", ALL, ids=[one.where for one in ALL])
def test_no_text_makes_an_expression_expensive(expression: Expression) -> None:
    spent, text = cost(expression)
    assert spent < PATIENCE, f"{expression.where} {expression.text}: {spent:.1f} s for {text}"


@pytest.mark.parametrize(
    ("text", "use"),
    [
        ("(a+)+b", "fullmatch"),
        ("(a|a)*b", "fullmatch"),
        ("(a|ab)*c.*.*x", "search"),
        ("arn:aws:kms:.*:.*:key/.*", "fullmatch"),
        (r"(?<=//)[^/@\s]+:[^/@\s]+(?=@)", "sub"),
        (r"([0-9]+\.?[0-9]*)([A-Za-z]*)", "fullmatch"),
        (r"\s+$", "sub"),
        (r"x\w*\w*y", "match"),
    ],
)
def test_an_expression_that_backtracks_is_found(text: str, use: str) -> None:
    spent, _ = cost(Expression("here", text, frozenset({use})))
    assert spent > PATIENCE


def test_the_operators_expressions_are_found_at_all() -> None:
    assert len(ALL) >= 10
    assert any(one.where.startswith("aws/call/classify.py") for one in ALL)


def models(model: type[BaseModel]) -> set[type[BaseModel]]:
    found = {model}
    for field in model.model_fields.values():
        for kind in _classes(field.annotation):
            if kind not in found:
                found |= models(kind)
    return found


def _classes(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [kind for part in getattr(annotation, "__args__", ()) for kind in _classes(part)]


@pytest.mark.parametrize("root", [HyperPodClusterSpec, EBSVolumeClaimSpec])
def test_patterns_of_the_schema_run_on_an_engine_without_backtracking(root: type[BaseModel]) -> None:
    """Pydantic's default is Rust's regex, which takes linear time by construction; so is RE2 in the API server."""
    found = models(root)
    assert len(found) > 5
    assert {model.model_config.get("regex_engine", "rust-regex") for model in found} == {"rust-regex"}
