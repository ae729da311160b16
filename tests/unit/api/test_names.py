"""The dictionary and its documentation are one."""

import re
from pathlib import Path

import pytest

from hyperpod_operator.api.kinds import KINDS, Kind
from hyperpod_operator.api.names import ConditionType, Reason
from hyperpod_operator.runtime.watch import KOPF_FINALIZER

DOCUMENT = (Path(__file__).parents[3] / "docs" / "conditions.md").read_text()
ENTRIES = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", DOCUMENT, re.MULTILINE)


@pytest.mark.parametrize("name", [*ConditionType, *Reason])
def test_each_name_has_an_entry_with_a_meaning_and_a_remedy(name: str) -> None:
    meanings = [(meaning, remedy) for entry, meaning, remedy in ENTRIES if entry == name]
    assert meanings
    assert all(meaning.strip() and remedy.strip() for meaning, remedy in meanings)


def test_no_entry_is_about_a_name_that_does_not_exist() -> None:
    assert {entry for entry, _, _ in ENTRIES} <= {*map(str, ConditionType), *map(str, Reason)}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_kopf_never_learns_our_finalizers_name(kind: Kind) -> None:
    """Kopf removes the finalizer that its settings name from every object that it serves."""
    assert kind.finalizer != KOPF_FINALIZER
