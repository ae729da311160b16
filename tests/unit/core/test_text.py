"""No character of a foreign text acts on whoever reads it."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperpod_operator.core.text import plain, plain_lines, plain_values


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


def test_lines_of_ours_stay_lines() -> None:
    assert plain_lines("one\x1b[2J\ntwo\r") == "one\ntwo "


def test_every_string_of_a_value_is_made_plain() -> None:
    value = {"a": "x\x07", "b": [{"c": "y\u202e"}, 1, None, True], "d": ("z\x00",)}
    assert plain_values(value) == {"a": "x", "b": [{"c": "y"}, 1, None, True], "d": ["z"]}
