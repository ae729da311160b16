"""Rules in CEL without an API server: the constructs that our schemas use, and what has no value."""

from typing import Any

import pytest

from hyperpod_operator.api.common.cel import CelError, rule_of
from hyperpod_operator.api.common.rules import rule, rules
from hyperpod_operator.api.common.spec_rules import OLD, rule_problems
from hyperpod_operator.api.common.text_rules import RULES
from hyperpod_operator.api.kinds import KINDS
from hyperpod_operator.api.members import spec_schema

GROUP = {"name": "a", "count": 2, "spot": {}, "labels": {"k": "v"}}


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        ("has(self.count)", GROUP, True),
        ("has(self.most)", GROUP, False),
        ("has(self.spot)", GROUP, True),
        ("!has(self.most) || self.most <= self.count", GROUP, True),
        ("!has(self.most) || self.most <= self.count", {**GROUP, "most": 3}, False),
        ("has(self.a) != has(self.b)", {"a": 1, "b": 1}, False),
        ("self.missing == 1 || self.count == 2", GROUP, True),
        ("self.missing == 1 && self.count == 3", GROUP, False),
        ("self.labels.all(k, k.startsWith('k'))", GROUP, True),
        ("self.all(g, self.exists_one(h, h == g))", ["a", "b"], True),
        ("self.all(g, self.exists_one(h, h == g))", ["a", "a"], False),
        ("self.exists(g, g.size() > 1)", ["a", "bc"], True),
        ("[has(self.name), has(self.x)].filter(x, x).size() == 1", GROUP, True),
        ("self in ['gp3', 'io1']", "io2", False),
        ("self.split(':')[1] == 'b'", "a:b", True),
        ("self.size() - self.indexOf('/') <= 3", "a/bc", True),
        ("self.lowerAscii().contains('aws:')", "x-AWS:", True),
        (r"self.matches(r'^[0-9]+\.[0-9]$')", "1.2", True),
        ("type(self) == int ? self >= 1 : self.size() <= 2", 0, False),
        ("type(self) == int ? self >= 1 : self.size() <= 2", "5%", True),
        ("(has(self.mode) ? self.mode : 'Direct') == 'Direct'", {}, True),
        ("self.contains(':' + 'x' + ':')", "a:x:b", True),
        ("self.on == 1", {"on": True}, False),
        ("(has(self.on) && self.on)", {"on": True}, True),
    ],
)
def test_a_rule_is_what_cel_takes_it_for(text: str, value: Any, holds: bool) -> None:
    assert rule_of(text)(value) is holds


@pytest.mark.parametrize(
    "text", ["self.reverse()", "self +", "(self", "self.map(x, x)", "'a\\n' == self", "has(self)", "self ]"]
)
def test_a_rule_beyond_that_part_of_cel_is_not_guessed(text: str) -> None:
    with pytest.raises(CelError):
        rule_of(text)


@pytest.mark.parametrize("value", [{}, {"count": "x"}, None, "text"])
def test_a_rule_without_a_value_has_no_answer(value: Any) -> None:
    with pytest.raises(CelError):
        rule_of("self.count < 1")(value)


def all_rules(node: Any) -> set[str]:
    if not isinstance(node, dict):
        return set()
    below = [*(node.get("properties") or {}).values(), node.get("items"), node.get("additionalProperties")]
    return {one["rule"] for one in node.get(RULES) or ()}.union(*(all_rules(one) for one in below))


def test_every_rule_of_every_spec_can_be_read() -> None:
    found = {one for kind in KINDS for one in all_rules(spec_schema(kind.spec)) if OLD not in one}
    assert len(found) > 50
    assert all(callable(rule_of(one)) for one in found)


def test_a_problem_has_the_place_that_the_rule_names() -> None:
    item = {"properties": {"a": {}}, **rules(rule("self.a == 1", message="one", path=".a"))}
    edit = rule("self == oldSelf", message="fixed")
    schema = {"properties": {"list": {"items": item, **rules(edit)}}}
    assert list(rule_problems(schema, {"list": [{"a": 1}, {"a": 2}, {}], "other": 1})) == [(("list", 1, "a"), "one")]
