"""Our own writes come back as events; only a change that a user or controller made triggers a pass."""

from typing import Any

import pytest

from hyperpod_operator.api.names import ABANDON, RECONCILE_REQUESTED_AT
from hyperpod_operator.core.ports import Key
from hyperpod_operator.runtime.change_filter import ChangeFilter

KEY = Key("team", "blue")
OBJECT: dict[str, Any] = {"uid": "1", "generation": 1, "resourceVersion": "7"}


@pytest.fixture
def changes() -> ChangeFilter:
    seen = ChangeFilter()
    assert seen.is_new(KEY, event="ADDED", metadata=OBJECT)
    return seen


@pytest.mark.parametrize("event", ["MODIFIED", None])
def test_a_write_of_ours_triggers_nothing(changes: ChangeFilter, event: str | None) -> None:
    written = OBJECT | {"resourceVersion": "8", "finalizers": ["hyperpod-operator.dev/hyperpodcluster"]}
    assert not changes.is_new(KEY, event=event, metadata=written)


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
def test_a_change_by_a_person_triggers_one_pass(changes: ChangeFilter, change: dict[str, Any]) -> None:
    assert changes.is_new(KEY, event="MODIFIED", metadata=OBJECT | change)
    assert not changes.is_new(KEY, event="MODIFIED", metadata=OBJECT | change)


def test_a_deleted_object_triggers_a_pass_and_frees_its_entry(changes: ChangeFilter) -> None:
    assert changes.is_new(KEY, event="DELETED", metadata=OBJECT)
    assert changes.is_new(KEY, event="ADDED", metadata=OBJECT)


def test_another_object_triggers_a_pass(changes: ChangeFilter) -> None:
    assert changes.is_new(Key("team", "green"), event="ADDED", metadata=OBJECT)


def status_by(*writers: tuple[str, str]) -> dict[str, Any]:
    fields = [{"manager": name, "time": time, "subresource": "status"} for name, time in writers]
    return OBJECT | {"managedFields": [{"manager": "kubectl", "time": "1"}, *fields]}


def test_a_status_that_somebody_else_wrote_triggers_one_pass(changes: ChangeFilter) -> None:
    """A restore puts the status of an earlier object back, after the first pass over the new one."""
    restored = status_by(("velero-server", "2026-01-01T00:00:00Z"))
    assert changes.is_new(KEY, event="MODIFIED", metadata=restored)
    assert not changes.is_new(KEY, event="MODIFIED", metadata=restored)
    again = status_by(("velero-server", "2026-01-01T00:00:09Z"))
    assert changes.is_new(KEY, event="MODIFIED", metadata=again)


def test_our_own_status_over_that_of_somebody_else_triggers_nothing(changes: ChangeFilter) -> None:
    other, ours = ("velero-server", "2026-01-01T00:00:00Z"), ("hyperpod-operator", "2026-01-01T00:00:01Z")
    assert changes.is_new(KEY, event="MODIFIED", metadata=status_by(other))
    assert not changes.is_new(KEY, event="MODIFIED", metadata=status_by(other, ours))
    assert not changes.is_new(KEY, event="MODIFIED", metadata=status_by(ours))
