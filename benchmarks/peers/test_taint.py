"""The Python peers' contract, case by case as in the Go peer's test: all contestants must do the same."""

import datetime
from typing import Any

import pytest
from benchmarks.peers.taint import ADD_TAINT, CHECKS, HEALTH, REMOVE_TAINT, TAINT, TAINTED_AT, decide, patch

FOREIGN = {"key": "team", "value": "a", "effect": "NoExecute"}
NOON = datetime.datetime(2025, 1, 2, 12, tzinfo=datetime.UTC)


def made(health: str, checks: str, annotated: bool, *taints: dict[str, str]) -> dict[str, Any]:
    labels = {key: value for key, value in ((HEALTH, health), (CHECKS, checks)) if value}
    meta: dict[str, Any] = {"name": "n", "resourceVersion": "7", "labels": labels}
    if annotated:
        meta["annotations"] = {TAINTED_AT: "2025-01-01T00:00:00Z"}
    return {"metadata": meta, "spec": {"taints": [*taints]} if taints else {}}


@pytest.mark.parametrize(
    ("node", "wanted"),
    [
        pytest.param(made("Schedulable", "Passed", False), None, id="a healthy node is left alone"),
        pytest.param(made("Unschedulable", "", False), ADD_TAINT, id="an unschedulable node is tainted"),
        pytest.param(made("UnschedulablePendingReboot", "", False), ADD_TAINT, id="any word that begins so taints"),
        pytest.param(made("Schedulable", "InProgress", False), ADD_TAINT, id="a running check taints"),
        pytest.param(made("Schedulable", "Failed", False), None, id="a failed check alone does not taint"),
        pytest.param(made("Unschedulable", "", True, TAINT), None, id="a tainted node stays tainted"),
        pytest.param(made("Schedulable", "", True, TAINT), REMOVE_TAINT, id="a healed node is released"),
        pytest.param(made("Schedulable", "", False, TAINT), None, id="somebody else's taint is not lifted"),
        pytest.param(made("Schedulable", "InProgress", True, TAINT), None, id="a running check keeps the taint"),
        pytest.param(made("Schedulable", "Failed", True, TAINT), None, id="a failed check keeps the taint"),
        pytest.param(made("", "", True, TAINT), None, id="no label keeps the taint"),
        pytest.param(
            made("Unschedulable", "", False, FOREIGN), ADD_TAINT, id="a foreign taint is not the health taint"
        ),
    ],
)
def test_decide(node: dict[str, Any], wanted: str | None) -> None:
    assert decide(node) == wanted


def test_tainting_keeps_foreign_taints_and_makes_the_annotations() -> None:
    guard, taints, annotations = patch(made("Unschedulable", "", False, FOREIGN), ADD_TAINT, now=NOON)
    assert guard == {"op": "test", "path": "/metadata/resourceVersion", "value": "7"}
    assert taints["value"] == [FOREIGN, TAINT]
    assert annotations["value"] == {TAINTED_AT: "2025-01-02T12:00:00Z"}


def test_tainting_adds_to_annotations_that_are_there() -> None:
    annotations = patch(made("Unschedulable", "", True), ADD_TAINT, now=NOON)[2]
    assert annotations["path"] == "/metadata/annotations/hyperpod-operator.dev~1tainted-at"


def test_release_takes_away_taint_and_annotation() -> None:
    _, taints, annotations = patch(made("Schedulable", "", True, TAINT, FOREIGN), REMOVE_TAINT, now=NOON)
    assert taints["value"] == [FOREIGN]
    assert annotations["op"] == "remove"
