"""Each option has a test with the option's name in its own, and a row with its source in the simulator's README."""

import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import pytest

from hyperpod_testbed import simulator
from hyperpod_testbed.simulator import Options


def test_every_option_has_its_test():
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("test_simulator_*.py"))
    names = re.findall(r"^def (test_\w+)", text, re.MULTILINE)
    untested = [
        item.name for item in fields(Options) if not any(item.name.replace("_burst", "_rate") in name for name in names)
    ]
    assert untested == []


README = Path(simulator.__file__).parent / "README.md"


@pytest.mark.parametrize("name", [item.name for item in fields(Options)])
def test_the_readme_has_each_option_with_its_default_and_its_source(name):
    (row,) = (line for line in README.read_text().splitlines() if line.startswith(f"| `{name}` |"))
    _, _, default, _, source, meaning, _ = re.split(r"(?<!\\)\|", row)
    value = getattr(Options(), name)
    assert default.strip() == f"`{dict(value) if isinstance(value, Mapping) else value}`"
    assert re.search(r"\b(LIVE|DOC|MODEL|unknown)\b", source)
    assert meaning.strip()


@pytest.mark.parametrize("name", [item.name for item in fields(Options)])
def test_the_readme_has_each_other_answer_of_an_option(name):
    (row,) = (line for line in README.read_text().splitlines() if line.startswith(f"| `{name}` |"))
    hint, default = get_type_hints(Options)[name], getattr(Options(), name)
    choices = get_args(hint) if get_origin(hint) is Literal else (True, False) if hint is bool else ()
    listed = re.findall(r"`([^`]*)`", re.split(r"(?<!\\)\|", row)[3])
    if choices:
        assert sorted(listed) == sorted(str(one) for one in choices if one != default)


def test_the_readme_names_no_option_that_is_gone():
    table = README.read_text().partition("## Switches")[2].partition("\n## ")[0]
    named = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(named) == sorted(item.name for item in fields(Options))
