"""No character of a foreign text acts on whoever reads it."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperpod_operator.core.text import contrasted, plain, plain_lines, plain_values, sentence


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("as it is: äöü 漢字 🙂 \u00a0", "as it is: äöü 漢字 🙂 \u00a0"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPdevice\x1b\\after", "after"),
        ("\x1bcreset", "reset"),
        ("two\r\nlines", "two lines"),
        ("a\u2028b\x85c\td", "a b c d"),
        ("admin\u202egnp.exe", "admingnp.exe"),
        ("zero\u200b\u200d\ufeffwidth\u2066\u2069", "zerowidth"),
        ("nul\x00bell\x07\x7f", "nulbell"),
        ("half \ud800 pair", "half  pair"),
    ],
)
def test_what_becomes_of_it(text: str, said: str) -> None:
    assert plain(text) == said


@given(st.text(st.characters(max_codepoint=sys.maxunicode)))
def test_no_control_or_format_character_is_left(text: str) -> None:
    said = plain(text)
    assert not [letter for letter in said if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert plain(said) == said


def test_what_never_ends_costs_no_more_than_its_length() -> None:
    for text in ("\x1b]" * 200_000, "\x1b[" + "1;" * 200_000, "\x1b" * 400_000):
        assert "\x1b" not in plain(text)


@pytest.mark.parametrize(
    ("words", "ended"),
    [
        ("No capacity", "No capacity."),
        ("No capacity. ", "No capacity."),
        ("Try again!", "Try again!"),
        ("Is it there?", "Is it there?"),
        ("Reasons:", "Reasons."),
        ("cut…", "cut…"),
        ("", ""),
    ],
)
def test_words_of_others_end_before_ours_begin(words: str, ended: str) -> None:
    assert sentence(words) == ended


def test_lines_of_ours_stay_lines() -> None:
    assert plain_lines("one\x1b[2J\ntwo\r") == "one\ntwo "


def test_every_string_of_a_value_is_made_plain() -> None:
    value = {"a": "x\x07", "b": [{"c": "y\u202e"}, 1, None, True], "d": ("z\x00",)}
    assert plain_values(value) == {"a": "x", "b": [{"c": "y"}, 1, None, True], "d": ["z"]}


@given(st.text(max_size=80), st.text(max_size=80), st.integers(20, 60))
def test_contrasted_values_are_short_and_unlike_as_the_whole_ones_are(one: str, other: str, most: int) -> None:
    before, after = contrasted(one, other, most=most)
    assert max(len(before), len(after)) <= most
    assert (before == after) == (one == other)


def test_two_addresses_that_differ_at_their_ends_show_them() -> None:
    bucket = "s3://sagemaker-hyperpod-lifecycle-research-us-west-2/scripts"
    before, after = contrasted(f"{bucket}/v1", f"{bucket}/v2", most=60)
    assert (before[-10:], after[-10:]) == ("scripts/v1", "scripts/v2")


def test_short_values_stay_whole() -> None:
    assert contrasted("4", "6", most=60) == ("4", "6")
