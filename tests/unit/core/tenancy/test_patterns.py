"""Patterns: what a star admits, against the definition of it, and that no value makes a comparison expensive."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperpod_operator.core.tenancy.patterns import Pattern, Patterns

SMALL = st.text(alphabet="ab*", max_size=7)


def by_definition(pattern: str, value: str) -> bool:
    """A star is nothing, or one character and a star; anything else is itself."""
    if not pattern:
        return not value
    if pattern[0] == "*":
        return by_definition(pattern[1:], value) or (bool(value) and by_definition(pattern, value[1:]))
    return bool(value) and pattern[0] == value[0] and by_definition(pattern[1:], value[1:])


@given(pattern=SMALL, value=st.text(alphabet="ab", max_size=8))
def test_a_pattern_admits_what_its_definition_says(pattern: str, value: str) -> None:
    assert Pattern.of(pattern).matches(value) == by_definition(pattern, value)


@pytest.mark.parametrize(("pattern", "value"), [("ab*ba", "aba"), ("a*a", "a"), ("*ab*ab*", "xabx")])
def test_pieces_do_not_share_characters(pattern: str, value: str) -> None:
    assert not Pattern.of(pattern).matches(value)


@pytest.mark.parametrize("sign", [".", "+", "?", "[a]", "\\", "$", "^"])
def test_a_pattern_knows_no_other_sign_than_the_star(sign: str) -> None:
    assert Patterns([f"role/{sign}"]).match(f"role/{sign}")
    assert not Patterns([f"role/{sign}*"]).match("role/a")


def test_a_pattern_is_anchored_at_both_ends() -> None:
    assert not Patterns(["role"]).match("role\nother")
    assert not Patterns(["role"]).match("xrole")
    assert Patterns(["a*b"]).match("a\n\nb")


def test_no_pattern_admits_nothing() -> None:
    assert not Patterns([]).match("")


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ("arn:aws:kms:*:*:key/*", "arn:aws:kms" + ":" * 2036),
        ("*a" * 1000 + "b", "a" * 2048),
        ("*" + "ab" * 500 + "*c", "ab" * 1024),
        ("*:*:*:*:*:*:*:*:*:*x", ":" * 2048),
    ],
)
def test_the_values_that_stop_a_backtracking_expression_take_no_time(pattern: str, value: str) -> None:
    made, started = Pattern.of(pattern), time.thread_time()
    for _ in range(100):
        assert not made.matches(value)
    # 100 of them, and maybe a search for garbage; a backtracking expression takes minutes for one.
    assert time.thread_time() - started < 5
