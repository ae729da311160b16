"""The rules of the schema say the same without an API server as the real one says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.generated.bases import seen
from tests.generated.edits import edits
from tests.generated.effort import WHOLE, effort
from tests.generated.schema import SPEC, valid
from tests.generated.server import Answer, Json, Server

from hyperpod_operator.api.common.spec_rules import OLD, rule_problems
from hyperpod_operator.api.common.text_rules import RULES

pytestmark = [pytest.mark.control_plane, pytest.mark.timeout(0)]

NAME = "research"
UNCHECKED = "some validation rules were not checked"
"""Words of the API server about a resource that does not fit the schema."""
FRACTION = "expected int, got float64"
"""Its words about `1.0` where a rule reads an integer: the schema takes it, and no rule does."""


def messages(node: Any) -> set[str]:
    """Of all rules of the schema whose message says no value."""
    if not isinstance(node, dict):
        return set()
    own = {one["message"] for one in node.get(RULES, ()) if OLD not in one["rule"] and "messageExpression" not in one}
    return own.union(*(messages(below) for below in [*node.get("properties", {}).values(), node.get("items")]))


SAID = messages(SPEC)


def said(answer: Answer) -> set[str]:
    causes = (answer.body.get("details") or {}).get("causes") or []
    return {words for cause in causes for words in SAID if cause["message"].endswith(words)}


def assert_same(spec: Json, answer: Answer) -> None:
    if UNCHECKED in answer.message or FRACTION in answer.message:
        return
    found = {words for _, words in rule_problems(SPEC, spec)} & SAID
    assert found == said(answer), f"{answer.message}\n{spec}"


@effort(WHOLE, by_default=60)
@given(spec=valid(SPEC, seen=seen()))
def test_a_spec_at_random(server: Server, spec: Json) -> None:
    assert_same(spec, server.create(NAME, spec, dry_run=True))


@effort(WHOLE, by_default=60)
@given(data=st.data())
def test_a_spec_with_a_mistake(server: Server, bases: list[Json], data: st.DataObject) -> None:
    base = data.draw(st.sampled_from(bases))
    spec = data.draw(edits(base, seen())).on(base)
    assert_same(spec, server.create(NAME, spec, dry_run=True))
