"""Rules about texts that need no API server: the answer of CEL, and none about what the schema does not expect."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperpod_operator.api.common.bounds import MISTAKE, MOMENT_PATTERN
from hyperpod_operator.api.common.rules import rule, rules
from hyperpod_operator.api.common.text_rules import FORM, RULES, text_problems, text_rules
from hyperpod_operator.api.kinds import KINDS, Kind
from hyperpod_operator.api.members import spec_schema
from hyperpod_operator.core.moments import parse_time

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", **rules(rule("!self.contains('_')", message="no underscores"))},
        "list": {"type": "array", "items": {"type": "string", **rules(rule("self.startsWith('a')", message="an a"))}},
        "when": {"type": "string", **rules(rule("self.matches('^[0-9]+$')", message="digits"))},
        "other": {"type": "string", **rules(rule("self == oldSelf", message="it cannot change"))},
    },
}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"name": "a-b", "list": ["a"], "when": "12", "other": "x"}, []),
        ({"name": "a_b"}, [(("name",), "no underscores")]),
        ({"list": ["a", "b"]}, [(("list", 1), "an a")]),
        ({"when": "1x"}, [(("when",), "digits")]),
        ({"name": ["a_b"], "list": "b", "unknown": "a_b", "when": 7}, []),
        (["a_b"], []),
        (None, []),
    ],
)
def test_a_text_that_breaks_a_rule_is_found_where_it_is(value: Any, found: list[Any]) -> None:
    assert list(text_problems(SCHEMA, value)) == found


def leaves(schema: Any) -> list[str]:
    """The rules of all texts of a schema."""
    if not isinstance(schema, dict):
        return []
    own = schema.get("x-kubernetes-validations") or [] if schema.get("type") == "string" else []
    below = [*(schema.get("properties") or {}).values(), schema.get("items"), schema.get("additionalProperties")]
    return [*(one["rule"] for one in own), *(each for one in below for each in leaves(one))]


def test_the_rules_about_texts_of_all_kinds_are_told_apart_from_those_that_need_cel() -> None:
    found = {one for kind in KINDS for one in leaves(spec_schema(kind.spec))}
    assert "!self.contains('_')" in found
    assert r"self.matches(r'^[0-9]+\.[0-9]+\.[0-9]+$')" in found
    assert {one for one in found if "oldSelf" not in one and not FORM.fullmatch(one)} == set()


def about_texts(schema: Any) -> dict[str, Any]:
    """The part of a schema that texts with rules stand in."""
    if schema.get("type") == "string":
        return {RULES: schema[RULES]} if RULES in schema else {}
    below = {name: about_texts(one) for name, one in (schema.get("properties") or {}).items()}
    known = {name: one for name, one in below.items() if one}
    items = about_texts(schema["items"]) if "items" in schema else {}
    return ({"properties": known} if known else {}) | ({"items": items} if items else {})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
def test_a_model_has_the_rules_about_texts_of_its_schema(kind: Kind) -> None:
    assert text_rules(kind.spec) == about_texts(spec_schema(kind.spec))


WITHOUT_WORDS = {
    "onCreate": "everything fits",
    "onInitComplete": "everything fits",
    "mountName": "what does not fit is too long, and that is said",
    "alarmName": "only blanks do not fit",
    "approvedPlan": "it is copied",
    "nodeLogicalId": "it is copied",
    "nodeLogicalIds[]": "they are copied",
    **dict.fromkeys(
        ("labels{}", "matchLabels{}", "nodeSelector{}", "key", "value", "values[]"),
        "Kubernetes says the same of labels",
    ),
}
"""Members whose pattern alone is said, and why that is enough."""


def patterned(schema: Any, name: str = "") -> Iterator[tuple[str, bool]]:
    """The texts with a pattern, and whether a rule says it in words."""
    if schema.get("type") == "string" and "pattern" in schema:
        yield name, any("matches" in one["rule"] for one in schema.get(RULES) or ())
    for member, below in (schema.get("properties") or {}).items():
        yield from patterned(below, member)
    for word, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(schema.get(word), dict):
            yield from patterned(schema[word], name + mark)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
def test_a_text_of_another_form_is_answered_in_words(kind: Kind) -> None:
    found = list(patterned(spec_schema(kind.spec)))
    assert found
    assert {name for name, worded in found if not worded} <= WITHOUT_WORDS.keys()


SHORT = {
    **dict.fromkeys(("clusterName", "instanceGroupName"), "what is too long for a name is told so"),
    **dict.fromkeys(("names[]", "instanceType", "instanceTypes[]", "imageReleaseVersion"), "64 have room for mistakes"),
    **dict.fromkeys(("region", "availabilityZone", "availabilityZoneId"), "nobody writes an ARN there"),
    "matchLabels{}": "Kubernetes says the same of labels",
}
"""Members with a rule in words and few characters, and why they are enough."""


def lengths(schema: Any, name: str = "") -> Iterator[tuple[str, int]]:
    """The texts that a rule is about, and how long they may be."""
    if schema.get("type") == "string" and schema.get(RULES):
        yield name, schema["maxLength"]
    for member, below in (schema.get("properties") or {}).items():
        yield from lengths(below, member)
    for word, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(schema.get(word), dict):
            yield from lengths(schema[word], name + mark)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
def test_a_rule_in_words_is_reached_by_what_people_write_instead(kind: Kind) -> None:
    """The API server judges no rule of a text that is too long."""
    found = list(lengths(spec_schema(kind.spec)))
    assert found
    assert {name for name, most in found if most < MISTAKE} <= SHORT.keys()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
def test_no_text_of_a_spec_has_the_format_of_times(kind: Kind) -> None:
    """The API server takes lists for them, and then nothing can be written to the object any more."""
    assert [node for node in nodes_of(spec_schema(kind.spec)) if node.get("format")] == []


def nodes_of(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for below in schema.values():
            yield from nodes_of(below)
    elif isinstance(schema, list):
        for below in schema:
            yield from nodes_of(below)


FIRST, LAST = datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2099-12-31")


@given(st.datetimes(min_value=FIRST, max_value=LAST), st.integers(-1439, 1439))
def test_every_moment_of_this_century_has_the_form(moment: datetime, minutes: int) -> None:
    offset = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    assert re.search(MOMENT_PATTERN, f"{moment.isoformat()}{offset}")


@given(st.from_regex(MOMENT_PATTERN, fullmatch=True))
def test_what_has_the_form_is_a_moment(text: str) -> None:
    found = parse_time(text)
    assert found is not None
    assert found.tzinfo is not None


@pytest.mark.parametrize("day", ["2026-02-29", "2100-02-29", "2026-04-31", "2026-00-01", "2026-13-01", "2026-01-32"])
def test_a_day_that_the_calendar_lacks_has_not(day: str) -> None:
    assert not re.search(MOMENT_PATTERN, f"{day}T00:00:00Z")
