"""Our own writes come back as events; only what somebody wishes asks for a pass."""

from typing import Any

import pytest

from hyperpod_operator.api.names import ABANDON, RECONCILE_REQUESTED_AT
from hyperpod_operator.core.ports import Key
from hyperpod_operator.runtime.wishes import Wishes

KEY = Key("team", "blue")
OBJECT: dict[str, Any] = {"uid": "1", "generation": 1, "resourceVersion": "7"}


@pytest.fixture
def wishes() -> Wishes:
    seen = Wishes()
    assert seen.is_new(KEY, event="ADDED", metadata=OBJECT)
    return seen


@pytest.mark.parametrize("event", ["MODIFIED", None])
def test_a_write_of_ours_is_no_wish(wishes: Wishes, event: str | None) -> None:
    written = OBJECT | {"resourceVersion": "8", "finalizers": ["hyperpod-operator.dev/hyperpodcluster"]}
    assert not wishes.is_new(KEY, event=event, metadata=written)


@pytest.mark.parametrize(
    "change",
    [
        {"generation": 2},
        {"uid": "2"},
        {"deletionTimestamp": "2026-01-01T00:00:00Z"},
        {"annotations": {RECONCILE_REQUESTED_AT: "now"}},
        {"annotations": {ABANDON: "blue"}},
    ],
)
def test_what_a_person_does_is_one_once(wishes: Wishes, change: dict[str, Any]) -> None:
    assert wishes.is_new(KEY, event="MODIFIED", metadata=OBJECT | change)
    assert not wishes.is_new(KEY, event="MODIFIED", metadata=OBJECT | change)


def test_the_end_of_an_object_is_news_and_forgotten(wishes: Wishes) -> None:
    assert wishes.is_new(KEY, event="DELETED", metadata=OBJECT)
    assert wishes.is_new(KEY, event="ADDED", metadata=OBJECT)


def test_another_object_is_another_wish(wishes: Wishes) -> None:
    assert wishes.is_new(Key("team", "green"), event="ADDED", metadata=OBJECT)
